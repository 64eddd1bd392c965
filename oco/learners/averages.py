"""What averaged gradients and diagonal metrics satisfy, whatever the metric: regret bounded by the run itself.

m_t = beta m_{t-1} + (1 - beta) g_t, m_0 = 0, and x_{t+1} = argmin_{x in X} |x - (x_t - m_t / Gamma_t)|_{Gamma_t} with
any Gamma_t > 0, Gamma_0 = 0: heavy ball, RMSprop, AdaDelta, Adam and AMSGrad. As
g_t = (m_t - beta m_{t-1}) / (1 - beta), mirror descent and summation by parts give, with sums over coordinates too,

    sum_t <g_t, x_t - u> <= (1/2) sum_t (Gamma_t - Gamma_{t-1}) (x_t - u)^2 + (1/2) sum_t m_t^2 / Gamma_t
                            + beta / (1 - beta) (<x_T - u, m_T> + sum_{t<T} <x_t - x_{t+1}, m_t>)

(derived; the idea is Alacaoglu, Malitsky, Mertikopoulos and Cevher's, 2020). It always holds; what it is worth
depends on how much Gamma_t rises. With widths D_i >= |x_{t,i} - u_i| and Q = sum_t m_t^2 / Gamma_t it is at most
(1/2) sum_i D_i^2 sum_t (Gamma_t - Gamma_{t-1})_+ + Q / 2 + beta / (1 - beta) (sum_i D_i |m_{T,i}| + Q).
"""

from typing import Any

import numpy as np

from oco.protocols import Matrix, Vector

SOURCE = "derived after Alacaoglu, Malitsky, Mertikopoulos, Cevher 2020"


def remembered(run: Any, column: int) -> Matrix:
    """(T, d): the number of that place in every coordinate's memory, after every round."""
    return np.array([np.pad(w[:, 1 + column], (0, run.d - len(w))) for w in run.history.states])


def along(run: Any, m: Matrix, beta: float) -> Vector:
    """The first bound, at the run's comparators; m (T, d): the averages after each round."""
    x, change, spent = run.history.x, _changes(run), np.cumsum(_spent(run, m))
    lost = np.concatenate([[0.0], np.cumsum((m[:-1] * (x[:-1] - x[1:])).sum(axis=1))])
    values = np.empty(len(run.t))
    for k, (t, gap) in enumerate(_gaps(run)):
        moved = 0.5 * np.einsum("ti,ti,ti->", gap, change[:t], gap)
        held = gap[-1] @ m[t - 1] + lost[t - 1]
        values[k] = moved + 0.5 * spent[t - 1] + beta / (1.0 - beta) * held
    return values


def variation(run: Any, m: Matrix, beta: float) -> Vector:
    """The second; D_i is the domain's width or, on an unbounded domain, the distance from u seen so far."""
    rises, spent = np.cumsum(np.maximum(_changes(run), 0.0), axis=0), np.cumsum(_spent(run, m))
    values = np.empty(len(run.t))
    for k, (t, gap) in enumerate(_gaps(run)):
        width = run.domain.widths(run.d) if run.domain.bounded else np.abs(gap).max(axis=0)
        held = width @ np.abs(m[t - 1]) + spent[t - 1]
        values[k] = 0.5 * width**2 @ rises[t - 1] + 0.5 * spent[t - 1] + beta / (1.0 - beta) * held
    return values


def _changes(run: Any) -> Matrix:
    return np.diff(run.history.gamma, axis=0, prepend=np.zeros((1, run.d)))


def _spent(run: Any, m: Matrix) -> Vector:
    """|m_t|^2_{1 / Gamma_t}, with 0 / 0 = 0; infinite where Gamma underflowed and m did not."""
    gamma = run.history.gamma
    sizes = np.divide(np.abs(m), np.sqrt(gamma), out=np.where(m == 0.0, 0.0, np.inf), where=gamma > 0.0)
    return np.asarray((sizes**2).sum(axis=1))


def _gaps(run: Any) -> Any:
    """t and x_s - u for s <= t, at every checkpoint."""
    for t, u in zip(run.t, run.comparators, strict=True):
        yield t, run.history.x[:t] - np.pad(u, (0, run.d - len(u)))
