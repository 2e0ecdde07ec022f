"""Other users than the one who runs the tests: what to put before a command."""

import os
import shutil
import subprocess

IS_ROOT = os.geteuid() == 0
# A user who may read what root's interpreter is made of, and write nothing but his own.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search")
NOBODY += ("--ambient-caps=+dac_read_search",)
# Root is no more than the owner of his files.
MORTAL = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")


def works(*command: str) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run([*command, "true"], capture_output=True).returncode == 0
