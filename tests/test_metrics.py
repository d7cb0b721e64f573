import math

import pytest
import torch

from course_utils.metrics import (
    calibration_curve,
    conformal_quantile,
    coverage,
    crps,
    interval,
    interval_score,
    paired_comparison,
    pinball,
    pit,
)

# scipy is imported where it is used: it takes most of a second, in each of pytest's processes.


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.95, 0.999])
def test_the_interval_is_that_of_scipy(level):
    from scipy import stats

    mu, sigma = column(0, 1, -2), column(1, 0.3, 7)
    lower, upper = interval(mu, sigma, level)
    expected = stats.norm(mu.numpy(), sigma.numpy()).interval(level)
    torch.testing.assert_close(lower.numpy(), expected[0])
    torch.testing.assert_close(upper.numpy(), expected[1])


def test_coverage_counts_what_lies_inside():
    y, mu, sigma = column(0, 1.9, 2.1, -50), column(0, 0, 0, 0), column(1, 1, 1, 1)
    assert coverage(y, mu, sigma) == 0.5
    assert coverage(y, mu, sigma, level=0.999) == 0.75


def test_pit_of_the_truth_is_uniform_and_of_too_narrow_a_band_is_not():
    from scipy import stats

    y = torch.randn(4000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mu, sigma = torch.zeros_like(y), torch.ones_like(y)
    assert stats.kstest(pit(y, mu, sigma).flatten().numpy(), "uniform").pvalue > 0.01
    assert stats.kstest(pit(y, mu, sigma / 2).flatten().numpy(), "uniform").pvalue < 1e-6


@pytest.mark.parametrize(("y", "mu", "sigma"), [(0, 0, 1), (2.5, 0, 1), (-1, 3, 0.2), (4, 1, 6)])
def test_crps_equals_its_integral(y, mu, sigma):
    from scipy import integrate, stats

    def squared(t):
        return (stats.norm(mu, sigma).cdf(t) - (t >= y)) ** 2

    low, high = min(y, mu - 9 * sigma), max(y, mu + 9 * sigma)
    expected = integrate.quad(squared, low, y)[0] + integrate.quad(squared, y, high)[0]
    assert crps(column(y), column(mu), column(sigma)).item() == pytest.approx(expected, abs=1e-6)


def test_sigma_0_is_a_sure_prediction_where_that_has_a_limit():
    y, mu, zero = column(1, 2), column(1, 1), column(0, 0)
    assert coverage(y, mu, zero) == 0.5
    for metric in (crps, pit):
        with pytest.raises(ValueError, match="sigma must be > 0, got 0 in row 0"):
            metric(y, mu, zero)


def test_one_row_is_not_stretched_over_many():
    for metric in (coverage, crps, pit):
        with pytest.raises(ValueError, match="one shape"):
            metric(column(1), column(1, 2), column(1, 2))


def test_log_variances_where_sigmas_belong_are_refused():
    with pytest.raises(ValueError, match=r"sigma must not be negative, got -3 in row 1.*log σ²"):
        coverage(column(0, 0), column(0, 0), column(0.5, -3))


@pytest.mark.parametrize(("y", "mu", "sigma"), [(0, 0, 1), (2.5, 0, 1), (-1, 3, 0.2), (4, 1, 6)])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_score_is_two_pinball_losses(y, mu, sigma, level):
    from scipy import stats

    expected = 0
    for p in ((1 - level) / 2, (1 + level) / 2):
        q = stats.norm(mu, sigma).ppf(p)
        expected += 2 / (1 - level) * (p * max(y - q, 0) + (1 - p) * max(q - y, 0))
    score = interval_score(column(y), *interval(column(mu), column(sigma), level), level)
    assert score.item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_the_pinball_loss_is_smallest_at_the_quantile(level):
    from scipy import optimize, stats

    y = column(*stats.expon.ppf((torch.arange(20_000) + 0.5) / 20_000))

    def cost(q):
        return pinball(y, torch.full_like(y, q), level).mean().item()

    best = optimize.minimize_scalar(cost, bounds=(0, 8), method="bounded").x
    assert best == pytest.approx(stats.expon.ppf(level), abs=2e-3)
    assert cost(0.0) == pytest.approx(level, rel=1e-3)  # y alone: its mean is 1


@pytest.mark.parametrize(("n", "levels"), [(1, [0.5]), (9, [0.1, 0.9]), (133, None), (5000, None)])
def test_the_band_of_a_calibration_curve_is_the_binomial_interval_of_scipy(n, levels):
    from scipy import stats

    y = torch.zeros(n, 1, dtype=torch.float64)
    for confidence in (0.5, 0.95, 0.99):
        curve = calibration_curve(y, y, y + 1, levels, confidence)
        low, high = stats.binom(n, curve.levels.numpy()).interval(confidence)
        assert (curve.lower.numpy() == low / n).all() and (curve.upper.numpy() == high / n).all()
        inside = stats.binom(n, curve.levels.numpy())
        assert (inside.cdf(high) - inside.cdf(low - 1) >= confidence - 1e-12).all()


def test_a_calibration_curve_holds_coverage_at_each_level():
    y = torch.randn(400, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    mu, sigma = torch.zeros_like(y), torch.ones_like(y)
    curve = calibration_curve(y, mu, 0.5 * sigma, [0.5, 0.95])
    assert curve.levels.tolist() == [0.5, 0.95]
    assert curve.observed.tolist() == [coverage(y, mu, 0.5 * sigma, p) for p in (0.5, 0.95)]
    assert (curve.observed < curve.lower).all()
    assert calibration_curve(y, mu, sigma).levels.tolist() == [k / 20 for k in range(1, 20)]


@pytest.mark.parametrize(
    ("n", "level", "k"),
    [
        (9, 0.9, 9),
        (19, 0.95, 19),
        (19, 0.9, 18),
        (39, 0.9, 36),
        (99, 0.9, 90),
        (99, 0.07, 7),
        (500, 0.9, 451),
        (1, 0.5, 1),
        (2, 1 - 2 / 3, 1),
    ],
)
def test_the_conformal_quantile_is_the_kth_smallest(n, level, k):
    scores = torch.arange(1, n + 1)[torch.randperm(n, generator=torch.Generator().manual_seed(n))]
    assert conformal_quantile(scores, level) == k
    assert conformal_quantile(-scores[:, None].double(), level) == k - n - 1


def test_rounding_never_moves_the_order_statistic():
    from fractions import Fraction

    for n in (9, 19, 29, 49, 99, 199, 299, 999):
        for percent in range(1, 100):
            k = math.ceil((n + 1) * Fraction(percent, 100))
            for level in (percent / 100, 1 - (100 - percent) / 100):
                expected = math.inf if k > n else k
                assert conformal_quantile(torch.arange(1, n + 1), level) == expected


def test_a_paired_comparison_is_the_t_test_of_scipy():
    from scipy import stats

    generator = torch.Generator().manual_seed(5)
    a, b = torch.randn(2, 50, 1, dtype=torch.float64, generator=generator)
    a = a + 0.3
    comparison = paired_comparison(a, b)
    expected = stats.ttest_rel(a.numpy()[:, 0], b.numpy()[:, 0])
    assert comparison.difference / comparison.error == pytest.approx(expected.statistic)
    assert comparison.n == 50 and paired_comparison(b, a).difference == -comparison.difference


def test_ten_folds_have_a_standard_error_1_45_times_the_naive_one():
    a, b = column(*range(10)), column(*[0.5] * 10)
    naive, corrected = paired_comparison(a, b), paired_comparison(a, b, test_to_train=1 / 9)
    assert corrected.error / naive.error == pytest.approx(math.sqrt((0.1 + 1 / 9) / 0.1))
    assert corrected.error / naive.error == pytest.approx(1.453, abs=5e-4)
    assert corrected.difference == naive.difference == 4
