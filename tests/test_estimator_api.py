"""scikit-learn's conventions, for every public estimator.

scikit-learn yields no more than its cloning check for estimators that read texts, because all its
other data are tables of numbers. The checks below are those of its suite that need no data.
"""

import warnings

import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks

from sklw import (
    BertClassifier,
    FineTunedGenerator,
    LLMOverSampler,
    RecordedGenerator,
    SyntheticWeighter,
    TextEmbedder,
    TransformersGenerator,
)
from sklw.ensemble import RealSyntheticVotingClassifier
from sklw.generators import FullTuning, LoRA

ESTIMATORS = [
    BertClassifier(),
    FineTunedGenerator(),
    FullTuning(),
    LLMOverSampler(),
    LoRA(),
    RealSyntheticVotingClassifier(BertClassifier()),
    RecordedGenerator([{"text": "a text", "label": 1}]),
    SyntheticWeighter(),
    TextEmbedder(),
    TransformersGenerator(),
]
CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_get_params_invariance",
    "check_set_params",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_valid_tag_types",
    "check_mixin_order",
]
NET = "skorch's nets keep their state from __init__ on and take parameters of any name"
EXPECTED_FAILED = {
    ("BertClassifier", "check_no_attributes_set_in_init"): NET,
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_conventions(estimator, check, request):
    name = type(estimator).__name__
    if (name, check) in EXPECTED_FAILED:
        request.applymarker(pytest.mark.xfail(reason=EXPECTED_FAILED[name, check], strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(estimator_checks, check)(name, clone(estimator))
