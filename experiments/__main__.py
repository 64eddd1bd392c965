"""The experiments: a claim each, with its figure, its numbers and the record of how they came about.

python -m experiments                      what there is
python -m experiments NAME ... [--full]    these; --all: every one
"""

import argparse
import importlib
import json
import pkgutil
import shlex
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import experiments
from experiments.data import MissingDataError
from oco.record import plain, versions


def found() -> dict[str, ModuleType]:
    """The scripts by name; packages have commands of their own."""
    names = [entry.name for entry in pkgutil.iter_modules(experiments.__path__) if not entry.ispkg]
    modules = {name: importlib.import_module(f"experiments.{name}") for name in names if name != "__main__"}
    return {name: module for name, module in modules.items() if hasattr(module, "SMALL")}


def caption(module: ModuleType) -> str:
    return " ".join((module.__doc__ or "").split())


def listing(scripts: dict[str, ModuleType]) -> str:
    lines = [f"{name:18} {(module.__doc__ or '').strip().splitlines()[0]}" for name, module in scripts.items()]
    packages = [entry.name for entry in pkgutil.iter_modules(experiments.__path__) if entry.ispkg]
    lines += [f"{name:18} a command of its own: python -m experiments.{name}" for name in packages]
    return "\n".join(lines)


def perform(name: str, module: ModuleType, folder: Path, size: dict[str, Any], command: str) -> None:
    """Run one, print its numbers, and write them with all that made them beside the figure."""
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\n{name}: {caption(module)}\n")
    numbers = module.main(folder, size)
    seconds = time.perf_counter() - began
    print(f"{numbers}\n{seconds:.1f} s; figure and record in {folder}", flush=True)
    record = {"name": name, "caption": caption(module), "command": command, "parameters": plain(size)}
    record |= {"versions": versions(), "seconds": seconds, "numbers": numbers.splitlines()}
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The command; status 1 where data for a script that was asked for by name is missing, 2 for bad input."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser("python -m experiments", description="Experiments, a claim each.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; without any: the list")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--full", action="store_true", help="full size: hours in place of two minutes in all")
    parser.add_argument("--out", type=Path, default=Path("oco-experiments"), metavar="DIR", help="default %(default)s")
    options = parser.parse_args(arguments)
    scripts = found()
    unknown = [name for name in options.names if name not in scripts]
    if unknown:
        parser.error(f"no experiment is called {unknown[0]!r}; there are {', '.join(scripts)}")
    if not (options.names or options.all):
        print(listing(scripts))
        return 0
    status = 0
    command = shlex.join(["python", "-m", "experiments", *arguments])
    for name in scripts if options.all else options.names:
        module = scripts[name]
        try:
            perform(name, module, options.out / name, module.FULL if options.full else module.SMALL, command)
        except MissingDataError as missing:
            print(missing, flush=True)
            status = status if options.all else 1
    return status


if __name__ == "__main__":
    sys.exit(main())
