#!/usr/bin/env python3
"""Runs the README: every shell block in order, in a clean clone, and compares what is printed with what the README shows.

usage: check.py DENSITY [--keep] [--verbose]

A block of `sh` is commands, of which only the status counts. A block of `$ ` lines is a session, whose output has to be the
README's, and a block of neither what a command "ends with". A line `…` stands for any lines. Standard output and error are
each in order, but may be mixed otherwise than on a terminal. Times and rates are not compared, nothing else is left out.

What is not run as it stands is in the tables below, and printed. README_SHORT=0 in the environment trains and searches for
as long as the README says; commands whose output it shows are never shortened.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What a line stands for, wherever it is: a pattern, what is put in its place, and why.
SUBSTITUTIONS = [
    (r"git clone …/BinaryDensity", "git clone --quiet '{root}' BinaryDensity", "the clone is of this repository"),
    (r"^make test( .*)?$", "make -n test", "the tests are run by make test itself"),
    (r"mpirun -n 32", "mpirun --allow-run-as-root --oversubscribe -n 2", "two processes"),
    (r"^(density logprob .*\$SLURM_ARRAY_TASK_ID.*)$",
     r"for SLURM_ARRAY_TASK_ID in $(seq 64); do \1 || break; done", "the tasks of the array, in turn"),
    (r"^(density evaluate .*JOB_COMPLETION_INDEX.*)$",
     r"for JOB_COMPLETION_INDEX in $(seq 0 63); do \1 || break; done", "the completions of the job, in turn"),
]

# What takes long and shows nothing that is compared, shortened unless README_SHORT=0. The rest of a line is its comment.
REST = r"( +#.*)?$"
SHORTENINGS = [
    (r"--budget 1h", "--budget 4s", "a search of seconds"),
    (r"^((?:density|mpirun .*density) fit (?!.*--(?:budget|steps)).*?)" + REST, r"\1 --budget 4s", "a search of seconds"),
    (r"^(density distill .*?)" + REST, r"\1 --budget 4s", "a search of seconds"),
    (r"--hidden 500,500 --orders 16", "--hidden 50,50 --orders 2", "a small network of few orders"),
    (r"--steps-per-epoch 5000", "--steps-per-epoch 50", "short epochs"),
    (r"--steps 2000000", "--steps 3000", "a search of few steps"),
    (r"^(density reproduce made-.*?)" + REST, r"\1 --epochs 1", "one epoch"),
    (r"--epochs 30 ", "--epochs 5 --steps-per-epoch 10 ", "few epochs of ten steps"),
    (r"^(density train Data/mnist (?!.*chow-liu).*?)" + REST, r"\1 --epochs 1 --steps-per-epoch 10", "an epoch of ten steps"),
]

# What is needed and may not be here: a pattern of commands that are then passed over.
NEEDS = [
    (r"^make mpi|^mpirun", lambda: shutil.which("mpicc") and shutil.which("mpirun"), "an MPI with its compiler"),
    (r"^parallel |part-\*\.csv", lambda: shutil.which("parallel"), "GNU parallel"),
    (r"/usr/share/datasets/fashion-mnist", lambda: os.path.isdir("/usr/share/datasets/fashion-mnist"),
     "Debian's dataset-fashion-mnist"),
]

# Files of the reader that the README does not make: before the block of which a line begins so, in the shell.
STAND_INS = [
    ("density describe table.csv", "grouped columns as table.csv", r"""mv table.csv whole.csv
awk 'BEGIN {
  print "color=red,color=blue,color=green,color=white,color=black,c6,c7,c8,c9,c10,c11,c12,a,b"
  for (i = 0; i < 300; i++) {
    line = ""; c = i * 7 % 5; v = 7 + i * 5 % 6
    for (k = 0; k < 5; k++) line = line (k == c) ","
    line = line (v > 9) ","
    for (k = 7; k < 13; k++) line = line (k == v) ","
    print line (i % 3 == 0) "," (i % 3 != 0)
  }
}' >table.csv""", "mv whole.csv table.csv"),
    ("zcat big.csv.gz", "table.csv as big.csv.gz", "gzip -c table.csv >big.csv.gz", ""),
    ("density fit baskets.dat", "table.csv as baskets.dat", "density convert table.csv baskets.dat", ""),
    ("# a Slurm array", "table.csv as big.npy, new.csv as valid.npy, a list of one machine",
     "density convert table.csv big.npy && density convert new.csv valid.npy && echo : >machines", ""),
    ("make mpi", "the built command in its place", "mkdir -p .build/release && cp '{density}' .build/release/density", ""),
    ("density train table.csv --test", "table.csv as other.csv", "cp table.csv other.csv", ""),
]

# What differs from run to run and machine to machine.
MASKS = [
    (r"\bin (\d+h )?(\d+m )?\d+(\.\d+)?s\b", "in <time>"),
    (r"\b\d+ rows/s", "<rate> rows/s"),
    (r"(?<= B|kB|MB) +\d+(\.\d+)?( [kM])?(?=  )", " <rate>"),
]


class Block:
    def __init__(self, number, line, kind, lines, before):
        self.number, self.line, self.kind, self.lines, self.before = number, line, kind, lines, before


def blocks(path):
    found, before, opened = [], "", None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            if opened is None and line.startswith("```"):
                opened = (number, line[3:].strip(), [])
            elif opened is not None and line == "```":
                start, language, lines = opened
                if language in ("sh", ""):
                    session = any(each.startswith("$ ") for each in lines)
                    kind = "commands" if language else "session" if session else "end"
                    found.append(Block(len(found) + 1, start, kind, lines, before))
                opened = None
            elif opened is not None:
                opened[2].append(line)
            elif line.strip():
                before = line
    return found


def is_complete(command):
    if command.endswith("\\"):
        return False
    return subprocess.run(["bash", "-n"], input=command + "\n", text=True, capture_output=True).returncode == 0


def commands(block):
    """The commands of a block, each with the lines that the README shows of it, or None."""
    found, index, lines = [], 0, block.lines
    while index < len(lines):
        line = lines[index]
        index += 1
        session = block.kind == "session"
        if session and not line.startswith("$ "):
            found[-1][1].append(line)
            continue
        command = line[2:] if session else line
        if not command.strip() or command.startswith("#"):
            continue
        while not is_complete(command):
            command += "\n" + lines[index]
            index += 1
        found.append((command, [] if session else None))
    return found


def masked(lines):
    for pattern, mask in MASKS:
        lines = [re.sub(pattern, mask, line) for line in lines]
    return lines


def is_merge(expected, output, errors, from_start=True):
    """Whether the lines are those of both streams, each in its order, where `…` is any lines."""
    states = {(0, 0)} if from_start else {(i, j) for i in range(len(output) + 1) for j in range(len(errors) + 1)}
    reached = 0
    for number, line in enumerate(expected):
        following = set()
        if line == "…":
            for i, j in states:
                following.update((k, l) for k in range(i, len(output) + 1) for l in range(j, len(errors) + 1))
        else:
            for i, j in states:
                if i < len(output) and output[i] == line:
                    following.add((i + 1, j))
                if j < len(errors) and errors[j] == line:
                    following.add((i, j + 1))
        if not following:
            return number
        states, reached = following, number + 1
    return None if (len(output), len(errors)) in states else reached


class Shell:
    """A shell that keeps its folder and its variables from one command to the next."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, command):
        files = [os.path.join(self.folder, name) for name in ("command", "out", "err")]
        with open(files[0], "w", encoding="utf-8") as file:
            file.write(command + "\n")
        begin = time.monotonic()
        self.process.stdin.write(f". '{files[0]}' >'{files[1]}' 2>'{files[2]}' </dev/null\necho \"status $?\"\n")
        self.process.stdin.flush()
        status = self.process.stdout.readline().split()
        texts = []
        for path in files[1:]:
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read().splitlines())
        return int(status[1]), *texts, time.monotonic() - begin

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description="Runs the README.")
    parser.add_argument("density", help="the built command")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    parser.add_argument("--verbose", action="store_true", help="print each command's time")
    arguments = parser.parse_args()
    density = os.path.abspath(arguments.density)
    shorten = os.environ.get("README_SHORT", "1") != "0"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        same_bits = "avx512f" in file.read() and os.environ.get("BINARYDENSITY_ISA", "avx512") == "avx512"
    if not same_bits:
        print("The README's figures are those of AVX-512, which is not here: outputs are not compared.")

    base = tempfile.mkdtemp(prefix="readme-")
    home, work = os.path.join(base, "home"), os.path.join(base, "work")
    os.mkdir(home)
    os.mkdir(work)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "GIT_"))}
    # Nothing is built anew: make takes what has been built.
    release = os.path.join(base, "release")
    os.mkdir(release)
    shutil.copy(density, release)
    environment.update(
        HOME=home, LC_ALL="C.UTF-8", BASH_ENV="", ENV="", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        MAKEFLAGS=f"-- BUILD=true RELEASE={release} DENSITY={release}/density")
    print(f"make takes the built {os.path.relpath(density)} instead of building (BUILD=true)")
    shell = Shell(work, environment)
    counts = dict(blocks=0, commands=0, ends=0, compared=0, passed_over=0, changed=0)
    faults, applied, last = [], {}, {}
    begin = time.monotonic()

    for block in blocks(os.path.join(ROOT, "README.md")):
        counts["blocks"] += 1
        where = f"README.md:{block.line}"
        if block.kind == "end":
            counts["ends"] += 1
            name = re.search(r"`([^`]+)` ends with", block.before)
            result = last.get(name.group(1)) if name else None
            if result is None:
                faults.append(f"{where}: whose output is this?")
            elif same_bits:
                counts["compared"] += 1
                if is_merge(masked(block.lines), *map(masked, result), from_start=False) is not None:
                    faults.append(f"{where}: {name.group(1)} ended otherwise:\n" + "\n".join(sum(result, [])[-8:]))
            continue
        after = ""
        for start, what, prepare, restore in STAND_INS:
            if any(line.startswith(start) for line in block.lines):
                status, _, errors, _ = shell.run(prepare.replace("{density}", density))
                applied.setdefault(f"stand-in: {what}", []).append(where)
                if status != 0:
                    faults.append(f"{where}: no stand-in: {errors}")
                after = restore
        for command, expected in commands(block):
            missing = [why for pattern, there, why in NEEDS if re.search(pattern, command) and not there()]
            if missing:
                counts["passed_over"] += 1
                print(f"{where}: passed over, for it needs {missing[0]}: {command}")
                continue
            line = command
            for pattern, text, why in SUBSTITUTIONS + (SHORTENINGS if shorten and not expected else []):
                changed = re.sub(pattern, text.replace("{root}", ROOT), line)
                if changed != line:
                    applied.setdefault(f"{pattern} -> {text} ({why})", []).append(where)
                line = changed
            counts["changed"] += line != command
            counts["commands"] += 1
            status, output, errors, seconds = shell.run(line)
            last[re.sub(r" *#.*", "", command)] = (output, errors)
            if arguments.verbose:
                print(f"{seconds:7.1f} s  status {status}  {where}: {line}", flush=True)
            if expected is None or not same_bits:
                # What a session shows of a failure is compared; in a block of commands none may fail.
                if expected is None and status != 0:
                    faults.append(f"{where}: status {status} of {line}\n" + "\n".join(errors[-5:]))
                continue
            counts["compared"] += 1
            wrong = is_merge(*map(masked, (expected, output, errors)))
            if wrong is not None:
                shown = expected[wrong] if wrong < len(expected) else "the end"
                faults.append(
                    f"{where}: {command}\nthe README has from line {wrong + 1}: {shown}\nprinted on standard output:\n"
                    + "\n".join(output[:60]) + "\nand on standard error:\n" + "\n".join(errors[:60]))
        if after:
            shell.run(after)

    shell.close()
    print("\nNot run as it stands:")
    for rule, places in applied.items():
        print(f"  {rule}: {', '.join(places)}")
    if arguments.keep:
        print(f"kept {base}")
    else:
        shutil.rmtree(base, ignore_errors=True)
    for fault in faults:
        print(f"\n{fault}")
    print(
        f"\n{counts['blocks']} blocks, {counts['commands']} commands run, of which {counts['changed']} changed by the rules "
        f"above, {counts['passed_over']} passed over, {counts['compared']} outputs compared, in {time.monotonic() - begin:.0f} s")
    print(f"{counts['commands'] + counts['ends'] - len(faults)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
