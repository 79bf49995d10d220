"""Convolution as mathematics defines it, and as the matrix of a linear map."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.kernels.geometry import output_length
from lecturelib.ops.conv import conv2d
from lecturelib.ops.shape import getitem, reshape
from lecturelib.ops.windows import Pair, check_windows, pair


def convolve(x: Any, kernel: Any, padding: int = 0) -> Any:
    """The convolution x ∗ k of signals (1-D) or single-channel images (2-D).

    (x ∗ k)[i] = Σ_m k[m] · x[i + K − 1 − m − p]: the kernel is flipped along each axis,
    which the layers of networks leave out. It commutes: x padded by K − 1 and convolved
    with k is k padded by n − 1 and convolved with x.

    x: (n,) or (h, w), kernel: of as many axes; the result has length n + 2p − K + 1.
    Raises ValueError otherwise, or if the kernel is longer than the padded x.
    Source: {cite}`goodfellow2016deep`, section 9.1.
    """
    x, kernel = (v if hasattr(v, "shape") else np.asarray(v) for v in (x, kernel))
    axes = len(x.shape)
    if axes not in (1, 2) or len(kernel.shape) != axes:
        raise ValueError("convolve: x and kernel must both be 1-D or both 2-D, got "
                         f"{x.shape} and {kernel.shape}")
    flipped = getitem(kernel, index=(slice(None, None, -1),) * axes)
    image, window = (
        reshape(v, shape=(1,) * (4 - axes) + v.shape) for v in (x, flipped))
    out = conv2d(image, window, padding=(padding if axes == 2 else 0, padding))
    return reshape(out, shape=out.shape[4 - axes:])


def toeplitz_matrix(kernel: Any, n: int, padding: int = 0) -> np.ndarray:
    """The matrix T of a 1-D convolution: T @ x = `convolve`(x, kernel, padding).

    T[i, j] = k[i − j + K − 1 − p]: each diagonal holds one number, and all but K of
    them are zero.

    kernel: (K,); T: (n + 2p − K + 1, n). Raises ValueError unless kernel is 1-D and not
    longer than the padded x.
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 1 or not 0 < kernel.size <= n + 2 * padding:
        raise ValueError(f"toeplitz_matrix: kernel must be 1-D, of length 1 to {n} + 2·"
                         f"{padding}, got shape {kernel.shape}")
    K = len(kernel)
    T = np.zeros((output_length(n, K, 1, padding), n), kernel.dtype)
    for i, j in np.ndindex(T.shape):
        if 0 <= i - j + K - 1 - padding < K:
            T[i, j] = kernel[i - j + K - 1 - padding]
    return T


def correlation_matrix(kernel: Any, shape: tuple[int, int], stride: Pair = 1,
                       padding: Pair = 0) -> np.ndarray:
    """The matrix M of a 2-D correlation: M @ x.ravel() = conv2d(x, kernel).ravel().

    With stride 1 it is doubly blocked: a banded arrangement of blocks, one for each row
    of the kernel, and each block is itself banded.

    kernel: (KH, KW); shape: (H, W) of x; M: (OH·OW, H·W). Raises as `conv2d`.
    """
    kernel = np.asarray(kernel)
    step = pair("correlation_matrix", "stride", stride, 1)
    edge = pair("correlation_matrix", "padding", padding, 0)
    if kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f"correlation_matrix: kernel must be 2-D, got {kernel.shape}")
    check_windows("correlation_matrix", np.empty((1, 1, *shape)), kernel.shape, edge)
    size = [output_length(*of_axis) for of_axis in zip(shape, kernel.shape, step, edge)]
    M = np.zeros((*size, *shape), kernel.dtype)
    for i, j in np.ndindex(*size):
        for k, l in np.ndindex(kernel.shape):
            row, column = step[0] * i + k - edge[0], step[1] * j + l - edge[1]
            if 0 <= row < shape[0] and 0 <= column < shape[1]:
                M[i, j, row, column] = kernel[k, l]
    return M.reshape(size[0] * size[1], shape[0] * shape[1])
