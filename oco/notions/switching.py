"""Regret against the best sequence of points with at most m switches, exactly, by dynamic programming."""

import itertools
from typing import Any

import numpy as np

from oco._twins import settled
from oco.domains import Box, L1Ball, Simplex
from oco.notions.rounds import Against, rounds_of, theorems
from oco.protocols import Matrix, Vector
from oco.regret import SUM_SLACK, Run

CORNERS = 12  # dimensions up to which all corners of a box are listed


def switching_regret(run: Run, switches: int, points: Any = None) -> Against:
    """sum_t f_t(x_t) less the least sum_t f_t(u_t) with u_t != u_{t-1} in at most `switches` rounds, shape (K,).

    points: (N, d), what u_t is chosen from; default the vertices of the domain (the experts, on the simplex). For
    linear losses those sequences are the best in the whole polytope; for others only the points given are compared
    with. Exact up to rounding at every checkpoint run.t, O(T N m) time and memory. comparator: the best sequence (T, d)
    at the end; bounds: the learner's "switching" ones.
    """
    rounds = rounds_of(run)
    if switches != int(switches) or switches < 0:
        raise ValueError(f"switches = {switches}: need 0, 1, 2, ...")
    among = vertices(run.domain, run.d) if points is None else np.asarray(points, dtype=float)
    if among.ndim != 2 or among.shape[1] != run.d or not all(run.domain.contains(u) for u in among):
        raise ValueError(f"points of shape {among.shape}: need (N, {run.d}), all in {type(run.domain).__name__}")
    with settled():
        losses = rounds.a @ among.T if rounds.linear else np.stack([rounds.values(u) for u in among], axis=1)
    least, chosen = best_sequence(losses, int(switches))
    largest = np.abs(np.where(np.isfinite(losses), losses, 0.0)).max(axis=1)
    paid, sizes = np.cumsum(rounds.paid), np.cumsum(np.abs(rounds.paid) + largest)
    at = run.t - 1
    regret, slack = (paid - least)[at], SUM_SLACK * sizes[at]
    return Against(regret - slack, regret + slack, among[chosen], theorems(run, "switching", int(switches)))


def best_sequence(losses: Matrix, switches: int) -> tuple[Vector, Any]:
    """The least loss of a sequence with at most m switches in rounds 1 .. t, for every t, and a best one for T.

    With C_t[k, i] the least that ends in i after at most k switches:
    C_t[k, i] = losses[t, i] + min(C_{t-1}[k, i], min_j C_{t-1}[k - 1, j]).
    """
    rounds, n = losses.shape
    cost = np.zeros((switches + 1, n))
    came = np.zeros((rounds, switches + 1, n), dtype=bool)  # by a switch
    leader = np.zeros((rounds, switches + 1), dtype=np.int64)  # from there
    least = np.empty(rounds)
    for t in range(rounds):
        leader[t] = cost.argmin(axis=1)
        fresh = np.take_along_axis(cost, leader[t][:, None], axis=1)[:-1]
        came[t, 1:] = fresh < cost[1:]
        cost[1:] = np.minimum(cost[1:], fresh)
        cost += losses[t]
        least[t] = cost[-1].min()
    chosen = np.empty(rounds, dtype=np.int64)
    k, i = switches, int(cost[-1].argmin())
    for t in range(rounds - 1, -1, -1):
        chosen[t] = i
        if came[t, k, i]:
            k, i = k - 1, int(leader[t, k - 1])
    return least, chosen


def vertices(domain: Any, d: int) -> Matrix:
    """The vertices of a polytope, (N, d)."""
    match domain:
        case Simplex():
            return np.eye(d)
        case L1Ball():
            return domain.radius * np.concatenate([np.eye(d), -np.eye(d)])
        case Box() if d <= CORNERS:
            sides = np.broadcast_to(np.stack(np.broadcast_arrays(domain.lower, domain.upper), axis=-1), (d, 2))
            return np.array(list(itertools.product(*sides)), dtype=float)
    raise ValueError(f"{type(domain).__name__} in {d} dimensions: name the points to switch between, points=(N, d)")
