"""PyTorch: eager as it comes, with images as channels_last, or with its fused optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from peers.pytorch_names import PyTorchNames


class Torch(PyTorchNames):
    """device: "cpu" or "cuda"."""

    name = "torch"
    nn, F, optim = torch.nn, torch.nn.functional, torch.optim
    format = torch.contiguous_format

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def numpy(self, x: torch.Tensor) -> np.ndarray:
        return x.detach().cpu().numpy()

    def array(self, x: np.ndarray) -> torch.Tensor:
        t = torch.tensor(x, device=self.device)
        return t.to(memory_format=self.format) if t.ndim == 4 else t

    def leaf(self, x: np.ndarray) -> torch.Tensor:
        return self.array(x).requires_grad_()

    def model(self, build: Any, weights: dict[str, np.ndarray]) -> torch.nn.Module:
        model = build(torch.nn)
        model.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
        return model.to(self.device, memory_format=self.format)

    def rosenbrock(self, w, steps, lr):
        def descend():
            v = self.leaf(w)
            optimizer = torch.optim.Adam([v], lr)
            path, values, slopes = [], [], []
            for k in range(steps + 1):
                v.grad = None
                x, y = v[0], v[1]
                valley, slope = y - x * x, 1 - x
                loss = 100 * valley * valley + slope * slope
                loss.backward()
                path.append(v.detach().clone())
                values.append(loss.item())
                slopes.append(v.grad.clone())
                if k < steps:
                    optimizer.step()
            return (path[-1],)

        return descend


class ChannelsLast(Torch):
    """Where there are images, their channels vary fastest in memory."""

    name = "torch, channels_last"
    format = torch.channels_last
    operations = mlp = optimizer = rosenbrock = None


class Fused(Torch):
    """Where there is an optimizer, it is one kernel."""

    name = "torch, fused optimizer"
    how = {"fused": True}
    operations = residual = conv2d = pool = rosenbrock = None
