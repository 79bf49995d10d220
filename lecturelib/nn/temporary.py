"""Changes to a model that last for a block, and are undone when it ends or fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from lecturelib.nn.module import Module


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """All modules in evaluation mode; afterwards each is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def wrapped_forward(layers: Iterable[Module],
                    wrap: Callable[[Module], Callable]) -> Iterator[None]:
    """Each layer's `forward` is `wrap(layer)`, which may call the one it finds there."""
    before = [(layer, vars(layer).get("forward")) for layer in layers]
    try:
        for layer, _ in before:
            layer.forward = wrap(layer)  # type: ignore[method-assign]
        yield
    finally:
        for layer, forward in before:
            if forward is None:
                vars(layer).pop("forward", None)  # the class's own shows again
            else:
                layer.forward = forward  # type: ignore[method-assign]


def leaves(model: Module) -> list[tuple[str, Module]]:
    """The modules without modules inside, with dotted names."""
    return [(name, m) for name, m in model.named_modules()
            if not any(m.named_children())]
