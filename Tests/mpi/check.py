"""Checks 'density fit' under mpirun: python3 Tests/mpi/check.py PROGRAM

The same steps give the same file with 1, 2 and 4 processes; a process that is killed loses its work and nothing else; a
process with another table, or none, ends the job with one line; SIGTERM keeps what there is.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
LAUNCH = ["mpirun", "--oversubscribe", "--bind-to", "none"]
if os.geteuid() == 0:
    LAUNCH.append("--allow-run-as-root")
checks = 0


def check(is_so, words, details=""):
    global checks
    checks += 1
    if not is_so:
        print("FAILED:", words, details, sep="\n")
        sys.exit(1)
    print("ok:", words)


def table(path, rows, seed):
    """Writes rows of fourteen bits: ten fair coins, and four that are each the parity of three of them but for one in twenty.

    No pair of columns tells anything, so that networks are found and no tree.
    """
    draw = random.Random(seed)
    with open(path, "w") as file:
        for _ in range(rows):
            bits = [draw.random() < 0.5 for _ in range(10)]
            for first in (0, 2, 4, 6):
                parity = bits[first] ^ bits[first + 1] ^ bits[first + 3]
                bits.append(parity ^ (draw.random() < 0.05))
            file.write(",".join(str(int(bit)) for bit in bits) + "\n")


def fit(count, *arguments, options=(), start=False):
    """Runs density fit in so many processes of one thread each."""
    line = LAUNCH + list(options) + ["-n", str(count), PROGRAM, "fit", *arguments, "--threads", "1"]
    process = begin(line)
    return process if start else finish(process)


def begin(line):
    """Starts a job whose errors go to a file, so that they can be read while it runs."""
    with open("errors", "w") as errors:
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)


def errors_so_far():
    with open("errors") as file:
        return file.read()


def finish(process, seconds=300):
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        check(False, "the job ends", errors_so_far())
    return process.returncode, output, errors_so_far()


def wait_until_at_work(process, count):
    """Returns when all processes of a job have met, which is long before a search of many steps ends."""
    deadline = time.time() + 60
    while time.time() < deadline and process.poll() is None and f"{count} processes train" not in errors_so_far():
        time.sleep(0.02)


def followers(process):
    """The processes that the launcher of a job has started, but for the first."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    environment = file.read().split(b"\0")
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            ranks = [v for v in environment if v.startswith(b"OMPI_COMM_WORLD_RANK=")]
            if parent == process.pid and ranks and ranks[0] != b"OMPI_COMM_WORLD_RANK=0":
                found.append(int(name))
    return found


folder = tempfile.mkdtemp()
os.chdir(folder)
try:
    table("train.csv", 4000, 1)
    table("valid.csv", 500, 2)
    data = ["train.csv", "--validation", "valid.csv"]

    contents = []
    for count in (1, 2, 4):
        status, output, errors = fit(count, *data, "--steps", "8000", "-o", f"{count}.safetensors")
        check(status == 0, f"{count} processes search", errors)
        check("NADE" in output or "ENSEMBLE" in output or "MIXTURE" in output, "and find networks", output)
        with open(f"{count}.safetensors", "rb") as file:
            contents.append(file.read())
    check(contents[0] == contents[1] == contents[2], "1, 2 and 4 processes find the same, byte by byte")

    status, _, errors = fit(2, *data, "--budget", "5s", "-o", "t.safetensors")
    check(status == 0 and "2 processes train" in errors, "two processes search for five seconds", errors)

    # A launcher that goes on without the dead.
    process = fit(4, *data, "--steps", "120000", "-o", "k.safetensors", options=["--enable-recovery"], start=True)
    wait_until_at_work(process, 4)
    victims = followers(process)
    check(len(victims) == 3 and process.poll() is None, "a longer search of four processes is at work", errors_so_far())
    os.kill(victims[0], signal.SIGKILL)
    _, _, errors = finish(process, 400)
    check(os.path.exists("k.safetensors"), "with one of them killed it comes to its end")
    check("is silent; the search goes on without it" in errors, "and says which is lost", errors)
    status, _, errors = fit(1, *data, "--steps", "120000", "-o", "k1.safetensors")
    with open("k.safetensors", "rb") as killed, open("k1.safetensors", "rb") as alone:
        check(killed.read() == alone.read(), "and finds what one process finds")

    # Process 1 reads another table of the same name, process 2 has none.
    os.mkdir("other")
    table("other/train.csv", 4000, 3)
    shutil.copy("valid.csv", "other")
    os.mkdir("none")
    for place, words in (("other", "process 1 has another"), ("none", "process 1: train.csv: no such file")):
        line = LAUNCH + ["-n", "1", PROGRAM, "fit", *data, "--steps", "6000", "-o", "x.safetensors", ":",
                         "-n", "1", "-wdir", f"{folder}/{place}", PROGRAM, "fit", *data, "--steps", "6000"]
        status, _, errors = finish(begin(line), 60)
        lines = [line for line in errors.splitlines() if line.startswith("density:")]
        check(status not in (0, 70) and len(lines) == 1 and words in lines[0], f"one line says: {words}", errors)
        check(not os.path.exists("x.safetensors"), "and nothing is written")

    process = fit(2, *data, "--budget", "5m", "-o", "s.safetensors", start=True)
    wait_until_at_work(process, 2)
    time.sleep(8)
    os.kill(process.pid, signal.SIGTERM)
    finish(process, 60)
    check(os.path.exists("s.safetensors"), "SIGTERM keeps the best so far")
    status, _, errors = fit(2, *data, "--resume", "--budget", "3s", "-o", "s.safetensors")
    check(status == 0, "and the search goes on from there", errors)
finally:
    os.chdir("/")
    shutil.rmtree(folder)
print(f"{checks} passed, 0 failed")
