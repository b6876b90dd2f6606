"""The networks of FORMAT.md's section on PyTorch as modules, whose state dicts have its names."""

import json

import torch
from torch import nn

ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": nn.functional.softplus}


def chain_rule(x, z):
    return -nn.functional.binary_cross_entropy_with_logits(z, x, reduction="none").sum(1)


class MaskedLinear(nn.Linear):
    """A linear layer whose weights, outputs × inputs, count where the mask is 1."""

    def __init__(self, mask, bias=True):
        super().__init__(mask.shape[1], mask.shape[0], bias=bias)
        self.register_buffer("mask", mask)

    def forward(self, x):
        return nn.functional.linear(x, self.weight * self.mask, self.bias)


def masks(ordering, degrees):
    """The masks of the layers, and the one from inputs to outputs, by the mask rule."""
    position = torch.argsort(torch.as_tensor(ordering))
    chain = [position + 1] + [torch.as_tensor(d) for d in degrees] + [position]
    layers = [above[:, None] >= below[None, :] for below, above in zip(chain, chain[1:])]
    return layers, position[:, None] >= position[None, :] + 1


class MADE(nn.Module):
    def __init__(self, ordering, degrees, activation="relu", direct=False):
        super().__init__()
        layers, past = masks(ordering, degrees)
        self.layers = nn.ModuleList(MaskedLinear(mask) for mask in layers)
        self.direct = MaskedLinear(past, bias=False) if direct else None
        self.f = ACTIVATIONS[activation]

    def log_probabilities(self, x):
        h = x
        for layer in self.layers[:-1]:
            h = self.f(layer(h))
        z = self.layers[-1](h)
        return chain_rule(x, z if self.direct is None else z + self.direct(x))


class FVSBN(MaskedLinear):
    def __init__(self, ordering):
        super().__init__(masks(ordering, [])[1])

    def log_probabilities(self, x):
        return chain_rule(x, self(x))


class NADE(nn.Module):
    def __init__(self, ordering, hidden, activation="sigmoid"):
        super().__init__()
        self.ordering, self.f = ordering, ACTIVATIONS[activation]
        self.W = nn.Parameter(torch.zeros(hidden, len(ordering)))
        self.c = nn.Parameter(torch.zeros(hidden))
        self.V = nn.Parameter(torch.zeros(len(ordering), hidden))
        self.b = nn.Parameter(torch.zeros(len(ordering)))

    def log_probabilities(self, x):
        a, z = self.c.expand(len(x), -1), [None] * len(self.ordering)
        for i in self.ordering:
            z[i] = self.b[i] + self.f(a) @ self.V[i]
            a = a + x[:, i : i + 1] * self.W[:, i]
        return chain_rule(x, torch.stack(z, 1))


def of_metadata(metadata, state):
    """The module whose state dict a file written by `density export` holds."""
    ordering = json.loads(metadata["ordering"])
    if metadata["model"] == "made":
        degrees = json.loads(metadata["degrees"])
        return MADE(ordering, degrees, metadata["activation"], direct="direct.weight" in state)
    if metadata["model"] == "nade":
        return NADE(ordering, len(state["c"]), metadata["activation"])
    return FVSBN(ordering)
