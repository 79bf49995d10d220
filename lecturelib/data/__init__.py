"""Data to learn from: small sets that come with the library, larger ones by download."""

from lecturelib.data.batches import batches
from lecturelib.data.dataset import Dataset, TrainTest
from lecturelib.data.digits import digits
from lecturelib.data.download import DataError
from lecturelib.data.fashion_mnist import fashion_mnist

__all__ = ["DataError", "Dataset", "TrainTest", "batches", "digits", "fashion_mnist"]
