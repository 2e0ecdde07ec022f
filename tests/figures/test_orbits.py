"""The theory's figures on made-up tables: every mark is a row of the data beside it; titles that the data decides."""

import numpy as np
import pandas as pd
import pytest
from helpers.panels import drawn, title

from symmetry_constrained.figures import orbits

SEEDS = (1, 2, 3)


pytestmark = pytest.mark.usefixtures("style")


def network(features="identity", sampling="equally spaced", angles=1, seed=1, **columns):
    known = features == "identity"
    values = {
        "features": features,
        "sampling": sampling,
        "angles": angles,
        "seed": seed,
        "penalty": 0.01,
        "loss_variation": 4.0 * 0.1 ** (angles - 1) if known else 1e-16,
        "curvature": 0.1 * 0.2 ** (angles - 1) if known else np.nan,
        "overlap": (0.99 if angles == 5 else 0.1) if known else np.nan,
        "smallest": 0.001,
        "second": 0.002,
        "flat": int(known and angles == 5),
    }
    return values | columns


def networks(**columns):
    rows = [network(angles=angles, seed=seed) for angles in (1, 3, 5) for seed in SEEDS]
    rows += [network(sampling="random", angles=3, seed=seed) for seed in SEEDS]
    rows += [network(features, seed=seed) for features in ("power", "aligned") for seed in SEEDS]
    return pd.DataFrame(rows).assign(**columns)


def loss_curves():
    angles = 2 * np.pi * np.arange(8) / 8
    parts = []
    for row in networks().to_dict("records"):
        kept = {name: row[name] for name in ("features", "sampling", "angles", "seed")}
        parts.append(pd.DataFrame(kept | {"angle": angles, "loss": 1 + row["loss_variation"] * np.cos(angles) / 2}))
    return pd.concat(parts)


def spectra():
    parts = []
    for row in networks().to_dict("records"):
        kept = {name: row[name] for name in ("features", "sampling", "angles", "seed")}
        values = {"order": np.arange(1, 21), "eigenvalue": row["smallest"] * np.arange(1, 21)}
        overlap = np.zeros(20)
        overlap[0] = row["overlap"]
        parts.append(pd.DataFrame(kept | values | {"overlap": overlap}))
    return pd.concat(parts)


def scattered(panel):
    return np.concatenate([np.asarray(part.get_offsets()) for part in panel.collections])


def test_the_loss_on_the_orbit_is_drawn_less_its_mean_and_its_variation_by_angles():
    figure, data = orbits.loss_on_orbit(loss_curves(), networks())
    drawn(figure)
    curves, points = figure.axes
    assert {text.get_text() for text in curves.texts} == {"1 angle", "3 angles", "5 angles"}
    for angles, line in zip((1, 3, 5), (line.get_ydata() for line in curves.lines), strict=True):
        expected = 4.0 * 0.1 ** (angles - 1) * np.cos(2 * np.pi * np.arange(8) / 8) / 2
        np.testing.assert_allclose(line, expected, atol=1e-12)
    found = sorted(map(tuple, scattered(points)))
    pixels = networks().query("features == 'identity'")
    np.testing.assert_allclose(found, sorted(zip(pixels["angles"], pixels["loss_variation"], strict=True)))
    assert (data["panel"] == "left").sum() == 24
    assert title(figure) == (
        "The loss varies along the orbit by 4 on 1 angle and by 4·10⁻⁴ on 5 angles,\n"
        "and by at most 1·10⁻¹⁶ on invariant features"
    )


def test_the_flat_direction_is_drawn_in_units_of_the_penalty_and_marked():
    figure, data = orbits.flat_direction(networks(), spectra())
    drawn(figure)
    left, right = figure.axes
    np.testing.assert_allclose(
        sorted(scattered(left)[:, 1]), sorted(networks().query("features == 'identity'")["curvature"] / 0.01)
    )
    # Pixels on X, pixels on all angles, two maps of features: three networks of six eigenvalues each.
    assert len(scattered(right)) == 4 * 3 * 6
    assert [label.get_text() for label in right.get_xticklabels()] == [
        "pixels\non X",
        "pixels on\n5 angles",
        "power",
        "aligned",
    ]
    marked = data[(data["panel"] == "right") & (data["along_orbit"] == True)]  # noqa: E712
    assert marked[["features", "angles", "order"]].drop_duplicates().values.tolist() == [["identity", 5, 1]]
    stars = [part for part in right.collections if len(part.get_offsets()) == 3]
    assert len(stars) == 1
    assert title(figure) == (
        "On 5 angles the loss is not flat along the orbit: its curvature is at most 0.016 λ;\n"
        "none of 6 minima on invariant features has a flat direction"
    )


def test_the_title_says_when_no_minimum_breaks_the_symmetry_and_when_features_are_flat():
    table = networks()
    table.loc[table["angles"] == 5, ["curvature", "overlap"]] = np.nan
    table.loc[(table["features"] == "power") & (table["seed"] == 1), "flat"] = 1
    figure, _ = orbits.flat_direction(table, spectra())
    drawn(figure)
    assert title(figure) == (
        "No minimum on the orbit breaks the symmetry, so none has a direction along it;\n"
        "1 of 6 minima on invariant features has a flat direction"
    )
    figure, _ = orbits.flat_direction(networks().assign(curvature=lambda rows: 1e-6 * rows["curvature"]), spectra())
    assert title(figure).startswith("On 5 angles the loss is flat along the orbit: ")


def test_a_quick_study_of_one_setting_can_be_drawn():
    table = networks().query("features == 'identity' and angles == 1")
    for figure, _ in (
        orbits.loss_on_orbit(loss_curves().query("angles == 1 and features == 'identity'"), table),
        orbits.flat_direction(table, spectra().query("angles == 1 and features == 'identity'")),
    ):
        drawn(figure)
    assert "no flat direction" not in title(figure)


def random_table(power=-0.5, images=(10, 40)):
    rows = [
        {"parameters": kind, "seed": seed, "images": count, "angles": angles, "draws": 25}
        | {"rms": (count * angles) ** power, "predicted": (count * angles) ** -0.5}
        | {"mean_rms": (count * angles) ** power / 5, "mean_predicted": (count * angles) ** -0.5 / 5}
        for kind in ("initial", "trained")
        for seed in SEEDS
        for count in images
        for angles in (1, 4, 16)
    ]
    return pd.DataFrame(rows)


def test_random_angles_are_drawn_by_points_and_the_power_is_fitted():
    figure, data = orbits.random_angles(random_table())
    drawn(figure)
    assert len(figure.axes) == 2
    for panel in figure.axes:
        assert len(scattered(panel)) == 2 * 3 * 2 * 3
    assert (data["points"] == data["images"] * data["angles"]).all()
    along = "On n = images × random angles the loss varies along the orbit as"
    assert title(figure) == f"{along} 1/√n, as predicted;\nthe mean of 25 draws varies 5 times less"
    figure, _ = orbits.random_angles(random_table(-0.25, (40,)))
    assert title(figure).startswith(f"{along} n^−0.25, not as 1/√n;")
    figure, _ = orbits.random_angles(random_table().query("angles == 4"))
    drawn(figure)
    assert title(figure).startswith("On random angles the loss varies along the orbit;")
