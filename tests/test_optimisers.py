"""The optimisers of deep learning: equal to torch's, and within what can be proved of them."""

import json
from pathlib import Path

import naive
import numpy as np
import pytest
from golden import gradients

import oco
from oco import OGD, Ball, Box, L1Ball, Player, Simplex, Space, play
from oco.bounds import bounds_of
from oco.learners import AdaDelta, Adam, AMSGrad, Momentum, Nesterov, RMSprop
from oco.learners.averages import along, remembered
from oco.streams import DoublingPhases, Drift, Greedy

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())
PAPER = {"eps": 0.0, "decay": True, "correct": False}  # Adam and AMSGrad as the theorems have them
TORCH = {
    "momentum": Momentum(1e-3, 0.9),
    "nesterov": Nesterov(0.1, 0.5),
    "rmsprop": RMSprop(),
    "rmsprop-short": RMSprop(0.1, 0.5, 1e-3),
    "adadelta": AdaDelta(),
    "adadelta-long": AdaDelta(0.3, 0.99, 1e-3),
    "adam": Adam(),
    "adam-short": Adam(0.1, 0.5, 0.7, 1e-3),
    "amsgrad": AMSGrad(),
    "amsgrad-short": AMSGrad(0.1, 0.5, 0.7, 1e-3),
}
STREAMS = {
    "signs": oco.RandomSigns(4),
    "biased": oco.RandomSigns(4, bias=0.4),
    "doubling": DoublingPhases(4),
    "drift": Drift(4, period=20.0),
    "zipf": oco.ZipfText(d=4, words=2),
    "regression": oco.Regression(4, condition=100.0, rotated=True),
    "classification": oco.Classification(4, period=80.0),
    "sign-flip": oco.SignFlip(4),
    "orthogonal": oco.Orthogonal(4),
    "greedy": Greedy(4),
}
LEARNERS = {
    "momentum": Momentum(0.1, 0.8),
    "nesterov": Nesterov(0.1, 0.8),
    "rmsprop": RMSprop(0.05, 0.9),
    "adadelta": AdaDelta(1.0, 0.9, 1e-2),
    "adam": Adam(0.05, 0.9, 0.9),
    "adam-paper": Adam(0.5, 0.5, 0.5, **PAPER),
    "amsgrad": AMSGrad(0.05, 0.9, 0.99),
    "amsgrad-paper": AMSGrad(0.5, 0.5, 0.9, **PAPER),
    "amsgrad-plain": AMSGrad(0.5, 0.0, 0.1, **PAPER),
}
DOMAINS = {
    "space": Space(),
    "box": Box(np.array([-0.5, -1.0, 0.0, -2.0]), np.array([1.0, 0.2, 0.3, 2.0])),
    "cube": Box(),
    "ball": Ball(1.5),
    "l1": L1Ball(),
    "simplex": Simplex(),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", TORCH)
def test_agrees_with_torch(name, compiled):
    """A few ulp over 200 steps: each step is rounded once to the size of x and a few times to its own."""
    player, case = Player(TORCH[name], 5, compiled=compiled), GOLDEN[name]
    expected = dict(zip(case["rounds"], np.array(case["x"]), strict=True))
    moved = np.zeros(5)
    for t, g in enumerate(gradients(), 1):
        before = player.x.copy()
        player.update(g)
        moved += np.abs(player.x - before)
        if t in expected:
            assert (np.abs(player.x - expected[t]) <= 4e-16 * (moved + t * np.abs(player.x).max())).all()
    assert (moved[:4] > 0.0).all() and moved[4] == 0.0


def twin(learner, gradient, domain, rounds):
    """All decisions, from the papers: the step direction over the metric, then the projection in that metric."""
    x, p = domain.centre(4), learner._asdict()
    kind, b, m, v, top, u, path = type(learner).__name__, np.zeros(4), 0.0, 0.0, 0.0, np.zeros(4), [x]
    for t in range(1, rounds + 1):
        g = gradient(t, x)
        if kind in ("Momentum", "Nesterov"):
            b = p["beta"] * b + g
            direction, h = (b if kind == "Momentum" else g + p["beta"] * b), np.full(4, 1.0 / p["eta"])
        elif kind == "RMSprop":
            v = p["rho"] * v + (1.0 - p["rho"]) * g**2
            direction, h = g, (np.sqrt(v) + p["eps"]) / p["eta"]
        elif kind == "AdaDelta":
            v = p["rho"] * v + (1.0 - p["rho"]) * g**2
            direction, h = g, np.sqrt(v + p["eps"]) / np.sqrt(u + p["eps"]) / p["eta"]
            u = p["rho"] * u + (1.0 - p["rho"]) * (g / h / p["eta"]) ** 2
        else:
            m = p["beta1"] * m + (1.0 - p["beta1"]) * g
            v = p["beta2"] * v + (1.0 - p["beta2"]) * g**2
            top = np.maximum(top, v) if kind == "AMSGrad" else v
            direction, square, alpha = m, top, p["eta"] / (np.sqrt(t) if p["decay"] else 1.0)
            if p["correct"]:
                direction, square = m / (1.0 - p["beta1"] ** t), top / (1.0 - p["beta2"] ** t)
            h = (np.sqrt(square) + p["eps"]) / alpha
        if h.any():
            seen = h > 0.0
            y = x - np.divide(direction, h, out=np.zeros(4), where=seen)
            x = naive.project(domain, y, np.where(seen, h, 1e-12 * h.max()))
        path.append(x)
    return np.array(path)


def gradient(t, x):
    """Of a moving quadratic, zero in round 1 and often zero in coordinate 3."""
    g = (t > 1) * (np.arange(1.0, 5.0) * x - np.cos(np.arange(4) + t / 7.0))
    g[3] *= t % 5 == 0
    return g


@pytest.mark.parametrize("domain", [d for d in DOMAINS if d != "space"])
@pytest.mark.parametrize("name", LEARNERS)
def test_naive_twin(name, domain):
    player = Player(LEARNERS[name], 4, DOMAINS[domain], compiled=False)
    path = [player.x.copy()]
    for t in range(1, 41):
        player.update(gradient(t, player.x))
        path.append(player.x.copy())
    assert np.allclose(path, twin(LEARNERS[name], gradient, DOMAINS[domain], 40), rtol=1e-8, atol=1e-8)
    assert np.ptp(path, axis=0).max() > 0.01


def audited(stream, domain, learners, rounds=60, **options):
    return play(stream, learners, domain=domain, rounds=rounds, seed=3, audit=True, compiled=False, **options)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("stream", STREAMS)
def test_regret_is_within_every_bound(stream, domain):
    for run in audited(STREAMS[stream], DOMAINS[domain], LEARNERS):
        kinds = {bound.name: bound.kind for bound in bounds_of(run.learner)}
        assert "trajectory" in kinds.values()
        finite = np.isfinite(run.regret.low)
        for name, bound in run.bounds().items():
            at_comparator = kinds[name] == "trajectory" or not run.domain.bounded
            regret = run.regret.low if at_comparator else run.regret.high
            assert (regret <= bound + 1e-9 * (1.0 + np.abs(bound)))[finite].all(), f"{run.name}: {name}"


@pytest.mark.parametrize("name", LEARNERS)
def test_the_bound_along_the_run_is_tight(name):
    """Somewhere it is all but attained: a term dropped, or a tenth of one, would be noticed."""
    ratio = 0.0
    for stream in ("sign-flip", "greedy"):
        for domain in ("space", "cube"):
            run = audited(STREAMS[stream], DOMAINS[domain], LEARNERS[name], rounds=100)[0]
            bound = next(value for key, value in run.bounds().items() if key.endswith("trajectory"))
            ratio = max(ratio, (run.regret.low / bound)[bound > 1e-6].max())
    assert 0.99 < ratio <= 1.0 + 1e-9


def test_control_the_momentum_term_with_the_other_sign():
    """Flipped, the bound along the run of every learner with momentum is broken somewhere."""
    for name in ("adam", "adam-paper", "amsgrad", "amsgrad-paper", "momentum"):
        beta = LEARNERS[name][1]
        broken = False
        for stream in ("sign-flip", "biased", "greedy"):
            run = audited(STREAMS[stream], Box(), LEARNERS[name])[0]
            m = remembered(run, 0) * (1.0 - beta if name == "momentum" else 1.0)
            flipped = 2.0 * along(run, m, 0.0) - along(run, m, beta)
            broken |= bool((run.regret.low > flipped + 1e-6).any())
        assert broken, name


def test_control_without_the_momentum_term():
    """What mirror descent alone would give is not enough: momentum pays for its lag."""
    run = audited(STREAMS["sign-flip"], Box(), LEARNERS["adam"])[0]
    assert (run.regret.low > along(run, remembered(run, 0), 0.0) + 1e-6).any()


@pytest.mark.parametrize("domain", ["cube", "ball"])
def test_two_ways_to_the_bound_of_momentum(domain):
    run = audited(STREAMS["regression"], DOMAINS[domain], LEARNERS["momentum"])[0]
    averages = 0.2 * remembered(run, 0)
    assert np.allclose(run.bounds()["momentum-trajectory"], along(run, averages, 0.8), rtol=1e-12)


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_without_momentum_they_are_gradient_descent(kind):
    runs = play(STREAMS["biased"], [kind(beta=0.0), OGD()], domain=Ball(), rounds=100, compiled=False)
    assert np.allclose(runs[0].x, runs[1].x, rtol=1e-13)
    for mine, theirs in zip(runs[0].bounds().values(), runs[1].bounds().values(), strict=True):
        assert np.allclose(mine, theirs, rtol=1e-12)


def test_steps_by_theorem_cost_a_constant():
    for stream in ("signs", "sign-flip", "orthogonal", "greedy"):
        for run in play(STREAMS[stream], [Momentum(), Nesterov()], domain=Ball(), rounds=300, compiled=False):
            beta, lag = (0.9, 0.9) if type(run.learner) is Momentum else (0.9, 0.81)
            worst = np.sqrt(300 * (1.0 - beta + 2.0 * lag) / (1.0 - beta)) + lag * 2.0 / (1.0 - beta)
            name = type(run.learner).__name__.lower()
            assert run.bounds()[f"{name}-worst"][-1] == pytest.approx(worst)
            assert run.regret.high[-1] <= run.bounds()[f"{name}-data"][-1] <= worst * (1.0 + 1e-12)


@pytest.mark.parametrize(
    "change", [{"eps": 1e-8}, {"decay": False}, {"correct": True}, {"beta1": 0.9, "beta2": 0.8}], ids=str
)
def test_amsgrad_without_its_assumptions_has_no_bound(change):
    learner = LEARNERS["amsgrad-paper"]
    sound, other = play(
        STREAMS["signs"], [learner, learner._replace(**change)], domain=Box(), rounds=20, compiled=False
    )
    assert np.isfinite(sound.bounds()["amsgrad-data"]).all() and np.isfinite(sound.bounds()["amsgrad-worst"]).all()
    assert np.isinf(other.bounds()["amsgrad-data"]).all() and np.isinf(other.bounds()["amsgrad-worst"]).all()


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("name", LEARNERS)
def test_gradients_of_any_size(name, scale):
    rng = np.random.default_rng(1)
    for domain in (Space(), Box(), Ball(), Simplex()):
        player = Player(LEARNERS[name], 3, domain, compiled=False)
        for t in range(30):
            player.update(scale * rng.standard_normal(3) * (rng.random(3) < 0.5) * (t > 0))
            assert np.isfinite(player.x).all() and domain.contains(player.x)
            assert t > 0 or np.allclose(player.x, domain.centre(3), rtol=1e-15)


@pytest.mark.parametrize("learner", [Momentum(0.1, 1.0), Nesterov(0.1, -0.1), Adam(beta2=1.0), RMSprop(rho=1.5)])
def test_fractions_are_checked(learner):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        play(oco.RandomSigns(2), learner, rounds=2)
