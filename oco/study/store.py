"""The log of a study: one line a run, appended when it is done, never changed, read again by its place.

A line is `check status key json`, check being the start of the SHA-256 of all that follows. Whatever ends the process,
all lines but the last are whole; a torn last one is noticed and cut off. JSON keeps floats to the last bit.
"""

import hashlib
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

from oco.study.cells import Outcome

try:
    import fcntl
except ImportError:  # not a POSIX system: two processes are then not kept apart
    fcntl = None  # type: ignore[assignment]

LOG, LOCK = "runs.log", ".lock"
DONE, FAILED = "done", "failed"
SYNC = 1.0  # seconds between calls of fsync: what a loss of power may cost

_held: set[Path] = set()  # folders that this process writes to: the system's locks are between processes


class FullError(OSError):
    """The log cannot be written to; what is in it is whole."""


class Store:
    """The log in `folder`. `writable`: take the folder's lock, and cut off a torn end."""

    def __init__(self, folder: Path, writable: bool) -> None:
        self.folder, self.writable = folder.resolve(), writable
        self.damaged = 0  # lines in the middle that are not what was written; their runs are run again
        self._places: dict[str, dict[str, tuple[int, int]]] = {DONE: {}, FAILED: {}}
        self._end, self._synced, self._lock = 0, time.monotonic(), -1
        if writable:
            folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        try:
            if writable:
                (self.folder / LOG).touch()
            self._log = open(self.folder / LOG, "r+b" if writable else "rb", buffering=0)  # noqa: SIM115
            self._scan()
        except BaseException:
            self._release()
            raise

    def _take_lock(self) -> None:
        busy = f"{self.folder}: another study is writing there; wait for it, or name another folder"
        if self.folder in _held:  # closing a second handle would give the system's lock away
            raise ValueError(busy)
        self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        _held.add(self.folder)
        try:
            if fcntl is not None:
                fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            self._release()
            raise ValueError(busy) from None
        except OSError as problem:
            warnings.warn(f"{self.folder}: not locked against a second study ({problem.strerror})", stacklevel=4)

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            _held.discard(self.folder)
            self._lock = -1

    def _scan(self) -> None:
        """Find the place of every run's last line."""
        place = 0
        with open(self._log.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                check, _, rest = line.partition(b" ")
                if check == _check(rest):
                    status, key, _ = rest.split(b" ", 2)
                    self._note(status.decode(), key.decode(), place, len(line))
                else:
                    self.damaged += 1
                place += len(line)
        self._end = place
        if self.writable:
            self._log.truncate(place)

    def _note(self, status: str, key: str, place: int, size: int) -> None:
        self._places[status][key] = place, size
        if status == DONE:
            self._places[FAILED].pop(key, None)

    def __contains__(self, key: str) -> bool:
        """Whether there is a result."""
        return key in self._places[DONE]

    def __len__(self) -> int:
        return len(self._places[DONE])

    def append(self, outcome: Outcome) -> None:
        """Write a run down; FullError where that cannot be done, and then there is no trace of it."""
        status, content = (DONE, outcome.result) if outcome.failure is None else (FAILED, outcome.failure)
        rest = f"{status} {outcome.key} {json.dumps(content, separators=(',', ':'))}\n".encode()
        line = _check(rest) + b" " + rest
        try:
            self._log.seek(self._end)
            rest = line
            while rest:
                rest = rest[self._log.write(rest) :]
            if time.monotonic() - self._synced > SYNC:
                self.sync()
        except OSError as problem:
            self._log.truncate(self._end)
            raise FullError(problem.errno, f"{problem.strerror}; {len(self)} runs are kept", str(self.folder)) from None
        self._note(status, outcome.key, self._end, len(line))
        self._end += len(line)

    def sync(self) -> None:
        """Ask the system to bring all lines to the disk."""
        os.fsync(self._log.fileno())
        self._synced = time.monotonic()

    def result(self, key: str) -> dict[str, Any] | None:
        """The last result of a run."""
        return self._read(DONE, key)

    def failure(self, key: str) -> dict[str, Any] | None:
        """Why there is no result of a run that was tried."""
        return self._read(FAILED, key)

    def _read(self, status: str, key: str) -> dict[str, Any] | None:
        if key not in self._places[status]:
            return None
        place, size = self._places[status][key]
        self._log.seek(place)
        found: dict[str, Any] = json.loads(self._log.read(size).split(b" ", 3)[3])
        return found

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *problem: object) -> None:
        try:
            if self.writable:
                self.sync()
        finally:
            self._log.close()
            self._release()


def _check(rest: bytes) -> bytes:
    return hashlib.sha256(rest).hexdigest()[:16].encode()
