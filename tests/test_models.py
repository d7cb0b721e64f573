import pytest
import torch
from torch import nn

from course_utils.models import HeteroscedasticRegressor, HomoscedasticRegressor, mlp

MODELS = [HomoscedasticRegressor, HeteroscedasticRegressor]


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_the_network_of_the_question_has_2701_parameters():
    assert parameters(mlp(1, (50, 50), 1)) == 1 * 50 + 50 + 50 * 50 + 50 + 50 * 1 + 1


def test_no_hidden_layer_makes_a_straight_line():
    line = mlp(1, (), 1)
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    torch.testing.assert_close(line(x), x @ line[0].weight.T + line[0].bias)


def test_the_activation_stands_between_layers_and_not_at_the_end():
    kinds = [type(layer) for layer in mlp(3, (4, 5), 2, activation=nn.Tanh)]
    assert kinds == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]


@pytest.mark.parametrize("Model", MODELS)
@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (3, 2)])
def test_a_model_returns_a_mean_and_a_log_variance_for_every_output(Model, n_in, n_out):
    mu, log_var = Model(n_in=n_in, hidden=(7,), n_out=n_out)(torch.zeros(5, n_in).double())
    assert mu.shape == log_var.shape == (5, n_out)
    assert mu.dtype == log_var.dtype == torch.float64


@pytest.mark.parametrize("Model", MODELS)
def test_every_parameter_gets_a_gradient_from_the_nll(Model):
    from course_utils.losses import mean_nll

    torch.manual_seed(0)
    model = Model(hidden=(20,))
    x = torch.linspace(-1, 1, 30, dtype=torch.float64)[:, None]
    mean_nll(model, x, x**2).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_one_sigma_is_one_parameter_an_output_and_starts_at_1():
    model = HomoscedasticRegressor(n_in=2, hidden=(), n_out=3)
    assert parameters(model) == (2 * 3 + 3) + 3
    _, log_var = model(torch.randn(4, 2, dtype=torch.float64))
    assert (log_var == 0).all()


def test_two_outputs_let_the_variance_depend_on_x():
    torch.manual_seed(0)
    _, log_var = HeteroscedasticRegressor()(torch.tensor([[-1.0], [1.0]]).double())
    assert log_var[0] != log_var[1]
