"""The introductory story of AdaGrad, with numbers: a rate for each parameter, and a rate that only falls.

1. The worked example: alpha = .1, eps = 1e-8, gradients 10, 9, 11, 10, 10 of a frequent and 0, 0, 0, .1, 0 of a rare
feature. 2. Text with Zipf frequencies: effective rates by how often a feature came. 3. One pass over a9a: Vowpal
Wabbit's progressive loss. 4. Where it ends: absolute losses whose target changes half-way; each learner has the rate of
a grid that was best until then. AdaGrad's effective rate has fallen by then, RMSprop's and Adam's have not.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from papers.curves import draw
from papers.paper import Number

TITLE = "AdaGrad as introductory texts tell it, on convex losses with regret"
DATA = ("a9a",)
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rounds": 2_000, "d": 200},
    "default": {"rounds": 20_000, "d": 2_000},
    "full": {"rounds": 1_000_000, "d": 20_000},
}
FEATURES = {"frequent": [10.0, 9.0, 11.0, 10.0, 10.0], "rare": [0.0, 0.0, 0.0, 0.1, 0.0]}
LESSON = {"frequent": [0.01, 0.0074, 0.00575, 0.0050, 0.0045], "rare": [None, None, None, 1.0, 1.0]}
TARGET = np.array([1.0, -1.0, 0.5, 0.0, 1.0])
GRID = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
CHANGING = {"AdaGrad": oco.AdaGrad, "RMSprop": oco.RMSprop, "Adam": oco.Adam}


def followed(gradients: list[float]) -> np.ndarray:
    """Effective rates, round by round; NaN until a gradient was seen."""
    player = oco.Player(oco.AdaGrad(0.1, delta=1e-8), d=1)
    rates = []
    for t, g in enumerate(gradients, 1):
        player.update(np.array([g]))
        rates.append(float(player.rates()[0]) if any(gradients[:t]) else np.nan)
    return np.array(rates)


def compute(rounds: int, d: int, data: dict[str, Path | None]) -> dict[str, Any]:
    result: dict[str, Any] = {name: followed(gradients) for name, gradients in FEATURES.items()}
    text = oco.play(oco.ZipfText(d=d), oco.AdaGrad(0.5), rounds=rounds)[0]
    result["text rates"] = text.rates
    early = oco.play(oco.ZipfText(d=d), oco.AdaGrad(0.5), rounds=rounds // 10)[0]
    result["text rates early"] = early.rates
    if data["a9a"] is not None:
        one = oco.play(oco.File(str(data["a9a"])), oco.AdaGrad(0.1), loss=oco.Logistic())[0]
        result["a9a"] = float(one.loss[-1] / one.rounds)
    return result | changed(rounds)


def changed(rounds: int) -> dict[str, Any]:
    """Loss of each learner, with the rate that is best before the target changes its sign, and after that."""
    rng = np.random.default_rng(0)
    a = rng.uniform(-1.0, 1.0, (rounds, 5)) / np.sqrt(5.0)
    half = rounds // 2
    y = np.where(np.arange(rounds) < half, 1.0, -1.0) * (a @ TARGET) + 0.1 * rng.standard_normal(rounds)
    stream = oco.streams.Data(a, y)
    grid = {f"{name} {eta}": kind(eta) for name, kind in CHANGING.items() for eta in GRID}
    before = oco.play(stream, grid, loss=oco.Absolute(), rounds=half)
    chosen = {}
    for name in CHANGING:
        runs = [run for run in before if run.name.startswith(name)]
        chosen[name] = min(runs, key=lambda run: float(run.loss[-1])).learner
    result: dict[str, Any] = {}
    for run in oco.play(stream, chosen, loss=oco.Absolute(), rounds=rounds, audit=True):
        losses = np.abs((run.history.x * a).sum(axis=1) - y)
        result |= {f"change {run.name}": np.cumsum(losses), f"change {run.name} eta": float(run.learner.eta)}
    fits = np.abs(np.where(np.arange(rounds) < half, 1.0, -1.0) * (a @ TARGET) - y)
    return result | {"change noise": np.array([fits[:half].sum(), fits[half:].sum()])}


def numbers(result: dict[str, Any]) -> list[Number]:
    rows = []
    for name, published in LESSON.items():
        for t, (value, ours) in enumerate(zip(published, result[name], strict=True), 1):
            if value is not None:
                rows.append(Number(f"{name} feature, effective rate in round {t}", value, float(ours), "rounded there"))
    late, early = result["text rates"], result["text rates early"]
    seen = np.isfinite(late) & np.isfinite(early)
    tenth = max(1, len(late) // 10)
    ratio = float(np.nanmedian(late[-tenth:][seen[-tenth:]]) / np.nanmedian(late[:tenth][seen[:tenth]]))
    rows.append(Number("text: rate of the rarest tenth / of the most frequent tenth", None, ratio))
    rows.append(Number("text: rates that rose from T / 10 to T", 0.0, float((late > early * (1 + 1e-12))[seen].sum())))
    if "a9a" in result:
        rows.append(Number("a9a, one pass, average loss", 0.332596, result["a9a"], "Vowpal Wabbit's, in float32"))
    half = len(result["change AdaGrad"]) // 2
    for name in CHANGING:
        losses = result[f"change {name}"]
        parts = losses[half - 1] - result["change noise"][0], losses[-1] - losses[half - 1] - result["change noise"][1]
        note = f"eta = {result[f'change {name} eta']:g}, the best of the grid before the change"
        rows += [
            Number(f"{name}: loss above the target's own, {which} half", None, float(part), note)
            for which, part in zip(("first", "second"), parts, strict=True)
        ]
    return rows


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, (left, middle, right) = panels(1, 3, width=PAGE)
    curves = {name: (np.arange(1, 6), result[name]) for name in FEATURES}
    draw(left, curves, yscale="log", xlabel="round", ylabel="effective rate", title="worked example")
    ranks = np.arange(1, len(result["text rates"]) + 1)
    rates = {"after T / 10": (ranks, result["text rates early"]), "after T": (ranks, result["text rates"])}
    draw(middle, rates, xscale="log", yscale="log", xlabel="rank of the word", ylabel="effective rate", title="text")
    t = np.arange(1, len(result["change AdaGrad"]) + 1)
    shown = {name: (t, result[f"change {name}"]) for name in CHANGING}
    draw(right, shown, xlabel="round", ylabel="cumulative loss", title="the target changes")
    return {"lesson": figure}
