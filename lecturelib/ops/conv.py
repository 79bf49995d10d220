"""Convolution: three primitives, each other's derivatives, and what they make."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecturelib.core import primitive
from lecturelib.kernels.geometry import output_length
from lecturelib.ops.reduce import sum
from lecturelib.ops.shape import reshape
from lecturelib.ops.windows import Pair, check_images, check_windows, pair


@primitive
def correlate2d(x, w, b, *, stride, padding, dilation, groups):
    """Kernels w (F, C/groups, KH, KW) slid over images x (N, C, H, W); b (F,) or None.

    The attributes but `groups` are pairs. The sum: `kernels/reference.py`.
    """

@primitive
def correlate2d_dx(g, w, *, shape, stride, padding, dilation, groups):
    """The gradient of `correlate2d` for x, of `shape`; linear in g and w."""

@primitive
def correlate2d_dw(x, g, *, shape, stride, padding, dilation, groups):
    """The gradient of `correlate2d` for w, of `shape`; linear in x and g."""

# Σ g·(w ⋆ x) is linear in each of g, w and x: a derivative leaves one of them out
correlate2d.defvjp(
    x=lambda g, out, x, w, b, **how: correlate2d_dx(g, w, shape=x.shape, **how),
    w=lambda g, out, x, w, b, **how: correlate2d_dw(x, g, shape=w.shape, **how),
    b=lambda g, out, x, w, b, **how: sum(g, axis=(0, 2, 3)))
correlate2d_dx.defvjp(
    g=lambda x, out, g, w, shape, **how: correlate2d(x, w, None, **how),
    w=lambda x, out, g, w, shape, **how: correlate2d_dw(x, g, shape=w.shape, **how))
correlate2d_dw.defvjp(
    x=lambda w, out, x, g, shape, **how: correlate2d_dx(g, w, shape=x.shape, **how),
    g=lambda w, out, x, g, shape, **how: correlate2d(x, w, None, **how))


@primitive
def im2col(x, *, size, stride, padding, dilation):
    """The windows of x (N, C, H, W) as columns, (N, C·KH·KW, windows)."""

@primitive
def col2im(columns, *, shape, size, stride, padding, dilation):
    """Columns added up where their windows lay in an image of `shape`."""

im2col.defvjp(x=lambda g, out, x, **how: col2im(g, shape=x.shape, **how))
col2im.defvjp(columns=lambda g, out, columns, shape, **how: im2col(g, **how))


def conv2d(x: Any, weight: Any, bias: Any = None, stride: Pair = 1, padding: Pair = 0,
           dilation: Pair = 1, groups: int = 1) -> Any:
    """Slide kernels over images and sum products, as `torch.nn.functional.conv2d`.

    out[n,f,i,j] = b[f] + Σ_ckl w[f,c,k,l] · x[n, c, s·i + d·k − p, s·j + d·l − p],

    where x is zero outside the image. Strictly this is a cross-correlation, for the
    kernel is not flipped.

    x: (N, C, H, W); weight: (F, C/groups, KH, KW); bias: (F,); result: (N, F, OH, OW)
    with OH = ⌊(H + 2p − d·(KH − 1) − 1) / s⌋ + 1. With `groups`, each group of output
    channels sees its own group of input channels. Raises ValueError where shapes do not
    fit, the window exceeds the padded image, or an attribute is out of range.
    Source: {cite}`dumoulin2016guide`.
    """
    return _conv("conv2d", x, weight, bias, padding, stride, dilation, groups)


def conv1d(x: Any, weight: Any, bias: Any = None, stride: int = 1, padding: int = 0,
           dilation: int = 1, groups: int = 1) -> Any:
    """`conv2d` of images one pixel high, as `torch.nn.functional.conv1d`.

    out[n,f,i] = b[f] + Σ_ck w[f,c,k] · x[n, c, s·i + d·k − p].

    x: (N, C, L); weight: (F, C/groups, K); bias: (F,). Raises as `conv2d`.
    """
    x, weight = _array(x), _array(weight)
    if len(x.shape) != 3:
        raise ValueError(f"conv1d: x must be (N, C, L), got {x.shape}; signals need a "
                         "batch axis and channels: x[None]")
    if len(weight.shape) != 3:
        raise ValueError(f"conv1d: weight must be (F, C/groups, K), got {weight.shape}")
    x, weight = (reshape(v, shape=(*v.shape[:2], 1, v.shape[2])) for v in (x, weight))
    out = _conv("conv1d (as images one pixel high)", x, weight, bias, (0, padding),
                (1, stride), (1, dilation), groups)
    return reshape(out, shape=(*out.shape[:2], out.shape[3]))


def conv_transpose2d(x: Any, weight: Any, bias: Any = None, stride: Pair = 1,
                     padding: Pair = 0, output_padding: Pair = 0, groups: int = 1,
                     dilation: Pair = 1) -> Any:
    """The transpose of the linear map `conv2d`: what carries its gradient back to x.

    x: (N, F, H, W); weight: (F, C/groups, KH, KW), laid out as in the convolution it
    transposes; bias: (C,); the result: (N, C, OH, OW) with
    OH = s·(H − 1) + d·(KH − 1) + 1 − 2p + `output_padding`. A stride s > 1 makes the
    image about s times larger; of the sizes that lead to H, `output_padding` < s
    chooses one.

    Raises ValueError as `conv2d`. Source: {cite}`dumoulin2016guide`.
    """
    name = "conv_transpose2d"
    x, weight = _array(x), _array(weight)
    how = _how(name, stride, padding, dilation, groups)
    extra = pair(name, "output_padding", output_padding, 0)
    check_images(name, x)
    if len(weight.shape) != 4 or weight.shape[0] != x.shape[1] or x.shape[1] % groups:
        raise ValueError(
            f"{name}: weight must be (F, C/groups, KH, KW) with F = {x.shape[1]}, as "
            f"the channels of x {x.shape}, and groups={groups} must divide F; "
            f"got {weight.shape}")
    size = tuple(s * (n - 1) + d * (k - 1) + 1 - 2 * p + e for n, k, s, p, d, e in zip(
        x.shape[2:], weight.shape[2:], how["stride"], how["padding"], how["dilation"],
        extra))
    if min(size) < 1:
        raise ValueError(f"{name}: padding {how['padding']} leaves nothing of the "
                         f"result: size {size} for x {x.shape}, weight {weight.shape}")
    if any(e >= s for e, s in zip(extra, how["stride"])):
        raise ValueError(f"{name}: output_padding {extra} must be less than the stride "
                         f"{how['stride']}")
    channels = weight.shape[1] * groups
    out = correlate2d_dx(x, weight, shape=(x.shape[0], channels, *size), **how)
    if bias is None:
        return out
    _check_bias(name, bias, channels)
    return out + reshape(_array(bias), shape=(channels, 1, 1))


def unfold(x: Any, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0,
           stride: Pair = 1) -> Any:
    """The windows of images as columns (im2col), as `torch.nn.functional.unfold`.

    x: (N, C, H, W); the result: (N, C·KH·KW, windows), so that `conv2d` is the product
    weight.reshape(F, C·KH·KW) @ columns. Raises ValueError as `conv2d`.
    """
    x = _array(x)
    how = _how("unfold", stride, padding, dilation, 1)
    del how["groups"]
    size = pair("unfold", "kernel_size", kernel_size, 1)
    check_windows("unfold", x, size, how["padding"], how["dilation"])
    return im2col(x, size=size, **how)


def fold(columns: Any, output_size: Pair, kernel_size: Pair, dilation: Pair = 1,
         padding: Pair = 0, stride: Pair = 1) -> Any:
    """Columns added up in an image (col2im): the transpose of `unfold`, no inverse.

    columns: (N, C·KH·KW, windows); the result: (N, C, *output_size). Raises ValueError
    if the columns are not those of such images. As `torch.nn.functional.fold`.
    """
    columns = _array(columns)
    how = _how("fold", stride, padding, dilation, 1)
    del how["groups"]
    size = pair("fold", "kernel_size", kernel_size, 1)
    image = pair("fold", "output_size", output_size, 1)
    lengths = [output_length(*of_axis) for of_axis in zip(
        image, size, how["stride"], how["padding"], how["dilation"])]
    area, places = size[0] * size[1], lengths[0] * lengths[1]
    if (len(columns.shape) != 3 or columns.shape[1] % area or min(lengths) < 1
            or columns.shape[2] != places):
        raise ValueError(f"fold: columns must be (N, C·{area}, {places}) for images of "
                         f"size {image} and windows of {size}, got {columns.shape}")
    shape = (columns.shape[0], columns.shape[1] // area, *image)
    return col2im(columns, shape=shape, size=size, **how)


def _conv(name, x, weight, bias, padding, stride, dilation, groups):
    x, weight = _array(x), _array(weight)
    how = _how(name, stride, padding, dilation, groups)
    check_images(name, x)
    if len(weight.shape) != 4 or 0 in weight.shape:
        raise ValueError(f"{name}: weight must be (F, C/groups, KH, KW), none of them "
                         f"0, got {weight.shape}")
    f, c, *size = weight.shape
    if f % groups or x.shape[1] != c * groups:
        raise ValueError(
            f"{name}: x {x.shape} has {x.shape[1]} channels, but weight {weight.shape} "
            f"with groups={groups} needs {c * groups} of them (axis 1), and groups "
            f"must divide its {f} output channels")
    check_windows(name, x, tuple(size), how["padding"], how["dilation"])
    _check_bias(name, bias, f)
    return correlate2d(x, weight, bias, **how)


def _how(name, stride, padding, dilation, groups):
    """The attributes, checked, as the primitives take them."""
    if not isinstance(groups, (int, np.integer)) or groups < 1:
        raise ValueError(f"{name}: groups must be a positive integer, got {groups!r}")
    return {"stride": pair(name, "stride", stride, 1),
            "padding": pair(name, "padding", padding, 0),
            "dilation": pair(name, "dilation", dilation, 1), "groups": int(groups)}


def _check_bias(name, bias, channels):
    if bias is not None and np.shape(bias) != (channels,):
        raise ValueError(f"{name}: bias must be ({channels},), one number for each "
                         f"output channel, got {np.shape(bias)}")


def _array(x):
    return x if hasattr(x, "shape") else np.asarray(x)
