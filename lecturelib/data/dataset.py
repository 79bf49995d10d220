"""A Dataset is inputs x and targets y, side by side: example i is the pair x[i], y[i]."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from lecturelib.backend import check_rng


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N examples: inputs `x` of shape (N, ...) and targets `y` of shape (N, ...).

    The arrays are read-only views of those given, so that no lesson changes the data of the next
    by accident; `d.x.copy()` may be changed. Slices `d[i:j]` and index arrays `d[[3, 1, 4]]` give
    Datasets.

    Raises ValueError if the lengths differ or a single number is given in place of an array.
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            array = np.asarray(getattr(self, name)).view()
            if array.ndim == 0:
                raise ValueError(f"{name}: an array of examples is needed, got one number")
            array.flags.writeable = False
            object.__setattr__(self, name, array)  # how a frozen dataclass sets its own fields
        if len(self.x) != len(self.y):
            raise ValueError("every example needs one target: "
                             f"x has {len(self.x)} examples, y has {len(self.y)}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: slice | np.ndarray | list[int]) -> Dataset:
        if isinstance(index, (Integral, tuple)):
            raise TypeError("index a Dataset with a slice or a list of positions; "
                            "one example is d.x[i], d.y[i]")
        return Dataset(self.x[index], self.y[index])

    def astype(self, dtype: DTypeLike) -> Dataset:
        """The same examples with x in another type, such as "float64"."""
        return Dataset(self.x.astype(dtype), self.y)

    def __repr__(self) -> str:
        return (f"Dataset(x: {self.x.dtype} {self.x.shape}, "
                f"y: {self.y.dtype} {self.y.shape})")

    def split(self, held_out: int | float, *, rng: np.random.Generator) -> tuple[Dataset, Dataset]:
        """Deal the examples at random into two Datasets, the second to be held out.

        `held_out` is the size of the second: a number of examples (int), or a fraction of them
        (float between 0 and 1).

        Raises ValueError if either part would be empty, TypeError if `rng` is not a Generator.
        """
        order = check_rng(rng).permutation(len(self))
        kept = len(self) - _count(held_out, len(self))
        return self[order[:kept]], self[order[kept:]]


@dataclass(frozen=True, eq=False)
class TrainTest:
    """Examples to learn from, examples to be judged by, and the names of the classes in y."""

    train: Dataset
    test: Dataset
    classes: tuple[str, ...]

    def astype(self, dtype: DTypeLike) -> TrainTest:
        """The same examples with x in another type, such as "float64"."""
        return TrainTest(self.train.astype(dtype), self.test.astype(dtype), self.classes)


def from_pixels(images: np.ndarray, labels: np.ndarray, *, white: int) -> Dataset:
    """Integer images (N, H, W) as float32 (N, 1, H, W) in which `white` is 1; labels as int64."""
    x = np.divide(images, white, dtype=np.float32)
    return Dataset(x[:, np.newaxis], labels.astype(np.int64))


def load_embedded(filename: str, classes: tuple[str, ...], *, white: int) -> TrainTest:
    """A set that comes with the library, from the file that `tools/make_data.py` wrote."""
    with np.load(Path(__file__).with_name(filename)) as stored:
        train, test = (from_pixels(stored[f"{part}_images"], stored[f"{part}_labels"], white=white)
                       for part in ("train", "test"))
    return TrainTest(train, test, classes)


def _count(held_out: int | float, total: int) -> int:
    if isinstance(held_out, bool) or not isinstance(held_out, Real):
        raise TypeError("held_out: a number of examples (int) or a fraction (float) is needed, "
                        f"got {type(held_out).__name__}")
    if isinstance(held_out, Integral):
        count = int(held_out)
    elif 0 < held_out < 1:
        count = round(float(held_out) * total)
    else:
        raise ValueError(f"held_out: a fraction lies between 0 and 1, got {held_out}; "
                         "a number of examples is an int")
    if not 0 < count < total:
        raise ValueError(f"held_out: {held_out} of {total} examples would leave one part empty")
    return count
