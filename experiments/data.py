"""Real data that experiments read."""

from pathlib import Path

from papers.data import folder


class MissingDataError(Exception):
    """A data set is not there; the message says what to get and where to put it."""


def data(name: str, source: str) -> Path:
    """A file in the folder of data sets."""
    path = folder() / name
    if not path.is_file():
        raise MissingDataError(f"{path} is not there. Get {source}, and set OCO_DATA to the folder above {name}.")
    return path
