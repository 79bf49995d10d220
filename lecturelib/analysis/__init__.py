"""Instruments to look into functions and networks."""

from lecturelib.analysis.gradient_check import GradientError, gradcheck, numeric_gradient

__all__ = ["GradientError", "gradcheck", "numeric_gradient"]
