"""Different weights, one function: the symmetries of networks.

A hidden unit is known to the next layer only by its output. Where the units stand in
another order, or send out −z for z, or twice as much, the next layer's weights can make
up for it. So each minimum of the loss has many equals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from lecturelib import backend, nn
from lecturelib.nn import Module, Sequential

LINEAR = (nn.Dropout, nn.Dropout2d, nn.GaussianDropout, nn.Flatten,
          nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.GlobalAvgPool2d)
ODD = (*LINEAR, nn.Tanh)  # f(−z) = −f(z)
HOMOGENEOUS = (*LINEAR, nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.MaxPool2d)  # f(cz) = c f(z)
UNITWISE = (*HOMOGENEOUS, nn.Tanh, nn.Sigmoid, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus,
            nn.LSEPool2d)  # the same function of each unit


def permute_units(model: Sequential, layer: int, permutation: Any) -> Sequential:
    """A copy of the model whose hidden units stand in another order.

    Unit i of the copy is unit permutation[i] of the model: rows of W and b of
    model[layer] and columns of the next layer's W move together. With the matrix P of
    the permutation, W₂ f(W₁ x + b₁) = (W₂ Pᵀ) f(P W₁ x + P b₁).

    layer: the position in the Sequential of a Linear or Conv2d (whose channels are the
    units) that is not the last. Dropout must be in evaluation mode for the functions to
    be equal. Raises ValueError if `permutation` is none or what lies between the layers
    does not treat all units alike; TypeError if the model is not a Sequential.
    Source: {cite}`goodfellow2016deep`, section 8.2.2.
    """
    units = _units(model, layer, UNITWISE, "the same function of every unit")
    order = np.asarray(permutation)
    if order.shape != (units,) or not np.array_equal(np.sort(order), np.arange(units)):
        raise ValueError(f"permutation: the numbers 0 to {units - 1}, each once, are "
                         f"needed, got {permutation!r}")
    return _rewired(model, layer, order, np.ones(units))


def flip_signs(model: Sequential, layer: int, units: Sequence[int]) -> Sequential:
    """A copy of the model in which some hidden units send out −z in place of z.

    Needs an odd activation, tanh: −W₂ tanh(−(W₁ x + b₁)) = W₂ tanh(W₁ x + b₁). units:
    their positions in model[layer]. Raises as `permute_units`, and ValueError for units
    that do not exist. Source: {cite}`chen1993geometry`.
    """
    count = _units(model, layer, ODD, "odd, f(-z) = -f(z), as Tanh is")
    chosen = np.asarray(units, dtype=np.intp)
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < count:
        raise ValueError(f"units: positions in [0, {count}) are needed, got {units!r}")
    signs = np.ones(count)
    signs[chosen] = -1
    return _rewired(model, layer, np.arange(count), signs)


def rescale_units(model: Sequential, layer: int, factors: Any) -> Sequential:
    """A copy of the model in which hidden unit i sends out factors[i] times as much.

    Needs an activation with f(cz) = c f(z) for c > 0, such as ReLU:
    (1/c) W₂ f(c (W₁ x + b₁)) = W₂ f(W₁ x + b₁). factors: positive, one for each unit;
    equal up to rounding, exactly for powers of 2. Raises as `permute_units`, and
    ValueError for other factors. Source: {cite}`goodfellow2016deep`, section 8.2.2.
    """
    count = _units(model, layer, HOMOGENEOUS, "f(cz) = c f(z) for c > 0, as ReLU is")
    factors = np.asarray(factors, np.float64)
    if factors.shape != (count,) or not np.all((factors > 0) & (factors < np.inf)):
        raise ValueError(f"factors: {count} positive numbers are needed, one for each "
                         f"unit, got {factors!r}")
    return _rewired(model, layer, np.arange(count), factors)


def count_equivalent(model: Sequential) -> int:
    """How many settings of the weights compute what this network computes.

    Π n_l! over its hidden layers of n_l units, for the orders, times 2^{n_l} where the
    activation is odd, for the signs. (Of units that are equal, or send out nothing,
    some orders coincide; and rescaling a ReLU network gives infinitely many more.)

    Raises as `permute_units`. Source: {cite}`chen1993geometry`.
    """
    total = 1
    for layer in _weighted(model)[:-1]:
        units = _units(model, layer, UNITWISE, "the same function of every unit")
        signs = 2**units if all(type(m) in ODD for m in _between(model, layer)) else 1
        total *= math.factorial(units) * signs
    return total


def _rewired(model: Sequential, layer: int, order: np.ndarray,
             scale: np.ndarray) -> Sequential:
    """A copy in which unit i of the layer is `scale[i]` times the unit `order[i]`."""
    copy = deepcopy(model)
    here: Any = copy[layer]
    there: Any = copy[_next(model, layer)]
    for p in (here.weight, here.bias):
        if p is not None:
            rows = scale.reshape(-1, *[1] * (p.ndim - 1))
            _set(p, backend.numpy(p.data)[order] * rows)
    w = backend.numpy(there.weight.data)
    # after Flatten, a channel is a block of columns; in Conv2d, of kernel elements
    blocks = w.reshape(len(w), len(order), -1)
    _set(there.weight, blocks[:, order] / scale[:, np.newaxis])
    return copy


def _set(parameter: Any, values: np.ndarray) -> None:
    parameter.data = backend.constant(values.reshape(parameter.shape), parameter.data)


def _weighted(model: Sequential) -> list[int]:
    """The positions of the layers with weights."""
    if not isinstance(model, Sequential):
        raise TypeError("model: a Sequential of layers is needed, got "
                        f"{type(model).__name__}")
    return [i for i, m in enumerate(model) if isinstance(m, (nn.Linear, nn.Conv2d))]


def _next(model: Sequential, layer: int) -> int:
    """The position of the layer with weights that follows."""
    places = _weighted(model)
    if layer not in places[:-1]:
        raise ValueError(
            f"layer: the position of a Linear or Conv2d before the last one is needed, "
            f"one of {places[:-1]}, got {layer!r}")
    return places[places.index(layer) + 1]


def _between(model: Sequential, layer: int) -> list[Module]:
    return list(model)[layer + 1:_next(model, layer)]


def _units(model: Sequential, layer: int, allowed: tuple[type, ...], need: str) -> int:
    """How many units the hidden layer has, if all that follows allows the symmetry."""
    there: Any = model[_next(model, layer)]  # raises if the layer is not hidden
    here: Any = model[layer]
    between = _between(model, layer)
    for m in between:
        slopes = m.weight.size if isinstance(m, nn.PReLU) else 1
        if type(m) not in allowed or slopes > 1:
            raise ValueError(f"layer {layer}: what follows it must be {need}; "
                             f"{m} is not known to be so")
    for m in (here, there):
        if isinstance(m, nn.Conv2d) and m.groups > 1:
            raise ValueError(f"layer {layer}: groups must be 1, got {m}")
        places = [p for each in model.modules() for p in vars(each).values()]
        if sum(p is m.weight for p in places) > 1:
            raise ValueError(f"layer {layer}: {m} shares its weight with another layer")
    units, inputs = here.weight.shape[0], there.weight.shape[1]
    images = isinstance(here, nn.Conv2d)
    flattened = any(isinstance(m, (nn.Flatten, nn.GlobalAvgPool2d)) for m in between)
    fits = inputs % units == 0 if images and flattened else inputs == units
    if not fits or isinstance(there, nn.Conv2d) != (images and not flattened):
        raise ValueError(f"layer {layer}: the next one, {there}, does not have the "
                         f"{units} units of {here} as its inputs")
    return units
