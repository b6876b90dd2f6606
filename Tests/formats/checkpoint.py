"""log p of rows under a checkpoint, from the file and FORMAT.md alone: numpy in double precision, and safetensors."""

import json

import numpy as np
from safetensors import safe_open

ACTIVATIONS = {
    "relu": lambda a: np.maximum(a, 0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "softplus": lambda a: np.logaddexp(0, a),
}


def log_sum_exp(terms, axis):
    largest = terms.max(axis=axis, keepdims=True)
    return np.squeeze(largest, axis) + np.log(np.exp(terms - largest).sum(axis=axis))


def chain_rule(x, z):
    """Σ_i x_i log σ(z_i) + (1 − x_i) log σ(−z_i)."""
    return -np.logaddexp(0, np.where(x == 1, -z, z)).sum(axis=1)


class Density:
    """One density of a file: its family, its configuration, and its arrays, which stand under a prefix."""

    def __init__(self, arrays, prefix, family, configuration):
        self.arrays, self.prefix, self.family = arrays, prefix, family
        self.configuration = json.loads(configuration)
        parts = self.configuration.get("components", [])
        self.components = [
            Density(arrays, f"{prefix}{k}.", part["model"], part["configuration"]) for k, part in enumerate(parts)
        ]

    def __getitem__(self, name):
        array = np.asarray(self.arrays[self.prefix + name])
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    def vector(self, name):
        return self[name].reshape(-1)

    def activation(self):
        return ACTIVATIONS[self.configuration.get("activation", "relu")]

    def log_probabilities(self, x):
        return getattr(self, "log_p_" + self.family.replace("-", "_"))(x)

    # Networks: the logits of each mask set or order.

    def logits_fvsbn(self, x):
        position = np.argsort(self["ordering"][0])
        return [self.vector("b") + x @ (self["w"] * (position[:, None] < position[None, :]))]

    def logits_nade(self, x):
        f, w, v, b = self.activation(), self["w"], self["v"], self.vector("b")
        a = np.tile(self.vector("c"), (len(x), 1))
        z = np.empty(x.shape)
        for i in self["ordering"][0]:
            z[:, i] = b[i] + f(a) @ v[i]
            a += x[:, i : i + 1] * w[i]
        return [z]

    def logits_made(self, x):
        f, counts = self.activation(), self.configuration["hidden_counts"]
        is_residual = self.configuration.get("residual", False)
        result = []
        for k, ordering in enumerate(self["ordering"]):
            position = np.argsort(ordering)

            def masked(name, below, above):
                return self[name] * (below[:, None] <= above[None, :])

            h, degree = x, position + 1
            for l, count in enumerate(counts):
                above = self[f"degrees{l}"][k]
                units = f(self.vector(f"c{l}") + h @ masked(f"w{l}", degree, above))
                h = units + h if is_residual and l > 0 and count == counts[l - 1] else units
                degree = above
            z = self.vector("b")
            if counts:
                z = z + h @ masked("v", degree, position)
            if self.configuration.get("has_direct_weights", not counts):
                z = z + x @ masked("direct", position + 1, position)
            result.append(z)
        return result

    def logits_eonade(self, x):
        f, count = self.activation(), len(self.configuration["hidden_counts"])
        result = []
        for ordering in self["ordering"]:
            z, known = np.empty(x.shape), np.zeros(x.shape[1])
            for i in ordering:
                h = f(self.vector("c0") + (x * known) @ self["w0"] + known @ self["u0"])
                for l in range(1, count):
                    h = f(self.vector(f"c{l}") + h @ self[f"w{l}"])
                z[:, i] = self.vector("b")[i] + h @ self["v"][:, i]
                known[i] = 1
            result.append(z)
        return result

    def logits_ensemble(self, x):
        return [sum(w * part.logits(x) for w, part in zip(self.configuration["weights"], self.components))]

    def logits(self, x):
        (z,) = getattr(self, "logits_" + self.family)(x)
        return z

    def log_p_network(self, x):
        terms = np.array([chain_rule(x, z) for z in getattr(self, "logits_" + self.family)(x)])
        return log_sum_exp(terms, 0) - np.log(len(terms))

    log_p_fvsbn = log_p_nade = log_p_made = log_p_eonade = log_p_ensemble = log_p_network

    # The others.

    def log_p_mixture(self, x):
        terms = np.array([part.log_probabilities(x) for part in self.components])
        with np.errstate(divide="ignore"):
            return log_sum_exp(terms + np.log(self.configuration["weights"])[:, None], 0)

    def log_p_bernoulli(self, x):
        return chain_rule(x, np.broadcast_to(self.vector("logits"), x.shape))

    def log_p_bernoulli_mixture(self, x):
        log_weights = self.vector("log_weights")
        terms = np.array([chain_rule(x, np.broadcast_to(z, x.shape)) for z in self["logits"].T])
        return log_sum_exp(terms + (log_weights - log_sum_exp(log_weights, 0))[:, None], 0)

    def log_p_chow_liu(self, x):
        parents = self.vector("parents")
        is_on = np.where(parents < 0, 0, x[:, parents])
        return chain_rule(x, np.where(is_on == 1, self["logits"][1], self["logits"][0]))


def read(path):
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    assert metadata["format"] == "BinaryDensity 2", metadata["format"]
    return Density(arrays, "model.", metadata["model"], metadata["configuration"])
