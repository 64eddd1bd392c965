"""Rates that fell are slow to come back: AdaGrad after a change of the target, and learners that forget.

Absolute loss about a target in [-1, 1] that jumps from 0.8 to -0.8. AdaGrad's effective rate eta / sqrt(S_t) has fallen
to about sqrt(2 / t) by then, so the way back takes about 1.1 sqrt(t) rounds: its theorem (Duchi, Hazan and Singer 2011,
Theorem 5) is about one fixed decision. RMSprop and Adam keep a rate for ever and need the same time whenever the change
comes (no guarantee). CBCE, strongly adaptive, starts anew on every scale of time and has small regret in every interval
(Jun, Orabona, Wright and Willett 2017; the notion is that of Daniely, Gonen and Shalev-Shwartz 2015, Theorem 1). What
does not hold: that the fastest way back is the least regret. Second figure: regret in all intervals, the change in the
middle.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import oco
from oco import figures
from oco.protocols import declare
from oco.record import aligned
from oco.study.kept import Arrays, kept

SMALL = {"changes": [125, 500, 2000], "seed": 0, "step": 0.02, "short": 200}
FULL = {"changes": [125, 500, 2000, 8000, 32_000], "seed": 0, "step": 0.02, "short": 800}
NEAR = 0.2  # of the new target: back there


@declare(loss=oco.Absolute(), norm=1.0, label=1.3, positive=("change",), nonnegative=("noise",))
class Jump(NamedTuple):
    """Targets 0.8 and, after round `change`, -0.8, with uniform noise."""

    change: int = 1000
    noise: float = 0.5
    d: int = 1

    def examples(self, rng: np.random.Generator, t: Any, target: Any) -> tuple[Any, Any]:
        y = np.where(t <= self.change, 0.8, -0.8) + self.noise * rng.uniform(-1.0, 1.0, len(t))
        return np.ones((len(t), 1)), y


def learners(step: float) -> dict[str, Any]:
    forgetful = {"rmsprop": oco.RMSprop(step), "adam": oco.Adam(step)}
    return {"adagrad": oco.AdaGrad()} | forgetful | {"cbce": oco.CBCE()}


def trajectories(changes: list[int], seed: int, step: float) -> Arrays:
    """For each learner and change: decisions and rates by round, rounds until back, regret in the second part."""
    found: Arrays = {}
    for change in changes:
        runs = oco.play(Jump(change), learners(step), rounds=2 * change, domain=oco.Box(), seed=seed, audit=True)
        for run in runs:
            x, gamma = run.history.x[:, 0], run.history.gamma
            back = np.abs(x[change:] + 0.8) < NEAR
            found[f"{run.name}:{change}:x"] = x
            if gamma is not None:
                found[f"{run.name}:{change}:rate"] = 1.0 / gamma[:, 0]
            after = oco.interval_regret(run, change + 1, 2 * change)
            ends = [np.argmax(back) if back.any() else np.nan, after.middle, run.regret.middle[-1]]
            found[f"{run.name}:{change}"] = np.array(ends, dtype=float)
    return found


def maps(short: int, seed: int, step: float) -> Arrays:
    """Upper ends of the regret in all intervals, for AdaGrad and the strongly adaptive learner."""
    chosen = {name: learner for name, learner in learners(step).items() if name in ("adagrad", "cbce")}
    runs = oco.play(Jump(short // 2), chosen, rounds=short, domain=oco.Box(), seed=seed, audit=True)
    found = [oco.interval_regrets(run) for run in runs]
    arrays = {run.name: regrets.high for run, regrets in zip(runs, found, strict=True)}
    return arrays | {"first": found[0].first, "last": found[0].last}


def draw(found: Arrays, size: dict[str, Any], folder: Path) -> None:
    """Rates and decisions about the last change, and the way back over all changes."""
    figure, axes = figures.panels(1, 3, width=figures.PAGE, height=2.6)
    last, changes = size["changes"][-1], size["changes"]
    for i, name in enumerate(learners(size["step"])):  # those with a rate above, the restless ones behind
        look = figures.style(i, every=last // 5)
        if f"{name}:{last}:rate" in found:
            axes[0].plot(found[f"{name}:{last}:rate"], label=name, **look)
        axes[1].plot(found[f"{name}:{last}:x"], label=name, zorder=3 - 0.1 * i, **look | {"linewidth": 0.7})
        axes[2].plot(changes, [found[f"{name}:{t}"][0] for t in changes], label=name, **figures.style(i, every=1))
    axes[0].set(xlabel="round $t$", ylabel="effective rate", yscale="log")
    axes[1].set(xlabel="round $t$", ylabel="decision", xlim=(last - 50, last + min(last, 250)))
    axes[2].set(xlabel="round of the change", ylabel="rounds until back", xscale="log", yscale="log")
    axes[2].set_xticks(changes, changes)
    axes[2].set_xticks([], minor=True)
    figures.save(figures.below(figure, columns=5), folder, Path(__file__).stem)


def draw_maps(found: Arrays, folder: Path) -> None:
    """Two heat maps with one scale."""
    figure, axes = figures.panels(1, 2, width=figures.PAGE, height=2.6)
    names = [name for name in found if name not in ("first", "last")]
    most = max(found[name].max() for name in names)
    for ax, name in zip(axes, names, strict=True):
        regrets = oco.Intervals(found["first"], found["last"], found[name], found[name], None)
        figures.intervals(regrets, ax, most).set_title(name)
    figures.save(figure, folder, f"{Path(__file__).stem}_intervals")


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """A row a learner and change: the way back, and what was paid."""
    common = {"seed": size["seed"], "step": size["step"]}
    found, _ = kept(trajectories, folder / "trajectories.npz", changes=size["changes"], **common)
    draw(found, size, folder)
    draw_maps(kept(maps, folder / "maps.npz", short=size["short"], **common)[0], folder)
    rows = [("learner", "change at", "rounds until back", "regret after the change", "regret in all")]
    for name in learners(size["step"]):
        for change in size["changes"]:
            back, after, whole = found[f"{name}:{change}"]
            rows.append((name, str(change), f"{back:.0f}", f"{after:.1f}", f"{whole:.1f}"))
    after = {name: found[f"{name}:{size['changes'][-1]}"][1] for name in learners(size["step"])}
    least = min(after, key=lambda name: after[name])
    first, last = (found[f"adagrad:{t}"][0] for t in (size["changes"][0], size["changes"][-1]))
    grown = f"adagrad: the way back is {last / first:.1f} times as long at the last change as at the first, "
    told = f"least regret after the last change: {least}"
    return f"{aligned(rows)}\n\n{told}\n{grown}sqrt(t) says {np.sqrt(size['changes'][-1] / size['changes'][0]):.1f}"
