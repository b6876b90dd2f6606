"""Checks checkpoints and exported state dicts from outside: `make test-formats`.

    python3 Tests/formats/check.py PATH_OF_DENSITY

With numpy and safetensors alone, log p is rebuilt from checkpoints and FORMAT.md (checkpoint.py); where PyTorch is there,
its modules (networks.py) read what `density export` wrote, and `density import` what they save.
"""

import pathlib
import random
import subprocess
import sys
import tempfile

TOLERANCE = 1e-5

TRAINED = {
    "three layers, two random orders": "--model made --hidden 7,6,5 --masks 2 --ordering resampled",
    "MADE": "--model made --hidden 8",
    "MADE without layers": "--model made --hidden none",
    "MADE with direct weights": "--model made --hidden 6,5 --direct --activation tanh",
    "residual MADE": "--model made --hidden 6,6,5 --residual --activation softplus",
    "FVSBN": "--model fvsbn",
    "NADE": "--model nade --hidden 5 --ordering random",
    "NADE of sigmoids": "--model nade --hidden 5 --activation sigmoid",
    "EoNADE": "--model eonade --hidden 6,5 --orders 3",
    "ensemble": "--model made --hidden 5 --members 2",
    "mixture of ensembles": "--model nade --hidden 4 --members 4 --orders 2 --ordering random",
    "Bernoullis": "--model bernoulli",
    "mixture of Bernoullis": "--model bernoulli-mixture --components 3",
    "tree": "--model chow-liu",
}
EXPORTED = ["MADE", "MADE without layers", "MADE with direct weights", "FVSBN", "NADE", "NADE of sigmoids"]


def main(density):
    try:
        import numpy
        import safetensors  # noqa: F401
    except ImportError as error:
        print(f"test-formats skipped: {error.name} is missing (pip install numpy safetensors torch)")
        return 0
    import checkpoint

    try:
        import torch  # noqa: F401
    except ImportError:
        torch = None

    def run(*arguments):
        result = subprocess.run([density, *map(str, arguments)], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"density {' '.join(map(str, arguments))}: {result.stderr}")
        return result.stdout

    def said(model, rows):
        return numpy.array([float(line) for line in run("logprob", model, rows).split()])

    failures = 0

    def compare(name, found, expected):
        nonlocal failures
        error = numpy.max(numpy.abs(found - expected) / numpy.abs(expected))
        failures += not error <= TOLERANCE
        print(f"{'ok  ' if error <= TOLERANCE else 'FAIL'} {name}: within {error:.1e}")

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows = folder / "rows.csv"
        draw = random.Random(1)
        table = [[int(draw.random() < (0.8 if r % 3 == i % 2 else 0.2)) for i in range(9)] for r in range(200)]
        rows.write_text("\n".join(",".join(map(str, row)) for row in table) + "\n")
        x = numpy.array(table, dtype=numpy.float64)
        for name, options in TRAINED.items():
            is_counted = options.split()[1] in ("bernoulli", "bernoulli-mixture", "chow-liu")
            steps = [] if is_counted else ["--epochs", 3, "--batch", 20, "--rate", 0.02]
            run_folder = folder / name.replace(" ", "-")
            run("train", "--data", rows, "--run", run_folder, *options.split(), *steps)
            model = run_folder / "best.safetensors"
            expected = said(model, rows)
            compare(f"numpy reads {name}", checkpoint.read(model).log_probabilities(x), expected)
            if torch is not None and name in EXPORTED:
                exported = folder / "exported.safetensors"
                run("export", model, "-o", exported)
                found, saved = in_torch(exported, table, folder / "saved.safetensors")
                compare(f"PyTorch reads {name}", found, expected)
                again = folder / "again.safetensors"
                activation = options.split()[options.split().index("--activation") + 1] if "--activation" in options \
                    else "relu"
                run("import", saved, "-o", again, "--activation", activation)
                if "NADE" not in name or "random" not in options:
                    compare(f"what PyTorch saved of {name}", said(again, rows), expected)
    if torch is None:
        print("PyTorch is missing (pip install torch): what density export writes was not checked")
    return 1 if failures else 0


def in_torch(path, table, saved):
    """log p as the module of a state dict computes it; the module is then saved again, without metadata."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    import networks

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    state = load_file(path)
    module = networks.of_metadata(metadata, state)
    module.load_state_dict(state)
    module.double()
    with torch.no_grad():
        found = module.log_probabilities(torch.tensor(table, dtype=torch.float64))
    save_file(module.state_dict(), saved)
    return found.numpy(), saved


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
