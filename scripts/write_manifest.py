"""Write manifest.json, every file of a run with its hash and what made it, and the same as ro-crate-metadata.json.

The sources are copied to the folder code/ beside them.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's library, installed or not

from symmetry_constrained import cli
from symmetry_constrained.runs import manifest, recovery


def main(arguments: argparse.Namespace) -> None:
    text = arguments.listing.read_text(encoding="utf-8")
    before = recovery.read(arguments.before) if arguments.before else {}
    listing = recovery.restored(arguments.results, manifest.read_listing(text), before)
    entries = manifest.collect(arguments.results, listing, arguments.sources, Path())
    manifest.write(arguments.results, manifest.describe(arguments.results), entries, arguments.unrecorded)
    cli.say(f"{len(entries):,} files, {sum(entry['bytes'] for entry in entries.values()) / 1e6:,.0f} MB, recorded")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "results", type=Path, help="folder of a finished run, as seen from the project, the folder here"
    )
    parser.add_argument("--listing", type=Path, required=True, help="output of snakemake --detailed-summary")
    parser.add_argument("--before", type=Path, help="the last manifest, for files of which the listing knows nothing")
    parser.add_argument("--sources", nargs="+", required=True, help="the Snakefile and what it includes")
    parser.add_argument("--unrecorded", nargs="*", default=[], help="files in the folder that may be there or not")
    cli.run(main, parser)
