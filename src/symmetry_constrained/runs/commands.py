"""The command lines of the workflow's jobs: which interpreter runs them, and how values become options."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOME = ".snakemake/home"  # where the user has none
# Of what a job prints, only why its script ended: `train_batch.py: ...`. Its log has all.
HUSHED = " exec > >(while IFS= read -r line; do [[ $line == *.py:\\ * ]] && printf '%s\\n' \"$line\"; done);"


def prefix(python: str, sources: Path, hushed: bool = False) -> str:
    """What every job's shell starts with: bash's strict mode, the interpreter, this checkout's library, a home.

    python: the interpreter's path, for jobs to call as "$PYTHON". A rule's own text must not name it, because Snakemake
    reruns a rule whose text has changed: another environment or a moved checkout would rerun everything. Without a
    home of the user's own there is one in Snakemake's folder, never a temporary folder that users share. hushed: little
    that the job prints is shown. Braces are doubled, since Snakemake formats the text.
    """
    text = (
        f"set -euo pipefail; PYTHON={shlex.quote(python)}; export PYTHONPATH={shlex.quote(str(sources))};"
        f' [ -O "${{HOME:-}}" -a -w "${{HOME:-}}" ] || {{ export HOME="$PWD/{HOME}"; mkdir -p -m 700 "$HOME"; }}; '
        f"{HUSHED if hushed else ''} "
    )
    return text.replace("{", "{{").replace("}", "}}")


def logged(arguments: str) -> str:
    """The shell command of a rule whose first `input.code` is a script; what the script prints is shown and logged.

    arguments: the rest of the command, with Snakemake's placeholders, each of them quoted: `--out {output:q}`.
    """
    return f'"$PYTHON" {{input.code[0]:q}} {arguments} 2>&1 | tee {{log:q}}'


# Of the user's environment, what a notebook is run with: where programs are found, and nothing of how they draw.
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")
PAGE = "import pathlib, sys; from symmetry_constrained.pages import notebook; notebook.write(pathlib.Path(sys.argv[1]))"
# Runs one notebook and writes its page as HTML. Settings of Matplotlib, IPython and Jupyter, in variables or in the
# user's home, would reach the pictures, so that it has a home of its own, and one thread.
NOTEBOOK = (
    f'home="$PWD/{HOME}"; mkdir -p -m 700 "$home"; user="${{{{PYTHONUSERBASE:-${{{{HOME:-}}}}/.local}}}}";'
    ' run=(env -i HOME="$home" PYTHONUSERBASE="$user" PYTHONUTF8=1 LANG=C.UTF-8 OMP_NUM_THREADS=1);'
    f" for name in {' '.join(KEPT)}; do"
    ' if [ -n "${{!name:-}}" ]; then run+=("$name=${{!name}}"); fi; done;'
    ' "${{run[@]}}" "$PYTHON" -m papermill -k python3 --cwd notebooks -y {params.parameters:q} --no-progress-bar'
    " {input.code[0]:q} {output.notebook:q} > {log:q} 2>&1"
    f' && "${{{{run[@]}}}}" "$PYTHON" -c "{PAGE}" {{output.notebook:q}} >> {{log:q}} 2>&1'
)


def words(options: Mapping[str, Any]) -> list[str]:
    """Options as words of a command line, unquoted: for a placeholder `{params.options:q}`, or for shlex.join.

    A list is one option with several values, `--seeds 1 2`, and a mapping one option for each of its entries,
    `--target=digits=0.7`, or for each item of an entry that is a list. Anything else is `--name=value`, so that a value
    may begin with a dash. ValueError for an item of a list that begins with a dash and would be taken for an option.
    """
    parts = []
    for key, value in options.items():
        name = f"--{key.replace('_', '-')}"
        if isinstance(value, Mapping):
            for entry, items in value.items():
                parts += [f"{name}={entry}={item}" for item in (items if isinstance(items, list | tuple) else [items])]
        elif isinstance(value, list | tuple):
            for item in map(str, value):
                if item.startswith("-"):
                    raise ValueError(f"{name}: {item!r} begins with a dash; it would be taken for an option")
            parts += [name, *map(str, value)]
        else:
            parts.append(f"{name}={value}")
    return parts
