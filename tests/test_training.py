"""Training and prediction, of the course's models and of strangers', and what ``fit`` says."""

import contextlib
import math
import re
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout, mse_loss, softplus
from torch.optim import LBFGS, SGD
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
from course_utils.training import Diverged, History, Remark, fit, predict, predict_samples

FEW = WAVE.sample(20, seed=0)
OTHERS = WAVE.sample(15, seed=1)
unremarked = pytest.mark.filterwarnings("ignore::course_utils.training.Remark")


def squared_error(model, x, y):
    return mse_loss(model(x), y)


def line():
    torch.manual_seed(0)
    return mlp(1, (), 1)


@pytest.mark.parametrize(
    "options",
    [{"steps": 200, "lr": 0.2, "anneal": True}, {"steps": 5, "lr": 1, "optimizer": LBFGS}],
)
def test_fit_finds_the_least_squares_line(options):
    x, y = LINE.sample(100, seed=0)
    model = line()
    history = fit(model, squared_error, x, y, **options)
    design = torch.cat([x, torch.ones_like(x)], dim=1)
    found = torch.cat([model[0].weight, model[0].bias[None]])
    torch.testing.assert_close(found, torch.linalg.lstsq(design, y).solution, rtol=0, atol=1e-4)
    assert len(history.loss) == options["steps"]


def test_one_sigma_for_each_output_is_the_rms_of_its_residuals():
    torch.manual_seed(0)
    x = torch.randn(100, 3, dtype=torch.float64)
    y = torch.cat([x.sum(1, keepdim=True), x[:, :1] - 1], dim=1)
    y += torch.tensor([0.3, 2]) * torch.randn_like(y)
    model = HomoscedasticRegressor(n_in=3, hidden=(), n_out=2)
    fit(model, mean_nll, x, y, steps=300, lr=0.2, anneal=True)
    mu, sigma = predict(model, x)
    torch.testing.assert_close(sigma[0], (y - mu).square().mean(0).sqrt(), rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("n", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (20, 19, [20]), (21, 4, [4, 4, 4, 4, 5]), (9, 8, [9]), (9, None, [9])],
)
def test_an_epoch_visits_each_point_once_and_leaves_none_alone(n, batch_size, sizes):
    x = torch.arange(1.0 * n, dtype=torch.float64)[:, None]
    seen = []

    def loss(model, x, y):
        seen.append(x)
        assert torch.equal(y, 2 * x)
        return squared_error(model, x / n, y)

    fit(line(), loss, x, 2 * x, steps=2 * len(sizes), batch_size=batch_size)
    assert list(map(len, seen)) == 2 * sizes
    first, second = torch.cat(seen).split(n)
    assert first.sort(dim=0).values.equal(x) and second.sort(dim=0).values.equal(x)
    assert batch_size is None or not first.equal(second)


@unremarked
@pytest.mark.parametrize(
    ("make", "loss"),
    [(HeteroscedasticRegressor, mean_nll), (BayesianRegressor, partial(negative_elbo, n=20))],
)
def test_training_repeats_bit_for_bit_and_takes_no_random_numbers_of_its_own(make, loss):
    def run(train):
        torch.manual_seed(0)
        model = make(hidden=(4,))
        return train(model), torch.rand(1).item()

    # after 50 steps the training is judged, by draws of a Bayesian model
    fitted = partial(fit, loss=loss, x=FEW[0], y=FEW[1], steps=50, batch_size=12)
    first, *others = (run(lambda m, s=seed: fitted(m, seed=s).loss) for seed in (5, 5, 6))
    plain = run(lambda m: [loss(m, *FEW) for _ in range(50)])
    assert first == others[0] and first[0] != others[1][0] and first[1] == plain[1]


def test_anneal_lowers_the_learning_rate_to_0():
    model = line()
    made = SGD(model.parameters(), lr=1e-3)
    fit(model, squared_error, *FEW, steps=10, anneal=True, optimizer=lambda *_, lr: made)
    assert made.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_history_holds_the_loss_of_each_step_and_of_the_held_out_data():
    data, model = LINE.sample(20, seed=0), line()
    first = squared_error(model, *data).item()
    history = fit(model, squared_error, *data, steps=250, held_out=data)
    assert len(history.loss) == 250 and history.loss[0] == first
    assert history.held_out_steps[-1] == 250 and 100 <= len(history.held_out) <= 130
    assert history.held_out[-1] == squared_error(model, *data).item()
    # judged after a step, so one entry ahead of the training loss
    assert history.held_out[0] == history.loss[history.held_out_steps[0]]
    assert repr(History([2.0, 1.0])) == "History(2 steps, loss 2 -> 1)" and repr(History())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lr": 50, "steps": 500, "optimizer": SGD}, r"at step [1-9]\d* \(lr=50\): .* smaller"),
        ({"y": 1e200 * FEW[1]}, r"at step 0 .*: y reaches .*Standardised"),
        ({"loss": lambda *given: squared_error(*given) + math.inf}, "no step was made yet"),
    ],
)
def test_a_divergence_names_its_step_and_its_likely_cause(options, words):
    with pytest.raises(Diverged, match=words):
        fit(**{"model": line(), "loss": squared_error, "x": FEW[0], "y": FEW[1]} | options)


@unremarked
@pytest.mark.parametrize("keep_best", [True, False])
@pytest.mark.parametrize("end", [None, KeyboardInterrupt, Diverged])
def test_whatever_the_end_the_weights_are_those_best_on_the_held_out_data_or_the_last(
    end, keep_best
):
    seen = []

    def loss(model, x, y):
        value = mean_nll(model, x, y)
        if len(x) == len(OTHERS[0]):
            seen.append(value.item())
        if end is KeyboardInterrupt and len(seen) == 60:
            raise KeyboardInterrupt
        return value / 0 if end is Diverged and len(seen) == 60 else value

    torch.manual_seed(0)
    model = HeteroscedasticRegressor(hidden=(20,))
    options = {"steps": 200, "lr": 0.1, "held_out": OTHERS, "keep_best": keep_best}
    with pytest.raises(end) if end else contextlib.nullcontext():
        fit(model, loss, *FEW, **options)
    with torch.no_grad():
        kept = min(seen[:59]) if keep_best else seen[-1]
        assert mean_nll(model, *OTHERS).item() == kept
    assert min(seen[:59]) < seen[58] - 0.1  # it overfits


def test_long_work_shows_a_bar_and_short_work_does_not(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    fit(line(), squared_error, *FEW, steps=5)
    assert capsys.readouterr().err == ""

    def at_once(steps, delay, **options):
        assert delay == 2
        return tqdm(steps, **options)

    monkeypatch.setattr("course_utils.training.tqdm", at_once)
    fit(line(), squared_error, *FEW, steps=5)
    assert "fit" in capsys.readouterr().err


def test_a_sigma_is_the_root_of_a_variance_without_a_graph_also_of_several_networks():
    torch.manual_seed(0)
    models = [HeteroscedasticRegressor(hidden=(4,)) for _ in range(3)]
    x, _ = FEW
    mus, log_vars = map(torch.stack, zip(*(model(x) for model in models)))
    torch.testing.assert_close(
        predict(models[0], x), (mus[0].detach(), (log_vars[0] / 2).exp().detach())
    )
    for several in (models, tuple(models), nn.ModuleList(models)):
        mu, sigma = predict(several, x)
        torch.testing.assert_close(mu, mus.mean(0).detach())
        torch.testing.assert_close(sigma**2, (log_vars.exp().mean(0) + mus.var(0)).detach())
        torch.testing.assert_close(predict_samples(several, x)[2], mus.std(0).detach())
        assert not mu.requires_grad and not sigma.requires_grad
    fit(models, mean_nll, *FEW, steps=3)
    assert not torch.equal(predict(models, x)[0], mu)


# Models of strangers


class Stranger(nn.Module):
    """In float64 to mu and log_var; dropout in a recurrent layer, as a layer, as a function."""

    def __init__(self):
        super().__init__()
        self.steps = nn.GRU(1, 8, num_layers=2, dropout=0.5, batch_first=True).double()
        self.norm, self.drop = nn.BatchNorm1d(8).double(), nn.Dropout(0.5)
        self.last = nn.Linear(8, 2).double()

    def forward(self, x):
        hidden = self.drop(self.norm(self.steps(x[:, :, None])[0][:, -1]))
        return self.last(dropout(hidden, 0.5, self.training)).chunk(2, dim=1)


def modes(model):
    return [module.training for module in model.modules()]


@pytest.mark.parametrize("fails", [False, True])
def test_fit_trains_in_training_mode_judges_in_evaluation_mode_and_gives_back_the_mode(fails):
    seen = []

    def loss(model, x, y):
        seen.append((set(modes(model)), torch.is_grad_enabled()))
        return mean_nll(model, x, y) / (0 if fails else 1)

    model = Stranger().eval()
    model.steps.train()
    before = modes(model)
    with pytest.raises(Diverged) if fails else contextlib.nullcontext():
        fit(model, loss, *FEW, steps=3, held_out=OTHERS)
    assert fails or seen == [({True}, True), ({False}, False)] * 3
    assert modes(model) == before and model.norm.running_mean.any()


def test_predict_is_in_evaluation_mode_and_with_dropout_all_but_the_norm_is_in_training():
    x, _ = FEW
    torch.manual_seed(0)
    model = Stranger()
    fit(model, mean_nll, *FEW, steps=30)
    norm = model.norm.running_mean.clone()
    one_row, all_rows = predict(model, x[:1])[0], predict(model, x)[0]
    torch.testing.assert_close(one_row, all_rows[:1])
    _, aleatoric, epistemic = predict_samples(model, x, 1000, dropout=True)
    assert all(modes(model)) and torch.equal(norm, model.norm.running_mean)
    model.norm.eval()
    with torch.no_grad():
        mus, log_vars = map(torch.stack, zip(*(model(x) for _ in range(1000))))
    assert ((epistemic / mus.std(0) - 1).abs() < 0.2).all()
    torch.testing.assert_close(aleatoric, log_vars.exp().mean(0).sqrt(), rtol=0.1, atol=0)


# What is said of what goes wrong


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (HeteroscedasticRegressor(), mse_loss),
        (HeteroscedasticRegressor(), lambda model, x, y: gaussian_nll(y, *model(x))),
        (HeteroscedasticRegressor(), lambda model, x, y: 1.0),
        (HeteroscedasticRegressor(), lambda model, x, y: mean_nll(model, x, y).detach()),
        (mlp(1, (), 2), mean_nll),
    ],
)
def test_a_first_step_that_fails_says_what_fit_calls(model, loss):
    with pytest.raises(Exception) as raised:  # noqa: PT011 torch's own
        fit(model, loss, *FEW)
    assert "lambda model, x, y: F.mse_loss(model(x), y)" in raised.value.__notes__[0]


class Positive(HeteroscedasticRegressor):
    """Its second output is positive: a variance, or a standard deviation."""

    def forward(self, x):
        mu, raw = super().forward(x)
        return mu, softplus(raw) + 1e-3


class Floored(HomoscedasticRegressor):
    """Its σ has a lower limit."""

    def forward(self, x):
        mu, log_var = super().forward(x)
        return mu, log_var.clamp(min=-3)


def of_outputs(loss):
    """A stranger's loss(mu, second output, y) as fit calls it."""
    return lambda model, x, y: loss(*model(x), y)


def called_twice(loss):
    return lambda model, x, y: loss(model(x)[0], model(x)[1], y)


def elbo(model, x, y):
    """In a stranger's own words: no name of ours to be recognised by."""
    return gaussian_nll(y, *model(x)).mean() + model.kl() / len(x)


def variance_nll(mu, second, y):
    return nn.GaussianNLLLoss(full=True, reduction="sum")(mu, y, second)


def sigma_nll(mu, second, y):
    return -torch.distributions.Normal(mu, second).log_prob(y).mean()


def laplace_nll(mu, second, y):
    return (second / 2 + (y - mu).abs() * (-second / 2).exp()).mean()


def two_quantiles(low, high, y):
    pairs = ((low, 0.1), (high, 0.9))
    return sum(torch.maximum(t * (y - q), (t - 1) * (y - q)).mean() for q, t in pairs)


NETWORK = partial(HeteroscedasticRegressor, hidden=(20,))
A_LINE = partial(HomoscedasticRegressor, hidden=())
LOSSES = {
    "mean_nll": mean_nll,
    "sum": of_outputs(lambda mu, log_var, y: gaussian_nll(y, mu, log_var).sum()),
    "squares": of_outputs(lambda mu, _, y: (mu - y).square().sum()),
    "beta": of_outputs(lambda mu, log_var, y: beta_nll(y, mu, log_var).mean()),
}
DATA = WAVE.sample(200, seed=1)
NATURAL = DATA[0], 200_000 + 1_000 * DATA[1]
NO_NOISE = Problem(LINE.mean, constant(0.0), -3, 3).sample(50)
FAR = DATA[0], 100 + DATA[1]
NEAR_1 = Problem(WAVE.mean, constant(0.85), -3, 3).sample(500)
INSTEAD = "σ or σ² where log σ² is"
UNIT = r"^the network does no better than one mean and one σ.*Standardised"
REMARKS = {
    **{f"healthy {name}": (NETWORK, loss, DATA, {}, "") for name, loss in LOSSES.items()},
    **{f"natural unit {name}": (NETWORK, loss, NATURAL, {}, UNIT) for name, loss in LOSSES.items()},
    "standardised": (lambda: Standardised(NETWORK(), *NATURAL), mean_nll, NATURAL, {}, ""),
    "squares of small y": (NETWORK, LOSSES["squares"], (DATA[0], 0.1 * DATA[1]), {}, ""),
    "one sigma": (HomoscedasticRegressor, mean_nll, DATA, {}, ""),
    "a floor": (partial(Floored, hidden=()), mean_nll, NO_NOISE, {"steps": 300, "lr": 0.2}, ""),
    "nothing to explain y by": (NETWORK, mean_nll, (0 * DATA[0], DATA[1]), {"steps": 200}, ""),
    "minibatches": (NETWORK, mean_nll, DATA, {"steps": 400, "batch_size": 20}, ""),
    "Bayesian": (BayesianRegressor, elbo, DATA, {"steps": 60, "lr": 0.06, "anneal": True}, ""),
    "Bayesian unit": (BayesianRegressor, elbo, NATURAL, {"steps": 60, "lr": 0.06}, UNIT),
    "Laplace": (NETWORK, of_outputs(laplace_nll), FAR, {}, ""),
    "quantiles": (NETWORK, of_outputs(two_quantiles), FAR, {}, ""),
    "no residual": (NETWORK, of_outputs(lambda m, s, y: (m.mean() - s.mean()) ** 2), DATA, {}, ""),
    "no floor": (A_LINE, mean_nll, NO_NOISE, {"steps": 250, "lr": 0.05}, "no floor"),
    "σ² for its logarithm": (Positive, mean_nll, DATA, {"lr": 0.05}, INSTEAD),
    "σ² for its logarithm near 0": (Positive, mean_nll, NEAR_1, {"lr": 0.05}, INSTEAD),
    **{
        f"{takes} {called.__name__}": (
            *(Positive, called(loss), DATA, {"steps": 2, "batch_size": 100}),
            f"^the loss takes the model's second output for {takes}, and predict",
        )
        for takes, loss in {"σ²": variance_nll, "σ": sigma_nll}.items()
        for called in (of_outputs, called_twice)
    },
}


@pytest.mark.parametrize(
    ("make", "loss", "data", "options", "words"), REMARKS.values(), ids=REMARKS
)
def test_a_training_that_ends_badly_is_remarked_and_no_other(make, loss, data, options, words):
    torch.manual_seed(1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", Remark)
        history = fit(make(), loss, *data, **{"steps": 100} | options)
    assert [str(remark.message) for remark in said] == history.remarks
    assert bool(history.remarks) == bool(words), history.remarks
    assert not words or re.search(words, history.remarks[0]), history.remarks
    assert all(remark in repr(history) for remark in history.remarks)


@unremarked
@pytest.mark.parametrize(
    ("start", "end", "noise", "said"), [(9, 5, 0, True), (9, 1, 0, False), (0, 0.5, 1, False)]
)
def test_a_loss_that_ends_far_above_where_it_was_is_remarked(start, end, noise, said):
    falls = torch.linspace(start, 0, 50).tolist() + 40 * [0] + 10 * [end]
    told = (value + noise * (-1) ** step for step, value in enumerate(falls))

    def loss(model, x, y):
        value = squared_error(model, x, y)
        return value - value.detach() + next(told)

    remarks = fit(line(), loss, *LINE.sample(20), steps=100, lr=0.1).remarks
    words = "the loss ends at .* near step .* keep_best=True"
    assert any(re.match(words, remark) for remark in remarks) == said


def test_parameters_that_the_loss_does_not_reach_are_named():
    model, other = HomoscedasticRegressor(hidden=()), HomoscedasticRegressor(hidden=())
    squares = of_outputs(lambda mu, _, y: mse_loss(mu, y))
    with pytest.warns(Remark, match="1 of 3 parameters get no gradient: log_var"):
        fit(model, squares, *FEW, steps=2)
    model.log_var.requires_grad_(False)  # frozen on purpose
    fit(model, squares, *FEW, steps=2)
    with pytest.warns(Remark, match="2 of 2 parameters get no gradient"):
        fit(model, lambda model, x, y: squares(other, x, y), *FEW, steps=2)
