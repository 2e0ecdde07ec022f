"""What a file merges over the default study leaves the default's order as it is."""

import pytest
from snakemake.utils import update_config

from symmetry_constrained.runs import overlays


def test_what_a_file_changes_stays_in_its_place_and_what_it_adds_follows(tmp_path):
    default = tmp_path / "config.yaml"
    default.write_text("studies: {first: {splits: 1, seeds: 2}, second: {splits: 3, seeds: 2}}\nresults: results\n")
    config = {"new": [2, 1], "studies": {"added": {"splits": 9}, "second": {"seeds": 4}, "first": None}}
    update_config(config, {"results": "results", "studies": {"second": {"splits": 3}}})  # as Snakemake merges
    ordered = overlays.in_default_order(config, default)
    assert ordered == config
    assert list(config) == ["new", "studies", "results"] and list(ordered) == ["studies", "results", "new"]
    assert list(ordered["studies"]) == ["first", "second", "added"]
    assert list(ordered["studies"]["second"]) == ["splits", "seeds"]


@pytest.mark.parametrize("config", [["a", "list"], {"studies": "none"}, {"studies": {"first": None}}])
def test_what_is_no_mapping_stays_as_it_is(config, tmp_path):
    default = tmp_path / "config.yaml"
    default.write_text("studies: {first: {splits: 1}}\n")
    assert overlays.in_default_order(config, default) == config
