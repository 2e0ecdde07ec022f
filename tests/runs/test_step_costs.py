"""What a run's jobs are expected to take, beside sums by hand and the default configuration's names."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from symmetry_constrained.runs import config as settings
from symmetry_constrained.runs import job_costs, step_costs

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
EXPERIMENTS = {name: options for name, options in DEFAULT["theory"].items() if isinstance(options, Mapping)}


def test_every_experiment_of_the_default_study_is_known_and_takes_there_what_is_said():
    assert EXPERIMENTS.keys() == step_costs.EXPERIMENTS.keys()
    for name, options in EXPERIMENTS.items():
        assert step_costs.experiment(name, options) == pytest.approx(step_costs.START + step_costs.EXPERIMENTS[name][0])


def test_an_experiment_takes_as_much_longer_as_it_does_more():
    whole = step_costs.experiment("amplification", EXPERIMENTS["amplification"]) - step_costs.START
    fewer = EXPERIMENTS["amplification"] | {"seeds": 5, "depths": [1, 4], "epsilons": [0, 0.1, "inf"]}
    part = step_costs.experiment("amplification", fewer) - step_costs.START
    assert part / whole == pytest.approx((5 / 20) * (2 / 5) * (3 / 7))


def test_a_training_job_takes_what_its_own_networks_take():
    batches = [spec for key, spec in settings.batches(DEFAULT).items() if key[0] == "digits-budget"]
    led = [spec for spec in batches if spec["trained_as"]]
    own = [spec for spec in batches if not spec["trained_as"]]
    assert led and own
    assert step_costs.training([*own[:2], led[0]]) == step_costs.training(own[:2])
    assert step_costs.training(own[:2]) > step_costs.training(own[:1]) > step_costs.START
    # 2,000 iterations are some 2,200 evaluations; of those after the paper's 200, a fifth is used.
    assert own[0]["budget"] == {"max_iterations": 2000}
    as_used = {**own[0], "budget": {"max_evaluations": 200 + 2000 / 5}}
    expected = step_costs.START + step_costs.TRAINING * job_costs.expected_seconds([as_used])
    assert step_costs.training(own[:1]) == pytest.approx(expected)


def test_reruns_and_models_timed_alone_are_counted():
    asked = DEFAULT["published_numbers"]["digits"]
    assert len(asked["solvers"]) * len(asked["budgets"]) == 4
    assert step_costs.reruns("digits", asked) - step_costs.START == 4 * step_costs.RERUN[64]
    once = step_costs.reruns("mnist", DEFAULT["published_numbers"]["mnist"])
    assert once - step_costs.START == step_costs.RERUN[784]
    specs = [{"dataset": "digits"}, {"dataset": "mnist"}, {"dataset": "mnist"}]
    assert step_costs.alone(specs, 3) - step_costs.START == 3 * (step_costs.ALONE[64] + 2 * step_costs.ALONE[784])


@pytest.mark.parametrize(
    ("rule", "like"),
    [("draw_theory", "draw_theory"), ("draw_budget", "draw_"), ("write_audit", "write_audit"), ("summarise", "")],
)
def test_any_other_job_goes_by_the_beginning_of_its_rules_name(rule, like):
    assert step_costs.other(rule) == step_costs.OTHERS[like]
