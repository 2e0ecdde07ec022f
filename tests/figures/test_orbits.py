"""The theory's figures on made-up tables: every mark is a row of the data beside it; titles that the data decides."""

import numpy as np
import pandas as pd
import pytest
from helpers.panels import drawn, title

from symmetry_constrained.figures import orbits, style

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
    lines = {line.get_label(): line.get_ydata() for line in curves.lines}
    assert list(lines) == ["1", "3", "5"]
    for angles, line in lines.items():
        expected = 4.0 * 0.1 ** (int(angles) - 1) * np.cos(2 * np.pi * np.arange(8) / 8) / 2
        np.testing.assert_allclose(line, expected, atol=1e-12)
    found = sorted(map(tuple, scattered(points)))
    pixels = networks().query("features == 'identity'")
    np.testing.assert_allclose(found, sorted(zip(pixels["angles"], pixels["loss_variation"], strict=True)))
    assert (data["panel"] == "left").sum() == 24
    assert title(figure) == (
        "Along the orbit the loss varies by 4 on 1 angle, by 4·10⁻⁴ on 5 angles\n"
        "(medians of N = 3); with invariant features by at most 1·10⁻¹⁶ on 1"
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
        "On 5 angles the curvature along the orbit is at most 0.016 λ, the next above 0.2 λ (N = 3);\n"
        "with invariant features 6 of 6 minima have no flat direction"
    )


def test_the_title_says_when_no_minimum_breaks_the_symmetry_and_when_features_are_flat():
    table = networks()
    table.loc[table["angles"] == 5, ["curvature", "overlap"]] = np.nan
    table.loc[(table["features"] == "power") & (table["seed"] == 1), "flat"] = 1
    figure, _ = orbits.flat_direction(table, spectra())
    drawn(figure)
    assert title(figure) == (
        "No minimum on the orbit breaks the symmetry: none has a direction along it;\n"
        "with invariant features 5 of 6 minima have no flat direction"
    )


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
    assert title(figure) == (
        "On random angles the loss varies as (images × angles)^−0.50 along the orbit,\n"
        "1.00 to 1.00 times the prediction; the mean of 25 draws varies 5 times less"
    )
    figure, _ = orbits.random_angles(random_table(-0.25, (40,)))
    drawn(figure)
    assert "(images × angles)^−0.25" in title(figure)
    figure, _ = orbits.random_angles(random_table().query("angles == 4"))
    drawn(figure)
    assert title(figure).startswith("On random angles the loss varies along the orbit,")


def invariant_table(gain=0.1):
    maps = {"inversion": ("identity", "square", "canonical"), "translation": ("identity", "power", "complete")}
    rows = [
        {"group": group, "split": split, "features": name, "network": kind, "seed": 1, "feature_count": 4}
        | {"parameters": 740, "budget": 200, "test_accuracy": 0.9}
        | {"transformed_accuracy": 0.5 + gain * place + 0.01 * split}
        for group, names in maps.items()
        for place, name in enumerate(names)
        for kind in ("biased", "bias-free")
        for split in (0, 1)
    ]
    signs = pd.DataFrame({"features": maps["inversion"], "log2_symmetries": [0, 64, 1]})
    phases = pd.DataFrame({"features": maps["translation"], "dimensions": [0, 24, 1]})
    return pd.DataFrame(rows), signs, phases


def test_invariants_are_drawn_with_the_symmetries_they_have():
    figure, data = orbits.complete_invariants(*invariant_table())
    drawn(figure)
    assert len(data) == 12
    labels = [[label.get_text() for label in panel.get_yticklabels()] for panel in figure.axes]
    assert labels == [
        ["identity\n1; 740", "square\n$2^{64}$; 740", "canonical\n2; 740"],
        ["identity\n0; 740", "power\n24; 740", "complete\n1; 740"],
    ]
    for panel, group in zip(figure.axes, ("inversion", "translation"), strict=True):
        marks = [line for line in panel.lines if line.get_marker() in style.MARKERS.values()]
        found = sorted(float(line.get_xdata()[0]) for line in marks)
        assert found == pytest.approx(sorted(data.loc[data["group"] == group, "transformed_accuracy"]))
    assert title(figure) == (
        "Complete invariants beat norms alone (bias-free, N = 2 pairs);\n"
        "inversion, over square: canonical +0.10 [+0.10, +0.10];\n"
        "translation, over power: complete +0.10 [+0.10, +0.10]"
    )


def test_the_title_says_when_complete_invariants_do_not_beat_norms():
    figure, _ = orbits.complete_invariants(*invariant_table(-0.1))
    drawn(figure)
    assert title(figure).startswith("Complete invariants do not all beat norms alone")
    assert "canonical −0.10" in title(figure)
    table, signs, phases = invariant_table()
    figure, _ = orbits.complete_invariants(table[table["features"] == "identity"], signs, phases)
    drawn(figure)
    assert title(figure) == "Complete invariants were not compared with norms alone"


def test_a_figure_is_saved_with_its_data(tmp_path):
    figure, data = orbits.complete_invariants(*invariant_table())
    style.save(figure, tmp_path / "figure", data)
    assert style.title_of(tmp_path / "figure.png").startswith("Complete invariants beat")
    assert len(pd.read_csv(tmp_path / "figure.csv")) == len(data)
