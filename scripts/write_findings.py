"""Write the report's opening page: what was found, a line per figure, from the titles computed for them."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.figures.titles import title_of

OPENING = """\
A replication of D. L. Bergman, "Symmetry constrained machine learning" (arXiv:1811.07051): small tanh networks with and
without biases, on raw pixels or on features that do not change when an image's grayscale is inverted.

What was found:

{findings}

Beside this page are `all tables and figures <index.html>`_, from where the notebooks are linked, `every claim and its
verdict <verdicts.md>`_, and `networks that answer what you draw <explore.html>`_.

Open a category on the left. Each figure's data lies beside it as CSV, every network trained is a row of
``tables/networks.csv``, and the graph on this page says which step made what.
"""


def main(arguments: argparse.Namespace) -> None:
    findings = "\n".join(f"- {title_of(path)}" for path in arguments.figures)
    artifacts.write_text(OPENING.format(findings=findings), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, nargs="+", help="PNG files of the figures, in order")
    parser.add_argument("--out", type=Path, required=True, help="the page, as reStructuredText")
    cli.run(main, parser)
