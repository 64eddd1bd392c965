"""Calls timed in turn on a machine that others use too: order rotated, disturbed calls repeated, ratios paired."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tqdm import tqdm

DISTURBED = 1.06  # wall time over CPU time above which something else had the core
TRIES = 5  # a call is repeated at most four times


def once(call: Callable[[], Any]) -> float:
    """Seconds of one call; where every try was disturbed, of the least disturbed one."""
    gc.collect()
    tries = []
    for _ in range(TRIES):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        tries.append((wall / max(cpu, 1e-9), wall))
        if wall <= DISTURBED * cpu:
            break
    return min(tries)[1]


def interleaved(calls: Mapping[str, Callable[[], Any]], rounds: int, what: str) -> dict[str, list[float]]:
    """Seconds of each call, one entry a round; the order is rotated from round to round."""
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with tqdm(total=rounds * len(names), desc=what, unit="call", leave=False, disable=None) as shown:
        for turn in range(rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                seconds[name].append(once(calls[name]))
                shown.update()
    return seconds


def paired(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over rounds of above / below, each pair from one round: what slowed both cancels."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


median = statistics.median
