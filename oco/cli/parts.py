"""Parts from what is written on the command line: NAME[:param=value,...]."""

import argparse
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from oco.domains import DOMAINS, Ball, Box, Simplex, Space
from oco.learners import LEARNERS
from oco.losses import LOSSES
from oco.penalty import Penalty


def _number(text: str) -> Any:
    if text in ("theory", "none"):
        return None
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        return float(text)


def build(text: str, known: dict[str, Any], noun: str) -> Any:
    """A part from NAME[:param=value,...]; ValueError names what is wrong and what there is."""
    name, _, rest = text.partition(":")
    name = name.replace("_", "-")
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"no {noun} is called {name!r}; {hint}")
    kind, given = known[name], {}
    fields = getattr(kind, "_fields", ())
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if key in fields and not equals:
            raise ValueError(f"{noun} {name}: {key} has no value; write {key}=NUMBER")
        if key not in fields:
            takes = ", ".join(fields) or "none"
            raise ValueError(
                f"{noun} {name} takes no parameter {key!r}; its parameters (as {name}:param=value): {takes}"
            )
        if key in given:
            raise ValueError(f"{noun} {name}: {key} is given twice")
        try:
            given[key] = _number(value)
        except ValueError:
            raise ValueError(f"{noun} {name}: {key}={value} is not a number") from None
        if isinstance(given[key], bool) and not isinstance(kind._field_defaults.get(key), bool):
            raise ValueError(f"{noun} {name}: {key}={value} is not a number")
        if given[key] is None and kind._field_defaults.get(key, 0) is not None:
            raise ValueError(f"{noun} {name}: there is no {key} by theorem; give a number")
    return kind(**given)


def named_learners(texts: list[str]) -> dict[str, Any]:
    learners: dict[str, Any] = {}
    names = [text.partition(":")[0] for text in texts]
    for text, name in zip(texts, names, strict=True):
        label = name if names.count(name) == 1 else text
        if label in learners:
            raise ValueError(f"learner {text} is given twice")
        learners[label] = build(text, LEARNERS, "learner")
    return learners


def penalty(text: str | None) -> Penalty:
    """The penalty written as l1=0.1,l2=0.01; none for None."""
    return Penalty() if text is None else build(f"penalty:{text}", {"penalty": Penalty}, "noun")


def add_game(parser: argparse.ArgumentParser) -> None:
    """The options that say what is played, apart from the stream."""
    add = parser.add_argument
    add("--learner", action="append", default=[], metavar="NAME[:param=value,...]", help="repeatable")
    add("--loss", metavar="NAME", help="default: the stream's own; logistic for files")
    domain_help = "default: space where every step size is given, else ball, or simplex where a learner asks for it"
    add("--domain", metavar="NAME[:param=value,...]", help=domain_help)
    add("--penalty", metavar="l1=VALUE,l2=VALUE", help="l1 |x|_1 + l2/2 |x|_2^2 in the loss of every round")
    add("--rounds", type=int, help="default: 10000, or all of a file")
    add("--seed", type=int, default=0, help="of generated streams; default 0")
    add("--out", default="oco-play", metavar="DIR", help="folder for results; default oco-play")
    add("--json", action="store_true", help="print the record alone on standard output")


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """Learners, loss, domain and penalty as asked for; None or empty where they were not."""
    return {
        "learners": named_learners(options.learner),
        "loss": build(options.loss, LOSSES, "loss") if options.loss else None,
        "domain": build(options.domain, DOMAINS, "domain") if options.domain else None,
        "penalty": penalty(options.penalty),
    }


def default_domain(learners: Iterable[Any]) -> Any:
    """The first usual one that all claim: bounded where a step is left to a theorem, else the whole space first."""
    unset = any(None in learner for learner in learners)
    usual = (Ball(), Simplex(), Box(), Space()) if unset else (Space(), Ball(), Simplex(), Box())
    claims = [learner.domains for learner in learners if hasattr(learner, "domains")]
    return next((domain for domain in usual if all(type(domain).__name__ in names for names in claims)), usual[0])
