"""The compiled rounds: loops over a learner's update, however it is applied.

Everything here is plain Python that also runs uncompiled; the loops know only the methods of oco.updates.
"""

from oco.engine.dense import adaptive_few, adaptive_rounds, dense_few, dense_rounds, dense_strides
from oco.engine.ledger import Ledger
from oco.engine.single import metrics, one_look, one_step, rule_step
from oco.engine.sparse import sparse_rounds, wake_all
from oco.engine.steady import Steady
from oco.engine.tally import tally

__all__ = [
    "Ledger",
    "Steady",
    "adaptive_few",
    "adaptive_rounds",
    "dense_few",
    "dense_rounds",
    "dense_strides",
    "metrics",
    "one_look",
    "one_step",
    "rule_step",
    "sparse_rounds",
    "tally",
    "wake_all",
]
