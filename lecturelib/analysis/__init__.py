"""Instruments to look into functions and networks."""

from lecturelib.analysis.critical_points import classify_critical_point, kind_by_eigenvalues
from lecturelib.analysis.curvature import (
    LossHessian,
    extreme_eigenvalues,
    hessian,
    jacobian,
    lanczos,
    spectral_density,
)
from lecturelib.analysis.gradient_check import GradientError, gradcheck, numeric_gradient
from lecturelib.analysis.landscape import (
    filter_normalized_direction,
    interpolate,
    loss_surface,
)
from lecturelib.analysis.noise import (
    ConditioningProbe,
    gradient_noise,
    loss_gradient,
    per_example_gradients,
)
from lecturelib.analysis.search import (
    Choice,
    Integers,
    LogUniform,
    Uniform,
    bayesian_search,
    cross_validate,
    expected_improvement,
    grid_search,
    k_folds,
    random_search,
)
from lecturelib.analysis.statistics import layer_statistics, watch
from lecturelib.analysis.symmetry import (
    count_equivalent,
    flip_signs,
    permute_units,
    rescale_units,
)

__all__ = [
    "Choice", "ConditioningProbe", "GradientError", "Integers", "LogUniform", "LossHessian",
    "Uniform", "bayesian_search", "classify_critical_point", "count_equivalent",
    "cross_validate", "expected_improvement", "extreme_eigenvalues",
    "filter_normalized_direction", "flip_signs", "gradcheck", "gradient_noise",
    "grid_search", "hessian", "interpolate", "jacobian", "k_folds", "kind_by_eigenvalues",
    "lanczos", "layer_statistics", "loss_gradient", "loss_surface", "numeric_gradient",
    "per_example_gradients", "permute_units", "random_search", "rescale_units",
    "spectral_density", "watch",
]
