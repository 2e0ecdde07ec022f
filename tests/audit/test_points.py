"""Pictures read back: places of marks, lines and bands by the labels of ticks, and against the data beside them."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from symmetry_constrained.audit import points, svg
from symmetry_constrained.audit.checks import UnreadableError
from symmetry_constrained.audit.points import Series
from symmetry_constrained.audit.results import Results
from symmetry_constrained.figures import style

DATA = pd.DataFrame({"images": [20, 200, 2000, 20, 200, 2000], "mean": [0.2, 0.45, 0.8, 0.1, 0.2, 0.3]})
DATA = DATA.assign(low=DATA["mean"] - 0.031, high=DATA["mean"] + 0.017, model=["a"] * 3 + ["b"] * 3)


@pytest.mark.parametrize(
    ("label", "value"),
    [
        *(("0.25", 0.25), ("−1", -1.0), ("1,000", 1000.0), ("5k", 5e3), ("20ms", 0.02), ("2µs", 2e-6), ("50 %", 0.5)),
        *(("$\\mathdefault{10^{-3}}$", 1e-3), ("$10^{4}$", 1e4), ("$\\mathdefault{-10^{2}}$", -100.0)),
        *(("pixels, trained on X", None), ("free", None), ("", None), ("1.2.3", None)),
    ],
)
def test_what_a_label_says(label, value):
    assert svg.number(label) == (value if value is None else pytest.approx(value, rel=1e-12))


def drawn(folder, names=False):
    """A figure of both models, on a linear and a logarithmic axis, or down the page with a name for each."""
    style.use_style()
    figure, axes = plt.subplots(1, 2, sharey=True, layout="constrained")
    for panel, (_, own) in zip(axes, DATA.groupby("model"), strict=True):
        if names:
            for place, (_, row) in enumerate(own.iterrows()):
                panel.plot([row["low"], row["high"]], [place, place])
                panel.plot(row["mean"], place, marker="D")
            panel.set_yticks(range(len(own)), [f"of {count}" for count in own["images"]])
        else:
            panel.plot(own["images"], own["mean"], marker="o")
            panel.fill_between(own["images"], own["low"], own["high"], alpha=0.2)
            panel.set_xscale("log")
        panel.axhline(0.1, linestyle=":") if not names else panel.axvline(0.1, linestyle=":")
        panel.legend(["line"])
    figure.suptitle("A title")
    style.save(figure, folder / "figures/made-up", DATA)
    plt.close(figure)
    return folder


@pytest.fixture
def made(monkeypatch, tmp_path):
    monkeypatch.setitem(points.SERIES, "made-up", (Series(("images",), points.MEAN),))
    (tmp_path / "figures").mkdir()
    return drawn(tmp_path)


@pytest.fixture
def named(monkeypatch, tmp_path):
    monkeypatch.setitem(points.SERIES, "made-up", (Series(points.MEAN),))
    (tmp_path / "figures").mkdir()
    return drawn(tmp_path, names=True)


def told(folder):
    (check,) = points.check(Results(folder), "made-up")
    return check.ok, check.found


def change(folder, edit):
    path = folder / "figures/made-up.svg"
    text = path.read_text(encoding="utf-8")
    edited = edit(text)
    assert edited != text
    path.write_text(edited, encoding="utf-8")


def test_a_picture_shows_its_data(made):
    panels = svg.panels("a", (made / "figures/made-up.svg").read_bytes())
    assert [len(panel.marks) for panel in panels] == [3, 3]
    # Two labels may fit a linear and a logarithmic axis; the latter comes last.
    (*_, x), (y,) = (panels[1].scales(axis, panels) for axis in "xy")
    own = DATA[DATA["model"] == "b"]
    found = np.stack([x(own["images"].to_numpy()), y(own["mean"].to_numpy())], axis=1)
    np.testing.assert_allclose(found, panels[1].marks, atol=svg.RESOLUTION)
    ok, found = told(made)
    assert ok and int(found.split()[0]) >= 2 * 3 * 4, found


def test_so_does_one_with_names_along_an_axis(named):
    ok, found = told(named)
    assert ok, found


def moved(pattern, by=0.05):
    """The first number of what the pattern finds, moved by a twentieth of a point."""

    def edit(text):
        found = re.search(pattern, text, re.DOTALL)
        assert found, pattern
        return text[: found.start(1)] + f"{float(found[1]) + by:.6f}" + text[found.end(1) :]

    return edit


LINE = r'<g id="line2d_\d+">\s*<path d="M [\d.]+ [\d.]+ \nL [\d.]+ ([\d.]+) \nL'
MARK = r'clip-path="[^"]*">\s*<use xlink:href="#\w+" x="([1-9][\d.]+)"'
INTERVAL = r'<path d="M ([\d.]+) ([\d.]+) \nL [\d.]+ \2 \n" clip-path="[^"]*" style="fill: none; stroke: #(?!cccccc)'
BAND = r'<g id="FillBetween\w+">\s*<defs>\s*<path id="\w+" d="M [\d.]+ -[\d.]+ \nL ([\d.]+)'


@pytest.mark.parametrize(
    ("pattern", "says"), [(MARK, "no point of the data"), (LINE, "leaves the data"), (BAND, "leaves the data")]
)
def test_a_point_that_is_moved_is_found(made, pattern, says):
    change(made, moved(pattern))
    ok, found = told(made)
    assert not ok and says in found


def test_a_mark_or_an_interval_that_is_moved_along_an_axis_is_found(named):
    change(named, moved(MARK))
    assert "no point of the data" in told(named)[1]
    drawn(named, names=True)
    change(named, moved(INTERVAL))
    assert "leaves the data" in told(named)[1]


def test_a_line_that_is_left_out_or_replaced_is_found(made):
    change(made, lambda text: re.sub(r'<g clip-path="[^"]*">\s*<use[^>]*y="\d[^>]*>.*?</g>', "", text, flags=re.DOTALL))
    change(
        made,
        lambda text: re.sub(r'(<g id="line2d_\d+">)\s*<path d="M [\d.]+ [\d.]+ \nL [\d. ]+\nL [^>]*>', r"\1", text),
    )
    assert "are not drawn" in told(made)[1]


def test_data_that_is_not_what_is_drawn_is_found(made):
    DATA.assign(mean=DATA["mean"].replace(0.45, 0.451)).to_csv(made / "figures/made-up.csv", index=False)
    ok, found = told(made)
    assert not ok and "mark" in found


def test_a_label_that_moves_the_scale_is_found(made):
    change(made, lambda text: text.replace("<!-- 0.2 -->", "<!-- 0.3 -->"))
    assert not told(made)[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<g id="axes_1">', '<g id="axes_1" transform="translate(9 0)">'),
        ('<g id="axes_1">', '<g id="axes_1" display="none">'),
        ('<g id="axes_1">', '<g id="axes_1" style="visibility: hidden">'),
        ("</svg>", "<script>alert(1)</script></svg>"),
        ("</svg>", '<circle cx="9" cy="9" r="9"/></svg>'),
        ("</svg>", '<image width="9" xlink:href="http://elsewhere/a.png"/></svg>'),
        ("stroke-linecap: butt}", "stroke-linecap: butt} use{display:none}"),
        ("<g id=", '<g onload="alert(1)" id='),
        ("</svg>", '<g id="patch_9"><path d="M 0 0 L 600 0 L 600 600 z" style="fill: #ffffff"/></g></svg>'),
        ('<g id="axes_2">', '<g id="patch_9"><path d="M 0 0 L 9 0 L 9 9 z"/></g><g id="axes_2">'),
        ('<g id="axes_2">', '<path d="M 0 0 L 9 0 L 9 9 z"/><g id="axes_2">'),
        ('<g id="axes_2">', '<g id="legend_9"><path d="M 99 99 L 109 99 L 109 109 z"/></g><g id="axes_2">'),
        ('<g id="axes_2">', '<g id="text_99"><path d="M 99 99 L 109 99 L 109 109 z"/></g><g id="axes_2">'),
        ("</svg>", '<a xmlns="http://www.w3.org/1999/xhtml" href="#">All hold.</a></svg>'),
        ("</svg>", "<a>All hold.</a></svg>"),
        ("</metadata>", '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script></metadata>'),
        ("<svg ", '<?xml-stylesheet href="data:text/css,use{display:none}"?><svg '),
        ("<!-- 0.2 -->", "<!-- 0.3 -->"),
        ("<!-- A title -->", "<!-- A tutle -->"),
        ("stroke-width: 0.8", "stroke-width: 80.8"),
        ("stroke-width: 0.8", "stroke-width: 0.01"),
        ("stroke-width: 0.8", "stroke-width: 0.8; opacity: 0.001"),
        ("stroke-width: 0.8", "stroke-width: 0.8; stroke-opacity: 0"),
        ("stroke-width: 0.8", "stroke-width: 0.8; stroke-dasharray: 0,9999"),
        ("stroke-width: 0.8", "stroke-width: 0.8; stroke-dasharray: 0.1 9"),
        ("stroke-width: 0.8", "stroke-width: 0.8; filter: blur(9px)"),
        ("<rect x=", '<rect transform="scale(0)" x='),
        ("<rect x=", '<rect x="0" y="0" width="3" height="3"/><rect x='),
    ],
)
def test_what_hides_moves_or_runs_something_is_refused(made, before, after):
    change(made, lambda text: text.replace(before, after, 1))
    ok, found = told(made)
    assert not ok and "can't be read as a picture" in found


@pytest.mark.parametrize("fill", ["fill: #ffffff", "fill: #d55e00", ""])
def test_a_shape_over_the_marks_of_a_panel_is_refused(made, fill):
    (panel, *_) = svg.panels("a", (made / "figures/made-up.svg").read_bytes())
    (left, top), (right, bottom) = panel.box
    corners = f"M {left + 1} {top + 1} L {right - 1} {top + 1} L {right - 1} {bottom - 1} L {left + 1} {bottom - 1} z"
    over = f'<g id="patch_99"><path d="{corners}" style="{fill}"/></g>'
    change(made, lambda text: text.replace('<g id="legend_1">', f'{over}<g id="legend_1">', 1))
    ok, found = told(made)
    assert not ok and "drawn over marks" in found


def test_a_curve_or_a_strip_may_pass_through_a_point_of_the_data(made):
    (panel, *_) = svg.panels("a", (made / "figures/made-up.svg").read_bytes())
    (x, y), (low, high) = panel.marks[1], panel.box[:, 1]
    curve = " L ".join(f"{x + 2 * at:.6f} {y + 3 * at:.6f}" for at in range(-9, 10))
    strip = f"{x} {low} L {x + 5} {low} L {x + 5} {high} L {x} {high} z"
    style = "fill: none; stroke: #000000"
    paths = "".join(f'<g id="line2d_99"><path d="M {path}" style="{style}"/></g>' for path in (curve, strip))
    change(made, lambda text: text.replace('<g id="legend_1">', f'{paths}<g id="legend_1">', 1))
    assert told(made)[0], told(made)


@pytest.mark.parametrize("group", ["patch_99", "line2d_99"])
def test_a_small_shape_away_from_the_data_is_found(made, group):
    (panel, *_) = svg.panels("a", (made / "figures/made-up.svg").read_bytes())
    x, y = panel.box.mean(axis=0)
    mark = f'<g id="{group}"><path d="M {x} {y} L {x + 4} {y} L {x + 4} {y + 4} z" style="fill: #d55e00"/></g>'
    change(made, lambda text: text.replace('<g id="legend_1">', f'{mark}<g id="legend_1">', 1))
    assert "is no point of the data" in told(made)[1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><g id='axes_1'/></svg>",
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9))
        + b"]><svg>&j;</svg>",
        b"<a>" * 100_000,
    ],
    ids=["nothing", "cut", "no frame", "entities", "deep"],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(UnreadableError):
        svg.panels("figures/a.svg", content)


def test_a_figure_that_is_not_read_has_no_check(tmp_path):
    assert list(points.check(Results(tmp_path), "figure1")) == []
