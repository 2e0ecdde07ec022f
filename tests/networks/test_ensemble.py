"""Ensembles against torch's autograd, scikit-learn and plain NumPy."""

import itertools

import numpy as np
import pytest
import torch
from helpers import oracles
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from symmetry_constrained.kernels.eager import FLOOR
from symmetry_constrained.networks.architecture import Architecture
from symmetry_constrained.networks.ensemble import CLIP, Ensemble, Samples, evaluate
from symmetry_constrained.training.scikit_learn import BiasFreeNetwork, Network

torch.set_num_threads(1)
pytestmark = pytest.mark.usefixtures("arithmetic")

ALPHA = 1e-2
HIDDEN = [(10, 5), (7,), (6, 5, 4)]
MIXED = np.array([True, False, False, True, True])


def problem(hidden=(10, 5), inputs=6, classes=10, biased=MIXED, n=50, scale=1.0, seed=0, **kwargs):
    """An ensemble with random rows, its samples, and the arrays they are made of."""
    random = np.random.default_rng(seed)
    architecture = Architecture(inputs, hidden, classes)
    ensemble = Ensemble(architecture, biased, **{"dtype": torch.float64, "alpha": ALPHA} | kwargs)
    rows = random.normal(size=(len(biased), architecture.row_length)) * scale
    rows[~np.asarray(biased)[:, None] & architecture.is_bias()] = 0.0
    points = random.uniform(-1, 1, (n, inputs))
    labels = random.integers(0, classes, n)
    return ensemble, torch.tensor(rows), ensemble.samples(points, labels), points, labels


def sizes(ensemble):
    architecture = ensemble.architecture
    return [architecture.inputs, *architecture.hidden_layers, architecture.classes]


def all_logits(ensemble, rows, samples):
    """(K, n, classes), from the blocks that `logits` yields."""
    values = np.full((len(rows), ensemble.architecture.classes, len(samples)), np.nan)
    for lanes, block, logits in ensemble.logits(rows, samples):
        assert np.isnan(values[lanes, :, block]).all()
        values[lanes, :, block] = logits.numpy()
    assert not np.isnan(values).any()
    return values.transpose(0, 2, 1)


# Architecture


def test_the_papers_parameter_counts():
    architecture = Architecture(64, (10, 5))
    assert architecture.parameters(biased=False) == 740
    assert architecture.parameters(biased=True) == architecture.row_length == 765
    assert architecture.is_bias().sum() == 765 - 740


@pytest.mark.parametrize("hidden", HIDDEN)
def test_split_and_is_bias_agree_with_a_row_counted_out_by_hand(hidden):
    architecture = Architecture(4, hidden, 3)
    row = np.arange(1.0, 1 + architecture.row_length)
    layers = oracles.unpack(row, [4, *hidden, 3])
    for rows in (row[None], torch.tensor(row[None])):
        for view, (weights, biases) in zip(architecture.split(rows), layers, strict=True):
            np.testing.assert_array_equal(view[0, :, :-1], weights)
            np.testing.assert_array_equal(view[0, :, -1], biases)
    np.testing.assert_array_equal(oracles.pack(layers), row)
    expected = np.concatenate([biases for _, biases in layers])
    np.testing.assert_array_equal(row[architecture.is_bias()], expected)


# Loss and gradient


def autograd(row, layer_sizes, points, labels, alpha):
    """Loss and gradient of one network, written sample by sample for torch's autograd."""
    row = row.clone().requires_grad_(True)
    position, penalty = 0, torch.zeros((), dtype=torch.float64)
    activation = torch.tensor(points)
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(layer_sizes)):
        matrix = row[position : position + fan_out * (fan_in + 1)].view(fan_out, fan_in + 1)
        position += matrix.numel()
        penalty = penalty + (matrix[:, :fan_in] ** 2).sum()
        activation = activation @ matrix[:, :fan_in].T + matrix[:, fan_in]
        if layer < len(layer_sizes) - 2:
            activation = torch.tanh(activation)
    loss = torch.nn.functional.cross_entropy(activation, torch.tensor(labels)) + alpha / (2 * len(points)) * penalty
    return loss.item(), torch.autograd.grad(loss, row)[0].numpy()


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_loss_and_gradient_are_autograds(hidden, scale):
    ensemble, rows, samples, points, labels = problem(hidden, scale=scale)
    losses, gradients = ensemble.loss_and_gradient(rows, samples)
    assert losses.dtype == gradients.dtype == torch.float64
    is_bias = ensemble.architecture.is_bias()
    for lane, biased in enumerate(MIXED):
        loss, gradient = autograd(rows[lane], sizes(ensemble), points, labels, ALPHA)
        assert np.abs(gradient[is_bias]).min() > 0
        gradient[is_bias] *= biased
        assert losses[lane].item() == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(gradients[lane], gradient, rtol=1e-10, atol=1e-14)


def test_classes_too_unlikely_for_a_number_change_nothing():
    """Logits hundreds apart, whose exp underflows."""
    ensemble, rows, samples, points, labels = problem()
    ensemble.architecture.split(rows)[-1].mul_(500)
    *_, (_, _, logits) = ensemble.logits(rows, samples)
    assert (logits.amax(1) - logits.amin(1)).min() > -2 * FLOOR
    losses, gradients = ensemble.loss_and_gradient(rows, samples)
    for lane in np.flatnonzero(MIXED):
        loss, gradient = autograd(rows[lane], sizes(ensemble), points, labels, ALPHA)
        assert losses[lane].item() == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(gradients[lane], gradient, rtol=1e-10, atol=1e-14)


def test_a_network_without_hidden_layers_works_or_is_refused():
    """Never a crash from within: right numbers, or a ValueError."""
    try:
        ensemble, rows, samples, points, labels = problem(hidden=())
        losses, gradients = ensemble.loss_and_gradient(rows, samples)
    except ValueError:
        return
    for lane in np.flatnonzero(MIXED):
        loss, gradient = autograd(rows[lane], sizes(ensemble), points, labels, ALPHA)
        assert losses[lane].item() == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(gradients[lane], gradient, rtol=1e-10, atol=1e-14)


def test_untrained_biases_have_a_gradient_of_exactly_zero():
    ensemble, rows, samples, *_ = problem()
    _, gradients = ensemble.loss_and_gradient(rows, samples)
    of_biases = gradients[:, ensemble.architecture.is_bias()].numpy()
    assert (of_biases[~MIXED] == 0).all()
    assert (of_biases[MIXED] != 0).all()


def test_biases_are_not_penalised():
    with_penalty, rows, samples, *_ = problem(alpha=0.5)
    without, *_ = problem(alpha=0.0)
    is_bias = with_penalty.architecture.is_bias()
    loss, gradient = (
        (a - b).numpy()
        for a, b in zip(
            with_penalty.loss_and_gradient(rows, samples), without.loss_and_gradient(rows, samples), strict=True
        )
    )
    weights = np.where(is_bias, 0.0, rows.numpy())
    np.testing.assert_allclose(loss, 0.25 / len(samples) * (weights**2).sum(1), rtol=1e-12)
    np.testing.assert_allclose(gradient, 0.5 / len(samples) * weights, atol=1e-14)


def test_chosen_lanes_get_their_own_loss_and_gradient():
    ensemble, rows, samples, *_ = problem()
    losses, gradients = ensemble.loss_and_gradient(rows, samples)
    lanes = torch.tensor([4, 1, 3])
    some_losses, some_gradients = ensemble.loss_and_gradient(rows[lanes], samples, lanes)
    torch.testing.assert_close(some_losses, losses[lanes], rtol=1e-13, atol=0)
    torch.testing.assert_close(some_gradients, gradients[lanes], rtol=1e-12, atol=1e-15)


def test_float32_is_close_to_float64():
    ensemble, rows, samples, points, labels = problem(n=1000)
    single = Ensemble(ensemble.architecture, MIXED, ALPHA, torch.float32)
    loss, gradient = single.loss_and_gradient(rows, single.samples(points, labels))
    exact_loss, exact_gradient = ensemble.loss_and_gradient(rows, samples)
    assert loss.dtype == gradient.dtype == torch.float64
    torch.testing.assert_close(loss, exact_loss, rtol=1e-5, atol=0)
    assert (gradient - exact_gradient).abs().max() < 1e-5 * exact_gradient.abs().max()
    assert not torch.equal(loss, exact_loss)


@pytest.mark.parametrize("lane_block", [1, 2, 3, 16])
@pytest.mark.parametrize("block_bytes", [1, 60_000, 10**9])
def test_blocks_change_nothing_but_rounding(lane_block, block_bytes):
    ensemble, rows, samples, *_ = problem(n=700)
    loss, gradient = ensemble.loss_and_gradient(rows, samples)
    values, judged = all_logits(ensemble, rows, samples), evaluate(ensemble, rows, samples)
    ensemble.layers.lane_block, ensemble.layers.block_bytes = lane_block, block_bytes
    blocks = list(ensemble.logits(rows, samples))
    assert {lanes.stop - lanes.start for lanes, _, _ in blocks} == {min(lane_block, 5), 5 % lane_block or lane_block}
    if block_bytes == 1:
        assert {block.stop for _, block, _ in blocks} == {256, 512, 700}
    other_loss, other_gradient = ensemble.loss_and_gradient(rows, samples)
    torch.testing.assert_close(other_loss, loss, rtol=1e-13, atol=0)
    torch.testing.assert_close(other_gradient, gradient, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(all_logits(ensemble, rows, samples), values, rtol=1e-12, atol=1e-14)
    again = evaluate(ensemble, rows, samples)
    np.testing.assert_array_equal(again.classes, judged.classes)
    np.testing.assert_array_equal(again.clipped, judged.clipped)
    np.testing.assert_allclose(again.loss, judged.loss, rtol=1e-13)


def test_the_inputs_are_left_alone():
    ensemble, rows, samples, points, labels = problem()
    copies = rows.clone(), points.copy(), labels.copy(), samples.inputs.clone()
    ensemble.loss_and_gradient(rows, samples)
    evaluate(ensemble, rows, samples)
    for now, before in zip((rows, points, labels, samples.inputs), copies, strict=True):
        assert (now == before).all()


# scikit-learn


def recorded(kind, points, labels, hidden, seed, alpha):
    """Every point, loss and gradient that a scikit-learn estimator's L-BFGS asks for, as our rows."""
    calls = []

    class Recorder(kind):
        def _loss_grad_lbfgs(self, packed, *args, **kwargs):
            loss, gradient = super()._loss_grad_lbfgs(packed, *args, **kwargs)
            calls.append((self._row(packed), loss, self._row(gradient)))
            return loss, gradient

        def _row(self, packed):
            weights = [packed[start:stop].reshape(shape).T.copy() for start, stop, shape in self._coef_indptr]
            biases = [packed[start:stop].copy() for start, stop in self._intercept_indptr]
            return oracles.pack(list(zip(weights, biases, strict=True)))

    estimator = Recorder(
        solver="lbfgs",
        activation="tanh",
        hidden_layer_sizes=hidden,
        random_state=seed,
        alpha=alpha,
        max_iter=5,
        tol=0.0,
    )
    with pytest.warns(ConvergenceWarning):
        estimator.fit(points, labels)
    return calls


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("kind, biased", [(MLPClassifier, True), (Network, True), (BiasFreeNetwork, False)])
def test_start_loss_and_gradient_are_scikit_learns(hidden, kind, biased):
    ensemble, _, samples, points, labels = problem(hidden, biased=np.array([biased]), n=200)
    calls = recorded(kind, points, labels, hidden, seed=7, alpha=ALPHA)
    np.testing.assert_array_equal(calls[0][0], ensemble.architecture.initial(7, biased))
    assert len(calls) > 5
    for row, loss, gradient in calls:
        ours, our_gradient = ensemble.loss_and_gradient(torch.tensor(row)[None], samples)
        assert ours.item() == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(our_gradient[0], gradient, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_both_networks_of_a_seed_start_with_the_same_weights(seed):
    architecture = Architecture(64, (10, 5))
    biased, bias_free = architecture.initial(seed, True), architecture.initial(seed, False)
    is_bias = architecture.is_bias()
    np.testing.assert_array_equal(bias_free[~is_bias], biased[~is_bias])
    assert (bias_free[is_bias] == 0).all()
    assert (biased[is_bias] != 0).all()
    assert (architecture.initial(seed + 1, True) != biased).all()


# Samples


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 3], [0, 1, -1], [0, 1], [0, 1, 2, 0], [], [0, 1, 0.5], [0, 1, np.nan], [[0], [1], [2]], ["0", "1", "2"]],
    ids=str,
)
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError):
        Samples(np.zeros((3, 2)), np.array(labels), 3, torch.float64, "cpu")


def test_no_samples_are_refused():
    with pytest.raises(ValueError):
        Samples(np.zeros((0, 2)), np.zeros(0, dtype=int), 3, torch.float64, "cpu")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite_are_refused(value):
    points = np.zeros((3, 2))
    points[1, 1] = value
    with pytest.raises(ValueError):
        Samples(points, np.array([0, 1, 2]), 3, torch.float64, "cpu")


@pytest.mark.parametrize("shape", [(3, 1), (3, 3), (3, 0), (3,), (3, 2, 1)])
def test_inputs_of_the_wrong_shape_are_refused(shape):
    ensemble = Ensemble(Architecture(2, (4,), 3), np.array([True]))
    with pytest.raises(ValueError):
        ensemble.samples(np.zeros(shape), np.array([0, 1, 2]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_samples_are_laid_out_feature_major_over_a_row_of_ones(dtype):
    points, labels = np.arange(6).reshape(3, 2).astype(dtype), np.array([2, 0, 2])
    samples = Samples(points, labels, 4, torch.float64, "cpu")
    assert samples.inputs.tolist() == [[0, 2, 4], [1, 3, 5], [1, 1, 1]]
    assert (-samples.minus_one_hot).T.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    assert len(samples) == 3


# Predictions


@pytest.mark.parametrize("hidden", HIDDEN)
def test_evaluate_agrees_with_a_naive_forward_pass(hidden):
    ensemble, rows, samples, points, labels = problem(hidden, n=400, scale=6.0)
    judged = evaluate(ensemble, rows, samples)
    expected = np.stack([oracles.logits(row, sizes(ensemble), points) for row in rows.numpy()])
    np.testing.assert_allclose(all_logits(ensemble, rows, samples), expected, rtol=1e-10, atol=1e-11)
    classes = expected.argmax(2)
    true = oracles.log_probabilities(expected)[:, np.arange(len(labels)), labels]
    assert judged.classes.dtype == np.uint8
    np.testing.assert_array_equal(judged.classes, classes)
    np.testing.assert_allclose(judged.loss, -true.mean(1), rtol=1e-11)
    np.testing.assert_array_equal(judged.accuracy, [np.mean(row == labels) for row in classes])
    clipped = (np.exp(true) < CLIP).sum(1)
    assert (clipped > 0).any() and (clipped < len(labels)).all()
    np.testing.assert_array_equal(judged.clipped, clipped)


def test_ties_go_to_the_first_class():
    ensemble, rows, samples, *_ = problem()
    last = ensemble.architecture.split(rows)[-1]
    last[:, [7, 2, 9]] = last[:, [7]] + torch.eye(6, dtype=torch.float64)[-1] * 50  # the bias: three best of ten
    assert (evaluate(ensemble, rows, samples).classes == 2).all()


def test_two_close_logits_are_told_apart_where_their_probabilities_tie():
    """Logits 1e-6 and the next number: log-softmax rounds them to a tie, argmax must not."""
    architecture = Architecture(1, (1,), 3)
    ensemble = Ensemble(architecture, np.array([True]))
    top = np.float32(1e-6)
    logits = np.array([-40.0, top, np.nextafter(top, np.float32(1))])
    row = oracles.pack([(np.zeros((1, 1)), np.zeros(1)), (np.zeros((3, 1)), logits)])
    log_p = torch.log_softmax(torch.tensor(logits, dtype=torch.float32), 0)
    assert log_p[1] == log_p[2]
    samples = ensemble.samples(np.zeros((1, 1)), np.array([2]))
    assert evaluate(ensemble, torch.tensor(row)[None], samples).classes.tolist() == [[2]]


# Symmetry

networks = st.builds(
    problem,
    hidden=st.sampled_from(HIDDEN),
    inputs=st.integers(1, 8),
    classes=st.integers(2, 10),
    biased=st.just(np.array([False, False])),
    n=st.integers(1, 40),
    scale=st.floats(1e-3, 20.0),
    seed=st.integers(0, 2**32 - 1),
    alpha=st.sampled_from([0.0, 1e-5, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)


@given(networks)
def test_bias_free_logits_are_odd(network):
    ensemble, rows, samples, points, labels = network
    negated = ensemble.samples(-points, labels)
    np.testing.assert_array_equal(all_logits(ensemble, rows, negated), -all_logits(ensemble, rows, samples))


def test_biased_logits_are_not_odd():
    ensemble, rows, samples, points, labels = problem()
    sums = all_logits(ensemble, rows, samples) + all_logits(ensemble, rows, ensemble.samples(-points, labels))
    assert (np.abs(sums).max((1, 2)) > 0.1).tolist() == MIXED.tolist()


@given(networks)
def test_bias_free_probabilities_of_the_negative_are_the_reciprocals(network):
    """p_a(-x)·p_a(x) is the same for every class a, so the likeliest class of x is the least likely of -x."""
    ensemble, rows, samples, points, labels = network
    here = all_logits(ensemble, rows, samples)
    there = all_logits(ensemble, rows, ensemble.samples(-points, labels))
    product = oracles.log_probabilities(here) + oracles.log_probabilities(there)
    scale = 1 + np.abs(here).max()
    np.testing.assert_allclose(product, np.broadcast_to(product[..., :1], product.shape), atol=1e-12 * scale)
    np.testing.assert_array_equal(there.min(2), np.take_along_axis(there, here.argmax(2)[..., None], 2)[..., 0])


@given(networks)
def test_accuracies_on_a_set_and_its_negative_add_to_at_most_one(network):
    ensemble, rows, samples, points, labels = network
    # A network that gives one logit to all classes has no most likely one.
    assume((np.ptp(all_logits(ensemble, rows, samples), axis=2) > 0).all())
    accuracy = evaluate(ensemble, rows, samples).accuracy
    inverted = evaluate(ensemble, rows, ensemble.samples(-points, labels)).accuracy
    assert (accuracy + inverted <= 1 + 1e-12).all()


@given(networks, st.integers(0, 2**32 - 1))
def test_a_bias_free_network_on_both_signs_cannot_see_the_labels(network, seed):
    ensemble, rows, _, points, labels = network
    other = np.random.default_rng(seed).integers(0, ensemble.architecture.classes, len(labels))
    both = np.concatenate([points, -points])
    losses, gradients = ensemble.loss_and_gradient(rows, ensemble.samples(both, np.tile(labels, 2)))
    other_losses, other_gradients = ensemble.loss_and_gradient(rows, ensemble.samples(both, np.tile(other, 2)))
    single = ensemble.dtype == torch.float32
    scale = 1 + rows.abs().max().item()
    torch.testing.assert_close(other_losses, losses, rtol=1e-5 if single else 1e-12, atol=0)
    torch.testing.assert_close(
        other_gradients, gradients, rtol=1e-4 if single else 1e-10, atol=(1e-5 if single else 1e-13) * scale
    )
    assert (losses >= np.log(ensemble.architecture.classes) * (1 - (1e-6 if single else 1e-14))).all()


def test_a_biased_network_on_both_signs_does_see_the_labels():
    ensemble, rows, _, points, labels = problem()
    both, other = np.concatenate([points, -points]), np.random.default_rng(1).permutation(labels)
    losses, _ = ensemble.loss_and_gradient(rows, ensemble.samples(both, np.tile(labels, 2)))
    other_losses, _ = ensemble.loss_and_gradient(rows, ensemble.samples(both, np.tile(other, 2)))
    assert ((losses - other_losses).abs() > 1e-6).tolist() == MIXED.tolist()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_the_loss_on_both_signs_is_log_ten_for_a_silent_network_and_higher_for_any_other(hidden):
    ensemble, rows, _, points, labels = problem(hidden, biased=np.zeros(4, dtype=bool), alpha=0.0)
    both = ensemble.samples(np.concatenate([points, -points]), np.tile(labels, 2))
    assert (ensemble.loss_and_gradient(rows, both)[0] > np.log(10) + 1e-3).all()
    rows[:, -10 * (hidden[-1] + 1) :] = 0.0
    losses, gradients = ensemble.loss_and_gradient(rows, both)
    torch.testing.assert_close(losses, torch.full_like(losses, np.log(10)), rtol=1e-14, atol=0)
    assert gradients.abs().max() < 1e-15
