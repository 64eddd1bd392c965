"""Zhang, Lu and Zhou 2018: dynamic regret sqrt(T (1 + P)) without knowing the path's length P.

Linear losses on the unit ball whose direction turns once in a period; the path is the best decision of each round.
Ader against gradient descent tuned to P = 0 (eta = D / (G sqrt T)) and to the P that comes (known in hindsight only).
Their Theorem 3: at most (3 G / 4) sqrt(2 T (7 D^2 + 4 D P)) + (G D sqrt(2 T) / 4) (1 + 2 ln(k + 1)),
k = floor(log2(1 + 4 P / (7 D)) / 2) + 1; the lower bound is of the order of G sqrt(T (D^2 + D P)).
"""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import panels
from oco.streams import Drift
from papers.curves import draw
from papers.paper import Number

TITLE = "Zhang, Lu, Zhou 2018, Adaptive online learning in dynamic environments"
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rounds": 500, "d": 3},
    "default": {"rounds": 10_000, "d": 5},
    "full": {"rounds": 100_000, "d": 5},
}
NAMES = {"ader": "Ader", "still": "gradient descent, P = 0", "tuned": "gradient descent, P known"}


def compute(rounds: int, d: int) -> dict[str, Any]:
    columns: dict[str, list[float]] = {name: [] for name in ("length", "theorem", *NAMES)}
    for period in np.geomspace(10.0, 10.0 * rounds, 9):
        length = rounds * 2.0 * math.sin(math.pi / period)
        learners = {
            "ader": oco.Ader(),
            "still": oco.OGD(2.0 / math.sqrt(rounds)),
            "tuned": oco.OGD(math.sqrt((4.0 + 4.0 * length) / rounds)),
        }
        columns["length"].append(length)
        columns["theorem"].append(theorem(rounds, length))
        for run in oco.play(Drift(d, float(period)), learners, domain=oco.Ball(), rounds=rounds, audit=True):
            columns[run.name].append(oco.dynamic_regret(run, -run.history.g).high)
    return {name: np.array(values) for name, values in columns.items()}


def theorem(rounds: int, length: float) -> float:
    """Theorem 3 for D = 2, G = 1."""
    k = math.floor(0.5 * math.log2(1.0 + 4.0 * length / 14.0)) + 1
    most = 0.75 * math.sqrt(2.0 * rounds * (28.0 + 8.0 * length))
    return most + math.sqrt(2.0 * rounds) / 2.0 * (1.0 + 2.0 * math.log(k + 1.0))


def numbers(result: dict[str, Any]) -> list[Number]:
    rows = [
        Number(
            f"{name}: dynamic regret over Theorem 3, at its most", None, float((result[key] / result["theorem"]).max())
        )
        for key, name in NAMES.items()
    ]
    worse = float((result["ader"] / result["tuned"]).max())
    gain = float((result["still"] / result["ader"]).max())
    return [
        *rows,
        Number("Ader over gradient descent with P known, at its most", None, worse),
        Number("gradient descent with P = 0 over Ader, at its most", None, gain),
    ]


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, ax = panels()
    curves = {"Theorem 3": "theorem"} | {name: key for key, name in NAMES.items()}
    shown = {name: (result["length"], result[key]) for name, key in curves.items()}
    draw(ax, shown, xscale="log", yscale="log", xlabel="path length", ylabel="dynamic regret")
    ax.set_ylim(top=50.0 * result["theorem"].max())
    return {"dynamic": figure}
