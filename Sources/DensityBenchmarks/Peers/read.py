"""How fast NumPy, pandas, Polars and scikit-learn read tables of bits, beside density-bench --reading, in one run.

    python3 read.py .build/release/density-bench

Files have the shapes, and the share of ones, of those that density-bench writes. What a peer reads is not packed: NumPy
is also timed with np.packbits, which makes of it what density-bench's figure includes. The processor's time counts. A
peer that is not installed is left out.
"""

import os
import subprocess
import sys
import tempfile
import time

import numpy as np


def rate(path, read, repetitions=3):
    """Returns the best of some readings, in megabytes of the file a second."""
    best = float("inf")
    for _ in range(repetitions):
        start = time.process_time()
        read(path)
        best = min(best, time.process_time() - start)
    return os.path.getsize(path) / best / 1e6


def peers(folder):
    """Yields the name of a file, the name of a reader, and its rate."""
    draw = np.random.default_rng(1)
    path = os.path.join(folder, "table")
    bits = (draw.random((160_000, 784), dtype=np.float32) < 0.2).astype(np.uint8)
    np.save(path + ".npy", bits)
    yield "NPY", "numpy.load", rate(path + ".npy", np.load)
    yield "NPY", "numpy.load, packbits", rate(path + ".npy", lambda p: np.packbits(np.load(p), axis=1))
    del bits
    bits = (draw.random((1_000_000, 64), dtype=np.float32) < 0.2).astype(np.uint8)
    text = np.empty((len(bits), 128), np.uint8)
    text[:, 0::2] = bits + ord("0")
    text[:, 1::2] = ord(",")
    text[:, -1] = ord("\n")
    text.tofile(path + ".csv")
    try:
        import pandas

        read = lambda p: pandas.read_csv(p, header=None, dtype=np.uint8)
        yield "CSV", f"pandas {pandas.__version__}", rate(path + ".csv", read)
    except ImportError:
        pass
    try:
        import polars

        schema = {f"c{i}": polars.UInt8 for i in range(64)}
        read = lambda p: polars.read_csv(p, has_header=False, schema=schema)
        yield "CSV", f"polars {polars.__version__}", rate(path + ".csv", read)
    except ImportError:
        pass
    try:
        from sklearn import __version__
        from sklearn.datasets import load_svmlight_file

        with open(path + ".svm", "w") as file:
            for row in bits[:100_000]:
                file.write("0 " + " ".join(f"{i + 1}:1" for i in np.flatnonzero(row)) + "\n")
        yield "svmlight", f"scikit-learn {__version__}", rate(path + ".svm", load_svmlight_file, 1)
    except ImportError:
        pass


def main():
    if len(sys.argv) > 1:
        subprocess.run([sys.argv[1], "--reading", "--repetitions", "3"], check=False)
        print()
    with tempfile.TemporaryDirectory() as folder:
        for file, reader, megabytes in peers(folder):
            print(f"{file:<9} {reader:<24} {megabytes:8.0f} MB/s", flush=True)


main()
