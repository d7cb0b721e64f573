"""Distributions over weights, against torch.distributions and an exact posterior."""

import math
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.distributions import (
    Categorical,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from course_utils.data import LINE, WAVE
from course_utils.losses import gaussian_nll, negative_elbo
from course_utils.models import BayesianLinear, BayesianRegressor
from course_utils.training import fit, predict_samples


def kl_by_torch(layer):
    q = Normal(layer.mu, torch.exp(layer.log_var / 2))
    return kl_divergence(q, Normal(0.0, layer.prior_sd)).sum()


def many(draw, count):
    """What ``count`` calls of draw() return, each with random numbers of its own, side by side."""
    return torch.vmap(lambda _: draw(), randomness="different")(torch.empty(count)).detach()


def loss_with_seed(model, x, y, n):
    torch.manual_seed(0)
    return negative_elbo(model, x, y, n=n)


@pytest.mark.parametrize("prior_sd", [0.5, 1.0, 3.0])
def test_kl_of_a_layer_equals_that_of_torch_distributions(prior_sd):
    torch.manual_seed(0)
    layer = BayesianLinear(3, 4, prior_sd=prior_sd)
    with torch.no_grad():
        layer.log_var.uniform_(-3, 1)
    torch.testing.assert_close(layer.kl(), kl_by_torch(layer))


def test_kl_of_a_network_is_the_sum_over_its_layers():
    torch.manual_seed(0)
    model = BayesianRegressor(2, (5, 4), 3, prior_sd=2.0)
    layers = [layer for layer in model.modules() if isinstance(layer, BayesianLinear)]
    assert [(layer.mu.shape[1] - 1, len(layer.mu)) for layer in layers] == [(2, 5), (5, 4), (4, 6)]
    torch.testing.assert_close(model.kl(), sum(map(kl_by_torch, layers)))


def test_weights_are_drawn_anew_once_for_all_rows():
    torch.manual_seed(0)
    layer = BayesianLinear(1, 1, init_sd=0.5)
    x = torch.tensor([[0.0], [1.0], [2.0], [2.0]], dtype=torch.float64)
    assert not torch.equal(layer(x), layer(x))
    draws = many(lambda: layer(x), 4000)
    lines = draws[:, 2] - 2 * draws[:, 1] + draws[:, 0]  # a line has no second difference
    torch.testing.assert_close(lines, torch.zeros_like(lines))
    torch.testing.assert_close(draws[:, 2], draws[:, 3])
    intercepts, slopes = draws[:, 0, 0], (draws[:, 1] - draws[:, 0])[:, 0]
    for sample, mu in ((slopes, layer.mu[0, 0]), (intercepts, layer.mu[0, 1])):
        assert abs(sample.mean() - mu) < 5 * 0.5 / math.sqrt(4000)
        assert abs(sample.std() / 0.5 - 1) < 0.06


class Line(nn.Module):
    """y = w x + b + N(0, 1) with Gaussians on w and b: the model that has an exact posterior."""

    def __init__(self, prior_sd):
        super().__init__()
        self.layer = BayesianLinear(1, 1, prior_sd)

    def forward(self, x):
        mu = self.layer(x)
        return mu, torch.zeros_like(mu)

    def kl(self):
        return self.layer.kl()


def exact_posterior(x, y, prior_sd):
    """Mean (2, 1) and precision (2, 2) of the slope and the intercept, at noise variance 1."""
    X = torch.cat([x, torch.ones_like(x)], dim=1)
    precision = X.T @ X + torch.eye(2, dtype=x.dtype) / prior_sd**2
    return torch.linalg.solve(precision, X.T @ y), precision


def expected_negative_elbo(model, x, y):
    """The mean over all draws of a slope and an intercept, exact because the loss is quadratic.

    The four points ±√2 eᵢ have the mean and the covariance of N(0, I).
    """

    def at(eps):
        with patch("torch.randn_like", return_value=eps):
            return negative_elbo(model, x, y, n=len(x))

    axes = math.sqrt(2) * torch.eye(2, dtype=x.dtype)[:, None]
    return torch.vmap(at)(torch.cat([axes, -axes])).mean()


@pytest.mark.parametrize("shift", [0.0, 3.0], ids=["centred", "uncentred"])
def test_trained_elbo_matches_the_mean_field_optimum(shift):
    x, y = LINE.sample(50, seed=0)
    x = x + shift
    mean, precision = exact_posterior(x, y, prior_sd=3.0)
    torch.manual_seed(0)
    model = Line(prior_sd=3.0)
    fit(model, expected_negative_elbo, x, y, steps=200, lr=1, anneal=True)

    learned = Normal(model.layer.mu[0].detach(), torch.exp(model.layer.log_var[0].detach() / 2))
    torch.testing.assert_close(learned.mean, mean[:, 0], rtol=1e-3, atol=0)
    torch.testing.assert_close(learned.stddev, precision.diagonal().rsqrt(), rtol=1e-3, atol=0)

    posterior = MultivariateNormal(mean[:, 0], precision_matrix=precision)
    q = MultivariateNormal(learned.mean, learned.variance.diag())
    gap = (precision.diagonal().log().sum() - precision.logdet()) / 2
    torch.testing.assert_close(kl_divergence(q, posterior), gap, rtol=1e-3, atol=0)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("batch_size", [10, 7, 30])
def test_minibatches_add_up_to_the_elbo_of_all_data(batch_size, outputs):
    x, y = WAVE.sample(30, seed=0)
    y = y.expand(-1, outputs)
    torch.manual_seed(0)
    model = BayesianRegressor(n_out=outputs)
    batches = zip(x.split(batch_size), y.split(batch_size), strict=True)
    parts = [loss_with_seed(model, *batch, n=30) * batch[1].numel() for batch in batches]
    torch.manual_seed(0)
    full = gaussian_nll(y, *model(x)).sum() + model.kl()
    torch.testing.assert_close(sum(parts), full)


def test_negative_elbo_refuses_an_n_below_the_points_given():
    x, y = WAVE.sample(30, seed=0)
    with pytest.raises(ValueError, match=r"at least the 30 .* n=10"):
        negative_elbo(BayesianRegressor(), x, y, n=10)


def test_predictions_leave_no_trace_in_the_next_loss():
    x, y = WAVE.sample(30, seed=0)
    torch.manual_seed(0)
    model, other = BayesianRegressor(), BayesianRegressor()
    before, kl_of_other = loss_with_seed(model, x, y, 30), other.kl()
    predict_samples(model, x, draws=10)
    assert loss_with_seed(model, x, y, 30) == before
    assert other.kl() == kl_of_other != model.kl()


def test_predict_samples_follows_the_law_of_total_variance():
    x, _ = WAVE.sample(30, seed=0)
    torch.manual_seed(0)
    outputs = torch.randn(20, 2, 30, 1, dtype=torch.float64)
    drawn = iter(outputs)
    mu, aleatoric, epistemic = predict_samples(lambda x: next(drawn), x, draws=20)
    mus, log_vars = outputs.squeeze(-1).unbind(1)  # each (20, 30)
    parts = Normal(mus.T, torch.exp(log_vars.T / 2))
    mixture = MixtureSameFamily(Categorical(torch.ones(30, 20)), parts)
    torch.testing.assert_close(mu[:, 0], mixture.mean)
    torch.testing.assert_close((aleatoric**2 + epistemic**2)[:, 0], mixture.variance)
    torch.testing.assert_close(aleatoric[:, 0], (parts.variance.mean(1)).sqrt())


def test_predict_samples_keeps_no_graph_and_wants_two_draws():
    x, _ = WAVE.sample(30, seed=0)
    assert not any(value.requires_grad for value in predict_samples(BayesianRegressor(), x, 2))
    with pytest.raises(ValueError, match="draws >= 2"):
        predict_samples(BayesianRegressor(), x, draws=1)
