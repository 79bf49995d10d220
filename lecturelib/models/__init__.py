"""Networks of the book, built of `lecturelib.nn`."""

from lecturelib.models.lenet import lenet
from lecturelib.models.mlp import mlp

__all__ = ["lenet", "mlp"]
