"""Text as the papers' experiments use it: files into compressed rows, term weights, splits, linear classifiers."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

import oco


def rows(path: Path, columns: int | None = None) -> tuple[Any, np.ndarray]:
    """All examples of a svmlight file as (CSR matrix, labels as the file has them)."""
    pieces = list(oco.File(str(path)).blocks(False))
    d = max(columns or 0, pieces[-1].d)
    made = [csr_array((piece.values, piece.indices, piece.indptr), shape=(len(piece.y), d)) for piece in pieces]
    return vstack(made, format="csr"), np.concatenate([piece.y for piece in pieces])


def log_cosine(counts: Any) -> Any:
    """ln(1 + count), rows of norm 1."""
    weighted = counts.copy()
    weighted.data = np.log1p(weighted.data)
    return unit(weighted)


def unit(a: Any) -> Any:
    """Rows of norm 1; empty rows stay."""
    norms = np.sqrt(a.multiply(a).sum(axis=1))
    scaled = a.copy()
    scaled.data /= np.repeat(np.where(norms > 0.0, norms, 1.0), np.diff(a.indptr))
    return scaled


def split(n: int, first: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A random share `first` of 0 .. n - 1, and the rest."""
    order = np.random.default_rng(seed).permutation(n)
    cut = int(first * n)
    return order[:cut], order[cut:]


def error(x: np.ndarray, a: Any, y: np.ndarray) -> float:
    """Share of examples on the wrong side."""
    return float(np.mean(np.where(a @ x > 0.0, 1.0, -1.0) != y))


def log_loss(x: np.ndarray, a: Any, y: np.ndarray) -> float:
    """Mean logistic loss."""
    return float(np.mean(np.logaddexp(0.0, -y * (a @ x))))
