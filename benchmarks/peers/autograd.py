"""autograd (HIPS): NumPy with derivatives, the ancestor of JAX. It has no layers: convolution is
that of `autograd.scipy.signal`, and pooling a maximum over a reshaped array, as in its examples."""

from __future__ import annotations

import autograd.numpy as anp
from autograd import grad, value_and_grad
from autograd.scipy.signal import convolve
from autograd.scipy.special import logsumexp

from peers import Contestant
from peers.rules import Adam, Momentum


class Autograd(Contestant):
    name = "autograd"

    def operations(self, x, length):
        def build(variables):
            a, b = variables
            h = a
            for _ in range(length // 2):
                h = h * b
                h = h + a
            return anp.sum(h)  # gradients start at a scalar

        both = value_and_grad(build)
        return lambda: both((x, x))[1]

    def training(self, weights, forward, rule, x, y):
        weights = [w.copy() for w in weights.values()]
        rows = anp.arange(len(y))

        def cross_entropy(weights):
            scores = forward(x, *weights)
            return anp.mean(logsumexp(scores, axis=1) - scores[rows, y])

        both = value_and_grad(cross_entropy)

        def step():
            loss, gradients = both(weights)
            rule.step(weights, gradients)
            return (loss,)

        return step

    def mlp(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3):
            h = relu(anp.dot(h, w1.T) + b1)
            h = relu(anp.dot(h, w2.T) + b2)
            return anp.dot(h, w3.T) + b3

        return self.training(weights, forward, Adam(lr), x, y)

    def lenet(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
            h = anp.pad(h, ((0, 0), (0, 0), (2, 2), (2, 2)), "constant")
            h = max_pool(relu(correlate(h, w1, b1)))
            h = max_pool(relu(correlate(h, w2, b2)))
            h = relu(anp.dot(h.reshape((len(x), -1)), w3.T) + b3)
            h = relu(anp.dot(h, w4.T) + b4)
            return anp.dot(h, w5.T) + b5

        return self.training(weights, forward, Momentum(lr), x, y)

    def pool(self, x, g, kind, args):
        if kind != "max" or args != (2, 2, 0):
            return None

        def objective(x):
            return anp.sum(max_pool(x) * g)

        gradient = grad(objective)
        return lambda: (gradient(x),)

    def rosenbrock(self, w, steps, lr):
        def f(v):
            x, y = v[0], v[1]
            valley, slope = y - x * x, 1 - x
            return 100 * valley * valley + slope * slope

        both = value_and_grad(f)

        def descend():
            v, rule = w.copy(), Adam(lr)
            path, values, slopes = [], [], []
            for k in range(steps + 1):
                loss, gradient = both(v)
                path.append(v.copy())
                values.append(loss)
                slopes.append(gradient)
                if k < steps:
                    rule.step([v], [gradient])
            return (path[-1],)

        return descend


def relu(x):
    return anp.maximum(x, 0)


def correlate(x, w, b):
    """Sums over channels; convolution turns its kernel round, hence the two `::-1`."""
    out = convolve(x, w[:, :, ::-1, ::-1], axes=([2, 3], [2, 3]), dot_axes=([1], [1]),
                   mode="valid")
    return out + b.reshape((1, -1, 1, 1))


def max_pool(x):
    """2×2."""
    n, c, h, w = x.shape
    return anp.max(anp.max(x.reshape((n, c, h // 2, 2, w // 2, 2)), axis=3), axis=4)
