"""BLAS threads are one inside and what they were outside."""

import numpy as np
import pytest

from oco._threads import _libraries, one_blas_thread


def counts():
    return {get() for get, _ in _libraries()}


@pytest.fixture
def two_threads():
    np.ones(3) @ np.ones(3)
    before = [get() for get, _ in _libraries()]
    if not before:
        pytest.skip("no OpenBLAS that tells of its threads")
    for _, put in _libraries():
        put(2)
    yield
    for (_, put), number in zip(_libraries(), before, strict=True):
        put(number)


def test_threads_are_restored(two_threads):
    assert counts() == {2}, "control"
    with one_blas_thread():
        assert counts() == {1}
        with one_blas_thread():
            assert counts() == {1}
        assert counts() == {1}
    assert counts() == {2}
