"""What fit costs beside the bare loop.

python -m pytest tests/benchmarks/test_training.py
"""

import time
from statistics import median

import torch

from course_utils.data import WAVE
from course_utils.losses import mean_nll
from course_utils.models import HeteroscedasticRegressor
from course_utils.training import fit


def test_a_step_of_fit_costs_that_of_the_bare_loop():
    """The time of a step of fit over that of the bare loop: a ratio, on whatever machine."""
    x, y = WAVE.sample(500, seed=0)

    def bare(model):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
        for _ in range(200):
            mu, log_var = model(x)
            loss = (0.5 * (log_var + (y - mu) ** 2 * torch.exp(-log_var))).mean()
            loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def ours(model):
        fit(model, mean_nll, x, y, steps=200)

    def seconds(work):
        model, start = HeteroscedasticRegressor(), time.process_time()
        work(model)
        return time.process_time() - start

    ratios = [seconds(ours) / seconds(bare) for _ in range(7)]
    assert median(ratios) < 1.25, ratios
