"""Parts from what is written on the command line: NAME[:param=value,...]."""

import argparse
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from oco.domains import DOMAINS, Ball, Box, Simplex, Space
from oco.learners import LEARNERS
from oco.losses import LOSSES
from oco.penalty import Penalty


def _value(text: str) -> Any:
    """What a word stands for; a word that stands for nothing is returned."""
    known = {"theory": None, "none": None, "true": True, "false": False}
    if text in known:
        return known[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def build(text: str, known: dict[str, Any], noun: str) -> Any:
    """A part from NAME[:param=value,...]; ValueError names what is wrong and what there is."""
    name, _, rest = text.partition(":")
    kind, given = find(name, known, noun), {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if key in getattr(kind, "_fields", ()) and not equals:
            raise ValueError(f"{noun} {name}: {key} has no value; write {key}=NUMBER")
        if key in given:
            raise ValueError(f"{noun} {name}: {key} is given twice")
        given[key] = _value(value)
    check(kind, given, f"{noun} {name}")
    return kind(**given)


def find(name: str, known: dict[str, Any], noun: str) -> Any:
    """The class of that name; ValueError says which names are near."""
    name = name.replace("_", "-")
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"no {noun} is called {name!r}; {hint}")
    return known[name]


def check(kind: Any, given: dict[str, Any], who: str) -> None:
    """Refuse parameters that the class does not have, and values that are not numbers of the sort it takes."""
    for key, value in given.items():
        if key not in getattr(kind, "_fields", ()):
            takes = ", ".join(getattr(kind, "_fields", ())) or "none"
            raise ValueError(f"{who} takes no parameter {key!r}; its parameters: {takes}")
        default = kind._field_defaults.get(key, 0)
        if value is None and default is not None:
            raise ValueError(f"{who}: there is no {key} by theorem; give a number")
        wrong = isinstance(value, bool) and not isinstance(default, bool)
        if wrong or not (value is None or isinstance(value, (bool, int, float))):
            said = str(value).lower() if isinstance(value, bool) else value
            raise ValueError(f"{who}: {key}={said} is not a number")


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
