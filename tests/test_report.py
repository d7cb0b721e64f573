"""The report of a stranger's table: the right advice, honest numbers, a sentence for the rest."""

import functools
import io
import math
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from course_utils.data import DATASETS, LINE, WAVE, motorcycle, read_csv
from course_utils.metrics import conformal_quantile, coverage, crps, paired_comparison
from course_utils.plots import plt
from course_utils.report import fewest_to_calibrate, report, split

SEEDS = range(10)
N = 1000


@functools.cache
def of(problem, seed, n=N):
    return report({"wave": WAVE, "line": LINE}[problem].sample(n, seed=seed), seed=seed, steps=300)


@functools.cache
def small():
    return report(motorcycle())


def test_two_outputs_are_advised_where_the_noise_depends_on_x_and_one_sigma_where_it_does_not():
    assert sum(of("wave", seed).choice == "two outputs" for seed in SEEDS) >= 8
    assert sum(of("line", seed).choice == "one σ" for seed in SEEDS) >= 8
    assert "Use two outputs: σ(x) gains" in repr(of("wave", 0))
    assert "Use one σ: the second output does not pay here" in repr(of("line", 0))


@pytest.mark.parametrize("problem", ["wave", "line"])
def test_intervals_hold_as_many_new_points_as_they_promise(problem):
    shares, bands = [], []
    for seed in SEEDS:
        found = of(problem, seed)
        x, y = {"wave": WAVE, "line": LINE}[problem].sample(2000, seed=1000 + seed)
        lower, upper = found.interval(x)
        shares.append(((lower <= y) & (y <= upper)).double().mean().item())
        bands.append(coverage(y, *found.predict(x)))
    n = found.sizes["calibration"]
    error = math.sqrt(0.95 * 0.05 * (1 / (n + 2) + 1 / 2000) / len(SEEDS))
    assert abs(np.mean(shares) - math.ceil(0.95 * (n + 1)) / (n + 1)) < 3 * error
    assert abs(np.mean(bands) - 0.95) < 0.02  # the calibrated Gaussian's, which promises nothing


def test_the_coverage_that_the_report_quotes_is_within_its_error_bar_over_seeds():
    off = []
    for seed in SEEDS:
        found = of("line", seed)
        covered, error = found.summary()["one σ"]["covered"]
        off.append((covered - 0.95) / error)
    assert np.mean(np.abs(off) < 2) >= 0.8 and abs(np.mean(off)) < 3 / math.sqrt(len(off))


def test_the_scores_are_those_of_the_course_on_rows_that_neither_trained_nor_calibrated():
    found = of("wave", 0)
    _, y = WAVE.sample(N, seed=0)
    rows = split(N, 0, 0)
    together = torch.cat(list(rows.values()))
    assert together.sort().values.tolist() == list(range(N))
    assert {part: len(r) for part, r in rows.items()} | {"folds": 1} == found.sizes
    for scores in found.scores.values():
        mu, sigma = scores["mu"], scores["sigma"]
        y_test = y[rows["test"]]
        nll = -torch.distributions.Normal(mu, sigma).log_prob(y_test)
        torch.testing.assert_close(scores["NLL"], nll)
        torch.testing.assert_close(scores["CRPS"], crps(y_test, mu, sigma))
        torch.testing.assert_close(scores["z"] * sigma + mu, y_test)
    one, two = (found.scores[kind]["NLL"] for kind in ("one σ", "two outputs"))
    assert found.difference == paired_comparison(two, one)


def test_calibration_is_the_closed_form_and_the_conformal_quantile():
    found = of("wave", 0)
    x, y = WAVE.sample(N, seed=0)
    rows = split(N, 0, None)
    assert not len(rows["test"])
    x, y = x[rows["calibration"]], y[rows["calibration"]]
    mu, sigma = found.predict(x)
    assert ((y - mu) / sigma).square().mean().item() == pytest.approx(1)
    lower, upper = found.interval(x)
    reach = ((upper - lower) / 2 / sigma).max().item()
    assert reach == pytest.approx(conformal_quantile(((y - mu) / sigma).abs(), 0.95))


def test_in_cross_validation_each_row_tests_once_and_calibrates_once():
    found = small()
    n = 133
    for part in ("test", "calibration"):
        rows = torch.cat([split(n, 0, fold)[part] for fold in range(5)])
        assert rows.sort().values.tolist() == list(range(n))
    assert found.sizes["folds"] == 5 and all(len(s["NLL"]) == n for s in found.scores.values())
    means = [
        torch.stack([part.mean() for part in scores["NLL"].split([27, 27, 27, 26, 26])])
        for scores in found.scores.values()
    ]
    one, two = (mean[:, None] for mean in means)
    d = (two - one).flatten()
    error = d.std().item() * math.sqrt(1 / 5 + 27 / 79)  # Nadeau & Bengio (2003)
    assert found.difference.difference == pytest.approx(d.mean().item())
    assert found.difference.error == pytest.approx(error)


def test_another_unit_gives_the_same_report_in_that_unit():
    x, y = WAVE.sample(N, seed=3)
    found, scaled = of("wave", 3), report((1000 * x - 7, 50_000 + 200 * y), seed=3, steps=300)
    assert scaled.choice == found.choice
    assert scaled.difference.difference == pytest.approx(found.difference.difference, abs=1e-2)
    ours, theirs = found.summary()["two outputs"], scaled.summary()["two outputs"]
    assert theirs["NLL"][0] == pytest.approx(ours["NLL"][0] + math.log(200), abs=1e-2)
    assert theirs["covered"][0] == pytest.approx(ours["covered"][0], abs=0.02)
    for name in ("CRPS", "width", "RMSE"):
        assert theirs[name][0] == pytest.approx(200 * ours[name][0], rel=0.03)
    mu, sigma = found.predict(x[:50])
    mu_scaled, sigma_scaled = scaled.predict(1000 * x[:50] - 7)
    assert (mu_scaled - (50_000 + 200 * mu)).abs().max() < 0.1 * 200
    assert (sigma_scaled / (200 * sigma) - 1).abs().max() < 0.1


def test_the_same_seed_gives_the_same_report_and_no_random_state_is_touched():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    x, y = LINE.sample(40, seed=0)
    x_before, y_before = x.clone(), y.clone()
    first = report((x, y), steps=20)
    assert repr(first) == repr(report((x, y), steps=20)) != repr(report((x, y), steps=20, seed=1))
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert torch.equal(x, x_before) and torch.equal(y, y_before)


@pytest.mark.parametrize(
    ("level", "fewest"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)]
)
def test_a_claim_needs_as_many_calibrating_rows_as_make_the_quantile_finite(level, fewest):
    assert fewest_to_calibrate(level) == fewest
    scores = torch.rand(fewest, 1, generator=torch.Generator().manual_seed(0)).double()
    assert math.isfinite(conformal_quantile(scores, level))
    assert fewest == 1 or math.isinf(conformal_quantile(scores[1:], level))


def test_few_rows_claim_no_coverage():
    found = report(LINE.sample(60, seed=0), steps=50)
    assert not found.claims and found.sizes["calibration"] == 12
    assert "No coverage is claimed: 12 rows calibrate, and 95 % needs 19." in found.sentences
    assert [row[4:] for row in found.rows()[1:]] == [["no claim", "no claim"]] * 2
    with pytest.raises(ValueError, match="an interval needs 19 rows that calibrate it, got 12"):
        found.interval([[0.0]])
    assert report(LINE.sample(60, seed=0), steps=50, level=0.9).claims
    assert isinstance(found.figure(), Figure)


def test_a_file_gives_names_notes_and_a_model():
    found = report(DATASETS / "diabetes.csv", "progression", ["bmi", "bp"], steps=30)
    assert found.inputs == ["bmi", "bp"] and repr(found).startswith("progression from bmi, bp: 442")
    mu, sigma = found.predict([[32.1, 101.0], [21.6, 87.0]])
    assert mu.shape == sigma.shape == (2, 1) and (sigma > 0).all()
    assert found.x.shape == (442, 2)
    with pytest.raises(ValueError, match="takes x with 2 columns"):
        found.predict([[1.0]])


def rows(line, n=60):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((n, 2))
    return "\n".join(line(i, *value) for i, value in enumerate(values)) + "\n"


NOTED = {
    "no target": ("a,b\n" + rows(lambda i, a, b: f"{a},{b}"), None, "last column of numbers, 'b'"),
    "constant": ("a,c,y\n" + rows(lambda i, a, b: f"{a},3,{b}"), "y", "of no use: 'c'"),
    "text": ("a,c,y\n" + rows(lambda i, a, b: f"{a},red,{b}"), "y", "'c' is kept out: it holds"),
    "copies": ("a,y\n" + 2 * rows(lambda i, a, b: f"{a},{b}", 30), "y", "30 of 60 rows repeat"),
    "classes": ("a,y\n" + rows(lambda i, a, b: f"{a},{i % 3}"), "y", "'y' takes 3 values only"),
    "few rows": (
        "a,b,c,d,y\n" + rows(lambda i, a, b: f"{a},{b},{a + b},{a * b},{b}"),
        "y",
        "60 rows are few for 4 inputs",
    ),
    "time": (
        "a,y\n" + rows(lambda i, a, b: f"{a},{math.sin(i / 9) + b / 9}"),
        "y",
        "are the rows ordered in time?",
    ),
    "nothing to learn": ("a,y\n" + rows(lambda i, a, b: f"{a},{b}"), "y", "say little about y"),
}


@pytest.mark.parametrize(("content", "target", "words"), NOTED.values(), ids=NOTED)
def test_what_is_remarkable_is_said(content, target, words):
    found = report(io.StringIO(content), target, steps=30)
    assert words in repr(found) and words in found.markdown()
    assert "ordered in time" in words or "ordered in time" not in repr(found)


REFUSED = {
    "few rows": ("a,y\n" + rows(lambda i, a, b: f"{a},{b}", 19), "y", "20 rows or more, got 19"),
    "y is constant": ("a,y\n" + rows(lambda i, a, b: f"{a},3"), "y", "'y' must vary, got 3"),
    "x is constant": ("a,y\n" + rows(lambda i, a, b: f"3,{b}"), "y", "one input must vary"),
    "text": ("a,y\n" + rows(lambda i, a, b: f"{a},{'red' if i == 7 else b}"), "y", "'red' in row"),
    "a hole": ("a,y\n" + rows(lambda i, a, b: f"{'' if i == 7 else a},{b}"), "y", "in row 9"),
    "unknown": ("a,y\n" + rows(lambda i, a, b: f"{a},{b}"), "z", "they are 'a', 'y'"),
    "one column": ("y\n" + rows(lambda i, a, b: f"{b}"), "y", "at least one column besides"),
    "huge": ("a,y\n" + rows(lambda i, a, b: f"{a},{b}e200"), "y", "must stay below 1e+100"),
    "empty": ("", "y", "is empty"),
}


@pytest.mark.parametrize(("content", "target", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_reported_is_refused_in_one_sentence(content, target, words):
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        report(io.StringIO(content), target, steps=30)
    assert "\n" not in str(refused.value) and "course_utils" in str(refused.traceback[-1].path)


def test_holes_are_dropped_on_request_and_counted():
    content = "a,y\n" + rows(lambda i, a, b: f"{'NA' if i == 7 else a},{b}")
    table = read_csv(content.encode())
    found = report(table, "y", missing="drop", steps=30)
    assert len(found.y) == 59
    assert "1 of 60 rows are left out for a hole in 'a'." in found.notes


def test_it_shows_itself_as_text_markdown_and_figure(monkeypatch):
    shown, open_before = [], plt.get_fignums()
    monkeypatch.setattr("IPython.display.display", lambda data, **kw: shown.append((data, kw)))
    found = small()
    found._ipython_display_()
    (text, _), (figure, more) = shown
    assert text["text/plain"] == repr(found) and "| model | NLL, nats |" in text["text/markdown"]
    assert "image/png" in figure and more["metadata"]["image/png"]["alt"] == found.alt()
    assert "\n\n" in repr(found) and plt.get_fignums() == open_before


def test_many_rows_take_no_longer_than_a_thousand_steps_of_minibatches():
    found = report(WAVE.sample(100_000, seed=0), steps=100)
    assert found.sizes == {
        "training": 50_000,
        "validation": 10_000,
        "calibration": 20_000,
        "test": 20_000,
        "folds": 1,
    }
    assert found.choice == "two outputs"
