# %% [markdown]
# # 05 · Variational regression
#
# **The question.** What is an ELBO, and what does a network learn about the noise in y when it maximises one?
#
# **You will be able to**
#
# - derive the ELBO from Bayes' rule, and read it as NLL + KL;
# - estimate it by sampling, with a gradient that can be used;
# - predict, with one square root, the σ that an NLL + KL on y learns, and say why;
# - write a variational regression that measures noise and uncertainty separately.
#
# **You need** notebook 04 (a network with two outputs), and Bayes' rule.
#
# **Time.** About 83 minutes; the notebook runs in about 15 s.
#
# <details><summary>On Colab</summary>First run <code>%pip install git+https://github.com/OWNER/learning-the-variance</code> in a new cell: <code>course_utils</code> is missing there, as in any single file.</details>

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import FUNNEL, WAVE, Problem, constant
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll, same_shape
from course_utils.metrics import coverage, interval
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import (
    ALEATORIC, EPISTEMIC, MEAN, TRUTH, WRONG, plot_data, plot_fit, show, use_course_style,
)
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## A band that widens
#
# In ["Variational inference from scratch"](https://www.ritchievink.com/blog/2019/09/16/variational-inference-from-scratch/) (2019) R. Vink trains a network that returns μ(x) and log σ²(x). He puts a prior on y, maximises what he calls an ELBO, and shows a 90 % band that widens where the data do. We use his data: 150 points around $0.125\,x\,(1 + \sin x) + 5$, with noise that grows along x, and y standardised to mean 0 and standard deviation 1. What does his σ measure?

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
# **Step 4: the gap is never negative.** As $\log t \le t - 1$, we have $-\mathrm{KL}(q \,\|\, p) = \mathrm{E}_q[\log \frac pq] \le \mathrm{E}_q[\frac pq] - 1 \le 0$: the integral of p over the places where q is positive is at most 1. In $\log t \le t - 1$ the two sides are equal only at $t = 1$. So the gap is 0 only if q equals the posterior.

# %% [markdown]
# So the first part is a lower bound on the log evidence: [**ELBO**](00_start_here.ipynb#Glossary), for *evidence lower bound* ([Kingma & Welling 2013](https://arxiv.org/abs/1312.6114), equations 1 to 3). The left side does not depend on q. Raising the ELBO therefore lowers the gap: the best q is the one nearest to the posterior, and we found it without the integral. With the sign of a loss:
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
# ## Which KL?
#
# KL is no distance: $\mathrm{KL}(q \,\|\, p)$ and $\mathrm{KL}(p \,\|\, q)$ differ. The gap of step 3 averages over q. It punishes q for mass where the posterior has none, and forgives what q leaves out: a single Gaussian settles on one hump of two. The other KL averages over p and forbids leaving anything out; maximum likelihood is that one. Notebook 07 measures what the first does to the width of a posterior.

# %%
def minimise(loss, parameters, *data):
    """Change the parameters, in place, to those of least loss(parameters, *data) (L-BFGS)."""
    optimizer = torch.optim.LBFGS([parameters], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = loss(parameters, *data)
        value.backward()
        return value

    optimizer.step(closure)


# %%
def kl_to_humps(parameters):
    """KL(q ‖ 0.7 N(2, 0.5²) + 0.3 N(−2, 0.5²)) on the grid; parameters are the mean and log sd."""
    log_q = Normal(parameters[0], parameters[1].exp()).log_prob(z)
    right, left = normal(2, 0.5).log_prob(z), normal(-2, 0.5).log_prob(z)
    log_p = torch.logaddexp(math.log(0.7) + right, math.log(0.3) + left)
    return (log_q.exp() * (log_q - log_p)).sum() * dz


for start in (1.0, -1.0):
    found = torch.tensor([start, 0.0], dtype=torch.float64, requires_grad=True)
    minimise(kl_to_humps, found)
    print(f"from mean {start:2.0f}: mean {found[0].item():.1f}, sd {found[1].exp().item():.2f}")


# %% [markdown]
# ## The KL of two Gaussians
#
# For $q = \mathcal N(\mu, \sigma^2)$ and the prior $\mathcal N(0, 1)$ no grid is needed. Under q, $\mathrm E(z - \mu)^2 = \sigma^2$ and $\mathrm E z^2 = \mu^2 + \sigma^2$, so
#
# $$\mathrm{E}_q[\log q] = -\tfrac12 \log 2\pi\sigma^2 - \tfrac12, \qquad \mathrm{E}_q[\log p] = -\tfrac12 \log 2\pi - \tfrac12(\mu^2 + \sigma^2),$$
#
# $$\mathrm{KL} = \tfrac12\left(\mu^2 + \sigma^2 - \log \sigma^2 - 1\right)$$
#
# (Kingma & Welling 2013, appendix B). The later notebooks import this function from `course_utils.losses`. Its oracle is PyTorch's own formula.

# %%
def gaussian_kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) ‖ N(0, 1)) of each value, in nats; mu and log_var (n, d)."""
    same_shape(mu=mu, log_var=log_var)
    return 0.5 * (mu**2 + log_var.exp() - log_var - 1)


# %%
mu = torch.tensor([[0.7], [-2.0], [0.0]], dtype=torch.float64)
log_var = torch.tensor([[0.16], [1.0], [4.0]], dtype=torch.float64).log()
q = Normal(mu, (log_var / 2).exp())
torch.testing.assert_close(gaussian_kl(mu, log_var), kl_divergence(q, normal(0, 1)))

# %% [markdown]
# ## Why one samples, and how to differentiate a draw
#
# For a Gaussian likelihood whose mean *is* z, $\mathrm{E}_q[\text{NLL}]$ has a formula. If z are the weights of a network, it has none: z passes through bends. So we draw z from q and average. The value is no problem, but its gradient is: the draws depend on μ and σ. There are two ways to differentiate $\mathrm{E}_q[f(z)]$:
#
# - **Reparameterisation**: $z = \mu + \sigma\varepsilon$ with $\varepsilon \sim \mathcal N(0, 1)$. Now z is a function of μ, and autograd returns $f'(z)$.
# - **Score function**: as $\nabla q = q\, \nabla \log q$, the gradient is $\mathrm{E}_q[f(z)\, \nabla \log q(z)]$; for μ that is $f(z)\,(z - \mu)/\sigma^2$. It needs no $f'$.

# %% [markdown]
# Both are right on average. How noisy is one draw? Take $f(z) = \frac12 (y - z)^2$ and $d = \mu - y$. Reparameterised it is $d + \sigma\varepsilon$, of variance σ². The score function gives $\frac12 (d + \sigma\varepsilon)^2\, \varepsilon / \sigma$, of variance $\frac{d^4}{4\sigma^2} + \frac72 d^2 + \frac{15}4 \sigma^2$. A constant may be subtracted from f without moving the average; with this **baseline** $f(\mu) = \frac12 d^2$ the variance is $2d^2 + \frac{15}4\sigma^2$. (Both follow from $\mathrm E\varepsilon^2, \mathrm E\varepsilon^4, \mathrm E\varepsilon^6 = 1, 3, 15$.) We measure all three.

# %%
d, sigma = 0.7 - seen.item(), 0.1
eps = torch.randn(200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
f, base = 0.5 * (d + sigma * eps) ** 2, 0.5 * d**2
one_draw = {
    "reparameterised": (d + sigma * eps, sigma**2),
    "score function": (f * eps / sigma, d**4 / (4 * sigma**2) + 3.5 * d**2 + 3.75 * sigma**2),
    "score function, with baseline": ((f - base) * eps / sigma, 2 * d**2 + 3.75 * sigma**2),
}
for name, (gradient, variance) in one_draw.items():
    assert abs(gradient.mean() - d) < 5 * gradient.std() / math.sqrt(len(eps))
    assert abs(gradient.var() / variance - 1) < 0.05
    print(f"{name:30} variance {variance / sigma**2:4.0f} times that of the first")


# %% [markdown]
# Here, at σ = 0.1, the score function needs 775 draws to be as exact as one reparameterised draw, and 102 with this baseline. It has its place where no $f'$ exists, as for a discrete z.
#
# In PyTorch `rsample()` is $\mu + \sigma\varepsilon$; `sample()` is a number without history, and no gradient reaches q through it.

# %% [markdown]
# ## A prior on y
#
# Vink's latent quantity is y itself: at every x it has the prior $y \sim \mathcal N(0, 1)$, and $q(y \mid x) = \mathcal N(\mu(x), \sigma^2(x))$ comes from a network; we take notebook 04's. That is odd, for y is what we observe; hold on to the oddness. His loss, in our letters, takes one draw z from q and three logarithms: the likelihood of y, minus (log q − log prior) at z.

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
vink = HeteroscedasticRegressor(1, (20, 10))
history = fit(vink, loss_of_the_source, x, y, steps=800, lr=0.005)

# %%
x_new, y_new = funnel.sample(5000, seed=1)
mu, sigma = predict(vink, x_new)
calm = x_new[:, 0] < 20
for name, rows in (("left half", calm), ("right half", ~calm)):
    share = coverage(y_new[rows], mu[rows], sigma[rows], level=0.9)
    print(f"{name}: the 90 % band covers {share:.2f} of {int(rows.sum()):,} new y")
grid = funnel.grid(400)
mu, sigma = predict(vink, grid)
true_mean, true_sigma = funnel.truth(grid)

# %%
torch.manual_seed(0)
plain = HeteroscedasticRegressor(1, (20, 10))
_ = fit(plain, lambda model, x, y: gaussian_nll(y, *model(x)).mean(), x, y, steps=800, lr=0.005)
late = x_new[x_new[:, 0] > 30][:, None, 0]
level = {"the truth": funnel.mean(late).mean().item()}
for name, model in (("NLL alone", plain), ("NLL + KL", vink)):
    mu_late, sigma_late = predict(model, late)
    level[name] = mu_late.mean().item()
    misfit = (mu_late - funnel.mean(late)).square().mean().sqrt()
    print(f"x > 30, {name}: average mean {level[name]:.2f}, distance to the true mean {misfit:.1f}")
shrunk = (level["NLL alone"] / (1 + sigma_late**2)).mean().item()
print(f"average of the true mean {level['the truth']:.2f}; NLL alone / (1 + σ²) {shrunk:.2f}")
assert abs(level["NLL + KL"] / shrunk - 1) < 0.2

# %%
lower, upper = interval(mu, sigma, level=0.9)
fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.4), width_ratios=(3, 2))
plot_data(left, x, y, s=14)
left.plot(grid, true_mean, color=TRUTH, linestyle="--", linewidth=1)
left.fill_between(grid[:, 0], lower[:, 0], upper[:, 0], color=ALEATORIC, alpha=0.3, linewidth=0)
left.plot(grid, mu, color=MEAN)
left.set_title("A smooth mean in a wide 90 % band")
right.plot(grid, true_sigma, color=TRUTH, linestyle="--")
right.plot(grid, sigma, color=WRONG)
right.annotate("true noise", (15, 0.12))
right.annotate("learned σ", (-12, 0.72), color=WRONG)
right.set(title="The learned σ is not the noise", xlabel="x", ylabel="σ", ylim=(0, 1.4))
show(fig, alt="On the left the data, the oscillating true mean and a smooth predicted mean in a "
     "wide band. On the right the learned σ lies far above the true noise at every x.")


# %% [markdown]
# The band looks right, and two things are hidden in it.
#
# **Misfit.** Neither mean follows the waves: trained by the NLL alone, notebook 04's loss, the same network stays as far from the true mean. Both must call that distance noise.
#
# **Shrinkage.** Where x > 30 the NLL's mean has about the level of the true mean; with the KL it is halved. Dividing by 1 + σ², as we derive below, tells by how much (the assertion allows 20 %). And on the left, where the data are calm, the band covers more than it promises. To see what the KL does alone, we take the misfit away: pure noise around 0, at four levels, as in the predictions.

# %%
def learned(loss, mean, sigma):
    """The average μ and σ that a loss learns from 2,000 points of N(mean, σ²), and the coverage."""
    problem = Problem(constant(mean), constant(sigma), low=-3, high=3)
    x, y = problem.sample(2000, seed=0)
    torch.manual_seed(0)
    model = HeteroscedasticRegressor(1, (20, 10))
    fit(model, loss, x, y, steps=100, lr=0.03, anneal=True)
    x_new, y_new = problem.sample(10_000, seed=1)
    mu, sigma = predict(model, x_new)
    return mu.mean().item(), sigma.mean().item(), coverage(y_new, mu, sigma, level=0.9)


levels = (0.1, 0.3, 1.0, 2.0)
by_source = {noise: learned(loss_of_the_source, 0.0, noise) for noise in levels}
for noise, (_, learned_sigma, covered) in by_source.items():
    print(f"true σ {noise:.1f}: learned {learned_sigma:.2f}; its 90 % band covers {covered:.2f}")

# %%
measured("05-a", round(by_source[0.3][1], 2))

# %%
measured("05-b", round(100 * by_source[2.0][2]))

# %% [markdown]
# It learns 0.3 as 0.55 and 2 as 1.4, with 2,000 points and no misfit. Of the four, only σ = 1 is right.
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
# **In other units.** Give the prior a standard deviation τ. Then the prior's term is $\frac{s}{2\tau^2}$, and step 2 gives $s = \tau \cdot \text{RMSE}$: the learned σ is the **geometric mean of the noise and the prior's sd**. Standardising y sets τ to the standard deviation of y. The two spreads have nothing to do with each other, and the loss reports their geometric mean.

# %%
for noise, (_, learned_sigma, covered) in by_source.items():
    predicted = math.erf(torch.erfinv(torch.tensor(0.9)).item() / math.sqrt(noise))
    print(f"true σ {noise:.1f}: √σ = {math.sqrt(noise):.3f}; a 90 % band covers {predicted:.3f}")
    assert abs(learned_sigma / math.sqrt(noise) - 1) < 0.03
    assert abs(covered - predicted) < 0.02

# %%
curve = torch.linspace(0, 2.2, 200, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(7.5, 3.7))
ax.plot(curve, curve, color=TRUTH, linestyle="--")
ax.plot(curve, curve.sqrt(), color=WRONG)
ax.plot(levels, [v[1] for v in by_source.values()], "o", color=WRONG)
ax.annotate("truth", (1.8, 1.9), ha="right")
ax.annotate("NLL + KL: √σ", (1.65, 1.12), color=WRONG)
ax.set(xlabel="true σ", ylabel="learned σ")
ax.set_title("NLL + KL on y learns the root of the noise (dots: trained)")
show(fig, alt="Learned against true σ. Four round dots lie on the square root curve, which meets "
     "the dashed diagonal of the truth at 1.")

# %% [markdown]
# **The cause** is one Gaussian in two roles. In this loss the likelihood of y is taken under $q$ itself, not under a $p(y \mid z)$ at a drawn z. So σ is the spread of the data *and* the uncertainty about a latent quantity, its logarithm is paid for once and refunded once, and what remains is a compromise. The loss has the form NLL + KL; it is the NLL of notebook 04 with a regulariser that biases μ and σ.

# %% [markdown]
# ## The "analytic" loss
#
# Later Vink takes the KL in closed form and replaces the Gaussian likelihood by a squared error at the drawn z. Averaged over the draw, with $\mathrm E(y - z)^2 = (y - \mu)^2 + s$, that is
#
# $$L = \tfrac12 \mathrm E(y - \mu)^2 + \tfrac12 s + \tfrac12\left(\mu^2 + s - \log s - 1\right).$$
#
# $\dfrac{\partial L}{\partial s} = \tfrac12 + \tfrac12 - \dfrac{1}{2s} = 0$ gives $s = \tfrac12$, and $\dfrac{\partial L}{\partial \mu} = 0$ gives $\mu = \dfrac{\bar y}{2}$: on *any* data. The noise does not occur in it.

# %% [markdown]
# This one *is* a true −ELBO, up to a constant: of the model with a z for **each** y, $z_i \sim \mathcal N(0, 1)$ and $y_i \mid z_i \sim \mathcal N(z_i, 1)$. Its exact posterior is $\mathcal N(\frac{y_i}2, \frac12)$, one for each point. But the network is shown x and not $y_i$, and at one x it can give one answer only, $\mathcal N(\frac{\bar y}2, \frac12)$. The gap of each point is
#
# $$\mathrm{KL}\left(\mathcal N(\tfrac{\bar y}2, \tfrac12) \,\big\|\, \mathcal N(\tfrac{y_i}2, \tfrac12)\right) = \frac{(\bar y - y_i)^2}{4}, \quad \text{on average } \frac{\sigma^2}{4}.$$
#
# At σ = 2 that is 1 nat a point. So the bound is a bound, the inference is right only without noise, and the model is told that the noise is 1: σ is not among its unknowns.

# %%
_, y_gap = Problem(constant(2.0), constant(2.0), low=-3, high=3).sample(2000, seed=0)
gaps = kl_divergence(normal(y_gap.mean() / 2, 0.5**0.5), normal(y_gap / 2, 0.5**0.5))
torch.testing.assert_close(gaps, (y_gap.mean() - y_gap) ** 2 / 4)
print(f"average gap {gaps.mean():.2f} nats; σ²/4 = {2**2 / 4:.2f}")
assert abs(gaps.mean() - 1) < 0.1

# %% [markdown]
# ## A weight on the KL
#
# Between NLL and NLL + KL we put a dial $w$: the loss $\mathrm{NLL} + w\,\mathrm{KL}$. For a centred y, where $\hat\mu = 0$, it is up to a constant
#
# $$L = \tfrac12 \log s + \frac{\sigma^2}{2s} + \tfrac w2\left(s - \log s\right).$$
#
# Its derivative for s, times $2s^2$, is zero where $w s^2 + (1 - w)\, s = \sigma^2$. At $w = 0$ that is $s = \sigma^2$: notebook 04. At $w = 1$ it is the square root. (For a prior sd τ, $s^2$ becomes $s^2/\tau^2$.)

# %%
trial = torch.linspace(0.001, 2, 200_000, dtype=torch.float64)  # s
q = Normal(torch.zeros_like(trial), trial.sqrt())
nll = (2 * math.pi * trial).log() / 2 + 0.3**2 / (2 * trial)
for tau, w in ((1, 0), (1, 0.1), (1, 0.3), (1, 1), (5, 1)):
    best = trial[(nll + w * kl_divergence(q, normal(0, tau))).argmin()]
    assert abs(w * best**2 / tau**2 + (1 - w) * best - 0.3**2) < 1e-4
    print(f"true σ 0.3, prior sd {tau}, weight {w:.1f}: learned σ {best.sqrt().item():.2f}")


# %% [markdown]
# Every weight above 0 moves σ toward the prior's: the KL is then a regulariser, to be chosen on held-out data. The lab draws the law, for a mean that is not 0 as well, beside a trained network.
#
# ## What would make it right?
#
# Two spreads must be two numbers. The *likelihood* gets a noise of its own; $q$ keeps the uncertainty about z. And z must be something that *all* points share, so that data can teach us about it. Then the likelihoods are **summed** and the KL counts **once**. The smallest such model (exercise 05-3) has one z for all n values of y. With noise variance v and $q = \mathcal N(\mu, s)$ its loss depends on s through $\frac{ns}{2v} + \frac12(s - \log s)$; the derivative, $\frac{n}{2v} + \frac12 - \frac{1}{2s}$, is zero at $\frac1s = 1 + \frac nv$, the exact posterior's. So s shrinks with n, and v does not.

# %% [markdown]
# ## A variational regression on x
#
# For a curve all points share weights $\theta$ on fixed features of x, here a constant and nine bumps around $\kappa_k = -4, \dots, 4$, $\phi_k(x) = e^{-(x - \kappa_k)^2 / 2}$:
#
# $$y_i = \theta^\top \phi(x_i) + \text{noise}, \quad \theta \sim \mathcal N(0, I), \quad q(\theta) = \mathcal N(a, CC^\top).$$
#
# The likelihoods are summed, the KL counts once, and the noise variance v is learned. For one point $\mathrm E_q (y - \theta^\top\phi)^2 = (y - a^\top\phi)^2 + \lVert C^\top\phi \rVert^2$: the variance of $\theta^\top\phi$ is added to the squared error. The KL to the prior is $\tfrac12\left(\lVert a \rVert^2 + \operatorname{tr} CC^\top - \log\det CC^\top - 10\right)$; for a diagonal C it is our formula, summed over ten weights.

# %%
def features(x):
    """A constant and nine bumps, (n, 10)."""
    return torch.cat([torch.ones_like(x), torch.exp(-((x - torch.arange(-4, 5)) ** 2) / 2)], dim=1)


def unpack(parameters):
    """a (10,), the Cholesky factor C (10, 10) and log v from one flat tensor."""
    a, logs, below = parameters[:10], parameters[10:20], parameters[20:120].reshape(10, 10)
    return a, below.tril(-1) + torch.diag(logs.exp()), parameters[120]


def regression_loss(parameters, x, y):
    """−ELBO of all points, in nats: the NLL and the KL."""
    a, C, log_v = unpack(parameters)
    spread = (features(x) @ C).square().sum(dim=1, keepdim=True)
    mean = (features(x) @ a)[:, None]
    nll = gaussian_nll(y, mean, log_v.expand_as(y)) + spread / (2 * log_v.exp())
    kl = 0.5 * (a.square().sum() + C.square().sum() - len(a)) - C.diagonal().log().sum()
    return nll.sum(), kl


# %%
def best(x, y):
    """The parameters of least −ELBO, and the KL at every step on the way there."""
    parameters, path = torch.zeros(121, dtype=torch.float64, requires_grad=True), []

    def loss(parameters):
        nll, kl = regression_loss(parameters, x, y)
        path.append(kl.item())
        return nll + kl

    minimise(loss, parameters)
    return parameters.detach(), path


CALM = Problem(WAVE.mean, constant(0.3), low=-3, high=3)

# %%
results = {}
for n in (10, 30, 100, 300, 1000):
    x_n, y_n = CALM.sample(n, seed=0)
    parameters, path = best(x_n, y_n)
    a, C, log_v = unpack(parameters)
    phi = features(x_n)  # the oracle: the exact posterior at the learned noise
    precision = phi.T @ phi / log_v.exp() + torch.eye(10, dtype=torch.float64)
    mean = torch.linalg.solve(precision, phi.T @ y_n[:, 0] / log_v.exp())
    exact = MultivariateNormal(mean, precision_matrix=precision)
    assert kl_divergence(MultivariateNormal(a, scale_tril=C), exact) < 0.01
    results[n] = a, C, (log_v / 2).exp(), path
    kl = regression_loss(parameters, x_n, y_n)[1]
    print(f"n = {n:4}: noise {results[n][2]:.2f}, KL {kl:3.0f} nats, KL/n {kl / n:.2f}")
    assert path[0] == 0 and abs(path[-1] - kl) < 0.1

# %%
wide = torch.linspace(-6, 6, 300, dtype=torch.float64)[:, None]


def plot_regression(ax, n):
    a, C, noise, _ = results[n]
    mean, epistemic = (features(wide) @ a)[:, None], (features(wide) @ C).norm(dim=1)[:, None]
    plot_fit(ax, wide, mean, torch.sqrt(noise**2 + epistemic**2))
    edges = (edge[:, 0] for edge in interval(mean, epistemic))
    ax.fill_between(wide[:, 0], *edges, color=EPISTEMIC, alpha=0.6, linewidth=0)
    plot_data(ax, *CALM.sample(n, seed=0), s=12)
    ax.plot(wide, CALM.mean(wide), color=TRUTH, linestyle="--", linewidth=1.2)
    ax.set(title=f"{n} points: noise {noise:.2f}", ylim=(-3.5, 3.5))


# %%
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.3), width_ratios=(2, 2, 1.3))
plot_regression(axes[0], 30)
plot_regression(axes[1], 300)
for n, (_, _, _, path) in results.items():
    axes[2].plot(path[:60], color=MEAN, linewidth=1.2)
    axes[2].annotate(f"{n:,}", (63, path[-1]), va="top" if n == 30 else "center", fontsize=9)
axes[2].set(xlabel="step", ylabel="KL, nats", xlim=(0, 95), title="KL by step")
show(fig, alt="Two fits of a wave. A dark inner band, the uncertainty about the mean, is wide with 30 "
     "points and thin with 300 among the data, and opens beyond them; a light band for new y "
     "adds the noise. Right, the KL by step: from 0 it rises unevenly and settles, the higher the "
     "more points: near 7 nats for 10 points, near 21 for 1,000.")

# %%
x_c, y_c = CALM.sample(10_000, seed=1)
a, C, noise, _ = results[300]
mean, epistemic = (features(x_c) @ a)[:, None], (features(x_c) @ C).norm(dim=1)[:, None]
covered = coverage(y_c, mean, torch.sqrt(noise**2 + epistemic**2), level=0.9)
print(f"300 points: the 90 % band covers {covered:.2f} of new y")
assert abs(covered - 0.9) < 0.03 and abs(noise - 0.3) < 0.03

# %% [markdown]
# At every n the trained q is within 0.01 nats of the exact posterior at the learned noise. Training starts at the prior, so the KL starts at 0, and the data buy their way out of it. Its end grows with n, as the data say more about the weights; per point it falls, and the prior loses its say.
#
# Noise and uncertainty are two numbers now: the noise stays near 0.3, the uncertainty among the data shrinks. Beyond the data the inner band opens. Replace the fixed features by the layers of a network, with a distribution on every weight: notebook 07.

# %% [markdown]
# ## The lab
#
# Slide the KL weight from 0 to 1: the band leaves the truth and the mean flattens. Then, at weight 1, slide the noise. Where the true σ(x) is near 1 the band is about right; below it is too wide, above too narrow. At weight 0 it is right at every level.

# %%
lab = LABS["05"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Why do you want y_pred to come from a standard normal, and minimise log q?"** (below Vink's article) Because −KL = E[log prior − log q]. The first half pulls the draws toward the prior. The second is the **entropy** of q: it pays q for staying wide. Without it the ELBO is $\mathrm E_q[\log p(D \mid z)\,p(z)]$, an average over q, and it is largest if q shrinks onto the one z where $p(D \mid z)\,p(z)$ is largest.
#
# **"I only see two terms: reconstruction + KL."** The three terms are the two. *likelihood* is the first; *log prior − log q*, averaged over the draws, is **minus** the KL. For a single draw it may be positive; its average never is.
#
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
# **05-3 (code).** Write the −ELBO of a z that all points share: $z \sim \mathcal N(0, 1)$, $y_i \mid z \sim \mathcal N(z, 1)$, $q = \mathcal N(\mu, e^{\mathtt{log\_var}})$. `y` is (n, 1); `mu` and `log_var` are (1, 1). Return one number, in nats, without sampling. The gradient is checked too.

# %%
def negative_elbo_of_shared_z(y, mu, log_var):
    ...


check("05-3", negative_elbo_of_shared_z)

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
# - Differentiate draws by $z = \mu + \sigma\varepsilon$.
# - On y itself, NLL + KL learns τ times the RMSE as its *variance*: $\hat\sigma = \sqrt{\sigma}$ for a centred y and τ = 1.
# - A z for each y, seen through x alone, leaves a gap of σ²/4.
# - The noise belongs to the likelihood, the uncertainty to a q over what all points share. Sum the NLL; the KL counts once.
#
# **Next.** If what all points share is the weights of a line, how sure is it of them? That is [`06_uncertain_weights`](06_uncertain_weights.ipynb).
#
# **Further reading.**
# - D. Kingma & M. Welling (2013), [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114).
# - R. Vink (2019), ["Variational inference from scratch"](https://www.ritchievink.com/blog/2019/09/16/variational-inference-from-scratch/).
# - D. Blei, A. Kucukelbir & J. McAuliffe (2017), ["Variational inference: a review for statisticians"](https://arxiv.org/abs/1601.00670).
