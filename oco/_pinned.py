"""Modules whose content is known from versions: Python's own, and the numerical packages."""

import functools
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

PINNED = {"numpy", "numba", "llvmlite", "scipy"}  # their versions, and Python's, are in a kernel's key


@functools.cache
def _standard_folders() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where Python keeps its own modules, and the folders inside those for what is installed."""
    paths = sysconfig.get_paths()
    standard = {paths["stdlib"], paths["platstdlib"], str(Path(os.__file__).parent)}
    installed = {paths["purelib"], paths["platlib"], *(str(Path(root, "site-packages")) for root in standard)}
    return tuple(root + os.sep for root in standard), tuple(root + os.sep for root in installed)


def is_pinned(scope: dict[str, Any]) -> bool:
    """Whether versions fix what the module with these globals holds, so that it need not be followed."""
    name, file = str(scope.get("__name__", "")), scope.get("__file__")
    top = name.partition(".")[0]
    if top in PINNED or name in {"oco._fingerprint", "oco._jit", "oco._twins"}:  # these hold what plays leave behind
        return True
    if not isinstance(file, str):  # built into Python, or a folder without __init__.py
        return name in sys.builtin_module_names and "__path__" not in scope
    standard, installed = _standard_folders()
    return top in sys.stdlib_module_names and file.startswith(standard) and not file.startswith(installed)


def is_pinned_class(cls: type) -> bool:
    home = sys.modules.get(cls.__module__)
    return home is not None and getattr(home, cls.__name__, None) is cls and is_pinned(vars(home))
