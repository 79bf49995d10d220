"""Mini-batches: a few examples at a time, in a new random order on every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from lecturelib.backend import check_rng
from lecturelib.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Batches:
    """What `batches` returns: each `for` loop over it is one pass, `len` counts the batches."""

    dataset: Dataset
    batch_size: int
    rng: np.random.Generator | None
    drop_last: bool
    transform: Callable | None

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        count, size = len(self.dataset), self.batch_size
        order = np.arange(count) if self.rng is None else self.rng.permutation(count)
        for b in range(len(self)):
            chosen = order[b * size:(b + 1) * size]
            # take copies rows faster than x[chosen] does
            x, y = self.dataset.x.take(chosen, axis=0), self.dataset.y.take(chosen, axis=0)
            yield x if self.transform is None else self.transform(x, rng=self.rng), y


def batches(
    dataset: Dataset,
    batch_size: int,
    *,
    rng: np.random.Generator | None = None,
    drop_last: bool = False,
    transform: Callable | None = None,
) -> Batches:
    """The examples of `dataset` as pairs x, y of `batch_size` examples, each example once per pass.

    With `rng` every pass deals the examples (not whole batches) in a new random order; without,
    they come in the order of the dataset. The last batch is smaller if the examples do not divide
    evenly, or left out with `drop_last=True`. x and y are copies: change them as you like. Each x
    goes through transform(x, rng=rng), where one is given, such as `augment.random_shift`.

    Raises ValueError if `batch_size` is less than 1, or for a `transform` without `rng`; TypeError
    if `batch_size` is not an int, `dataset` not a Dataset or `rng` not a Generator.
    """
    if not isinstance(dataset, Dataset):
        raise TypeError("dataset: a Dataset is needed, such as data.digits().train; "
                        f"got {type(dataset).__name__}")
    if isinstance(batch_size, bool) or not isinstance(batch_size, Integral):
        raise TypeError(f"batch_size: an int is needed, got {type(batch_size).__name__}")
    if batch_size < 1:
        raise ValueError(f"batch_size: at least 1 is needed, got {batch_size}")
    if rng is not None:
        check_rng(rng)
    elif transform is not None:
        raise ValueError("transform: it draws random numbers, so batches needs an rng as well")
    return Batches(dataset, int(batch_size), rng, drop_last, transform)
