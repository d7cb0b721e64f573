# %% [markdown]
# # 07 · Bayes by Backprop
#
# **The question.** A network with two outputs knows how noisy y is. How sure is it of its own weights?
#
# **You will be able to**
#
# - compute what independent Gaussians on weights lose against an exact posterior;
# - build a network whose weights are distributions, and train it with NLL + KL / n;
# - tell apart the noise, the uncertainty about the mean, and the uncertainty about the noise;
# - say where such a network is too sure, and how much that varies from run to run.
#
# **You need** notebook 04 (two outputs) and notebook 05 (the ELBO).
#
# **Time.** About 77 minutes; the notebook runs in about 20 s.
#
# <details><summary>On Colab</summary>First run <code>%pip install git+https://github.com/OWNER/learning-the-variance</code> in a new cell: <code>course_utils</code> is missing there, as in any single file.</details>

# %%
import math
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE, WAVE
from course_utils.labs import LABS
from course_utils.losses import gaussian_kl, gaussian_nll, mean_nll
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import ALEATORIC, DATA, EPISTEMIC, TRUTH, WRONG
from course_utils.plots import plot_data, plot_fit, plot_truth, show, use_course_style
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## A hole in the data
#
# We take 1,000 points of the wave from notebook 04 and delete the middle third, −1 < x < 1. About 660 are left. Then we train the network of notebook 04, with two outputs, on the rest.

# %%
x, y = WAVE.sample(1000, seed=0)
seen = (x.abs() > 1)[:, 0]
x, y = x[seen], y[seen]

torch.manual_seed(0)
two_outputs = HeteroscedasticRegressor(hidden=(20,))
fit(two_outputs, mean_nll, x, y, steps=200, lr=0.05, anneal=True)

grid = WAVE.grid(241, margin=0.5)
fig, ax = plt.subplots()
plot_data(ax, x, y, s=14)
plot_fit(ax, grid, *predict(two_outputs, grid))
plot_truth(ax, WAVE, band=False)
ax.set(ylim=(-4.5, 4.5), title=f"{len(x)} points: in the gap the band does not say that none are there")
show(fig, alt="Points left and right of an empty middle third. A blue line and an orange band run "
     "through the gap; the band is as narrow there as at the edges of the data.")

# %% [markdown]
# The band in the gap has about the width of the band at its edges. It is a guess, and the picture does not say so.
#
# Two kinds of uncertainty are at work:
#
# - **aleatoric**: the noise of y. More data do not remove it. The network learned it as σ(x).
# - [**epistemic**](00_start_here.ipynb#Glossary): not knowing the function. In the gap many functions fit equally well. More data there would remove it.
#
# One set of weights is one function. To speak of many functions we need a *distribution over weights*. Bayes' rule supplies it, and notebook 05 has the tool to approximate it.

# %% [markdown]
# ## Predict
#
# First a line, fitted to 50 points with x between 0 and 6 and noise σ = 1. The exact posterior sd of its intercept is 0.29. We approximate the posterior by a Gaussian for the slope times an *independent* Gaussian for the intercept.
#
# Then a network: 20 ReLU units, an independent Gaussian on each weight, trained on the data with the hole. We divide its epistemic sd in the hole by that where the data are.

# %%
guess("07-a", ...)  # the sd of the intercept under the best independent Gaussians
guess("07-b", ...)  # the ratio: epistemic sd in the hole / epistemic sd inside the data

# %% [markdown]
# ## First, exact: the posterior of a line
#
# Let $\theta = (w, b)$, the rows of $X$ be $(x_i, 1)$, the noise N(0, 1) and the prior N(0, $s^2$) on each weight. Up to a constant,
#
# $$\log p(\theta \mid y) = -\tfrac12 \lVert y - X\theta \rVert^2 - \tfrac{1}{2s^2} \lVert \theta \rVert^2 .$$
#
# It is quadratic in θ, so the posterior is Gaussian. The second derivative is minus its precision; where the first is zero lies its mean ([Bishop 2006](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), equations 3.53 and 3.54):
#
# $$\Lambda = X^\top X + \frac{1}{s^2} I, \qquad m = \Lambda^{-1} X^\top y .$$

# %%
PRIOR_SD = 3.0


def posterior(x, y):
    """The exact posterior of (slope, intercept) at noise variance 1: mean (2,), precision (2, 2)."""
    X = torch.cat([x, torch.ones_like(x)], dim=1)
    precision = X.T @ X + torch.eye(2, dtype=x.dtype) / PRIOR_SD**2
    mean = torch.linalg.solve(precision, X.T @ y)
    return mean[:, 0], precision


LINES = {"centred, −3 < x < 3": LINE, "not centred, 0 < x < 6": replace(LINE, low=0, high=6)}
SAMPLES = {name: problem.sample(50, seed=0) for name, problem in LINES.items()}


# %% [markdown]
# ## What independent Gaussians lose
#
# A posterior over the weights of a network is out of reach, so one approximates it by $q(\theta) = \prod_i N(\theta_i; \mu_i, s_i^2)$: [**mean field**](00_start_here.ipynb#Glossary). For a Gaussian posterior the best q has a closed form. Minimise
#
# $$\mathrm{KL}(q \,\|\, p) = \tfrac12 \Big[ \sum_i \Lambda_{ii} s_i^2 + (\mu - m)^\top \Lambda (\mu - m) - d - \sum_i \log s_i^2 - \log\det \Lambda \Big].$$
#
# The term with μ vanishes at $\mu = m$: the mean is exact. The derivative for $s_i^2$ is $\tfrac12(\Lambda_{ii} - 1/s_i^2)$, hence
#
# $$\boxed{s_i^2 = \frac{1}{\Lambda_{ii}}} \qquad \mathrm{KL} = \tfrac12 \Big( \sum_i \log \Lambda_{ii} - \log\det \Lambda \Big).$$
#
# The exact variance is $(\Lambda^{-1})_{ii}$. It is never smaller.

# %%
def mean_field(precision):
    """The sd's of the best independent Gaussians, and what the ELBO lacks, in nats."""
    diagonal = precision.diagonal()
    return diagonal.rsqrt(), (diagonal.log().sum() - precision.logdet()) / 2


for name, sample in SAMPLES.items():
    m, precision = posterior(*sample)
    sd, gap = mean_field(precision)
    best = MultivariateNormal(m, sd.square().diag())
    exact = MultivariateNormal(m, precision_matrix=precision)
    torch.testing.assert_close(kl_divergence(best, exact), gap)
    print(f"{name}: sd of slope and intercept exact {exact.stddev[0]:.3f}, {exact.stddev[1]:.3f};"
          f" mean field {sd[0]:.3f}, {sd[1]:.3f}; gap {gap:.3f} nats")

assert round(sd[1].item(), 2) == 0.14 and round(exact.stddev[1].item(), 2) == 0.29
measured("07-a", round(sd[1].item(), 2), "sd of the intercept")


# %% [markdown]
# With x centred mean field loses next to nothing: slope and intercept hardly depend on each other. With x from 0 to 6 they do. A steeper line must start lower, to pass through the same points. Mean field cannot say that, and reports sd's less than half as large.
#
# The last number is the **ELBO gap**. From notebook 05, log evidence = ELBO + KL(q ‖ posterior): no q of this form comes closer than that.

# %%
def ellipse(covariance, m):
    """Points (200, 2) on the contour that holds 95 % of N(m, covariance)."""
    angle = torch.linspace(0, 2 * math.pi, 200, dtype=m.dtype)
    circle = torch.stack([angle.cos(), angle.sin()])
    return (m[:, None] + math.sqrt(5.991) * torch.linalg.cholesky(covariance) @ circle).T


fig, axes = plt.subplots(1, 2, sharey=True)
for ax, (name, sample) in zip(axes, SAMPLES.items()):
    m, precision = posterior(*sample)
    ax.plot(*ellipse(torch.linalg.inv(precision), m).T, color=TRUTH, linestyle="--", label="exact")
    ax.plot(*ellipse((1 / precision.diagonal()).diag(), m).T, color=EPISTEMIC, label="mean field")
    ax.set(title=name, xlabel="slope w", xlim=(2.0, 2.7))
axes[0].set_ylabel("intercept b")
axes[0].legend(loc="lower left")
show(fig, alt="Left, x centred: the two ellipses nearly coincide. Right, x not centred: the exact "
     "one is long and tilted; the mean-field one is a small upright ellipse inside it.")


# %% [markdown]
# On the right the mean-field ellipse has the width of the exact one at a fixed intercept, not the width over all intercepts. What does it do to predictions? For a line, $\operatorname{Var} f(x) = x^2 S_{ww} + 2x S_{wb} + S_{bb}$ with S the covariance; mean field has no middle term.

# %%
def sd_of_line(covariance, x):
    X = torch.cat([x, torch.ones_like(x)], dim=1)
    return ((X @ covariance) * X).sum(1).sqrt()


covariance, independent = torch.linalg.inv(precision), (1 / precision.diagonal()).diag()
far = torch.linspace(-4, 12, 161, dtype=x.dtype)[:, None]
for at in (3.0, 12.0):
    there = torch.full((1, 1), at, dtype=x.dtype)
    print(f"sd of f at x = {at:2.0f}: exact {sd_of_line(covariance, there).item():.2f}, "
          f"mean field {sd_of_line(independent, there).item():.2f}")

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.2))
ax.axvspan(0, 6, color=DATA, alpha=0.12, linewidth=0)
ax.plot(far, sd_of_line(covariance, far), color=TRUTH, linestyle="--")
ax.plot(far, sd_of_line(independent, far), color=EPISTEMIC)
ax.annotate("exact", (9.3, 0.66))
ax.annotate("mean field", (10.4, 0.36), color="#9a4d7d")
ax.annotate("the data", (2.3, 0.02))
ax.set(xlabel="x", ylabel="sd of f(x)", ylim=(0, 0.95))
ax.set_title("Mean field: least unsure at x = 0, too sure away from the data")
show(fig, alt="The exact sd of the line has its minimum in the middle of the data, at x = 3, and "
     "rises steeply on both sides. The mean-field sd has its minimum at x = 0 and rises slowly.")


# %% [markdown]
# Mean field is least unsure at x = 0, whatever the data: there only the intercept counts. Among the data it is a little too *unsure* here (0.18 for 0.14 at x = 3), away from them far too sure. The cure for a line is the left picture: centre the inputs, and little is lost.
#
# ## A layer whose weights are distributions
#
# Can gradient descent find this optimum? *Bayes by Backprop* ([Blundell et al. 2015](https://arxiv.org/abs/1505.05424)) needs two things. A layer draws its weights as $w = \mu + \sigma \varepsilon$ at each forward, so that gradients reach μ and σ (notebook 05). And it knows its KL to the prior. For a prior N(0, $s^2$) we divide the weights by s and use notebook 05's $\mathrm{KL}(\cdot \,\|\, N(0, 1))$: a KL does not change when both sides are rescaled.

# %%
class BayesianLinear(nn.Module):
    def __init__(self, n_in: int, n_out: int, prior_sd=1.0, init_sd=0.05):
        super().__init__()
        self.prior_sd = prior_sd
        start = torch.rand(n_out, n_in + 1, dtype=torch.float64) * 2 - 1
        self.mu = nn.Parameter(start * prior_sd / math.sqrt(n_in))
        self.log_var = nn.Parameter(torch.full_like(start, 2 * math.log(init_sd)))

    def forward(self, x: Tensor) -> Tensor:
        eps = torch.randn_like(self.mu)
        w = self.mu + torch.exp(self.log_var / 2) * eps
        return x @ w[:, :-1].T + w[:, -1]

    def kl(self) -> Tensor:
        log_var = self.log_var - 2 * math.log(self.prior_sd)
        return gaussian_kl(self.mu / self.prior_sd, log_var).sum()


# %% [markdown]
# Each row of `mu` holds the weights of one unit and, last, its bias. One draw serves all rows of x, so one forward is *one function*. The KL is computed by its formula, and nothing is stored.
#
# The loss is the NLL under one draw plus the KL. We divide both by the number of values, so that it reads in nats per value:

# %%
def negative_elbo(model, x: Tensor, y: Tensor, *, n: int) -> Tensor:
    if n < len(x):
        raise ValueError(f"n counts all data, at least the {len(x)} points given; got n={n}")
    return mean_nll(model, x, y) + model.kl() / (n * y.shape[1])


# %%
class Line(BayesianLinear):
    """y = w x + b + N(0, 1), the model with the exact posterior above."""

    def forward(self, x):
        mu = super().forward(x)
        return mu, torch.zeros_like(mu)


def mean_of_draws(model, x, y, draws=1000):
    def one_draw(_):
        return negative_elbo(model, x, y, n=len(x))

    return torch.vmap(one_draw, randomness="different")(torch.empty(draws)).mean()


# %% [markdown]
# One draw at each step is enough to train. To compare the learned sd's within 2 % it is too noisy, so here we average the loss over 1,000 draws; `torch.vmap` runs them side by side.

# %%
for name, sample in SAMPLES.items():
    torch.manual_seed(0)
    line = Line(1, 1, PRIOR_SD)
    fit(line, mean_of_draws, *sample, steps=250, lr=1, anneal=True)
    mu, sd = line.mu[0].detach(), torch.exp(line.log_var[0].detach() / 2)
    m, precision = posterior(*sample)
    exact = MultivariateNormal(m, precision_matrix=precision)
    gap = kl_divergence(MultivariateNormal(mu, sd.square().diag()), exact)
    best_sd, best_gap = mean_field(precision)
    torch.testing.assert_close(mu, m, rtol=0.02, atol=0)
    torch.testing.assert_close(sd, best_sd, rtol=0.02, atol=0)
    torch.testing.assert_close(gap, best_gap, rtol=0.02, atol=1e-3)
    print(f"{name}: trained sd {sd[0]:.2f}, {sd[1]:.2f}; gap {gap:.2f} nats")


# %% [markdown]
# Means, sd's and gap agree with the closed form within 2 % (the tiny gap of the centred line to 0.001 nats). For a line, then, gradient descent finds the best independent Gaussians.
#
# ## The network
#
# Stack such layers, with two outputs as in notebook 04. As activation we take a **bump** $e^{-z^2/2}$, z = wx + b: it answers within about 1/|w| of its centre −b/w and is silent elsewhere, so that weights of its own decide what happens in a gap. ReLU units follow below.

# %%
class Bump(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.exp(-(z**2) / 2)


# %%
class BayesianRegressor(nn.Module):
    def __init__(
        self, n_in=1, hidden=(20,), n_out=1, prior_sd=1.0, activation=nn.ReLU, init_sd=0.05
    ):
        super().__init__()
        sizes = [n_in, *hidden]
        layers = []
        for size, next_size in zip(sizes, sizes[1:]):
            layers += [BayesianLinear(size, next_size, prior_sd, init_sd), activation()]
        self.net = nn.Sequential(*layers, BayesianLinear(sizes[-1], 2 * n_out, prior_sd, init_sd))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.net(x).chunk(2, dim=1)
        return mu, log_var

    def kl(self) -> Tensor:
        return sum(layer.kl() for layer in self.net if isinstance(layer, BayesianLinear))


# %% [markdown]
# ## The law of total variance
#
# Each call of the trained network is one draw: a mean μ(x) and a variance σ²(x). Many draws are a mixture of Gaussians. Its variance splits:
#
# $$\operatorname{Var} y = \mathbb E[\sigma^2(x)] + \operatorname{Var}[\mu(x)] .$$
#
# Proof: $\mathbb E[y^2] = \mathbb E[\sigma^2 + \mu^2]$, and subtract $(\mathbb E\mu)^2$. Variances add; standard deviations do not. The second part is epistemic: the spread of the functions. The first is called aleatoric, and we shall have to look at that name. The code keeps running sums (Welford), and no draw, in memory.

# %%
def mixture_of(model: nn.Module, x: Tensor, draws: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    if draws < 2:
        raise ValueError(f"expected at least 2 draws, got {draws}")
    mean = squares = variance = 0.0
    with torch.no_grad():
        for count in range(1, draws + 1):
            mu, log_var = model(x)
            step = mu - mean
            mean = mean + step / count
            squares = squares + step * (mu - mean)  # Σ (mu − mean)², so far
            variance = variance + log_var.exp()
    return mean, torch.sqrt(variance / draws), torch.sqrt(squares / draws)


# %%
def draws_of(net, x, draws=300):
    """mu and σ of many draws of the weights, each (draws, n)."""
    torch.manual_seed(0)
    with torch.no_grad():
        pairs = [net(x) for _ in range(draws)]
    mu, log_var = (torch.stack(same)[:, :, 0] for same in zip(*pairs))
    return mu, torch.exp(log_var / 2)


# %% [markdown]
# What does a prior N(0, $s^2$) on every weight say about functions? It has a closed form. With bump inputs z and z' at x and x', jointly Gaussian with covariance Σ, $\mathbb E[e^{-(z^2 + z'^2)/2}] = \det(I + \Sigma)^{-1/2}$. Twenty bumps with independent heights, and a bias, then have the covariance
#
# $$k(x, x') = s^2 + \frac{20\, s^2}{\sqrt{\det(I + \Sigma)}}, \qquad \Sigma = s^2 \begin{pmatrix} 1 + x^2 & 1 + x x' \\ 1 + x x' & 1 + x'^2 \end{pmatrix} .$$
#
# At x = x' = 0, for s = 2.5, it gives f a prior sd of 6.3. We draw from it.

# %%
def bump_kernel(a, b, s=2.5):
    """Prior covariance (n, m) of f at a (n, 1) and b (m, 1): 20 bumps, N(0, s²) on each weight."""
    det = (1 + s**2 * (1 + a**2)) * (1 + s**2 * (1 + b.T**2)) - (s**2 * (1 + a @ b.T)) ** 2
    return s**2 + 20 * s**2 / det.sqrt()


# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(7.5, 3))
for ax, s in zip(axes, (1.0, 2.5)):
    net = BayesianRegressor(prior_sd=s, activation=Bump)
    for layer in net.net[::2]:
        nn.init.zeros_(layer.mu)
        nn.init.constant_(layer.log_var, 2 * math.log(s))
    mu, _ = draws_of(net, grid, 2000)
    sd_at_0 = bump_kernel(grid, grid, s)[120, 120].sqrt().item()
    assert abs(mu[:, 120].std() / sd_at_0 - 1) < 0.08
    ax.plot(grid, mu[:8].T, color=EPISTEMIC, linewidth=1)
    ax.set(xlabel="x", ylabel="f(x)", title=f"Prior sd {s:g}: sd of f(0) = {sd_at_0:.1f}")
show(fig, alt="Eight functions drawn from each of two priors. With prior sd 1 they vary slowly by a "
     "few units; with prior sd 2.5 they turn more sharply and vary by ten units and more.")


# %% [markdown]
# We take 2.5, whose functions turn as sharply as the wave. It is a choice, and a wide one: the wave stays between −1 and 1.

# %%
def train(loss, steps=1000, seed=0, **model):
    torch.manual_seed(seed)
    net = BayesianRegressor(**model)
    # A large step size: many log variances have far to go, from 2 log 0.05 up to the prior's.
    fit(net, loss, x, y, steps=steps, lr=0.15, anneal=True)
    return net


elbo = partial(negative_elbo, n=len(x))
bumps = train(elbo, prior_sd=2.5, activation=Bump)


# %%
def quantiles(values, *levels):
    """Quantiles over the draws, (levels, n)."""
    return values.quantile(torch.tensor(levels, dtype=values.dtype), dim=0)


def band_of(net, x):
    """The central 95 % of the mixture of the draws, from one y of each."""
    mu, sigma = draws_of(net, x, 500)
    return quantiles(mu + sigma * torch.randn_like(mu), 0.025, 0.975)


# %%
mu, sigma = draws_of(bumps, grid)
low, middle, high = quantiles(sigma, 0.05, 0.5, 0.95)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6))
plot_data(left, x, y)
for ax, band in ((left, band_of(bumps, grid)), (right, (low, high))):
    ax.fill_between(grid[:, 0], *band, color=ALEATORIC, alpha=0.3, linewidth=0)
left.plot(grid, mu[:15].T, color=EPISTEMIC, linewidth=1, alpha=0.6)
right.plot(grid, middle, color=ALEATORIC)
right.plot(grid, sigma.square().mean(0).sqrt(), color=WRONG, linestyle=":")
right.plot(grid, WAVE.truth(grid)[1], color=TRUTH, linestyle="--")
left.set(ylim=(-4.5, 4.5), xlabel="x", ylabel="y", title="15 draws of the mean; 95 % band for y")
right.set(ylim=(0, 2.5), xlabel="x", ylabel="σ", title="σ: median, 5–95 %; dotted: √E[σ²]")
show(fig, alt="Left: fifteen curves agree among the data and spread in the gap, in an orange band "
     "that is wide there. Right: the draws of sigma are tight around the true line among the "
     "data; in the gap they spread widely, and their root mean square lies far above the median.")

# %% [markdown]
# Among the data the draws of the mean agree, and so do the draws of σ, near the true noise (dashed). In the gap both spread. Look at the dotted line, the first part of the law: it rises in the gap as if there were more noise. There is not. log σ²(x) comes from random weights too, so $\mathbb E[\sigma^2]$ holds the noise **and the uncertainty about the noise**, which more data would remove. The median of σ is the better report; the spread of its draws says how much it is worth.
#
# So there are three things: noise, uncertainty about the mean, uncertainty about the noise. Only where the draws of σ agree is the first part of the law aleatoric.

# %% [markdown]
# ## Is the band right, and in every run?
#
# The truth is known in the gap as well, so the band can be counted there. We train from five sets of first weights, on the same data, and count 2,000 new points: outside of the gap and in it.

# %%
x_new, y_new = WAVE.sample(2000, seed=1)
inside = (x_new.abs() > 1)[:, 0]


def judge(net):
    """Coverage of the 95 % band inside the data and in the gap; epistemic sd likewise."""
    low, high = torch.cat([band_of(net, part) for part in x_new.split(500)], dim=1)
    hit = ((low <= y_new[:, 0]) & (y_new[:, 0] <= high)).double()
    torch.manual_seed(0)
    epistemic = mixture_of(net, x_new)[2]
    return [v.mean().item() for v in (hit[inside], hit[~inside], epistemic[inside], epistemic[~inside])]


# %%
runs = [judge(train(elbo, seed=seed, prior_sd=2.5, activation=Bump)) for seed in range(1, 5)]
runs.append(judge(bumps))
covered, in_gap, sd_inside, sd_gap = torch.tensor(runs).T
print(f"coverage inside the data: from {covered.min():.2f} to {covered.max():.2f}")
print(f"coverage in the gap: at least 0.95 in {(in_gap >= 0.95).sum()} of 5 runs")
print(f"epistemic sd in the gap: {sd_gap.min():.1f} to {sd_gap.max():.1f}; inside {sd_inside.mean():.1f}")
assert covered.min() >= 0.93 and covered.max() <= 0.98 and (sd_gap > 5 * sd_inside).all()

# %% [markdown]
# Inside, every run covers about what it promises. In the gap every run is more than five times as unsure, and the band covers *more* than it promises: it holds the uncertainty about σ. The runs differ in nothing but their first weights and draws, so the spread of their epistemic sd's belongs to the answer.

# %% [markdown]
# ## Against an exact answer, and with ReLU units
#
# How unsure should the bumps be? A **Gaussian process** with the kernel above has the mean and covariance of our prior, and its posterior is exact ([Rasmussen & Williams 2006](https://gaussianprocess.org/gpml/), equation 2.24): with D the noise variances,
#
# $$\operatorname{Var} f_* = k_{**} - k_*^\top (K + D)^{-1} k_* .$$
#
# Two things differ: f is Gaussian, where 20 bumps are so only roughly; and it is given the true noise. We add a network of 20 ReLU units with the same prior sd and the same training, and one of 20 bumps trained for 300 steps in place of 1,000.

# %%
K = bump_kernel(x, x) + WAVE.truth(x)[1].square().flatten().diag()
across = bump_kernel(x, grid)
explained = (across * torch.linalg.solve(K, across)).sum(0)
relus, early = train(elbo, prior_sd=2.5), train(elbo, steps=300, prior_sd=2.5, activation=Bump)
torch.manual_seed(0)
curves = {
    "GP, prior of the bumps": ((bump_kernel(grid, grid).diagonal() - explained).sqrt(), TRUTH, "--"),
    "20 bumps": (mixture_of(bumps, grid, 400)[2], EPISTEMIC, "-"),
    "20 bumps, 300 steps": (mixture_of(early, grid, 400)[2], EPISTEMIC, "-."),
    "20 ReLU units": (mixture_of(relus, grid, 400)[2], EPISTEMIC, ":"),
}

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.2))
for low, high in ((-3, -1), (1, 3)):
    ax.axvspan(low, high, color=DATA, alpha=0.12, linewidth=0)
for name, (sd, color, line) in curves.items():
    ax.plot(grid, sd, color=color, linestyle=line, label=name)
    print(f"{name}: sd of f(0) {sd.flatten()[120]:.1f}, of f(6) {sd.flatten()[-1]:.1f}")
ax.set(xlabel="x (data where the ground is grey)", ylabel="epistemic sd of f(x)", ylim=(0, 7))
ax.set_title("Bumps are as unsure as the Gaussian process in the gap, not beyond the data")
ax.legend(loc="upper left")
show(fig, alt="Epistemic sd over x. The Gaussian process is low among the data, has a high peak in the "
     "gap and rises to 2 outside. The bump network has a peak as high, after 300 steps a lower one, "
     "and stays low outside. The ReLU network has no peak; it rises away from x = 0.")

# %%
_, _, relu_inside, relu_gap = judge(relus)
left, middle, right = curves["20 ReLU units"][0].square().flatten()[[100, 120, 140]]
exact, found, hasty, _ = (sd.flatten() for sd, *_ in curves.values())
assert middle < left + right and found[120] > 0.85 * exact[120] and found[120] > hasty[120] + 0.5
assert found[[0, -1]].mean() < exact[-1] / 2
measured("07-b", round(relu_gap / relu_inside, 1), "gap / inside, ReLU")


# %% [markdown]
# In the gap the bumps are about as unsure as the Gaussian process. Beyond the data they are not: with the same prior, independent Gaussians are far too sure there.
#
# The width in the gap comes last. Where the data say nothing, the sd of a weight has to grow from 0.05 to the prior's, and only the small KL / n pulls. Stop early, and the network looks surer than its own ELBO allows.
#
# For one hidden layer of ReLU units with independent Gaussians [Foong et al. (2020)](https://arxiv.org/abs/1909.00719), theorem 1, prove a bound. For a < 0 < b,
#
# $$\operatorname{Var} f(0) \le \operatorname{Var} f(a) + \operatorname{Var} f(b).$$
#
# With equal ends the sd at 0 is at most √2 times that at the ends. It forbids much uncertainty in the gap; it does not say that there must be less. No training, prior or width undoes it. (Our ReLU sd is that of one run.)

# %% [markdown]
# ## The plain way out
#
# Five networks of notebook 04, trained from five starts, are a mixture too, an **ensemble**. Is the Bayesian network worth its price, one more number per weight and many forwards per prediction? We compare the NLL on new points outside the gap with that of one such network, and the spread of the means in the gap with the ensemble's.

# %%
def mixture_nll(mu, sigma, y):
    log_p = -gaussian_nll(y.T.expand_as(mu), mu, 2 * sigma.log())
    return math.log(len(mu)) - torch.logsumexp(log_p, dim=0)


members = []
for seed in range(5):
    torch.manual_seed(seed)
    net = HeteroscedasticRegressor(hidden=(20,))
    fit(net, mean_nll, x, y, steps=200, lr=0.05, anneal=True)
    members.append(net)
answers = [predict(net, x_new) for net in members]
ensemble = [torch.stack(same)[:, :, 0] for same in zip(*answers)]
one = mixture_nll(ensemble[0][:1], ensemble[1][:1], y_new)[inside]

# %%
for name, mixture in (("Bayes", draws_of(bumps, x_new, 200)), ("ensemble", ensemble)):
    difference = mixture_nll(*mixture, y_new)[inside] - one
    error = difference.std() / math.sqrt(len(difference))
    assert difference.mean().abs() < 0.03 and (name == "ensemble" or difference.mean() > error)
    print(f"{name}: NLL minus that of one network {difference.mean():.2f} (s.e. {error:.3f}), "
          f"sd of the means in the gap {mixture[0].std(0)[~inside].mean():.1f}")

# %% [markdown]
# Outside the gap neither gains anything over one network of notebook 04; the Bayesian one even loses a little, more than its standard error. In the gap the five networks agree more than the bumps do: their spread is that of five optimisations, without a stated prior. What a Bayesian network adds is a width where data are missing, and there one must count.

# %% [markdown]
# ## How much KL in a minibatch?
#
# The KL belongs to the whole data set, once. With n points in M minibatches of size B: KL / n beside a mean, KL / M beside a sum. A wrong weight counts it λ times: λ = n or B drowns the data, λ = 1/B is nearly ordinary training. Neither raises an error. **A test:** with the same draw of weights, n times the mean loss of an epoch must equal the NLL of all data plus the KL, once.

# %%
n, B, M = len(x), 60, 11


def times_kl_counts(net, loss):
    """λ of a loss(nll, kl) in nats per point, over one epoch with the same draw of weights."""
    epoch = 0.0
    for x_batch, y_batch in zip(x.split(B), y.split(B)):
        torch.manual_seed(1)
        epoch = epoch + B * loss(mean_nll(net, x_batch, y_batch), net.kl())
    torch.manual_seed(1)
    return ((epoch - gaussian_nll(y, *net(x)).sum()) / net.kl()).item()


# %%
losses = {
    "mean NLL + KL / n": (lambda nll, kl: nll + kl / n, 1),
    "mean NLL + KL": (lambda nll, kl: nll + kl, n),
    "mean NLL + KL / M": (lambda nll, kl: nll + kl / M, B),
    "summed NLL + KL / n": (lambda nll, kl: (B * nll + kl / n) / B, 1 / B),
}
for name, (loss, expected) in losses.items():
    times = times_kl_counts(BayesianRegressor(), loss)
    assert math.isclose(times, expected, rel_tol=1e-6)
    print(f"{name}: the KL counts {times:.2f} times")

# %% [markdown]
# ## The lab
#
# Slide the gap open and watch the purple band. Raise n: among the data the purple shrinks and the learned σ settles; in the gap both stay wide. Change the prior sd: where there are data little happens, in the gap much does. The dashed curve is the Gaussian process above, with the prior of the bumps and the true noise.

# %%
lab = LABS["07"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"How many draws?"** One per step is enough to train: the gradient is right on average. To predict, an sd from K Gaussian draws has a standard error of about $1/\sqrt{2K}$ of it: 5 % for 200.
#
# **"Where do you get the 0.1 from?"** So ask readers of R. Vink's article ["Variational inference from scratch"](https://www.ritchievink.com/blog/2019/09/16/variational-inference-from-scratch/), whose Bayesian network has a likelihood with a fixed σ of 0.1. For a fixed σ, multiplying the loss by σ² leaves ½(y − f)² + σ² KL. So a wrong σ acts as a wrong KL weight: too small a σ, too little uncertainty about the weights. If the noise is known, as that of an instrument may be, fix it. If not, learn it.
#

# %% [markdown]
# ## Exercises
#
# **07-1 (predict).** 10,000 points, minibatches of 250. Your loss is the *mean* NLL of a minibatch plus `weight * model.kl()`. Which weight is right?

# %%
weight = ...
check("07-1", weight)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Multiply the loss by 10,000. How often may the KL then count?
# </details>
# <details><summary>Hint 2</summary>
#
# The size of a minibatch does not enter when the likelihood is a mean.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# weight = 1 / 10_000
# ```
# </details>

# %% [markdown]
# **07-2 (derive).** Two weights have an exact Gaussian posterior with correlation ρ = 0.8. By which factor is the mean-field sd of a weight smaller or larger than the exact one (mean field / exact)?

# %%
factor = ...
check("07-2", factor)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Take unit variances: the covariance is [[1, ρ], [ρ, 1]]. Invert it.
# </details>
# <details><summary>Hint 2</summary>
#
# Λ₁₁ = 1 / (1 − ρ²), and the mean-field variance is 1/Λ₁₁. You are asked for a ratio of sd's.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# factor = math.sqrt(1 - 0.8**2)  # 0.6
# ```
# </details>

# %% [markdown]
# **07-3 (code).** From draws `mus` and `log_vars`, both (draws, n), the total standard deviation of y at each of the n points. Treat the draws as the whole mixture: divide by their number.

# %%
def total_sd(mus, log_vars):
    ...


check("07-3", total_sd)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Law of total variance: the mean of the variances, plus the variance of the means.
# </details>
# <details><summary>Hint 2</summary>
#
# `mus.var(0, correction=0)` is the second part. Take the square root once, at the end.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def total_sd(mus, log_vars):
#     return torch.sqrt(log_vars.exp().mean(0) + mus.var(0, correction=0))
# ```
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("07")

# %%
guesses("07")

# %% [markdown]
# ## Recap
#
# - A distribution over weights is a distribution over functions. Their spread is epistemic. The draws of σ have a spread too: where they disagree, $\mathbb E[\sigma^2]$ is not the noise.
# - Mean field has the exact mean and variance $1/\Lambda_{ii}$: little is lost when weights are uncorrelated; otherwise it may be too unsure among the data and is too sure away from them.
# - The KL counts once for all data: KL / n beside a mean NLL. Test it.
# - In a gap the width comes last: train until it has. Count the band there if you can, and train more than once.
# - ReLU units under mean field cannot be much less sure in a gap than at its ends; bumps can.

# %% [markdown]
# **Next.** The foundations end here. Practice begins with the loss in the library, and its traps: [`08_loss_in_pytorch`](08_loss_in_pytorch.ipynb).
#
# **Further reading.**
# - C. Blundell et al. (2015), ["Weight uncertainty in neural networks"](https://arxiv.org/abs/1505.05424).
# - A. Foong et al. (2020), ["On the expressiveness of approximate inference in Bayesian neural networks"](https://arxiv.org/abs/1909.00719).
# - C. Bishop (2006), [*Pattern Recognition and Machine Learning*](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), section 3.3.
