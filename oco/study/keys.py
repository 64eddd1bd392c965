"""The content of a run: a key that changes with everything its numbers depend on, and with nothing else."""

import ast
import functools
import hashlib
from pathlib import Path
from typing import Any

from oco._fingerprint import fingerprint
from oco.record import versions
from oco.streams import File

GIVEN = {"_make", "_replace", "_asdict", "_fields", "_field_defaults"}  # to every NamedTuple
FOLLOWED = ("oco.learners.", "oco.streams.")  # parts: their code is in the key of the runs that they are in


@functools.cache
def engine(root: Path = Path(__file__).parents[1]) -> str:
    """Digest of the sources that a play is made of: of oco.play, and of what it imports of oco, followed to the end."""
    digest = hashlib.sha256()
    met = [_module(root, "oco.play")]
    for path in met:  # grows meanwhile
        source = path.read_bytes()
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + source + b"\0")
        for name in _imports(ast.parse(source)):
            module = _module(root, name)
            if module is not None and module not in met and not name.startswith(FOLLOWED):
                met.append(module)
    return digest.hexdigest()


def _imports(tree: ast.Module) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(name for name in names if name.startswith("oco."))


def _module(root: Path, name: str) -> Any:
    """The file of a module of oco; None where the name is something else."""
    path = root.joinpath(*name.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def setting() -> str:
    """Digest of the engine and of the versions of all that it runs on."""
    known = {name: version for name, version in versions().items() if name != "matplotlib"}
    return join(engine(), repr(sorted(known.items())))


def join(*digests: str) -> str:
    """One digest of several, in 128 bits."""
    return hashlib.sha256("\0".join(digests).encode()).hexdigest()[:32]


class Digests:
    """Digests of parts, by their code and by the values of their fields; the code of a class is looked at once."""

    def __init__(self) -> None:
        self._sources: dict[type, str] = {}

    def __call__(self, value: Any) -> str:
        if isinstance(value, File):
            value = value._replace(path=_file(value.path))
        if hasattr(value, "tocsr"):
            rows = value.tocsr()
            return fingerprint((rows.shape, rows.indptr, rows.indices, rows.data))
        if hasattr(value, "_fields"):
            return join(self._source(type(value)), *map(self, value))
        return fingerprint(value)

    def _source(self, cls: type) -> str:
        """What a class says: its methods with all that they call, its properties and its facts."""
        if cls not in self._sources:
            facts = {
                name: _spoken(member)
                for base in reversed(cls.__mro__)
                if base not in (tuple, object)
                for name, member in vars(base).items()
                if name not in GIVEN and not name.startswith("__") and name not in getattr(cls, "_fields", ())
            }
            self._sources[cls] = fingerprint((cls, repr(getattr(cls, "__annotations__", {})), sorted(facts.items())))
        return self._sources[cls]


def _spoken(member: Any) -> Any:
    if isinstance(member, property):
        return member.fget, member.fset
    return getattr(member, "__func__", member)


def _file(path: str) -> str:
    """Digest of what a file of examples holds."""
    if not Path(path).is_file():
        raise ValueError(f"{path}: a study reads its files again and again, this is not a regular file")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
