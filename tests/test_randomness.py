"""The learner's random numbers are theirs, whatever runs beside the cell."""
# ruff: noqa: NPY002

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.distributions import (
    Categorical,
    Exponential,
    Laplace,
    MultivariateNormal,
    Normal,
    Poisson,
)

from course_utils.labs import LABS
from course_utils.models import BayesianRegressor, HeteroscedasticRegressor
from course_utils.randomness import OwnDraws

ONES = torch.ones(3, 4, dtype=torch.float64)
DRAWS = {
    "weights": lambda: torch.cat([p.flatten() for p in HeteroscedasticRegressor().parameters()]),
    "Bayesian": lambda: torch.cat(BayesianRegressor(n_in=4)(ONES)),
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(2, 3),
    "rand_like": lambda: torch.rand_like(ONES),
    "randn_like": lambda: torch.randn_like(ONES),
    "float32": lambda: torch.randn_like(ONES, dtype=torch.float32),
    "randperm": lambda: torch.randperm(9),
    "randint": lambda: torch.randint(0, 9, (3,)),
    "normal": lambda: torch.normal(0 * ONES, ONES),
    "in place": lambda: torch.empty(9).uniform_(),
    "bernoulli": lambda: torch.bernoulli(ONES / 3),
    "Normal": lambda: Normal(0.0, 1.0).rsample((3,)),
    "Poisson": lambda: Poisson(3.0).sample((3,)),
    "Laplace": lambda: Laplace(0.0, 1.0).sample((3,)),
    "Categorical": lambda: Categorical(torch.ones(4)).sample((9,)),
    "Exponential": lambda: Exponential(1.0).sample((3,)),
    "MultivariateNormal": lambda: MultivariateNormal(torch.zeros(2), torch.eye(2)).sample((3,)),
    "vmap": lambda: torch.vmap(lambda _: torch.randn_like(ONES), randomness="different")(ONES[0]),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_own_draws_are_those_of_the_seed_and_leave_the_global_generator_alone(draw):
    torch.manual_seed(3)
    expected = draw()
    torch.manual_seed(99)
    state = torch.get_rng_state()
    with OwnDraws(3):
        assert torch.equal(draw(), expected)
        assert torch.equal(state, torch.get_rng_state())  # not even meanwhile


def test_a_generator_that_is_given_is_used():
    own = lambda: torch.rand(3, generator=torch.Generator().manual_seed(7))  # noqa: E731
    expected = own()
    with OwnDraws(3):
        assert torch.equal(own(), expected)


def streams():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()


def test_a_lab_that_works_beside_a_cell_takes_nothing_of_the_cells_random_numbers():
    short = type("Short", (LABS["07"],), {"train_steps": 20, "refit_steps": 10})
    lab, before = short(), streams()
    with ThreadPoolExecutor(1) as beside:
        sliding = beside.submit(lab.set, prior=3.0)
        while not sliding.done():
            assert streams() == before
            time.sleep(0.001)
    assert sliding.result() is None and lab.value.prior == 3
