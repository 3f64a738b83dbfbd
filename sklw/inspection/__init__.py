"""Reports and plots: how varied rows are, why they have their weights, what more would bring."""

from sklw.inspection._diversity import diversity_report
from sklw.inspection._report import WeightReport
from sklw.inspection._scaling_display import ScalingLawDisplay
from sklw.inspection._weight_display import WeightDisplay

__all__ = ["ScalingLawDisplay", "WeightDisplay", "WeightReport", "diversity_report"]
