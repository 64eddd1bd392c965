"""The learners, by the name that the command line uses."""

from oco.learners.adagrad import AdaGrad
from oco.learners.full_matrix import FullMatrixAdaGrad
from oco.learners.ogd import OGD, AdaGradNorm, OGDSqrt

LEARNERS = {
    "ogd": OGD,
    "ogd-sqrt": OGDSqrt,
    "adagrad-norm": AdaGradNorm,
    "adagrad": AdaGrad,
    "full-matrix": FullMatrixAdaGrad,
}

__all__ = ["LEARNERS", "OGD", "AdaGrad", "AdaGradNorm", "FullMatrixAdaGrad", "OGDSqrt"]
