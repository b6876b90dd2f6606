#!/usr/bin/env python3
"""Compares density-bench with the peer programs, side by side in one run.

Model by model the programs take turns, several rounds long, so that whatever else the machine does meets all alike; a
figure is the median over the rounds. Every ratio is to the better peer of the same row, and stands beside what it
must be and what it aims at. What is not installed is skipped with a message.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Row:
    """One line of the comparison: what it is called by the peers and by density-bench, and its targets."""

    model: str
    operation: str
    must: float | None = None
    aim: float | None = None
    ours: str | None = None

    @property
    def label(self):
        return f"{self.model} {self.operation}"

    @property
    def our_label(self):
        return f"{self.ours or self.model} {self.operation}"


# The peers' NADE has sigmoid units, as the paper's.
SIGMOID = "NADE 500 sigmoid"
# Models in turn; the peers sample 100 at a time, by a full pass a variable where they know no other way.
GROUPS = [
    [Row("NADE 500", "log p", 45, 70, SIGMOID), Row("NADE 500", "train", 80, 140, SIGMOID),
     Row("NADE 500", "sample", 33, 48, SIGMOID)],
    [Row("MADE [500]", "train", 3.7, 5.5), Row("MADE [500]", "log p", 3, 3.6),
     Row("MADE [500]", "sample", 1800, 3000), Row("MADE [500] bf16", "train")],
    [Row("MADE [500, 500]", "train"), Row("MADE [500, 500]", "log p"), Row("MADE [500, 500]", "sample")],
    [Row("MADE [2000]", "train", 2.6, 3.4), Row("MADE [2000]", "log p"), Row("MADE [2000]", "sample"),
     Row("MADE [2000] bf16", "train", 3.5, 5)],
    [Row("MADE [8000]", "train", 2.6, 3.4), Row("MADE [8000]", "log p"), Row("MADE [8000]", "sample"),
     Row("MADE [8000] bf16", "train", 3.5, 5)],
    [Row("FVSBN", "train", 5.5, 8), Row("FVSBN", "log p", 8, 11), Row("FVSBN", "sample")],
]
ROWS = [row for group in GROUPS for row in group]
# At most this many likelihoods' time for a sample; at least this much faster with all threads than with one.
SAMPLE_MUST, SAMPLE_AIM = 2.5, 1.5
THREADS_MUST, THREADS_AIM = 1.7, 1.9


@dataclass(frozen=True)
class Program:
    """Something to run that prints figures."""

    name: str
    # The Python module it needs, or None for a built program.
    module: str | None
    command: list

    def missing(self):
        """Returns why the program cannot run, or None."""
        if self.module is None:
            found = os.access(self.command[0], os.X_OK)
            return None if found else f"{self.command[0]} is not built (make build)"
        if importlib.util.find_spec(self.module) is None:
            return f"{self.module} is not installed for {sys.executable} (see README.md beside this program)"
        return None

    def figures(self, labels, options):
        """Runs the program for some rows; returns figures by label and number of threads, or raises."""
        threads = f"1,{options.threads}" if self.module is None and options.threads > 1 else str(options.threads)
        command = [*self.command, "--threads", threads, "--seconds", str(options.seconds),
                   "--repetitions", str(options.repetitions)]
        for label in labels:
            command += ["--only", label]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            lines = ended.stderr.strip().splitlines() or ["no message"]
            raise RuntimeError(f"{self.name} ended with status {ended.returncode}: {lines[-1]}")
        if self.module is None:
            figures = json.loads(ended.stdout)["figures"]
        else:
            figures = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
        return {
            (f"{figure['model']} {figure['operation']}", figure.get("threads", options.threads)):
                figure["rows_per_second"]
            for figure in figures
        }


class Comparison:
    """The figures of all programs, round by round."""

    def __init__(self):
        self.rounds = {}

    def add(self, program, figures):
        for (label, threads), rates in figures.items():
            self.rounds.setdefault((program, label, threads), []).append(rates)

    def rate(self, program, label, threads):
        """Returns the median over the rounds, in rows a second, or None."""
        rounds = self.rounds.get((program, label, threads))
        return statistics.median(rates["median"] for rates in rounds) if rounds else None

    def json(self):
        return [
            {"program": program, "row": label, "threads": threads, "median": self.rate(program, label, threads),
             "min": min(rates["min"] for rates in rounds), "max": max(rates["max"] for rates in rounds),
             "rounds": rounds}
            for (program, label, threads), rounds in self.rounds.items()
        ]


def significant(value):
    """Returns a number with three significant digits."""
    if value is None:
        return "–"
    text = f"{float(f'{value:.3g}'):f}".rstrip("0").rstrip(".")
    return text


def verdict(value, must, aim, at_most=False):
    """Returns which of the targets a value reaches."""
    if value is None:
        return "not measured"
    if must is None:
        return ""
    sign = -1 if at_most else 1
    if sign * value >= sign * aim:
        return "aim reached"
    return "reached" if sign * value >= sign * must else "NOT reached"


def table(heading, rows):
    """Returns lines with aligned columns, the first and the last to the left."""
    lines = [heading, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    last = len(heading) - 1
    return "\n".join(
        "  ".join(field.ljust(width) if column in (0, last) else field.rjust(width)
                  for column, (field, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)


def report(comparison, threads):
    """Returns the three tables of the comparison as a text."""
    def ours(row, count=threads):
        return comparison.rate("density-bench", row.our_label, count)

    lines = []
    for row in ROWS:
        peers = [comparison.rate(name, row.label, threads) for name in ("PyTorch", "JAX")]
        best = max((rate for rate in peers if rate), default=None)
        rate = ours(row)
        ratio = rate / best if rate and best else None
        if best is None and row.must is None:
            continue
        lines.append([row.label, *map(significant, (*peers, rate, ratio, row.must, row.aim)),
                      verdict(ratio, row.must, row.aim)])
    heading = ["rows a second", "PyTorch", "JAX", "ours", "ratio", "must", "aim", ""]
    parts = [table(heading, lines)]

    lines = []
    for sample in (row for row in ROWS if row.operation == "sample"):
        likelihood = next(row for row in ROWS if row.model == sample.model and row.operation == "log p")
        rates = ours(sample), ours(likelihood)
        ratio = rates[1] / rates[0] if all(rates) else None
        lines.append([sample.model, *map(significant, (*rates, ratio, SAMPLE_MUST, SAMPLE_AIM)),
                      verdict(ratio, SAMPLE_MUST, SAMPLE_AIM, at_most=True)])
    heading = ["a sample : a log p, in time", "samples/s", "log p/s", "ratio", "at most", "aim", ""]
    parts.append(table(heading, lines))

    if threads > 1:
        lines = []
        for row in ROWS:
            rates = ours(row, 1), ours(row)
            ratio = rates[1] / rates[0] if all(rates) else None
            lines.append([row.our_label, *map(significant, (*rates, ratio, THREADS_MUST, THREADS_AIM)),
                          verdict(ratio, THREADS_MUST, THREADS_AIM)])
        heading = [f"{threads} threads : 1 thread", "1 thread", f"{threads} threads", "ratio", "must", "aim", ""]
        parts.append(table(heading, lines))
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=".build/release/density-bench", metavar="PATH",
                        help="the built density-bench (default %(default)s)")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1),
                        help="threads of every program (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program (default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=3, help="measurements a turn (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a measurement (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of short measurements, for a first look")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS",
                        help="only rows with these words, such as 'NADE 500'; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="also write every round's figures to a file")
    parser.add_argument("--require", action="store_true", help="fail if anything could not be measured")
    parser.add_argument("--list", action="store_true", help="print the rows asked of density-bench, and end")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.repetitions, options.seconds = 1, 3, 0.2
    if options.list:
        print("\n".join(row.our_label for row in ROWS))
        return 0

    programs = []
    problems = []
    for program in (Program("PyTorch", "torch", [sys.executable, str(HERE / "torch_peers.py")]),
                    Program("JAX", "jax", [sys.executable, str(HERE / "jax_peers.py")]),
                    Program("density-bench", None, [options.bench, "--json"])):
        reason = program.missing()
        if reason is None:
            programs.append(program)
        else:
            problems.append(f"{program.name} is skipped: {reason}")
            print(problems[-1], file=sys.stderr)
    if not programs:
        print("nothing to measure", file=sys.stderr)
        return 1 if options.require else 0

    comparison = Comparison()
    for turn in range(options.rounds):
        for group in GROUPS:
            rows = [row for row in group if not options.only or any(word in row.label for word in options.only)]
            if not rows:
                continue
            for program in programs:
                print(f"round {turn + 1} of {options.rounds}: {group[0].model}, {program.name}", file=sys.stderr)
                labels = [row.our_label if program.module is None else row.label for row in rows]
                try:
                    comparison.add(program.name, program.figures(labels, options))
                except (RuntimeError, OSError, ValueError, KeyError) as error:
                    problems.append(str(error))
                    print(error, file=sys.stderr)
    print(report(comparison, options.threads))
    if options.json:
        document = {"threads": options.threads, "rounds": options.rounds, "repetitions": options.repetitions,
                    "seconds": options.seconds, "problems": problems, "figures": comparison.json()}
        Path(options.json).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if options.require and problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Who reads only the first lines has what he wanted; nothing more can be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
