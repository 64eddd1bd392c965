"""The machine: one thread, one core, and what it is."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
PEERS = ("jax", "optax", "torch", "scikit-learn", "vowpalwabbit", "river", "pytorch_optimizer")


def one_thread() -> None:
    """Before NumPy, JAX and torch are imported: they read these once."""
    for name in THREADS:
        os.environ[name] = "1"
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = flags if XLA in flags else f"{flags} {XLA}".strip()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@contextmanager
def all_cores() -> Iterator[int]:
    """Every core that the system lends, for what needs more than one; yields their number."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield len(os.sched_getaffinity(0))
    finally:
        os.sched_setaffinity(0, before)


def describe() -> str:
    """CPU, cores, memory, system and the versions that the figures depend on."""
    from oco.record import versions

    own = versions()
    for name in PEERS:
        try:
            own[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    blas = os.environ.get("OPENBLAS_CORETYPE")
    numbers = ", ".join(f"{name} {version}" for name, version in own.items())
    where = f"{_cpu()}, {os.cpu_count()} cores, {_gigabytes():.0f} GB, {platform.system()} {platform.release()}"
    return f"Machine: {where}.\nVersions: {numbers}{f'; OPENBLAS_CORETYPE={blas}' if blas else ''}."


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            facts = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
        facts = {name.strip(): value.strip() for name, value in facts.items()}
        return f"{facts['model name']} (family {facts['cpu family']}, model {facts['model']})"
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def _gigabytes() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return float("nan")
