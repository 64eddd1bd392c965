"""W4: full-matrix AdaGrad against an eigendecomposition in every round, in steady state and over whole runs."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from tqdm import tqdm

import oco
from experiments.bench import data, limits, with_jax, with_numpy, with_torch
from experiments.bench.breaks import Breaks, turn
from experiments.bench.contest import Entry, Options, agreement, contest, why
from experiments.bench.ours import played
from experiments.bench.rows import Row
from experiments.bench.timing import median, paired

ETA, DELTA = 0.1, 1e-3
SIZES = (20, 100, 200, 400, 800, 1600)
FREE = {20: 2.0, 100: 25.0, 200: 40.0, 400: 70.0, 800: 100.0}  # goals in steady state
BALL = {100: 15.0, 200: 28.0, 400: 50.0}
WHOLE = {"gaussian": 20.0, "ill-conditioned 1e6": 12.0, "ill-conditioned 1e10": 12.0, "sparse": 12.0, "rotating": 12.0}
MANY_PEERS, LAZY = 400, 800  # largest d of other peers than NumPy, and of dual averaging


class Game(NamedTuple):
    d: int
    lazy: bool  # dual averaging in place of mirror descent
    ball: bool  # the unit L2 ball in place of R^d

    def play(self, g: np.ndarray, **options: Any) -> Callable[[], float]:
        learner = oco.FullMatrixDualAveraging(ETA, DELTA) if self.lazy else oco.FullMatrixAdaGrad(ETA, DELTA)
        domain = oco.Ball() if self.ball else oco.Space()
        return played(oco.Data(g, np.zeros(len(g))), learner, loss=oco.Linear(), domain=domain, **options)

    def by_eigh(self, g: np.ndarray, outer: np.ndarray, **options: Any) -> Callable[[], float]:
        return with_numpy.full_matrix(g, outer, ETA, DELTA, lazy=self.lazy, on_ball=self.ball, **options)

    def __str__(self) -> str:
        return f"{'dual averaging' if self.lazy else 'mirror descent'}, {'ball' if self.ball else 'free'}, d = {self.d}"


def rows(options: Options) -> Iterator[Row]:
    for d in (20,) if options.quick else SIZES:
        for lazy in (False, True) if d <= LAZY else (False,):
            yield from steady(Game(d, lazy, ball=False), _by_numpy(Game(d, lazy, ball=False)), options)
            yield from steady(Game(d, lazy, ball=True), _by_numpy(Game(d, lazy, ball=True)), options)
        if d <= MANY_PEERS:
            yield from steady(Game(d, lazy=False, ball=False), _others(), options)
    for kind, goal in WHOLE.items():
        yield from whole(kind, goal, options)


def whole(kind: str, goal: float, options: Options) -> list[Row]:
    """A run from G = 0; the peer plays the first rounds only, each of which costs it about the same."""
    d, n, some = options.size(100, 20), options.size(10_000, 400), options.size(1000, 200)
    g, game = data.gradients(kind, n, d), Game(d, lazy=False, ball=False)
    name = f"NumPy eigh each round (first {some} rounds)"
    peer = Entry(name, lambda: game.by_eigh(g[:some], np.zeros((d, d))), some, goal, tolerance=1e-6)
    ours = Entry("oco", lambda: game.play(g), n)
    case = f"{kind}, d = {d}, {n} rounds from G = 0"
    return contest("W4", case, ours, [peer], options, cache(lambda n: game.play(g[:n])()))


class Peer(NamedTuple):
    name: str
    build: Callable[..., Any]  # (gradients (n, d), G before them) -> the call that plays n rounds
    goal: float | None = None
    limit: bool = False


def steady(game: Game, peers: list[Peer], options: Options) -> list[Row]:
    """Seconds a round from round 2 d on, when G has full rank; the peers play in the breaks of one play."""
    d = game.d
    total, first = options.size(max(8 * d, 4_000_000 // d), 40 * d), 2 * d
    g = data.gradients("gaussian", total, d)
    outer, later = g[:first].T @ g[:first], g[first:]
    case, turns, found = f"{game}, steady", {}, []
    for peer in peers:
        try:
            turns[peer.name] = turn(lambda n, peer=peer: peer.build(later[:n], outer), len(later))
        except ImportError as missing:
            found.append(Row("W4", case, f"{peer.name} ({why(missing)})"))
    game.play(g[:2])()  # compiles
    with tqdm(total=total, desc=f"W4 {case}", unit="round", leave=False, disable=None) as shown:
        breaks = Breaks(first, max(int(0.8 * d), total // 40), turns, shown)
        game.play(g, progress=breaks)()
    return [*found, *(_row(case, peer, breaks, game, g) for peer in peers if peer.name in turns)]


def _row(case: str, peer: Peer, breaks: Breaks, game: Game, g: np.ndarray) -> Row:
    ours, theirs = breaks.ours, breaks.theirs[peer.name]
    ratio = paired(theirs, ours)
    sizes = {"ours": median(ours), "theirs": median(theirs), "goal": peer.goal}
    if peer.limit:
        return Row("W4", case, peer.name, limit_fraction=ratio, **sizes)
    checked = _check(game, g) if peer.name.startswith("NumPy") else ""
    return Row("W4", case, peer.name, ratio, **sizes, check=checked)


def _by_numpy(game: Game) -> list[Peer]:
    goals = {} if game.lazy else BALL if game.ball else FREE
    return [
        Peer("limit: read Q twice", lambda g, _: limits.products(game.d, len(g)), limit=True),
        Peer("NumPy eigh each round", game.by_eigh, goals.get(game.d)),
    ]


def _others() -> list[Peer]:
    """Those that bring threads of their own, in a play of their own: idle threads that spin would slow the rest."""
    divide = partial(scipy.linalg.eigh, driver="evd", check_finite=False)
    packages = ("torch_optimizer", "pytorch_optimizer")
    return [
        Peer("SciPy eigh each round", partial(with_numpy.full_matrix, eta=ETA, delta=DELTA, eigh=divide)),
        Peer("SciPy sqrtm and solve", partial(with_numpy.sqrtm, eta=ETA, delta=DELTA)),
        Peer("JAX scan, eigh each round", partial(with_jax.full_matrix, eta=ETA, delta=DELTA)),
        Peer("torch eigh each round", partial(with_torch.full_matrix, eta=ETA, delta=DELTA)),
        *(Peer(f"{p} Shampoo (cost only)", lambda g, _, p=p: with_torch.shampoo(g, p)) for p in packages),
    ]


def _check(game: Game, g: np.ndarray) -> str:
    """The cumulative loss of the first rounds from G = 0 against NumPy's."""
    d = game.d
    n = min(len(g), 1000, 40_000_000 // d**2)
    found = game.by_eigh(g[:n], np.zeros((d, d)))()
    return agreement(found, game.play(g[:n])(), 1e-6)
