"""Threads that judge at the same time leave the process as it was."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import parallel_backend
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from threadpoolctl import ThreadpoolController, threadpool_info

from sklw import SyntheticWeighter


def blas_threads():
    # Of NumPy and SciPy; torch sets those of its own MKL for each thread.
    return [p["num_threads"] for p in threadpool_info() if p["internal_api"] == "openblas"]


@pytest.fixture
def two_blas_threads():
    libraries = ThreadpoolController().select(internal_api="openblas").lib_controllers
    before = [library.num_threads for library in libraries]

    def limit(*numbers):
        for library, number in zip(libraries, numbers, strict=True):
            library.set_num_threads(number)

    # By threads that end: threadpoolctl lets no other one change what a living one has set.
    in_threads(lambda: limit(*[2] * len(libraries)))
    yield
    in_threads(lambda: limit(*before))


class Meeting(ClassifierMixin, BaseEstimator):
    """Has each of its fits wait for those of another thread."""

    def __init__(self, meet=None):
        self.meet = meet

    def __sklearn_clone__(self):
        return Meeting(self.meet)

    def fit(self, X, y):
        self.meet()
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


X, Y = make_classification(120, random_state=0)
MADE = np.arange(120) >= 60
NONE = [np.array([], dtype=int)] * 60


def fit(method, meet):
    return SyntheticWeighter(method, checker=Meeting(meet), random_state=0, n_jobs=1).fit(
        X, Y, MADE, NONE
    )


def in_threads(*calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


@pytest.mark.filterwarnings("ignore:The checker gives the probability")
def test_fits_do_not_wait_for_each_other():
    """As they did if what is computed once were guarded by one lock for all."""
    barrier, n_fits = threading.Barrier(2, timeout=10), []

    def meet():
        n_fits.append(barrier.wait())

    in_threads(*[lambda: fit("quality", meet)] * 2)
    assert len(n_fits) == 2 * 6  # five folds and all rows, once


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The checker gives the probability")
def test_blas_has_its_threads_back_when_the_last_one_leaves(two_blas_threads):
    inside, left, seen = threading.Event(), threading.Event(), []

    def first():
        fit("auto", lambda: inside.wait(10))
        left.set()

    def last():
        inside.set()
        left.wait(10)
        seen.append(blas_threads())

    in_threads(first, lambda: fit("auto", last))
    assert set(seen[0]) == {1}
    assert set(blas_threads()) == {2}


def test_a_silent_thread_does_not_silence_another():
    inside, leave = threading.Event(), threading.Event()

    def silent():
        inside.set()
        leave.wait(10)

    def heard():
        assert inside.wait(10)
        with pytest.warns(UserWarning, match="gives the probability 0.5 to every"):
            fit("quality", lambda: None)
        leave.set()

    in_threads(lambda: fit("auto", silent), heard)


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_fits_in_threads_find_what_they_find_alone(n_jobs):
    def weights(method):
        weighter = SyntheticWeighter(method, random_state=0, n_jobs=n_jobs)
        return weighter.fit(X, Y, MADE, NONE).sample_weight_

    methods = ["auto", "quality", "imp", "mix"] * 2
    alone = {method: weights(method) for method in set(methods)}
    threads = blas_threads()
    with parallel_backend("threading"), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(weights, methods))
    for method, of_thread in zip(methods, found, strict=True):
        np.testing.assert_allclose(of_thread, alone[method], rtol=1e-6)
    assert blas_threads() == threads
