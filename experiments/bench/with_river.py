"""Peers in river: dictionaries of features, one at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np


def logistic(rows: list[dict[Any, float]], y: np.ndarray, eta: float) -> Callable[[], None]:
    """LogisticRegression under AdaGrad (its eps = 1e-8 is added to the root)."""
    from river import linear_model, optim

    labels = [bool(label > 0.0) for label in y]

    def call() -> None:
        model = linear_model.LogisticRegression(optimizer=optim.AdaGrad(eta), intercept_lr=0.0)
        for row, label in zip(rows, labels, strict=True):
            model.learn_one(row, label)

    return call


def rows_of(matrix: Any) -> list[dict[Any, float]]:
    """Rows of a dense array or a CSR matrix as dictionaries."""
    if not hasattr(matrix, "indptr"):
        return [dict(enumerate(row.tolist())) for row in matrix]
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    return [dict(zip(matrix.indices[a:b].tolist(), matrix.data[a:b].tolist(), strict=True)) for a, b in ends]
