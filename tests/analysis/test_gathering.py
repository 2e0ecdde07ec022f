"""Tables of many batches in one; a table that was cut off is refused, wherever it was cut."""

import json

import pandas as pd
import pytest

from symmetry_constrained.analysis import gathering

SPEC = {"networks": ["biased", "bias-free"], "fractions": [0.5, 1.0], "seeds": [1, 2]}


def batch(folder, study, diverged=()):
    """A folder as a training job leaves it; a network's place in `diverged` is its row's."""
    folder.mkdir()
    rows = [
        {"study": study, "network": network, "fraction": fraction, "seed": seed, "iterations": 12}
        for network in SPEC["networks"]
        for fraction in SPEC["fractions"]
        for seed in SPEC["seeds"]
    ]
    networks = pd.DataFrame(rows).assign(status="converged")
    networks.loc[list(diverged), "status"] = "non_finite"
    history = pd.concat([pd.DataFrame(rows).assign(iterations=4), pd.DataFrame(rows)]).drop(index=list(diverged))
    keys = ["network", "fraction", "seed", "iterations"]
    networks.to_csv(folder / "networks.csv", index=False)
    history.sort_values(keys).to_csv(folder / "history.csv", index=False)
    (folder / "provenance.json").write_text(json.dumps({"spec": SPEC}))
    return folder


@pytest.mark.parametrize("name", ["networks.csv", "history.csv"])
def test_the_rows_of_all_in_order(tmp_path, name):
    paths = [batch(tmp_path / study, study, diverged) / name for study, diverged in (("b", ()), ("a", (0, 7)))]
    expected = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    pd.testing.assert_frame_equal(gathering.gather(paths), expected)


@pytest.mark.parametrize("name", ["networks.csv", "history.csv"])
def test_a_table_cut_anywhere_is_refused_in_one_line(tmp_path, name):
    path = batch(tmp_path / "a", "a") / name
    whole = path.read_bytes()
    refused = rf"^{path}: (cut off|line \d+ has|lacks \d+ of its batch's networks)"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=refused) as error:
            gathering.gather([path])
        assert len(str(error.value).splitlines()) == 1
    path.write_bytes(whole)
    assert len(gathering.gather([path])) == whole.count(b"\n") - 1


def test_a_line_that_is_short_or_long_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    for row in ("1", "1,2,3", ""):
        path.write_text(f"a,b\n1,2\n{row}\n1,2\n")
        with pytest.raises(ValueError, match=r"line 3 has \d cells, expected 2"):
            gathering.gather([path])


def test_other_columns_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("a,c\n1,2\n")
    with pytest.raises(ValueError, match=r"b\.csv: has other columns than the first table: a, c$"):
        gathering.gather([tmp_path / "a.csv", tmp_path / "b.csv"])
