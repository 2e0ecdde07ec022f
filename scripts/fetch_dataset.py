"""Store a dataset's images and labels as arrays, once their bytes are checked; download them first where need be."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import cli
from symmetry_constrained.data import reading, registry


def main(arguments: argparse.Namespace) -> None:
    row = registry.known(arguments.dataset)
    folder = arguments.data_folder / row.name
    if row.files:
        # pooch and requests are needed for these datasets alone.
        from symmetry_constrained.data import download

        # The second is where torchvision itself would have put them.
        others = [arguments.data_folder / row.torchvision / "raw"] if row.torchvision else []
        download.fetch(row, folder, cli.say, others)
    reading.load(row.name, folder).write(arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(registry.table())}")
    parser.add_argument(
        "--data-folder",
        type=Path,
        default=Path("data"),
        help="what is downloaded is kept in its folder DATASET, and looked for there first (default: data)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for images.npy and labels.npy")
    cli.run(main, parser)
