"""Text classifiers that take sample weights."""

from sklw.classifiers._bert import BertClassifier

__all__ = ["BertClassifier"]
