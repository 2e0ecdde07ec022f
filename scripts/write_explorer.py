"""Write a page on which a reader draws a digit, slides it to its negative, and sees what trained networks answer."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import artifacts, cli
from symmetry_constrained.data.datasets import Dataset
from symmetry_constrained.data.splits import Split
from symmetry_constrained.pages import explorer


def main(arguments: argparse.Namespace) -> None:
    shown, test = explorer.networks(arguments.batches), None
    if shown:
        if arguments.data is None or arguments.split is None:
            raise ValueError("networks need --data and --split, for the images that they are shown")
        test = explorer.images(Dataset.read(arguments.data), Split.read(arguments.split))
    artifacts.write_text(explorer.page(shown, test), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=Path, nargs="*", default=[], help="folders of batches, all of one split")
    parser.add_argument("--data", type=Path, help="folder with images.npy and labels.npy")
    parser.add_argument("--split", type=Path, help="folder split-N with rows.csv and scaling.csv")
    parser.add_argument("--out", type=Path, required=True, help="the page, as HTML")
    cli.run(main, parser)
