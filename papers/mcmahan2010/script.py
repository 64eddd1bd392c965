"""McMahan and Streeter 2010: a rate for each coordinate against one for all.

The bound: on a box, with rates by coordinate, regret <= sqrt 2 sum_i D_i sqrt(sum_t g_{t,i}^2); with one global rate
sqrt 2 D sqrt(sum_t |g_t|^2), D the diameter: never better by more than nothing, and worse by up to sqrt(d). Both are
measured on word counts of real text and on generated text with Zipf frequencies, beside the regrets and losses.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import panels
from papers.paper import Number
from papers.text import log_cosine, rows, split

TITLE = "McMahan, Streeter 2010, Adaptive bound optimization for online convex optimization"
DATA = ("sms_spam", "sentence_polarity")
SIZES: dict[str, dict[str, Any]] = {
    "test": {"most": 400, "d": 100, "etas": [0.5]},
    "default": {"most": 4_000, "d": 1_000, "etas": [0.1, 0.3, 1.0, 3.0]},
    "full": {"most": 100_000, "d": 20_000, "etas": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]},
}
FAMILIES = {"coordinate": oco.AdaGrad, "global": oco.AdaGradNorm}


def compute(most: int, d: int, etas: list[float], data: dict[str, Path | None]) -> dict[str, Any]:
    streams: dict[str, Any] = {"zipf": oco.ZipfText(d=d)}
    for name, path in data.items():
        if path is not None:
            a, y = rows(path)
            order, _ = split(len(y), 1.0)
            streams[name] = oco.streams.Data(log_cosine(a)[order[:most]], y[order[:most]], norm=1.0)
    result: dict[str, Any] = {}
    for name, stream in streams.items():
        rounds = most if name == "zipf" else None
        theory = {family: part() for family, part in FAMILIES.items()}
        for run in oco.play(stream, theory, loss=oco.Logistic(), domain=oco.Box(-1.0, 1.0), rounds=rounds):
            bound = min(value[-1] for key, value in run.bounds().items() if key.endswith("data"))
            result[f"{name} {run.name} bound"] = float(bound)
            result[f"{name} {run.name} regret"] = float(run.regret.high[-1])
        grid = {f"{family} {eta}": part(eta) for family, part in FAMILIES.items() for eta in etas}
        runs = oco.play(stream, grid, loss=oco.Logistic(), rounds=rounds)
        for family in FAMILIES:
            result[f"{name} {family} loss"] = min(
                run.loss[-1] / run.rounds for run in runs if run.name.startswith(family)
            )
    return result


def numbers(result: dict[str, Any]) -> list[Number]:
    found = []
    for name in dict.fromkeys(key.split()[0] for key in result):
        for what in ("bound", "regret"):
            ratio = result[f"{name} global {what}"] / result[f"{name} coordinate {what}"]
            note = "by the steps of the theorems, on [-1, 1]^d"
            found.append(Number(f"{name}: {what} with one rate / with a rate each", None, float(ratio), note))
        for family, title in (("coordinate", "a rate each"), ("global", "one rate")):
            found.append(
                Number(f"{name}: average loss, {title}, best of the grid", None, float(result[f"{name} {family} loss"]))
            )
    return found


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    names = list(dict.fromkeys(key.split()[0] for key in result))
    figure, ax = panels()
    at = np.arange(len(names))
    bars = (
        ("global", "bound", "0.75"),
        ("coordinate", "bound", "0.55"),
        ("global", "regret", "0.3"),
        ("coordinate", "regret", "0.0"),
    )
    for k, (family, what, shade) in enumerate(bars):
        label = f"{what}, {'one rate' if family == 'global' else 'a rate each'}"
        ax.bar(
            at + 0.2 * k - 0.3, [result[f"{name} {family} {what}"] for name in names], 0.18, color=shade, label=label
        )
    ax.set(xticks=at, xticklabels=names, yscale="log", ylabel="regret, its bound")
    ax.legend(frameon=False)
    return {"rates": figure}
