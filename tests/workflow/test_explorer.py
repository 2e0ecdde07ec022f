"""The page to play with, of a finished run: what it answers is what was predicted in training, on every test image."""

import numpy as np
from helpers.browser import ask, needs_browser
from safetensors.numpy import load_file

from symmetry_constrained.audit import batches, forward, specs
from symmetry_constrained.audit.results import Results

ANSWERS = """return DATA.networks.map((network) => ({ ...network, weights: "", row: [], answers: [1, -1].map((sign) =>
  Array.from({ length: IMAGES }, (_, i) =>
    likeliest(logits(network, scaled(testImage(i), TEST).map((value) => sign * value))))) }));"""


@needs_browser
def test_the_page_predicts_what_was_stored_for_every_network_and_test_image(finished, tmp_path):
    results = Results(finished / "results/small")
    answered = ask((results.folder / "explore.html").read_text(encoding="utf-8"), ANSWERS, tmp_path)
    spec_of = specs.of_run(results)
    assert len(answered) == 6
    for network in answered:
        folder = f"batches/{network['study']}/{network['features']}/{network['training_set']}/10-5/split-0"
        batch = batches.Batch(results, folder, spec_of[folder])
        rows = batch.of(1.0)
        place = rows.index[(rows["network"] == network["network"]) & (rows["seed"] == network["seed"])][0]
        assert network["seed"] == rows.loc[rows["network"] == network["network"], "seed"].iloc[0]
        stored = load_file(results.folder / folder / "predictions.safetensors")
        pixels = batch.pixels(batch.side("test"))
        matrices = [matrix[[place]] for matrix in batch.matrices()["1"]]
        for answers, side, sign in zip(network["answers"], ("original", "inverted"), (1, -1), strict=True):
            differ = np.flatnonzero(np.array(answers) != stored[f"1/{side}"][place])
            # Up to ties: training rounded to 32 bits.
            exact = forward.logits(matrices, batch.features(sign * pixels))
            near, _ = forward.departures(exact, np.array([answers]), forward.ROUNDING["float32"])
            assert not near.any() and len(differ) < 0.005 * len(answers)
            slack = forward.departures(exact, stored[f"1/{side}"][[place]], forward.ROUNDING["float32"])[0]
            assert not slack[0, differ].any()
