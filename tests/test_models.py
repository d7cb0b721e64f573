import copy

import pytest
import torch
from torch import nn

from course_utils.data import WAVE
from course_utils.losses import mean_nll
from course_utils.metrics import coverage
from course_utils.models import (
    BayesianRegressor,
    Ensemble,
    HeteroscedasticRegressor,
    HomoscedasticRegressor,
    Standardised,
    mlp,
)
from course_utils.training import fit, predict, predict_samples

MODELS = [HomoscedasticRegressor, HeteroscedasticRegressor, BayesianRegressor]


def test_an_mlp_of_the_question_has_its_layers_and_2701_parameters():
    model = mlp(1, (50, 50), 1, activation=nn.Tanh)
    assert [type(layer) for layer in model] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert sum(p.numel() for p in model.parameters()) == 2 * 50 + 50 * 50 + 50 + 50 + 1
    assert [type(layer) for layer in mlp(1, (), 1)] == [nn.Linear]


@pytest.mark.parametrize("Model", MODELS)
@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (3, 2)])
def test_a_model_returns_a_mean_and_a_log_variance_and_each_parameter_has_a_gradient(
    Model, n_in, n_out
):
    torch.manual_seed(0)
    model = Model(n_in=n_in, hidden=(7,), n_out=n_out)
    x = torch.randn(30, n_in, dtype=torch.float64)
    y = x.sum(1, keepdim=True).expand(-1, n_out)
    mu, log_var = model(x)
    assert mu.shape == log_var.shape == y.shape
    assert mu.dtype == log_var.dtype == torch.float64
    assert (len(log_var.unique()) > 1) == (Model is not HomoscedasticRegressor)  # σ = 1 at first
    mean_nll(model, x, y).backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def wave(scale=1.0, shift=0.0, seed=0):
    x, y = WAVE.sample(100, seed=seed)
    return x, shift + scale * y


def test_the_four_conversions_are_those_of_the_docstring():
    x, y = wave(1_000, 200_000)
    inner = HeteroscedasticRegressor()
    model = Standardised(inner, x, y)
    m, s = y.mean(), y.std(correction=0)
    x_standard, y_standard = (x - x.mean()) / x.std(correction=0), (y - m) / s
    mu, log_var = inner(x_standard)
    torch.testing.assert_close(model(x)[0], mu * s + m)
    torch.testing.assert_close(model(x)[1], log_var + 2 * s.log())
    torch.testing.assert_close(predict(model, x)[1], predict(inner, x_standard)[1] * s)
    natural, standard = mean_nll(model, x, y), mean_nll(inner, x_standard, y_standard)
    torch.testing.assert_close(natural, standard + s.log())


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_in_other_units_the_fit_is_the_same_fit(scale):
    """y -> a y + b: mu becomes a mu + b and sigma a sigma, whatever the unit."""

    def fitted(x, y):
        torch.manual_seed(0)
        model = Standardised(HomoscedasticRegressor(hidden=()), x, y)
        fit(model, mean_nll, x, y, steps=40, lr=0.1)
        return predict(model, x)

    mu, sigma = fitted(*wave())
    expected = 100 * scale + scale * mu, scale * sigma
    torch.testing.assert_close(fitted(*wave(scale, 100 * scale)), expected)


def test_several_columns_keep_their_own_units_and_a_constant_input_has_no_say():
    x, y = wave()
    xs, ys = torch.cat([1e4 * x, 0 * x + 0.1], dim=1), torch.cat([y, 1e-3 * y, 0 * y + 7], dim=1)
    model = Standardised(HeteroscedasticRegressor(n_in=2, n_out=3), xs, ys)
    torch.testing.assert_close(model.y_scale[0, 2], torch.ones((), dtype=torch.float64))
    third = Standardised(HeteroscedasticRegressor(), 0 * x + 1 / 3, y)  # its sd is 6e-17
    assert third.x_scale.isinf()
    mu, sigma = predict(model, xs)
    assert mu.isfinite().all() and sigma[:, 1].max() < 1e-2
    assert torch.equal(predict(model, xs + torch.tensor([0, 5.0]))[0], mu)


def test_a_standardised_bayesian_model_keeps_its_kl_and_its_draws():
    x, y = wave(1e3, 1e5)
    torch.manual_seed(0)
    model = Standardised(BayesianRegressor(), x, y)
    assert torch.equal(model.kl(), model.model.kl())
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.model.net[0].mu.zero_()
    assert twin.kl() != model.kl()
    mu, aleatoric, epistemic = predict_samples(model, x)
    assert (mu - 1e5).abs().max() < 1e4 and 100 < aleatoric.mean() < 1e4 and epistemic.mean() > 1
    assert not hasattr(Standardised(HeteroscedasticRegressor(), x, y), "kl")


# Ensembles


@pytest.mark.parametrize(
    "form",
    [{}, {"hidden": ()}, {"n_in": 3, "hidden": (7,), "n_out": 2, "activation": nn.Tanh}],
    ids=str,
)
def test_an_ensemble_computes_what_its_members_compute_alone(form):
    """Trained it is what they are trained, too: lesson 14."""
    torch.manual_seed(0)
    ensemble = Ensemble(members=4, **form)
    torch.manual_seed(0)
    nets = [HeteroscedasticRegressor(**form) for _ in range(4)]
    x = torch.randn(5, form.get("n_in", 1), dtype=torch.float64)
    y = torch.randn(5, form.get("n_out", 1), dtype=torch.float64)
    mean_nll(ensemble, x, y).backward()
    alone = sum(mean_nll(net, x, y) for net in nets)
    alone.backward()
    torch.testing.assert_close(mean_nll(ensemble, x, y), alone / 4)
    mus, log_vars = ensemble(x)
    for member, net in enumerate(nets):
        torch.testing.assert_close((mus[member], log_vars[member]), net(x))
        layers = [module for module in net.modules() if isinstance(module, nn.Linear)]
        for w, b, layer in zip(ensemble.weights, ensemble.biases, layers, strict=True):
            torch.testing.assert_close(w[member], layer.weight.T, rtol=0, atol=0)
            torch.testing.assert_close(4 * w.grad[member], layer.weight.grad.T)
            torch.testing.assert_close(4 * b.grad[member, 0], layer.bias.grad)


def test_an_ensemble_in_other_units_is_fitted_and_judged_in_them():
    x, y = wave(1e3, 1e5)
    torch.manual_seed(0)
    model = Standardised(Ensemble(hidden=(10,)), x, y)
    scale = y.std(correction=0)
    standard = (x - x.mean()) / x.std(correction=0), (y - y.mean()) / scale
    inner = mean_nll(model.model, *standard)
    torch.testing.assert_close(mean_nll(model, x, y), inner + scale.log())
    history = fit(model, mean_nll, x, y, steps=200, lr=0.03, held_out=wave(1e3, 1e5, seed=1))
    assert history.loss[-1] < history.loss[0] and not history.remarks
    mu, aleatoric, epistemic = predict_samples(model, x)
    torch.testing.assert_close(aleatoric, scale * predict_samples(model.model, standard[0])[1])
    torch.testing.assert_close(predict(model, x), (mu, torch.hypot(aleatoric, epistemic)))
    assert 0.9 < coverage(y, *predict(model, x)) < 1 and (mu - 1e5).abs().max() < 1e4
    stored = Standardised(Ensemble(hidden=(10,)), 1 + x, 5 + y)  # the units are stored, too
    stored.load_state_dict(model.state_dict())
    torch.testing.assert_close(predict(copy.deepcopy(stored), x), predict(model, x))
