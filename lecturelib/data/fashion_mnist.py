"""Fashion-MNIST: clothes of ten classes, 28x28 pixels; a subset is embedded, the full set is found.

The full set is looked for in this order: the folder given as `path`, the folder named by the
environment variable FASHION_MNIST_DIR, the folder of Debian's package dataset-fashion-mnist, the
user's cache, and last the network. Whoever names a folder gets that folder or an error.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from lecturelib.data.dataset import TrainTest, from_pixels, load_embedded
from lecturelib.data.download import (
    DataError,
    RemoteFile,
    cache_folder,
    fetch,
    locate,
    read_verified,
)
from lecturelib.data.idx import parse_idx

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

BASE_URL = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FILES = (
    RemoteFile(
        "train-images-idx3-ubyte",
        sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        gz_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    RemoteFile(
        "train-labels-idx1-ubyte",
        sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        gz_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    RemoteFile(
        "t10k-images-idx3-ubyte",
        sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        gz_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    RemoteFile(
        "t10k-labels-idx1-ubyte",
        sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        gz_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)


def fashion_mnist(full: bool = False, path: str | Path | None = None) -> TrainTest:
    """Pictures of clothes: 8,000 to learn from and 2,000 to test, as many of each class.

    x is float32 (N, 1, 28, 28) in [0, 1], 0 is the background; y is int64 (N,), an index into
    `classes`. With `full=True` all 60,000 and 10,000, from the folder `path`, or if none is given
    from the first place that has them (see the top of this file). Source: [xiao2017fashion].

    Raises DataError if the full set is missing or damaged and cannot be downloaded, ValueError
    for a `path` without `full=True`.
    """
    if not full:
        if path is not None:
            raise ValueError("path: only the full set is read from a folder; "
                             "say fashion_mnist(full=True, path=...)")
        return load_embedded("fashion_mnist.npz", CLASSES, white=255)
    train_images, train_labels, test_images, test_labels = full_pixels(path)
    return TrainTest(from_pixels(train_images, train_labels, white=255),
                     from_pixels(test_images, test_labels, white=255), CLASSES)


def full_pixels(
    path: str | Path | None = None,
    *,
    files: tuple[RemoteFile, ...] = FILES,
    system_folder: Path = SYSTEM_FOLDER,
    base_url: str = BASE_URL,
) -> list[np.ndarray]:
    """The arrays of the full set as published: uint8 images (N, 28, 28) and labels (N,).

    In the order of `files`: train images, train labels, test images, test labels.

    Raises DataError as `fashion_mnist` does.
    """
    folder = local_folder(path, files, system_folder)
    if folder is None:
        contents = fetch(files, cache_folder() / "fashion-mnist", base_url)
    else:
        contents = [read_verified(locate(folder, file), file, base_url) for file in files]
    return [parse_idx(content, file.name) for file, content in zip(files, contents)]


def local_folder(
    path: str | Path | None = None,
    files: tuple[RemoteFile, ...] = FILES,
    system_folder: Path = SYSTEM_FOLDER,
) -> Path | None:
    """The folder of this machine that has the full set, without the cache; None if there is none.

    Raises DataError if `path` or FASHION_MNIST_DIR names a folder that lacks a file.
    """
    origin, named = "path", path
    if path is None:
        origin, named = "FASHION_MNIST_DIR", os.environ.get("FASHION_MNIST_DIR") or None
    folder = system_folder if named is None else Path(named).expanduser()
    missing = [f"{file.name}.gz" for file in files if not locate(folder, file).is_file()]
    if not missing:
        return folder
    if named is not None:
        raise DataError(f"{origin}: the folder {folder} lacks {', '.join(missing)}")
    return None
