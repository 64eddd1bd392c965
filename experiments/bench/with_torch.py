"""Peers in torch: its optimisers in a loop over rounds, as torch is used."""

from collections.abc import Callable
from typing import Any

import numpy as np


def _torch() -> Any:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.sparse.check_sparse_tensor_invariants.disable()
    return torch


def dense(a: np.ndarray, y: np.ndarray, eta: float, initial: float, eps: float) -> Callable[[], float]:
    """torch.optim.Adagrad on dense logistic rounds, the gradient given by hand (autograd takes three times as long)."""
    torch = _torch()
    rows, labels = torch.from_numpy(a), torch.from_numpy(y)

    def call() -> float:
        x = torch.zeros(a.shape[1], requires_grad=True)
        step = torch.optim.Adagrad([x], lr=eta, initial_accumulator_value=initial, eps=0.0, fused=True)
        total = 0.0
        with torch.no_grad():
            for row, label in zip(rows, labels, strict=True):
                margin = label * (row @ x)
                total += float(torch.nn.functional.softplus(-margin))
                x.grad = (-label * torch.sigmoid(-margin)) * row
                step.step()
        return total

    return call


def sparse(matrix: Any, y: np.ndarray, eta: float) -> Callable[[], float]:
    """An embedding with sparse gradients under torch.optim.Adagrad."""
    torch = _torch()
    indices = [torch.from_numpy(matrix.indices[a:b].astype(np.int64)) for a, b in _ends(matrix)]
    values = [torch.from_numpy(matrix.data[a:b]) for a, b in _ends(matrix)]

    def call() -> float:
        x = torch.zeros(matrix.shape[1], 1, requires_grad=True)
        step = torch.optim.Adagrad([x], lr=eta, eps=0.0)
        total = 0.0
        for i, v, label in zip(indices, values, y.tolist(), strict=True):
            step.zero_grad()
            margin = label * (torch.nn.functional.embedding(i, x, sparse=True)[:, 0] @ v)
            loss = torch.nn.functional.softplus(-margin)
            loss.backward()
            step.step()
            total += float(loss.detach())
        return total

    return call


def _ends(matrix: Any) -> Any:
    return zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)


def tiny(a: np.ndarray, learner: str, eta: float) -> Callable[[], float]:
    """torch.optim.SGD and a ball, or Adagrad and a box, on linear losses with the gradient given."""
    torch = _torch()
    rows = torch.from_numpy(a)

    def call() -> float:
        x = torch.zeros(a.shape[1], requires_grad=True)
        step = torch.optim.SGD([x], lr=eta) if learner == "ogd" else torch.optim.Adagrad([x], lr=eta, eps=0.0)
        total = 0.0
        with torch.no_grad():
            for row in rows:
                total += float(row @ x)
                x.grad = row
                step.step()
                if learner == "ogd":
                    x /= max(1.0, float(torch.linalg.vector_norm(x)))
                else:
                    x.clamp_(-1.0, 1.0)
        return total

    return call


def hedge(losses: np.ndarray, eta: float) -> Callable[[], float]:
    torch = _torch()
    rows = torch.from_numpy(losses)

    def call() -> float:
        sums, total = torch.zeros(losses.shape[1]), 0.0
        for row in rows:
            total += float(torch.softmax(-eta * sums, 0) @ row)
            sums += row
        return total

    return call


def full_matrix(g: np.ndarray, outer: np.ndarray, eta: float, delta: float) -> Callable[[], float]:
    """torch.linalg.eigh in every round."""
    torch = _torch()
    rows, start = torch.from_numpy(g), torch.from_numpy(outer)

    def call() -> float:
        x, grown, suffered = torch.zeros(g.shape[1]), start.clone(), 0.0
        for row in rows:
            suffered += float(row @ x)
            grown += torch.outer(row, row)
            h, q = torch.linalg.eigh(grown)
            x -= eta * (q @ ((row @ q) / (delta + torch.sqrt(torch.clamp(h, min=0.0)))))
        return suffered

    return call


def shampoo(g: np.ndarray, package: str) -> Callable[[], float]:
    """A Shampoo package with a vector for its parameter: G^{-1/2} g up to its own exponent and damping."""
    torch = _torch()
    optimisers = __import__(package)
    rows = torch.from_numpy(g)

    def call() -> float:
        x = torch.zeros(g.shape[1], requires_grad=True)
        step = optimisers.Shampoo([x], lr=0.1)
        for row in rows:
            x.grad = row.clone()
            step.step()
        return 0.0

    return call
