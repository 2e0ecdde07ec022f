"""Templates: what they include is named, what they need is given, and values are escaped."""

import pytest

from symmetry_constrained.pages import templating


@pytest.fixture
def room(tmp_path, monkeypatch):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "a.html").write_text('<style>{% include "a.css" %}</style><p>{{ text }}</p>\n')
    (folder / "a.css").write_text("p > b { margin: 0 }")
    monkeypatch.setattr(templating, "TEMPLATES", folder)


def test_what_is_included_is_as_it_is_and_values_are_escaped(room):
    page = templating.render("templates/a.html", ("templates/a.css",), text="<b> & 'c'")
    assert page == "<style>p > b { margin: 0 }</style><p>&lt;b&gt; &amp; &#39;c&#39;</p>\n"


def test_a_part_that_is_not_named_and_a_value_that_is_not_given_are_refused(room):
    with pytest.raises(ValueError, match=r"^templates/a.html: .*a.css"):
        templating.render("templates/a.html", (), text="")
    with pytest.raises(ValueError, match=r"^templates/a.html: 'text' is undefined"):
        templating.render("templates/a.html", ("templates/a.css",))
