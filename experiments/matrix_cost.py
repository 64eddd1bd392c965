"""What the full matrix costs: hundreds of rounds of the diagonal in moderate dimension, and d^3 in the end.

Seconds a round over the dimension, the least of some plays on one thread, on dense linear losses. Full-matrix AdaGrad
takes a root of a d x d matrix in every round (Duchi, Hazan and Singer 2011); the sketch keeps ell directions, O(d
ell^2) (Feinberg et al. 2023). Slopes are fitted to the larger half of the dimensions, where small matrices still
grow more slowly than the law. Times are those of the machine that played first.
"""

from pathlib import Path
from typing import Any

import oco
from oco import figures
from oco.record import aligned
from oco.samples import samples
from oco.statistics import slope

SMALL = {"rounds": 200, "seeds": 3, "seed": 0, "dimensions": [8, 16, 32, 64, 128, 256]}
FULL = {"rounds": 1000, "seeds": 5, "seed": 0, "dimensions": [8, 16, 32, 64, 128, 256, 512, 1024]}


def studies(rounds: int, seeds: int, seed: int, dimensions: list[int]) -> list[oco.Study]:
    """Three learners x dimensions; the quick ones play longer, so that starting and stopping them does not count."""
    quick = {
        "adagrad": (oco.AdaGrad(), 500),
        "sketch": (oco.SketchedAdaGrad(), 20),
        "full-matrix": (oco.FullMatrixAdaGrad(), 1),
    }
    streams = oco.grid(oco.RandomSigns, d=dimensions)
    return [
        oco.Study({name: learner}, streams, rounds * longer, seeds, seed, oco.Ball())
        for name, (learner, longer) in quick.items()
    ]


@figures.paper
def main(folder: Path, size: dict[str, Any]) -> str:
    """A row a dimension: microseconds a round."""
    found = []
    for study in studies(**size):  # one play at a time: what else runs costs time
        found += samples(study.run(folder / next(iter(study.learners)), workers=1))
    figure, ax = figures.panels(height=2.6)
    figures.cost(found, ax)
    figures.save(figure, folder, Path(__file__).stem)
    large = size["dimensions"][-max(2, len(size["dimensions"]) // 2) :]
    spent = {(one.name, one.dimension): 1e6 * one.seconds.min() / one.t[-1] for one in found}
    names = list(dict.fromkeys(one.name for one in found))
    rows = [("d", *(f"{name}, us" for name in names), "full matrix / diagonal")]
    for d in size["dimensions"]:
        ratio = spent["full-matrix", d] / spent["adagrad", d]
        rows.append((str(d), *(f"{spent[name, d]:.3g}" for name in names), f"{ratio:.0f}"))
    slopes = (f"{name} {slope(large, [spent[name, d] for d in large])[0]:.2f}" for name in names)
    return f"{aligned(rows)}\n\nexponent of d from {large[0]} on (laws: 1, 1, 3): {', '.join(slopes)}"
