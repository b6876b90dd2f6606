"""Writes state dicts as PyTorch programs do, and log p of rows of them as PyTorch computes it in double precision.

    python3 Tests/formats/make_golden.py        (pip install torch numpy safetensors)

Tests read the files of Tests/formats/pytorch; nobody needs to make them again. One of each floating-point type, with
masks as buffers, as zeros among the weights, and as degrees in the metadata.
"""

import itertools
import json
import pathlib

import torch
from safetensors.torch import save_file

from networks import FVSBN, MADE, NADE

D = 6
FOLDER = pathlib.Path(__file__).parent / "pytorch"
ROWS = torch.tensor(list(itertools.product([0.0, 1.0], repeat=D)), dtype=torch.float64)
ORDERING = [3, 0, 5, 1, 4, 2]
DEGREES = [[1, 5, 2, 4, 3, 0, 2], [5, 3, 4, 2, 5]]


def drawn(module):
    """Gives a module weights that a trained network could have."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.7)
    return module


def write(name, module, dtype, rename=lambda name: name, change=lambda state: state, metadata=None):
    # The numbers that the file holds, in double precision.
    module.to(dtype).to(torch.float64)
    with torch.no_grad():
        values = module.log_probabilities(ROWS)
    state = {rename(key): value for key, value in module.state_dict().items()}
    state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in change(state).items()}
    save_file({key: value.contiguous() for key, value in state.items()}, FOLDER / f"{name}.safetensors", metadata)
    return [f"{name} {value!r}" for value in values.tolist()]


def sequential(prefix):
    """The names of an nn.Sequential in which an activation follows each layer."""
    def rename(name):
        _, number, kind = name.split(".")
        return f"{prefix}{2 * int(number)}.{kind}"
    return rename


def without_masks(state):
    return {key: value for key, value in state.items() if not key.endswith("mask")}


def with_zeros(state):
    """The weights as they are after a training that multiplied them by their masks in place."""
    masked = {
        key: value * state[key.replace("weight", "mask")] if key.endswith("weight") else value
        for key, value in state.items()
    }
    return without_masks(masked)


def with_float_masks(state):
    return {key: value.float() if key.endswith("mask") else value for key, value in state.items()}


def main():
    torch.manual_seed(1)
    FOLDER.mkdir(exist_ok=True)
    said = {"format": "pt", "ordering": json.dumps(ORDERING), "degrees": json.dumps(DEGREES)}
    generative = {"W": "_in_W", "c": "_in_b", "V": "_h_W", "b": "_h_b"}
    lines = [
        *write("made-buffers-f32", drawn(MADE(ORDERING, DEGREES)), torch.float32, sequential("net."), with_float_masks),
        *write("made-buffers-f16", drawn(MADE(ORDERING, DEGREES)), torch.float16, sequential("hyper.")),
        *write("made-zeros-bf16", drawn(MADE(ORDERING, DEGREES)), torch.bfloat16, change=with_zeros),
        *write(
            "made-degrees-f64", drawn(MADE(ORDERING, DEGREES, "tanh", direct=True)), torch.float64,
            change=without_masks, metadata=said | {"activation": "tanh"}),
        *write("made-direct-f32", drawn(MADE(ORDERING, DEGREES[:1], direct=True)), torch.float32),
        *write("nade-f32", drawn(NADE(list(range(D)), 4)), torch.float32),
        *write("nade-generative-f64", drawn(NADE(list(range(D)), 5)), torch.float64, generative.get),
        *write(
            "nade-ordered-f16", drawn(NADE(ORDERING, 5, "relu")), torch.float16,
            metadata={"ordering": json.dumps(ORDERING), "activation": "relu"}),
        *write("fvsbn-f32", drawn(FVSBN(ORDERING)), torch.float32),
        *write("fvsbn-zeros-f64", drawn(FVSBN(ORDERING)), torch.float64, "linear.{}".format, with_zeros),
    ]
    (FOLDER / "logprob.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
