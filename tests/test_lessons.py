"""What the lessons claim, on settings that are not in them."""

import ast
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils.data import DTYPE, LINE, WAVE, Problem, constant, motorcycle
from course_utils.losses import beta_nll, gaussian_nll, mean_nll
from course_utils.metrics import conformal_quantile, coverage
from course_utils.models import Ensemble, HeteroscedasticRegressor, HomoscedasticRegressor, mlp
from course_utils.training import fit, predict, predict_samples
from tools.notebooks import cells, sources


def shown(number, *names):
    """Functions that a lesson defines and that nobody can import."""
    (source,) = (s for s in sources() if s.name.startswith(number))
    tree = ast.parse("\n".join(text for kind, text in cells(source) if kind == "code"))
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in names]
    scope = {"torch": torch, "math": math, "np": np, "DTYPE": DTYPE}
    exec(compile(tree, source.name, "exec"), scope)
    return [scope[name] for name in names]


@pytest.mark.parametrize(
    ("m", "b", "sigma", "low", "high"),
    [(-1.1, 4, 0.5, -3, 3), (0.7, -2, 1.5, 0, 4), (5, 0, 3, -1, 2), (0.4, 9, 2, -5, 5)],
)
def test_the_closed_form_of_02_predicts_the_trained_slope(m, b, sigma, low, high):
    squared_error, wrong, shrinkage = shown(
        "02", "squared_error", "variance_of_predictions", "shrinkage"
    )
    x, y = Problem(lambda x: m * x + b, constant(sigma), low, high).sample(10_000, seed=11)
    x_standard = (x - x.mean()) / x.std()  # a far-off range trains slowly; the slope is rescaled
    torch.manual_seed(11)
    net = mlp(1, (20,), 1)
    fit(net, squared_error, x_standard, y, steps=60, lr=0.1, batch_size=500, anneal=True)
    fit(net, wrong, x_standard, y, steps=100, lr=0.03, batch_size=500, anneal=True)
    f = net(x_standard).detach()
    slope = (((x - x.mean()) * f).mean() / x.var(correction=0)).item()
    r = sigma**2 / (m**2 * (high - low) ** 2 / 12)
    assert slope == pytest.approx(m * shrinkage(r), rel=0.02)


def test_one_sigma_is_within_2_percent_of_1_for_at_least_9_of_10_seeds():
    good = 0
    for seed in range(10, 20):  # 03 shows seeds 0 to 9
        x, y = LINE.sample(10_000, seed=seed)
        torch.manual_seed(seed)
        model = HomoscedasticRegressor(hidden=(16,))
        torch.nn.init.constant_(model.log_var, 2 * math.log(3))  # 1 would be the answer
        fit(model, mean_nll, x, y, steps=200, lr=0.05, batch_size=500, seed=seed, anneal=True)
        good += abs(predict(model, x[:1])[1].item() - 1) < 0.02
    assert good >= 9


def test_sigma_of_x_has_an_rmse_under_003_for_at_least_9_of_10_seeds():
    grid = WAVE.grid()
    _, truth = WAVE.truth(grid)
    good = 0
    for seed in range(10):
        x, y = WAVE.sample(10_000, seed=seed)
        torch.manual_seed(seed)
        model = HeteroscedasticRegressor()
        fit(model, mean_nll, x, y, steps=150, lr=0.02, batch_size=500, seed=seed, anneal=True)
        good += ((predict(model, grid)[1] - truth) ** 2).mean().sqrt().item() < 0.03
    assert good >= 9


def test_the_nll_has_the_worse_mean_from_most_of_ten_other_starts_and_the_beta_nll_the_better():
    first_weights, forward, stacked = shown("09", "first_weights", "forward", "stacked")
    problem = Problem(lambda x: 0.4 * torch.sin(2 * math.pi * x), constant(0.01), low=0, high=3)
    (x, y), grid = problem.sample(150, seed=0), problem.grid(400)

    def rmse(loss):  # 09 shows the seeds 0 to 9
        nets = [p.detach()[10:].requires_grad_() for p in first_weights(20)]
        optimizer = torch.optim.Adam(nets, lr=0.01, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, (700 - k) / 200))
        for _ in range(700):
            mu, log_var = forward(nets, x)
            total = loss(y.expand_as(mu), mu, log_var).mean(dim=(1, 2)).sum()
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            schedule.step()
        mu = forward(nets, grid)[0].detach()
        return ((mu - problem.mean(grid)) ** 2).mean(dim=(1, 2)).sqrt()

    by_nll, by_beta = rmse(stacked(gaussian_nll)), rmse(stacked(beta_nll))
    assert (by_nll > rmse(lambda y, mu, log_var: (y - mu) ** 2 / 2)).sum() >= 6
    assert (by_nll > by_beta).sum() >= 8


def test_a_model_in_other_units_of_y_is_as_good():
    """The engineer's data come in units of their own: standardised, they fit like the lesson's."""
    problem = replace(WAVE, mean=lambda x: 100 * WAVE.mean(x), sigma=lambda x: 100 * WAVE.sigma(x))
    x, y = problem.sample(4_000, seed=0)
    torch.manual_seed(0)
    model = HeteroscedasticRegressor()
    y_standard = (y - y.mean()) / y.std()
    fit(model, mean_nll, x, y_standard, steps=200, lr=0.02, batch_size=500, anneal=True)
    nll = mean_nll(model, x, y_standard).item() + y.std().log().item()
    assert nll == pytest.approx(problem.noise_floor(), abs=0.03)


@pytest.mark.filterwarnings("ignore::course_utils.training.Remark")
def test_a_band_from_100_points_is_too_narrow_and_held_out_points_mend_it_on_other_data():
    x_new, y_new = WAVE.sample(20_000, seed=1000)
    given, conformal, better = [], [], 0
    for seed in range(100, 106):  # 12 shows one data set
        x, y = WAVE.sample(100, seed=seed)
        torch.manual_seed(seed)
        model = HeteroscedasticRegressor(hidden=(32, 32))
        fit(model, mean_nll, x, y, steps=400, lr=0.01)
        x_held, y_held = WAVE.sample(200, seed=seed + 500)
        mu, sigma = predict(model, x_held)
        z = (y_held - mu) / sigma
        c = z.square().mean().sqrt()
        mu, sigma = predict(model, x_new)
        given.append(coverage(y_new, mu, sigma))
        inside = ((y_new - mu) / sigma).abs() <= conformal_quantile(z.abs())
        conformal.append(inside.double().mean().item())
        nll = [gaussian_nll(y_new, mu, 2 * s.log()).mean() for s in (sigma, c * sigma)]
        better += nll[1] < nll[0]
    assert max(given) < 0.93 and better >= 5
    # Beta(191, 10): 0.950 ± 0.015 each
    assert abs(sum(conformal) / 6 - 0.95) < 3 * 0.0154 / math.sqrt(6)


def test_the_isotonic_regression_of_12_is_that_of_scipy():
    from scipy.optimize import isotonic_regression

    (isotonic,) = shown("12", "isotonic")
    for n in (1, 2, 30, 60):
        v = torch.linspace(0, 1, n, dtype=DTYPE) + torch.randn(n, dtype=DTYPE)
        torch.testing.assert_close(isotonic(v).numpy(), isotonic_regression(v.numpy()).x)


def test_members_on_the_same_data_agree_far_better_than_their_mean_fits_the_truth():
    """An honest sd would be 1.5 times the median error; 14 shows the seeds 0 to 3."""
    grid, ratios = WAVE.grid(101), []
    for seed in range(10, 16):
        x, y = WAVE.sample(100, seed=seed)
        torch.manual_seed(seed)
        five = Ensemble(hidden=(20,), activation=torch.nn.Tanh)
        fit(five, mean_nll, x, y, steps=150, lr=0.05, anneal=True)
        mu, _, epistemic = predict_samples(five, grid)
        ratios.append((epistemic.median() / (mu - WAVE.mean(grid)).abs().median()).item())
    assert sum(ratio < 0.7 for ratio in ratios) >= 5
    assert min(ratios) > 0


def test_two_outputs_win_on_motorcycle_in_other_folds():
    """15 shows the seeds 0 to 2. The coverage of 133 rows has a standard error of 0.02."""
    names = (
        "moments",
        "into_folds",
        "first_weights",
        "forward",
        "train_all",
        "squared_error",
        "stacked",
        "rms",
    )
    _, into_folds, _, _, train_all, squared_error, stacked, rms = shown("15", *names)
    nll, gains, inside = stacked(gaussian_nll), [], []
    for seed in range(3, 9):
        x, y, train, *_ = into_folds(*motorcycle(), seed=seed)
        test = (1 - train) / (1 - train).sum(1, keepdim=True)
        mu, _ = train_all(squared_error, x, y, train)
        one = (test * nll(y, mu, rms(y, mu, train))).sum(1)
        found = train_all(nll, x, y, train, 5)
        mu, log_var = (t.reshape(5, *y.shape) for t in found)
        log_var = (log_var.exp().mean(0) + mu.var(0)).log()
        mu = mu.mean(0)
        gains.append(((test * nll(y, mu, log_var)).sum(1) - one).mean().item())
        covered = ((y - mu).abs() < 1.96 * (log_var / 2).exp()) & (train == 0)
        inside.append(covered.sum().item() / 133)
    assert max(gains) < -0.2 and sum(gains) / 6 < -0.3
    assert 0.92 <= sum(inside) / 6 <= 0.97 and 0.89 < min(inside) <= max(inside) < 0.98
