"""Classifiers that combine real and synthetic rows."""

from sklw.ensemble._voting import RealSyntheticVotingClassifier

__all__ = ["RealSyntheticVotingClassifier"]
