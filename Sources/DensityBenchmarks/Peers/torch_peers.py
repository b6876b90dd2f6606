#!/usr/bin/env python3
"""FVSBN, NADE and MADE in PyTorch, as one writes them for speed in eager mode.

Masked layers multiply their mask in once a training step and once for all for likelihoods; likelihoods and samples
run without autograd and update NADE's state in place; Adam is fused. The bf16 rows run under autocast.
"""

import torch
import torch.nn.functional as F
from torch import nn

import peers


class MaskedLinear(nn.Linear):
    def __init__(self, below, above):
        super().__init__(len(below), len(above))
        self.register_buffer("mask", (torch.tensor(above)[:, None] >= torch.tensor(below)).float())
        self.is_baked = False

    def bake(self):
        """Multiplies the mask into the weights for good, so that a forward pass is a plain product."""
        with torch.no_grad():
            self.weight *= self.mask
        self.is_baked = True

    def forward(self, x):
        return F.linear(x, self.weight if self.is_baked else self.mask * self.weight, self.bias)


class MADE(nn.Sequential):
    """Without hidden layers this is the FVSBN."""

    def __init__(self, hidden):
        degrees = peers.degrees(hidden)
        layers = []
        for below, above in zip(degrees, degrees[1:]):
            layers += [MaskedLinear(below, above), nn.ReLU()]
        super().__init__(*layers[:-1])

    def baked(self):
        for layer in self:
            if isinstance(layer, MaskedLinear):
                layer.bake()
        return self


class NADE(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.w = nn.Parameter(0.05 * torch.randn(peers.VARIABLES, hidden))
        self.v = nn.Parameter(0.05 * torch.randn(peers.VARIABLES, hidden))
        self.b = nn.Parameter(torch.zeros(peers.VARIABLES))
        self.c = nn.Parameter(torch.zeros(hidden))

    def forward(self, x):
        a = self.c.expand(x.shape[0], -1)
        logits = []
        for x_i, w_i, v_i in zip(x.t().unsqueeze(2), self.w, self.v):
            logits.append(torch.sigmoid(a) @ v_i)
            a = torch.addcmul(a, x_i, w_i)
        return torch.stack(logits, 1) + self.b

    @torch.no_grad()
    def run(self, count, x=None):
        """Returns the logits of rows, or draws rows if there are none."""
        a = self.c.repeat(count, 1)
        h = torch.empty_like(a)
        out = torch.empty(peers.VARIABLES, count)
        columns = None if x is None else x.t().contiguous()
        for i in range(peers.VARIABLES):
            torch.sigmoid(a, out=h)
            z = torch.mv(h, self.v[i]).add_(self.b[i])
            x_i = torch.bernoulli(z.sigmoid_()) if columns is None else columns[i]
            out[i] = x_i if columns is None else z
            a.addr_(x_i, self.w[i])
        return out.t()


def loss(logits, x):
    return F.binary_cross_entropy_with_logits(logits.float(), x, reduction="sum") / x.shape[0]


def training(model, rows, bf16=False):
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    batches = rows.split(peers.TRAIN_BATCH)
    step = 0

    def call():
        nonlocal step
        x = batches[step % len(batches)]
        step += 1
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(x)
        loss(logits, x).backward()
        optimizer.step()
        return len(x)

    return call


def likelihood(model, rows, bf16=False):
    x = rows[: peers.CALL_BATCH]

    @torch.inference_mode()
    def call():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(x)
        F.binary_cross_entropy_with_logits(logits.float(), x, reduction="none").sum(1)
        return len(x)

    return call


def naive_sampling(model):
    """A full pass a variable: what a plain network can do."""

    @torch.inference_mode()
    def call():
        x = torch.zeros(peers.SAMPLE_BATCH, peers.VARIABLES)
        for i in range(peers.VARIABLES):
            x[:, i] = torch.bernoulli(torch.sigmoid(model(x)[:, i]))
        return len(x)

    return call


def main():
    options = peers.arguments(__doc__)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rows = (torch.rand(peers.ROWS, peers.VARIABLES) < peers.SHARE_ON).float()
    meter = peers.Meter(f"PyTorch {torch.__version__}", options)

    for hidden in [500], [500, 500], [2000], [8000]:
        name = f"MADE {hidden}"
        meter.measure(name, "train", lambda: training(MADE(hidden), rows))
        meter.measure(name, "log p", lambda: likelihood(MADE(hidden).baked(), rows))
        if hidden == [500]:
            meter.measure(name, "sample", lambda: naive_sampling(MADE(hidden).baked()))
        if len(hidden) == 1:
            meter.measure(name + " bf16", "train", lambda: training(MADE(hidden), rows, bf16=True))
            meter.measure(name + " bf16", "log p", lambda: likelihood(MADE(hidden).baked(), rows, bf16=True))

    meter.measure("NADE 500", "train", lambda: training(NADE(500), rows))

    def nade_likelihood():
        model = NADE(500)
        return likelihood(lambda x: model.run(len(x), x), rows)

    def nade_sampling():
        model = NADE(500)
        return lambda: len(model.run(peers.SAMPLE_BATCH))

    meter.measure("NADE 500", "log p", nade_likelihood)
    meter.measure("NADE 500", "sample", nade_sampling)

    meter.measure("FVSBN", "train", lambda: training(MADE([]), rows))
    meter.measure("FVSBN", "log p", lambda: likelihood(MADE([]).baked(), rows))


if __name__ == "__main__":
    main()
