# %% [markdown]
# # 06 · Uncertain weights
#
# **The question.** How sure is a line of its weights, and what is lost if each weight must be sure by itself?
#
# ![The same 40 points twice. Left, exact: the pink band is thin among the data and opens in the gap. Right, independent Gaussians: among the data it is nearly three times as wide.](images/06.png)
#
# **You will be able to**
#
# - compute the exact posterior of weights on fixed features;
# - say what independent Gaussians on the weights lose;
# - learn noise and uncertainty as two numbers, without an optimizer.
#
# **You need** notebook 05 (the ELBO); of matrices the product, the inverse and the determinant.
#
# **Time.** About 58 minutes; the notebook runs in about 6 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
import math
from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE, WAVE, Problem, constant
from course_utils.labs import LABS
from course_utils.plots import ALEATORIC, DATA, EPISTEMIC, MEAN, TRUTH
from course_utils.plots import plot_data, readable, show, use_course_style

use_course_style()

# %% [markdown]
# ## A line that does not know its intercept
#
# Fifty points with x between 0 and 6 and noise of variance $v = 1$; how well do they fix the line $wx + b$?
#
# In notebook 05 the unknown that all points share was one number z. Here it is the vector of weights, $\theta = (w, b)$. The rows of the matrix $\Phi$ are the **features** $\phi_i = (x_i, 1)$, so the line is $\Phi\theta$. The prior is $\mathcal N(0, \tau^2)$ on each weight.

# %%
LINES = {"centred, −3 < x < 3": LINE, "not centred, 0 < x < 6": replace(LINE, low=0, high=6)}
SAMPLES = {name: problem.sample(50, seed=0) for name, problem in LINES.items()}


def line_features(x):
    return torch.cat([x, torch.ones_like(x)], dim=1)


# %% [markdown]
# Not centred, the exact posterior standard deviation (sd) of the intercept is 0.29. Let the slope have a Gaussian, and the intercept *another, independent* one.
#
# **Guess 06-a.** Which sd do the best independent Gaussians give the intercept?

# %%
guess("06-a", ...)


# %% [markdown]
# ## The exact posterior
#
# Bayes' rule in logarithms, up to a constant:
#
# $$\log p(\theta \mid y) = -\frac{1}{2v} \lVert y - \Phi\theta \rVert^2 - \frac{1}{2\tau^2} \lVert \theta \rVert^2 .$$
#
# It is quadratic in θ, so the posterior is a Gaussian $\mathcal N(m, \Sigma)$. Minus its second derivative is the **precision** Λ, the inverse of the covariance Σ; where the first derivative is zero lies the mean ([Bishop 2006](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), section 3.3):
#
# $$\Lambda = \frac1v \Phi^\top \Phi + \frac{1}{\tau^2} I, \qquad \Sigma = \Lambda^{-1}, \qquad m = \frac1v \Sigma\, \Phi^\top y .$$

# %%
def posterior(Phi, y, v, tau):
    """Mean (d,) and precision (d, d) of the weights: noise variance v, prior N(0, tau²) on each."""
    precision = Phi.T @ Phi / v + torch.eye(Phi.shape[1], dtype=Phi.dtype) / tau**2
    return torch.linalg.solve(precision, Phi.T @ y[:, 0] / v), precision


def sd_of_f(Phi, Sigma):
    """The sd of f = Phi θ in each row, (n,), if θ has the covariance Σ."""
    return ((Phi @ Sigma) * Phi).sum(1).sqrt()


# %% [markdown]
# ## Each weight by itself: mean field
#
# For a network that posterior is out of reach. One takes the best product of Gaussians, one a weight: [**mean field**](00_start_here.ipynb#Glossary). At what cost? Take $q = \mathcal N(\mu, \mathrm{diag}(\Sigma_{11}, \Sigma_{22}, \dots))$ and d weights. The log posterior is $-\tfrac12(\theta - m)^\top \Lambda (\theta - m)$ and a constant. Averaged over q, that is its value at μ and $-\tfrac12 \Lambda_{kk} \Sigma_{kk}$ for each weight: products of two independent deviations average to 0. So
#
# $$\mathrm{KL}(q \,\|\, p) = \tfrac12 \Big[ \sum_k \big(\Lambda_{kk} \Sigma_{kk} - \log \Sigma_{kk}\big) + (\mu - m)^\top \Lambda (\mu - m) - d - \log\det \Lambda \Big].$$
#
# The term with μ vanishes at $\mu = m$: the mean is exact. The derivative for $\Sigma_{kk}$, $\tfrac12(\Lambda_{kk} - 1/\Sigma_{kk})$, is zero at
#
# $$\boxed{\Sigma_{kk} = \frac{1}{\Lambda_{kk}}}, \qquad \text{where}\quad \mathrm{KL} = \tfrac12 \Big( \sum_k \log \Lambda_{kk} - \log\det \Lambda \Big).$$
#
# The exact variance is $(\Lambda^{-1})_{kk}$, never smaller. The KL is the ELBO's gap (notebook 05).

# %%
def mean_field(precision):
    """Covariance (d, d) of the best independent Gaussians, and its gap in nats."""
    diagonal = precision.diagonal()
    return (1 / diagonal).diag(), (diagonal.log().sum() - precision.logdet()) / 2


print("                          exact sd w, b    mean field w, b    gap, nats")
for name, (x, y) in SAMPLES.items():
    m, precision = posterior(line_features(x), y, v=1.0, tau=3.0)
    independent, gap = mean_field(precision)
    exact = MultivariateNormal(m, precision_matrix=precision)
    torch.testing.assert_close(kl_divergence(MultivariateNormal(m, independent), exact), gap)
    for factor in (0.98, 1.02):  # any other width is farther from the posterior
        assert kl_divergence(MultivariateNormal(m, independent * factor), exact) > gap
    widths = *exact.stddev.tolist(), *independent.diagonal().sqrt().tolist()
    print(f"{name:24}  {widths[0]:.3f}, {widths[1]:.3f}     {widths[2]:.3f}, {widths[3]:.3f}       {gap:.3f}")

# %%
assert round(widths[1], 2) == 0.29
measured("06-a", round(widths[3], 2), "sd of the intercept")

# %% [markdown]
# With x centred next to nothing is lost. With x from 0 to 6 half of each width is: a steeper line must start lower to meet the same points. Independent Gaussians say how unsure a weight is *while the other stays put*.

# %%
covariances = {"exact": exact.covariance_matrix, "mean field": independent}
far = torch.linspace(-4, 12, 161, dtype=x.dtype)[:, None]
sds = {name: sd_of_f(line_features(far), Sigma) for name, Sigma in covariances.items()}
crossings = far[:-1][(sds["exact"] > sds["mean field"]).diff() != 0].flatten()
assert abs(crossings - torch.tensor([2.1, 6.1])).max() < 0.15
assert sds["mean field"].argmin() == far[:, 0].abs().argmin()

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.2))
ax.axvspan(0, 6, color=DATA, alpha=0.12, linewidth=0)
ax.plot(far, sds["exact"], color=TRUTH, linestyle="--")
ax.plot(far, sds["mean field"], color=EPISTEMIC)
ax.annotate("exact", (9.3, 0.66))
ax.annotate("mean field", (10.4, 0.36), color=readable(EPISTEMIC))
ax.annotate("the data", (2.5, 0.02))
ax.set(xlabel="x", ylabel="sd of f(x)", ylim=(0, 0.95))
ax.set_title("Exact: surest amid the data. Mean field: surest at x = 0")
show(fig, alt="The sd of the line over x. The exact one is smallest at x = 3, the middle of the data, "
     "and rises steeply on both sides. The mean-field one is smallest at x = 0 and rises slowly.")

# %% [markdown]
# For predictions: $\operatorname{Var} f(x) = x^2 \Sigma_{ww} + 2x \Sigma_{wb} + \Sigma_{bb}$, and mean field has no middle term. So it is surest at x = 0, wherever the data are. Between the crossings, near 2 and 6, it is a little too unsure, below 2 and above 6 too sure, *data or not*. For a line the cure is to centre the inputs.

# %% [markdown]
# ## Many weights: random bumps
#
# Any fixed features will do. We take 50 **bumps** $e^{-t^2/2}$ with $t = wx + b$, where w and b are drawn once, from $\mathcal N(0, 2.5^2)$, and kept. A bump answers within about 1/|w| of its centre −b/w. Only its height is unknown: θ holds the 50 heights and a constant. That is a network whose first layer does not learn. The data: 60 points of notebook 04's wave, with noise of sd 0.3, less those with −1 < x < 1.

# %%
CALM = Problem(WAVE.mean, constant(0.3), low=-3, high=3)


def bumps(x, count=50):
    """Random bumps and a constant, (n, count + 1)."""
    w, b = 2.5 * torch.randn(2, count, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.exp(-((x * w + b) ** 2) / 2), torch.ones_like(x)], dim=1)


def prior_sd(count):
    """τ, such that the sum of all bumps has the same prior variance whatever their number."""
    return math.sqrt(20 / count)


def with_gap(seed, n=60):
    x, y = CALM.sample(n, seed=seed)
    seen = (x.abs() > 1)[:, 0]
    return x[seen], y[seen]


# %% [markdown]
# ## The noise, too, is unknown
#
# In notebook 05's article one number had to be the noise *and* the uncertainty. Now the noise variance v belongs to the likelihood, the uncertainty Σ to q:
#
# $$\text{ELBO} = -\frac n2 \log 2\pi v - \frac{1}{2v} \sum_i \Big[ (y_i - m^\top \phi_i)^2 + \phi_i^\top \Sigma \phi_i \Big] - \mathrm{KL}(q \,\|\, p(\theta)).$$
#
# A square, averaged over q, is the square of the mean plus the variance, here $\phi_i^\top \Sigma \phi_i = \operatorname{Var} f(x_i)$. For a given v we know the best q. For a given q the derivative for v is zero where
#
# $$\boxed{v = \frac1n \sum_i \Big[ (y_i - m^\top \phi_i)^2 + \phi_i^\top \Sigma \phi_i \Big]} .$$
#
# The noise is what the residuals say, plus what we do not know of f. q and v take turns until v stands still; no turn can lower the ELBO.

# %%
def learn(x, y, independent, count=50):
    """Means, covariance and noise variance of largest ELBO: q and v take turns."""
    Phi, v = bumps(x, count), y.var()
    for _ in range(200):
        m, precision = posterior(Phi, y, v, prior_sd(count))
        Sigma = mean_field(precision)[0] if independent else torch.linalg.inv(precision)
        before, v = v, ((y[:, 0] - Phi @ m) ** 2 + sd_of_f(Phi, Sigma) ** 2).mean()
        if abs(v / before - 1) < 1e-6:
            break
    return m, Sigma, v


# %% [markdown]
# **Guess 06-b.** Exact, the noise's sd is learned as 0.28 from these 40 points; it is 0.3. As what do *independent* Gaussians on the 51 weights learn it?

# %%
guess("06-b", ...)


# %%
def elbo(x, y, m, Sigma, v, count=50):
    """In nats, for all points together."""
    Phi, d = bumps(x, count), count + 1
    prior = MultivariateNormal(torch.zeros_like(m), prior_sd(count) ** 2 * torch.eye(d, dtype=m.dtype))
    squares = (y[:, 0] - Phi @ m) ** 2 + sd_of_f(Phi, Sigma) ** 2
    nll = (0.5 * torch.log(2 * math.pi * v) + squares / (2 * v)).sum()
    return -nll - kl_divergence(MultivariateNormal(m, Sigma), prior)


x, y = with_gap(seed=0)
fits = {name: learn(x, y, independent=name == "mean field") for name in covariances}
for name, (m, Sigma, v) in fits.items():
    value = elbo(x, y, m, Sigma, v)
    assert all(elbo(x, y, m, Sigma, v * factor) < value for factor in (0.95, 1.05))
    print(f"{name:10}: noise {v.sqrt():.2f}, ELBO {value:.1f} nats")

# %%
m, Sigma, v = fits["exact"]  # where q is the posterior, the ELBO is the log evidence
Phi = bumps(x)
covariance = prior_sd(50) ** 2 * Phi @ Phi.T + v * torch.eye(len(x), dtype=v.dtype)
log_evidence = MultivariateNormal(torch.zeros_like(y[:, 0]), covariance).log_prob(y[:, 0])
torch.testing.assert_close(elbo(x, y, m, Sigma, v), log_evidence, rtol=1e-6, atol=1e-4)
wide = torch.linspace(-6, 6, 240, dtype=x.dtype)[:, None]
measured("06-b", round(fits["mean field"][2].sqrt().item(), 2), "noise under mean field")

# %%
titles = {"exact": "Exact: sure of f among the data", "mean field": "Mean field: unsure among them"}
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(7.8, 3.5))
for ax, (name, (m, Sigma, v)) in zip(axes, fits.items()):
    mean, sd = bumps(wide) @ m, sd_of_f(bumps(wide), Sigma)
    for half, color in (((v + sd**2).sqrt(), ALEATORIC), (sd, EPISTEMIC)):
        edges = mean - 1.96 * half, mean + 1.96 * half
        ax.fill_between(wide[:, 0], *edges, color="white", linewidth=0)
        ax.fill_between(wide[:, 0], *edges, color=color, alpha=0.35, linewidth=0)
    ax.plot(wide, mean, color=MEAN)
    ax.plot(wide, CALM.mean(wide), color=TRUTH, linestyle="--", linewidth=1.2)
    plot_data(ax, x, y, s=14, alpha=0.8)
    ax.set(title=titles[name], ylim=(-4.5, 4.5))
axes[0].annotate("95 % for f", (-1.3, -2.9), color=readable(EPISTEMIC), ha="right")
axes[0].annotate("95 % for a new y", (1.4, 3.3), color=readable(ALEATORIC))
show(fig, alt="The same 40 points twice. Left, exact: the pink band is thin among the data and opens "
     "in the gap. Right, independent Gaussians: among the data it is nearly three times as wide.")

# %% [markdown]
# Neighbouring bumps overlap: the data fix their *sum* well and each height badly. Mean field cannot say "one higher, the other lower". Its f is too unsure, and by the box above $\phi_i^\top \Sigma \phi_i$ is booked as noise.

# %% [markdown]
# ## The lab
#
# Slide the bumps from 20 to 200 and watch the dotted orange line, mean field's noise. Then give it 1,000 points.

# %%
lab = LABS["06"]()
lab

# %% [markdown]
# ## Count it
#
# Over 40 data sets, at how many x does the 95 % band of f hold the true mean?

# %%
parts = {"among the data": (wide.abs() > 1) & (wide.abs() < 3), "gap": wide.abs() < 1,
         "beyond": wide.abs() > 3}
counted = {name: [] for name in fits}
for seed in range(40):
    for name in fits:
        m, Sigma, _ = learn(*with_gap(seed), independent=name == "mean field")
        sd = sd_of_f(bumps(wide), Sigma)
        miss = (bumps(wide) @ m - CALM.mean(wide)[:, 0]).abs()
        both = torch.stack([sd, (miss < 1.96 * sd).double()])
        counted[name].append(torch.stack([both[:, part[:, 0]].mean(1) for part in parts.values()]))

# %%
print("              " + "".join(f"{part:>26}" for part in parts))
for name, sets in counted.items():
    each = torch.stack(sets).mean(0).tolist()
    print(f"{name:10}    " + "".join(f"     sd {sd:.2f}, held {held:6.1%}" for sd, held in each))


# %% [markdown]
# **Among the data** the exact band holds the truth at about nine x of ten, mean field's at nearly all: it is more than twice as wide. **In the gap** both open. **Beyond the data** both are too sure here, and mean field more so. A posterior is exact *for its model*; the wave is no draw from this prior.

# %% [markdown]
# ## Ever more bumps
#
# The prior covariance of f, $k(x, x') = \tau^2 \sum_k \phi_k(x)\, \phi_k(x')$, tends to its average over w and b, which has a closed form. From it alone the exact posterior of f follows, without weights: a **Gaussian process** with the **kernel** k ([Rasmussen & Williams 2006](https://gaussianprocess.org/gpml/), equation 2.24). Here $\tau^2$ times the number of bumps is 20; C is the covariance of $wx + b$ at x and x′, K is k among the data, $k_*$ between them and x:
#
# $$k(x, x') = \frac{20}{\sqrt{\det(I + C)}}, \qquad \operatorname{Var} f(x) = k(x, x) - k_*^\top (K + vI)^{-1} k_* .$$
#
# <details><summary>Where the closed form comes from</summary>
#
# The average of $e^{-(t^2 + t'^2)/2}$ over a Gaussian $(t, t')$ of covariance C is an integral over another Gaussian, of precision $C^{-1} + I$; what is left of the two constants is $1/\sqrt{\det(I + C)}$. Here
#
# $C = 2.5^2 \begin{pmatrix} 1 + x^2 & 1 + x x' \\ 1 + x x' & 1 + x'^2 \end{pmatrix}$.
#
# </details>

# %%
def kernel(x, other, var=2.5**2):
    det = (1 + var * (1 + x**2)) * (1 + var * (1 + other.T**2)) - (var * (1 + x @ other.T)) ** 2
    return 20 / det.sqrt()


# %%
at_0 = torch.zeros_like(x[:1])
across = kernel(x, at_0)
K = kernel(x, x) + 0.3**2 * torch.eye(len(x), dtype=x.dtype)
process = (kernel(at_0, at_0) - across.T @ torch.linalg.solve(K, across)).sqrt().item()
print(f"sd of f(0), noise 0.3: Gaussian process {process:.2f}")
for count in (20, 200, 1000):
    _, precision = posterior(bumps(x, count), y, 0.3**2, prior_sd(count))
    by_weights = sd_of_f(bumps(at_0, count), torch.linalg.inv(precision)).item()
    m, _, v = learn(x, y, independent=True, count=count)
    kept = (bumps(x, count) @ m).var() / CALM.mean(x).var()
    print(f"{count:5} bumps: exact {by_weights:.2f}; mean field: noise {v.sqrt():.2f}, "
          f"{kept:.0%} of the wave's variance left in its mean")
assert abs(by_weights / process - 1) < 0.05 and v > y.var() and kept < 0.7

# %% [markdown]
# Exact, 1,000 bumps are a Gaussian process, within 5 %. Under mean field the more bumps, the worse each is known by itself: the mean keeps less of the wave, and the rest is called noise. Wide mean-field networks may come to ignore the data ([Coker et al. 2021](https://arxiv.org/abs/2106.07052)).
#
# ## How far does this hold?
#
# Claims of this lesson with other bumps, prior sd's (times ours), sd's of w and b, and places of the gap; 60 points, noise 0.3, 20 data sets each.
#
# <!-- claims -->
#
# **06-a**: among the data, independent Gaussians are less sure of f than the exact posterior. *Holds 1,596 of 1,620. Fails: most often at bumps 20, prior 2, scale 5, place 1 (holds 14 of 20). Most decisive: bumps (from 96 % at 20 to 100 % at 50).*
#
# ```text
# bumps 20   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■□□□
# bumps 50   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# bumps 200  ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# ```
#
# **06-b**: beyond the data they are surer than it, if both are told the noise. *Holds 1,518 of 1,620. Fails: most often at bumps 200, prior 0.5, scale 1.25, place 1 (holds 0 of 20). Most decisive: prior (from 81 % at 0.5 to 100 % at 1).*
#
# ```text
# bumps 20   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# bumps 50   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# bumps 200  ××××××■■□ ■■■■■■■■■ ■■■■■■■■■
# ```
#
# **06-c**: they learn a larger noise than it. *Holds 1,620 of 1,620. Fails: nowhere.*
#
# ```text
# bumps 20   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# bumps 50   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# bumps 200  ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# ```
#
# **06-d**: with twice as many bumps they learn a larger noise still. *Holds 1,554 of 1,620. Fails: most often at bumps 20, prior 0.5, scale 5, place 0 (holds 8 of 20). Most decisive: bumps (from 88 % at 20 to 100 % at 50).*
#
# ```text
# bumps 20   ■■■■□■□×□ ■■■■■■□□□ ■■■■■■■□□
# bumps 50   ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# bumps 200  ■■■■■■■■■ ■■■■■■■■■ ■■■■■■■■■
# ```
#
# One sign a recipe: ■ holds in nine of ten seeds or more, □ in half or more, × in fewer; groups: prior 0.5, 1, 2; in a group: scale 1.25, 2.5, 5 × place -1, 0, 1. `make claims` runs them again.
#
# <!-- end of claims -->

# %% [markdown]
# ## A reader asks
#
# **"Why not invert Λ for a network, too?"** For 10,000 weights it has 10⁸ entries, and the posterior is no Gaussian. For the *last* layer alone it is done: this lesson, with learned features (notebook 14).
#
# ## Exercises
#
# **06-1 (predict).** Two weights have an exact Gaussian posterior with correlation ρ = 0.8. By which factor is the mean-field sd of a weight smaller or larger than the exact one (mean field / exact)?

# %%
factor = ...
check("06-1", factor)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Take unit variances: the covariance is [[1, ρ], [ρ, 1]]. Invert it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# What is Λ₁₁, and which variance does mean field make of it? You are asked for a ratio of sd's.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# factor = math.sqrt(1 - 0.8**2)  # 0.6, as Λ₁₁ = 1 / (1 − ρ²)
# ```
#
# </details>

# %% [markdown]
# **06-2 (derive).** One weight, the feature is 1: $y_i = \theta + \text{noise}$ of variance v = 4, prior $\mathcal N(0, 1)$, n = 12 values. What is the posterior *sd* of θ?

# %%
posterior_sd = ...
check("06-2", posterior_sd)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Here Φ is a column of twelve ones. What is Λ, a single number?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Each point adds 1/v to the precision, the prior adds 1/τ².
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# posterior_sd = 1 / math.sqrt(12 / 4 + 1)  # 0.5
# ```
#
# </details>

# %% [markdown]
# **06-3 (code).** From features `Phi`, (n, d), and the weights' exact precision, (d, d): the exact sd of f in each row, (n,).

# %%
def exact_sd(Phi, precision):
    ...


check("06-3", exact_sd)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# In one row, Var f = φᵀ Σ φ. Where does Σ come from?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The diagonal of Φ Σ Φᵀ; `(A * B).sum(1)` gives the diagonal of A Bᵀ.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def exact_sd(Phi, precision):
#     return ((Phi @ torch.linalg.inv(precision)) * Phi).sum(1).sqrt()
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("06")

# %%
guesses("06")

# %% [markdown]
# ## Recap
#
# - A line is as sure of its weights as $\Lambda = \Phi^\top\Phi/v + I/\tau^2$ says, with covariance $\Lambda^{-1}$; sure by itself, each weight has $1/\Lambda_{kk}$, and what the weights know *together* is lost.
# - So mean field is too sure of the weights, and here of f beyond the data; among overlapping features it is too unsure of f and calls signal noise.
# - The noise has its own number: the mean of squared residual plus the variance of f. q and v take turns.
#
# **Next.** In a network the features learn as well, and no Λ is at hand: [07 · Bayes by Backprop](07_bayes_by_backprop.ipynb).
#
# **Further reading.**
# - C. Bishop (2006), [*Pattern Recognition and Machine Learning*](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), sections 3.3 and 10.3.
# - C. Rasmussen & C. Williams (2006), [*Gaussian Processes for Machine Learning*](https://gaussianprocess.org/gpml/), chapter 2.
