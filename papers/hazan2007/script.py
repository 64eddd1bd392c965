"""Hazan, Agarwal and Kale 2007: logarithmic regret for exp-concave and for strongly convex losses.

Squared loss on the unit ball of R^d with |a_t| <= 1 and |y_t| <= 2 is 1/9-exp-concave; the labels are noisy, so that
gradient descent with steps c / sqrt(t) pays for its steps for ever. Theorem 2: the regret of Online Newton Step is at
most 5 (1 / alpha + G D) d ln T. Theorem 1: gradient descent with steps 1 / (mu t) on mu-strongly convex losses pays at
most G^2 (1 + ln T) / (2 mu), here with the penalty mu |x|^2 / 2, mu = 1, and losses of random signs.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import oco
from oco.figures import PAGE, panels
from oco.statistics import slope
from oco.streams import RandomSigns, Regression
from papers.curves import draw
from papers.paper import Number

TITLE = "Hazan, Agarwal, Kale 2007, Logarithmic regret algorithms for online convex optimization"
SIZES: dict[str, dict[str, Any]] = {
    "test": {"rounds": 3_000, "d": 5},
    "default": {"rounds": 300_000, "d": 5},
    "full": {"rounds": 10_000_000, "d": 5},
}
NAMES = {"newton": "Newton step", "ogd": "gradient descent, c / sqrt(t)", "adagrad": "AdaGrad"}


def compute(rounds: int, d: int) -> dict[str, Any]:
    learners = {"newton": oco.OnlineNewtonStep(), "ogd": oco.OGDSqrt(), "adagrad": oco.AdaGrad()}
    result: dict[str, Any] = {}
    for run in oco.play(Regression(d, noise=2.0), learners, domain=oco.Ball(), rounds=rounds):
        result |= {"t": run.t, run.name: run.regret.high}
        if run.name == "newton":
            result["theorem 2"] = 5.0 * (1.0 / run.exp_concavity + 2.0 * run.promised) * d * np.log(run.t)
    game: dict[str, Any] = {"domain": oco.Ball(), "rounds": rounds, "penalty": oco.Penalty(l2=1.0)}
    for run in oco.play(RandomSigns(d), {"strong": oco.OGDStronglyConvex(), "weak": oco.OGDSqrt()}, **game):
        result[run.name] = run.regret.high
        if run.name == "strong":
            result["theorem 1"] = run.bounds()["ogd-convex-worst"]
    return result


def numbers(result: dict[str, Any]) -> list[Number]:
    rows = []
    half = slice(len(result["t"]) // 2, None)
    said = {"newton": "logarithmic", "strong": "logarithmic"}
    titles = {key: f"exp-concave: {name}" for key, name in NAMES.items()}
    titles |= {"strong": "strongly convex: gradient descent, 1 / (mu t)", "weak": "strongly convex: c / sqrt(t)"}
    for key, title in titles.items():
        regret = result[key][half]
        power, _ = slope(result["t"][half], np.maximum(regret, 1e-12))
        note = f"grows as T^{power:.2f}" + (f"; published: {said[key]}" if key in said else "")
        rows.append(Number(f"{title}: regret at T", None, float(regret[-1]), note))
    for key, theorem in (("newton", "theorem 2"), ("strong", "theorem 1")):
        ratio = float((result[key][1:] / result[theorem][1:]).max())
        rows.append(Number(f"{titles[key]}: regret over {theorem.title()}, at its most", None, ratio, "1 at most"))
    return rows


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    figure, (left, right) = panels(1, 2, width=PAGE)
    curves = {name: (result["t"], result[key]) for key, name in NAMES.items()}
    draw(left, curves, xscale="log", xlabel="round", ylabel="regret", title="exp-concave losses")
    strong = {"Theorem 1": "theorem 1", "1 / (mu t)": "strong", "c / sqrt(t)": "weak"}
    curves = {name: (result["t"], result[key]) for name, key in strong.items()}
    draw(right, curves, xscale="log", yscale="log", xlabel="round", ylabel="regret", title="strongly convex losses")
    return {"regret": figure}
