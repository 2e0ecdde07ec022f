"""The page of an executed notebook: one file that opens without a network, its code folded away."""

from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from symmetry_constrained.artifacts import write_text

TEMPLATE = "templates/notebook.html"


def write(notebook: Path) -> None:
    """Write the page beside the executed notebook; equal notebooks give equal pages.

    Papermill gives the cell that holds the parameters a random name, which the page would show: it gets a fixed one, in
    the notebook too.
    """
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "parameters"
    write_text(nbformat.writes(content) + "\n", notebook)
    headings = [cell.source.lstrip("# ").split("\n")[0] for cell in content.cells if cell.source.startswith("# ")]
    exporter = HTMLExporter(raw_template=(Path(__file__).parent / TEMPLATE).read_text(encoding="utf-8"))
    title = {"metadata": {"name": (headings or [notebook.stem])[0]}}
    page, _ = exporter.from_notebook_node(content, resources=title)
    write_text(page, notebook.with_suffix(".html"))
