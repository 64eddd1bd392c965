"""Peers in JAX: the whole play as one jitted lax.scan, data on the device, compiled before it is timed."""

from collections.abc import Callable
from typing import Any

import numpy as np


def _jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def scan(rule: Callable[..., Any], state: Any, data: Any, unroll: int = 1) -> Callable[[], float]:
    """rule(state, example) -> (state, loss); the call returns the sum of losses."""
    jax = _jax()

    @jax.jit
    def play(state: Any, data: Any) -> Any:
        state, losses = jax.lax.scan(rule, state, data, unroll=unroll)
        return state, losses.sum()

    held = jax.block_until_ready(jax.tree.map(jax.numpy.asarray, (state, data)))
    return lambda: float(jax.block_until_ready(play(*held))[1])


def _logistic(z: Any, y: Any) -> tuple[Any, Any]:
    """The loss ln(1 + exp(-y z)) and its slope in z."""
    jax = _jax()
    return jax.numpy.logaddexp(0.0, -y * z), -y * jax.nn.sigmoid(-y * z)


def dense(a: np.ndarray, y: np.ndarray, eta: float, initial: float, eps: float, unroll: int) -> Callable[[], float]:
    """Diagonal AdaGrad on dense logistic rounds."""
    jax = _jax()

    def rule(state: Any, example: Any) -> Any:
        (x, s), (row, label) = state, example
        loss, slope = _logistic(row @ x, label)
        g = slope * row
        s = s + g * g
        return (x - eta * g * jax.lax.rsqrt(s + eps), s), loss

    d = a.shape[1]
    return scan(rule, (np.zeros(d, a.dtype), np.full(d, initial, a.dtype)), (a, y.astype(a.dtype)), unroll)


def with_optax(a: np.ndarray, y: np.ndarray, eta: float, initial: float, eps: float) -> Callable[[], float]:
    """The same with optax.adagrad inside the scan."""
    import optax

    rule = optax.adagrad(eta, initial_accumulator_value=initial, eps=eps)

    def play(state: Any, example: Any) -> Any:
        (x, memory), (row, label) = state, example
        loss, slope = _logistic(row @ x, label)
        change, memory = rule.update(slope * row, memory)
        return (optax.apply_updates(x, change), memory), loss

    _jax()
    x = np.zeros(a.shape[1], a.dtype)
    return scan(play, (x, rule.init(_jax().numpy.asarray(x))), (a, y.astype(a.dtype)))


def sparse(matrix: Any, y: np.ndarray, eta: float, packed: bool) -> Callable[[], float]:
    """Diagonal AdaGrad on sparse logistic rounds, rows padded to equal length; packed: x and G side by side."""
    jnp = _jax().numpy
    d = matrix.shape[1]
    lengths = np.diff(matrix.indptr)
    place = np.arange(lengths.max()) < lengths[:, None]
    indices, values = np.full(place.shape, d, np.int32), np.zeros(place.shape)
    indices[place], values[place] = matrix.indices, matrix.data

    def step(g: Any, s: Any) -> Any:
        return -eta * g / jnp.sqrt(jnp.where(s > 0.0, s, 1.0))

    def apart(state: Any, example: Any) -> Any:
        (x, s), (i, v, label) = state, example
        loss, slope = _logistic(v @ x[i], label)
        g = slope * v
        s = s.at[i].add(g * g)
        return (x.at[i].add(step(g, s[i])), s), loss

    def side_by_side(w: Any, example: Any) -> Any:
        i, v, label = example
        old = w[i]
        loss, slope = _logistic(v @ old[:, 0], label)
        g = slope * v
        return w.at[i].add(jnp.stack([step(g, old[:, 1] + g * g), g * g], axis=1)), loss

    data = (indices, values, y)
    if packed:
        return scan(side_by_side, np.zeros((d + 1, 2)), data)
    return scan(apart, (np.zeros(d + 1), np.zeros(d + 1)), data)


def _ball(x: Any) -> Any:
    jnp = _jax().numpy
    return x / jnp.maximum(1.0, jnp.sqrt(jnp.sum(x * x)))


def tiny(a: np.ndarray, learner: str, eta: float, adaptive: bool, optax: bool = False) -> Callable[[], float]:
    """OGD on the unit ball or AdaGrad on the box [-1, 1]^d, linear losses; adaptive: a_t = sign(x_t) / sqrt(d)."""
    jax = _jax()
    jnp, d = jax.numpy, a.shape[1]

    def reveal(x: Any, row: Any) -> Any:
        return jnp.where(x >= 0.0, 1.0, -1.0) / np.sqrt(d) if adaptive else row

    def ogd(x: Any, row: Any) -> Any:
        g = reveal(x, row)
        return _ball(x - eta * g), g @ x

    def adagrad(state: Any, row: Any) -> Any:
        x, s = state
        g = reveal(x, row)
        s = s + g * g
        return (jnp.clip(x - eta * g / jnp.sqrt(s), -1.0, 1.0), s), g @ x

    if optax:
        return _tiny_optax(a, learner, eta, reveal)
    zero = np.zeros(d)
    return scan(ogd, zero, a) if learner == "ogd" else scan(adagrad, (zero, zero), a)


def _tiny_optax(a: np.ndarray, learner: str, eta: float, reveal: Callable[..., Any]) -> Callable[[], float]:
    import optax

    jnp = _jax().numpy
    zero_start = {"initial_accumulator_value": 0.0, "eps": 0.0}
    rule = optax.sgd(eta) if learner == "ogd" else optax.adagrad(eta, **zero_start)

    def play(state: Any, row: Any) -> Any:
        x, memory = state
        g = reveal(x, row)
        change, memory = rule.update(g, memory)
        moved = optax.apply_updates(x, change)
        return (_ball(moved) if learner == "ogd" else jnp.clip(moved, -1.0, 1.0), memory), g @ x

    return scan(play, (np.zeros(a.shape[1]), rule.init(jnp.zeros(a.shape[1]))), a)


def hedge(losses: np.ndarray, eta: float, form: str) -> Callable[[], float]:
    """Hedge: form "multiplicative", weights times exp(-eta l) and renormalised, or "softmax" of cumulative losses."""
    jax = _jax()
    jnp = jax.numpy

    def multiplicative(w: Any, row: Any) -> Any:
        grown = w * jnp.exp(-eta * row)
        return grown / grown.sum(), w @ row

    def softmax(total: Any, row: Any) -> Any:
        w = jax.nn.softmax(-eta * total)
        return total + row, w @ row

    n = losses.shape[1]
    if form == "softmax":
        return scan(softmax, np.zeros(n), losses)
    return scan(multiplicative, np.full(n, 1.0 / n), losses)


def full_matrix(g: np.ndarray, outer: np.ndarray, eta: float, delta: float) -> Callable[[], float]:
    """Full-matrix AdaGrad by jnp.linalg.eigh in every round."""
    jnp = _jax().numpy

    def rule(state: Any, row: Any) -> Any:
        x, outer = state
        outer = outer + jnp.outer(row, row)
        h, q = jnp.linalg.eigh(outer)
        step = eta * (q @ ((row @ q) / (delta + jnp.sqrt(jnp.maximum(h, 0.0)))))
        return (x - step, outer), row @ x

    return scan(rule, (np.zeros(g.shape[1]), outer), g)
