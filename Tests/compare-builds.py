#!/usr/bin/env python3
"""Compares what two builds of `density` train and say, bit for bit.

Both train the same small models with the same explicit settings, some minutes long in all. Compared are the arrays of
every checkpoint (parameters, averages, what the optimizer keeps), the figures of every epoch and of the end, and, of the
old build's model read by both, `logprob` byte by byte and `evaluate --json`. Weights that the one mask of a model forbids
may be zero in the new build, whatever the old one left there: they take no part. Samples are not compared.

The status is 1 if anything differs. It takes Python 3.10, and nothing but its standard library.
"""

import argparse
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# MARK: What is trained

# The splits of MNIST that are trained on: name, file, first picture, number of pictures.
SPLITS = [("train", "train-images-idx3-ubyte.gz", 0, 2000), ("valid", "train-images-idx3-ubyte.gz", 50_000, 300),
          ("test", "t10k-images-idx3-ubyte.gz", 0, 300)]
PICTURES = "--data train.idx --validation valid.idx --test test.idx --binarize-seed 2008"
ADAM = "--epochs 3 --batch 100 --schedule cosine --optimizer adam --rate 0.003 --weight-decay 0.1 --seed 3"
# Every option that has a default of a family's own is given, so that a new default is no difference.
SETTINGS = {
    "FVSBN": f"{PICTURES} {ADAM} --model fvsbn --ordering random",
    "FVSBN natural, adagrad": f"{PICTURES} --model fvsbn --ordering natural --epochs 2 --batch 100 --schedule inverse "
                              "--optimizer adagrad --rate 0.01 --seed 3",
    "NADE relu": f"{PICTURES} {ADAM} --model nade --hidden 500 --activation relu --ordering natural "
                 "--input-dropout 0.2 --average 0.95",
    "NADE sigmoid": f"{PICTURES} {ADAM} --model nade --hidden 300 --activation sigmoid --ordering random",
    "NADE dynamic": f"{PICTURES} {ADAM} --model nade --hidden 100 --activation relu --ordering natural "
                    "--binarize dynamic",
    "MADE": f"{PICTURES} {ADAM} --model made --hidden 500 --activation relu --ordering random --average 0.95",
    "MADE natural, clipped": f"{PICTURES} {ADAM} --model made --hidden 200 --activation tanh --ordering natural "
                             "--clip 1",
    "MADE 8 masks": f"{PICTURES} {ADAM} --model made --hidden 500 --activation relu --ordering resampled --masks 8",
    "MADE fresh masks": f"{PICTURES} {ADAM} --model made --hidden 200 --activation relu --ordering random "
                        "--fresh-masks",
    "MADE deep": f"{PICTURES} {ADAM} --model made --hidden 200,200,200 --activation relu --ordering random "
                 "--residual --direct --dropout 0.2 --input-dropout 0.1",
    "MADE 2 masks, deep": f"{PICTURES} {ADAM} --model made --hidden 150,100 --activation softplus --ordering random "
                          "--masks 2 --direct",
    "MADE bf16": f"{PICTURES} {ADAM} --model made --hidden 500 --activation relu --ordering random --precision bf16",
    "EoNADE": f"{PICTURES} {ADAM} --model eonade --hidden 200 --activation relu --ordering resampled --orders 3",
    "EoNADE deep": f"{PICTURES} {ADAM} --model eonade --hidden 60,60 --activation relu --ordering resampled --orders 2 "
                   "--dropout 0.1",
    "ensemble": f"{PICTURES} {ADAM} --model nade --hidden 100 --activation relu --ordering natural --members 2",
    "mixture": f"{PICTURES} {ADAM} --model made --hidden 100 --activation relu --ordering random --members 4 "
               "--orders 2",
    "Bernoullis": f"{PICTURES} --model bernoulli --seed 3",
    "mixture of Bernoullis": f"{PICTURES} --model bernoulli-mixture --components 20 --seed 3",
    "Chow-Liu": f"{PICTURES} --model chow-liu --seed 3",
    "table, NADE": "--data table.csv --test held-out.csv --model nade --hidden 20 --activation relu --ordering natural "
                   "--epochs 6 --batch 32 --schedule plateau --optimizer sgd --momentum 0.8 --rate 0.05 --patience 3 "
                   "--seed 3",
    "table, MADE": f"--data table.csv --test held-out.csv {ADAM} --model made --hidden 30,20 --activation relu "
                   "--ordering random --validate-every 2",
}


def write_data(folder, mnist):
    """Writes the rows that are trained on: parts of MNIST, and a small table whose columns depend on each other."""
    for name, file, first, count in SPLITS:
        data = gzip.decompress((mnist / file).read_bytes())
        _, height, width = struct.unpack(">III", data[4:16])
        size = height * width
        pictures = data[16 + first * size:16 + (first + count) * size]
        (folder / f"{name}.idx").write_bytes(data[:4] + struct.pack(">III", count, height, width) + pictures)
    draw = random.Random(1)
    for name, count in (("table", 800), ("held-out", 200)):
        lines = []
        for _ in range(count):
            row = [draw.random() < 0.5]
            while len(row) < 17:
                row.append(draw.random() < (0.8 if row[-1] != row[len(row) // 2] else 0.3))
            lines.append(",".join(str(int(bit)) for bit in row))
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


# MARK: Masks


def permutation(count, seed, index):
    """The `index`-th random order of a seed: drawn by Philox 4x32-10, as the package draws it."""
    stream = 0xDA08 << 48 | index
    words = []

    def block(number):
        c0, c1, c2, c3 = number & 0xFFFFFFFF, number >> 32, stream & 0xFFFFFFFF, stream >> 32
        k0, k1 = seed & 0xFFFFFFFF, seed >> 32
        for _ in range(10):
            p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
            c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & 0xFFFFFFFF, p0 >> 32 ^ c3 ^ k1, p0 & 0xFFFFFFFF
            k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
        return [c0, c1, c2, c3]

    def below(bound):
        while True:
            while len(words) < 2:
                words.extend(block(below.blocks))
                below.blocks += 1
            low, high = words.pop(0), words.pop(0)
            product = (high << 32 | low) * bound
            if product & (1 << 64) - 1 >= (1 << 64) % bound:
                return product >> 64

    below.blocks = 0
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = below(last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def degrees_of_one_mask(configuration):
    """The degrees on both sides of each masked array, by its name; none where several masks share the weights.

    The weight from k to n is permitted where degree(k) <= degree(n).
    """
    if "has_direct_weights" in configuration:
        if configuration["mask_count"] != 1 or configuration["trains_on_fresh_masks"]:
            return {}
        hidden = configuration["hidden_counts"]
    elif set(configuration) == {"ordering", "seed", "variable_count"}:
        hidden = []  # an FVSBN
    else:
        return {}
    count, rule = configuration["variable_count"], configuration["ordering"]
    if isinstance(rule, list):
        order = rule
    else:
        order = list(range(count)) if rule == "natural" else permutation(count, configuration["seed"], 0)
    positions = [0] * count
    for position, variable in enumerate(order):
        positions[variable] = position
    inputs = [position + 1 for position in positions]
    below, lowest, result = inputs, min(1, count - 1), {}
    for layer, width in enumerate(hidden):
        if configuration.get("residual") and layer > 0 and hidden[layer - 1] == width:
            units = below  # what is added to a unit must see no more than it may
        elif width == 1:
            units = [count - 1]
        else:
            length = count - 1 - lowest
            units = [lowest + (n * length + (width - 1) // 2) // (width - 1) for n in range(width)]
        result[f"w{layer}"] = (below, units)
        below, lowest = units, units[0]
    if hidden:
        result["v"] = (below, positions)
    if configuration.get("has_direct_weights"):
        result["direct"] = (inputs, positions)
    if "has_direct_weights" not in configuration:
        result["w"] = (inputs, positions)
    return result


def masks(configuration, prefix="model."):
    """The degrees of masked arrays by their names in a file, components' included."""
    found = {prefix + name: degrees for name, degrees in degrees_of_one_mask(configuration).items()}
    for index, part in enumerate(configuration.get("components") or []):
        found |= masks(json.loads(part["configuration"]), f"{prefix}{index}.")
    return found


# MARK: Comparing


def read_checkpoint(path):
    """Returns the metadata and, by name, the type and the bytes of every array of a safetensors file."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body = memoryview(data)[8 + length:]
    return metadata, {name: (entry["dtype"], body[slice(*entry["data_offsets"])]) for name, entry in header.items()}


class Result:
    """What the comparison of one setting has found."""

    def __init__(self):
        self.checkpoints = self.scalars = self.zeroed = 0
        self.differences = []

    def compare(self, what, old, new):
        """Compares JSON values, part by part."""
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            for key in old:
                self.compare(f"{what}, {key}", old[key], new[key])
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for index, parts in enumerate(zip(old, new)):
                self.compare(f"{what}, {index}", *parts)
        elif old != new:
            self.differences.append(f"{what}: {old} and {new}")

    def compare_checkpoints(self, what, old_path, new_path):
        """Compares the arrays that the old file has; what the new format keeps besides is none of training's."""
        self.checkpoints += 1
        metadata, old = read_checkpoint(old_path)
        _, new = read_checkpoint(new_path)
        degrees = masks(json.loads(metadata["configuration"]))
        for name, (dtype, data) in old.items():
            if name not in new:
                self.differences.append(f"{what}: the new file has no {name}")
                continue
            if (dtype, new[name][0]) == ("F32", "I32"):
                # Whole numbers, which format 1 kept as floats: the parents of a tree.
                if list(data.cast("f")) != list(new[name][1].cast("i")):
                    self.differences.append(f"{what}: {name} differs")
                continue
            if dtype != new[name][0] or len(data) != len(new[name][1]):
                self.differences.append(f"{what}: {name} is of another type or size")
                continue
            width = 8 if dtype == "F64" else 4
            self.scalars += len(data) // width
            if data == new[name][1]:
                continue
            word = "Q" if width == 8 else "I"
            # An average, and what the optimizer keeps, stand under the name of their array.
            kept = name if name.startswith("model.") else "model." + name.removeprefix("optimizer.").split(".", 1)[1]
            differing = self.differing(data.cast(word), new[name][1].cast(word), degrees.get(kept))
            if differing:
                self.differences.append(f"{what}: {name} differs in {differing} of {len(data) // width} scalars")

    def differing(self, old, new, degrees):
        """Counts scalars of other bits, but for zeros where the degrees of a mask forbid a weight."""
        count = 0
        for place, (before, after) in enumerate(zip(old, new)):
            if before == after:
                continue
            if degrees is not None and after == 0:
                row, column = divmod(place, len(degrees[1]))
                if degrees[0][row] > degrees[1][column]:
                    self.zeroed += 1
                    continue
            count += 1
        return count


def untimed(value):
    """Returns a JSON value without what is a matter of time or place."""
    if isinstance(value, dict):
        left_out = ("seconds", "rows_per_second", "run", "configuration")
        return {key: untimed(part) for key, part in value.items() if key not in left_out}
    return [untimed(part) for part in value] if isinstance(value, list) else value


def density(program, folder, *arguments):
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, check=False)


def compare(options, name, folder):
    """Trains a setting with both builds; returns what was found, or why it was left out."""
    result = Result()
    runs = [f"{build} {name}".replace(" ", "-").replace(",", "") for build in ("old", "new")]
    ended = [density(program, folder, "train", *SETTINGS[name].split(), "--json", "--run", run)
             for program, run in zip((options.old, options.new), runs)]
    result.compare("the status of train", ended[0].returncode, ended[1].returncode)
    if ended[0].returncode != 0:
        reason = ended[0].stderr.decode(errors="replace").strip().splitlines()[-1:]
        if result.differences or "bf16" not in name:
            result.differences.append(f"the old build does not train: {reason}")
            return result
        return f"left out: {reason[0]}"
    if ended[1].returncode != 0:
        result.differences += ended[1].stderr.decode(errors="replace").strip().splitlines()[-1:]
        return result
    result.compare("the figures of train", *(untimed(json.loads(part.stdout)) for part in ended))

    old, new = (folder / run for run in runs)
    for path in sorted(old.rglob("*")):
        part = path.relative_to(old)
        if path.suffix not in (".safetensors", ".jsonl"):
            continue
        if not (new / part).exists():
            result.differences.append(f"{part}: the new build writes none")
        elif path.suffix == ".safetensors":
            result.compare_checkpoints(str(part), path, new / part)
        else:
            epochs = [[untimed(json.loads(line)) for line in (run / part).read_text().splitlines()]
                      for run in (old, new)]
            result.compare(str(part), *epochs)

    # The old model, as both read it.
    table = "held-out.csv" if "table.csv" in SETTINGS[name] else "test.idx"
    best = f"{runs[0]}/best.safetensors"
    rows = [density(program, folder, "logprob", best, table) for program in (options.old, options.new)]
    if rows[0].returncode != 0 or not rows[0].stdout:
        result.differences.append("logprob: the old build gives none")
    if rows[0].stdout != rows[1].stdout:
        lines = [part.stdout.splitlines() for part in rows]
        count = sum(one != other for one, other in zip(*lines)) + abs(len(lines[0]) - len(lines[1]))
        result.differences.append(f"logprob: {count} of {len(lines[0])} rows differ")
    figures = [density(program, folder, "evaluate", best, table, "--json") for program in (options.old, options.new)]
    result.compare("the status of evaluate", *(part.returncode for part in figures))
    if all(part.returncode == 0 for part in figures):
        result.compare("evaluate", *(untimed(json.loads(part.stdout)) for part in figures))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=os.path.abspath, help="the density of the build to compare with")
    parser.add_argument("new", type=os.path.abspath, help="the density of the build in question")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS",
                        help="only the settings with these words in their names; may be repeated")
    parser.add_argument("--mnist", type=Path, default=ROOT / "Data/mnist", help="MNIST's folder (default %(default)s)")
    options = parser.parse_args()
    for program in (options.old, options.new):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is no program")
    names = [name for name in SETTINGS
             if not options.only or any(word.lower() in name.lower() for word in options.only)]
    if not names:
        parser.error("--only: no setting has these words")

    table = "{:<24} {:>11} {:>10} {:>12} {:>11}"
    print(table.format("setting", "checkpoints", "scalars", "zeroed", "differences"))
    failed = 0
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        write_data(folder, options.mnist)
        for name in names:
            result = compare(options, name, folder)
            if isinstance(result, str):
                print(f"{name:<24} {result}", flush=True)
                continue
            failed += bool(result.differences)
            print(table.format(name, result.checkpoints, result.scalars, result.zeroed, len(result.differences)),
                  flush=True)
            for difference in result.differences:
                print(f"    {difference[:300]}", flush=True)
    print(f"{failed} of {len(names)} settings differ" if failed else "no difference")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
