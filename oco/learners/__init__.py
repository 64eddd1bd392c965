"""The learners, by the name that the command line uses."""

from oco.learners.adagrad import AdaGrad, AdaGradWidths
from oco.learners.adahedge import AdaHedge
from oco.learners.adam import Adam, AMSGrad
from oco.learners.ader import Ader
from oco.learners.bandit import FKM, Exp3
from oco.learners.cbce import CBCE
from oco.learners.cocob import COCOB
from oco.learners.coin import KT, KTBounded
from oco.learners.composite import FOBOS, AdaGradFOBOS
from oco.learners.dual_averaging import RDA, AdaGradRDA
from oco.learners.fixed_share import FixedShare
from oco.learners.ftrl import FTRL, SoloFTRL
from oco.learners.ftrl_proximal import FTRLProximal
from oco.learners.full_matrix import FullMatrixAdaGrad
from oco.learners.full_matrix_da import FullMatrixDualAveraging
from oco.learners.hedge import Hedge, HedgeAnytime
from oco.learners.hints import GivenHints, LastGradient, MeanGradient
from oco.learners.kt_experts import KTExperts
from oco.learners.leader import DualAveraging, FollowTheLeader, MinimaxBall
from oco.learners.ml_prod import MLPoly, MLProd
from oco.learners.momentum import Momentum, Nesterov
from oco.learners.newton import OnlineNewtonStep, VovkAzouryWarmuth
from oco.learners.ogd import OGD, AdaGradNorm, OGDSqrt, OGDStronglyConvex
from oco.learners.optimistic import OptimisticOMD
from oco.learners.optimistic_adaptive import AdaptiveOptimisticOMD, OptimisticFTRL
from oco.learners.portfolio import EG, ONSPortfolio
from oco.learners.rmsprop import AdaDelta, RMSprop
from oco.learners.saol import SAOL
from oco.learners.second_order import BOA, Squint
from oco.learners.sketch import SketchedAdaGrad
from oco.learners.universal import UniversalPortfolio

LEARNERS = {
    "ogd": OGD,
    "ogd-sqrt": OGDSqrt,
    "adagrad-norm": AdaGradNorm,
    "ogd-strongly-convex": OGDStronglyConvex,
    "leader": FollowTheLeader,
    "dual-averaging": DualAveraging,
    "minimax-ball": MinimaxBall,
    "adagrad": AdaGrad,
    "adagrad-widths": AdaGradWidths,
    "fobos": FOBOS,
    "adagrad-fobos": AdaGradFOBOS,
    "rda": RDA,
    "adagrad-rda": AdaGradRDA,
    "ftrl-proximal": FTRLProximal,
    "full-matrix": FullMatrixAdaGrad,
    "full-matrix-da": FullMatrixDualAveraging,
    "sketch": SketchedAdaGrad,
    "ftrl": FTRL,
    "solo-ftrl": SoloFTRL,
    "optimistic-omd": OptimisticOMD,
    "optimistic-omd-adaptive": AdaptiveOptimisticOMD,
    "optimistic-ftrl": OptimisticFTRL,
    "newton": OnlineNewtonStep,
    "forward": VovkAzouryWarmuth,
    "hedge": Hedge,
    "hedge-anytime": HedgeAnytime,
    "adahedge": AdaHedge,
    "ml-prod": MLProd,
    "ml-poly": MLPoly,
    "boa": BOA,
    "squint": Squint,
    "fixed-share": FixedShare,
    "kt-experts": KTExperts,
    "universal": UniversalPortfolio,
    "eg": EG,
    "ons-portfolio": ONSPortfolio,
    "kt": KT,
    "kt-bounded": KTBounded,
    "cocob": COCOB,
    "ader": Ader,
    "saol": SAOL,
    "cbce": CBCE,
    "exp3": Exp3,
    "fkm": FKM,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "adadelta": AdaDelta,
    "adam": Adam,
    "amsgrad": AMSGrad,
}

__all__ = [
    "BOA",
    "CBCE",
    "COCOB",
    "EG",
    "FKM",
    "FOBOS",
    "FTRL",
    "KT",
    "LEARNERS",
    "OGD",
    "RDA",
    "SAOL",
    "AMSGrad",
    "AdaDelta",
    "AdaGrad",
    "AdaGradFOBOS",
    "AdaGradNorm",
    "AdaGradRDA",
    "AdaGradWidths",
    "AdaHedge",
    "Adam",
    "AdaptiveOptimisticOMD",
    "Ader",
    "DualAveraging",
    "Exp3",
    "FTRLProximal",
    "FixedShare",
    "FollowTheLeader",
    "FullMatrixAdaGrad",
    "FullMatrixDualAveraging",
    "GivenHints",
    "Hedge",
    "HedgeAnytime",
    "KTBounded",
    "KTExperts",
    "LastGradient",
    "MLPoly",
    "MLProd",
    "MeanGradient",
    "MinimaxBall",
    "Momentum",
    "Nesterov",
    "OGDSqrt",
    "OGDStronglyConvex",
    "ONSPortfolio",
    "OnlineNewtonStep",
    "OptimisticFTRL",
    "OptimisticOMD",
    "RMSprop",
    "SketchedAdaGrad",
    "SoloFTRL",
    "Squint",
    "UniversalPortfolio",
    "VovkAzouryWarmuth",
]
