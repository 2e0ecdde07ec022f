"""What a configuration asks for, against the configurations that come with the study."""

import json
from pathlib import Path

import pytest
from helpers.configurations import configuration

from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import judged_settings, targets
from symmetry_constrained.verdicts import published
from symmetry_constrained.verdicts.settings import read

ROOT = Path(__file__).parents[2]
NUMBERS = published.read(ROOT / "workflow/resources/published.csv")


def test_all_published_numbers_are_compared_by_default_and_those_on_digits_in_the_paper_alone():
    assert targets.published_ids(configuration("config"), NUMBERS) == list(NUMBERS["id"].drop_duplicates())
    assert targets.paper_tables(configuration("config"), NUMBERS) == ["table1", "table2", "talk"]
    digits = NUMBERS.loc[NUMBERS["dataset"] == "digits", "id"]
    assert targets.published_ids(configuration("paper"), NUMBERS) == list(digits.drop_duplicates())
    assert targets.paper_tables(configuration("paper"), NUMBERS) == ["table1", "table2"]


def test_a_number_whose_cell_is_not_studied_is_left_out():
    config = configuration("paper")
    config["studies"]["digits-published"] |= {"features": {"square": ["original"]}, "networks": ["bias-free"]}
    square = NUMBERS[(NUMBERS["features"] == "square") & (NUMBERS["network"] == "bias-free")]
    assert len(square)
    assert targets.published_ids(config, NUMBERS) == list(square["id"].drop_duplicates())
    assert targets.paper_tables(config, NUMBERS) == ["table2"]


def test_numbers_without_networks_to_place_them_among_are_refused_in_one_line():
    config = configuration("paper")
    config["studies"]["digits-published"]["features"] = {"canonical": ["original"]}
    with pytest.raises(
        ValueError, match=r"^config: published_numbers.digits.study is 'digits-published'; it must be a"
    ):
        targets.published_ids(config, NUMBERS)
    config = configuration("paper")
    del config["studies"]["digits-clean"]["features"]["square"]
    with pytest.raises(
        ValueError, match=r"published_numbers.digits.clean_study is 'digits-clean'; .* square, original, "
    ):
        targets.published_ids(config, NUMBERS)


def test_reruns_follow_the_configuration():
    config = configuration("quick")
    assert targets.rerun_options(config, "digits") == {
        "solvers": ["scikit-learn"],
        "budgets": ["evaluations"],
        "perturbed_networks": 0,
        "perturbed_at_a_time": config["published_numbers"]["perturbed_at_a_time"],
        "perturbation": 1e-12,
        "device": "auto",
    }


def test_settings_have_the_attributes_of_their_studies():
    found = judged_settings.with_attributes(configuration("config"))
    changed = ["relu", "adam", "mirrored-start"]
    assert list(found) == ["paper", "no-leak", "longer", "longer-20-10", "longer-40-20", *changed, "talk", "mnist"]
    assert found["paper"] == {
        "label": "the paper's",
        "study": "digits-published",
        "dataset": "digits",
        "protocol": "published",
        "hidden_layers": "10-5",
        "activation": "tanh",
        "averaging": "none",
        "start": "ordinary",
        "optimiser": "lbfgs",
        "budget": "200 evaluations",
        "trained_on": "all images",
        "paper": True,
        "averaged": {},
        "leaks": True,
    }
    assert found["longer-40-20"]["hidden_layers"] == "40-20"
    assert found["longer-40-20"]["budget"] == "2,000 iterations"
    assert [found[name][key] for name, key in zip(changed, ("activation", "optimiser", "start"), strict=True)] == [
        "relu",
        "adam",
        "mirrored",
    ]
    # Beside a setting, the studies that differ from its own in averaging alone.
    assert found["no-leak"]["averaged"] == {"logits": "digits-averaged-logits", "units": "digits-averaged-units"}
    # Published numbers are compared with networks of the paper's recipe alone.
    assert [name for name, one in found.items() if one["paper"]] == ["paper", "talk"]
    # MNIST has no shifted copies, so nothing leaks.
    assert [name for name, one in found.items() if one["leaks"]] == ["paper"]
    # As the script that judges reads them.
    assert [one.name for one in read(json.dumps(found))] == list(found)


def test_settings_follow_the_configuration():
    names = ["paper", "no-leak", "longer", "relu", "adam", "mirrored-start", "mnist", "convolutional"]
    assert list(judged_settings.with_attributes(configuration("quick"))) == names
    assert list(judged_settings.with_attributes(configuration("paper"))) == ["paper", "no-leak", "longer"]
    config = configuration("config")
    config["studies"]["digits-relu"]["fractions"] = [0.05, 0.1]
    assert judged_settings.with_attributes(config)["relu"]["trained_on"] == "10 % of the images"
    config["published_numbers"].pop("mnist")
    assert not judged_settings.with_attributes(config)["talk"]["paper"]
    config["studies"]["digits-published"] |= {"hidden_layers": [[20, 10]]}
    config["settings"]["paper"]["hidden_layers"] = [20, 10]
    assert not judged_settings.with_attributes(config)["paper"]["paper"]


@pytest.mark.parametrize("name", ["config", "quick", "paper", "beyond", "full"])
def test_each_model_drawn_on_all_images_is_timed_alone_once_on_the_first_split(name):
    config = configuration(name)
    batches = settings.batches(config)
    timed = targets.timed_alone(config, batches)
    studies = {*targets.whole_curves(config), config["figures"]["budget"]}
    models = {key[:-1] for key in batches if key[0] in studies}
    found = [
        (spec["study"], spec["features"], spec["training_set"], "-".join(map(str, spec["hidden_layers"])))
        for spec in timed
    ]
    assert sorted(found) == sorted(models)
    for model, spec in zip(found, timed, strict=True):
        assert spec["split"] == min(other["split"] for key, other in batches.items() if key[:-1] == model)
        # Thousands of seeds would not fit into a word of a command line.
        assert len(spec["seeds"]) == 1


def test_the_summary_counts_every_network():
    batches = settings.batches(configuration("quick"))
    # Canonical features' networks are identity's, and counted once.
    trained = [spec for spec in batches.values() if spec["features"] != "canonical"]
    networks = sum(1 for spec in trained for _ in spec["seeds"] for _ in spec["networks"] for _ in spec["fractions"])
    line = targets.summary(batches, "results/quick")
    assert line == f"{len(batches)} training batches of {networks} networks in all; results in results/quick/"


def test_every_batch_is_trained_by_one_job_and_a_jobs_splits_are_of_one_block():
    config = configuration("full")
    for together in (1, 3, 10):
        made = []
        for job in targets.training_jobs(config, together):
            assert set(job.splits) <= set(job.block) and 1 <= len(job.splits) <= together and len(job.block) <= 10
            study = config["studies"][job.study]
            for name in (*job.features, *job.also):
                for kind in set(job.training_sets) & set(study["features"][name]):
                    made += [(job.study, name, kind, str(split)) for split in job.splits]
        batches = {(study, *cell, split) for study, *cell, _, split in settings.batches(config)}
        assert len(made) == len(set(made)) and set(made) == batches
        names = [job.name for job in targets.training_jobs(config, together)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["config", "quick", "paper", "full"])
def test_the_networks_to_play_with_are_of_the_clean_studys_first_split(name):
    explored = targets.explored(settings.batches(configuration(name)))
    assert {(study, layers, split) for study, _, _, layers, split in explored} == {("digits-clean", "10-5", "0")}
    models = {(features, training_set) for _, features, training_set, _, _ in explored}
    assert models >= {(features, "original") for features in ("identity", "neighbour", "canonical")}
    assert ("identity", "augmented") in models


def test_without_a_study_of_such_networks_there_are_none_to_play_with():
    batches = settings.batches(configuration("quick"))
    for change in ({"dataset": "mnist"}, {"protocol": "published"}, {"fractions": [0.5]}, {"activation": "relu"}):
        assert targets.explored({key: spec | change for key, spec in batches.items()}) == []
    assert targets.explored({}) == []


def test_a_jobs_block_is_the_same_however_many_splits_a_job_takes():
    config = configuration("full")
    blocks = [
        {
            (job.study, *job.kind, split): job.block
            for job in targets.training_jobs(config, together)
            for split in job.splits
        }
        for together in (1, 2, 10)
    ]
    assert blocks[0] == blocks[1] == blocks[2]


def test_studies_whose_bias_free_networks_are_not_odd():
    config = configuration("config")
    not_odd = ["digits-relu", "digits-averaged-logits", "digits-averaged-units"]
    assert targets.not_odd(config) == not_odd
    for name, changes in (
        ("a", {"activation": "relu"}),
        ("b", {"optimiser": "adam", "start": "mirrored", "activation": "tanh"}),
        ("c", {"averaging": "units"}),
    ):
        config["studies"][name] = config["studies"]["digits-budget"] | changes
    assert targets.not_odd(config) == [*not_odd, "a", "c"]
