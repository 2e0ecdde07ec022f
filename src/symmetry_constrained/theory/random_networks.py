"""Properties that every bias-free network must have, checked on thousands of random networks.

A bias-free network is odd, f(−x) = −f(x) (section 2.2 of the paper). Hence the most likely class of −x is the least
likely of x, so R + R̄ ≤ 1; and the two terms that one image gives the loss on ±X add up to
log Σ_a exp f_a + log Σ_a exp(−f_a), in which its label cancels.
"""

import numpy as np
import pandas as pd
import torch

from symmetry_constrained import paper
from symmetry_constrained.networks.architecture import Architecture, hyphenated
from symmetry_constrained.networks.ensemble import Ensemble

DEPTHS = ((10,), paper.HIDDEN_LAYERS, (20, 10), (8, 8, 8, 8))  # hidden layers
SCALES = (0.1, 1.0, 10.0)  # of the initial weights: from nearly linear to saturated


def violations(images: np.ndarray, labels: np.ndarray, classes: int, networks: int, seed: int = 0) -> pd.DataFrame:
    """The largest violation of each property over `networks` random bias-free networks of each shape, in float64.

    images (n, d), labels (n,). A row per hidden layers, scale and property: `odd`, the largest |f(−x) + f(x)|;
    `opposite`, a network's inputs whose most likely class negated is not their least likely; `bound`, the largest
    R + R̄ − 1 above 0, with the labels as they are and with the most favourable ones, the class each network itself
    gives to x; `label-blind`, the largest change of the loss on ±X when labels are drawn anew. Hundreds of
    images are split into blocks, and each block is checked alone. n: networks. A violation that is not a number stays
    nan. ValueError without networks.
    """
    if networks < 1:
        raise ValueError(f"networks: at least 1 is needed, not {networks}")
    random = np.random.default_rng(seed)
    other = random.integers(classes, size=len(labels))
    index, changed = (torch.tensor(values, dtype=torch.int64) for values in (labels, other))
    rows = []
    for hidden in DEPTHS:
        architecture = Architecture(images.shape[1], hidden, classes)
        ensemble = Ensemble(architecture, np.zeros(1, dtype=bool), dtype=torch.float64)
        up, down = (ensemble.samples(sign * images.astype(np.float64), labels) for sign in (1, -1))
        for scale in SCALES:
            worst = dict.fromkeys(("odd", "opposite", "bound", "label-blind"), 0.0)
            for start in range(0, networks, 100):
                seeds = random.integers(2**31, size=min(100, networks - start))
                weights = scale * np.stack([architecture.initial(int(number), biased=False) for number in seeds])
                parameters = torch.from_numpy(weights)
                pairs = zip(ensemble.logits(parameters, up), ensemble.logits(parameters, down), strict=True)
                for (_, block, f), (_, _, g) in pairs:
                    for name, value in _of_block(f, g, index[block], changed[block]).items():
                        worst[name] = float(np.maximum(worst[name], value))  # max() would lose a nan
            shape = {"hidden_layers": hyphenated(hidden), "scale": scale}
            rows += [shape | {"property": name, "violation": value, "n": networks} for name, value in worst.items()]
    return pd.DataFrame(rows)


def _of_block(f: torch.Tensor, g: torch.Tensor, labels: torch.Tensor, other: torch.Tensor) -> dict[str, float]:
    """The largest violations by logits f (L, classes, b) of a block of inputs and g of the inputs negated."""
    most, least = f.max(1).indices, f.min(1).indices
    negated = g.max(1).indices
    sums = [((most == y).double() + (negated == y).double()).mean(1).max() for y in (labels, most)]
    p, q = torch.log_softmax(f, 1), torch.log_softmax(g, 1)

    def loss(y: torch.Tensor) -> torch.Tensor:
        chosen = y.expand(len(f), 1, -1)
        return -(p.gather(1, chosen) + q.gather(1, chosen))[:, 0].mean(1) / 2

    return {
        "odd": float((f + g).abs().max()),
        "opposite": float((negated != least).sum(1).max()),
        "bound": max(float(max(sums)) - 1, 0.0),
        "label-blind": float((loss(labels) - loss(other)).abs().max()),
    }
