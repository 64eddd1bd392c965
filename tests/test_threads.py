"""BLAS threads are one inside and what they were outside."""

import numpy as np

from oco._threads import _libraries, one_blas_thread


def test_threads_are_restored():
    np.ones(3) @ np.ones(3)
    before = [get() for get, _ in _libraries()]
    with one_blas_thread():
        assert all(get() == 1 for get, _ in _libraries())
    assert [get() for get, _ in _libraries()] == before
