"""Threads that judge at the same time leave the process as it was."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import parallel_backend
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_info

from sklw import SyntheticWeighter

# Private: what they do to other threads shows in no result.
from sklw.weighting._process import one_blas_thread, unwarned, warn


def blas_threads():
    # Of NumPy and SciPy; torch sets those of its own MKL for each thread.
    return [p["num_threads"] for p in threadpool_info() if p["internal_api"] == "openblas"]


def test_blas_has_its_threads_back_when_the_last_one_leaves():
    inside, leave = threading.Event(), threading.Event()

    def first():
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    before = blas_threads()
    with one_blas_thread():  # by this thread, which is not to keep hold of them
        pass
    other = threading.Thread(target=first)
    other.start()
    inside.wait(10)
    with one_blas_thread():
        leave.set()
        other.join()
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_a_silent_thread_does_not_silence_another():
    inside, leave = threading.Event(), threading.Event()

    def silent():
        with unwarned():
            warn("unheard")
            inside.set()
            leave.wait(10)

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        other = threading.Thread(target=silent)
        other.start()
        inside.wait(10)
        warn("heard")
        leave.set()
        other.join()
    assert [str(warning.message) for warning in heard] == ["heard"]
    assert heard[0].filename == __file__


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_fits_in_threads_find_what_they_find_alone(n_jobs):
    X, y = make_classification(120, random_state=0)
    synthetic = np.arange(120) >= 60
    none = [np.array([], dtype=int)] * 60

    def weights(method):
        weighter = SyntheticWeighter(method, random_state=0, n_jobs=n_jobs)
        return weighter.fit(X, y, synthetic, none).sample_weight_

    methods = ["auto", "quality", "imp", "mix"] * 2
    alone = {method: weights(method) for method in set(methods)}
    threads = blas_threads()
    with parallel_backend("threading"), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(weights, methods))
    for method, of_thread in zip(methods, found, strict=True):
        np.testing.assert_allclose(of_thread, alone[method], rtol=1e-6)
    assert blas_threads() == threads
