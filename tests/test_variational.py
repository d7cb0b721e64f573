"""Distributions over weights, against torch.distributions; their training, in lessons 06 and 07."""

import math

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal, kl_divergence

from course_utils.data import WAVE
from course_utils.losses import gaussian_nll, negative_elbo
from course_utils.models import BayesianLinear, BayesianRegressor
from course_utils.training import predict_samples


@pytest.mark.parametrize("prior_sd", [0.5, 1.0, 3.0])
def test_kl_of_a_network_is_that_of_its_layers_by_torch_whatever_is_drawn(prior_sd):
    torch.manual_seed(0)
    model = BayesianRegressor(2, (5, 4), 3, prior_sd=prior_sd)
    layers = [layer for layer in model.modules() if isinstance(layer, BayesianLinear)]
    assert [(layer.mu.shape[1] - 1, len(layer.mu)) for layer in layers] == [(2, 5), (5, 4), (4, 6)]
    expected = 0
    for layer in layers:
        torch.nn.init.uniform_(layer.log_var, -3, 1)
        q = Normal(layer.mu, torch.exp(layer.log_var / 2))
        expected += kl_divergence(q, Normal(0.0, prior_sd)).sum()
    model(torch.zeros(3, 2).double())
    torch.testing.assert_close(model.kl(), expected)


def test_weights_are_drawn_anew_once_for_all_rows():
    torch.manual_seed(0)
    layer = BayesianLinear(1, 1, init_sd=0.5)
    x = torch.tensor([[0.0], [1.0], [2.0], [2.0]], dtype=torch.float64)
    side_by_side = torch.vmap(lambda _: layer(x), randomness="different")
    draws = side_by_side(torch.empty(4000)).detach()
    lines = draws[:, 2] - 2 * draws[:, 1] + draws[:, 0]  # a line has no second difference
    torch.testing.assert_close(lines, torch.zeros_like(lines))
    torch.testing.assert_close(draws[:, 2], draws[:, 3])
    intercepts, slopes = draws[:, 0, 0], (draws[:, 1] - draws[:, 0])[:, 0]
    for sample, mu in ((slopes, layer.mu[0, 0]), (intercepts, layer.mu[0, 1])):
        assert abs(sample.mean() - mu) < 5 * 0.5 / math.sqrt(4000)
        assert abs(sample.std() / 0.5 - 1) < 0.06


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("batch_size", [10, 7, 30])
def test_minibatches_add_up_to_the_elbo_of_all_data(batch_size, outputs):
    x, y = WAVE.sample(30, seed=0)
    y, model, total = y.expand(-1, outputs), BayesianRegressor(n_out=outputs), 0
    for batch in zip(x.split(batch_size), y.split(batch_size), strict=True):
        torch.manual_seed(0)
        total += negative_elbo(model, *batch, n=30) * batch[1].numel()
    torch.manual_seed(0)
    torch.testing.assert_close(total, gaussian_nll(y, *model(x)).sum() + model.kl())


def test_predict_samples_follows_the_law_of_total_variance():
    x, _ = WAVE.sample(30, seed=0)
    torch.manual_seed(0)
    outputs = torch.randn(20, 2, 30, 1, dtype=torch.float64, requires_grad=True)
    drawn = iter(outputs)
    mu, aleatoric, epistemic = predict_samples(lambda x: next(drawn), x, draws=20)
    mus, log_vars = outputs.detach().squeeze(-1).unbind(1)  # each (20, 30)
    parts = Normal(mus.T, torch.exp(log_vars.T / 2))
    mixture = MixtureSameFamily(Categorical(torch.ones(30, 20)), parts)
    torch.testing.assert_close(mu[:, 0], mixture.mean)
    torch.testing.assert_close((aleatoric**2 + epistemic**2)[:, 0], mixture.variance)
    torch.testing.assert_close(aleatoric[:, 0], (parts.variance.mean(1)).sqrt())
    assert not (mu.requires_grad or aleatoric.requires_grad or epistemic.requires_grad)
