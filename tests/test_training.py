import math

import pytest
import torch
from torch.optim import SGD
from tqdm import tqdm

from course_utils.data import LINE, WAVE
from course_utils.losses import mean_nll
from course_utils.models import HeteroscedasticRegressor, HomoscedasticRegressor, mlp
from course_utils.training import Diverged, fit, minibatches, predict


def squared_error(model, x, y):
    return ((model(x) - y) ** 2).mean()


def line():
    torch.manual_seed(0)
    return mlp(1, (), 1)


def test_fit_finds_the_least_squares_line():
    x, y = LINE.sample(200, seed=0)
    model = line()
    fit(model, squared_error, x, y, steps=400, lr=0.1, decay=True)
    design = torch.cat([x, torch.ones_like(x)], dim=1)
    slope, intercept = torch.linalg.lstsq(design, y).solution.flatten()
    assert model[0].weight.item() == pytest.approx(slope.item(), abs=1e-4)
    assert model[0].bias.item() == pytest.approx(intercept.item(), abs=1e-4)


def test_single_sigma_equals_rms_residual():
    x, y = LINE.sample(500, seed=0)
    torch.manual_seed(0)
    model = HomoscedasticRegressor(hidden=())
    fit(model, mean_nll, x, y, steps=400, lr=0.2, decay=True)
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


def test_decay_lowers_the_learning_rate_to_0():
    x, y = LINE.sample(50, seed=0)
    seen = []

    def spy(parameters, lr):
        optimizer = SGD(parameters, lr=lr)
        seen.append(optimizer)
        return optimizer

    fit(line(), squared_error, x, y, steps=10, lr=1e-3, decay=True, optimizer=spy)
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
    fit(model, mean_nll, x, y, steps=100, lr=0.1, decay=True)
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
        ({"steps": 0}, "steps >= 1"),
        ({"lr": 0}, "lr > 0"),
        ({"lr": -1}, "lr > 0"),
        ({"lr": math.nan}, "lr > 0"),
        ({"batch_size": 0}, "batch_size >= 1"),
        ({"held_out": (torch.zeros(3, 1).double(), torch.zeros(4, 1).double())}, r"\(4, 1\)"),
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
        (GOOD.flatten(), GOOD, r"\(4,\) and \(4, 1\)"),
        (GOOD, GOOD.flatten(), r"\(4, 1\) and \(4,\)"),
        (GOOD[:3], GOOD, r"\(3, 1\) and \(4, 1\)"),
        (GOOD[:0], GOOD[:0], r"\(0, 1\)"),
        (GOOD, HOLE, "y must be finite.* 2 of 4 rows, first in row 1"),
        (HOLE, GOOD, "x must be finite"),
        (GOOD.float(), GOOD, r"torch.float32: try x.double\(\)"),
        (GOOD.numpy(), GOOD, "ndarray"),
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
    with pytest.raises(ValueError, match=r"y \(10, 1\), mu \(10,\)"):
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
