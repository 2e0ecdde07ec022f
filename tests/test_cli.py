"""What every script shares."""

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src"


def test_a_script_prints_where_the_locale_has_no_letters():
    program = (
        "import argparse; from symmetry_constrained import cli;"
        "cli.run(lambda arguments: print('R\\u0304'), argparse.ArgumentParser())"
    )
    values = os.environ | {"PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "ascii"}
    run = subprocess.run([sys.executable, "-c", program], env=values, capture_output=True, text=True)
    assert (run.stdout, run.stderr, run.returncode) == ("R\\u0304\n", "", 0)
