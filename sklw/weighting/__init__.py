"""Learned weights for synthetic rows."""

from sklw.weighting._weighter import SyntheticWeighter

__all__ = ["SyntheticWeighter"]
