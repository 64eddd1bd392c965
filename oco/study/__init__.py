"""Studies: learners x streams x seeds, paired, resumable, in parallel, in one table."""

from oco.study.grid import grid
from oco.study.plan import Plan
from oco.study.run import StoppedError
from oco.study.study import Study
from oco.study.table import Table

__all__ = ["Plan", "StoppedError", "Study", "Table", "grid"]
