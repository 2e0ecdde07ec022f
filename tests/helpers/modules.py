"""Networks as plain torch.nn modules, trained by autograd and torch.optim: what an ensemble's are compared with."""

import itertools
import math

import numpy as np
import torch
from sklearn.utils import shuffle

FUNCTIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "gelu": torch.nn.GELU}


class Network(torch.nn.Module):
    """One network in float64 with the parameters of a row (P,)."""

    def __init__(self, inputs, hidden, classes, row, activation="tanh", biased=True):
        super().__init__()
        self.biased, parts, channels, side = biased, [], 1, math.isqrt(inputs)
        convolved = any(isinstance(layer, str) for layer in hidden)
        if convolved:
            parts = [torch.nn.Unflatten(1, (1, side, side))]
        for layer in hidden:
            if isinstance(layer, str):
                filters = int(layer.removeprefix("c"))
                parts += [torch.nn.Conv2d(channels, filters, 3, padding=1), FUNCTIONS[activation]()]
                parts += [torch.nn.AvgPool2d(2)]
                channels, side = filters, side // 2
                inputs = channels * side * side
            else:
                parts += [torch.nn.Flatten(), torch.nn.Linear(inputs, layer), FUNCTIONS[activation]()]
                inputs = layer
        self.parts = torch.nn.Sequential(*parts, torch.nn.Flatten(), torch.nn.Linear(inputs, classes)).double()
        self.trained = [part for part in self.parts if hasattr(part, "weight")]
        rest = torch.as_tensor(row)
        with torch.no_grad():
            for part in self.trained:
                units = len(part.bias)
                matrix, rest = rest.tensor_split([units + part.weight.numel()])
                matrix = matrix.view(units, -1)
                part.weight.copy_(matrix[:, :-1].reshape(part.weight.shape))
                part.bias.copy_(matrix[:, -1])
        assert not len(rest)

    def forward(self, points):
        return self.parts(torch.as_tensor(points))

    def loss(self, points, labels, alpha):
        """Mean cross-entropy with the penalty."""
        penalty = alpha / (2 * len(labels)) * sum(part.weight.square().sum() for part in self.trained)
        return torch.nn.functional.cross_entropy(self(points), torch.as_tensor(labels)) + penalty

    def backward(self, loss):
        """Gradients of all that is trained."""
        self.zero_grad()
        loss.backward()
        for part in self.trained:
            part.bias.grad *= self.biased

    def gradient(self):
        """(P,), as a row has it."""
        return _row((part.weight.grad, part.bias.grad) for part in self.trained)

    def row(self):
        return _row((part.weight.detach(), part.bias.detach()) for part in self.trained)


def _row(parts):
    return torch.cat([torch.cat([weight.flatten(1), bias[:, None]], 1).flatten() for weight, bias in parts])


def orders(seed, parameters, n, epochs):
    """The order of the samples in each epoch, drawn as scikit-learn does after it has drawn the initial weights."""
    random, order = np.random.RandomState(seed), np.arange(n)
    random.uniform(size=parameters)
    for _ in range(epochs):
        order = shuffle(order, random_state=random)
        yield order


def adams(network, points, labels, alpha, order, hat):
    """Parameters after each epoch of one network, by autograd and torch.optim.Adam.

    hat: with ε as Kingma and Ba's shorter form and scikit-learn have it; otherwise as torch has it.
    """
    points, labels, steps = torch.as_tensor(points), torch.as_tensor(labels), itertools.count(1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    for epoch in order:
        for batch, step in zip(torch.tensor(epoch).split(200), steps, strict=False):
            network.backward(network.loss(points[batch], labels[batch], alpha))
            if hat:
                optimiser.param_groups[0]["eps"] = 1e-8 / (1 - 0.999**step) ** 0.5
            optimiser.step()
        yield network.row()
