import inspect

import pytest
from sklearn.base import BaseEstimator, clone

from sklw._renamed import renamed_parameters


@renamed_parameters({"old": "new=Part(old=...)"})
class Estimator(BaseEstimator):
    def __init__(self, new=1):
        self.new = new


def test_an_old_name_is_answered_with_the_new_one():
    for call in (lambda: Estimator(old=2), lambda: Estimator().set_params(old__deep=2)):
        with pytest.raises(TypeError, match=r"no parameter 'old' any more. Write new=Part"):
            call()


def test_the_estimator_is_one_of_scikit_learns():
    assert list(inspect.signature(Estimator).parameters) == ["new"]
    assert clone(Estimator(new=3)).set_params(new=4).get_params() == {"new": 4}
    with pytest.raises(TypeError, match="unexpected keyword"):
        Estimator(unknown=1)
