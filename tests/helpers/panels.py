"""What a figure shows, read off it: a model's lines, bands and points, the title, the legend."""

import matplotlib
import numpy as np

from symmetry_constrained.figures import style

MARKERS = {marker: network for network, marker in style.MARKERS.items()}
COLOURS = {matplotlib.colors.to_hex(colour): name for name, colour in style.COLOURS.items()}


def drawn(figure):
    """Lay it out and draw it: a warning of matplotlib's would be an error here."""
    figure.draw_without_rendering()


def title(figure):
    return figure.get_suptitle()


def lines(panel):
    """Line by model, as (N, 2); the panel's legend lines and rules have no model's colour."""
    found = {}
    for line in panel.lines:
        name = COLOURS.get(matplotlib.colors.to_hex(line.get_color()))
        if name is not None:
            assert name not in found
            found[name] = line.get_xydata()
    return found


def bands(panel):
    """The corners of the band of each model, as a set of (x, y)."""
    return {
        COLOURS[matplotlib.colors.to_hex(band.get_facecolor()[0, :3])]: {
            tuple(corner) for path in band.get_paths() for corner in path.vertices.round(12)
        }
        for band in panel.collections
    }


def points(panel):
    """(model, network) -> (value, the label at its height), by each marker of the panel; and its interval or None."""
    # The panel furthest left names the heights of all.
    labels = [label.get_text() for label in panel.figure.axes[0].get_yticklabels()]
    values, bars = {}, {}
    for line in panel.lines:
        name = COLOURS.get(matplotlib.colors.to_hex(line.get_color()))
        if name is None:
            continue
        x, height = line.get_xdata(), line.get_ydata()[0]
        if line.get_marker() in MARKERS:
            network = MARKERS[line.get_marker()]
            assert (name, network) not in values
            assert labels[round(height)] == name
            assert (height > round(height)) == (network == "bias-free")
            values[name, network] = (x[0], height)
        else:
            bars[name, height] = tuple(x)
    assert set(bars) <= {(name, height) for (name, _), (_, height) in values.items()}
    return {key: (value, bars.get((key[0], height))) for key, (value, height) in values.items()}


def expected_points(data, column):
    """What `points` must find: the rows whose value is known."""
    found = {}
    for _, row in data.iterrows():
        value, low, high = (float(row[name]) for name in (column, f"{column}_low", f"{column}_high"))
        if np.isfinite(value):
            found[row["model"], row["network"]] = (value, (low, high) if np.isfinite([low, high]).all() else None)
    return found


def legend(figure):
    (one,) = figure.legends
    return [text.get_text() for text in one.get_texts()], one.get_title().get_text()
