"""What the peer programs share: the rows, the degrees of a MADE's masks, the command line, the measuring."""

import argparse
import json
import os
import statistics
import time

VARIABLES = 784
# The share of MNIST's pixels that are on. Dense products take the same time whatever it is.
SHARE_ON = 0.13
ROWS = 5000
TRAIN_BATCH = 100
CALL_BATCH = 1000
SAMPLE_BATCH = 100


def degrees(hidden):
    """Returns the degrees of the inputs, of each hidden layer and of the outputs of a MADE.

    A weight is permitted where the degree below is at most the degree above; see Germain et al., ICML 2015.
    """
    layers = [[1 + i * (VARIABLES - 2) // (count - 1) for i in range(count)] for count in hidden]
    return [list(range(1, VARIABLES + 1)), *layers, list(range(VARIABLES))]


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--only", action="append", default=[], metavar="WORDS",
                        help="only the rows with these words in model and operation; may be repeated")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long a measurement takes (default 0.5)")
    parser.add_argument("--repetitions", type=int, default=7, help="measurements a figure is of (default 7)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: the machine's")
    return parser.parse_args()


class Meter:
    """Measures calls and prints a line of JSON for each row of the comparison."""

    def __init__(self, framework, options):
        self.framework = framework
        self.options = options

    def wants(self, model, operation):
        label = f"{model} {operation}".lower()
        return not self.options.only or any(words.lower() in label for words in self.options.only)

    def measure(self, model, operation, prepare):
        """Calls what `prepare()` returns, over and over; each call returns the number of rows it did."""
        if not self.wants(model, operation):
            return
        call = prepare()
        # Once for what is compiled or allocated on the first call, once for caches.
        call()
        call()
        rates = []
        for _ in range(self.options.repetitions):
            rows, start = 0, time.perf_counter()
            while True:
                rows += call()
                elapsed = time.perf_counter() - start
                if elapsed >= self.options.seconds:
                    break
            rates.append(rows / elapsed)
        figure = {"median": statistics.median(rates), "min": min(rates), "max": max(rates)}
        print(json.dumps({"framework": self.framework, "model": model, "operation": operation,
                          "rows_per_second": figure}), flush=True)
