"""A notebook's page: one file without addresses elsewhere, its code folded away, the same bytes every time."""

import re

import nbformat
import pytest
from nbformat import v4

from symmetry_constrained.pages import notebook


@pytest.fixture
def executed(tmp_path):
    png = {"image/png": "iVBORw0KGgo="}
    cells = [
        v4.new_markdown_cell("# Over-fitting & images\n\nR + R̄ ≤ 1, f<sub>a</sub>(x)", id="first"),
        v4.new_code_cell("results = 1", id="random", metadata={"tags": ["injected-parameters"]}),
        v4.new_code_cell("print(1 < 2)", id="last", outputs=[v4.new_output("display_data", data=png)]),
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "notebook.ipynb")
    return tmp_path / "notebook.ipynb"


def test_the_page_needs_no_other_file(executed):
    notebook.write(executed)
    page = executed.with_suffix(".html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|iframe)\b", page) and "cdnjs" not in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert page.count('src="data:image/png;base64,') == 1
    assert "<title>Over-fitting &amp; images</title>" in page and "f<sub>a</sub>(x)" in page
    assert page.count('<details class="code">') == 2


def test_equal_notebooks_give_equal_pages(executed):
    notebook.write(executed)
    first = executed.read_bytes(), executed.with_suffix(".html").read_bytes()
    assert b'"id": "parameters"' in first[0] and b"random" not in first[0]
    notebook.write(executed)
    assert first == (executed.read_bytes(), executed.with_suffix(".html").read_bytes())
