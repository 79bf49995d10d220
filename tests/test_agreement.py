"""A LeNet trains to the same numbers on NumPy, on torch arrays and in plain torch."""

import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_close

from lecturelib.data import batches, fashion_mnist

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))


@pytest.mark.slow
def test_lenet_agrees_three_ways():
    from agreement import ours, theirs, train  # of the benchmarks

    data = fashion_mnist()
    few = data.train.astype(np.float64)[:1000]
    how = {"dtype": np.float64, "steps": 48}
    runs = [ours("cpu", **how), ours("torch", **how), theirs(**how)]
    losses = [train(step, few, 3) for step, _ in runs]
    assert losses[0][-1] < 0.7 * losses[0][0]
    for other in losses[1:]:
        assert_close(other, losses[0])
    x, y = next(iter(batches(data.test.astype(np.float64), 500)))
    scores = [f(x) for _, f in runs]
    assert (scores[0].argmax(1) == y).mean() > 0.4
    for other in scores[1:]:
        np.testing.assert_allclose(other, scores[0], atol=1e-8)
