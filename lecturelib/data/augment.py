"""Data augmentation: images as they might have been taken, a little to the side or askew.

Images are float arrays (N, C, H, W) of NumPy, 0 is the background. All functions give new arrays
of the same shape and dtype. The random ones draw anew for each image of a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.backend import check_rng


def warp(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Move the pixels: each place of the result shows what lies at another place of the image.

    out_n(p) = image_n(A_n p + t_n), where `matrices` holds [A | t], (N, 2, 3) or one (2, 3) for
    all, and p = (down, right) is counted from the middle of the image. Between pixels the value
    is interpolated bilinearly, outside there is 0.

    Raises TypeError for other than float arrays, ValueError for other shapes or infinite numbers.
    """
    n, channels, height, width = _check(images).shape
    matrices = np.asarray(matrices, float)
    if matrices.shape not in ((2, 3), (n, 2, 3)) or not np.isfinite(matrices).all():
        raise ValueError(f"matrices: finite numbers of shape (2, 3) or ({n}, 2, 3) are needed, "
                         f"got shape {matrices.shape}")
    down, right = np.indices((height, width)).reshape(2, -1)
    p = np.stack([down - (height - 1) / 2, right - (width - 1) / 2, np.ones(height * width)])
    y, x = np.moveaxis(np.broadcast_to(matrices, (n, 2, 3)) @ p, 1, 0)

    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))  # a frame of background
    y = np.clip(y + (height + 1) / 2, 0, height + 1)  # places in the padded image
    x = np.clip(x + (width + 1) / 2, 0, width + 1)
    top, left = np.minimum(y.astype(int), height), np.minimum(x.astype(int), width)
    v, u = ((at - corner).astype(images.dtype)[:, None] for at, corner in ((y, top), (x, left)))

    row = width + 2
    pixels = padded.reshape(n, channels, row * (height + 2))
    corner = (row * top + left)[:, None]
    a, b, c, d = (np.take_along_axis(pixels, corner + k, axis=2) for k in (0, 1, row, row + 1))
    return ((1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)).reshape(images.shape)


def shift(images: np.ndarray, down: Any = 0, right: Any = 0) -> np.ndarray:
    """Move each image by so many pixels; whole ones are exact. Amounts: a number, or (N,)."""
    n = len(_check(images))
    down, right = _amounts("down", down, n), _amounts("right", right, n)
    return warp(images, _matrices(np.ones(n), np.zeros(n), -down, -right))


def rotate(images: np.ndarray, degrees: Any) -> np.ndarray:
    """Turn each image about its middle, counterclockwise. degrees: a number, or (N,)."""
    angle = np.radians(_amounts("degrees", degrees, len(_check(images))))
    return warp(images, _matrices(np.cos(angle), np.sin(angle)))


def scale(images: np.ndarray, factor: Any) -> np.ndarray:
    """Enlarge each image about its middle, or shrink it for a factor below 1: a number, or (N,).

    Raises ValueError for a factor that is not above 0.
    """
    factor = _amounts("factor", factor, len(_check(images)))
    if (factor <= 0).any():
        raise ValueError(f"factor: must be above 0, got {factor.min():g}")
    return warp(images, _matrices(1 / factor, np.zeros(len(factor))))


def mirror(images: np.ndarray) -> np.ndarray:
    """Exchange left and right."""
    return _check(images)[..., ::-1].copy()


def random_shift(images: np.ndarray, most: int = 3, *, rng: np.random.Generator) -> np.ndarray:
    """Move each image by whole pixels, down and right uniformly from −`most` to `most`."""
    if isinstance(most, bool) or not isinstance(most, (int, np.integer)) or most < 0:
        raise ValueError(f"most: a number of whole pixels, 0 or more, is needed, got {most!r}")
    return shift(images, *check_rng(rng).integers(-most, most + 1, (2, len(_check(images)))))


def random_rotate(images: np.ndarray, degrees: float = 15.0, *,
                  rng: np.random.Generator) -> np.ndarray:
    """Turn each image by an angle drawn uniformly between −`degrees` and `degrees`."""
    if not 0 <= degrees < np.inf:
        raise ValueError(f"degrees: 0 or more is needed, got {degrees}")
    return rotate(images, check_rng(rng).uniform(-degrees, degrees, len(_check(images))))


def random_scale(images: np.ndarray, factor: float = 1.25, *,
                 rng: np.random.Generator) -> np.ndarray:
    """Scale each image by fᵘ, u uniform in [−1, 1): shrunk as often as enlarged, at most f times.

    Raises ValueError for a factor below 1.
    """
    if not 1 <= factor < np.inf:
        raise ValueError(f"factor: 1 or more is needed, got {factor}")
    return scale(images, factor ** check_rng(rng).uniform(-1, 1, len(_check(images))))


def random_mirror(images: np.ndarray, p: float = 0.5, *, rng: np.random.Generator) -> np.ndarray:
    """Mirror each image with probability `p`."""
    if not 0 <= p <= 1:
        raise ValueError(f"p: a probability is needed, got {p}")
    mirrored = check_rng(rng).random(len(_check(images))) < p
    return np.where(mirrored[:, None, None, None], images[..., ::-1], images)


def _matrices(c: Any, s: Any, down: Any = 0.0, right: Any = 0.0) -> np.ndarray:
    """[[c, s, down], [−s, c, right]] for each image, (N, 2, 3)."""
    rows = np.broadcast_arrays(c, s, down, -s, c, right)
    return np.stack(rows, axis=-1).reshape(-1, 2, 3)


def _check(images: np.ndarray) -> np.ndarray:
    if not isinstance(images, np.ndarray) or images.dtype.kind != "f":
        got = getattr(images, "dtype", type(images).__name__)
        raise TypeError(f"images: a NumPy array of floats is needed, got {got}")
    if images.ndim != 4:
        raise ValueError(f"images: (N, C, H, W) is needed, got shape {images.shape}")
    return images


def _amounts(name: str, values: Any, n: int) -> np.ndarray:
    """One finite number for each of n images."""
    values = np.asarray(values, float)
    if values.shape not in ((), (n,)) or not np.isfinite(values).all():
        raise ValueError(f"{name}: one finite number, or one for each of the {n} images, is "
                         f"needed, got {values!r}")
    return np.broadcast_to(values, (n,))
