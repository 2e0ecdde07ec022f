"""A notebook's page and pictures are the same bytes in any environment."""

import json
import subprocess
import sys
from pathlib import Path

from helpers.runs import environment
from snakemake.utils import format as snakemake_format

from symmetry_constrained.runs import commands

SOURCE = """\
import matplotlib.pyplot as plt
import pandas as pd
from pathlib import Path
from symmetry_constrained.figures import style

style.use_style()
figure, axes = plt.subplots()
axes.plot([1, -3, 2], label="line")
axes.set_title("A title")
style.save(figure, Path(results) / "figure", pd.DataFrame())
plt.show()
print("end")
"""
NAMES = ("notebook.html", "figure.svg", "figure.png")


def cell(source: str, *tags: str) -> dict:
    return {
        "cell_type": "code",
        "id": f"cell-{len(source)}",
        "metadata": {"tags": list(tags)},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


def project(folder: Path) -> Path:
    """A folder with a notebook, as a checkout has them."""
    (folder / "notebooks").mkdir(parents=True)
    cells = [cell('results = "."', "parameters"), cell(SOURCE)]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}
    (folder / "notebooks/source.ipynb").write_text(json.dumps(notebook))
    return folder


def run(folder: Path, **changes: str) -> dict[str, bytes]:
    """What the command of a notebook's rule leaves, in this environment."""
    sources = Path(__file__).parents[2] / "src"
    command = snakemake_format(
        commands.prefix(sys.executable, sources) + commands.NOTEBOOK,
        params=type("Params", (), {"parameters": json.dumps({"results": ".."})}),
        input=type("Input", (), {"code": ["notebooks/source.ipynb"]}),
        output=type("Output", (), {"notebook": "notebook.ipynb"}),
        log="log",
    )
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment(**changes), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + (folder / "log").read_text()
    return {name: (folder / name).read_bytes() for name in NAMES}


def hostile(home: Path) -> dict[str, str]:
    """Variables and files by which a user's settings reach Matplotlib, IPython, Jupyter and Python."""
    files = {
        "matplotlibrc": "lines.linewidth: 17\naxes.facecolor: red\n",
        ".config/matplotlib/matplotlibrc": "lines.linewidth: 17\naxes.facecolor: red\n",
        ".ipython/profile_default/startup/mine.py": "print('of the user')\nresults = '/nowhere'\n",
        ".ipython/profile_default/ipython_kernel_config.py": "c.InlineBackend.figure_formats = {'svg'}\n",
        ".jupyter/jupyter_nbconvert_config.py": "c.HTMLExporter.template_name = 'classic'\n",
        ".local/share/jupyter/kernels/python3/kernel.json": json.dumps({"argv": ["false"], "display_name": "mine"}),
        "start.py": "print('of the user')\n",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return {
        "HOME": str(home),
        "MPLBACKEND": "Agg",
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
        "MPLCONFIGDIR": str(home / ".config/matplotlib"),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_PATH": str(home / ".local/share/jupyter"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PYTHONSTARTUP": str(home / "start.py"),
        "PYTHONOPTIMIZE": "2",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
    }


def test_the_users_settings_do_not_reach_a_notebook(tmp_path):
    plain = run(project(tmp_path / "plain"))
    assert plain["notebook.html"].count(b'src="data:image/png;base64,') == 1
    found = run(project(tmp_path / "an 'odd' folder {x}"), **hostile(tmp_path / "home"))
    assert found == plain
