"""The report of a stranger's table: the right advice, honest numbers, a sentence for the rest."""

import functools
import itertools
import json
import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from course_utils.data import DATASETS, LINE, WAVE, motorcycle
from course_utils.judge import Judge, lasting
from course_utils.losses import gaussian_nll
from course_utils.metrics import coverage, crps
from course_utils.plots import plt
from course_utils.report import plan, report, restore
from course_utils.rivals import TEST, t_quantile
from tests.claims import report_tables
from tools.notebooks import README

# scipy and scikit-learn are imported where they are used: they take two seconds.
N, PROBLEMS = 300, {"wave": WAVE, "line": LINE}


@functools.cache
def of(problem):
    return report(PROBLEMS[problem].sample(N, seed=0), steps=60)


@functools.cache
def engel():
    return report(DATASETS / "engel.csv", target="foodexp", time=False, steps=40)


def table(n=120, seed=0, **columns):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    return pd.DataFrame({"x": x, **columns, "y": 3 * x + rng.standard_normal(n)})


def test_the_verdict_is_a_network_with_sigma_of_x_on_wave_and_a_line_on_a_line():
    assert of("wave").choice == "network, σ(x)" and of("line").choice == "line, one σ"
    assert repr(of("wave")).count("Use a network with σ(x).") == 1
    assert of("wave").gain("network, σ(x)", "network, one σ").difference > 0.1


@pytest.mark.parametrize("problem", PROBLEMS)
def test_intervals_of_any_level_hold_as_many_new_points_as_they_promise(problem):
    found = of(problem)
    x, y = PROBLEMS[problem].sample(5000, seed=1000)
    for level in (0.5, 0.8, 0.95):
        lower, upper = found.interval(x, level)
        inside = ((lower <= y) & (y <= upper)).double().mean().item()
        error = math.sqrt(level * (1 - level) * (1 / N + 1 / 5000))
        assert abs(inside - level) < 4 * error
    assert abs(coverage(y, *found.predict(x)) - 0.95) < 0.03


def test_the_scores_are_those_of_the_course_on_rows_that_neither_trained_nor_calibrated():
    found = of("wave")
    _, y = WAVE.sample(N, seed=0)
    folds, tests, final = plan(found.rows, 0)
    assert tests.sum(0).tolist() == [1] * N and (folds == TEST).equal(tests)
    assert (final != TEST).all()
    for scores in found.scores.values():
        mu, sigma, y_test = scores["mu"], scores["sigma"], y[found.tested]
        nll = -torch.distributions.Normal(mu, sigma).log_prob(y_test)
        torch.testing.assert_close(scores["NLL"], nll)
        torch.testing.assert_close(scores["CRPS"], crps(y_test, mu, sigma))
        torch.testing.assert_close(scores["z"] * sigma + mu, y_test)


def test_another_unit_gives_the_same_report_in_that_unit():
    x, y = WAVE.sample(60, seed=3)
    found, scaled = (report(data, steps=10) for data in ((x, y), (1000 * x - 7, 50_000 + 200 * y)))
    assert scaled.choice == found.choice
    ours, theirs = found.summary()[found.choice], scaled.summary()[found.choice]
    assert theirs["NLL"][0] == pytest.approx(ours["NLL"][0] + math.log(200), abs=1e-3)
    assert theirs["RMSE"][0] == pytest.approx(200 * ours["RMSE"][0], rel=1e-3)


def test_the_same_seed_gives_the_same_report_and_no_random_state_is_touched():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    x, y = LINE.sample(40, seed=0)
    first = report((x, y), steps=5)
    assert repr(first) == repr(report((x, y), steps=5)) != repr(report((x, y), steps=5, seed=1))
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


def test_a_line_on_few_rows_has_students_interval():
    from scipy import stats

    for freedom, level in itertools.product([1, 2, 5, 30, 300], [0.5, 0.9, 0.95, 0.99]):
        right = stats.t.ppf((1 + level) / 2, freedom)
        assert t_quantile(level, freedom) == pytest.approx(right, rel=2e-3)
    x, y = LINE.sample(30, seed=1)
    found = report((x, y), steps=10)
    assert found.choice == "line, one σ" and "Student" in repr(found)
    lower, upper = found.interval([[0.5]], 0.9)
    fit = stats.linregress(x[:, 0], y[:, 0])
    s = (y[:, 0] - fit.intercept - fit.slope * x[:, 0]).square().sum().div(28).sqrt()
    doubt = 1 + 1 / 30 + (0.5 - x.mean()) ** 2 / (x - x.mean()).square().sum()
    half = stats.t.ppf(0.95, 28) * s * doubt.sqrt()
    assert (upper - lower).item() / 2 == pytest.approx(half.item(), rel=0.02)


def test_a_sparse_line_is_as_good_as_scikit_learns_lasso():
    """Else the verdict is on the network and not on the data."""
    from sklearn.linear_model import LassoCV

    rng = np.random.default_rng(0)
    x = rng.standard_normal((150, 100))
    y = x[:, :5] @ [1.0, -1, 0.5, 0.5, 1] + rng.standard_normal(150)
    found = report((x, y), steps=5)
    assert found.choice == "line, one σ"
    x_new = rng.standard_normal((2000, 100))
    y_new = x_new[:, :5] @ [1.0, -1, 0.5, 0.5, 1]
    mu, _ = found.predict(x_new)
    ours = (mu[:, 0].numpy() - y_new).std()
    assert ours < 1.3 * (LassoCV().fit(x, y).predict(x_new) - y_new).std()


def test_a_table_gives_a_model_that_is_asked_by_name_saved_and_read_again(tmp_path):
    found = engel()
    assert found.choice == "line, σ(x)" and found.rows.inputs == ["income"]
    new = pd.DataFrame({"other": ["a", "b"], "income": [500.0, 2000.0]}, index=[7, 8])
    mu, sigma = found.predict(new)
    assert mu.shape == sigma.shape == (2, 1) and sigma[1] > 2 * sigma[0]
    made = found.table(new, level=0.5)
    assert list(made) == ["mu", "sigma", "lower", "upper"] and list(made.index) == [7, 8]
    assert ((made.lower < made.mu) & (made.mu < made.upper)).all()
    with pytest.raises(ValueError, match="none called 'income'"):
        found.predict(new[["other"]])
    found.save(tmp_path / "model.json")
    pd.testing.assert_frame_equal(restore(tmp_path / "model.json").table(new), found.table(new))
    with pytest.raises(ValueError, match="a file that found"):
        restore(DATASETS / "engel.csv")


def patients(known=True):
    rng = np.random.default_rng(0)
    who, n = np.repeat(np.arange(60), 10), 600
    own = 2 * rng.standard_normal(60)
    age, dose = rng.uniform(20, 80, 60), rng.uniform(0, 1, n)
    made = pd.DataFrame({"patient": who, "age": age[who], "weight": (age * 0.5 + own)[who]})
    made["dose"], made["y"] = dose, own[who] + dose + 0.3 * rng.standard_normal(n)
    made = made.sample(frac=1, random_state=0).reset_index(drop=True)
    return made if known else made.drop(columns="patient")


@pytest.mark.parametrize("known", [True, False])
def test_rows_of_one_case_claim_nothing_until_the_split_holds_out_cases(known):
    found = report(patients(known=known), target="y", steps=2)
    assert "No coverage is claimed: rows seem to belong together" in repr(found)
    assert "no claim" in found.markdown()


def test_groups_are_held_out_whole_and_their_coverage_holds_for_new_ones():
    found = report(patients(), target="y", groups="patient", steps=2)
    folds, tests, _ = plan(found.rows, 0)
    for part, test in zip(folds, tests):
        tested, trained = (set(found.rows.cluster[at].tolist()) for at in (test, part != TEST))
        assert not tested & trained
    assert "patient" not in found.rows.inputs and "of other patients than" in repr(found)
    covered, error = found.summary()[found.choice]["covered"]
    assert error > 0.009 and abs(covered - 0.95) < 4 * error


def drifting(n=800):
    rng = np.random.default_rng(0)
    day = pd.to_datetime("2021-01-01") + pd.to_timedelta(np.arange(n), "D")
    x, drift = rng.uniform(-1, 1, n), np.cumsum(0.1 * rng.standard_normal(n))
    return pd.DataFrame({"day": day, "x": x, "y": x + drift + 0.3 * rng.standard_normal(n)})


def test_order_is_noticed_held_out_as_a_block_and_not_confused_with_sorting():
    found = report(drifting(), target="y", steps=2)
    assert "residuals of neighbouring rows are alike" in repr(found)
    ordered = report(drifting(), target="y", time="day", steps=2)
    assert ordered.tested.tolist() == list(range(640, 800))
    assert "the last fifth by day" in repr(ordered)
    sorted_by_y = table().sort_values("y")
    assert "neighbouring" not in repr(report(sorted_by_y, target="y", steps=2))


@pytest.mark.parametrize(("phi", "right"), [(0.0, 1.0), (0.5, 3.0), (0.9, 19.0)])
def test_rows_in_time_count_as_one_for_as_long_as_their_residuals_last(phi, right):
    """Of an autoregression of order 1 the sum is (1 + φ)/(1 − φ)."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(0)
    z = torch.from_numpy(lfilter([1], [1, -phi], rng.standard_normal(50_000)).copy())
    assert lasting(z / z.std()) == pytest.approx(right, rel=0.2)
    assert lasting(torch.ones(100, dtype=torch.float64)) == pytest.approx(100)


def test_a_better_mean_is_no_gain_of_sigma():
    """A rival with σ(x) might win by its mean on a table whose noise is constant."""
    x, y = LINE.sample(500, seed=0)
    mu, sigma = torch.zeros_like(y), torch.ones_like(y)
    judge = Judge(torch.arange(len(y)), 5)
    nll, flat = (gaussian_nll(y, m, 2 * sigma.log()) for m in (LINE.truth(x)[0], mu))
    assert judge.beats(nll, flat) and not judge.earns({"NLL": nll, "NLL of one σ": nll + 0.005})
    assert judge.earns({"NLL": nll, "NLL of one σ": nll + 0.05 + 0.01 * torch.randn_like(nll)})


def test_what_matters_for_the_verdict_stands_beside_it():
    made = table(300)
    made.loc[[5, 50, 150], "y"] *= 100
    found = report(made, target="y", steps=2)
    sentences = "\n".join(found.sentences()[:4])
    assert "'y': " in sentences and "They decide any fit by squares" in sentences


REFUSED = {
    "few rows": (table(19), {}, "20 rows or more, got 19"),
    "y is constant": (table().assign(y=3.0), {}, "'y' must vary, got 3"),
    "x is constant": (table()[["x", "y"]].assign(x=3.0), {}, "one input must vary"),
    "text": (table().assign(y="red"), {}, "must hold numbers, got 'red' in row 0"),
    "unknown": (table(), {"inputs": ["z"]}, "got 'z'"),
    "one column": (table()[["y"]], {}, "an input of use besides 'y'"),
    "huge": (table().assign(y=lambda t: t.y * 1e200), {}, "must stay below 1e+100"),
    "no row with y": (table().assign(y=np.nan), {}, "20 rows or more, got 0"),
    "half of a forecast": (table(a=0), {"lower": "a"}, "expected mu= and sigma="),
    "of two forecasts": (table(a=0), {"mu": "a", "upper": "a"}, "expected mu= and sigma="),
    "no input of use": (table(x=np.nan), {}, "'x' is empty"),
    "one name twice": (table(a=1).set_axis(["x", "x", "y"], axis=1), {}, "'x' more than once"),
    "infinite": (table(a=np.r_[np.inf, np.arange(119)]), {}, "finite numbers, got inf"),
    "complex": (table(a=1j * np.arange(120)), {}, "one real number, text or date"),
    "lists": (table(a=[[1, 2]] * 120), {}, "one real number, text or date"),
    "options of a file": (table(), {"sep": ";"}, "read already, got sep="),
    "two splits": (table(g=1), {"groups": "g", "time": "g"}, "groups= or by time=, got both"),
    "holes in groups": (table(g=[None, *range(119)]), {"groups": "g"}, "complete, got a hole"),
    "no time": (table(t="noon"), {"time": "t"}, "numbers or dates, got 'noon'"),
    "two readings": (table(t=["01/02/2023"] * 120), {"time": "t"}, "is 02 January 2023 or 01 Feb"),
    "few groups": (table(g=np.arange(120) % 4), {"groups": "g"}, "at least 10 different values"),
}


@pytest.mark.parametrize(("made", "options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_reported_is_refused_in_one_sentence(made, options, words):
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        report(made, target="y", steps=2, **options)
    assert "\n" not in str(refused.value)


def test_few_rows_claim_no_coverage_where_the_interval_is_infinite():
    found = report(motorcycle(), steps=2, level=0.995)
    assert "No coverage is claimed: too few rows calibrate" in repr(found)
    with pytest.raises(ValueError, match="needs more rows that calibrate it, got 133"):
        found.interval([[20.0]])


def test_it_shows_itself_as_text_markdown_and_figure(monkeypatch):
    shown, open_before = [], plt.get_fignums()
    monkeypatch.setattr("IPython.display.display", lambda data, **kw: shown.append((data, kw)))
    found = engel()
    found._ipython_display_()
    (text, _), (figure, more) = shown
    assert text["text/plain"] == repr(found) and "| rival | NLL, nats |" in text["text/markdown"]
    assert "image/png" in figure and more["metadata"]["image/png"]["alt"] == found.alt()
    assert plt.get_fignums() == open_before and isinstance(of("line").figure(), Figure)


def test_many_rows_are_minibatches():
    found = report(WAVE.sample(60_000, seed=0), steps=5)
    assert len(found.tested) == 12_000 and len(found.model.z) <= 10_000


def test_a_column_that_was_constant_has_no_say():
    x, y = WAVE.sample(150, seed=0)
    found = report((torch.cat([x, 7 + 0 * x], 1), y), steps=20)
    assert "line" not in found.choice  # its weight for such a column is 0 anyhow
    there, elsewhere = found.predict([[1.0, 7.0]]), found.predict([[1.0, 8.0]])
    assert torch.equal(there[0], elsewhere[0])


def forecast(times, n=300):
    """WAVE with the truth as another tool's forecast, its σ multiplied."""
    x, y = WAVE.sample(n, seed=0)
    mu, sigma = (v[:, 0].numpy() for v in WAVE.truth(x))
    made = pd.DataFrame({"x": x[:, 0], "y": y[:, 0], "pred": mu, "sd": times * sigma})
    return made.assign(low=mu - times * 1.96 * sigma, high=mu + times * 1.96 * sigma)


@pytest.mark.parametrize(("times", "honest"), [(1.0, True), (0.5, False)])
def test_another_tools_forecast_is_judged(times, honest):
    from scipy import stats

    made = forecast(times).drop(columns=["low", "high"])
    found = report(made, "y", mu="pred", sigma="sd", steps=10)
    c, error = found.scale
    z = (made.y - made.pred) / made.sd
    assert c == pytest.approx(np.sqrt(np.mean(z**2))) and abs(c * times - 1) < 4 * error
    nll = -stats.norm(made.pred, made.sd).logpdf(made.y)
    np.testing.assert_allclose(found.scores["NLL"][:, 0], nll)
    said = repr(found)
    assert f"largest distance {stats.kstest(z, 'norm').statistic:.3f}" in said
    assert ("leave it alone" in said, "leaves its 95 % band" in said) == (honest, not honest)
    assert ("not honest for" in said, found.difference.difference < 0) == (not honest, honest)
    assert found.own.rows.inputs == ["x"]


def test_another_tools_interval_is_judged():
    made = forecast(0.8).drop(columns=["pred", "sd"])
    found = report(made, "y", lower="low", upper="high", steps=2)
    c, error = found.scale
    assert abs(0.8 * c - 1) < 4 * error and "multiply the half width by it" in repr(found)
    assert found.covered["all"][0] == ((made.low <= made.y) & (made.y <= made.high)).mean()


def test_the_regressor_passes_scikit_learns_own_checks_and_knows_its_sigma_in_a_pipeline():
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.estimator_checks import check_estimator

    from course_utils.regressor import VarianceRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = check_estimator(VarianceRegressor(steps=25), on_skip=None)
    assert len(told) > 40 and {check["status"] for check in told} <= {"passed", "skipped"}
    x, y = WAVE.sample(500, seed=0)
    model = make_pipeline(StandardScaler(), VarianceRegressor(steps=100))
    assert cross_val_score(model, x, y[:, 0], cv=3).mean() > 0.4
    mu, sigma = model.fit(x, y[:, 0]).predict(x, return_std=True)
    assert abs(np.mean(np.abs(y[:, 0].numpy() - mu) < 1.96 * sigma) - 0.95) < 0.04


def test_readme_s_session_with_a_table_runs(tmp_path, monkeypatch, capsys):
    _, block = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert len(block.splitlines()) < 30
    rng, street = np.random.default_rng(0), [f"s{i % 40}" for i in range(240)]
    made = pd.DataFrame({"street": street, "size": rng.uniform(30, 200, 240)})
    made["rooms"], made["heating"] = rng.integers(1, 7, 240), rng.choice(["gas", "wood"], 240)
    made["price"] = 5e4 + 3e3 * made["size"] + 2e4 * rng.standard_normal(240)
    made.to_csv(tmp_path / "houses.csv", index=False)
    made[["heating", "rooms", "size"]].head(3).to_csv(tmp_path / "new_houses.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("course_utils.report.STEPS", 5)
    exec(block, {})
    said = capsys.readouterr().out
    assert "of other streets than those that train" in said
    assert "the report's model is better" in said
    assert (tmp_path / "for_a_colleague.md").read_text(encoding="utf-8").startswith("**price from")


def test_the_study_of_the_report_stands_in_readme_and_holds():
    stored = json.loads(report_tables.RESULTS.read_text(encoding="utf-8"))
    assert set(stored) == set(report_tables.N)
    assert report_tables.rendered(stored) in README.read_text(encoding="utf-8")
    false, power, line, _, nll, _ = (k / n for k, n in report_tables.totals(stored).values())
    assert false <= 0.05 and power >= 0.9 and line >= 0.95 and nll >= 0.75
    sigma = [draw[0] for draw in stored["wave"].values()]
    assert sum(sigma) >= 0.9 * len(sigma) >= 9


def test_a_draw_of_the_study_has_its_figures(monkeypatch):
    monkeypatch.setattr("course_utils.report.STEPS", 20)
    figures = report_tables.one("line, 50 rows", 0)
    assert len(figures) == len(report_tables.FIGURES) and report_tables.honest(figures)
