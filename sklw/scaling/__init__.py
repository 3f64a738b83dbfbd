"""How many synthetic rows are worth having."""

from sklw.scaling._curve import synthetic_size_curve
from sklw.scaling._law import ScalingLaw

__all__ = ["ScalingLaw", "synthetic_size_curve"]
