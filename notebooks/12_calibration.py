# %% [markdown]
# # 12 · Calibration
#
# **The question.** My model draws a 95 % band. Can I trust it?
#
# **You will be able to**
#
# - compare forecasts by a proper score, and say why the choice of score matters;
# - give every coverage its error bar, on data that were held out;
# - mend a band with held-out data: by one scale, or by a conformal quantile;
# - say what a conformal guarantee promises, and where it ends.
#
# **You need** notebook 04 (σ(x), coverage).
#
# **Time.** About 74 minutes; the notebook runs in about 10 s. **On Colab,** and wherever `course_utils` is missing, first run `%pip install git+https://github.com/OWNER/learning-the-variance` in a new cell.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor
from torch.distributions import Beta, Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DTYPE, WAVE
from course_utils.doors import refuse, same_shape
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll, mean_nll
from course_utils.metrics import calibration_curve, coverage, interval, paired_comparison
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import (
    DATA, MEAN, REPAIRED, TRUTH, WRONG,
    plot_data, plot_fit, plot_truth, show, use_course_style,
)
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## A band to judge
#
# The network of notebook 04, its data, but only 100 points to train on. 200 more are held out: no training step sees them.

# %%
x, y = WAVE.sample(100, seed=0)
x_held, y_held = WAVE.sample(200, seed=1)
torch.manual_seed(0)
model = HeteroscedasticRegressor(hidden=(32, 32))
fit(model, mean_nll, x, y, steps=400, lr=0.01)
mu_held, sigma_held = predict(model, x_held)

fig, ax = plt.subplots(figsize=(7.5, 3.2))
grid = WAVE.grid()
plot_fit(ax, grid, *predict(model, grid))
plot_data(ax, x, y, s=16, alpha=0.9)
plot_truth(ax, WAVE)
ax.set(ylim=(-4.2, 3), title="A 95 % band learned from 100 points. Is it one?")
ax.legend(loc="lower center", ncols=3, fontsize=9)
show(fig, alt="100 points, the learned mean, which wiggles around the true one, and its orange "
     "band. On the right the band leaves out a large part of the true interval.")

# %%
on_training, on_held = coverage(y, *predict(model, x)), coverage(y_held, mu_held, sigma_held)
print(f"coverage of the 95 % band: training points {on_training:.2f}, held-out points {on_held:.2f}")
assert on_training > 0.95 and on_held < 0.9

# %% [markdown]
# On its own points the band looks safe: σ was fitted to those residuals. Judge on held-out data. But *how* should we judge, and is 0.88 of 200 points bad, or bad luck?
#
# ## Predict
#
# Two forecasters have the right mean. One says half of the true σ, the other double. The NLL and a second score (the CRPS, below) are averaged over very many points. Replace each `...`.

# %%
guess("12-a", ...)  # which forecaster does the NLL call worse: "half" or "double"

# %%
guess("12-b", ...)  # and which does the CRPS call worse: "half" or "double"

# %% [markdown]
# Later we calibrate a 90 % band on 99 points, in a way that holds 90 % *on average over such sets of 99*. We repeat it with 1,000 sets.

# %%
guess("12-c", ...)  # how many of the 1,000 bands hold less than 88 % of new points


# %% [markdown]
# ## Scores that honesty minimises
#
# A **score** judges a forecast by one y; here lower is better. It is **proper** if no forecast has a smaller expected score than the truth ([Gneiting & Raftery 2007](https://doi.org/10.1198/016214506000001437)). Three proper ones, with $z = (y - \mu)/\sigma$, and φ, Φ the density and distribution function of N(0, 1):
#
# - **NLL**, in nats: $\log\sigma + \tfrac12 z^2 + \tfrac12\log 2\pi$.
# - **CRPS**, in the units of y: $\int (F(t) - [t \ge y])^2\,dt$, for the forecast's distribution function F. For a Gaussian,
#
# $$\text{CRPS} = \sigma\left(z\,(2\Phi(z) - 1) + 2\varphi(z) - 1/\sqrt\pi\right).$$
#
# - **Interval score**, in the units of y: the width of the 1 − α interval, plus 2/α times the distance by which y lies outside.

# %%
def crps(y: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    same_shape(y=y, mu=mu, sigma=sigma)
    standard = Normal(torch.zeros_like(mu), torch.ones_like(mu))
    z = (y - mu) / sigma
    density = standard.log_prob(z).exp()
    return sigma * (z * (2 * standard.cdf(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))


def interval_score(y: Tensor, lower: Tensor, upper: Tensor, level: float = 0.95) -> Tensor:
    same_shape(y=y, lower=lower, upper=upper)
    refuse("upper", upper < lower, upper, "must not be below lower")
    outside = (lower - y).clamp(min=0) + (y - upper).clamp(min=0)
    return upper - lower + 2 / (1 - level) * outside


# %%
def nll(y, mu, sigma):
    return gaussian_nll(y, mu, 2 * sigma.log())


for y0, mu0, sigma0 in ((0.0, 0.0, 1.0), (2.5, 0.0, 1.0), (-1.0, 1.0, 0.5)):
    F, t = Normal(mu0, sigma0).cdf, torch.linspace(0, 1, 100_001, dtype=DTYPE)
    low, high = mu0 - 9 * sigma0 + (y0 - mu0 + 9 * sigma0) * t, y0 + (mu0 + 9 * sigma0 - y0) * t
    integral = torch.trapezoid(F(low) ** 2, low) + torch.trapezoid((1 - F(high)) ** 2, high)
    point = [torch.tensor([[value]], dtype=DTYPE) for value in (y0, mu0, sigma0)]
    assert abs(crps(*point).item() - integral.item()) < 1e-6

# %% [markdown]
# The truth is N(0, 1), the forecast N(0, s²). We integrate each score over the truth for many s, and check the CRPS against its closed form, $\sqrt{2(1 + s^2)/\pi} - s/\sqrt\pi$.

# %%
t = torch.linspace(-10, 10, 4001, dtype=DTYPE)[:, None]
density, zero, one = Normal(0, 1).log_prob(t).exp(), torch.zeros_like(t), torch.ones_like(t)
scores = {"NLL": nll, "CRPS": crps,
          "interval score": lambda y, mu, sigma: interval_score(y, *interval(mu, sigma))}
s = torch.logspace(math.log10(0.4), math.log10(2.5), 81, dtype=DTYPE)
expected = {name: torch.stack([torch.trapezoid(score(t, zero, k * one) * density, t, dim=0)
                               for k in [*s, 0.5, 1, 2]]).flatten() for name, score in scores.items()}
every_s = torch.cat([s, torch.tensor([0.5, 1, 2])])
exact = (2 * (1 + every_s**2) / math.pi).sqrt() - every_s / math.sqrt(math.pi)
torch.testing.assert_close(expected["CRPS"], exact, atol=1e-6, rtol=0)

print("expected score    σ/2      σ      2σ")
for name, value in expected.items():
    print(f"{name:14} {value[-3]:7.3f} {value[-2]:6.3f} {value[-1]:7.3f}")
    assert (value >= value[-2] - 1e-9).all()

# %%
worse = {name: "half" if value[-3] > value[-1] else "double" for name, value in expected.items()}
measured("12-a", worse["NLL"], "called worse by the NLL")

# %%
measured("12-b", worse["CRPS"], "called worse by the CRPS")

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.2))
for (name, value), style in zip(expected.items(), ("-", "--", ":")):
    excess = (value - value[-2]) / (value[-1] - value[-2])
    ax.plot(s, excess[: len(s)], color=MEAN, linestyle=style)
for name, place, side in (("NLL", (0.44, 4.5), "left"), ("CRPS", (0.39, 0.75), "right"),
                          ("interval score", (0.39, 2.13), "right")):
    ax.annotate(name, place, color=MEAN, ha=side, va="center")
ax.axvline(1, color=TRUTH, linestyle="--", linewidth=1)
ax.set(xscale="log", xticks=[0.5, 1, 2], xticklabels=["σ/2", "σ", "2σ"],
       xlim=(0.27, 2.6), ylim=(-0.2, 5),
       xlabel="σ that the forecaster says", ylabel="excess over the truth\n(1 = that of 2σ)")
ax.minorticks_off()
ax.set_title("Three proper scores, all smallest at the truth, weigh the two errors differently")
show(fig, alt="Three curves over the forecast's sigma, all 0 at the truth and 1 at double sigma. At "
     "half sigma the NLL stands at 2.5, the interval score at 1.3, the CRPS at 0.5.")


# %% [markdown]
# All three are smallest at the truth. Yet **the NLL calls σ/2 the worse one, the CRPS calls 2σ the worse one**: between two wrong forecasts, proper scores may disagree. Far from the mean the NLL grows like $z^2$, the CRPS like $|z|$: the NLL punishes a σ that is too small much harder.
#
# So state *before* the experiment which score decides. We take the NLL. If a decision uses the two ends of a 95 % interval, take the interval score.

# %% [markdown]
# ## Coverage has an error bar
#
# If the band is right and the n new points are independent, the number inside is binomial, and the share has the standard error
#
# $$\text{s.e.} = \sqrt{0.95 \cdot 0.05 / n}.$$
#
# The other levels can be tested, too. The **probability integral transform**, $\text{PIT} = \Phi(z)$, is uniform on (0, 1) for a right forecast. So each of ten bins holds a tenth of the points, give or take $\sqrt{0.1 \cdot 0.9/n}$.

# %%
def pit(y: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    same_shape(y=y, mu=mu, sigma=sigma)
    return Normal(mu, sigma).cdf(y)


for n in (100, 200, 1000, 10_000):
    print(f"n = {n:6,}: 0.95 ± {math.sqrt(0.95 * 0.05 / n):.3f}")
print(f"our band: {on_held:.2f}, below 0.95 by more than three standard errors")
assert 0.95 - on_held > 3 * math.sqrt(0.95 * 0.05 / 200)

# %% [markdown]
# `calibration_curve` does the same at every level: the share of points inside the central interval of that level, and between which two shares an honest model stays in 95 of 100 cases (binomial quantiles, level by level).

# %%
u = pit(y_held, mu_held, sigma_held)
curve = calibration_curve(y_held, mu_held, sigma_held)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.3))
left.hist(u.flatten(), bins=10, range=(0, 1), color=WRONG, alpha=0.6)
half = 1.96 * math.sqrt(200 * 0.1 * 0.9)
left.axhspan(20 - half, 20 + half, color=DATA, alpha=0.35, linewidth=0)
left.annotate("95 % of the bins\nof a right forecast", (0.5, 24.6), ha="center", va="center", fontsize=9)
left.set(xlabel="PIT", ylabel="points in the bin", title="Too many at both ends: σ is too small")
right.fill_between(curve.levels, curve.lower, curve.upper, color=DATA, alpha=0.35, linewidth=0)
right.plot(curve.levels, curve.observed, "o-", color=WRONG, markersize=4)
right.set(xlabel="level of the interval", ylabel="share inside", title="Below the band at every high level")
show(fig, alt="Left, a histogram of PIT values in ten bins; the first stands above a grey band around "
     "20, the last is the second highest. Right, observed share against level: below the grey band of an honest "
     "model at high levels.")
assert (curve.observed < curve.lower)[-6:].all()

# %% [markdown]
# A bin leaves its 95 % range by chance once in twenty, so with ten bins most readers will see one outside now and then. The coverage made us suspect the two ends; we count them together.

# %%
ends = torch.histc(u, 10, 0, 1)[[0, -1]].sum().item()
print(f"both ends: {ends:.0f} points; right forecast: 40 ± {1.96 * math.sqrt(200 * 0.2 * 0.8):.0f}")
assert ends > 40 + 1.96 * math.sqrt(200 * 0.2 * 0.8)

# %% [markdown]
# ## Mend it on held-out data
#
# **One scale.** Keep the shape of σ(x), multiply it by c. The NLL of the held-out points is $\log c + \tfrac{1}{2c^2}\overline{z^2}$ plus what does not depend on c. Its derivative, $\frac1c - \frac{1}{c^3}\overline{z^2}$, is zero at
#
# $$c^2 = \overline{z^2} = \frac1n \sum_i \frac{(y_i - \mu_i)^2}{\sigma_i^2}.$$
#
# A repaired band is judged on *other* points than those that repaired it. Here 20,000 more cost nothing.

# %%
z = (y_held - mu_held) / sigma_held
c = z.square().mean().sqrt().item()
x_new, y_new = WAVE.sample(20_000, seed=2)
mu_new, sigma_new = predict(model, x_new)
for name, factor in (("as trained", 1.0), ("one scale", c)):
    score = nll(y_new, mu_new, factor * sigma_new).mean().item()
    inside = coverage(y_new, mu_new, factor * sigma_new)
    print(f"{name:10}  factor {factor:.1f}   new points: NLL {score:.1f}, coverage {inside:.2f}")
assert nll(y_new, mu_new, c * sigma_new).mean() < nll(y_new, mu_new, sigma_new).mean() - 0.1
assert round(((y_new - mu_new) / sigma_new).square().mean().sqrt().item(), 1) == 1.5


# %% [markdown]
# NLL and coverage are better, and 0.91 is still not 0.95: c comes from 200 points with few of the large z among them, and is itself uncertain (the 20,000 new points would ask for 1.5). And c makes the *mean square* right, which is not the same as the share inside. For that, a quantile of |z| would do. But which one, when n is small?

# %% [markdown]
# ## Conformal: a quantile with a guarantee
#
# Take n held-out **scores** $s_i$, here $|z_i|$, and a new one. If all n + 1 are **exchangeable** (every order of them equally likely), the new one is equally likely to take any rank (we leave ties aside). So it is at most the k-th smallest of the n with probability k/(n + 1). For level 1 − α we need
#
# $$k = \lceil (n + 1)(1 - \alpha) \rceil,$$
#
# and the band $\mu \pm \hat q\,\sigma$ with $\hat q$ the k-th smallest score. If k > n, no score is large enough: $\hat q = \infty$. This is *split conformal prediction* ([Vovk 2012](https://arxiv.org/abs/1209.2673); [Romano, Patterson & Candès 2019](https://arxiv.org/abs/1905.03222)).

# %%
def conformal_quantile(scores: Tensor, level: float = 0.95) -> float:
    n = len(scores)
    # The factor undoes rounding: 0.07 · 100 is 7.000000000000001 in floats, and k is 7.
    k = math.ceil((n + 1) * level * (1 - 1e-12))
    return math.inf if k > n else scores.flatten().kthvalue(k).values.item()


q = conformal_quantile(z.abs())
print(f"conformal: σ times {q / 1.96:.1f}; one scale: σ times {c:.1f}")
print(f"coverage of new points: {coverage(y_new, mu_new, q / 1.96 * sigma_new):.2f}")
assert abs(coverage(y_new, mu_new, q / 1.96 * sigma_new) - 0.95) < 0.04
assert conformal_quantile(z[:18].abs()) == math.inf > conformal_quantile(z[:19].abs())

# %% [markdown]
# Both methods multiply σ by one number. The scale is the best one for the NLL and gives a distribution; the conformal number has the guarantee and gives one interval. With 18 points there is no 95 % guarantee to be had, with 19 there is.
#
# **What is guaranteed?** The average over calibration sets *and* new points. You have one calibration set. For it, the coverage is a number between 0 and 1, drawn from a law that is known. Let the scores be uniform on (0, 1): then $\hat q$ *is* the coverage, and an order statistic of uniforms has the law Beta(k, n + 1 − k). Other continuous scores give the same law: their own distribution function makes them uniform.

# %%
rng = np.random.default_rng(0)
covered = {}
for n in (19, 99, 999):
    sets = torch.from_numpy(rng.uniform(size=(1000, n)))
    covered[n] = torch.tensor([conformal_quantile(row, 0.9) for row in sets])
    law = Beta(0.9 * (n + 1), 0.1 * (n + 1))
    print(f"n = {n:3}: coverage {covered[n].mean():.2f} ± {covered[n].std():.3f}, "
          f"by the law {law.mean:.2f} ± {law.stddev:.3f}")
    assert abs(covered[n].mean() - 0.9) < 2.58 * law.stddev / math.sqrt(1000)

# %%
few = (covered[99] < 0.88).sum().item()
assert abs(few - 236) < 2.58 * math.sqrt(1000 * 0.236 * 0.764)  # by the law, 236 are expected
measured("12-c", few, "bands below 88 %")

# %%
fig, axes = plt.subplots(1, 3, figsize=(8.4, 2.8))
p = torch.linspace(0.65, 0.999, 700, dtype=DTYPE)
for ax, n in zip(axes, covered):
    ax.hist(covered[n], bins=torch.arange(65, 101) / 100, density=True, color=DATA, alpha=0.5)
    law = Beta(torch.tensor(0.9 * (n + 1)), torch.tensor(0.1 * (n + 1)))
    ax.plot(p, law.log_prob(p).exp(), color=TRUTH, linewidth=1.3)
    ax.set(xlim=(0.65, 1), title=f"n = {n}")
axes[0].set_ylabel("density")
axes[1].set_xlabel("coverage that one calibration set gives")
fig.suptitle("0.90 is promised on average; one calibration set gives more or less", x=0.02,
             ha="left", fontsize=11.5)
show(fig, alt="Three histograms of 1,000 coverages, each under its Beta density: wide for 19 calibration "
     "points, from 0.7 to 1; narrower for 99; within 0.03 of 0.9 for 999.")

# %% [markdown]
# So a coverage of 0.87 of a promised 0.90, with 99 calibration points, disproves nothing. (On top comes the binomial error of the test points.)

# %% [markdown]
# ## Calibrated, and useless
#
# Now the trap. Let σ be *drawn at random*, unrelated to anything. We repair the levels as in [Kuleshov et al. (2018)](https://arxiv.org/abs/1807.00263): replace each level by the share of held-out PIT values below it, a non-decreasing curve (isotonic). On new points we count the 90 % interval overall, and in each third of σ.

# %%
n, held, new = 60_000, slice(0, 30_000), slice(30_000, 60_000)
sigma = torch.from_numpy(np.exp(0.7 * rng.standard_normal((n, 1))))
y_true = torch.from_numpy(rng.standard_normal((n, 1)))  # N(0, 1), whatever σ says
u = pit(y_true, torch.zeros_like(y_true), sigma)
known = u[held].flatten().sort().values
level = torch.searchsorted(known, u[new].flatten()) / len(known)
inside = ((level > 0.05) & (level < 0.95)).double()

thirds = inside[sigma[new].flatten().argsort()].reshape(3, -1).mean(dim=1)
print(f"90 % interval: overall {inside.mean():.2f}; by thirds of σ", [f"{v:.2f}" for v in thirds])
ends = Normal(0, 1).icdf(known[[len(known) // 20, -len(known) // 20]])
random_one = interval_score(y_true[new], sigma[new] * ends[0], sigma[new] * ends[1], 0.9).mean()
right_one = interval_score(y_true[new], *interval(0 * sigma[new], 0 * sigma[new] + 1, 0.9), 0.9).mean()
print(f"interval score at 90 %: {random_one:.1f}, with the right σ {right_one:.1f}")
assert abs(inside.mean() - 0.9) < 0.01 and thirds[0] < 0.75 and thirds[2] > 0.99
assert abs(random_one / right_one - 1.7) < 0.05


# %% [markdown]
# Right overall, and wrong in every third. Coverage and PIT average over all cases; they cannot see *which* cases get which σ. A proper score does: here it is about 70 % higher than with the right σ.
#
# A milder case is a forecast that ignores x and gives everybody the spread of all y: calibrated, and blunt. Hence the rule of [Gneiting, Balabdaoui & Raftery (2007)](https://doi.org/10.1111/j.1467-9868.2007.00587.x): be as sharp as you can, *subject to calibration*.
#
# **Isotonic regression** asks whether σ sorts the cases: it fits the squared residuals, by least squares, with a non-decreasing function of σ. We sort them by σ into 60 groups. The fit at group k is the largest over a ≤ k of the smallest over b ≥ k of the mean of groups a to b.

# %%
def isotonic(v):
    """The non-decreasing values nearest to v, (n,), in the mean square."""
    sums, i = torch.cat([0 * v[:1], v.cumsum(0)]), torch.arange(len(v))
    mean = (sums[1:] - sums[:-1, None]) / (i - i[:, None] + 1)  # [a, b]: of v[a] to v[b]
    return torch.stack([mean[: k + 1, k:].amin(dim=1).max() for k in i])


said, by_sigma = sigma[held].flatten().sort()
squares = y_true[held].flatten()[by_sigma].square().reshape(60, -1).mean(dim=1)
repaired = isotonic(squares).sqrt()
print("σ said    ", [f"{v:.1f}" for v in said.reshape(60, -1).mean(dim=1)[6::12]])
print("σ repaired", [f"{v:.1f}" for v in repaired[6::12]])
assert (repaired[6:-6] - 1).abs().max() < 0.1

# %% [markdown]
# Between the first and the last tenth it says σ = 1, the truth, to everybody: this σ carried no information.
#
# ## Right on average, wrong at each x
#
# The same happens to a respectable method. Take the *true* mean of our wave, and the score $|y - \mu|$ instead of $|z|$: a band of constant width. With unlimited calibration data its half-width h holds 95 % of all y.

# %%
xs = WAVE.grid(6001)
mean, true_sigma = WAVE.truth(xs)
low, high = 0.0, 5.0
for _ in range(60):  # bisection: the h whose average coverage is 0.95
    h = (low + high) / 2
    inside_x = torch.erf(h / (true_sigma * math.sqrt(2)))
    low, high = (h, high) if inside_x.mean() < 0.95 else (low, h)
edge, middle = inside_x[xs.abs() > 2.5].mean().item(), inside_x[xs.abs() < 0.5].mean().item()
wider = h / (1.96 * true_sigma.mean().item()) - 1
print(f"|x| < 0.5: above 0.999; |x| > 2.5: {edge:.2f}; on average {wider:.0%} wider than needed")
assert middle > 0.999 and abs(edge - 0.847) < 1e-3 and abs(wider - 0.16) < 0.01

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2))
left.fill_between(xs[:, 0], (mean - h)[:, 0], (mean + h)[:, 0], color=WRONG, alpha=0.3, linewidth=0)
plot_data(left, x_new[:1000], y_new[:1000])
plot_truth(left, WAVE)
left.set_title("One width for all x …")
right.plot(xs, inside_x, color=WRONG)
right.axhline(0.95, color=REPAIRED)
right.annotate("width ∝ σ(x)", (-0.1, 0.953), color=REPAIRED, ha="center")
right.set(xlabel="x", ylabel="coverage at x", ylim=(0.8, 1.01), title="… holds 95 % only on average")
show(fig, alt="Left, a band of constant width around the true mean, too wide in the middle and too "
     "narrow at the edges. Right, its coverage at x: 1 in the middle, 0.82 at the edges; with a width "
     "proportional to sigma it would be 0.95 everywhere.")

# %% [markdown]
# No method can promise coverage at *every* x without assumptions: its bands would have to be infinitely wide ([Barber et al. 2021](https://arxiv.org/abs/1903.04684)). Group your held-out points (by x, by σ), and look at each group.
#
# ## Where the guarantee ends
#
# Exchangeable means: new points come as the calibration points did. If after calibration the noise doubles, a right 95 % band holds $2\Phi(1.96/2) - 1 = 67\,\%$.
#
# A random split can hide it. Here is a level that drifts, 200 random walks of 500 steps. The "model" interpolates between training times. First the rows are split *at random*, as for any table; then the band meets the future, the last 100 times.

# %%
assert round(math.erf(1.96 / 2 / math.sqrt(2)), 2) == 0.67
shares = {"the past, split at random": [], "the future": []}
for walk in rng.standard_normal((200, 500)).cumsum(axis=1):
    times = rng.permutation(400)
    training, calibration, test = np.sort(times[:200]), times[200:300], times[300:]
    error = abs(walk - np.interp(np.arange(500), training, walk[training]))
    band = conformal_quantile(torch.from_numpy(error[calibration]))
    for name, where in zip(shares, (test, np.arange(400, 500))):
        shares[name].append(np.mean(error[where] <= band))
for name, share in shares.items():
    print(f"coverage in {name}: {np.mean(share):.2f}")
assert abs(np.mean(shares["the past, split at random"]) - 0.95) < 0.01
assert np.mean(shares["the future"]) < 0.3

# %% [markdown]
# The random split tested interpolation; the future asks for extrapolation. Split as you will predict: in time, by patient, by site.
#
# ## Which of two models?
#
# Did the scale help, judged by 200 new points? Each model's mean NLL has its own error bar, and the two overlap. But both models met the *same* points: where one suffers, so does the other. Take the difference $d_i$ at each point, and *its* standard error, $\operatorname{sd}(d)/\sqrt n$.

# %%
points = slice(0, 200)
a = nll(y_new[points], mu_new[points], c * sigma_new[points])
b = nll(y_new[points], mu_new[points], sigma_new[points])
result = paired_comparison(a, b)
bars = [score.std().item() / math.sqrt(200) for score in (a, b)]
print(f"one scale {a.mean():.1f} ± {bars[0]:.1f}, as trained {b.mean():.1f} ± {bars[1]:.1f}")
print(f"paired: better by {-result.difference / result.error:.0f} standard errors")
assert math.isclose(result.error, (a - b).std().item() / math.sqrt(200))
assert a.mean() + bars[0] > b.mean() - bars[1] and result.difference < -2 * result.error

# %% [markdown]
# From cross-validation one gets a difference per fold, and folds share their training data: the plain error is too small. `paired_comparison(a, b, test_to_train=1/9)` corrects it for ten folds, by a factor of 1.45 ([Nadeau & Bengio 2003](https://doi.org/10.1023/A:1024068626366)).

# %%
folds = torch.from_numpy(rng.standard_normal((2, 10, 1)))
ratio = paired_comparison(*folds, test_to_train=1 / 9).error / paired_comparison(*folds).error
assert round(ratio, 2) == 1.45

# %% [markdown]
# ## The lab
#
# The mean is right, and σ(x) is right up to a factor s. Slide s: PIT and scores react, and the conformal band (green edges) does not move: $\hat q$ undoes any factor. Then shift the new data: the guarantee ends. Last, slide n: the density on the right says what your calibration set could have given, the line what it gives. Below 19 points the band is infinite.

# %%
lab = LABS["12"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"I have no rows to spare."** Use cross-validation: each row's z comes from a model that did not see it. The scale c is computed from all of them. (The conformal guarantee above is for one model and points apart; it does not cover this.)
#
# **"May I recalibrate and report on the same rows?"** No: c and $\hat q$ make exactly those rows look right.
#
# **"My library reports a calibration error of 0.03. Is that small?"** Compare it with what an honest model gets at your n:

# %%
honest = torch.from_numpy(rng.standard_normal((50, 200)))
curves = [calibration_curve(row, 0 * row, 1 + 0 * row) for row in honest]
typical = torch.stack([(k.observed - k.levels).abs().mean() for k in curves]).mean().item()
print(f"mean |share − level| of an honest model at n = 200: {typical:.3f}")
assert 0.02 < typical < 0.03

# %% [markdown]
# ## Exercises
#
# **12-1 (predict).** How many calibration points does a *99 %* conformal band need at least, so that it is not infinite?

# %%
points_needed = ...
check("12-1", points_needed)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# $\hat q$ is finite when k ≤ n.
# </details>
# <details><summary>Hint 2</summary>
#
# $(n + 1) \cdot 0.99 \le n$. At 95 % the answer was 19.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# points_needed = 99  # 0.99 (n + 1) <= n means n >= 0.99 / 0.01
# ```
#
# </details>

# %% [markdown]
# **12-2 (derive).** A forecaster has the right mean and says *twice* the true σ. Which share of the points lies inside the central 50 % interval that she draws? (The 75 % quantile of N(0, 1) is 0.6745.)

# %%
share_inside = ...
check("12-2", share_inside)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Her interval is $\mu \pm 0.6745 \cdot 2\sigma$.
# </details>
# <details><summary>Hint 2</summary>
#
# $P(|z| < a) = 2\Phi(a) - 1 = \operatorname{erf}(a/\sqrt 2)$.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# share_inside = math.erf(2 * 0.6745 / math.sqrt(2))  # 0.82
# ```
#
# </details>

# %% [markdown]
# **12-3 (code).** This line is found in many tutorials:
#
# ```python
# q = np.quantile(scores, np.ceil((n + 1) * level) / n, method="higher")
# ```
#
# At n = 19 and level 0.9 it takes the *largest* score: coverage 0.95, not 0.90. `np.quantile` counts its positions from 0 to n − 1. Write it right, for an array `scores` of (n,): the k-th smallest, and `math.inf` if k > n. (The checks stay away from rounding.)

# %%
scores = np.arange(1, 20)  # n = 19
assert np.quantile(scores, np.ceil(20 * 0.9) / 19, method="higher") == 19


def right_quantile(scores, level):
    ...


check("12-3", right_quantile)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Sort the scores. At which index, from 0, is the k-th smallest?
# </details>
# <details><summary>Hint 2</summary>
#
# `k = math.ceil((n + 1) * level)`; with k > n return `math.inf`.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def right_quantile(scores, level):
#     k = math.ceil((len(scores) + 1) * level)
#     return math.inf if k > len(scores) else np.sort(scores)[k - 1]
# ```
#
# </details>

# %% [markdown]
# **12-4 (code).** A model predicts two quantiles, `lower` and `upper`, and no σ. *Conformalized quantile regression* takes as score how far y lies outside, $\max(\text{lower} - y,\; y - \text{upper})$, negative inside, and moves both ends by $\hat q$. Write it: from held-out y, lower and upper, all (n, 1), and a new pair (m, 1), the new pair after calibration.

# %%
def cqr(y, lower, upper, new_lower, new_upper, level):
    ...


check("12-4", cqr)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `torch.maximum(a, b)` compares value by value. Keep the sign: a negative $\hat q$ narrows the band.
# </details>
# <details><summary>Hint 2</summary>
#
# `q = conformal_quantile(scores, level)`; the lower end moves down by q.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def cqr(y, lower, upper, new_lower, new_upper, level):
#     q = conformal_quantile(torch.maximum(lower - y, y - upper), level)
#     return new_lower - q, new_upper + q
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("12")

# %%
guesses("12")

# %% [markdown]
# ## Recap
#
# - Judge on held-out data, by a proper score that was chosen before: NLL and CRPS rank σ/2 and 2σ in opposite order.
# - A coverage has an error bar: ± 0.015 at n = 200. PIT and calibration curve show what kind of wrong it is.
# - Calibrated is not useful: a random σ covers 90 % overall. Look at groups, and at the score.
# - On held-out data, one scale $c^2 = \overline{z^2}$, or the conformal $\hat q$, the $\lceil (n+1)(1-\alpha)\rceil$-th smallest score.
# - The guarantee is an average over calibration sets and x, and ends where new points differ.
# - Two models: paired differences, with their standard error.

# %% [markdown]
# **Next.** A scale mends σ on average. It cannot know *where* the network was unsure because it had few points: that is the question of [`14_ensembles`](14_ensembles.ipynb).
#
# **Further reading.**
# - T. Gneiting & A. Raftery (2007), ["Strictly proper scoring rules, prediction, and estimation"](https://doi.org/10.1198/016214506000001437).
# - T. Gneiting, F. Balabdaoui & A. Raftery (2007), ["Probabilistic forecasts, calibration and sharpness"](https://doi.org/10.1111/j.1467-9868.2007.00587.x).
# - V. Vovk (2012), ["Conditional validity of inductive conformal predictors"](https://arxiv.org/abs/1209.2673): the Beta law.
# - Y. Romano, E. Patterson & E. Candès (2019), ["Conformalized quantile regression"](https://arxiv.org/abs/1905.03222).
# - R. Foygel Barber et al. (2021), ["The limits of distribution-free conditional predictive inference"](https://arxiv.org/abs/1903.04684).
# - V. Kuleshov, N. Fenner & S. Ermon (2018), ["Accurate uncertainties for deep learning using calibrated regression"](https://arxiv.org/abs/1807.00263).
# - C. Nadeau & Y. Bengio (2003), ["Inference for the generalization error"](https://doi.org/10.1023/A:1024068626366).
