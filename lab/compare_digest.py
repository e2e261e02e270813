# SPDX-License-Identifier: MIT
"""What is kept of many round trips."""
import math

# Shares of messages answered faster, for the distribution: dense where it is interesting.
GRID = [i / 100 for i in range(0, 90, 2)] + [1 - 10 ** (-i / 20) for i in range(20, 81)]


def percentile(ordered, share):
    """Nearest rank; None is slower than everything."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def digest(samples_us):
    """Of round trips in µs (None: never answered), in ms."""
    answered = sorted(s / 1000 for s in samples_us if s is not None)
    ordered = answered + [math.inf] * (len(samples_us) - len(answered))
    if not answered:
        return {"n": len(samples_us), "unanswered": len(samples_us)}
    grid = [(round(g, 6), percentile(ordered, g)) for g in GRID if (1 - g) * len(ordered) >= 0.999]
    return {"n": len(ordered), "unanswered": len(ordered) - len(answered), "min": answered[0],
            "max": finite(ordered[-1]), "avg": sum(answered) / len(answered),
            "p50": finite(percentile(ordered, 0.5)), "p95": finite(percentile(ordered, 0.95)), "p99": finite(percentile(ordered, 0.99)),
            "p999": finite(percentile(ordered, 0.999)), "grid": [p for p in grid if p[1] < math.inf]}


def finite(value):
    return value if value < math.inf else None
