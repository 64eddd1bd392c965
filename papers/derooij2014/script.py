"""De Rooij, van Erven, Gruenwald and Koolen 2014: AdaHedge on four sequences for two experts, T = 1000.

1: after (1/2, 0), the losses (0, 1), (1, 0), ... defeat the leader. 2: after (1, 0), the losses (1, 0), (0, 1), ...
are its best case. 3, 4: one expert suffers in each round, so that the difference of cumulative losses follows t^.4 and
t^.6: too little for AdaHedge's weights to concentrate, and enough. The sequences are made from that description.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from papers.curves import draw
from papers.paper import Number

TITLE = "De Rooij, van Erven, Grünwald, Koolen 2014, Follow the leader if you can, hedge if you must"
SIZES: dict[str, dict[str, Any]] = {"test": {"rounds": 200}, "default": {"rounds": 1000}, "full": {"rounds": 100_000}}
LEARNERS = {"adahedge": "AdaHedge", "hedge": "Hedge at a falling rate", "leader": "follow the leader"}


def alternating(first: tuple[float, float], second: int, rounds: int) -> np.ndarray:
    """`first`; then a loss of 1 for the expert `second`, for the other, and so on."""
    losses = np.zeros((rounds, 2))
    losses[0] = first
    losses[1::2, second] = 1.0
    losses[2::2, 1 - second] = 1.0
    return losses


def following(power: float, rounds: int) -> np.ndarray:
    """In each round one expert loses 1, so that the difference of their losses stays nearest to t^power."""
    losses, apart = np.zeros((rounds, 2)), 0.0
    for t in range(rounds):
        worse = 0 if abs(apart + 1.0 - (t + 1) ** power) <= abs(apart - 1.0 - (t + 1) ** power) else 1
        losses[t, worse] = 1.0
        apart += 1.0 - 2.0 * worse
    return losses


def compute(rounds: int) -> dict[str, Any]:
    sequences = {
        "1": alternating((0.5, 0.0), 1, rounds),
        "2": alternating((1.0, 0.0), 0, rounds),
        "3": following(0.4, rounds),
        "4": following(0.6, rounds),
    }
    learners = {"adahedge": oco.AdaHedge(), "hedge": oco.HedgeAnytime(), "leader": oco.FollowTheLeader()}
    result: dict[str, Any] = {}
    for name, losses in sequences.items():
        data = oco.streams.Data(losses, np.zeros(rounds), spread=1.0)
        for run in oco.play(data, learners, loss=oco.Linear(), domain=oco.Simplex(), rounds=rounds, audit=True):
            suffered = np.cumsum((run.history.x * losses).sum(axis=1))
            result[f"{name} {run.name}"] = suffered - np.cumsum(losses, axis=0).min(axis=1)
            if run.name == "adahedge":
                result[f"{name} ratio"] = float(run.regret.high[-1] / run.bounds()["adahedge-best"][-1])
    return result


def numbers(result: dict[str, Any]) -> list[Number]:
    rows = []
    published = {
        ("1", "leader"): "linear", ("1", "adahedge"): "sqrt", ("2", "leader"): "constant", ("2", "adahedge"): "sqrt",
        ("3", "leader"): "constant", ("4", "leader"): "constant", ("4", "adahedge"): "constant",
    }  # fmt: skip
    for name in "1234":
        for key, title in LEARNERS.items():
            regret = result[f"{name} {key}"]
            said = published.get((name, key))
            if said is not None:
                rows.append(Number(f"experiment {name}: regret of {title} is", said, growth(regret)))
            rows.append(Number(f"experiment {name}: regret of {title} at T", None, float(regret[-1])))
        rows.append(Number(f"experiment {name}: AdaHedge over its bound", None, result[f"{name} ratio"], "1 at most"))
    return rows


def growth(regret: np.ndarray) -> str:
    """What the second half of a curve adds to the first tells the power of t."""
    half, whole = regret[len(regret) // 2 - 1], regret[-1]
    power = float(np.log2(max(whole, 1e-9) / max(half, 1e-9)))
    return "constant" if power < 0.15 else "sqrt" if power < 0.75 else "linear"


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, four = panels(2, 2, width=PAGE, height=3.4)
    for ax, name in zip(four.flat, "1234", strict=True):
        curves = {}
        for key, title in LEARNERS.items():
            regret = result[f"{name} {key}"]
            curves[title] = (np.arange(1, len(regret) + 1), regret)
        draw(ax, curves, xlabel="round", ylabel="regret", title=f"experiment {name}", ylim=(-0.5, 40.0))
    return {"experiments": figure}
