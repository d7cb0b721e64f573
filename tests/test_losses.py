import pytest
import torch
from torch.distributions import Normal, kl_divergence

from course_utils.losses import beta_nll, gaussian_kl, gaussian_nll, mean_nll
from course_utils.models import HeteroscedasticRegressor


@pytest.fixture
def values():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 40, 2, generator=generator, dtype=torch.float64)


def test_the_nll_and_the_kl_are_those_of_torch_distributions(values):
    y, mu, log_var = values
    q = Normal(mu, (log_var / 2).exp())
    torch.testing.assert_close(gaussian_nll(y, mu, log_var), -q.log_prob(y))
    torch.testing.assert_close(gaussian_kl(mu, log_var), kl_divergence(q, Normal(0.0, 1.0)))
    model = HeteroscedasticRegressor(n_in=2, hidden=(4,), n_out=2)
    torch.testing.assert_close(mean_nll(model, mu, y), gaussian_nll(y, *model(mu)).mean())


def test_beta_nll_spans_from_the_nll_to_the_gradient_of_the_squared_error(values):
    y, mu, log_var = values
    torch.testing.assert_close(beta_nll(y, mu, log_var, 0.0), gaussian_nll(y, mu, log_var))
    mu = mu.clone().requires_grad_()
    beta_nll(y, mu, log_var, 1.0).sum().backward()
    torch.testing.assert_close(mu.grad, (mu - y).detach())


def test_no_gradient_flows_through_the_weight_of_beta_nll(values):
    y, mu, log_var = values
    log_var = log_var.clone().requires_grad_()
    beta_nll(y, mu, log_var, 0.5).sum().backward()
    nll_gradient = 0.5 * (1 - (y - mu) ** 2 / log_var.exp())
    torch.testing.assert_close(log_var.grad, ((log_var / 2).exp() * nll_gradient).detach())
