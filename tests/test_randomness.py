"""The learner's random numbers are theirs, whatever runs beside the cell."""
# ruff: noqa: NPY002

import random
import threading
from functools import partial

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

from course_utils.data import WAVE
from course_utils.labs import LABS
from course_utils.losses import negative_elbo
from course_utils.models import BayesianRegressor, Bump, HeteroscedasticRegressor
from course_utils.randomness import OwnDraws
from course_utils.training import fit

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
        found = draw()
    assert torch.equal(found, expected) and torch.equal(state, torch.get_rng_state())


def seed_all(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def own_generator():
    return torch.rand(3, generator=torch.Generator().manual_seed(7))


def test_a_generator_that_is_given_is_used():
    expected = own_generator()
    with OwnDraws(3):
        assert torch.equal(own_generator(), expected)


class Short(LABS["07"]):
    """Its draws, in a fit that soon ends."""

    train_steps, refit_steps = 20, 10


def slide(lab):
    for prior in (1.0, 3.0):
        lab.set(prior=prior)
    lab.rewind()


def test_a_cell_draws_the_same_numbers_whatever_runs_beside_it():
    x, y = WAVE.sample(50, seed=0)
    begun, ended = threading.Event(), threading.Event()

    def cell(goes_on):
        seed_all(0)
        drawn = []
        while goes_on(len(drawn)):
            model = BayesianRegressor(activation=Bump)
            losses = fit(model, partial(negative_elbo, n=50), x, y, steps=5).loss
            drawn.append((losses, torch.rand(1).item(), np.random.rand(), random.random()))
            torch.manual_seed(len(drawn))
            begun.set()
        return drawn

    def beside():
        begun.wait()
        try:
            slide(Short())
        finally:
            ended.set()

    thread = threading.Thread(target=beside)
    thread.start()
    disturbed = cell(lambda rounds: rounds < 10 or not ended.is_set())
    thread.join()
    assert disturbed == cell(lambda rounds: rounds < len(disturbed))
