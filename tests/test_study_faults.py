"""What a study survives: kills, full disks, dead workers, learners that fail; what was done is not done again."""

import errno
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from study_parts import ROOT, TOML, Deadly, Failing, Sick, command, lines, same, start, tiny

import oco
from oco.study import StoppedError
from oco.study.store import LOG

SEEDS = 40
LONG = {"rounds": 400, "seeds": SEEDS}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table of a study that nothing happened to."""
    return tiny(**LONG).run(tmp_path_factory.mktemp("whole"), workers=1)


def written(tmp_path):
    (tmp_path / "a.toml").write_text(TOML.format(**LONG))
    return tmp_path / "a.toml", tmp_path / "out"


def wait_for(condition, process, seconds=60.0):
    """Until the condition holds; fails where the process ends before."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.001)


def test_killed_at_any_moment_a_study_goes_on_from_there(tmp_path, whole):
    file, out = written(tmp_path)
    rng, kept = np.random.default_rng(0), 0
    for _ in range(3):
        goal = kept + int(rng.integers(1, 35))
        process = start(file, "--out", out, "--workers", "2")
        wait_for(lambda goal=goal: lines(out) >= goal, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert kept < lines(out) < whole.rows
        kept = lines(out)
    assert not (out / "table.npz").exists()
    table = tiny(**LONG).run(out)
    assert same(table, whole) and lines(out) == 4 * SEEDS  # what was done was not done again


def test_a_torn_or_damaged_line_is_that_run_again(tmp_path, whole):
    out = tmp_path / "out"
    tiny(**LONG).run(out)
    log = (out / LOG).read_bytes()
    check, rest = log.split(b"\n")[2].split(b" ", 1)
    changed = rest.replace(b"0.", b"1.", 1)
    believed = hashlib.sha256(changed + b"\n").hexdigest()[:16].encode()
    (out / LOG).write_bytes(log.replace(check + b" " + rest, believed + b" " + changed))
    assert not same(tiny(**LONG).run(out), whole)  # the control: another number is believed where its check is right
    (out / LOG).write_bytes(log.replace(rest, changed)[:-20])
    assert tiny(**LONG).collect(out).rows < whole.rows
    assert same(tiny(**LONG).run(out), whole)
    assert lines(out) == 4 * SEEDS + 1 and json.loads((out / "record.json").read_text())["damaged_lines"] == 1


def test_interrupted_a_study_says_how_to_go_on(tmp_path, whole):
    file, out = written(tmp_path)
    process = start(file, "--out", out, "--workers", "1")
    wait_for(lambda: lines(out) >= 10, process)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130 and printed == "" and len(said.splitlines()) == 1
    done = lines(out)
    assert f"{done} of {4 * SEEDS} runs are in {out}; the same command goes on from there" in said
    assert oco.Table.read(out / "table.npz").rows * 4 * SEEDS == whole.rows * done
    assert same(tiny(**LONG).run(out), whole) and lines(out) == 4 * SEEDS


def test_two_studies_do_not_share_a_folder(tmp_path):
    file, out = written(tmp_path)
    process = start(file, "--out", out, "--workers", "1")
    wait_for(lambda: lines(out) >= 1, process)
    with pytest.raises(ValueError, match="another study is writing there"):
        tiny().run(out)
    assert tiny(**LONG).collect(out).rows > 0  # reading is no harm
    process.kill()
    process.communicate()
    tiny(**LONG).run(out)  # the control: a lock ends with its process


FILL = """
import signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from oco.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def small_disk(tmp_path):
    """A folder that soon is full, and how to make room: a small file system, else a limit to the size of files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if mounted:
        yield folder, None, lambda: subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        subprocess.run(["umount", str(folder)], check=True)
    else:
        yield folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16)), lambda: None


def test_on_a_full_disk_what_was_done_stays(tmp_path, whole, small_disk):
    folder, limit, make_room = small_disk
    file, _ = written(tmp_path)
    out = folder / "out"
    full = [sys.executable, "-c", FILL, *command(file, "--out", out)[3:]]
    done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    reason = os.strerror(errno.ENOSPC if limit is None else errno.EFBIG)
    kept = lines(out)
    assert reason in done.stderr and f"{kept} runs are kept" in done.stderr
    assert 0 < kept < 4 * SEEDS and (out / LOG).read_bytes().endswith(b"\n")
    make_room()
    assert same(tiny(**LONG).run(out), whole) and lines(out) == 4 * SEEDS


def failures(out):
    found = json.loads((out / "record.json").read_text())["failed"]
    return {(cell["learner"], cell["stream"], cell["replicate"]): cell for cell in found}


def test_what_fails_is_reported_and_the_rest_goes_on(tmp_path):
    learners = {"failing": Failing(), **oco.grid(Sick, bad=[0.0, 1.0]), **oco.grid(oco.OGDSqrt)}
    with pytest.warns(RuntimeWarning, match=r"9 of 24 runs failed, the first failing on signs:d=3, replicate 0: Run"):
        table = tiny(learners=learners).run(tmp_path)
    failed = failures(tmp_path)
    assert set(failed) == {("failing", "signs:d=3", k) for k in range(3)} | {
        ("Sick:bad=1", f"signs:d={d}", k) for d in (2, 3) for k in range(3)
    }
    assert "no idea of 3 coordinates" in failed["failing", "signs:d=3", 0]["traceback"]
    assert "Sick:bad=1: the decision after round 3 is outside Box" in failed["Sick:bad=1", "signs:d=2", 1]["message"]
    assert table.where(learner="ogd-sqrt").rows == table.where(learner="Sick:bad=0").rows > 0
    # Runs beside one that fails are what they are without it.
    assert same(tiny(learners=oco.OGDSqrt()).run(tmp_path / "alone"), tiny(learners=oco.OGDSqrt()).collect(tmp_path))
    # They alone are tried again.
    before = lines(tmp_path)
    with pytest.warns(RuntimeWarning, match="9 of 24 runs failed"):
        tiny(learners=learners).run(tmp_path)
    assert lines(tmp_path) == before + 9


@pytest.fixture
def alive(tmp_path, monkeypatch):
    """While this file is there a Deadly learner kills its worker; it takes the file with it."""
    path = tmp_path / "alive"
    monkeypatch.setenv("OCO_TEST_ALIVE", str(path))
    return path


def test_a_worker_that_dies_takes_nothing_with_it(tmp_path, alive):
    study = tiny(learners=oco.grid(oco.OGDSqrt) | {"deadly": Deadly()})
    alive.touch()
    table = study.run(tmp_path / "out", workers=2, processes=True)
    assert not alive.exists()  # it did die
    assert same(table, study.run(tmp_path / "threads", workers=1)) and lines(tmp_path / "out") == 12


def test_a_learner_that_always_kills_is_found(tmp_path, alive):
    study = tiny(learners=oco.grid(oco.OGDSqrt) | {"deadly": Deadly(always=1)}, seeds=1)
    with pytest.warns(RuntimeWarning, match="1 of 4 runs failed, the first deadly on signs:d=3"):
        table = study.run(tmp_path / "out", workers=2, processes=True)
    (failure,) = failures(tmp_path / "out").values()
    assert "the worker died again and again" in failure["message"]
    assert len(list(table.groups("learner", "stream"))) == 3


def test_a_broken_executor_of_the_callers_stops_the_study(tmp_path, alive):
    study = tiny(learners=oco.grid(oco.OGDSqrt) | {"deadly": Deadly()})
    alive.touch()
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
        pytest.raises(StoppedError, match=r"of 12 runs are in .*; the same command goes on"),
    ):
        study.run(tmp_path / "out", executor=pool)
    table = study.run(tmp_path / "out")
    assert same(table, study.run(tmp_path / "threads", workers=1)) and lines(tmp_path / "out") == 12


def test_what_cannot_be_sent_to_a_process_is_refused(tmp_path):
    class Local(oco.OGDSqrt):
        pass

    with pytest.raises(ValueError, match=r"Local cannot be sent to a process .*: define it in a module"):
        tiny(learners=Local()).run(tmp_path, processes=True)
    assert lines(tmp_path) == 0
