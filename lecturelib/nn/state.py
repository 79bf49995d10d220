"""State in files: the arrays of a `state_dict` as .npz or .safetensors, never pickled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from zipfile import is_zipfile

import numpy as np

from lecturelib import backend
from lecturelib.nn.module import Module

Path = str | os.PathLike


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write the arrays of `state`, such as `model.state_dict()`, to the file `path`.

    The ending of the path chooses the format: .npz is NumPy's, .safetensors that of the
    package safetensors, which PyTorch users read.

    Raises ValueError for other endings and an array that cannot be named so, TypeError
    for what is not an array of numbers, a Module for instance, and ModuleNotFoundError
    if safetensors is needed but not installed.
    """
    ending = _ending("save_state", path)
    if not isinstance(state, Mapping):
        raise TypeError("save_state: state must be a mapping of names to arrays, such "
                        f"as model.state_dict(), got {type(state).__name__}")
    arrays = {name: np.ascontiguousarray(backend.numpy(x)).reshape(np.shape(x))
              for name, x in state.items()}
    for name, x in arrays.items():
        if x.dtype.kind not in "biuf":
            raise TypeError(f"save_state: state[{name!r}] must be an array of numbers, "
                            f"got {x.dtype}")
        if name in ("file", "allow_pickle") and ending == ".npz":
            raise ValueError(f"save_state: np.savez cannot store the name {name!r}")
    if ending == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
    else:
        _safetensors().save_file(arrays, path)


def load_state(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, for `model.load_state_dict`.

    Nothing in the file is run. Raises FileNotFoundError if there is none, ValueError
    if it does not end in .npz or .safetensors or holds anything but arrays of numbers.
    """
    if _ending("load_state", path) == ".safetensors":
        with open(path, "rb"):  # for FileNotFoundError with the path
            pass
        try:
            return _safetensors().load_file(path)
        except Exception as e:  # its own kind of error, of a private module
            raise ValueError(f"load_state: {os.fspath(path)!r} is no .safetensors file "
                             f"of NumPy's dtypes ({e})") from e
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


def _ending(name: str, path: Path) -> str:
    ending = os.path.splitext(os.fspath(path))[1]
    if ending not in (".npz", ".safetensors"):
        raise ValueError(f"{name}: path must end in .npz or .safetensors, "
                         f"got {os.fspath(path)!r}")
    return ending


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError(".safetensors files need the package safetensors: "
                                  "python -m pip install safetensors") from e
    return safetensors.numpy


def count_parameters(model: Module, trainable: bool = False) -> int:
    """How many numbers the parameters hold, shared ones once; buffers do not count.

    With trainable=True, those of frozen parameters are left out.
    """
    return sum(p.size for p in model.parameters() if p.requires_grad or not trainable)
