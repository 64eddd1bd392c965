"""Regret in the senses of the field, all from one audited play: run = oco.play(..., audit=True)[0].

Static regret is run.regret. No regret is clipped at zero.
"""

from oco.notions.dynamic import best_path_regret, dynamic_regret
from oco.notions.expected import Estimate, expected_regret
from oco.notions.intervals import Intervals, interval_regret, interval_regrets
from oco.notions.norms import regret_by_norm
from oco.notions.rounds import Against, path_length
from oco.notions.switching import best_sequence, switching_regret

__all__ = [
    "Against",
    "Estimate",
    "Intervals",
    "best_path_regret",
    "best_sequence",
    "dynamic_regret",
    "expected_regret",
    "interval_regret",
    "interval_regrets",
    "path_length",
    "regret_by_norm",
    "switching_regret",
]
