"""mygrad: NumPy arrays with automatic differentiation, and some layers."""

from __future__ import annotations

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.layers import batchnorm, conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy

from peers import Contestant
from peers.rules import Adam, Momentum

mg.turn_memory_guarding_off()  # as its manual advises for speed


class MyGrad(Contestant):
    name = "mygrad"

    def numpy(self, x):
        return x.data if isinstance(x, mg.Tensor) else np.asarray(x)

    def operations(self, x, length):
        a, b = mg.tensor(x), mg.tensor(x)

        def step():
            h = a
            for _ in range(length // 2):
                h = h * b
                h = h + a
            h.backward(x)
            return a.grad, b.grad

        return step

    def training(self, weights, forward, rule, x, y):
        tensors = [mg.tensor(w) for w in weights.values()]

        def step():
            loss = softmax_crossentropy(forward(x, *tensors), y)
            loss.backward()
            rule.step([w.data for w in tensors], [w.grad for w in tensors])
            return (loss,)

        return step

    def mlp(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3):
            h = relu(h @ w1.T + b1)
            h = relu(h @ w2.T + b2)
            return h @ w3.T + b3

        return self.training(weights, forward, Adam(lr), x, y)

    def lenet(self, weights, x, y, lr):
        def forward(h, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
            h = max_pool(relu(convolve(h, w1, b1, padding=2)), (2, 2), 2)
            h = max_pool(relu(convolve(h, w2, b2)), (2, 2), 2)
            h = relu(h.reshape(len(x), -1) @ w3.T + b3)
            h = relu(h @ w4.T + b4)
            return h @ w5.T + b5

        return self.training(weights, forward, Momentum(lr), x, y)

    def residual(self, weights, x, g):
        x = mg.tensor(x)
        w = {k: mg.tensor(v) for k, v in weights.items() if k.endswith(("weight", "bias"))}

        def norm(h, name):
            return batchnorm(h, gamma=w[name + ".weight"], beta=w[name + ".bias"], eps=1e-5)

        def step():
            h = x
            for k in ("0", "1"):
                inner = conv_nd(h, w[f"{k}.conv1.weight"], stride=1, padding=1)
                inner = relu(norm(inner, f"{k}.norm1"))
                inner = conv_nd(inner, w[f"{k}.conv2.weight"], stride=1, padding=1)
                h = relu(h + norm(inner, f"{k}.norm2"))
            h.backward(g)
            return h, x.grad

        return step

    def conv2d(self, x, w, b, g, stride=1, padding=0, groups=1):
        if groups > 1 or (x.shape[2] + 2 * padding - w.shape[2]) % stride:
            return None  # the last window must end where the image does
        x, w, b = mg.tensor(x), mg.tensor(w), mg.tensor(b)

        def step():
            out = convolve(x, w, b, stride=stride, padding=padding)
            out.backward(g)
            return x.grad, w.grad, b.grad

        return step

    def pool(self, x, g, kind, args):
        size, stride, padding = args
        if kind != "max" or padding:
            return None
        x = mg.tensor(x)

        def step():
            out = max_pool(x, (size, size), stride)
            out.backward(g)
            return (x.grad,)

        return step

    def rosenbrock(self, w, steps, lr):
        def descend():
            v, rule = mg.tensor(w), Adam(lr)
            path, values, slopes = [], [], []
            for k in range(steps + 1):
                x, y = v[0], v[1]
                valley, slope = y - x * x, 1 - x
                loss = 100 * valley * valley + slope * slope
                loss.backward()
                path.append(v.data.copy())
                values.append(loss.item())
                slopes.append(v.grad)
                if k < steps:
                    rule.step([v.data], [v.grad])
            return (path[-1],)

        return descend


def convolve(x, w, b, stride=1, padding=0):
    return conv_nd(x, w, stride=stride, padding=padding) + b.reshape(1, -1, 1, 1)
