"""Rare words in real text: AdaGrad gives them large rates, and learns faster.

5574 text messages, bag of words, logistic loss (SMS Spam Collection; Almeida and Hidalgo 2011). Left: the effective
rate eta / sqrt(S_i) of every word after one pass with eta = 0.1, over the number of messages with it; gradient descent
has one rate for all (Duchi, Hazan and Singer 2011, Theorem 5, bounds AdaGrad's regret by the sum of all sqrt(S_i)). The
line is the law frequency^(-1/2) that S_i = sum of g_{s,i}^2 would follow if all gradients had one size. What does not
hold: the law for rare words; in messages that are understood already gradients are tiny, and what was met only there
keeps a huge rate. Right: progressive loss less that of AdaGrad, for each learner with the best step of the grid.
"""

import gzip
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import oco
from experiments.data import data
from oco import figures
from oco.record import aligned
from oco.samples import Sample, samples
from oco.study.kept import Arrays, kept

SMALL = {"etas": [0.1, 0.3, 1.0, 3.0, 10.0], "eta": 0.1, "file": "sms_spam/sms_spam.svm.gz"}
FULL = SMALL | {"etas": [0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0]}
SOURCE = "the UCI SMS Spam Collection as svmlight text (words sorted, counted from 1; label 1 is spam)"
EDGES = [1, 2, 4, 11, 101, 10_000]


def rates(path: Path, eta: float) -> Arrays:
    """Messages with each word, and its rate and weight after one pass."""
    stream = oco.File(str(path))
    run = oco.play(stream, oco.AdaGrad(eta), loss=oco.Logistic(), domain=oco.Space())[0]
    counts = np.zeros(run.d, dtype=np.int64)
    for block in stream.blocks(signed=True):
        counts += np.bincount(block.indices, minlength=run.d)
    return {"counts": counts, "rates": run.rates, "weights": run.x}


def study(path: str, etas: list[float]) -> oco.Study:
    """AdaGrad and two that have one rate, x steps."""
    kinds = (oco.AdaGrad, oco.OGDSqrt, oco.AdaGradNorm)
    learners = {label: part for kind in kinds for label, part in oco.grid(kind, eta=etas).items()}
    return oco.Study(learners, {"sms": oco.File(path)}, domain=oco.Space(), loss=oco.Logistic())


def best(found: list[Sample]) -> list[Sample]:
    """Each learner with the step of least loss, under the learner's name."""
    names = dict.fromkeys(sample.name for sample in found)
    chosen = [min((s for s in found if s.name == name), key=lambda s: s.loss[0, -1]) for name in names]
    return [sample._replace(learner=sample.name) for sample in chosen]


def vocabulary(path: Path) -> list[str]:
    """Words by column, where the file of words is there."""
    words = path.with_name(path.name.replace(".svm.", ".vocab.txt."))
    return ["", *gzip.open(words, "rt", encoding="utf-8").read().split()] if words.is_file() else []


def telling(found: Arrays, words: list[str]) -> dict[int, str]:
    """The heaviest word of each frequency from 4 on: to be written into the figure."""
    shown = {}
    for low, high in pairwise(EDGES[2:]):
        among = np.flatnonzero((found["counts"] >= low) & (found["counts"] < high))
        heavy = among[np.argsort(-np.abs(found["weights"][among]))[:1]]
        shown |= {int(i): words[i] for i in heavy if i < len(words)}
    return shown


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """Rates by frequency; progressive losses."""
    path = data(size["file"], SOURCE)
    found, _ = kept(rates, folder / "rates.npz", path=path, eta=size["eta"])
    chosen = best(samples(study(str(path), size["etas"]).run(folder / "study")))
    figure, axes = figures.panels(1, 2, width=figures.PAGE, height=2.6)
    counts = found["counts"]
    figures.frequencies(counts, {"adagrad": found["rates"]}, axes[0], telling(found, vocabulary(path)), legend=False)
    base = chosen[0].loss[0]
    for i, sample in enumerate(chosen):
        label = f"{sample.learner}, $\\eta$ = {sample.parameters['learner.eta']:g}"
        axes[1].plot(sample.t, sample.loss[0] - base, label=label, **figures.style(i))
    axes[1].set(xlabel="round $t$", ylabel="loss $-$ loss of adagrad", xscale="log")
    figures.save(figures.below(figure, columns=5), folder, Path(__file__).stem)
    rows = [("messages with the word", "words", "median rate", "times sqrt(frequency)")]
    for low, high in pairwise(EDGES):
        among = (counts >= low) & (counts < high)
        rate, scaled = (np.median(found["rates"][among] * counts[among] ** power) for power in (0.0, 0.5))
        rows.append((f"{low} .. {high - 1}", f"{among.sum()}", f"{rate:.3f}", f"{scaled:.2f}"))
    losses = [("learner", "best step", "progressive loss a message")]
    for sample in chosen:
        mean = sample.loss[0, -1] / sample.t[-1]
        losses.append((sample.learner, f"{sample.parameters['learner.eta']:g}", f"{mean:.4f}"))
    return f"{aligned(rows)}\n\n{aligned(losses)}"
