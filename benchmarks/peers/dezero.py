"""DeZero: the small framework of the book "Deep Learning from Scratch 3"."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np

from peers import Contestant

with mock.patch.object(np, "int", int, create=True):  # a name of old NumPy that its import needs
    import dezero.functions as F
    from dezero import Layer, Parameter, Variable, optimizers


class DeZero(Contestant):
    name = "DeZero"

    def numpy(self, x):
        return x.data if isinstance(x, Variable) else np.asarray(x)

    def operations(self, x, length):
        a, b = Variable(x), Variable(x)

        def step():
            a.cleargrad()
            b.cleargrad()
            h = a
            for _ in range(length // 2):
                h = h * b
                h = h + a
            h.grad = Variable(x)
            h.backward()
            return a.grad, b.grad

        return step

    def training(self, weights, forward, optimizer, x, y):
        model = Layer()
        for i, w in enumerate(weights.values()):
            setattr(model, f"w{i}", Parameter(w.T.copy() if w.ndim == 2 else w.copy()))
        parameters = [getattr(model, f"w{i}") for i in range(len(weights))]
        optimizer.setup(model)

        def step():
            model.cleargrads()
            loss = F.softmax_cross_entropy(forward(x, *parameters), y)
            loss.backward()
            optimizer.update()
            return (loss,)

        return step

    def mlp(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3):
            h = F.relu(F.linear(h, w1, b1))
            h = F.relu(F.linear(h, w2, b2))
            return F.linear(h, w3, b3)

        return self.training(weights, forward, optimizers.Adam(alpha=lr), x, y)

    def lenet(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
            h = F.pooling(F.relu(F.conv2d(h, w1, b1, 1, 2)), 2, 2)
            h = F.pooling(F.relu(F.conv2d(h, w2, b2)), 2, 2)
            h = F.relu(F.linear(F.reshape(h, (len(x), -1)), w3, b3))
            h = F.relu(F.linear(h, w4, b4))
            return F.linear(h, w5, b5)

        return self.training(weights, forward, optimizers.MomentumSGD(lr, 0.9), x, y)

    def residual(self, weights, x, g):
        x = Variable(x)
        w = {k: Variable(v) for k, v in weights.items() if k.endswith(("weight", "bias"))}
        running = {k: v.copy() for k, v in weights.items() if "running" in k}

        def norm(h, name):
            return F.batch_nrom(
                h, w[name + ".weight"], w[name + ".bias"], running[name + ".running_mean"],
                running[name + ".running_var"], eps=1e-5)

        def step():
            for v in (x, *w.values()):
                v.cleargrad()
            h = x
            for k in ("0", "1"):
                inner = F.conv2d(h, w[f"{k}.conv1.weight"], None, 1, 1)
                inner = F.relu(norm(inner, f"{k}.norm1"))
                inner = F.conv2d(inner, w[f"{k}.conv2.weight"], None, 1, 1)
                h = F.relu(h + norm(inner, f"{k}.norm2"))
            h.grad = Variable(g)
            h.backward()
            return h, x.grad

        return step

    def conv2d(self, x, w, b, g, stride=1, padding=0, groups=1):
        if groups > 1:
            return None
        return self._backward(lambda *v: F.conv2d(*v, stride, padding), [x, w, b], g)

    def pool(self, x, g, kind, args):
        if kind == "max" and args[2]:
            return None  # it pads with zeros, which win over negative numbers
        f = {"max": F.pooling, "avg": F.average_pooling}[kind]
        return self._backward(lambda v: f(v, *args), [x], g)

    def _backward(self, f, arrays, g):
        variables = [Variable(a) for a in arrays]

        def step():
            for v in variables:
                v.cleargrad()
            out = f(*variables)
            out.grad = Variable(g)
            out.backward()
            return [v.grad for v in variables]

        return step

    def optimizer(self, w, g, kind, lr):
        model: Any = Layer()
        model.w = Parameter(w.copy())
        model.w.grad = Variable(g)
        optimizer = {"SGD": optimizers.SGD, "momentum": optimizers.MomentumSGD,
                     "Adam": optimizers.Adam}[kind](lr).setup(model)

        def step():
            optimizer.update()
            return (model.w,)

        return step

    def rosenbrock(self, w, steps, lr):
        def descend():
            model: Any = Layer()
            v = model.w = Parameter(w.copy())
            optimizer = optimizers.Adam(alpha=lr).setup(model)
            path, values, slopes = [], [], []
            for k in range(steps + 1):
                v.cleargrad()
                x, y = v[0], v[1]
                valley, slope = y - x * x, 1 - x
                loss = 100 * valley * valley + slope * slope
                loss.backward()
                path.append(v.data.copy())
                values.append(float(loss.data))
                slopes.append(v.grad.data.copy())
                if k < steps:
                    optimizer.update()
            return (path[-1],)

        return descend
