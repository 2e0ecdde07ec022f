"""Store a dataset's images and labels as arrays, once their bytes are checked; download them first where need be."""

import argparse
from pathlib import Path

from symmetry_constrained import cli
from symmetry_constrained.data import datasets, download

RESOURCES = Path(__file__).parent.parent / "workflow/resources"


def main(arguments: argparse.Namespace) -> None:
    name = arguments.dataset
    datasets.check_name(name)
    folder = arguments.data_folder / name
    if name in datasets.TORCHVISION:
        kind, listed = datasets.TORCHVISION[name], arguments.sources or RESOURCES / f"{name}.yaml"
        known = download.read_list(listed) if arguments.sources or listed.exists() else download.of_torchvision(kind)
        # Where torchvision itself would have put them.
        download.fetch(name, *known, folder, cli.say, others=[arguments.data_folder / kind / "raw"])
    datasets.load(name, folder).write(arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(datasets.SHAPES)}")
    parser.add_argument(
        "--data-folder",
        type=Path,
        default=Path("data"),
        help="what is downloaded is kept in its folder DATASET, and looked for there first (default: data)",
    )
    parser.add_argument(
        "--sources",
        type=Path,
        help="YAML list of files, checksums and sources (default: workflow/resources/DATASET.yaml, or torchvision's)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for images.npy and labels.npy")
    cli.run(main, parser)
