import inspect

import pytest
from sklearn.base import clone

from sklw import SyntheticWeighter


def test_an_old_name_is_answered_with_the_new_one():
    for call in (
        lambda: SyntheticWeighter(quality_checker="bert"),
        lambda: SyntheticWeighter().set_params(quality_checker__C=2),
    ):
        with pytest.raises(TypeError, match=r"no parameter 'quality_checker' any more. Write chec"):
            call()


def test_the_estimator_is_one_of_scikit_learns():
    assert list(inspect.signature(SyntheticWeighter).parameters)[:2] == ["method", "checker"]
    assert clone(SyntheticWeighter(cv=3)).set_params(cv=4).get_params()["cv"] == 4
    with pytest.raises(TypeError, match="unexpected keyword"):
        SyntheticWeighter(unknown=1)


def test_a_subclass_may_have_a_parameter_of_an_old_name():
    class Scored(SyntheticWeighter):
        def __init__(self, scoring=None):
            super().__init__()
            self.scoring = scoring

    assert clone(Scored()).set_params(scoring="f1").scoring == "f1"
