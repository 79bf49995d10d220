"""What all optimizers share: the walk over parameters, their state, rates and decay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any

import numpy as np

from lecturelib import backend
from lecturelib.core import Tensor
from lecturelib.nn import Parameter
from lecturelib.optim import fused
from lecturelib.optim.clipping import clip_grad_norm_, clip_grad_value_

Rate = float | Callable[[int], float]  # a number, or a schedule


class Optimizer:
    """The base of all optimizers: a subclass is one rule, `update(w, g, state)`.

    params: the parameters to change; or groups of them, dictionaries such as
    {"params": [...], "lr": 0.01}, where a group may have settings of its own.
    lr: the learning rate, a number > 0, or a schedule: a function that gives it for the
    number of steps taken so far, 0 in the first step.
    weight_decay: λ ≥ 0 adds λ w to the gradient of each parameter w, the gradient of
    the price λ/2 ‖w‖²; with decoupled_weight_decay=True it rather takes lr λ w away
    from w, and the rule never sees it {cite}`loshchilov2019decoupled`.
    clip_value, clip_norm: before a step, limit each number of the gradients, or the
    norm of all of them together, by `clip_grad_value_`, `clip_grad_norm_` (in this
    order).

    A parameter without a gradient is left out: it does not move, nor decay, and its
    state stays. Gradients are not searched for NaN, which would cost a pass over them:
    NaN become NaN in the same places of the parameter and of its state. `train.fit`
    stops before that, when the loss is no longer finite; clipping, which measures the
    gradients anyway, raises FloatingPointError.

    Raises ValueError for a setting out of its range or unknown, for no parameters or
    one given twice; TypeError for what is not a Parameter.
    """

    slots: tuple[str, ...] = ()  # the arrays in `state`, of the parameter's shape
    numbers: tuple[str, ...] = ()  # the numbers in `state`

    def __init__(self, params: Iterable[Any], lr: Rate,
                 weight_decay: float = 0.0, *, decoupled_weight_decay: bool = False,
                 clip_norm: float | None = None,
                 clip_value: float | None = None) -> None:
        self.weight_decay, self.decoupled_weight_decay = (
            weight_decay, decoupled_weight_decay)
        self._settings = {"lr", *vars(self)}  # a subclass has set its own before
        self.steps = 0  # taken so far
        self.lr = lr  # type: ignore[assignment]  # a property: its setter takes more
        for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
            if limit is not None and not limit > 0:
                raise ValueError(f"{name}: must be positive, or None, got {limit}")
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.state: dict[Parameter, dict[str, Any]] = {}
        self.param_groups: list[dict[str, Any]] = []
        for group in _groups(params):
            self.add_param_group(group)

    def update(self, w: Any, g: Any, state: dict[str, Any]) -> Any:
        """The new value of the array w with gradient g; `state` is w's memory."""
        raise NotImplementedError(
            f"{type(self).__name__} must define update(self, w, g, state)")

    def step(self) -> None:
        """Move every parameter that has a gradient by one update."""
        self._clip()
        for group in self.param_groups:
            rule = self._rule(group)
            for p in group["params"]:
                if p.grad is None:
                    continue
                w, g = p.data, _gradient(p)
                if rule.weight_decay and rule.decoupled_weight_decay:
                    w = (1 - rule.lr * rule.weight_decay) * w
                elif rule.weight_decay:
                    g = g + rule.weight_decay * w
                p.data = _like(p.data, fused.update(rule, w, g, self.state[p]))
        self.steps += 1

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next `backward` starts from nothing."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    @property
    def lr(self) -> float:
        """The learning rate of the coming step; set it to a number or a schedule."""
        if not callable(self._lr):
            return self._lr
        lr = float(self._lr(self.steps))
        if not lr >= 0:
            raise ValueError("lr: a schedule must give numbers of at least 0, got "
                             f"{lr} for step {self.steps}")
        return lr

    @lr.setter
    def lr(self, lr: Rate) -> None:
        if not callable(lr) and not lr > 0:
            raise ValueError(f"lr: the learning rate must be positive, got {lr}")
        self._lr = lr if callable(lr) else float(lr)

    @property
    def params(self) -> list[Parameter]:
        """The parameters of all groups, in order."""
        return [p for group in self.param_groups for p in group["params"]]

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Take in more parameters: {"params": [...]} and settings of their own.

        Settings that the group does not name are the optimizer's, also when these
        change. Raises what the constructor raises; then nothing has been changed.
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError('params: a group is a dictionary with the key "params", '
                            f"got {group!r}")
        unknown = sorted(group.keys() - self._settings - {"params"})
        if unknown:
            raise ValueError(f"params: a group has unknown settings {unknown}; "
                             f"{type(self).__name__} has {sorted(self._settings)}")
        new = {**group, "params": _parameters(group["params"])}
        together = [*self.params, *new["params"]]
        different = len({id(p) for p in together})
        if not new["params"] or different < len(together):
            raise ValueError("params: at least one Parameter is needed, each once; "
                             f"got {len(together)}, {different} different")
        for p in new["params"]:
            self.check_parameter(p)
        self._rule(new).check()
        self.param_groups.append(new)
        self.state.update({p: {} for p in new["params"]})

    def check(self) -> None:
        """Raise ValueError if a setting is out of its range."""
        at_least_zero(lr=self.lr, weight_decay=self.weight_decay)

    def check_parameter(self, p: Parameter) -> None:
        """Raise ValueError if p is of a kind that the rule cannot move; most move all.
        """

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all that the steps have left, by name, for `nn.save_state`.

        "steps" is their number, and "3.velocity" the slot `velocity` of `params[3]`.
        Settings are not in it: load it into an optimizer made with the same ones.
        """
        slots = {f"{i}.{slot}": np.array(backend.numpy(x))
                 for i, p in enumerate(self.params)
                 for slot, x in self.state[p].items()}
        return {"steps": np.array(self.steps), **slots}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`: the next steps are those that would have followed.

        Raises KeyError for names missing or unknown, ValueError for a wrong shape; then
        nothing has been changed.
        """
        params = self.params
        known = {f"{i}.{slot}": (p, slot) for i, p in enumerate(params)
                 for slot in (*self.slots, *self.numbers)}
        unknown = sorted(state.keys() - known.keys() - {"steps"})
        if unknown or "steps" not in state:
            raise KeyError(f"state: unknown {unknown}" if unknown else
                           "state: 'steps' is missing; is it an optimizer's state?")
        new: dict[Parameter, dict[str, Any]] = {p: {} for p in params}
        for name in state.keys() - {"steps"}:
            p, slot = known[name]
            x = backend.numpy(state[name])
            shape = () if slot in self.numbers else tuple(p.shape)
            if x.shape != shape:
                raise ValueError(f"state[{name!r}]: shape {x.shape}, needed is {shape}")
            new[p][slot] = (x.item() if slot in self.numbers
                            else backend.copy(backend.bring(x, p.data)))
        self.state, self.steps = new, int(state["steps"])

    def _rule(self, group: Mapping[str, Any]) -> Optimizer:
        """This optimizer with the settings of the group: itself if it has none."""
        if len(group) == 1:
            return self
        rule = copy(self)
        for name in group.keys() - {"params"}:
            setattr(rule, name, group[name])
        return rule

    def _clip(self) -> None:
        if self.clip_value is not None:
            clip_grad_value_(self.params, self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm_(self.params, self.clip_norm)


def _groups(params: Any) -> list[Any]:
    """The list of groups that was given, or one group of the parameters given."""
    if isinstance(params, Iterable) and not isinstance(params, (Tensor, Mapping)):
        params = list(params)
        if params and isinstance(params[0], Mapping):
            return params
    return [{"params": params}]


def _parameters(params: Any) -> list[Parameter]:
    if not isinstance(params, Iterable) or isinstance(params, (Tensor, Mapping)):
        raise TypeError("params: a list of Parameters is needed, such as "
                        f"model.parameters(); got {type(params).__name__}")
    params = list(params)
    for i, p in enumerate(params):
        if not isinstance(p, Parameter):
            raise TypeError(f"params[{i}]: a Parameter is needed, got "
                            f"{type(p).__name__}; pass model.parameters()")
    return params


def _gradient(p: Parameter) -> Any:
    g, w = p.grad, p.data
    if g.shape != w.shape:
        raise ValueError(f"grad: shape {tuple(g.shape)} differs from that of its "
                         f"parameter, {tuple(w.shape)}")
    return g


def _like(w: Any, new: Any) -> Any:
    """`new` as an array of w's precision, which no setting or gradient shall change."""
    new = backend.as_array(new)
    return new if new.dtype == w.dtype else backend.cast(new, w.dtype)


def at_least_zero(**settings: float) -> None:
    """ValueError that names a setting below 0 (or NaN)."""
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"{name}: must be at least 0, got {value}")


def below_one(**settings: float) -> None:
    """ValueError that names a setting outside [0, 1)."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}: must be in [0, 1), got {value}")


def betas_below_one(betas: tuple[float, float]) -> None:
    """ValueError unless betas is a pair of numbers in [0, 1)."""
    if len(betas) != 2:
        raise ValueError(f"betas: a pair of numbers is needed, got {betas}")
    below_one(**{f"betas[{i}]": beta for i, beta in enumerate(betas)})
