import math

import pytest
import torch

from course_utils.metrics import coverage, crps, interval, pit

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


def test_coverage_of_the_truth_is_its_level_and_of_a_variance_for_sigma_is_not():
    n, sigma = 40_000, 0.5
    y = sigma * torch.randn(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mu = torch.zeros_like(y)
    error = 4 * math.sqrt(0.95 * 0.05 / n)
    assert abs(coverage(y, mu, torch.full_like(y, sigma)) - 0.95) < error
    assert coverage(y, mu, torch.full_like(y, sigma**2)) < 0.7


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


def test_crps_of_a_sure_prediction_is_the_absolute_error():
    assert crps(column(3), column(1), column(1e-9)).item() == pytest.approx(2)


@pytest.mark.parametrize("metric", [coverage, crps, pit])
def test_a_flat_column_is_read_value_by_value_and_never_stretched(metric):
    y, mu, sigma = column(0, 1, 2), column(0, 3, 2.5), column(1, 1, 2)
    expected = torch.as_tensor(metric(y, mu, sigma))
    for flat in ((y[:, 0], mu, sigma), (y.numpy(), mu[:, 0], sigma[:, 0].tolist())):
        torch.testing.assert_close(torch.as_tensor(metric(*flat)), expected)


def test_sigma_0_is_a_sure_prediction_where_that_has_a_limit():
    y, mu, zero = column(1, 2), column(1, 1), column(0, 0)
    assert coverage(y, mu, zero) == 0.5
    for metric in (crps, pit):
        with pytest.raises(ValueError, match="sigma must be > 0, got 0 in row 0"):
            metric(y, mu, zero)


def test_log_variances_where_sigmas_belong_are_refused():
    with pytest.raises(ValueError, match=r"sigma must not be negative, got -3 in row 1.*log σ²"):
        coverage(column(0, 0), column(0, 0), column(0.5, -3))


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="0 < level < 1"):
        interval(column(0), column(1), level)
