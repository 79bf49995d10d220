"""Data to learn from: small sets that come with the library, larger ones by download."""

from lecturelib.data import augment
from lecturelib.data.batches import batches
from lecturelib.data.dataset import Dataset, TrainTest
from lecturelib.data.digits import digits
from lecturelib.data.docstrings import bag_of_words, docstrings, vocabulary
from lecturelib.data.download import DataError
from lecturelib.data.fashion_mnist import fashion_mnist

__all__ = ["DataError", "Dataset", "TrainTest", "augment", "bag_of_words", "batches", "digits",
           "docstrings", "fashion_mnist", "vocabulary"]
