# %% [markdown]
# # 11 · Other targets
#
# **The question.** And if y is a vector, a count, a price?
#
# **You will be able to**
#
# - turn a distribution into a loss, and swap it in one line;
# - compare models of counts fairly, and say why a density and a probability do not compare;
# - say whether a network for prices predicts a mean or a median;
# - let a network learn how two errors go together, and predict what it costs to ignore it.
#
# **You need** notebook 04 (a network with two outputs).
#
# **Time.** About 68 minutes; the notebook runs in about 20 s.
#
# <details><summary>On Colab</summary>First run <code>%pip install git+https://github.com/OWNER/learning-the-variance</code> in a new cell: <code>course_utils</code> is missing there, as in any single file.</details>

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.distributions import (
    Bernoulli, Independent, Laplace, LogNormal, MultivariateNormal,
    NegativeBinomial, Normal, Poisson,
)
from torch.nn import functional as F

from course_utils import check, guess, guesses, measured, quiz
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll
from course_utils.metrics import interval
from course_utils.models import mlp
from course_utils.plots import ALEATORIC, DATA, MEAN, TRUTH, WRONG, plot_fit, show, use_course_style
from course_utils.training import fit

use_course_style()
torch.set_num_threads(1)


# %% [markdown]
# ## The question, as it was asked
#
# [Answer 562735](https://stats.stackexchange.com/a/562735) on [Cross Validated](https://stats.stackexchange.com/questions/564809) gives a network two outputs, the mean and the logarithm of the standard deviation of a Gaussian. A reader comments: "Can it be generalized to learn to predict the parameters of non-gaussian distributions as well?"
#
# Yes, and it takes one line. Our first y is a count: bicycles that pass in ten minutes. Their mean depends on the hour, from 0.6 at 3 h to 12 at 15 h.

# %%
def true_rate(hour):
    return torch.exp(1 + 1.5 * torch.sin((hour - 9) * 2 * math.pi / 24))

def bicycles(n, *, seed, weather=False):
    """The hour and the bicycles in ten minutes, both (n, 1); on fine days more than on others."""
    rng = np.random.default_rng(seed)
    hour = torch.from_numpy(rng.uniform(0, 24, (n, 1)))
    luck = rng.gamma(2, 1 / 2, (n, 1)) if weather else 1.0  # mean 1, variance 1/2
    return hour, torch.from_numpy(rng.poisson(true_rate(hour).numpy() * luck).astype(float))


hour, count = bicycles(2000, seed=0)
hours = torch.linspace(0, 24, 200, dtype=torch.float64)[:, None]


# %%
def plot_counts(ax, hour, count, title):
    ax.scatter(hour[:400], count[:400], color=DATA, s=9, alpha=0.5, linewidths=0)
    ax.plot(hours, true_rate(hours), color=TRUTH, linestyle="--")
    ax.set(xlabel="hour of the day", xticks=range(0, 25, 6), title=title)


fig, ax = plt.subplots()
plot_counts(ax, hour, count, "Few bicycles at night, many in the afternoon (dashed: true mean)")
ax.set_ylabel("bicycles in ten minutes")
show(fig, alt="Counts against the hour, on horizontal lines at whole numbers. They are 0 to 4 at "
     "night and mostly 4 to 20 in the afternoon, around a dashed curve with its peak at 15 h.")

# %% [markdown]
# ## Predict
#
# We train two networks on 2,000 counts: the Gaussian of notebook 04, and one whose output is the parameter of a Poisson distribution. Then come data with weather: on fine days twice or three times as many bicycles pass as on others. Replace each `...` by what you expect.

# %%
guess("11-a", ...)  # at how many per cent of the hours does the Gaussian's 95 % interval go below 0

# %%
guess("11-b", ...)  # with weather, whose NLL on fresh counts is better: "Gaussian" or "Poisson"


# %% [markdown]
# ## The one idea
#
# The outputs of a network are the parameters of a distribution, and the loss is its $-\log p(y)$:
#
# 1. Choose a distribution that can produce your y.
# 2. Give the network one output for each parameter, mapped to where the parameter may lie: as it is for a mean, through exp for what must be positive.
# 3. Minimise $-\log p(y)$, averaged over the data.
#
# [`torch.distributions`](https://docs.pytorch.org/docs/stable/distributions.html) holds the densities. Step 2 is the only one that changes; we call such a function a **family**.

# %%
def gaussian(raw):
    mu, log_var = raw.chunk(2, dim=1)
    return Normal(mu, (log_var / 2).exp())

def poisson(raw):
    return Poisson(raw.exp())

def nll(distribution, y):
    """−log p(y) of each row, in nats."""
    return -distribution.log_prob(y)


# %%
def train(family, outputs, x, y, *, seed=0):
    """A function from x (n, 1), scaled to [−1, 1], to the learned distribution of y."""
    torch.manual_seed(seed)
    net = mlp(1, (30, 30), outputs)
    options = {"steps": 300, "lr": 0.03, "batch_size": 500, "anneal": True}
    fit(net, lambda net, x, y: nll(family(net(x)), y).mean(), x, y, **options)
    return lambda x: family(net(x).detach())


x = hour / 12 - 1
of_gaussian = train(gaussian, 2, x, count)
of_poisson = train(poisson, 1, x, count)

# %% [markdown]
# The last two lines differ in the family and its number of outputs, and in nothing else.
#
# The check: with `gaussian`, `nll` is the loss of notebook 04. A Poisson variable with mean λ has $P(y) = \lambda^y e^{-\lambda} / y!$, so with `poisson` it must be
#
# $$-\log P(y) = \lambda - y \log \lambda + \log y!.$$

# %%
raw = torch.linspace(-1, 1.5, 4000, dtype=torch.float64).reshape(2000, 2)
torch.testing.assert_close(nll(gaussian(raw), count), gaussian_nll(count, raw[:, :1], raw[:, 1:]))
log_rate = raw[:, :1]
by_hand = log_rate.exp() - count * log_rate + torch.lgamma(count + 1)
torch.testing.assert_close(nll(poisson(log_rate), count), by_hand)


# %% [markdown]
# ## Counts
#
# A Gaussian's 95 % interval is $\mu \pm 1.96\,\sigma$. For a distribution on counts we add up probabilities, and take the smallest counts at which 2.5 % and 97.5 % are reached. Such an interval holds *at least* 95 %: at a mean of 1 it is 0 to 3 and holds 98 %, because nothing lies between two counts.

# %%
def limits(distribution):
    """The ends of the central 95 % interval of a distribution, each (n, 1)."""
    if isinstance(distribution, Normal):
        return interval(distribution.mean, distribution.stddev)
    reached = distribution.log_prob(torch.arange(100.0).double()).exp().cumsum(dim=1)
    return tuple((reached < level).sum(dim=1, keepdim=True) for level in (0.025, 0.975))


assert limits(Poisson(torch.ones(1, 1))) == (0, 3)
assert round(math.exp(-1) * (1 + 1 + 1 / 2 + 1 / 6), 2) == 0.98

# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.4))
plot_counts(axes[0], hour, count, "Gaussian: fewer than no bicycles")
plot_counts(axes[1], hour, count, "Poisson: counts only")
night = of_gaussian(hours / 12 - 1)
plot_fit(axes[0], hours, night.mean, night.stddev, band_color=WRONG)
axes[0].axhline(0, color=TRUTH, linewidth=1)
axes[0].set_ylabel("bicycles in ten minutes")
low, high = (end[:, 0] for end in limits(of_poisson(hours / 12 - 1)))
axes[1].fill_between(hours[:, 0], low, high, color=ALEATORIC, alpha=0.3, step="mid", linewidth=0)
axes[1].plot(hours, of_poisson(hours / 12 - 1).mean, color=MEAN)
show(fig, alt="Counts against the hour with learned mean and 95 % band. Left, the Gaussian band "
     "reaches below zero at night. Right, the Poisson band has steps and ends at zero.")

# %%
fine = of_gaussian(torch.linspace(-1, 1, 5001, dtype=torch.float64)[:, None])
below = (limits(fine)[0] < 0).double().mean().item()
exact = 0.5 + math.asin((math.log(1.96**2) - 1) / 1.5) / math.pi
print(f"the interval goes below 0: trained {below:.2f}, true mean and variance {exact:.2f} of hours")
assert abs(below - exact) < 0.1
measured("11-a", round(100 * below), "per cent of the hours")


# %% [markdown]
# A Poisson's variance *is* its mean. So a Gaussian with the true mean λ and variance λ goes below 0 where $\lambda < 1.96\sqrt\lambda$, that is $\lambda < 1.96^2 = 3.8$: more than half of the day. The Poisson network needs one output where the Gaussian needs two. An assumption that is true saves data.
#
# ## A density is no probability
#
# Which one predicts better? The Poisson's $p(y)$ is a probability. The Gaussian's is a density, probability *per bicycle*. Count in dozens, and every Gaussian NLL falls by $\log 12 = 2.5$ nats without anybody knowing more; the Poisson's cannot. So the two do not compare as they stand.
#
# We give the Gaussian credit for the whole unit around each count. With $z = |y - \mu|$ and Φ for the standard Gaussian's distribution function, that unit has the probability
#
# $$P(y) = \Phi\!\left(\frac{\tfrac12 - z}{\sigma}\right) - \Phi\!\left(\frac{-\tfrac12 - z}{\sigma}\right).$$
#
# This is one more distribution: that of a Gaussian y which was rounded before we saw it.

# %%
class Rounded:
    """A Gaussian y (``normal``) that was rounded to a whole number."""

    def __init__(self, normal):
        self.normal = normal

    def log_prob(self, y):
        z, sigma = (y - self.normal.mean).abs(), self.normal.stddev
        return (torch.special.ndtr((0.5 - z) / sigma) - torch.special.ndtr((-0.5 - z) / sigma)).log()


total = Rounded(Normal(3.3, 1.7)).log_prob(torch.arange(-60.0, 61).double()).exp().sum().item()
assert math.isclose(total, 1, rel_tol=1e-9)  # over all whole numbers, the negative ones included


# %% [markdown]
# Now the models meet the same fresh counts. We compare each with the truth row by row: the mean of the differences in nats, and the standard error of that mean. One training set shows little; we draw three.

# %%
def behind(truth, model, y):
    """How many nats per y the model is behind the truth, and the standard error of that mean."""
    model = Rounded(model) if isinstance(model, Normal) else model
    difference = nll(model, y) - nll(truth, y)
    return difference.mean().item(), difference.std().item() / math.sqrt(len(y))

def inside(model, y):
    """The fraction of y in their 95 % intervals."""
    low, high = limits(model)
    return ((y >= low) & (y <= high)).double().mean().item()


# %%
def compete(families, true_family, weather):
    """Three trained models a family, on fresh counts; prints and returns nats behind the truth."""
    x_new, y_new = bicycles(5000, seed=100, weather=weather)
    truth, gaps = true_family(true_rate(x_new)), {}
    for name, (family, outputs) in families.items():
        draws = [bicycles(2000, seed=seed, weather=weather) for seed in range(3)]
        models = [train(family, outputs, x / 12 - 1, y)(x_new / 12 - 1) for x, y in draws]
        scores = [behind(truth, model, y_new) for model in models]
        gaps[name] = [gap for gap, _ in scores]
        covered = [inside(model, y_new) for model in models]
        print(f"{name:17} behind the truth by {min(gaps[name]):.2f} to {max(gaps[name]):.2f} nats"
              f" (± {max(error for _, error in scores):.3f}), inside {min(covered):.2f} at least")
    return gaps


# %%
two = {"Gaussian": (gaussian, 2), "Poisson": (poisson, 1)}
gaps = compete(two, Poisson, weather=False)
x_new, y_new = bicycles(5000, seed=100)
truth = Poisson(true_rate(x_new))
best, error = behind(truth, Normal(truth.mean, truth.stddev), y_new)
print(f"a Gaussian with the true mean and variance: {best:.2f} (± {error:.3f})")
assert max(gaps["Poisson"]) < 0.02 and min(gaps["Gaussian"]) > best - 2 * error > 0.04


# %% [markdown]
# The Poisson network is ahead in all three draws. Most of the Gaussian's loss is its shape: with the true mean and variance it loses nearly as much. In total its interval covers what it should, a part of it below zero.
#
# ## Counts that vary more
#
# Now the weather. At each count the mean is multiplied by a luck of mean 1 and variance ½. The Poisson has no parameter for that: its variance stays its mean. Such counts are **overdispersed**.
#
# If the luck follows a Gamma distribution of mean 1 and variance $1/r$, the count is **negative binomial** with mean $m$ and variance
#
# $$m + \frac{m^2}{r}.$$
#
# The first term is the Poisson's. The second grows with the square of the mean, as luck multiplies, and vanishes for $r \to \infty$. PyTorch's class asks for $r$ and $\log(m / r)$.

# %%
def negative_binomial(raw):
    log_m, log_r = raw.chunk(2, dim=1)
    return NegativeBinomial(log_r.exp(), logits=log_m - log_r)


m, r = raw.exp().chunk(2, dim=1)
torch.testing.assert_close(negative_binomial(raw).mean, m)
torch.testing.assert_close(negative_binomial(raw).variance, m + m**2 / r)
by_hand = (torch.lgamma(r + 3) - torch.lgamma(r) - math.lgamma(4)
           + r * (r / (r + m)).log() + 3 * (m / (r + m)).log())  # log p(3), with r not whole
torch.testing.assert_close(nll(negative_binomial(raw), torch.full_like(m, 3.0)), -by_hand)

# %%
three = two | {"negative binomial": (negative_binomial, 2)}
wet = lambda m: NegativeBinomial(torch.full_like(m, 2.0), logits=(m / 2).log())  # noqa: E731
gaps = compete(three, wet, weather=True)
assert max(gaps["negative binomial"]) < 0.03 and min(gaps["Gaussian"]) > 0.2
assert max(gaps["Gaussian"]) + 0.1 < min(gaps["Poisson"])
measured("11-b", min(("Gaussian", "Poisson"), key=lambda name: max(gaps[name])), "with weather")

# %% [markdown]
# A family for counts is not better because it is for counts. The Poisson has the right support and a spread that it cannot change; more than one count in seven lies outside its interval. The Gaussian has the wrong support and a free σ, and is ahead in all three draws. The negative binomial has both, and finds the r = 2 of the data:

# %%
x, y = bicycles(2000, seed=0, weather=True)
r = train(negative_binomial, 2, x / 12 - 1, y)(hours / 12 - 1).total_count[hours > 9].median().item()
print(f"r learned with weather, median over the hours from 9 to 24: {r:.1f}")
assert abs(r - 2) < 0.5


# %% [markdown]
# ## A price
#
# Half of the nearly new bicycles cost more than 740 euros, half of the ten years old more than 100, and old ones differ more. Prices are positive and spread in ratios: "half as much", "a third more". So in our data $\log y$ is Gaussian, with mean μ(x) and a σ(x) that rises from 0.2 to 0.8: y is **log-normal**.
#
# Two families compete. Both are densities per hundred euros, so their NLLs compare as they are.

# %%
def log_normal(raw):
    mu, log_var = raw.chunk(2, dim=1)
    return LogNormal(mu, (log_var / 2).exp())

def prices(n, *, seed):
    """Age in years and price in hundreds of euros, both (n, 1), and the true distribution."""
    age, noise = torch.from_numpy(np.random.default_rng(seed).uniform(size=(2, n, 1)))
    truth = LogNormal(2 - 0.2 * 10 * age, 0.2 + 0.6 * age)
    return 10 * age, truth.icdf(noise), truth


# %%
fresh_age, fresh, truth = prices(20_000, seed=100)
models = {}
for name, family in (("Gaussian", gaussian), ("log-normal", log_normal)):
    models[name] = [train(family, 2, age / 5 - 1, price)(fresh_age / 5 - 1)
                    for age, price, _ in (prices(4000, seed=seed) for seed in range(3))]
    gaps = [(nll(model, fresh) - nll(truth, fresh)).mean().item() for model in models[name]]
    print(f"{name:11} behind the truth by {min(gaps):.2f} to {max(gaps):.2f} nats per price")

# %%
half = torch.tensor(0.975, dtype=torch.float64)
for name in ("Gaussian", "log-normal"):
    low, high = models[name][0].icdf(1 - half), models[name][0].icdf(half)
    too_low, too_high = ((fresh < low).double().mean(), (fresh > high).double().mean())
    print(f"{name:11} {too_low:.3f} of prices below its 95 % interval, {too_high:.3f} above; "
          f"its lower end is negative at {(low < 0).double().mean():.1f} of ages")
    assert abs(too_low + too_high - 0.05) < 0.015

# %%
order = fresh_age[:, 0].argsort()[::100]
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.4))
titles = ("Gaussian: an interval below 0", "Log-normal: longer above than below")
for ax, title, name, color in zip(axes, titles, ("Gaussian", "log-normal"), (WRONG, ALEATORIC)):
    age, low, mean, high = (end[order, 0] for end in (
        fresh_age, models[name][0].icdf(1 - half), models[name][0].mean, models[name][0].icdf(half)))
    ax.scatter(fresh_age[:500], fresh[:500], color=DATA, s=9, alpha=0.5, linewidths=0)
    ax.fill_between(age, low, high, color=color, alpha=0.3, linewidth=0)
    ax.plot(age, mean, color=MEAN)
    ax.set(xlabel="age, years", ylim=(-4, 14), title=title)
axes[0].set_ylabel("price, hundreds of euros")
show(fig, alt="Prices fall with age and scatter upward. Left, the Gaussian band reaches below zero "
     "for old bicycles. Right, the log-normal band is positive, longer above than below.")

# %% [markdown]
# Both intervals hold about 95 % of the prices. The Gaussian's misses lie on one side, the log-normal's on both alike: coverage in total does not see the shape.
#
# ## Mean or median?
#
# $\log y$ is as often above μ as below, so $e^\mu$ is the **median** of y. The mean is larger. Complete the square in $\mathrm E\,e^{\sigma\varepsilon} = \int e^{\sigma\varepsilon}\, e^{-\varepsilon^2/2}\, d\varepsilon / \sqrt{2\pi}$:
#
# $$\sigma\varepsilon - \tfrac12\varepsilon^2 = \tfrac12\sigma^2 - \tfrac12(\varepsilon - \sigma)^2 \quad\Longrightarrow\quad \mathrm E\,y = e^{\mu + \sigma^2/2}.$$
#
# A dealer buys all bicycles older than eight years and plans $e^\mu$ for each, as someone does who fits squared error to $\log y$ and takes exp.

# %%
old = fresh_age > 8
for name, model in zip(("truth", "draw 0", "draw 1", "draw 2"), [truth, *models["log-normal"]]):
    torch.testing.assert_close(model.mean, torch.exp(model.loc + model.scale**2 / 2))
    paid, median, mean = (values[old].sum() for values in (fresh, model.loc.exp(), model.mean))
    dearer = (fresh > model.loc.exp())[old].double().mean()
    print(f"{name}: {dearer:.2f} cost more than planned; paid / planned {paid / median:.2f}, "
          f"with means {paid / mean:.2f}")
    assert abs(dearer - 0.5) < 0.05 and 1.2 < paid / median < 1.4 and abs(paid / mean - 1) < 0.1

# %% [markdown]
# About half of the bicycles cost more than planned, as a median promises, and the budget is short by a quarter or more. A network that outputs a distribution answers both questions; one number must choose.
#
# ## The losses of PyTorch, read as distributions
#
# | loss in `torch.nn` | is $-\log p$ of | with the output | best constant output |
# |---|---|---|---|
# | `MSELoss` | Gaussian, σ² = ½ | μ | mean |
# | `L1Loss` | Laplace, b = 1 | μ | median |
# | `PoissonNLLLoss` | Poisson | log λ | log of the mean |
# | `BCEWithLogitsLoss` | Bernoulli | log-odds | log-odds of the share of ones |
#
# Each up to a constant that the output does not touch, so a *value* of one loss does not compare with a value of another. The check, on nine counts with mean 2, median 1 and three of them above 1:

# %%
nine = torch.tensor([0.0, 0, 0, 1, 1, 1, 2, 3, 10]).double()[:, None]
f = torch.linspace(-2, 3, 501, dtype=torch.float64)
rows = {
    "mse_loss": (nine, lambda f: Normal(f, math.sqrt(0.5)), 2),
    "l1_loss": (nine, lambda f: Laplace(f, 1.0), 1),
    "poisson_nll_loss": (nine, lambda f: Poisson(f.exp()), math.log(2)),
    "binary_cross_entropy_with_logits":
        (nine.gt(1).double(), lambda f: Bernoulli(logits=f), math.log(3 / 6)),
}
for name, (y, family, best) in rows.items():
    loss = getattr(F, name)(*torch.broadcast_tensors(f, y), reduction="none")
    constant = nll(family(f), y) - loss
    assert (constant - constant[:, :1]).abs().max() < 1e-9, name
    assert abs(f[loss.mean(dim=0).argmin()] - best) <= 0.005, name


# %% [markdown]
# ## A vector
#
# Two sensors measure at the same x; their errors have standard deviations 0.5 and 1. Their correlation is $\rho(x) = 0.3\,x$: they err in opposite directions on the left, together on the right.

# %%
def pair_mean(x):
    return torch.cat([torch.sin(1.3 * x), 0.5 * x], dim=1)

def two_sensors(n, *, seed):
    """x (n, 1) and y (n, 2); the errors of the two y have correlation 0.3 x."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.uniform(-3, 3, (n, 1)))
    first, second = torch.from_numpy(rng.standard_normal((2, n, 1)))
    rho = 0.3 * x
    together = rho * first + torch.sqrt(1 - rho**2) * second  # variance 1, correlation rho
    return x, pair_mean(x) + torch.cat([0.5 * first, together], dim=1)


# %% [markdown]
# The first family takes the outputs as **independent**: two means, two log σ, and the NLL of a row is the sum of two. Its covariance matrix Σ is diagonal. `GaussianNLLLoss` assumes the same.
#
# The second has a **full** Σ, which must be symmetric and positive definite; four free outputs will not be. Its **Cholesky factor** can be free: each such matrix is $\Sigma = L L^\top$ for exactly one lower-triangular $L$ with a positive diagonal, and each such $L$ gives a covariance. [Williams (1996)](https://doi.org/10.1162/neco.1996.8.4.843) let a network do this, for $\Sigma^{-1}$. So step 2 of the recipe reads: exp for the diagonal of $L$, nothing for what stands below it.

# %%
def diagonal(raw):
    mu, log_sigma = raw.chunk(2, dim=1)
    return Independent(Normal(mu, log_sigma.exp()), 1)

def full(raw):
    mu, log_diagonal, below = raw.split([2, 2, 1], dim=1)
    L = torch.diag_embed(log_diagonal.exp()) + F.pad(below[:, :, None], (0, 1, 1, 0))
    return MultivariateNormal(mu, scale_tril=L)


# %% [markdown]
# What is its loss? The density of a Gaussian in $k$ dimensions gives $-\log p = \tfrac12 (y - \mu)^\top \Sigma^{-1} (y - \mu) + \tfrac12 \log \det \Sigma + \tfrac k2 \log 2\pi$. With $\Sigma = LL^\top$ both hard parts become easy. Let $z$ solve $L z = y - \mu$, row by row from the top. Then the first term is $\tfrac12 \|z\|^2$. The determinant of a triangular matrix is the product of its diagonal, so
#
# $$-\log p = \tfrac12 \|z\|^2 + \sum_i \log L_{ii} + \tfrac k2 \log 2\pi:$$
#
# the loss of one y again, with $z$ for the standardised residual and $L_{ii}$ for σ.

# %%
five = torch.linspace(-1, 1, 500, dtype=torch.float64).reshape(100, 5).sin()
pair = five[:, 3:].flip(1)
L = full(five).scale_tril
z0 = (pair[:, 0] - five[:, 0]) / L[:, 0, 0]  # the first row of L z = y − mu
z1 = (pair[:, 1] - five[:, 1] - L[:, 1, 0] * z0) / L[:, 1, 1]  # the second
by_hand = 0.5 * (z0**2 + z1**2) + L[:, 0, 0].log() + L[:, 1, 1].log() + math.log(2 * math.pi)
torch.testing.assert_close(nll(full(five), pair), by_hand)

# %% [markdown]
# What does ignoring the correlation cost? Let both have perfect means and variances. Averaged over y, the first term is $k/2$ in both, and the diagonal one has $\log\sigma_1\sigma_2$ where the full one has $\tfrac12\log\det\Sigma = \log\sigma_1\sigma_2 + \tfrac12\log(1 - \rho^2)$. So it loses
#
# $$-\tfrac12\log(1 - \rho^2)\ \text{ nats per pair},$$
#
# here averaged over x.

# %%
x_new, y_new = two_sensors(20_000, seed=100)
edges = torch.linspace(-3, 3, 10_001, dtype=torch.float64)
predicted = -0.5 * torch.log(1 - (0.3 * edges) ** 2).mean().item()
print(f"predicted cost {predicted:.2f} nats per pair")
for seed in range(2):
    x, y = two_sensors(5000, seed=seed)
    apart, joint = train(diagonal, 4, x / 3, y), train(full, 5, x / 3, y)
    cost = nll(apart(x_new / 3), y_new) - nll(joint(x_new / 3), y_new)
    error = cost.std().item() / math.sqrt(len(cost))
    print(f"draw {seed}: measured {cost.mean().item():.2f} (± {error:.3f})")
    assert abs(cost.mean() - predicted) < 0.02

# %%
grid = torch.linspace(-3, 3, 200, dtype=torch.float64)[:, None]
covariance = joint(grid / 3).covariance_matrix
rho = covariance[:, 0, 1] / torch.sqrt(covariance[:, 0, 0] * covariance[:, 1, 1])
assert (rho - 0.3 * grid[:, 0]).square().mean().sqrt() < 0.06
angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
circle = math.sqrt(-2 * math.log(0.05)) * torch.stack([angle.cos(), angle.sin()])
at = torch.full((1, 1), 2.5 / 3, dtype=torch.float64)
errors = (y - pair_mean(x))[(x[:, 0] - 2.5).abs() < 0.15]

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
left.plot(grid, 0.3 * grid, color=TRUTH, linestyle="--")
left.plot(grid, rho, color=MEAN)
left.set(xlabel="x", ylabel="correlation of the errors", title="The true correlation (dashed) is learned")
right.scatter(*errors.T, color=DATA, s=9, alpha=0.6, linewidths=0)
right.fill(*(joint(at).scale_tril[0] @ circle), color=ALEATORIC, alpha=0.3, linewidth=0)
right.plot(*(apart(at).stddev.T * circle), color=WRONG)
right.set(xlabel="error of the first y", ylabel="error of the second y",
          title="Near x = 2.5 only the full one tilts")
show(fig, alt="Left: learned correlation on the true line from -0.9 to 0.9. Right: errors near "
     "x = 2.5, a tilted cloud; the full ellipse follows it, the diagonal one does not.")

# %% [markdown]
# The circle of radius $\sqrt{-2 \log 0.05} = 2.45$ holds 95 % of a standard Gaussian in two dimensions; $L$ turns it into the ellipse.
#
# ## The lab
#
# Slide the distribution, then the extra spread of the counts ($1/r$; at 0 they are Poisson). Find the spread at which the Gaussian overtakes the Poisson. Set it to 0: what does the second output of the negative binomial cost where it is not needed?

# %%
lab = LABS["11"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Which distribution do I take?"** First the support: what values can y take at all? Then two or three families, judged in nats on held-out data, rows paired. Last a look at the misses on each side and, as the Gaussian's coverage on prices shows, not only in total.
#
# **"My y is a measurement, rounded to whole numbers."** If σ is much larger than the unit, a density does. Let σ be 0.2. The density then takes the rounding for noise; the family `Rounded` knows of it.

# %%
rng = np.random.default_rng(0)
place = torch.from_numpy(rng.uniform(-3, 3, (2000, 1)))
read = (2 * torch.sin(1.3 * place) + 0.2 * torch.from_numpy(rng.standard_normal((2000, 1)))).round()
as_density = train(gaussian, 2, place / 3, read)(grid / 3).stddev
as_rounded = train(lambda raw: Rounded(gaussian(raw)), 2, place / 3, read)(grid / 3).normal.stddev
found = [sigma.square().mean().sqrt().item() for sigma in (as_density, as_rounded)]
print(f"σ, root mean square over x: density {found[0]:.2f}, rounded {found[1]:.2f}; true 0.20")
assert found[0] > 0.27 and abs(found[1] - 0.2) < 0.03

# %% [markdown]
# ## Exercises
#
# **11-1 (predict).** At some x the errors of two sensors have correlation 0.9. A model has perfect means and variances, and a diagonal covariance. How many nats per pair does it lose there against the full one?

# %%
lost = ...
check("11-1", lost)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which term of the NLL differs between the two, when averaged over y?
# </details>
# <details><summary>Hint 2</summary>
#
# The determinant of Σ is $\sigma_1^2 \sigma_2^2 (1 - \rho^2)$.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# lost = -0.5 * math.log(1 - 0.9**2)  # 0.83
# ```
# </details>

# %% [markdown]
# **11-2 (derive).** Between 8 and 9 h a counter sees 10 bicycles on average, with variance 35. Which r does a well trained negative binomial report there?

# %%
r_learned = ...
check("11-2", r_learned)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Write down the variance of a negative binomial with mean m.
# </details>
# <details><summary>Hint 2</summary>
#
# $m + m^2 / r = 35$ with $m = 10$.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# r_learned = 10**2 / (35 - 10)  # 4
# ```
# </details>

# %% [markdown]
# **11-3 (code).** A colleague has the loss of notebook 04, `gaussian_nll(y, mu, log_var)`, and prices that are log-normal. Write the negative log-density of each *price* y, (n, 1), in nats and with all constants. The density of y is that of $\log y$ times the derivative of $\log y$.

# %%
def lognormal_nll(y, mu, log_var):
    ...


check("11-3", lognormal_nll)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Start from `gaussian_nll` at $\log y$ in place of y.
# </details>
# <details><summary>Hint 2</summary>
#
# The derivative of $\log y$ is $1/y$. It multiplies the density; what does it add to the negative logarithm?
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def lognormal_nll(y, mu, log_var):
#     return gaussian_nll(y.log(), mu, log_var) + y.log()
# ```
# </details>
#
# ## Quiz

# %%
quiz("11")

# %%
guesses("11")

# %% [markdown]
# ## Recap
#
# - A network's outputs are the parameters of a distribution; the loss is its $-\log p(y)$. Another distribution is one line.
# - Densities have a unit, probabilities none. On counts, give a Gaussian the whole unit.
# - A Poisson's variance is its mean. Counts that vary more need a second output.
# - For log-normal prices $e^\mu$ is the median; the mean is $e^{\mu + \sigma^2/2}$.
# - A vector of y needs a covariance; the Cholesky factor keeps it one. A diagonal loses $-\frac12 \log(1 - \rho^2)$.
#
# **Next.** The model says a distribution. Is what it says true of new data? [`12_calibration`](12_calibration.ipynb).
#
# **Further reading.**
# - The question, its answer and the comments: [Cross Validated 564809](https://stats.stackexchange.com/questions/564809).
# - Williams (1996), [Using neural networks to model conditional multivariate densities](https://doi.org/10.1162/neco.1996.8.4.843): the Cholesky factor as the output of a network.
