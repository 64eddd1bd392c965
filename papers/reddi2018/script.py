"""Reddi, Kale and Kumar 2018: losses on which Adam does not converge, and AMSGrad.

Theorem 1, C = 3: C x in every third round and -x in the others, on [-1, 1]; Adam with beta1 = 0 and
beta2 = 1 / (1 + C^2) is at x = 1 after every period. The experiment: 1010 x in every 101st round, else -10 x, with
beta1 = .9, beta2 = .99 and steps alpha / sqrt(t) (their alpha is not stated: .5 is used, from x_1 = 0); and the
stochastic one, 1010 x with probability .01.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from oco.streams import AdamBreaker, AdamLottery
from papers.curves import draw
from papers.paper import Number

TITLE = "Reddi, Kale, Kumar 2018, On the convergence of Adam and beyond"
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rounds": 20_000, "theorem": 3_000},
    "default": {"rounds": 1_000_000, "theorem": 300_000},
    "full": {"rounds": 6_000_000, "theorem": 3_000_000},
}
C, ALPHA = 3.0, 0.5
FORM = {"eps": 0.0, "decay": True, "correct": False}
PUBLISHED = {"adam": 0.228, "amsgrad": 0.035}


def compute(rounds: int, theorem: int) -> dict[str, Any]:
    segment = oco.Box(-1.0, 1.0)
    adam = oco.Adam(ALPHA, 0.0, 1.0 / (1.0 + C * C), **FORM)
    broken = oco.play(AdamBreaker(C, 3), {"adam": adam}, rounds=theorem, domain=segment, start=np.ones(1))[0]
    result: dict[str, Any] = {
        "theorem x": float(broken.x[0]),
        "theorem regret": float(broken.regret.low[-1] / broken.rounds),
        "rounds": rounds,
    }
    learners = {
        "adam": oco.Adam(ALPHA, 0.9, 0.99, **FORM),
        "amsgrad": oco.AMSGrad(ALPHA, 0.9, 0.99, **FORM),
        "adagrad": oco.AdaGrad(),
    }
    for title, stream in (("periodic", AdamBreaker(101.0, 101, 10.0)), ("stochastic", AdamLottery())):
        for run in oco.play(stream, learners, rounds=rounds, domain=segment):
            result |= {"t": run.t, f"{title} {run.name}": run.regret.low / run.t, f"{title} {run.name} x": run.x[0]}
    return result


def numbers(result: dict[str, Any]) -> list[Number]:
    rows = [
        Number("Theorem 1, C = 3: Adam ends at x", 1.0, result["theorem x"]),
        Number(
            "Theorem 1, C = 3: average regret",
            2.0 / 3.0,
            result["theorem regret"],
            "the published value is a lower bound",
        ),
    ]
    asked = result["rounds"] == 1_000_000
    for title in ("periodic", "stochastic"):
        for name in ("adam", "amsgrad", "adagrad"):
            published = PUBLISHED.get(name) if asked and title == "periodic" else None
            note = "alpha is not published" if published else ""
            rows.append(
                Number(f"{title}: average regret of {name}", published, float(result[f"{title} {name}"][-1]), note)
            )
            rows.append(Number(f"{title}: {name} ends at x", None, float(result[f"{title} {name} x"])))
    return rows


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, pair = panels(1, 2, width=PAGE)
    for ax, title in zip(pair, ("periodic", "stochastic"), strict=True):
        shown = {"Adam": "adam", "AMSGrad": "amsgrad", "AdaGrad": "adagrad"}
        late = result["t"] >= 1000
        curves = {name: (result["t"][late], result[f"{title} {key}"][late]) for name, key in shown.items()}
        draw(ax, curves, xscale="log", xlabel="round", ylabel="average regret", title=title, ylim=(-0.2, 2.0))
    return {"average_regret": figure}
