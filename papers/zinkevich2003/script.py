"""Zinkevich 2003: online gradient descent, its two theorems, and how much of them is attained.

Theorem 1: with steps 1 / sqrt(t), regret <= D^2 sqrt(T) / 2 + (sqrt(T) - 1/2) G^2. Theorem 2: with a fixed step eta and
against any path of length P, dynamic regret <= 7 D^2 / (4 eta) + P D / eta + T eta G^2 / 2.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from oco.streams import Drift, Greedy, Orthogonal, SignFlip
from papers.curves import draw
from papers.paper import Number

TITLE = "Zinkevich 2003, Online convex programming and generalized infinitesimal gradient ascent"
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rounds": 300, "paths": 500, "d": 5},
    "default": {"rounds": 100_000, "paths": 5_000, "d": 10},
    "full": {"rounds": 10_000_000, "paths": 20_000, "d": 10},
}
ADVERSARIES = {"sign flip": SignFlip, "orthogonal": Orthogonal, "greedy": Greedy}
PERIODS = (50.0, 200.0, 1000.0, 5000.0)


def compute(rounds: int, paths: int, d: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, adversary in ADVERSARIES.items():
        run = oco.play(adversary(d), oco.OGDSqrt(1.0), domain=oco.Ball(), rounds=rounds)[0]
        result |= {"t": run.t, name: run.regret.high, "bound": run.bounds()["ogd-sqrt-worst"]}
    regrets, bounds, lengths = [], [], []
    eta = 2.0 / np.sqrt(paths)
    for period in PERIODS:
        run = oco.play(Drift(d, period), oco.OGD(float(eta)), domain=oco.Ball(), rounds=paths, audit=True)[0]
        path = -run.history.g / np.linalg.norm(run.history.g, axis=1, keepdims=True)  # the best decision of each round
        length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
        regrets.append(oco.dynamic_regret(run, path).high)
        bounds.append(7.0 * 4.0 / (4.0 * eta) + length * 2.0 / eta + paths * eta / 2.0)
        lengths.append(length)
    dynamic = {"regret": regrets, "most": bounds, "length": lengths}
    return result | {f"dynamic {key}": np.array(values) for key, values in dynamic.items()}


def numbers(result: dict[str, Any]) -> list[Number]:
    rows = [
        Number(f"{name}: regret over Theorem 1, at its most", None, float((result[name] / result["bound"]).max()))
        for name in ADVERSARIES
    ]
    last = float(result["orthogonal"][-1] / np.sqrt(result["t"][-1]))
    rows.append(Number("orthogonal: regret / sqrt T, forced on every learner", 1.0, last))
    found = float((result["dynamic regret"] / result["dynamic most"]).max())
    return [*rows, Number("dynamic regret over Theorem 2, at its most", None, found, "1 at most")]


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, (left, right) = panels(1, 2, width=PAGE)
    t = result["t"]
    curves = {"Theorem 1": (t, result["bound"])} | {name: (t, result[name]) for name in ADVERSARIES}
    draw(left, curves, xscale="log", yscale="log", xlabel="round", ylabel="regret")
    left.plot(t, np.sqrt(t), color="0.6", linestyle=":", linewidth=0.8)
    x = result["dynamic length"]
    dynamic = {"Theorem 2": (x, result["dynamic most"]), "measured": (x, result["dynamic regret"])}
    draw(right, dynamic, xscale="log", yscale="log", xlabel="path length", ylabel="dynamic regret")
    return {"bounds": figure}
