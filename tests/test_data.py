import math

import numpy as np
import pytest
import torch

from course_utils.data import DATASETS, FUNNEL, LINE, WAVE, diabetes, engel, motorcycle

PROBLEMS = {"line": LINE, "wave": WAVE, "funnel": FUNNEL}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_sample_has_the_declared_mean_and_noise(problem):
    x, y = problem.sample(100_000, seed=1)
    mean, sigma = problem.truth(x)
    z = (y - mean) / sigma
    assert x.shape == y.shape == (100_000, 1) and x.dtype == y.dtype == torch.float64
    assert problem.low <= x.min() and x.max() <= problem.high
    assert abs(z.mean()) < 4 / math.sqrt(100_000)
    assert abs(z.var() - 1) < 4 * math.sqrt(2 / 100_000)


def test_a_seed_gives_its_data_and_leaves_the_global_generators_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first, again, other = (LINE.sample(50, seed=seed)[1] for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_noise_floor_is_the_expected_nll_of_the_truth(problem):
    x, y = problem.sample(200_000, seed=2)
    mean, sigma = problem.truth(x)
    nll = -torch.distributions.Normal(mean, sigma).log_prob(y)
    assert abs(nll.mean() - problem.noise_floor()) < 4 * nll.std() / math.sqrt(len(nll))


def test_the_line_and_the_wave_are_those_of_their_sources():
    x = torch.tensor([[-3.0], [0.0], [2.0]], dtype=torch.float64)
    wave = [math.sin(-3.9), 0, math.sin(2.6)], [0.9, 0.15, 0.65]
    for problem, truth in ((LINE, ([-5.2, 1.7, 6.3], [1, 1, 1])), (WAVE, wave)):
        for found, expected in zip(problem.truth(x), truth):
            assert found.flatten().tolist() == pytest.approx(expected)


def test_a_margin_widens_the_grid_on_both_sides():
    grid = LINE.grid(5, margin=0.5)
    assert grid.shape == (5, 1) and grid[0] == -6 and grid[-1] == 6


@pytest.mark.parametrize(
    ("load", "n", "d", "first", "mean_of_y"),
    [
        (motorcycle, 133, 1, ([2.4], 0.0), -25.545865),
        (engel, 235, 1, ([420.157650843928], 255.839424594576), 624.150111),
        (diabetes, 442, 10, ([59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87], 151.0), 152.133484),
    ],
)
def test_the_real_data_are_those_of_their_sources(load, n, d, first, mean_of_y):
    x, y = load()
    assert x.shape == (n, d) and y.shape == (n, 1) and x.dtype == y.dtype == torch.float64
    assert (x[0].tolist(), y[0].item()) == first
    assert y.mean().item() == pytest.approx(mean_of_y, abs=1e-6)
    assert f"`{load.__name__}.csv` | {n} |" in (DATASETS / "README.md").read_text(encoding="utf-8")
