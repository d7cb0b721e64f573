"""Each measure against scipy's distributions, integrals and tests."""

import math
from fractions import Fraction

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


@pytest.mark.parametrize(("y", "mu", "sigma"), [(0, 0, 1), (2.5, 0, 1), (-1, 3, 0.2), (4, 1, 6)])
def test_intervals_and_scores_are_those_of_scipys_normal_law(y, mu, sigma):
    from scipy import integrate, stats

    law, given = stats.norm(mu, sigma), (column(y), column(mu), column(sigma))
    assert pit(*given).item() == pytest.approx(law.cdf(y))

    def squared(t):
        return (law.cdf(t) - (t >= y)) ** 2

    low, high = min(y, mu - 9 * sigma), max(y, mu + 9 * sigma)
    expected = integrate.quad(squared, low, y)[0] + integrate.quad(squared, y, high)[0]
    assert crps(*given).item() == pytest.approx(expected, abs=1e-6)
    for level in (0.05, 0.5, 0.95, 0.999):
        ends = interval(*given[1:], level)
        assert [end.item() for end in ends] == pytest.approx(law.interval(level))
        losses = [
            pinball(given[0], end, p) for end, p in zip(ends, ((1 - level) / 2, (1 + level) / 2))
        ]
        expected = 2 / (1 - level) * sum(losses)
        torch.testing.assert_close(interval_score(given[0], *ends, level), expected)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_the_pinball_loss_is_smallest_at_the_quantile(level):
    y = column(*range(999))
    costs = [pinball(y, torch.full_like(y, q), level).mean() for q in range(999)]
    assert torch.tensor(costs).argmin() == math.ceil(level * 999) - 1
    assert pinball(column(3), column(1), level).item() == pytest.approx(2 * level)


def test_coverage_counts_what_lies_inside_ends_included():
    y, mu, one = column(0, 1.9, 2.1, -50), column(0, 0, 0, 0), column(1, 1, 1, 1)
    assert coverage(y, mu, one) == 0.5 and coverage(y, mu, one, level=0.999) == 0.75
    assert coverage(y, mu, 0 * one) == 0.25  # a sure prediction


@pytest.mark.parametrize(("n", "levels"), [(1, [0.5]), (9, [0.1, 0.9]), (133, None), (5000, None)])
def test_the_band_of_a_calibration_curve_is_the_binomial_interval_of_scipy(n, levels):
    from scipy import stats

    y = torch.zeros(n, 1, dtype=torch.float64)
    for confidence in (0.5, 0.95, 0.99):
        curve = calibration_curve(y, y, y + 1, levels, confidence)
        law = stats.binom(n, curve.levels.numpy())
        low, high = law.interval(confidence)
        assert (curve.lower.numpy() == low / n).all() and (curve.upper.numpy() == high / n).all()
        assert (law.cdf(high) - law.cdf(low - 1) >= confidence - 1e-12).all()


def test_a_calibration_curve_holds_coverage_at_each_level():
    y = torch.randn(400, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    curve = calibration_curve(y, 0 * y, 0 * y + 0.5, [0.5, 0.95])
    assert curve.levels.tolist() == [0.5, 0.95]
    assert curve.observed.tolist() == [coverage(y, 0 * y, 0 * y + 0.5, p) for p in (0.5, 0.95)]
    assert (curve.observed < curve.lower).all()
    assert calibration_curve(y, y, 0 * y).levels.tolist() == [k / 20 for k in range(1, 20)]


@pytest.mark.parametrize("n", [1, 9, 19, 29, 49, 99, 199, 299, 999])
def test_the_conformal_quantile_is_the_kth_smallest_whatever_rounding_does(n):
    scores = torch.randperm(n, generator=torch.Generator().manual_seed(n)) + 1
    for percent in range(1, 100):
        k = math.ceil((n + 1) * Fraction(percent, 100))
        for level in (percent / 100, 1 - (100 - percent) / 100):
            assert conformal_quantile(scores, level) == (math.inf if k > n else k)


def test_a_paired_comparison_is_the_t_test_of_scipy_with_a_wider_error_for_folds():
    from scipy import stats

    a, b = torch.randn(2, 50, 1, generator=torch.Generator().manual_seed(5))
    found, folds = paired_comparison(a, b), paired_comparison(a, b, test_to_train=1 / 49)
    expected = stats.ttest_rel(a, b).statistic
    assert found.difference / found.error == pytest.approx(expected, rel=1e-5)
    assert found.n == 50 and paired_comparison(b, a).difference == -found.difference
    assert folds.error / found.error == pytest.approx(math.sqrt(1 + 50 / 49))
    assert folds.difference == found.difference
