"""Minibatch training: draw a batch, compute the loss, send it back, take a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lecturelib import functional as F
from lecturelib.backend import check_rng
from lecturelib.core import no_grad
from lecturelib.data import Dataset, batches
from lecturelib.nn import Module
from lecturelib.nn.temporary import evaluating
from lecturelib.optim import Optimizer
from lecturelib.train.callbacks import Callback, Run
from lecturelib.train.history import History
from lecturelib.train.progress import progress_bar


def fit(model: Module, optimizer: Optimizer, train: Dataset, *, epochs: int,
        rng: np.random.Generator, batch_size: int = 128,
        loss: Callable = F.cross_entropy, metric: Callable = F.accuracy,
        transform: Callable | None = None, validation: Dataset | None = None,
        callbacks: Sequence[Callback] = (), progress: bool = True) -> History:
    """Train the model for some epochs: passes over all examples, shuffled by `rng`.

    loss(scores, y) gives a scalar Tensor, metric(scores, y) a number. To augment the
    data, the inputs of each batch go through transform(x, rng=rng); those of
    `validation` stay as they are. Each callback is told of steps and epochs; it may
    stop the training. Calling `fit` again goes on from where the model is. Returns the
    History.

    Raises ValueError for epochs < 1 or a data set without examples, TypeError if `rng`
    is not a Generator, and FloatingPointError when the loss is no longer finite, before
    the step that would spoil the parameters.
    """
    if epochs < 1:
        raise ValueError(f"epochs: at least 1 is needed, got {epochs}")
    if not len(train):
        raise ValueError("train: the data set has no examples")
    if validation is not None and not len(validation):
        raise ValueError("validation: the data set has no examples")
    deck = batches(train, batch_size, rng=check_rng(rng), transform=transform)
    history = History()
    run = Run(model, optimizer, validation, history, callbacks)
    run.tell("before_training")
    with progress_bar(total=epochs * len(deck), enabled=progress) as bar:
        for epoch in range(1, epochs + 1):
            model.train()
            sizes: list[int] = []
            losses: list[float] = []
            metrics: list[float] = []
            for x, y in deck:
                optimizer.zero_grad()
                scores = model(x)
                batch_loss = loss(scores, y)
                value = batch_loss.item()
                if not math.isfinite(value):
                    raise FloatingPointError(
                        f"fit: the loss is {value} in step {len(losses) + 1} of "
                        f"epoch {epoch}; a smaller learning rate than {optimizer.lr} "
                        "may help")
                batch_loss.backward()
                run.tell("before_step")
                optimizer.step()

                sizes.append(len(y))
                losses.append(value)
                metrics.append(metric(scores, y))
                history.step_loss.append(value)
                run.tell("after_step")
                bar.update(f"epoch {epoch}/{epochs}, loss {value:.3f}")
            history.loss.append(float(np.average(losses, weights=sizes)))
            history.metric.append(float(np.average(metrics, weights=sizes)))
            if validation is not None:
                val_loss, val_metric = evaluate(
                    model, validation, loss=loss, metric=metric)
                history.val_loss.append(val_loss)
                history.val_metric.append(val_metric)
            run.tell("after_epoch")
            if history.stopped:
                break
    run.tell("after_training")
    return history


@no_grad()
def evaluate(model: Module, dataset: Dataset, *, loss: Callable = F.cross_entropy,
             metric: Callable = F.accuracy,
             batch_size: int = 1000) -> tuple[float, float]:
    """The mean loss and metric over a data set, in evaluation mode, recording nothing.

    Raises ValueError for a data set without examples. Afterwards every module is in the
    mode that it was in before.
    """
    if not len(dataset):
        raise ValueError("dataset: it has no examples")
    totals: Any = np.zeros(2)
    with evaluating(model):
        for x, y in batches(dataset, batch_size):
            scores = model(x)
            totals += len(y) * np.array([float(loss(scores, y)), metric(scores, y)])
    mean_loss, mean_metric = totals / len(dataset)
    return float(mean_loss), float(mean_metric)
