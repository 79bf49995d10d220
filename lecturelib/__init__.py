"""lecturelib: the library of the book "Downhill", small enough to read in a weekend."""

from lecturelib import ops
from lecturelib.anomaly import detect_anomaly
from lecturelib.core import Tensor, grad, gradients, hvp, no_grad, primitive
from lecturelib.ops.operators import bind as _bind

_bind()
__version__ = "0.1.0"
__all__ = ["Tensor", "detect_anomaly", "grad", "gradients", "hvp", "no_grad", "ops", "primitive"]
