"""A study on a real Dask cluster of two worker processes, one of which is killed on the way."""

import os
import signal
import threading
import time

import pytest
from study_parts import lines, same, tiny

from oco.study import StoppedError

distributed = pytest.importorskip("distributed")

LONG = {"rounds": 2000, "seeds": 20}

# Dask warns of what it does itself: of the cost of large graphs, of ports that are taken, of slow shutdowns.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def cluster(tmp_path):
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, local_directory=str(tmp_path / "dask")) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_worker_is_killed_and_the_table_is_the_same(tmp_path, cluster):
    out = tmp_path / "out"
    victim = next(iter(cluster.run(os.getpid).values()))
    killed_at = []

    def kill():
        while not lines(out) >= 5:
            time.sleep(0.001)
        os.kill(victim, signal.SIGKILL)
        killed_at.append(lines(out))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    table = tiny(**LONG).run(out, executor=cluster.get_executor(), workers=2)
    killer.join(10.0)
    runs = 4 * LONG["seeds"]
    assert killed_at and killed_at[0] < runs and victim not in cluster.run(os.getpid).values()
    assert lines(out) == runs
    assert same(table, tiny(**LONG).run(tmp_path / "threads"))
    assert not same(table, tiny(**LONG, seed=1).run(tmp_path / "other"))  # the control


def test_without_its_scheduler_a_study_stops_and_goes_on_elsewhere(tmp_path, cluster):
    out = tmp_path / "out"

    def close():
        while not lines(out) >= 5:
            time.sleep(0.001)
        cluster.cluster.close()

    threading.Thread(target=close, daemon=True).start()
    with pytest.raises(StoppedError, match="the same command goes on from there"):
        tiny(**LONG).run(out, executor=cluster.get_executor(), workers=2)
    assert 0 < lines(out) < 4 * LONG["seeds"]
    assert same(tiny(**LONG).run(out), tiny(**LONG).run(tmp_path / "threads"))
