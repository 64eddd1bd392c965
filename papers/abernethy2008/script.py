"""Abernethy, Bartlett, Rakhlin and Tewari 2008: the game on the unit ball has the value sqrt(T).

The learner plays in the unit ball of R^d, d >= 3, the adversary linear losses of norm 1, for T rounds. Their adversary,
orthogonal to x_t and to the sum of its past losses, forces sqrt(T) on every learner; their player
-G / sqrt(|G|^2 + T - t + 1) never pays more, whoever plays against it. Here both meet, and each meets others.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from oco.streams import Greedy, Orthogonal
from papers.curves import draw
from papers.paper import Number

TITLE = "Abernethy, Bartlett, Rakhlin, Tewari 2008, Optimal strategies and minimax lower bounds for online convex games"
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rounds": 300, "d": 5},
    "default": {"rounds": 10_000, "d": 10},
    "full": {"rounds": 1_000_000, "d": 10},
}
PLAYERS = {"minimax": "minimax player", "ogd": "gradient descent, tuned", "adagrad-norm": "AdaGrad-Norm"}


def compute(rounds: int, d: int) -> dict[str, Any]:
    players = {"minimax": oco.MinimaxBall(), "ogd": oco.OGD(), "adagrad-norm": oco.AdaGradNorm()}
    result: dict[str, Any] = {"rounds": rounds}
    for name, adversary in (("orthogonal", Orthogonal(d)), ("greedy", Greedy(d))):
        for run in oco.play(adversary, players, domain=oco.Ball(), rounds=rounds):
            result["t"] = run.t
            result[f"{name} {run.name}"] = run.regret.high
    return result


def numbers(result: dict[str, Any]) -> list[Number]:
    root = float(np.sqrt(result["rounds"]))
    rows = []
    for key, title in PLAYERS.items():
        forced = float(result[f"orthogonal {key}"][-1]) / root
        rows.append(Number(f"{title} against the orthogonal adversary, regret / sqrt T", 1.0, forced))
    for key, title in PLAYERS.items():
        name = f"{title} against the greedy adversary, regret / sqrt T"
        attacked = float(result[f"greedy {key}"][-1]) / root
        if key == "adagrad-norm":
            rows.append(Number(name, None, attacked, "knows neither T nor the norm; at most 2 sqrt 2"))
        else:
            rows.append(Number(name, 1.0, attacked, "1 is the most that any adversary gets"))
    return rows


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, (left, right) = panels(1, 2, width=PAGE)
    t = result["t"]
    for ax, name in ((left, "orthogonal"), (right, "greedy")):
        curves = {title: (t, result[f"{name} {key}"] / np.sqrt(t)) for key, title in PLAYERS.items()}
        draw(
            ax,
            curves,
            xscale="log",
            xlabel="round",
            ylabel="regret / sqrt(t)",
            title=f"{name} adversary",
            ylim=(0.0, 1.5 * max(float(y.max()) for _, y in curves.values())),
        )
        ax.axhline(1.0, color="0.6", linewidth=0.8, linestyle=":")
    return {"game": figure}
