"""Ensembles with random weights, and images to try them on."""

import numpy as np
import torch

ALPHA = 0.1
BIASED = np.array([True, False, True])


def drawn(kind, architecture, dtype=torch.float64, n=60, biased=BIASED, seed=0, scale=1.0, device="cpu", **options):
    """An ensemble of this kind with weights of this standard deviation, and n images with labels."""
    random = np.random.default_rng(seed)
    ensemble = kind(architecture, biased, ALPHA, dtype, device, **options)
    rows = random.normal(size=(len(biased), architecture.row_length)) * scale
    rows[~biased[:, None] & architecture.is_bias()] = 0.0
    points = random.uniform(-1, 1, (n, architecture.inputs))
    return ensemble, torch.tensor(rows, device=device), points, random.integers(0, architecture.classes, n)
