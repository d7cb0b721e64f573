import copy
import math
from functools import partial

import pytest
import torch
from torch import nn

from course_utils.data import WAVE
from course_utils.losses import gaussian_nll, mean_nll, negative_elbo
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


def wave_of(scale, shift):
    x, y = WAVE.sample(100, seed=1)
    return x, shift + scale * y


def wave():
    return WAVE.sample(100, seed=0)


def test_the_four_conversions_are_those_of_the_docstring():
    x, y = wave()
    y = 200_000 + 1_000 * y
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


@pytest.mark.parametrize(("size", "sign", "shift"), [(1e-6, 1, 100), (1e6, -1, -3)])
def test_in_other_units_the_fit_is_the_same_fit(size, sign, shift):
    """y -> a y + b: mu becomes a mu + b and sigma |a| sigma, whatever the unit."""
    x, y = wave()
    a, b = sign * size, shift * size

    def fitted(target):
        torch.manual_seed(0)
        model = Standardised(HomoscedasticRegressor(hidden=()), x, target)
        fit(model, mean_nll, x, target, steps=200, lr=0.1, anneal=True)
        return predict(model, x)

    mu, sigma = fitted(y)
    new_mu, new_sigma = fitted(a * y + b)
    assert ((new_mu - (a * mu + b)).abs() < 1e-3 * size).all()
    torch.testing.assert_close(new_sigma, size * sigma, rtol=1e-3, atol=0)


def test_several_columns_keep_their_own_units_and_a_constant_input_has_no_say():
    x, y = wave()
    xs, ys = torch.cat([1e4 * x, 0 * x + 0.1], dim=1), torch.cat([y, 1e-3 * y, 0 * y + 7], dim=1)
    model = Standardised(HeteroscedasticRegressor(n_in=2, n_out=3), xs, ys)
    torch.testing.assert_close(model.y_scale[0, 2], torch.ones((), dtype=torch.float64))
    mu, sigma = predict(model, xs)
    assert mu.isfinite().all() and sigma[:, 1].max() < 1e-2
    assert torch.equal(predict(model, xs + torch.tensor([0, 5.0]))[0], mu)
    for wrong in (x, torch.cat([xs, x], dim=1)):
        with pytest.raises(ValueError, match=r"\(1, 2\)|2 columns"):
            predict(model, wrong)
    with pytest.raises(ValueError, match="training_y"):
        mean_nll(Standardised(HeteroscedasticRegressor(), x, ys), x, ys)


def test_a_standardised_bayesian_model_keeps_its_kl_and_its_draws():
    x, y = wave()
    y = 1e5 + 1e3 * y
    torch.manual_seed(0)
    model = Standardised(BayesianRegressor(), x, y)
    fit(model, partial(negative_elbo, n=100), x, y, steps=50)
    assert torch.equal(model.kl(), model.model.kl())
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.model.net[0].mu.zero_()
    assert twin.kl() != model.kl()
    mu, aleatoric, epistemic = predict_samples(model, x)
    assert (mu - 1e5).abs().max() < 1e4 and 100 < aleatoric.mean() < 1e4 and epistemic.mean() > 1
    with pytest.raises(ValueError, match="predict_samples"):
        predict(model, x)
    assert not hasattr(Standardised(HeteroscedasticRegressor(), x, y), "kl")


# Ensembles


def one_by_one(ensemble, seed=0, **form):
    """The networks that an ensemble made after ``torch.manual_seed(seed)`` holds, each alone."""
    torch.manual_seed(seed)
    return [HeteroscedasticRegressor(**form) for _ in range(ensemble.members)]


@pytest.mark.parametrize(
    "form",
    [{}, {"hidden": ()}, {"n_in": 3, "hidden": (7,), "n_out": 2, "activation": nn.Tanh}],
    ids=str,
)
def test_an_ensemble_computes_what_its_members_compute_alone(form):
    torch.manual_seed(0)
    ensemble = Ensemble(members=4, **form)
    nets = one_by_one(ensemble, **form)
    x = torch.linspace(-2, 2, 5 * form.get("n_in", 1), dtype=torch.float64).reshape(5, -1)
    y = torch.cos(torch.arange(5.0 * form.get("n_out", 1), dtype=torch.float64)).reshape(5, -1)
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


def test_training_an_ensemble_is_training_each_member():
    x, y = wave()
    torch.manual_seed(3)
    ensemble = Ensemble(hidden=(8,), members=3)
    nets = one_by_one(ensemble, seed=3, hidden=(8,))
    history = fit(ensemble, mean_nll, x, y, steps=60, lr=0.03, batch_size=30)
    losses = [fit(net, mean_nll, x, y, steps=60, lr=0.03, batch_size=30).loss for net in nets]
    for member, net in enumerate(nets):  # Adam's eps is not divided by 3, the gradient is
        torch.testing.assert_close(ensemble(x)[0][member], net(x)[0], rtol=1e-5, atol=1e-5)
    expected = torch.tensor(losses).mean(0)
    torch.testing.assert_close(torch.tensor(history.loss), expected, rtol=1e-5, atol=1e-5)


def test_an_ensemble_says_noise_and_spread_apart_and_their_sum():
    torch.manual_seed(0)
    ensemble = Ensemble(hidden=(), members=2)  # at x = 0 a member answers with its biases
    with torch.no_grad():
        ensemble.biases[0][:, 0] = torch.tensor([[0, 0], [2, 2 * math.log(3)]])
    x = torch.zeros(3, 1, dtype=torch.float64)
    mu, aleatoric, epistemic = (v[2].item() for v in predict_samples(ensemble, x))
    assert mu == 1 and aleatoric == pytest.approx(math.sqrt(5))
    assert epistemic == pytest.approx(math.sqrt(2))  # ((0 − 1)² + (2 − 1)²) / (2 − 1)
    mu, sigma = predict(ensemble, x)
    assert mu[0] == 1 and sigma[0].item() == pytest.approx(math.sqrt(7))
    assert not sigma.requires_grad and sigma.shape == (3, 1)


def test_an_ensemble_in_other_units_is_fitted_and_judged_in_them():
    x, y = wave()
    y = 1e5 + 1e3 * y
    torch.manual_seed(0)
    model = Standardised(Ensemble(hidden=(10,)), x, y)
    standard = (x - x.mean()) / x.std(correction=0), (y - y.mean()) / y.std(correction=0)
    shift = y.std(correction=0).log()
    torch.testing.assert_close(mean_nll(model, x, y), mean_nll(model.model, *standard) + shift)
    history = fit(model, mean_nll, x, y, steps=200, lr=0.03, held_out=wave_of(1e3, 1e5))
    assert history.loss[-1] < history.loss[0] and not history.remarks
    mu, aleatoric, epistemic = predict_samples(model, x)
    inner = predict_samples(model.model, standard[0])
    torch.testing.assert_close(aleatoric, inner[1] * y.std(correction=0))
    torch.testing.assert_close(predict(model, x)[1], torch.hypot(aleatoric, epistemic))
    assert 0.9 < coverage(y, *predict(model, x)) < 1 and (mu - 1e5).abs().max() < 1e4
    stored = Standardised(Ensemble(hidden=(10,)), 1 + x, 5 + y)  # the units are stored, too
    stored.load_state_dict(model.state_dict())
    torch.testing.assert_close(predict(copy.deepcopy(stored), x), predict(model, x))


def test_a_stack_that_is_no_ensemble_stays_refused():
    x, y = wave()
    ensemble = Ensemble(hidden=())
    with pytest.raises(ValueError, match=r"mu a .* \(5, 100, 1\)"):
        gaussian_nll(y, *ensemble(x))
    for use in (lambda m: mean_nll(m, x, y), lambda m: predict(m, x)):
        with pytest.raises(ValueError, match=r"\(5, 100, 1\)"):
            use(lambda x: ensemble(x))
    for wrong in (y[:50], y.T, torch.cat([y, y], 1), y[:, 0]):
        with pytest.raises(ValueError, match="shape"):
            mean_nll(ensemble, x, wrong)
