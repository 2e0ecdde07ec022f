"""Accuracy and loss of a batch's networks on its training and test sets, each set evaluated once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from symmetry_constrained.data import inputs
from symmetry_constrained.networks.ensemble import Ensemble, Samples, evaluate

HELD_OUT = ("original", "inverted", "negated")


@dataclass(frozen=True)
class HeldOut:
    """The test images as they are (`original`), `inverted`, and their features `negated`, for one feature map.

    samples holds each set that must be evaluated; shared names the sets that are one of those by the feature map's
    definition: pixels of inverted images are negated pixels, and invariant features do not change under inversion.
    """

    samples: dict[str, Samples]
    shared: dict[str, str]

    @classmethod
    def of(cls, ensemble: Ensemble, shown: dict[str, inputs.Inputs]) -> "HeldOut":
        """shown: the test images as they are and inverted, through the feature map.

        What the definition says is checked on the numbers; a set that differs all the same is evaluated on its own.
        """
        samples = {name: ensemble.samples(given, given.labels) for name, given in shown.items()}
        # The bound R + R̄ <= 1 is about the network's own input negated, whatever the features.
        samples["negated"] = samples["original"].negated()
        pixels = shown["original"].features == "identity"
        name, same = ("negated", "inverted") if pixels else ("inverted", "original")
        if not torch.equal(samples[name].inputs, samples[same].inputs):
            return cls(samples, {})
        del samples[name]
        return cls(samples, {name: same})

    def judge(self, ensemble: Ensemble, rows: Tensor, train: Samples) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Networks with parameters rows (K, P) -> a table of K rows, and the classes (K, n) predicted on each test set.

        The table holds accuracy and mean cross-entropy on the training set and the test sets, only accuracy on negated
        features, and how many training samples had a probability that was clipped.
        """
        judged = {name: evaluate(ensemble, rows, samples) for name, samples in {"train": train, **self.samples}.items()}
        judged |= {name: judged[same] for name, same in self.shared.items()}
        columns = {}
        for name, column in {"train": "train", "original": "test", "inverted": "inverted"}.items():
            columns[f"{column}_accuracy"], columns[f"{column}_loss"] = judged[name].accuracy, judged[name].loss
        columns["negated_accuracy"] = judged["negated"].accuracy
        columns["clipped"] = judged["train"].clipped
        classes = {name: judged[name].classes for name in HELD_OUT}
        return pd.DataFrame(columns), classes
