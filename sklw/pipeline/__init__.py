"""A pipeline that passes row properties beside ``X`` and ``y``.

scikit-learn's and imbalanced-learn's pipelines pass only ``X`` and ``y`` from step to step, so a
weighter cannot learn which rows are synthetic and its weights cannot reach the classifier.
:class:`Pipeline` passes them; :class:`Weighted` carries them through stock pipelines.
"""

from sklw._row_weights import Weighted
from sklw.pipeline._pipeline import Pipeline, make_pipeline

__all__ = ["Pipeline", "Weighted", "make_pipeline"]
