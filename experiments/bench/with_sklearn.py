"""Peers in scikit-learn: plain SGD (it has no AdaGrad), and liblinear for the best fixed decision."""

from collections.abc import Callable
from typing import Any

import numpy as np


def sgd(a: Any, y: np.ndarray, eta: float) -> Callable[[], None]:
    """SGDClassifier.partial_fit: one pass of gradient steps at a constant rate."""
    from sklearn.linear_model import SGDClassifier

    options: dict[str, Any] = {"loss": "log_loss", "penalty": None, "learning_rate": "constant", "eta0": eta}

    def call() -> None:
        SGDClassifier(**options, fit_intercept=False, shuffle=False).partial_fit(a, y, classes=[-1.0, 1.0])

    return call


def best(a: Any, y: np.ndarray, l2: float, solver: str, tolerance: float) -> Callable[[], np.ndarray]:
    """argmin_u sum_t ln(1 + exp(-y_t <a_t, u>)) + (l2 / 2) |u|^2; the call returns u."""
    from sklearn.linear_model import LogisticRegression

    options: dict[str, Any] = {"C": 1.0 / l2, "solver": solver, "tol": tolerance, "fit_intercept": False}
    return lambda: np.asarray(LogisticRegression(**options, max_iter=10_000).fit(a, y).coef_[0])


def lightning(a: Any, y: np.ndarray, eta: float) -> Callable[[], Any]:
    """AdaGradClassifier of lightning, one epoch, its own regularisation."""
    from lightning.classification import AdaGradClassifier

    options: dict[str, Any] = {"eta": eta, "n_iter": 1, "loss": "log", "alpha": 0.0, "shuffle": False}
    return lambda: AdaGradClassifier(**options).fit(a, y)
