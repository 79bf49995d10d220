"""State in files: the arrays of a `state_dict` as .npz, never pickled objects."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from zipfile import is_zipfile

import numpy as np

from lecturelib.nn.module import Module

Path = str | os.PathLike


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write the arrays of `state`, such as `model.state_dict()`, to the file `path`.

    Raises ValueError if the path does not end in .npz or an array cannot be named
    so, TypeError for what is not an array of numbers, a Module for instance.
    """
    if not os.fspath(path).endswith(".npz"):
        raise ValueError(f"save_state: path must end in .npz, got {os.fspath(path)!r}")
    if not isinstance(state, Mapping):
        raise TypeError("save_state: state must be a mapping of names to arrays, such "
                        f"as model.state_dict(), got {type(state).__name__}")
    arrays = {name: np.asarray(x) for name, x in state.items()}
    for name, x in arrays.items():
        if x.dtype.kind not in "biuf":
            raise TypeError(f"save_state: state[{name!r}] must be an array of numbers, "
                            f"got {x.dtype}")
        if name in ("file", "allow_pickle"):
            raise ValueError(f"save_state: np.savez cannot store the name {name!r}")
    np.savez(path, **arrays)  # type: ignore[arg-type]


def load_state(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, for `model.load_state_dict`.

    Nothing in the file is run. Raises FileNotFoundError if there is none, ValueError
    if it holds anything but arrays of numbers.
    """
    with open(path, "rb") as file:
        if not is_zipfile(file):
            raise ValueError(f"load_state: {os.fspath(path)!r} is no .npz file; write "
                             "one with save_state(model.state_dict(), path)")
    with np.load(path, allow_pickle=False) as file:
        for name in file.files:
            try:
                good = isinstance(file[name], np.ndarray)
            except ValueError:  # pickled objects
                good = False
            if not good:
                raise ValueError(
                    f"load_state: {name!r} in {os.fspath(path)!r} is no array of "
                    "numbers; for a file of PyTorch, torch.load it and save_state that")
        return {name: file[name] for name in file.files}


def count_parameters(model: Module, trainable: bool = False) -> int:
    """How many numbers the parameters hold, shared ones once; buffers do not count.

    With trainable=True, those of frozen parameters are left out.
    """
    return sum(p.size for p in model.parameters() if p.requires_grad or not trainable)
