"""Text classifiers that take sample weights."""

from sklw.classifiers._accelerated import AcceleratedBertClassifier
from sklw.classifiers._bert import BertClassifier

__all__ = ["AcceleratedBertClassifier", "BertClassifier"]
