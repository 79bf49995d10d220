"""Handwritten digits of 8x8 pixels: small enough to learn in a second."""

from lecturelib.data.dataset import TrainTest, load_embedded


def digits() -> TrainTest:
    """1,797 handwritten digits: 1,437 to learn from and 360 to test, 36 of each class.

    x is float32 (N, 1, 8, 8) in [0, 1], where 1 is full ink; y is int64 (N,), the digit itself.
    The split is fixed. Source: [alpaydin1998digits], the part that scikit-learn distributes.
    """
    return load_embedded("digits.npz", tuple("0123456789"), white=16)
