"""Rebuild the data sets that come with lecturelib, bit for bit: python tools/make_data.py

Needs scikit-learn and the full Fashion-MNIST (downloaded if it is not on the machine). The arrays
are the same on every machine; the bytes of the files are too, given the same version of zlib.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from lecturelib import data
from lecturelib.data.fashion_mnist import full_pixels

FOLDER = Path(data.__file__).parent
SEED = 20170825  # the day Fashion-MNIST was published


def main() -> None:
    """Write both files and say how large they are."""
    for name, arrays in {"fashion_mnist": fashion_mnist(), "digits": digits()}.items():
        path = FOLDER / f"{name}.npz"
        path.write_bytes(npz(arrays))
        print(f"{path.name}: {path.stat().st_size:,} bytes")


def fashion_mnist() -> dict[str, np.ndarray]:
    """800 training and 200 test images of each class, each drawn from its own part."""
    train_images, train_labels, test_images, test_labels = full_pixels()
    train = balanced(train_labels, per_class=800)
    test = balanced(test_labels, per_class=200)
    return {"train_images": train_images[train], "train_labels": train_labels[train],
            "test_images": test_images[test], "test_labels": test_labels[test]}


def digits() -> dict[str, np.ndarray]:
    """36 digits of each class to test, the other 1,437 to learn from; ink in 0..16."""
    from sklearn.datasets import load_digits

    source = load_digits()
    images, labels = source.images.astype(np.uint8), source.target.astype(np.uint8)
    test = balanced(labels, per_class=36)
    train = np.setdiff1d(np.arange(len(labels)), test)
    return {"train_images": images[train], "train_labels": labels[train],
            "test_images": images[test], "test_labels": labels[test]}


def balanced(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Positions of `per_class` randomly drawn examples of each class, in ascending order.

    Each example gets a random number and the smallest of each class win. The numbers are the raw
    output of PCG64, which NumPy promises never to change; `Generator.choice` it may improve.
    """
    lots = np.random.PCG64(SEED).random_raw(len(labels))
    by_lot = np.argsort(lots)
    winners = [by_lot[labels[by_lot] == label][:per_class] for label in np.unique(labels)]
    return np.sort(np.concatenate(winners))


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    """What `np.savez_compressed` writes, but nothing of the machine or the day in it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # Unix, wherever this runs
            content = io.BytesIO()
            np.save(content, array)
            target.writestr(member, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return archive.getvalue()


if __name__ == "__main__":
    main()
