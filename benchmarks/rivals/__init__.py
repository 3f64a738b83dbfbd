"""Weighting methods that did not help in the benchmarks, written against sklw's public interface.

Copy a file to use its method: ``SyntheticWeighter(method=Rho(top_share=0.2))``.
"""

from rivals.clipped import Clipped
from rivals.diversity import Diversity, OutOfFoldImp
from rivals.domain import Domain
from rivals.meta_weight_net import MetaWeightNet
from rivals.ren import Ren
from rivals.rho import Rho

__all__ = ["Clipped", "Diversity", "Domain", "MetaWeightNet", "OutOfFoldImp", "Ren", "Rho"]
