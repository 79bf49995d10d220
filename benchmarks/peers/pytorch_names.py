"""The work of lecturelib and of PyTorch: their names are the same, so one text does for both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networks

from peers import Contestant


class PyTorchNames(Contestant):
    """A subclass has the modules `nn`, `F` and `optim`, and makes arrays, variables and models.

    `how` goes to the optimizers.
    """

    nn: Any
    F: Any
    optim: Any
    how: dict[str, Any] = {}

    def operations(self, x, length):
        a, b, seed = self.leaf(x), self.leaf(x), self.array(x)

        def step():
            a.grad = b.grad = None
            h = a
            for _ in range(length // 2):
                h = h * b
                h = h + a
            h.backward(seed)
            return a.grad, b.grad

        return step

    def mlp(self, weights, x, y, lr):
        model = self.model(networks.mlp, weights)
        return self.training(model, self.optim.Adam(model.parameters(), lr=lr, **self.how), x, y)

    def lenet(self, weights, x, y, lr, build=networks.lenet):
        model = self.model(build, weights)
        optimizer = self.optim.SGD(model.parameters(), lr=lr, momentum=0.9, **self.how)
        return self.training(model, optimizer, x, y)

    def resnet18(self, weights, x, y, lr):
        return self.lenet(weights, x, y, lr, networks.resnet18)

    def training(self, model, optimizer, x, y):
        x, y = self.array(x), self.array(y)

        def step():
            optimizer.zero_grad()
            loss = self.F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return (loss,)

        return step

    def residual(self, weights, x, g):
        model = self.model(networks.residual, weights)
        step, x = self.backward(model, [x], g, list(model.parameters()))
        return lambda: (step(), x.grad)

    def conv2d(self, x, w, b, g, **how):
        step, *variables = self.backward(lambda *v: self.F.conv2d(*v, **how), [x, w, b], g)
        return lambda: (step(), *[v.grad for v in variables])[1:]

    def pool(self, x, g, kind, args):
        f = {"max": self.F.max_pool2d, "avg": self.F.avg_pool2d}[kind]
        step, x = self.backward(lambda v: f(v, *args), [x], g)
        return lambda: (step(), x.grad)[1:]

    def backward(self, f: Callable, arrays: list, g: Any, parameters: Any = ()) -> list:
        """A function that goes forward and backward and returns the result; the variables."""
        variables, g = [self.leaf(a) for a in arrays], self.array(g)

        def step():
            for v in (*variables, *parameters):
                v.grad = None
            out = f(*variables)
            out.backward(g)
            return out

        return [step, *variables]

    def optimizer(self, w, g, kind, lr):
        p = self.nn.Parameter(self.array(w))
        p.grad = self.array(g)
        rule = self.optim.Adam if kind == "Adam" else self.optim.SGD
        how = {"momentum": 0.9} if kind == "momentum" else {}
        optimizer = rule([p], lr=lr, **how, **self.how)

        def step():
            optimizer.step()
            return (p,)

        return step
