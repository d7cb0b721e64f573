# %% [markdown]
# # 05 · Variational regression
#
# **The question.** What is an ELBO, and what does a network learn about the noise in y when it maximises one?
#
# **You will be able to**
#
# - derive the ELBO from Bayes' rule, and read it as NLL + KL;
# - say which of two KL divergences is in it, and what that does to the answer;
# - estimate it by sampling, with a gradient that is of use;
# - predict, with one square root, the σ that variational regression on y learns, and say why.
#
# **You need** notebook 04 (a network with two outputs), and Bayes' rule.
#
# **Time.** About 60 minutes; the notebook runs in about 9 s.

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.distributions import (
    Categorical, Exponential, Gamma, LogNormal, Normal, Poisson, kl_divergence,
)

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import FUNNEL, WAVE, Problem, constant
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll, same_shape
from course_utils.metrics import coverage, interval
from course_utils.models import HeteroscedasticRegressor, mlp
from course_utils.plots import (
    ALEATORIC, MEAN, TRUTH, WRONG, plot_data, plot_fit, plot_truth, show, use_course_style,
)
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## A promise
#
# R. Vink's "Variational inference from scratch" (2019) takes a network that returns μ(x) and log σ²(x), puts a prior on y, maximises what it calls the ELBO, and shows a 90 % band that widens where the data do.
#
# Here are his data: 150 points around $0.125\,x\,(1 + \sin x) + 5$ with noise that grows along x. He sorts them by x, for the plot, and standardises y: mean 0, standard deviation 1.

# %%
x, y = FUNNEL.sample(150, seed=0)
shift, scale = y.mean(), y.std(correction=0)
y = (y - shift) / scale
funnel = Problem(
    mean=lambda x: (FUNNEL.mean(x) - shift) / scale,
    sigma=lambda x: FUNNEL.sigma(x) / scale,
    low=FUNNEL.low,
    high=FUNNEL.high,
)

# %%
fig, ax = plt.subplots()
plot_data(ax, x, y, s=14)
plot_truth(ax, funnel)
ax.set(ylabel="y, in its standard deviations", title="150 points; noise σ(x) grows fivefold")
ax.legend()
show(fig, alt="150 points around a dashed mean that oscillates ever more strongly as x grows. Two "
     "dotted lines, the true 95 % interval, move apart from left to right.")

# %% [markdown]
# ## Predict
#
# Before his data we take simpler ones: no signal at all, y is noise of standard deviation σ around 0, whatever x is. His model gets 2,000 points and trains until nothing changes. Replace each `...` by what you expect.

# %%
guess("05-a", ...)  # the σ that it learns where the true σ is 0.3

# %%
guess("05-b", ...)  # where the true σ is 2: the percentage of new y inside its "90 %" band


# %% [markdown]
# ## From Bayes' rule to the ELBO
#
# A **latent variable** z is one that we do not observe. A model has a [**prior**](00_start_here.ipynb#Glossary) $p(z)$, what we believe of z before the data D, and a **likelihood** $p(D \mid z)$. Bayes' rule gives the [**posterior**](00_start_here.ipynb#Glossary):
#
# $$p(z \mid D) = \frac{p(D \mid z)\, p(z)}{p(D)}, \qquad p(D) = \int p(D \mid z)\, p(z)\, dz.$$
#
# The [**evidence**](00_start_here.ipynb#Glossary) $p(D)$ is an integral that we can rarely do. **Variational inference** avoids it: choose a family of densities $q(z)$ that are easy to handle, and look for the member that is nearest to the posterior.
#
# **Step 1: logarithms.** Solve Bayes' rule for the evidence. For *every* z,
#
# $$\log p(D) = \log p(D \mid z) + \log p(z) - \log p(z \mid D).$$

# %% [markdown]
# **Step 2: add and subtract** $\log q(z)$:
#
# $$\log p(D) = \log p(D \mid z) - \log \frac{q(z)}{p(z)} + \log \frac{q(z)}{p(z \mid D)}.$$
#
# **Step 3: average over z drawn from q.** The left side has no z in it and stays. The [**KL divergence**](00_start_here.ipynb#Glossary) is $\mathrm{KL}(q \,\|\, p) = \mathrm{E}_q[\log q - \log p]$, so
#
# $$\log p(D) = \underbrace{\mathrm{E}_q[\log p(D \mid z)] - \mathrm{KL}(q \,\|\, p(z))}_{\text{ELBO}} + \underbrace{\mathrm{KL}(q \,\|\, p(z \mid D))}_{\text{gap}}.$$
#
# **Step 4: the gap is never negative.** As $\log t \le t - 1$, we have $-\mathrm{KL}(q \,\|\, p) = \mathrm{E}_q[\log \frac pq] \le \mathrm{E}_q[\frac pq] - 1 = 0$.

# %% [markdown]
# So the first part is a lower bound on the log evidence: [**ELBO**](00_start_here.ipynb#Glossary), for *evidence lower bound* (Kingma & Welling 2013, equations 1 to 3). The left side does not depend on q. Raising the ELBO therefore lowers the gap: the best q is the one nearest to the posterior, and we found it without the integral. With the sign of a loss:
#
# $$-\text{ELBO} = \underbrace{\mathrm{E}_q[-\log p(D \mid z)]}_{\text{NLL}} + \underbrace{\mathrm{KL}(q \,\|\, p(z))}_{\text{price for leaving the prior}}$$
#
# **NLL + KL.** The first term is the loss of notebooks 01 to 04, averaged over the z that q thinks possible.
#
# ## One case in which everything is known
#
# Let $z \sim \mathcal N(0, 1)$ and $y \mid z \sim \mathcal N(z, 1)$, and let us see a single $y = 1.4$. The posterior is $\mathcal N(\frac y2, \frac12)$ and the evidence $\mathcal N(y; 0, 2)$.

# %%
def normal(mean, sd):
    """torch.distributions.Normal in float64."""
    return Normal(*(torch.as_tensor(value, dtype=torch.float64) for value in (mean, sd)))


seen = torch.tensor(1.4, dtype=torch.float64)
prior, posterior = normal(0, 1), normal(seen / 2, math.sqrt(0.5))
log_evidence = normal(0, math.sqrt(2)).log_prob(seen)
z = torch.linspace(-12, 12, 4801, dtype=torch.float64)
dz = z[1] - z[0]


def exact_elbo(q):
    """E_q[log p(y | z)] as a sum over a grid, minus the KL to the prior."""
    return (q.log_prob(z).exp() * normal(z, 1).log_prob(seen)).sum() * dz - kl_divergence(q, prior)


# %%
for q in (normal(0.2, 0.6), normal(-1, 1.5), posterior):  # any q will do
    gap = kl_divergence(q, posterior)
    torch.testing.assert_close(exact_elbo(q) + gap, log_evidence)
    print(f"ELBO {exact_elbo(q):.3f} + gap {gap:.3f} = log evidence {log_evidence:.3f}")

# %%
means = torch.linspace(-0.8, 2.2, 101, dtype=torch.float64)
elbos = [exact_elbo(normal(mean, math.sqrt(0.5))) for mean in means]
fig, ax = plt.subplots(figsize=(7.5, 3.4))
ax.plot(means, elbos, color=MEAN)
ax.axhline(log_evidence, color=TRUTH, linestyle="--")
ax.plot(seen / 2, log_evidence, "o", color=MEAN)
ax.annotate("log evidence", (1.7, log_evidence + 0.06))
low = exact_elbo(normal(-0.3, math.sqrt(0.5)))
ax.annotate("", (-0.3, low), (-0.3, log_evidence), arrowprops={"arrowstyle": "<->"})
ax.annotate("gap: KL from q\nto the posterior", (-0.36, -2.2), ha="right")
ax.annotate("ELBO", (1.95, -3.05), color=MEAN)
ax.set(xlabel="mean of q (its variance is ½)", ylabel="nats", ylim=(-4.2, -1.4))
ax.set_title("The ELBO touches the log evidence where q is the posterior, at y/2 = 0.7")
show(fig, alt="The ELBO is a parabola below the dashed line of the log evidence. It touches the "
     "line at 0.7, the mean of the posterior. An arrow marks the gap between them elsewhere.")

# %% [markdown]
# ## Where did the log go?
#
# Two readers of the source ask this. They are right, and there is more:
#
# | equation | printed | it should be |
# |---|---|---|
# | 5 | $\operatorname{argmax}_Z$ | argmax over $Q$: Z is averaged out |
# | 6 | $+\int Q \frac PQ\, dZ$ | $+\int Q \log \frac PQ\, dZ$ |
# | 7 | $+\mathrm E\left[\frac PQ\right] dZ$ | $+\mathrm E\left[\log \frac PQ\right]$, without dZ |
# | 12 | $-\frac n2 (2\pi\sigma^2)$ | $-\frac n2 \ln(2\pi\sigma^2)$ |
# | 13 | $+\frac12\sum(1 + \log\sigma^2 - \mu^2 - \sigma^2)$ | $-\frac12\sum(\dots)$ |
#
# Equation 8 and the code have the logarithm and the sign right. A slip on paper can be tested like code:

# %%
q, p = normal(0.7, 0.4), normal(0, 1)
Q, P = q.log_prob(z).exp(), p.log_prob(z).exp()
integral_6 = (Q * (P / Q)).sum() * dz
print(f"eq. 6 and 7 as printed: {integral_6:.4f}; it should be minus KL(Q || P)")

s = torch.linspace(0.05, 2, 3901, dtype=torch.float64)  # σ², for a mean squared error of 1
best_12 = s[(math.pi * s + 1 / (2 * s)).argmin()]
print(f"eq. 12 as printed is largest at σ² = {best_12:.2f}")

eq_13 = 0.5 * (1 + math.log(0.4**2) - 0.7**2 - 0.4**2)
print(f"eq. 13 as printed: {eq_13:.4f}; the KL is {kl_divergence(q, p):.4f}")
assert math.isclose(integral_6, 1, abs_tol=1e-9) and math.isclose(-eq_13, kl_divergence(q, p))

# %% [markdown]
# Without the log, equation 6 integrates P and gives 1 for *every* Q: nothing to learn from. Equation 12 finds $\sigma^2 = 1/\sqrt{2\pi} = 0.40$ where 1 is right. Equation 13 gives −0.7413, and a KL divergence is never negative.
#
# ## Two divergences, not one
#
# KL is no distance: $\mathrm{KL}(q \,\|\, p)$ and $\mathrm{KL}(p \,\|\, q)$ differ. We fit one Gaussian q to a target with two humps, 70 % around 2 and 30 % around −2, both of standard deviation 0.5, once with each. The integrals are sums over a grid.

# %%
humps = torch.stack([normal(2, 0.5).log_prob(z), normal(-2, 0.5).log_prob(z)])
log_p = torch.logsumexp(humps + torch.tensor([[0.7], [0.3]], dtype=torch.float64).log(), dim=0)


def kl_on_grid(log_a, log_b):
    """KL(a || b) in nats, for two log densities on the grid z."""
    return (log_a.exp() * (log_a - log_b)).sum() * dz


def q_to_p(q):
    return kl_on_grid(q.log_prob(z), log_p)


def p_to_q(q):
    return kl_on_grid(log_p, q.log_prob(z))


# %%
def minimise(loss, parameters, *data):
    """Change the parameters, in place, to those of least loss(parameters, *data) (L-BFGS)."""
    optimiser = torch.optim.LBFGS([parameters], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = loss(parameters, *data)
        value.backward()
        return value

    optimiser.step(closure)


# %%
def nearest(divergence, start):
    """The Gaussian of least divergence, by gradient descent from N(start, 1)."""
    parameters = torch.tensor([start, 0.0], dtype=torch.float64, requires_grad=True)
    minimise(lambda p: divergence(Normal(p[0], p[1].exp())), parameters)
    mean, log_sd = parameters.detach()
    return normal(mean, log_sd.exp())


# %%
right, left, wide = nearest(q_to_p, 1.0), nearest(q_to_p, -1.0), nearest(p_to_q, 1.0)
for name, q in (("KL(q || p)", right), ("the same, other start", left), ("KL(p || q)", wide)):
    print(f"{name:22} mean {q.mean:5.2f}  sd {q.stddev:.2f}  KL(q || p) = {q_to_p(q):.2f}")

p = log_p.exp() * dz
mean_p = (p * z).sum()
sd_p = (p * (z - mean_p) ** 2).sum().sqrt()
assert abs(wide.mean - mean_p) < 1e-4 and abs(wide.stddev - sd_p) < 1e-4
assert abs(q_to_p(right) + math.log(0.7)) < 0.01 and abs(q_to_p(left) + math.log(0.3)) < 0.01

# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(7.5, 3.3))
for ax in axes:
    ax.plot(z, log_p.exp(), color=TRUTH, linestyle="--")
    ax.set(xlim=(-5, 6), xlabel="z", ylim=(0, 0.9))
axes[0].plot(z, right.log_prob(z).exp(), color=MEAN)
axes[0].plot(z, left.log_prob(z).exp(), color=MEAN, linestyle=":")
axes[1].plot(z, wide.log_prob(z).exp(), color=MEAN)
axes[0].annotate("q", (2.6, 0.6), color=MEAN)
axes[0].annotate("q, other start", (-4.8, 0.82), color=MEAN)
axes[1].annotate("q", (-0.4, 0.2), color=MEAN)
axes[1].annotate("target p", (2.7, 0.5))
axes[0].set(title="KL(q ‖ p) seeks a mode", ylabel="density")
axes[1].set_title("KL(p ‖ q) covers the mass")
show(fig, alt="On the left, q lies on one hump of the target, the right or, from another start, "
     "the left one. On the right, a single wide q spans both humps and is highest between them.")


# %% [markdown]
# $\mathrm{KL}(q \,\|\, p)$ averages over q. It punishes q for mass where p has none, and forgives a hump that q leaves out: **mode seeking**. Its price is $-\log 0.7 = 0.36$, or $-\log 0.3 = 1.20$ on the smaller hump, where a bad start is caught.
#
# $\mathrm{KL}(p \,\|\, q)$ averages over p and forbids leaving anything out: **mass covering**. Its best Gaussian has p's mean and variance. This is maximum likelihood: the NLL of q, averaged over data from p, plus a constant.
#
# Both KLs of step 3 have q first. Variational posteriors therefore tend to be too narrow; 06 measures it.

# %% [markdown]
# ## The KL of two Gaussians
#
# For $q = \mathcal N(\mu, \sigma^2)$ and the prior $\mathcal N(0, 1)$ no grid is needed. Under q, $\mathrm E(z - \mu)^2 = \sigma^2$ and $\mathrm E z^2 = \mu^2 + \sigma^2$, so
#
# $$\mathrm{E}_q[\log q] = -\tfrac12 \log 2\pi\sigma^2 - \tfrac12, \qquad \mathrm{E}_q[\log p] = -\tfrac12 \log 2\pi - \tfrac12(\mu^2 + \sigma^2),$$
#
# $$\mathrm{KL} = \tfrac12\left(\mu^2 + \sigma^2 - \log \sigma^2 - 1\right)$$
#
# (Kingma & Welling 2013, appendix B). The later notebooks import this function from `course_utils.losses`:

# %%
def gaussian_kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) ‖ N(0, 1)) of each value, in nats; mu and log_var (n, d)."""
    same_shape(mu=mu, log_var=log_var)
    return 0.5 * (mu**2 + log_var.exp() - log_var - 1)


# %% [markdown]
# Two oracles: PyTorch's own formula, and the definition, an average over draws of $\log q - \log p$ with its standard error.

# %%
generator = torch.Generator().manual_seed(0)
mu = torch.tensor([[0.7], [-2.0], [0.0]], dtype=torch.float64)
log_var = torch.tensor([[0.16], [1.0], [4.0]], dtype=torch.float64).log()
q = Normal(mu, (log_var / 2).exp())
torch.testing.assert_close(gaussian_kl(mu, log_var), kl_divergence(q, normal(0, 1)))

draws = mu + (log_var / 2).exp() * torch.randn(3, 40_000, generator=generator).double()
terms = q.log_prob(draws) - normal(0, 1).log_prob(draws)
error = terms.std(dim=1) / math.sqrt(terms.shape[1])
for exact, sampled, e in zip(gaussian_kl(mu, log_var)[:, 0], terms.mean(dim=1), error):
    print(f"closed form {exact:.4f}, sampled {sampled:.2f}, standard error {e:.3f}")
    assert abs(sampled - exact) < 3 * e


# %% [markdown]
# ## The sampled ELBO, and its gradient
#
# Where no formula exists, draw z from q and average $\log p(D \mid z) + \log p(z) - \log q(z)$, the **Monte Carlo ELBO** (equation 8). Its value is no problem. Its gradient is: the draws themselves depend on μ and σ. There are two ways to differentiate $\mathrm{E}_q[f(z)]$:
#
# - **Reparameterisation** (equations 9 to 11): $z = \mu + \sigma\varepsilon$ with $\varepsilon \sim \mathcal N(0, 1)$. Now z is a function of μ, and autograd returns $f'(z)$.
# - **Score function**: as $\nabla q = q\, \nabla \log q$, the gradient is $\mathrm{E}_q[f(z)\, \nabla \log q(z)]$; for μ that is $f(z)\,(z - \mu)/\sigma^2$. It needs no $f'$.
#
# Both are right on average. They are not equally noisy.

# %% [markdown]
# Take the NLL of our known case, $f(z) = \frac12 (y - z)^2$, and write $d = \mu - y$, so that $f = \frac12 (d + \sigma\varepsilon)^2$. Reparameterised, one draw gives $d + \sigma\varepsilon$, with variance $\sigma^2$. The score function gives $\frac12 (d + \sigma\varepsilon)^2\, \varepsilon / \sigma$. With $\mathrm E\varepsilon^2, \mathrm E\varepsilon^4, \mathrm E\varepsilon^6 = 1, 3, 15$ its mean is $d$ as well, and its variance
#
# $$\tfrac14\left(\frac{d^4}{\sigma^2} + 18 d^2 + 15 \sigma^2\right) - d^2 = \frac{d^4}{4\sigma^2} + \frac{7 d^2}{2} + \frac{15 \sigma^2}{4}.$$

# %%
def one_draw_gradients(mu, sigma, draws=200_000):
    """Gradients of E[½ (y − z)²] with respect to μ, one for each draw, by both ways."""
    eps = torch.randn(draws, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mu = torch.full_like(eps, mu, requires_grad=True)
    z = mu + sigma * eps
    f = 0.5 * (seen - z) ** 2
    (reparameterised,) = torch.autograd.grad(f.sum(), mu)
    with torch.no_grad():
        score = f * (z - mu) / sigma**2
    return reparameterised, score


def score_variance(d, sigma):
    return d**4 / (4 * sigma**2) + 3.5 * d**2 + 3.75 * sigma**2


# %%
d, sigmas = 0.7 - seen.item(), (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


def variance_ratio(sigma):
    """Score function over reparameterised, as measured; both are held against the theory."""
    reparameterised, score = one_draw_gradients(0.7, sigma)
    assert abs(reparameterised.mean() - d) < 5 * sigma / math.sqrt(len(score))
    assert abs(score.mean() - d) < 5 * score.std() / math.sqrt(len(score))
    assert abs(reparameterised.var() / sigma**2 - 1) < 0.02
    assert abs(score.var() / score_variance(d, sigma) - 1) < 0.05
    return (score.var() / reparameterised.var()).item()


ratios = [variance_ratio(sigma) for sigma in sigmas]
print(f"σ = 0.1: the score function's variance is {score_variance(d, 0.1) / 0.1**2:.0f} times")

# %%
curve = torch.logspace(-1.5, 0.5, 100, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(7.5, 3.4))
ax.loglog(curve, score_variance(d, curve) / curve**2, color=MEAN)
ax.loglog(sigmas, ratios, "o", color=MEAN)
ax.axhline(1, color=TRUTH, linestyle="--", linewidth=1.2)
ax.annotate("as noisy as the reparameterised gradient", (0.035, 1.25))
ax.annotate("closed form (line), measured (dots)", (0.13, 700), color=MEAN)
ax.set(xlabel="σ of q (log scale)", ylabel="variance ratio (log scale)", ylim=(0.6, 5e4))
ax.set_title("The narrower q is, the less the score function's gradient is worth")
show(fig, alt="The ratio of the two gradient variances falls from above 10,000 at a σ of 0.05 to "
     "about 4 at a σ of 2. Six measured dots lie on the curve of the closed form.")

# %% [markdown]
# At σ = 0.1 the score function needs 775 draws to be as exact as one reparameterised draw. It has its place where no $f'$ exists, as for a discrete z.
#
# In PyTorch the two ways have two names, and confusing them cuts the graph without a word: `rsample()` is $\mu + \sigma\varepsilon$, `sample()` is a number without history.

# %%
m = torch.tensor(0.7, requires_grad=True)
assert Normal(m, 1.0).rsample().requires_grad
assert not Normal(m, 1.0).sample().requires_grad


# %% [markdown]
# ## The source's model
#
# The latent variable is now y itself, with the prior $y \sim \mathcal N(0, 1)$ at every x (equation 3), and $q(y \mid x) = \mathcal N(\mu(x), \sigma^2(x))$ comes from two small networks (equation 4). Here is its loss, in our letters: one draw z from q, and the three logs of equation 8.

# %%
class VariationalRegressor(nn.Module):
    """Two networks, for the mean and for log σ², of the sizes in the source."""

    def __init__(self):
        super().__init__()
        self.mean = mlp(1, (20, 10), 1)
        self.log_var = mlp(1, (20, 10), 1)

    def forward(self, x):
        return self.mean(x), self.log_var(x)


# %%
def loss_of_the_source(model, x, y):
    """R. Vink's sampled loss. It biases mean and noise: do not take it home."""
    mu, log_var = model(x)
    z = mu + (log_var / 2).exp() * torch.randn_like(mu)
    zero = torch.zeros_like(mu)
    likelihood = -gaussian_nll(y, mu, log_var)
    log_prior = -gaussian_nll(z, zero, zero)
    log_q = -gaussian_nll(z, mu, log_var)
    return -(likelihood + log_prior - log_q).mean()


torch.manual_seed(0)
vink = VariationalRegressor()
history = fit(vink, loss_of_the_source, x, y, steps=800, lr=0.005)

# %%
x_new, y_new = funnel.sample(5000, seed=1)
mu, sigma = predict(vink, x_new)
calm = x_new[:, 0] < 20
for name, rows in (("left half", calm), ("right half", ~calm)):
    share = coverage(y_new[rows], mu[rows], sigma[rows], level=0.9)
    print(f"{name}: the 90 % band covers {share:.1f} of 5,000 new y")

mean, noise = funnel.truth(x_new)
misfit = ((mean - mu) ** 2).mean() / ((y_new - mu) ** 2).mean()
print(f"misfit is {misfit:.1f} of its squared error on new data")


# %%
def label_curves(ax, grid, true_sigma, sigma):
    ax.plot(grid, true_sigma, color=TRUTH, linestyle="--")
    ax.plot(grid, sigma, color=WRONG)
    ax.annotate("true noise", (15, 0.12))
    ax.annotate("learned σ", (-12, 0.72), color=WRONG)
    ax.set(title="The learned σ is not the noise", xlabel="x", ylabel="σ", ylim=(0, 1.4))


grid = funnel.grid(400)
mu, sigma = predict(vink, grid)
true_mean, true_sigma = funnel.truth(grid)

# %%
lower, upper = interval(mu, sigma, level=0.9)
fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.6), width_ratios=(3, 2))
plot_data(axes[0], x, y, s=14)
axes[0].plot(grid, true_mean, color=TRUTH, linestyle="--", linewidth=1)
axes[0].fill_between(grid[:, 0], lower[:, 0], upper[:, 0], color=ALEATORIC, alpha=0.3, linewidth=0)
axes[0].plot(grid, mu, color=MEAN)
axes[0].set_title("A smooth mean in a wide 90 % band")
label_curves(axes[1], grid, true_sigma, sigma)
show(fig, alt="On the left the data, the oscillating true mean and a smooth predicted mean in a "
     "wide band. On the right the learned σ lies far above the true noise at every x.")


# %% [markdown]
# The band looks right, and two things are hidden in it.
#
# **Misfit.** A smooth curve cannot follow sin x. About 70 % of what the model must call noise is its own distance from the true mean. That is no fault of the ELBO: notebook 04 would do the same.
#
# **Something else.** Misfit and noise together could still make an honest 90 % band. This one covers nearly everything on the left, where the data are calm, and about what it promises on the right.
#
# To see the second thing alone, we take the first away: pure noise around 0, at four levels, as in the predictions.

# %%
def learned(loss, mean, sigma):
    """The average μ and σ that a loss learns from 2,000 points of N(mean, σ²), and the coverage."""
    problem = Problem(constant(mean), constant(sigma), low=-3, high=3)
    x, y = problem.sample(2000, seed=0)
    torch.manual_seed(0)
    model = VariationalRegressor()
    fit(model, loss, x, y, steps=100, lr=0.03, decay=True)
    x_new, y_new = problem.sample(10_000, seed=1)
    mu, sigma = predict(model, x_new)
    return mu.mean().item(), sigma.mean().item(), coverage(y_new, mu, sigma, level=0.9)


levels = (0.1, 0.3, 1.0, 2.0)
by_source = {sigma: learned(loss_of_the_source, 0.0, sigma) for sigma in levels}
for sigma, (_, learned_sigma, covered) in by_source.items():
    print(f"true σ {sigma:.1f}: learned {learned_sigma:.2f}; its 90 % band covers {covered:.2f}")

# %%
measured("05-a", round(by_source[0.3][1], 2))

# %%
measured("05-b", round(100 * by_source[2.0][2]))

# %% [markdown]
# It learns 0.3 as 0.55 and 2 as 1.4, with 2,000 points, no misfit, and a loss that has converged. Of the four, only σ = 1 is right.
#
# ## Why a square root?
#
# Write $s = \sigma^2(x)$ for the learned variance. Averaged over the draw, the loss is NLL + KL, and both have a formula:
#
# $$\tfrac12 \log 2\pi + \cancel{\tfrac12 \log s} + \frac{(y - \mu)^2}{2s} + \tfrac12\left(\mu^2 + s - \cancel{\log s} - 1\right).$$
#
# The logarithms cancel. The term $\tfrac12 \log \sigma^2$, which keeps σ in balance in notebooks 02 to 04, is gone; what stops σ from growing is the prior's $\tfrac12 s$. Up to a constant,
#
# $$L = \frac{\mathrm E(y - \mu)^2}{2s} + \tfrac12(\mu^2 + s).$$

# %% [markdown]
# **Step 1: the mean.** $\dfrac{\partial L}{\partial \mu} = \dfrac{\mu - \bar y}{s} + \mu = 0$ gives $\boxed{\hat\mu = \dfrac{\bar y}{1 + s}}$, shrunk toward 0.
#
# **Step 2: the variance.** $\dfrac{\partial L}{\partial s} = -\dfrac{\mathrm E(y - \mu)^2}{2s^2} + \tfrac12 = 0$ gives $\boxed{s = \sqrt{\mathrm E(y - \hat\mu)^2}}$, the RMSE about that shrunken mean.
#
# **Step 3: a centred y.** With $\bar y = 0$ the RMSE is the true σ: the learned *variance* is the true *standard deviation*, and $\hat\sigma = \sqrt{\sigma}$.
#
# The units give it away. A variance in cm² cannot equal a standard deviation in cm. Measure y in metres, and the band changes relative to the data. To standardise y hides this; it does not repair it.

# %%
for sigma, (_, learned_sigma, covered) in by_source.items():
    band = math.sqrt(2) * torch.erfinv(torch.tensor(0.9)).item() * math.sqrt(sigma)
    predicted = math.erf(band / sigma / math.sqrt(2))
    print(f"true σ {sigma:.1f}: √σ = {math.sqrt(sigma):.3f}; a 90 % band covers {predicted:.3f}")
    assert abs(learned_sigma / math.sqrt(sigma) - 1) < 0.03
    assert abs(covered - predicted) < 0.02


# %% [markdown]
# ## Is it an ELBO at all?
#
# Equation 5 asks for $\log P(D \mid Z)$ at a z *drawn from* Q. In the code the likelihood is `ll_gaussian(y, mu, log_var)`: the density of q itself, at the observed y. The draw z never enters it. One Gaussian plays two parts, as the spread of the data and as our doubt about a latent quantity.
#
# The text announces $P(y \mid x) \propto P(x \mid y)\,P(y)$; a $P(x \mid y)$ is never computed.
#
# So the loss has the form NLL + KL without being the ELBO of the model it names. We call it what it is: the NLL of notebook 04, plus a regulariser that biases μ and σ.

# %% [markdown]
# ## The "analytic" loss
#
# Later the source takes the KL in closed form and replaces the Gaussian likelihood by a squared error at the drawn z. Averaged over the draw, with $\mathrm E(y - z)^2 = (y - \mu)^2 + s$, that is
#
# $$L = \tfrac12 \mathrm E(y - \mu)^2 + \tfrac12 s + \tfrac12\left(\mu^2 + s - \log s - 1\right).$$
#
# $\dfrac{\partial L}{\partial s} = \tfrac12 + \tfrac12 - \dfrac{1}{2s} = 0$ gives $s = \tfrac12$, and $\dfrac{\partial L}{\partial \mu} = 0$ gives $\mu = \dfrac{\bar y}{2}$: on *any* data. We test it with noise around 2, so that the mean can be wrong too.

# %%
def analytic_loss_of_the_source(model, x, y):
    """R. Vink's second loss. It cannot learn the noise: do not take it home."""
    mu, log_var = model(x)
    z = mu + (log_var / 2).exp() * torch.randn_like(mu)
    return (0.5 * (y - z) ** 2 + gaussian_kl(mu, log_var)).mean()


by_analytic = {sigma: learned(analytic_loss_of_the_source, 2.0, sigma) for sigma in levels}
for sigma, (learned_mu, learned_sigma, _) in by_analytic.items():
    print(f"truth N(2, {sigma:.1f}²): learned μ = {learned_mu:.1f}, σ = {learned_sigma:.2f}")
    assert abs(learned_mu - 1) < 0.1 and abs(learned_sigma - math.sqrt(0.5)) < 0.02

# %%
curve = torch.linspace(0, 2.2, 200, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(7.5, 3.7))
ax.plot(curve, curve, color=TRUTH, linestyle="--")
ax.plot(curve, curve.sqrt(), color=WRONG)
ax.axhline(math.sqrt(0.5), color=WRONG, linestyle=":")
ax.plot(levels, [v[1] for v in by_source.values()], "o", color=WRONG)
ax.plot(levels, [v[1] for v in by_analytic.values()], "s", color=WRONG)
ax.annotate("truth", (1.8, 1.9), ha="right")
ax.annotate("NLL + KL: √σ", (1.65, 1.12), color=WRONG)
ax.annotate("“analytic” loss: √½", (1.45, 0.52), color=WRONG)
ax.set(xlabel="true σ", ylabel="learned σ")
ax.set_title("One loss learns the root of the noise, the other a constant (dots: trained)")
show(fig, alt="Learned against true σ. Four round dots lie on the square root curve, which meets "
     "the dashed diagonal of the truth only at 1. Four squares lie on a flat line at 0.71.")


# %% [markdown]
# We have met $\mathcal N(\frac y2, \frac12)$: it is the exact posterior of our known case, $z \sim \mathcal N(0, 1)$ and $y \mid z \sim \mathcal N(z, 1)$. Up to a constant this loss *is* a true −ELBO, of that model, with a z for each y. A squared error without a σ is a Gaussian likelihood with σ = 1 (notebook 01).
#
# So the inference is right and the model is wrong for the question. It is told that the noise is 1, and it reports its doubt about a z of which it has seen one y. The noise in the data is not among its unknowns.

# %% [markdown]
# ## A weight on the KL
#
# Between NLL and NLL + KL we put a dial $w$: the loss NLL + $w\,$KL. The same two derivatives give
#
# $$\hat\mu = \frac{m}{1 + ws}, \qquad w s^2 + (1 - w)\, s = \sigma^2 + (m - \hat\mu)^2,$$
#
# at each x, for a flexible network and data with mean $m(x)$ and noise $\sigma(x)$.

# %%
def law(m, sigma, w):
    """The μ and σ that NLL + w KL learns where y has mean m and noise σ, by bisection for s.

    There is one solution while |m| is at most 1.
    """
    low, high = torch.zeros_like(m), torch.full_like(m, 100.0)
    for _ in range(60):
        s = (low + high) / 2
        mu = m / (1 + w * s)
        too_small = w * s**2 + (1 - w) * s < sigma**2 + (m - mu) ** 2
        low, high = torch.where(too_small, s, low), torch.where(too_small, high, s)
    return mu, s.sqrt()


m, sigma = torch.zeros(1, 1), torch.tensor([[0.3]])
for w in (0, 0.1, 0.3, 1):
    print(f"true σ 0.3, weight {w:.1f}: learned σ {law(m, sigma, w)[1].item():.2f}")


# %% [markdown]
# At $w = 0$ the law says $\hat\mu = m$ and $s = \sigma^2$: notebook 04. At $w = 1$ it is the square root. We compare it with three networks on `WAVE`, where the mean and the noise change with x and a network can follow both.

# %%
def weighted_loss(w):
    def loss(model, x, y):
        mu, log_var = model(x)
        return (gaussian_nll(y, mu, log_var) + w * gaussian_kl(mu, log_var)).mean()

    return loss


x_wave, y_wave = WAVE.sample(1000, seed=0)
models = {}
for w in (0, 0.3, 1):
    torch.manual_seed(0)
    models[w] = HeteroscedasticRegressor(hidden=(20, 20))
    fit(models[w], weighted_loss(w), x_wave, y_wave, steps=150, lr=0.03, decay=True)

# %%
x_test, y_test = WAVE.sample(10_000, seed=1)
grid = WAVE.grid()
for w, model in models.items():
    mu, sigma = predict(model, grid)
    by_law = law(*WAVE.truth(grid), w)
    off = max((mu - by_law[0]).square().mean().sqrt(), (sigma - by_law[1]).square().mean().sqrt())
    assert off < 0.1
    test_mu, test_sigma = predict(model, x_test)
    nll = gaussian_nll(y_test, test_mu, test_sigma.log() * 2).mean()
    covered = coverage(y_test, test_mu, test_sigma)
    print(f"weight {w:.1f}: held-out NLL {nll:.2f} nats, 95 % band covers {covered:.2f}")
print(f"the truth itself: NLL {WAVE.noise_floor():.2f} nats")

# %%
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(7.5, 3.4))
for ax, (w, model) in zip(axes, models.items()):
    plot_data(ax, x_wave, y_wave, at_most=400)
    plot_truth(ax, WAVE)
    plot_fit(ax, grid, *predict(model, grid))
    for edge in interval(*law(*WAVE.truth(grid), w)):
        ax.plot(grid, edge, color=WRONG, linewidth=1)
for ax in axes[1:]:
    ax.set_ylabel("")
axes[0].set_title("w = 0: notebook 04")
axes[1].set_title("w = 0.3: too wide")
axes[2].set_title("w = 1: wide and flat")
show(fig, alt="Three panels of data with true and learned 95 % bands. At weight 0 they agree. As "
     "the weight grows the learned band widens where the noise is small and the mean flattens. "
     "Thin lines, the law's prediction, follow the edges of each learned band.")

# %% [markdown]
# The networks (orange band) follow the law (thin vermillion lines). Every weight above 0 biases: the band is too wide where the noise is below 1, and the mean leans toward 0.
#
# In fairness: a band that is too wide is a cautious one, and that may help when data are few. Four data sets of 30 points:

# %%
few = {0: [], 1: []}
for seed in range(4):
    x_few, y_few = WAVE.sample(30, seed=seed)
    for w, results in few.items():
        torch.manual_seed(0)
        model = HeteroscedasticRegressor(hidden=(20, 20))
        fit(model, weighted_loss(w), x_few, y_few, steps=150, lr=0.05, decay=True)
        mu, sigma = predict(model, x_test)
        nll = gaussian_nll(y_test, mu, 2 * sigma.log()).mean().item()
        results.append((nll, coverage(y_test, mu, sigma)))

better = sum(with_kl[0] < plain[0] for plain, with_kl in zip(few[0], few[1], strict=True))
print(f"weight 1 has the lower held-out NLL on {better} of 4 data sets of 30 points")
for w, results in few.items():
    print(f"weight {w}: the 95 % band covers {sum(c for _, c in results) / 4:.1f} on average")


# %% [markdown]
# The plain NLL overfits: it learns too little noise. A prior that widens the band pays on all four. Then call it a regulariser, and choose its weight on held-out data. It is no measurement of the noise.
#
# ## What would make it right?
#
# Two spreads must be two numbers. The *likelihood* gets a noise of its own; $q$ keeps the doubt about z. And z must be something that *all* points share, so that data can teach us about it. The smallest such model: $y_i = z + $ noise, one z for all i, with the noise variance v learned.

# %% [markdown]
# Its loss is the true −ELBO. All n points share one z, so the likelihoods are **summed** and the KL counts **once**:
#
# $$\sum_{i=1}^n \left[\tfrac12 \log 2\pi v + \frac{(y_i - \mu)^2 + s}{2v}\right] + \mathrm{KL}\big(\mathcal N(\mu, s) \,\|\, \mathcal N(0, 1)\big).$$
#
# Its minimum: $\dfrac1s = 1 + \dfrac nv$, $\mu = s\,\dfrac{\sum y_i}{v}$, the exact posterior for that v; and $v = \overline{(y - \mu)^2} + s$.

# %%
def shared_loss(parameters, y):
    """−ELBO of y_i ~ N(z, v) with one z ~ N(0, 1); parameters are μ, log s, log v."""
    mu, log_s, log_v = parameters.chunk(3)
    nll = gaussian_nll(y, mu.expand_as(y), log_v.expand_as(y)) + (log_s - log_v).exp() / 2
    return nll.sum() + gaussian_kl(mu, log_s).sum()


# %%
for n in (10, 100, 1000):
    _, y_n = Problem(constant(1.5), constant(0.3), low=-3, high=3).sample(n, seed=0)
    parameters = torch.zeros(3, 1, dtype=torch.float64, requires_grad=True)
    minimise(shared_loss, parameters, y_n)
    mu, log_s, log_v = parameters.detach().flatten()
    s, v = log_s.exp(), log_v.exp()
    torch.testing.assert_close(1 / s, 1 + n / v, rtol=1e-4, atol=0)
    torch.testing.assert_close(mu, s * y_n.sum() / v, rtol=1e-4, atol=0)
    torch.testing.assert_close(v, ((y_n - mu) ** 2).mean() + s, rtol=1e-4, atol=0)
    print(f"n = {n:4}: noise {v.sqrt():.2f}, z = {mu:.2f} ± {s.sqrt():.3f}")


# %% [markdown]
# Now both numbers mean something. The noise settles near 0.3 and does not go away with more data: **aleatoric** uncertainty. The doubt about z shrinks like $0.3/\sqrt n$: **epistemic** uncertainty. Replace the one z by the weights of a network, and this is notebook 06.
#
# ## If y is a count
#
# "The prior, the likelihood and the variational distribution are all Gaussian": nothing requires it. Any `log_prob` will do. Five counts with a Poisson likelihood, their rate $\lambda > 0$ with a $\mathrm{Gamma}(a, b)$ prior, and a log-normal q:

# %%
def sampled_elbo(log_likelihood, prior, q, draws):
    """The Monte Carlo ELBO of any model; rsample, so that gradients reach q's parameters."""
    z = q.rsample((draws, 1))
    return (log_likelihood(z) + prior.log_prob(z) - q.log_prob(z)).mean()


counts = torch.tensor([2, 0, 3, 1, 1], dtype=torch.float64)
a, b = torch.tensor([2.0, 1.0], dtype=torch.float64)


def poisson_log_likelihood(rate):  # (draws, 1) -> (draws, 1)
    return Poisson(rate).log_prob(counts).sum(dim=1, keepdim=True)


# %%
torch.manual_seed(0)
parameters = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # mean and log sd of log λ
optimiser = torch.optim.Adam([parameters], lr=0.02)
for _ in range(300):
    q = LogNormal(parameters[0], parameters[1].exp())
    loss = -sampled_elbo(poisson_log_likelihood, Gamma(a, b), q, draws=100)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


# %% [markdown]
# Gamma and Poisson are conjugate, so everything is known. With $S = \sum y_i$, $A = a + S$ and $B = b + n$ the posterior is $\mathrm{Gamma}(A, B)$, and
#
# $$\log p(D) = \log \frac{b^a\, \Gamma(A)}{\Gamma(a)\, B^A} - \sum_i \log y_i!$$
#
# For a log-normal q, $\log\lambda \sim \mathcal N(\mu, s)$, the ELBO depends on q through $A\mu - B e^{\mu + s/2} + \tfrac12 \log s$. Its maximum: $s = \frac1A$ and $e^{\mu + s/2} = \frac AB$. The mean of λ is exact. Put it in, and the gap is $\log\Gamma(A) - \big[(A - \tfrac12)\log A - A + \tfrac12 \log 2\pi\big]$: the error of Stirling's formula, about $\frac{1}{12A}$.

# %%
def best_log_normal(A, B):
    """The log-normal q of the largest ELBO for a Gamma(A, B) posterior, and the gap it leaves."""
    gap = torch.lgamma(A) - ((A - 0.5) * A.log() - A + 0.5 * math.log(2 * math.pi))
    return LogNormal((A / B).log() - 1 / (2 * A), A.rsqrt()), gap


def log_evidence_from(A, B):
    return a * b.log() - torch.lgamma(a) + torch.lgamma(A) - A * B.log()


A, B = a + counts.sum(), b + len(counts)
evidence = log_evidence_from(A, B) - torch.lgamma(counts + 1).sum()
best, gap = best_log_normal(A, B)
print(f"log evidence {evidence:.3f}, best ELBO {evidence - gap:.3f}; 1/(12 A) = {1 / (12 * A):.4f}")
print(f"mean of the rate: exact {A / B:.2f}, q {q.mean.item():.1f}")

# %%
torch.manual_seed(0)
with torch.no_grad():
    sampled = sampled_elbo(poisson_log_likelihood, Gamma(a, b), best, draws=20_000)
    trained = sampled_elbo(poisson_log_likelihood, Gamma(a, b), q, draws=20_000)
assert abs(sampled - (evidence - gap)) < 5e-3 and abs(gap * 12 * A - 1) < 0.01
assert trained < evidence and abs(trained - (evidence - gap)) < 0.02

rates = torch.linspace(1e-6, 30, 20_001, dtype=torch.float64)[:, None]  # the evidence as a sum
joint = (poisson_log_likelihood(rates) + Gamma(a, b).log_prob(rates)).exp()
torch.testing.assert_close((joint.sum() * 30 / 20_000).log(), evidence, rtol=0, atol=1e-4)

# %% [markdown]
# The trained ELBO stays below the log evidence and within 0.02 nats of its best. Nothing in `sampled_elbo` knew that y is a count.
#
# ## The lab
#
# Slide the KL weight from 0 to 1: the band leaves the truth and the mean flattens. Then, at weight 1, slide the noise. Where the true σ(x) is near 1 the band is about right; below it is too wide, above too narrow. At weight 0 it is right at every level.

# %%
lab = LABS["05"]()
lab

# %% [markdown]
# ## A reader asks
#
# These are the questions below the source. Two asked for the missing logarithm in equations 6, 7 and 12: see "Where did the log go?"
#
# **"Why do you want y_pred to come from a standard normal, and minimise log q?"** Because −KL = E[log prior − log q]. The first half pulls the draws toward the prior. The second is the **entropy** of q: it pays q for staying wide. Without it, q would shrink onto one point, the maximum of $p(D \mid z)\,p(z)$. That y should come from $\mathcal N(0, 1)$ *at each x* is a belief with nothing behind it: standardising makes it true of all y together. It is the cause of the square root.

# %%
widths = torch.tensor([0.5, 0.1, 0.01], dtype=torch.float64)
for width in widths:  # our known case, q around the posterior mean
    q = normal(0.7, width)
    without_log_q = exact_elbo(q) - q.entropy()
    print(f"sd {width:.2f}: ELBO {exact_elbo(q):6.2f}, without log q {without_log_q:.2f}")
assert exact_elbo(normal(0.7, 0.5)) > exact_elbo(normal(0.7, 0.1))

# %% [markdown]
# As q narrows, the ELBO falls, but without log q the score rises: nothing would keep q wide.
#
# **"I only see two terms: reconstruction + KL."** The three terms are the two. *likelihood* is the first; *log prior − log q*, averaged over the draws, is **minus** the KL. ("KL = log_prior − log_p_q?", asks the reader, and the reply says yes: the sign got lost.) For a single draw it may be positive; its average never is.
#
# **"Where does the 0.1 come from, and why does `reconstruction_error` change for the Bayesian network?"** That is about his second model: a fixed noise that he never explains. Notebook 06 measures what it does, and learns the noise instead.

# %% [markdown]
# **"My variational approximation has 2 numbers and my sample has 1. How can I compute a likelihood?"** Two readings. If the two numbers are μ and σ: they are the parameters of *one* density, and $\mathcal N(y; \mu, \sigma^2)$ is one number.
#
# If z truly has two dimensions, a density of y *given* z is needed, and the model must supply it. The source never does: z and y are the same thing there. With $z \sim \mathcal N(0, I)$ in two dimensions and $y \mid z \sim \mathcal N(z_1 + z_2, 1)$ the KL is a sum of two, the likelihood is one number:

# %%
mu, log_var = torch.full((1, 2), seen.item() / 3), torch.full((1, 2), math.log(0.5))
mu, log_var = mu.double(), log_var.double()  # the best diagonal q
kl = gaussian_kl(mu, log_var).sum()
expected = normal(mu.sum(), 1).log_prob(seen) - log_var.exp().sum() / 2
log_evidence_2 = normal(0, math.sqrt(3)).log_prob(seen)  # y is N(0, 1 + 1 + 1)
print(f"ELBO {expected - kl:.3f}, log evidence {log_evidence_2:.3f}")
assert expected - kl < log_evidence_2

# %% [markdown]
# **"How would the ELBO look for a categorical distribution?"** If *y* is categorical, only the likelihood changes: its NLL is the cross-entropy. If *z* is, with K values, the ELBO is a sum, $\sum_k q_k\,[\log p(D \mid k) + \log p_k - \log q_k]$. The reply says to sample it. The value can be sampled, but a discrete draw has no reparameterised gradient (`Categorical` has no `rsample`). With few values, sum. The best q is then the exact posterior, and the gap is 0:

# %%
log_prior = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
log_like = normal([-1.0, 0.0, 2.0], 1).log_prob(seen)  # three possible means of y
joint = log_like + log_prior
q = Categorical(logits=joint)  # the posterior: joint / sum
categorical_elbo = (q.probs * (joint - q.probs.log())).sum()
torch.testing.assert_close(categorical_elbo, torch.logsumexp(joint, 0))
assert not q.has_rsample

# %% [markdown]
# **"How can we maximise the likelihood of data with an exponential distribution?"** Let the network return one number, read it as log λ, and minimise $-\log(\lambda e^{-\lambda y}) = \lambda y - \log\lambda$ in place of the squared error. (The reply says that the variance has no influence on the Gaussian NLL; that holds only while σ is held fixed.) For a constant output the minimum is $\lambda = 1/\bar y$. Its ELBO is the one of the counts, with $A = a + n$ and $B = b + S$:

# %%
waits = torch.tensor([0.4, 2.1, 0.7, 1.3], dtype=torch.float64)
output = -waits.mean().log().requires_grad_()  # log λ = −log ȳ
nll = -Exponential(output.exp()).log_prob(waits).sum()
assert abs(torch.autograd.grad(nll, output)[0]) < 1e-12  # the gradient vanishes there

A, B = a + len(waits), b + waits.sum()
best, gap = best_log_normal(A, B)
torch.manual_seed(0)
sampled = sampled_elbo(
    lambda rate: Exponential(rate).log_prob(waits).sum(1, True), Gamma(a, b), best, draws=20_000
)
assert abs(sampled - (log_evidence_from(A, B) - gap)) < 5e-3

# %% [markdown]
# ## Exercises
#
# **05-1 (predict).** The data are noise of standard deviation 0.04 around 0. Which σ (not σ²) does NLL + KL, at weight 1, learn?

# %%
sigma_hat = ...
check("05-1", sigma_hat)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# At weight 1 and a centred y, the learned *variance* equals something in "Why a square root?"
#
# </details>
# <details><summary>Hint 2</summary>
#
# s = RMSE, and you are asked for the square root of s.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# sigma_hat = math.sqrt(0.04)  # 0.2: five times the noise
# ```
#
# </details>

# %% [markdown]
# **05-2 (derive).** Now there is *no* noise: y is exactly 3, everywhere. Which variance $s = \sigma^2$ does NLL + KL learn, at weight 1?

# %%
s_learned = ...
check("05-2", s_learned)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Without noise the RMSE is the distance of 3 from the shrunken mean 3 / (1 + s).
#
# </details>
# <details><summary>Hint 2</summary>
#
# Set s equal to it: s = 3 − 3 / (1 + s) = 3 s / (1 + s). Of its two solutions, which has the smaller L? With the best μ, L = ½ (s + 9 / (1 + s)).
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# s_learned = 3 - 1  # 1 + s = 3. The mean is learned as 3 / (1 + 2) = 1.
# ```
#
# </details>

# %% [markdown]
# **05-3 (code).** Write the reparameterised draw: from `mu`, `log_var` and `eps`, all (n, 1), the z of each row. Its gradient is checked too.

# %%
def draw(mu, log_var, eps):
    ...


check("05-3", draw)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# z = μ + σ ε. What is σ, if log_var is log σ²?
#
# </details>
# <details><summary>Hint 2</summary>
#
# $\sigma = \sqrt{e^{\log \sigma^2}} = e^{\frac12 \log \sigma^2}$
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def draw(mu, log_var, eps):
#     return mu + (log_var / 2).exp() * eps
# ```
#
# </details>

# %% [markdown]
# **05-4 (code).** Write the −ELBO of a z that all points share: $z \sim \mathcal N(0, 1)$, $y_i \mid z \sim \mathcal N(z, 1)$, $q = \mathcal N(\mu, e^{\text{log_var}})$. `y` is (n, 1); `mu` and `log_var` are (1, 1). Return one number, in nats, without sampling. The gradient is checked too.

# %%
def negative_elbo_of_shared_z(y, mu, log_var):
    ...


check("05-4", negative_elbo_of_shared_z)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Average the NLL of one point over z: $\mathrm E(y - z)^2 = (y - \mu)^2 + \sigma^2$.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The likelihoods of n points multiply, and there is one z: how often does each term count?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def negative_elbo_of_shared_z(y, mu, log_var):
#     nll = 0.5 * (math.log(2 * math.pi) + (y - mu) ** 2 + log_var.exp())
#     return nll.sum() + gaussian_kl(mu, log_var).sum()
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("05")

# %%
guesses("05")

# %% [markdown]
# ## Recap
#
# - log evidence = ELBO + KL(q ‖ posterior), and −ELBO = **NLL + KL**(q ‖ prior).
# - That KL seeks modes: a variational posterior may be too narrow.
# - Differentiate draws by $z = \mu + \sigma\varepsilon$; the score function is far noisier.
# - On y itself, NLL + KL learns the RMSE as its *variance*: $\hat\sigma = \sqrt{\sigma}$ for a centred y. The "analytic" loss learns ½ on any data.
# - The noise belongs to the likelihood, the doubt to q.
#
# **Next.** If that something is the weights of a network, how sure is the network of them? That is `06_bayes_by_backprop`.
#
# **Further reading.** Kingma & Welling (2013), *Auto-Encoding Variational Bayes*; R. Vink (2019), "Variational inference from scratch".
