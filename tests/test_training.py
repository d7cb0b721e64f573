import math
import re
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD
from tqdm import tqdm

from course_utils.data import LINE, WAVE, Problem, constant
from course_utils.losses import beta_nll, gaussian_nll, mean_nll, negative_elbo
from course_utils.models import (
    BayesianRegressor,
    HeteroscedasticRegressor,
    HomoscedasticRegressor,
    Standardised,
    mlp,
)
from course_utils.training import (
    Diverged,
    History,
    Remark,
    fit,
    minibatches,
    predict,
    predict_samples,
)


def squared_error(model, x, y):
    return ((model(x) - y) ** 2).mean()


def line():
    torch.manual_seed(0)
    return mlp(1, (), 1)


def test_fit_finds_the_least_squares_line():
    x, y = LINE.sample(200, seed=0)
    model = line()
    fit(model, squared_error, x, y, steps=400, lr=0.1, anneal=True)
    design = torch.cat([x, torch.ones_like(x)], dim=1)
    slope, intercept = torch.linalg.lstsq(design, y).solution.flatten()
    assert model[0].weight.item() == pytest.approx(slope.item(), abs=1e-4)
    assert model[0].bias.item() == pytest.approx(intercept.item(), abs=1e-4)


def test_single_sigma_equals_rms_residual():
    x, y = LINE.sample(500, seed=0)
    torch.manual_seed(0)
    model = HomoscedasticRegressor(hidden=())
    fit(model, mean_nll, x, y, steps=400, lr=0.2, anneal=True)
    mu, sigma = predict(model, x)
    assert sigma[0].item() == pytest.approx(((y - mu) ** 2).mean().sqrt().item(), rel=1e-4)


def test_minibatches_visit_every_point_once_an_epoch():
    x = torch.arange(10.0)[:, None]
    batches = minibatches(x, 2 * x, 4, seed=0)
    for _ in range(2):
        epoch = [next(batches) for _ in range(3)]
        assert [len(b) for b, _ in epoch] == [4, 4, 2]
        assert torch.cat([b for b, _ in epoch]).sort(dim=0).values.equal(x)
        assert all(torch.equal(y_batch, 2 * x_batch) for x_batch, y_batch in epoch)


def test_training_repeats_bit_for_bit_and_leaves_the_global_generator_alone():
    x, y = WAVE.sample(100, seed=0)
    state = torch.get_rng_state()
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        model = HeteroscedasticRegressor(hidden=(8,))
        before = torch.get_rng_state()
        losses.append(fit(model, mean_nll, x, y, steps=20, batch_size=32, seed=5).loss)
        assert torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(state)
    assert losses[0] == losses[1]


def test_anneal_lowers_the_learning_rate_to_0():
    x, y = LINE.sample(50, seed=0)
    seen = []

    def spy(parameters, lr):
        optimizer = SGD(parameters, lr=lr)
        seen.append(optimizer)
        return optimizer

    fit(line(), squared_error, x, y, steps=10, lr=1e-3, anneal=True, optimizer=spy)
    assert seen[0].param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_history_holds_the_loss_of_each_step_and_of_the_held_out_data():
    x, y = LINE.sample(60, seed=0)
    model = line()
    first = squared_error(model, x, y).item()
    history = fit(model, squared_error, x, y, steps=250, held_out=(x, y))
    assert len(history.loss) == 250 and history.loss[0] == first
    assert history.held_out_steps[-1] == 250 and 100 <= len(history.held_out) <= 130
    assert history.held_out[-1] == squared_error(model, x, y).item()
    # judged after a step, so one entry ahead of the training loss
    assert history.held_out[0] == history.loss[history.held_out_steps[0]]


def test_several_inputs_and_outputs_are_fitted():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 3, generator=generator, dtype=torch.float64)
    y = torch.cat([x.sum(dim=1, keepdim=True), x[:, :1] - 1], dim=1)
    torch.manual_seed(0)
    model = HeteroscedasticRegressor(n_in=3, hidden=(), n_out=2)
    with pytest.warns(Remark, match="no floor|sigma is .* times"):  # there is no noise
        fit(model, mean_nll, x, y, steps=100, lr=0.1, anneal=True)
    mu, sigma = predict(model, x)
    assert mu.shape == sigma.shape == y.shape
    assert ((mu - y) ** 2).mean() < 0.05


def test_divergence_names_the_step_and_the_learning_rate():
    x, y = LINE.sample(50, seed=0)
    with pytest.raises(Diverged, match=r"at step \d+ \(lr=50\)") as error:
        fit(line(), squared_error, x, y, steps=500, lr=50, optimizer=SGD)
    assert 0 < error.value.step < 500


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"held_out": (torch.zeros(3, 1).double(), torch.zeros(4, 1).double())}, r"\(4, 1\)"),
        ({"held_out": torch.zeros(3, 2)}, "pair"),
        ({"keep_best": True}, r"expected held_out=\(x, y\)"),
    ],
)
def test_unusable_options_are_refused(options, words):
    x, y = LINE.sample(10, seed=0)
    with pytest.raises(ValueError, match=words):
        fit(line(), squared_error, x, y, **options)


GOOD = torch.zeros(4, 1, dtype=torch.float64)
HOLE = torch.tensor([[0.0], [math.nan], [1.0], [math.inf]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (GOOD[:3], GOOD, r"\(3, 1\) and \(4, 1\)"),
        (GOOD, GOOD.T, r"\(4, 1\) and \(1, 4\)"),
        (GOOD, HOLE, r"y must be finite, got nan in row 1 \(2 of 4 rows\)"),
        (HOLE, GOOD, "x must be finite"),
    ],
)
def test_unusable_data_are_refused_with_what_came(x, y, words):
    with pytest.raises(ValueError, match=words):
        fit(line(), squared_error, x, y)


def test_a_wrong_shape_from_the_model_is_refused_by_the_loss():
    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = HomoscedasticRegressor(hidden=())

        def forward(self, x):
            mu, log_var = self.inner(x)
            return mu.squeeze(1), log_var.squeeze(1)

    x, y = LINE.sample(10, seed=0)
    with pytest.raises(ValueError, match=r"y a .* \(10, 1\), mu a .* \(10,\)"):
        fit(Flat(), mean_nll, x, y)


def test_long_work_shows_a_bar_and_short_work_does_not(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr("course_utils.training.tqdm", at_once)
    x, y = LINE.sample(10, seed=0)
    fit(line(), squared_error, x, y, steps=5)
    assert "fit" in capsys.readouterr().err
    monkeypatch.undo()
    fit(line(), squared_error, x, y, steps=5)
    assert capsys.readouterr().err == ""


def at_once(iterable, **options):
    """tqdm as fit calls it, without the wait."""
    assert options.pop("delay") == 2
    return tqdm(iterable, **options)


def test_predict_returns_sigma_without_a_graph():
    torch.manual_seed(0)
    model = HeteroscedasticRegressor(hidden=(5,))
    x, _ = WAVE.sample(7, seed=0)
    mu, sigma = predict(model, x)
    expected_mu, log_var = model(x)
    torch.testing.assert_close(mu, expected_mu.detach())
    torch.testing.assert_close(sigma**2, log_var.exp().detach())
    assert not mu.requires_grad and not sigma.requires_grad


# Models of strangers


class Pair(nn.Module):
    """Layers of a stranger's, in float64, that end in mu and log_var."""

    def __init__(self, *layers):
        super().__init__()
        self.net = nn.Sequential(*layers, nn.Linear(20, 2)).double()

    def forward(self, x):
        return self.net(x).chunk(2, dim=1)


def stranger():
    torch.manual_seed(0)
    return Pair(nn.Linear(1, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(0.5))


def modes(model):
    return [module.training for module in model.modules()]


def test_fit_trains_in_training_mode_judges_in_evaluation_mode_and_gives_back_the_mode():
    x, y = WAVE.sample(40, seed=0)
    seen = []

    def loss(model, x, y):
        seen.append((set(modes(model)), torch.is_grad_enabled()))
        return mean_nll(model, x, y)

    model = stranger().eval()
    model.net[0].train()
    before = modes(model)
    fit(model, loss, x, y, steps=3, held_out=(x[:9], y[:9]))
    assert seen == [({True}, True), ({False}, False)] * 3
    assert modes(model) == before
    assert model.net[1].running_mean.any()


def test_the_mode_is_given_back_when_training_fails():
    x, y = WAVE.sample(40, seed=0)
    model = stranger().eval()
    with pytest.raises(Diverged):
        fit(model, mean_nll, x, 1e200 * y, steps=3)
    assert not any(modes(model))


def test_predict_is_in_evaluation_mode_and_gives_back_the_mode():
    x, y = WAVE.sample(40, seed=0)
    model = stranger()
    fit(model, mean_nll, x, y, steps=5)
    first, second = predict(model, x), predict(model, x)
    assert all(torch.equal(*pair) for pair in zip(first, second))
    torch.testing.assert_close(predict(model, x[:1])[0], first[0][:1])  # one row, batch norm
    assert all(modes(model))


@pytest.mark.parametrize(("n", "batch_size"), [(20, 19), (21, 4), (9, 8)])
def test_with_batch_norm_no_point_is_left_alone(n, batch_size):
    x, y = WAVE.sample(n, seed=0)
    sizes = []

    def loss(model, x, y):
        sizes.append(len(x))
        return mean_nll(model, x, y)

    epoch = n // batch_size
    fit(stranger(), loss, x, y, steps=2 * epoch, batch_size=batch_size)
    assert min(sizes) >= 2 and sum(sizes) == 2 * n


def test_dropout_at_prediction_has_a_stated_way():
    x, y = WAVE.sample(40, seed=0)
    model = stranger()
    fit(model, mean_nll, x, y, steps=50)
    norm = model.net[1].running_mean.clone()
    epistemic = predict_samples(model, x, dropout=True)[2]
    assert (epistemic > 0).all() and torch.equal(norm, model.net[1].running_mean)
    assert all(modes(model))
    # Var of Σ w h m/0.5 over m ~ Bernoulli(1/2) is Σ (w h)²: dropout is the last but one layer.
    model.eval()
    hidden = model.net[:3](x)
    exact = ((hidden * model.net[4].weight[0]) ** 2).sum(1, keepdim=True).sqrt()
    many = predict_samples(model, x, 4000, dropout=True)[2]
    assert ((many / exact - 1).abs() < 0.08).all()
    with pytest.raises(ValueError, match="dropout=True"):
        predict_samples(model, x)


class Functional(nn.Module):
    """Dropout that is a function, and a layer beside it."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(1, 20).double(), nn.Linear(20, 2).double()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        hidden = nn.functional.dropout(self.first(x).relu(), 0.5, self.training)
        return self.last(self.drop(hidden)).chunk(2, dim=1)


class Recurrent(nn.Module):
    """Dropout between the layers of a recurrent one."""

    def __init__(self):
        super().__init__()
        self.steps = nn.GRU(1, 8, num_layers=2, dropout=0.5, batch_first=True).double()
        self.last = nn.Linear(8, 2).double()

    def forward(self, x):
        return self.last(self.steps(x[:, :, None])[0][:, -1]).chunk(2, dim=1)


@pytest.mark.parametrize("make", [Functional, Recurrent])
def test_all_dropout_that_follows_the_mode_is_reached(make):
    x, _ = WAVE.sample(40, seed=0)
    torch.manual_seed(0)
    model = make()
    model.train()
    with torch.no_grad():
        draws = torch.stack([model(x)[0] for _ in range(500)])
    epistemic = predict_samples(model.eval(), x, 500, dropout=True)[2]
    assert ((epistemic / draws.std(0) - 1).abs() < 0.2).all() and not model.training


def test_equal_draws_are_no_certainty():
    x, _ = WAVE.sample(5, seed=0)
    for model in (HeteroscedasticRegressor(), Recurrent()):
        with pytest.raises(ValueError, match=r"draws that differ.*dropout=True.*predict\("):
            predict_samples(model, x)


def test_a_list_of_networks_is_their_ensemble():
    x, y = WAVE.sample(30, seed=0)
    models = [HeteroscedasticRegressor(hidden=(4,)) for _ in range(3)]
    mus = torch.stack([predict(model, x)[0] for model in models])
    sigmas = torch.stack([predict(model, x)[1] for model in models])
    for several in (models, tuple(models), nn.ModuleList(models)):
        mu, sigma = predict(several, x)
        torch.testing.assert_close(mu, mus.mean(0))
        torch.testing.assert_close(sigma**2, (sigmas**2).mean(0) + mus.var(0))
        assert predict_samples(several, x)[2].equal(mus.std(0))
    assert len(fit(models, mean_nll, x, y, steps=3).loss) == 3
    assert not torch.equal(predict(models, x)[0], mu)


def test_a_model_that_draws_is_sent_to_predict_samples():
    x, _ = WAVE.sample(5, seed=0)

    class Noisy(nn.Module):
        def forward(self, x):
            return x + 1e-3 * torch.randn_like(x), torch.zeros_like(x)

    for model in (BayesianRegressor(init_sd=1e-9), Noisy(), lambda x: Noisy()(x)):
        with pytest.raises(ValueError, match=r"predict_samples\(model, x\)"):
            predict(model, x)


def test_the_kl_is_asked_for_and_weighed_by_all_points():
    x, y = WAVE.sample(60, seed=0)
    for loss in (mean_nll, *(partial(negative_elbo, n=n) for n in (50, 10**6))):
        with pytest.raises(ValueError, match=r"type partial\(negative_elbo, n=60\)"):
            fit(BayesianRegressor(), loss, x, y, batch_size=50)
    fit(BayesianRegressor(), partial(negative_elbo, n=60), x, y, batch_size=50, steps=2)


def test_parameters_that_the_loss_does_not_reach_are_named():
    x, y = WAVE.sample(20, seed=0)
    model = HomoscedasticRegressor(hidden=())

    def squares(model, x, y):
        return (model(x)[0] - y).square().mean()

    with pytest.warns(Remark, match="1 of 3 parameters get no gradient: log_var"):
        fit(model, squares, x, y, steps=2)
    model.log_var.requires_grad_(False)  # frozen on purpose
    fit(model, squares, x, y, steps=2)
    with pytest.warns(Remark, match="2 of 2 parameters get no gradient"):
        fit(model, lambda model, x, y: squares(other, x, y), x, y, steps=2)


other = HomoscedasticRegressor(hidden=())


def test_the_best_weights_on_the_held_out_data_are_kept():
    x, y = WAVE.sample(20, seed=0)
    held_out = WAVE.sample(15, seed=1)
    torch.manual_seed(0)
    model = HeteroscedasticRegressor()
    history = fit(model, mean_nll, x, y, steps=300, lr=0.03, held_out=held_out, keep_best=True)
    assert history.held_out[-1] > min(history.held_out) + 0.1  # it overfits
    with torch.no_grad():
        assert mean_nll(model, *held_out).item() == min(history.held_out)


@pytest.mark.parametrize("end", [KeyboardInterrupt, Diverged])
def test_the_best_weights_are_kept_after_a_stop_and_a_divergence(end):
    x, y = WAVE.sample(20, seed=0)
    held_out, seen = WAVE.sample(15, seed=1), []

    def loss(model, x, y):
        value = mean_nll(model, x, y)
        if len(x) == 15:
            seen.append(value.item())
        if len(seen) == 80:
            if end is KeyboardInterrupt:
                raise KeyboardInterrupt
            value = value / 0
        return value

    torch.manual_seed(0)
    model = HeteroscedasticRegressor()
    with pytest.raises(end):
        fit(model, loss, x, y, steps=300, lr=0.03, held_out=held_out, keep_best=True)
    with torch.no_grad():
        assert mean_nll(model, *held_out).item() == min(seen[:79]) < seen[78]


def test_an_optimizer_that_evaluates_more_than_once_works():
    x, y = LINE.sample(200, seed=0)
    model = line()
    history = fit(model, squared_error, x, y, steps=5, lr=1, optimizer=torch.optim.LBFGS)
    design = torch.cat([x, torch.ones_like(x)], dim=1)
    best = (design @ torch.linalg.lstsq(design, y).solution - y).square().mean().item()
    assert len(history.loss) == 5 and history.loss[-1] == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (HeteroscedasticRegressor(), gaussian_nll),
        (HeteroscedasticRegressor(), nn.functional.mse_loss),
        (HeteroscedasticRegressor(), nn.GaussianNLLLoss()),
        (HeteroscedasticRegressor(), lambda model, x, y: gaussian_nll(y, *model(x))),
        (HeteroscedasticRegressor(), lambda model, x, y: 1.0),
        (HeteroscedasticRegressor(), lambda model, x, y: mean_nll(model, x, y).detach()),
        (HeteroscedasticRegressor(n_in=2), mean_nll),
        (mlp(1, (), 2), mean_nll),
    ],
)
def test_a_first_step_that_fails_says_what_fit_calls(model, loss):
    x, y = LINE.sample(10, seed=0)
    with pytest.raises(Exception) as raised:  # noqa: PT011 torch's own
        fit(model, loss, x, y)
    assert "lambda model, x, y: F.mse_loss(model(x), y)" in raised.value.__notes__[0]


# What is said of a training that ended badly


def trained(problem, steps, change=lambda x, y: (x, y), loss=mean_nll, **options):
    x, y = change(*problem.sample(200, seed=0))
    torch.manual_seed(0)
    return fit(HeteroscedasticRegressor(hidden=(20,)), loss, x, y, steps=steps, **options)


def test_a_target_in_its_natural_unit_is_told_to_be_standardised():
    with pytest.warns(Remark, match=r"no better than one mean and one σ.*Standardised"):
        history = trained(WAVE, 300, lambda x, y: (x, 200_000 + 1_000 * y))
    assert len(history.remarks) == 1 and history.remarks[0] in repr(history)


def test_an_overflow_at_the_first_step_is_not_blamed_on_the_learning_rate():
    with pytest.raises(Diverged, match=r"at step 0 .*: y reaches .*Standardised"):
        trained(WAVE, 10, lambda x, y: (x, 1e200 * y))
    with pytest.raises(Diverged, match="no step was made yet"):
        trained(WAVE, 10, loss=lambda *given: mean_nll(*given) + math.inf)


def test_a_loss_without_a_floor_is_remarked():
    quiet = Problem(WAVE.mean, constant(0.0), -3, 3)
    with pytest.warns(Remark, match="no floor"):
        trained(quiet, 1500)


def test_a_late_jump_of_the_loss_is_remarked():
    rounded = Problem(constant(2.0), constant(0.0), -1, 1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", Remark)
        trained(rounded, 2000, lambda x, y: (0 * x[:20], y[:20]), lr=0.05)
    assert re.search(r"the loss ends at .* and was -.* keep_best=True", str(said[0].message))


def test_a_variance_in_the_place_of_its_logarithm_is_remarked():
    class Variance(HeteroscedasticRegressor):
        def forward(self, x):
            mu, raw = super().forward(x)
            return mu, nn.functional.softplus(raw)

    x, y = WAVE.sample(200, seed=0)
    torch.manual_seed(0)
    with pytest.warns(Remark, match="σ or σ² where log σ² is expected"):
        fit(Variance(hidden=(20,)), mean_nll, x, y, steps=600)


def own_nll(model, x, y):
    """A stranger's, summed: no name of ours to be recognised by."""
    return sum(gaussian_nll(y, *model(x)).flatten())


def own_squares(model, x, y):
    return (model(x)[0] - y).square().sum()


@pytest.mark.parametrize(
    "loss", [own_nll, own_squares, lambda model, x, y: beta_nll(y, *model(x)).mean()]
)
def test_the_mean_is_watched_whatever_the_loss_is_called(loss):
    trained(WAVE, 100, loss=loss)
    with pytest.warns(Remark, match="the network does no better"):
        trained(WAVE, 100, lambda x, y: (x, 200_000 + 1_000 * y), loss=loss)


def elbo(model, x, y):
    """The loss in a stranger's own words."""
    return gaussian_nll(y, *model(x)).mean() + model.kl() / 200


def test_one_draw_of_an_unsure_bayesian_model_is_no_mean_that_has_not_arrived():
    x, y = WAVE.sample(200, seed=0)
    for target, words in ((y, []), (200_000 + 1_000 * y, ["the network does no better"])):
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Remark)
            remarks = fit(
                BayesianRegressor(), elbo, x, target, steps=60, lr=0.06, anneal=True
            ).remarks
        assert [remark[: len(word)] for remark, word in zip(remarks, words, strict=True)] == words


class Positive(HeteroscedasticRegressor):
    """Its second output is positive: a variance, or a standard deviation."""

    def forward(self, x):
        mu, raw = super().forward(x)
        return mu, nn.functional.softplus(raw) + 1e-3


@pytest.mark.parametrize(
    ("takes", "loss"),
    [
        ("σ²", lambda mu, second, y: nn.GaussianNLLLoss()(mu, y, second)),
        ("σ²", lambda mu, second, y: nn.GaussianNLLLoss(full=True, reduction="sum")(mu, y, second)),
        ("σ", lambda mu, second, y: -torch.distributions.Normal(mu, second).log_prob(y).mean()),
    ],
)
def test_a_loss_that_takes_the_second_output_for_something_else_is_remarked(takes, loss):
    x, y = WAVE.sample(50, seed=0)
    for called in (
        lambda model, x, y: loss(*model(x), y),
        lambda model, x, y: loss(model(x)[0], model(x)[1], y),
    ):
        with pytest.warns(Remark, match=f"takes the model's second output for {takes}, and pred"):
            fit(Positive(), called, x, y, steps=2)


@pytest.mark.parametrize(
    "loss",
    [
        lambda mu, second, y: (second / 2 + (y - mu).abs() * (-second / 2).exp()).mean(),  # Laplace
        lambda low, high, y: sum(  # two quantiles
            torch.maximum(t * (y - q), (t - 1) * (y - q)).mean()
            for q, t in ((low, 0.1), (high, 0.9))
        ),
        lambda mu, second, y: (mu.mean() - second.mean()) ** 2,
    ],
)
def test_nothing_is_said_of_a_loss_that_is_no_gaussian_nll(loss):
    x, y = WAVE.sample(50, seed=0)
    fit(HeteroscedasticRegressor(), lambda model, x, y: loss(*model(x), y), x, y + 100, steps=2)


def test_nothing_is_said_of_a_healthy_training():
    x, y = WAVE.sample(200, seed=1)
    torch.manual_seed(1)
    for model, loss in (
        (HeteroscedasticRegressor(hidden=(20,)), mean_nll),
        (HomoscedasticRegressor(), mean_nll),
        (BayesianRegressor(), partial(negative_elbo, n=200)),
        (Standardised(HeteroscedasticRegressor(), x, 1e5 + 1e3 * y), mean_nll),
    ):
        target = 1e5 + 1e3 * y if isinstance(model, Standardised) else y
        assert fit(model, loss, x, target, steps=400, batch_size=20).remarks == []


def test_a_history_shows_itself_in_a_line():
    assert repr(History([2.0, 1.0])) == "History(2 steps, loss 2 -> 1)" and repr(History())


def test_remarks_take_no_random_numbers():
    x, y = WAVE.sample(30, seed=0)
    loss = partial(negative_elbo, n=30)
    torch.manual_seed(0)
    model = BayesianRegressor()
    fit(model, loss, x, y, steps=3)
    after = torch.rand(1)
    torch.manual_seed(0)
    model = BayesianRegressor()
    for _ in range(3):
        loss(model, x, y)
    assert torch.equal(after, torch.rand(1))
