"""Online convex optimization: learners with their theorems, compiled play, certified regret.

import oco
runs = oco.play(oco.ZipfText(d=200), [oco.AdaGrad(), oco.OGDSqrt()], domain=oco.Box(), rounds=5000)
runs[0].regret      # certified interval at every checkpoint runs[0].t
runs[0].bounds()    # its theorems, at the same checkpoints
"""

from oco.bounds import Bound
from oco.domains import Ball, Box, L1Ball, Simplex, Space
from oco.learners import OGD, AdaGrad, AdaGradNorm, FullMatrixAdaGrad, OGDSqrt
from oco.losses import Absolute, Hinge, Linear, Logistic, Squared
from oco.play import BrokenPlayError, play
from oco.player import Player
from oco.protocols import Round
from oco.regret import Interval, Run
from oco.streams import Classification, Data, File, Orthogonal, RandomSigns, Regression, SignFlip, ZipfText

__version__ = "0.1.0"

__all__ = [
    "OGD",
    "Absolute",
    "AdaGrad",
    "AdaGradNorm",
    "Ball",
    "Bound",
    "Box",
    "BrokenPlayError",
    "Classification",
    "Data",
    "File",
    "FullMatrixAdaGrad",
    "Hinge",
    "Interval",
    "L1Ball",
    "Linear",
    "Logistic",
    "OGDSqrt",
    "Orthogonal",
    "Player",
    "RandomSigns",
    "Regression",
    "Round",
    "Run",
    "SignFlip",
    "Simplex",
    "Space",
    "Squared",
    "ZipfText",
    "play",
]
