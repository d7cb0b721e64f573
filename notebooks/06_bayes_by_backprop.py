# %% [markdown]
# # 06 · Bayes by Backprop
#
# **The question.** A network with two outputs knows how noisy y is. How sure is it of its own weights?
#
# **You will be able to**
#
# - compute what independent Gaussians on weights lose against an exact posterior;
# - build a network whose weights are distributions, and train it with NLL + KL / n;
# - split the doubt about y into a part that more data would remove and a part that stays;
# - say where such a network is too sure.
#
# **You need** notebook 04 (two outputs) and notebook 05 (the ELBO).
#
# **Time.** About 75 minutes; the notebook runs in about 11 s.

# %%
import math
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence
from torch.nn.functional import softplus

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import FUNNEL, LINE, WAVE
from course_utils.labs import LABS
from course_utils.losses import gaussian_kl, gaussian_nll, mean_nll
from course_utils.metrics import coverage, interval
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import (
    ALEATORIC, DATA, EPISTEMIC, MEAN, TRUTH, WRONG,
    plot_data, plot_fit, plot_truth, show, use_course_style,
)
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
fit(two_outputs, mean_nll, x, y, steps=200, lr=0.05, decay=True)
print(f"{len(x)} points")

# %%
grid = WAVE.grid(241, margin=0.5)
fig, ax = plt.subplots()
plot_data(ax, x, y, s=14)
plot_fit(ax, grid, *predict(two_outputs, grid))
plot_truth(ax, WAVE, band=False)
ax.set(ylim=(-4.5, 4.5), title="In the gap there are no data, and the band shows no extra doubt")
show(fig, alt="Points left and right of an empty middle third. A blue line and an orange band run "
     "through the gap; the band is as narrow there as at the edges of the data.")

# %% [markdown]
# The band in the gap has about the width of the band at its edges. It is a guess, and the picture does not say so.
#
# Two kinds of doubt are at work:
#
# - **aleatoric**: the noise of y. More data do not remove it. That is σ(x), and the network learned it.
# - [**epistemic**](00_start_here.ipynb#Glossary): not knowing the function. In the gap many functions fit equally well. More data there would remove it.
#
# One set of weights is one function, and one function has no doubt about itself. To speak of many functions we need a *distribution over weights*. Bayes' rule supplies it, and notebook 05 has the tool to approximate it.

# %% [markdown]
# ## Predict
#
# First a line with a slope and an intercept, fitted to 50 points with x between 0 and 6 and noise σ = 1. The exact posterior sd of its intercept is 0.29. We then approximate the posterior by a Gaussian for the slope times an *independent* Gaussian for the intercept.

# %%
guess("06-a", ...)  # the sd of the intercept under the best independent Gaussians

# %% [markdown]
# Then a network: 20 ReLU units, an independent Gaussian on each weight, trained on the data with the hole. We divide its epistemic sd in the hole by that where the data are.

# %%
guess("06-b", ...)  # the ratio: epistemic sd in the hole / epistemic sd inside the data

# %% [markdown]
# ## First, exact: the posterior of a line
#
# Let $\theta = (w, b)$, the rows of $X$ be $(x_i, 1)$, the noise N(0, 1) and the prior N(0, $s^2$) on each weight. Up to a constant,
#
# $$\log p(\theta \mid y) = -\tfrac12 \lVert y - X\theta \rVert^2 - \tfrac{1}{2s^2} \lVert \theta \rVert^2 .$$
#
# It is quadratic in θ, so the posterior is Gaussian. The second derivative is minus its precision; where the first is zero lies its mean (Bishop 2006, equations 3.53 and 3.54):
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


# %%
def negative_log_joint(theta, x, y):
    errors = y - theta[0] * x - theta[1]
    return (errors**2).sum() / 2 + (theta**2).sum() / (2 * PRIOR_SD**2)


for x_line, y_line in SAMPLES.values():
    m, precision = posterior(x_line, y_line)
    energy = partial(negative_log_joint, x=x_line, y=y_line)
    first = torch.autograd.functional.jacobian(energy, m)
    torch.testing.assert_close(first, torch.zeros_like(m), rtol=0, atol=1e-9)
    torch.testing.assert_close(torch.autograd.functional.hessian(energy, m), precision)


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

# %%
assert round(sd[1].item(), 2) == 0.14 and round(exact.stddev[1].item(), 2) == 0.29
measured("06-a", round(sd[1].item(), 2), "sd of the intercept")


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
# *The right-hand picture is what mean field throws away.* Its ellipse has the width of the exact one at a fixed intercept, not the width over all intercepts. What does it do to predictions? For a line, $\operatorname{Var} f(x) = x^2 S_{ww} + 2x S_{wb} + S_{bb}$ with S the covariance; mean field has no middle term.

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
# Mean field is least unsure at x = 0, whatever the data: there only the intercept counts. Keep this in mind for the networks below.
#
# ## A layer whose weights are distributions
#
# Can gradient descent find this optimum? *Bayes by Backprop* (Blundell et al. 2015) needs two things. A layer draws its weights as $w = \mu + \sigma \varepsilon$ at each forward, so that gradients reach μ and σ (notebook 05). And it knows its KL to the prior. For a prior N(0, $s^2$) we divide the weights by s and use notebook 05's $\mathrm{KL}(\cdot \,\|\, N(0, 1))$: a KL does not change when both sides are rescaled.

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
# Each row of `mu` holds the weights of one unit and, last, its bias. One draw serves all rows of x, so one forward is *one function*. The KL is computed, where the paper and Vink sample it, and nothing is stored.
#
# The loss is the NLL under one draw plus the KL. We divide both by the number of values, so that it reads in nats per value:

# %%
def negative_elbo(model, x: Tensor, y: Tensor, *, n: int) -> Tensor:
    if n < len(x):
        raise ValueError(f"n counts all data, at least the {len(x)} points given; got n={n}")
    return mean_nll(model, x, y) + model.kl() / (n * y.shape[1])


# %%
class Line(nn.Module):
    """y = w x + b + N(0, 1), the model with the exact posterior above."""

    def __init__(self):
        super().__init__()
        self.layer = BayesianLinear(1, 1, PRIOR_SD)

    def forward(self, x):
        mu = self.layer(x)
        return mu, torch.zeros_like(mu)

    def kl(self):
        return self.layer.kl()


# %% [markdown]
# One draw at each step is enough to train. To compare the learned sd's within 2 % it is too noisy, so here we average the loss over 1,000 draws; `torch.vmap` runs them side by side.

# %%
def mean_of_draws(model, x, y, draws=1000):
    def one_draw(_):
        return negative_elbo(model, x, y, n=len(x))

    return torch.vmap(one_draw, randomness="different")(torch.empty(draws)).mean()


learned = {}
for name, sample in SAMPLES.items():
    torch.manual_seed(0)
    line = Line()
    fit(line, mean_of_draws, *sample, steps=250, lr=1, decay=True)
    learned[name] = (line.layer.mu[0].detach(), torch.exp(line.layer.log_var[0].detach() / 2))

# %%
for name, (mu, sd) in learned.items():
    m, precision = posterior(*SAMPLES[name])
    best_sd, best_gap = mean_field(precision)
    exact = MultivariateNormal(m, precision_matrix=precision)
    gap = kl_divergence(MultivariateNormal(mu, sd.square().diag()), exact)
    torch.testing.assert_close(mu, m, rtol=0.02, atol=0)
    torch.testing.assert_close(sd, best_sd, rtol=0.02, atol=0)
    torch.testing.assert_close(gap, best_gap, rtol=0.02, atol=1e-3)
    print(f"{name}: trained sd {sd[0]:.2f}, {sd[1]:.2f}; gap {gap:.2f} nats")


# %% [markdown]
# Means, sd's and gap agree with the closed form within 2 % (the tiny gap of the centred line to 0.001 nats). So the method finds the best independent Gaussians. What is wrong with them is not the training.
#
# ## The network
#
# Stack such layers, with two outputs as in notebook 04. The noise is *learned*. One thing is new, the activation: a **bump** $e^{-z^2/2}$ answers near one x and is silent elsewhere. Why it matters here will show.

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
# ## Two kinds of doubt, apart and summed
#
# Each call of the trained network is one draw: a mean μ(x) and a variance σ²(x). Many draws are a mixture of Gaussians. Its variance splits by the **law of total variance**:
#
# $$\operatorname{Var} y = \underbrace{\mathbb E[\sigma^2(x)]}_{\text{aleatoric}} + \underbrace{\operatorname{Var}[\mu(x)]}_{\text{epistemic}} .$$
#
# Proof in one line: $\mathbb E[y^2] = \mathbb E[\sigma^2 + \mu^2]$, and subtract $(\mathbb E\mu)^2$. We report the square roots. Variances add; standard deviations do not.
#
# The code keeps running sums, and no draw, in memory (Welford 1962): a new value moves the mean by `step / count`, and the sum of squares about the mean grows by `step` times what is left of it.

# %%
def predict_samples(model: nn.Module, x: Tensor, draws: int = 200) -> tuple[Tensor, Tensor, Tensor]:
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
def train(loss, steps=400, batch_size=None, **model):
    torch.manual_seed(0)
    net = BayesianRegressor(**model)
    # A large step size: many log variances have far to go, from 2 log 0.05 up to the prior's.
    fit(net, loss, x, y, steps=steps, lr=0.06, batch_size=batch_size, decay=True)
    return net


elbo = partial(negative_elbo, n=len(x))
bumps = train(elbo, prior_sd=2.5, activation=Bump)


# %%
def plot_doubt(ax, net, *, draws=200):
    """The mean with two bands of 1.96 sd: epistemic, and both kinds together."""
    torch.manual_seed(0)
    mu, aleatoric, epistemic = predict_samples(net, grid, draws)
    plot_data(ax, x, y)
    plot_fit(ax, grid, mu, torch.sqrt(aleatoric**2 + epistemic**2))
    plot_fit(ax, grid, mu, epistemic, band_color=EPISTEMIC)
    plot_truth(ax, WAVE, band=False)
    ax.set(ylim=(-4.5, 4.5))


# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(7.5, 3.6))
plot_data(axes[0], x, y)
torch.manual_seed(0)
with torch.no_grad():
    for _ in range(15):
        axes[0].plot(grid, bumps(grid)[0], color=EPISTEMIC, linewidth=1, alpha=0.6)
plot_doubt(axes[1], bumps)
axes[0].set_title("15 draws of the weights, 15 functions")
axes[1].set_title("Purple: epistemic. Orange: both")
show(fig, alt="Left: fifteen curves agree where the data are and spread in the gap. Right: the "
     "purple band is thin among the data and wide in the gap; the orange band follows the noise "
     "and widens in the gap as well. Beyond the data the purple band stays thin.")

# %%
x_new, y_new = WAVE.sample(2000, seed=1)
inside = (x_new.abs() > 1)[:, 0]


def judge(net):
    """Coverage of the total 95 % band inside the data; mean epistemic sd inside and in the gap."""
    torch.manual_seed(0)
    mu, aleatoric, epistemic = predict_samples(net, x_new)
    total = torch.sqrt(aleatoric**2 + epistemic**2)
    covered = coverage(y_new[inside], mu[inside], total[inside])
    return covered, epistemic[inside].mean().item(), epistemic[~inside].mean().item()


# %%
covered, sd_inside, sd_gap = judge(bumps)
print(f"the 95 % band covers {covered:.0%} of new y inside the data")
print(f"epistemic sd {sd_inside:.1f} inside, {sd_gap:.1f} in the gap")
assert 0.93 <= covered <= 0.97 and sd_gap > 2 * sd_inside


# %% [markdown]
# Inside the data nearly all of the doubt is noise, and the band covers what it promises. In the gap the fifteen functions part, and the epistemic sd is more than twice as large. That is what the network with two outputs could not say. (A test of the course repeats this with other data and other first weights.)
#
# But look beyond the data, at |x| > 3. The purple band is thin there. Is that right?

# %% [markdown]
# ## How unsure should one be?
#
# For a reference we need a prior over functions with an exact posterior: a **Gaussian process**. It states the covariance $k(x, x')$ of function values. Conditioning a Gaussian on noisy values $y$, with noise $D = \operatorname{diag}\sigma^2(x_i)$, gives (Rasmussen & Williams 2006, equations 2.25 and 2.26)
#
# $$\mathbb E f_* = k_*^\top (K + D)^{-1} y, \qquad \operatorname{Var} f_* = k_{**} - k_*^\top (K + D)^{-1} k_* .$$
#
# The oracle for the code: with $k(x, x') = s^2 (x x' + 1)$ the functions are lines, and the answer is the exact posterior from above.

# %%
def gaussian_process(kernel, x, y, noise_sd, x_new):
    """Exact posterior mean and sd of f at x_new, each (m, 1), and the log evidence of y."""
    L = torch.linalg.cholesky(kernel(x, x) + noise_sd.square().flatten().diag())
    half = torch.linalg.solve_triangular(L, torch.cat([y, kernel(x, x_new)], dim=1), upper=False)
    a, B = half[:, :1], half[:, 1:]
    evidence = -0.5 * (a**2).sum() - L.diagonal().log().sum() - len(x) / 2 * math.log(2 * math.pi)
    variance = kernel(x_new, x_new).diagonal() - B.square().sum(0)
    return B.T @ a, variance.sqrt()[:, None], evidence.item()


# %%
def lines(a, b):
    return PRIOR_SD**2 * (a @ b.T + 1)


xs, ys = SAMPLES["not centred, 0 < x < 6"]
_, sd, _ = gaussian_process(lines, xs, ys, torch.ones_like(xs), far)
torch.testing.assert_close(sd[:, 0], sd_of_line(covariance, far))


# %% [markdown]
# For the wave we take smooth functions, $k(x, x') = A^2 e^{-(x - x')^2 / 2\ell^2}$, and the true noise. A and ℓ are those of highest evidence on a small grid. This is not "the truth" either: it is the honest answer of one prior, without any approximation. Here is its doubt beside that of two networks. The second has ordinary ReLU units.

# %%
def smooth(A, ell):
    return lambda a, b: A**2 * torch.exp(-((a - b.T) ** 2) / (2 * ell**2))


_, noise = WAVE.truth(x)
candidates = [(A, ell) for A in (0.7, 1.0, 1.4) for ell in (1.0, 1.4, 2.0)]
A, ell = max(candidates, key=lambda c: gaussian_process(smooth(*c), x, y, noise, grid[:1])[2])
mu_gp, sd_gp, _ = gaussian_process(smooth(A, ell), x, y, noise, grid)
relus = train(elbo, steps=300)
print(f"A = {A}, length scale = {ell}")

# %%
fig, ax = plt.subplots()
for low, high in ((-3, -1), (1, 3)):
    ax.axvspan(low, high, color=DATA, alpha=0.12, linewidth=0)
torch.manual_seed(0)
ax.plot(grid, sd_gp, color=TRUTH, linestyle="--", label="Gaussian process, exact")
ax.plot(grid, predict_samples(bumps, grid, 400)[2], color=EPISTEMIC, label="20 bumps")
relu_sd = predict_samples(relus, grid, 400)[2]
ax.plot(grid, relu_sd, color=EPISTEMIC, linestyle=":", label="20 ReLU units")
ax.set(xlabel="x (data where the ground is grey)", ylabel="epistemic sd of f(x)", ylim=(0, 1.45))
ax.set_title("Bumps see the gap, ReLU units the outside; neither sees both")
ax.legend(loc="upper center", ncols=3)
show(fig, alt="Epistemic sd over x. The Gaussian process is low among the data, higher in the gap, "
     "highest outside. The bump network peaks in the gap and stays low outside. The ReLU network "
     "has no peak in the gap and rises outside.")

# %%
_, relu_inside, relu_gap = judge(relus)
gp_gap = sd_gp[grid.abs() < 1].mean().item()
assert 0.3 < relu_gap / relu_inside < 0.8 and sd_gap > 2 * gp_gap
measured("06-b", round(relu_gap / relu_inside, 1), "gap / inside, ReLU")

# %% [markdown]
# The ReLU network is *surer* in the gap than among the data. It is the line's fault again. Foong et al. (2020, theorem 1) prove it for one hidden layer of ReLU units with independent Gaussians. For r between p and q, with 0 between them and r the nearest to 0,
#
# $$\operatorname{Var} f(r) \le \operatorname{Var} f(p) + \operatorname{Var} f(q).$$
#
# No training, prior or width undoes that.

# %%
ends = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)
torch.manual_seed(0)
left, middle, right = predict_samples(relus, ends, 500)[2].square().flatten()
assert middle < left + right
print("Var f(0) < Var f(−1) + Var f(1) in the trained ReLU network")

# %% [markdown]
# A bump is silent far from its centre, so bumps in the gap keep their doubt to themselves; here they even exaggerate, with more than twice the sd of the Gaussian process. Outside, hardly a bump answers, and the network falls back to its bias, of which it is rather sure.
#
# A sampler (Hamiltonian Monte Carlo) would show what the network's *own* exact posterior says. It needs more time than this notebook has; we leave it out.

# %% [markdown]
# ## How much KL in a minibatch?
#
# The KL belongs to the whole data set, once. With n points in M minibatches of size B:
#
# | likelihood | its KL |
# |---|---|
# | sum over the minibatch | KL / M |
# | mean over the minibatch | KL / n |
#
# Vink's "1/M" is right, for his sums. Mixed up, the KL counts λ times: KL / M beside a mean makes λ = B, KL / n beside a sum λ = 1/B.

# %%
torch.manual_seed(0)
net = BayesianRegressor()
parts, B = [], 50
for rows in torch.arange(len(x)).split(B):
    torch.manual_seed(1)  # the same draw of weights for every minibatch
    parts.append(negative_elbo(net, x[rows], y[rows], n=len(x)) * len(rows))
torch.manual_seed(1)
torch.testing.assert_close(sum(parts), gaussian_nll(y, *net(x)).sum() + net.kl())


# %% [markdown]
# The minibatches, each weighted by its size, add up to the ELBO of all data: NLL + KL, once. For the line we even know what λ does. With λ times the KL, q is optimal for likelihoods raised to the power 1/λ: as if there were n/λ points. Under a wide prior every sd then grows like $\sqrt\lambda$. And for the network?

# %%
def too_strong(net, x_batch, y_batch):
    """Wrong: KL / M beside a mean. The KL counts B times."""
    M = len(x) / B
    return mean_nll(net, x_batch, y_batch) + net.kl() / M


def too_weak(net, x_batch, y_batch):
    """Wrong: KL / n beside a sum. The KL counts 1/B times. (Divided by B to keep the step size.)"""
    return (len(x_batch) * mean_nll(net, x_batch, y_batch) + net.kl() / len(x)) / B


# %%
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(7.5, 3.2))
doubts = []
for ax, loss in zip(axes, (too_strong, elbo, too_weak)):
    net = train(loss, steps=250, batch_size=B, prior_sd=2.5, activation=Bump)
    plot_doubt(ax, net)
    doubts.append(judge(net)[2])
for ax, title in zip(axes, ("KL / M on a mean:\ndrowns the data",
                            "KL / n on a mean:\nright", "KL / n on a sum:\ntoo sure in the gap")):
    ax.set_title(title, fontsize=10)
assert doubts[0] > 3 * doubts[1] and doubts[2] < doubts[1] / 2
show(fig, alt="Three panels. KL counted fifty times: a mean that misses most of the data, and very "
     "wide bands. The right weight: bands as before. KL counted one fiftieth: nearly no purple "
     "band, in the gap either.")

# %% [markdown]
# Too much KL looks like a network that cannot learn; too little like a network that is sure of everything, which is ordinary training with extra steps. Neither raises an error. A quick test: the loss of an epoch must not change when you change the batch size.
#
# ## Two dials: prior sd and width
#
# The prior is part of the model. In the gap the data are silent, and the prior speaks. We train once more with prior sd 1 instead of 2.5.

# %%
narrow_prior = train(elbo, prior_sd=1.0, activation=Bump)
narrow_covered, narrow_inside, narrow_gap = judge(narrow_prior)
print(f"epistemic sd in the gap: prior sd 1: {narrow_gap:.1f}, prior sd 2.5: {sd_gap:.1f}")
assert narrow_gap < sd_gap and abs(narrow_covered - covered) < 0.02


# %% [markdown]
# Inside the data the coverage is the same within 0.02. So no held-out point from there can tell you which prior to take.
#
# Now the width. An output is a sum over all units; to keep its prior sd the same we give the output weights a prior sd of $1/\sqrt{\text{width}}$. We take tanh units and the first 200 points.

# %%
def train_wide(width):
    torch.manual_seed(0)
    net = BayesianRegressor(hidden=(width,), activation=nn.Tanh)
    net.net[-1].prior_sd = 1 / math.sqrt(width)
    fit(net, partial(negative_elbo, n=200), x[:200], y[:200], steps=400, lr=0.04, decay=True)
    return net


def share_of_signal(net):
    """The slope of the predicted mean on the true mean, inside the data: 1 is right."""
    g = WAVE.truth(x[:200])[0]
    torch.manual_seed(0)
    return ((predict_samples(net, x[:200])[0] * g).mean() / g.square().mean()).item()


# %%
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(7.5, 3.2))
shares = []
for ax, width in zip(axes, (5, 20, 100)):
    net = train_wide(width)
    plot_doubt(ax, net)
    shares.append(share_of_signal(net))
    ax.set_title(f"{width} units learn\n{shares[-1]:.1f} of the signal", fontsize=10)
assert shares[0] > shares[1] > shares[2] and shares[2] < 0.3
show(fig, alt="Three panels. With 5 units the mean follows the wave. With 20 it is flatter. With "
     "100 it is nearly flat, and an even orange band spans all the data.")

# %% [markdown]
# The wide network ignores the data: its mean goes flat, and it calls the signal noise. Each weight pays KL for leaving the prior. Each weight that stays at the prior adds noise to the output. The more weights share the signal, the less each gains by telling its part.
#
# Coker et al. (2022) prove it for odd activations, such as tanh, with this scaling: as the width grows, the mean of a mean-field posterior converges to the prior's, whatever the data. The exact posterior does not. Wider is not safer here.

# %% [markdown]
# ## Aside: draw the outputs instead of the weights
#
# If w has independent Gaussians, then $z = x w^\top + b$ is Gaussian too, for each row of x: mean $x\mu_w^\top + \mu_b$, variance $x^2 (\sigma_w^2)^\top + \sigma_b^2$. The **local reparameterisation** (Kingma, Salimans & Welling 2015) draws z directly, with its own ε for every row. Errors of the rows then average out; with one shared draw of weights they do not.
#
# We measure the variance of the gradient with respect to the layer's log variances on our data, over 300 repetitions. The target is a line. Then own noise for every row should help by about the number of rows, 660.

# %%
torch.manual_seed(0)
layer = BayesianLinear(1, 1, init_sd=0.2)
target = layer.mu[0, 0].item() * x + layer.mu[0, 1].item()


def local(x):
    sd2 = layer.log_var.exp()
    mean = x @ layer.mu[:, :-1].T + layer.mu[:, -1]
    variance = x**2 @ sd2[:, :-1].T + sd2[:, -1]
    return mean + variance.sqrt() * torch.randn_like(mean)


# %%
def gradients(forward):
    repeated = []
    for _ in range(300):
        loss = 0.5 * ((forward(x) - target) ** 2).mean()
        repeated.append(torch.autograd.grad(loss, layer.log_var)[0].flatten())
    return torch.stack(repeated)


torch.manual_seed(0)
shared, own = gradients(layer), gradients(local)
error = (shared.var(0) / 300 + own.var(0) / 300).sqrt()
assert ((shared.mean(0) - own.mean(0)).abs() < 4 * error).all()  # both are right on average
ratio = (shared.var(0) / own.var(0)).sum() / 2
assert ratio > 500
print("variance of the gradient, shared weights / own noise: more than 500")

# %% [markdown]
# Both are right on average, and one has a far smaller variance. We still draw weights in `BayesianLinear`: one call is then one function, as in the picture of the fifteen draws. With the local version neighbouring x have unrelated noise. For a data set of our size the noise of one draw is tolerable. Exercise 06-3 asks you for the local one.

# %% [markdown]
# ## The source's network
#
# The second half of R. Vink's article trains a network of this kind, 1-20-20-1, on his data (FUNNEL). Its likelihood has a *fixed* standard deviation of 0.1. Nothing in the article says why. The true noise, in his standardised units, is larger everywhere:

# %%
x_f, y_f = FUNNEL.sample(150, seed=0)
x_t, y_t = FUNNEL.sample(1000, seed=1)
mean_t, noise_t = FUNNEL.truth(x_t)

shift, scale = y_f.mean(), y_f.std(correction=0)
y_f, y_t, mean_t = ((value - shift) / scale for value in (y_f, y_t, mean_t))
noise_t = noise_t / scale
print(f"the noise of FUNNEL: from {noise_t.min():.1f} to {noise_t.max():.1f}; assumed: 0.1")


# %%
class FixedNoise(nn.Module):
    """Vink's network with our layers: a mean, and log σ² fixed at 2 log 0.1. It is wrong."""

    def __init__(self):
        super().__init__()
        a, b, c = BayesianLinear(1, 20), BayesianLinear(20, 20), BayesianLinear(20, 1)
        self.net = nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c)

    def forward(self, x):
        mu = self.net(x)
        return mu, torch.full_like(mu, 2 * math.log(0.1))

    def kl(self):
        return sum(layer.kl() for layer in self.net[::2])


# %%
torch.manual_seed(0)
fixed = FixedNoise()
for layer in fixed.net[::2]:  # his start: sd softplus(−2.5) for weights, softplus(0) for biases
    nn.init.normal_(layer.mu, std=0.001)
    nn.init.constant_(layer.log_var, 2 * math.log(math.log1p(math.exp(-2.5))))
    nn.init.constant_(layer.log_var[:, -1], 2 * math.log(math.log(2)))
fit(fixed, partial(mean_of_draws, draws=20), x_f, y_f, steps=200, lr=0.1, decay=True)
draws = torch.empty(len(x_t), 200, dtype=x_t.dtype)
with torch.no_grad():
    for column in draws.T:
        column[:] = fixed(x_t)[0][:, 0]

# %%
lower, upper = draws.quantile(0.05, dim=1, keepdim=True), draws.quantile(0.95, dim=1, keepdim=True)
for name, value in (("new y", y_t), ("the true mean", mean_t)):
    share = ((lower <= value) & (value <= upper)).double().mean().item()
    assert 0.2 < share < 0.6
    print(f"his 90 % band covers {share:.1f} of {name}")

# %% [markdown]
# The band is neither. It leaves out the noise, so it cannot cover y; he says so. But it does not cover the mean either. The network cannot follow the waves, and at an assumed noise of 0.1 it takes what it can follow for nearly exact.
#
# The repair is what we have had all along: two outputs. We scale x to [−2, 2], as our layers expect.

# %%
torch.manual_seed(0)
repaired = BayesianRegressor(prior_sd=2.5, activation=Bump)
x_f2, x_t2 = (x_f - 20) / 20, (x_t - 20) / 20
fit(repaired, partial(negative_elbo, n=150), x_f2, y_f, steps=300, lr=0.05, decay=True)
mu, aleatoric, epistemic = predict_samples(repaired, x_t2)
total = torch.sqrt(aleatoric**2 + epistemic**2)
assert 0.9 < coverage(y_t, mu, total, level=0.9) < 0.99
print("with learned noise the 90 % band covers more than 0.9 of new y")

# %%
order = x_t[:, 0].argsort()
fig, ax = plt.subplots()
plot_data(ax, x_f, y_f, s=14)
lower_r, upper_r = interval(mu, total, level=0.9)
ax.fill_between(x_t[order, 0], lower_r[order, 0], upper_r[order, 0], color=ALEATORIC, alpha=0.3, linewidth=0)
ax.fill_between(x_t[order, 0], lower[order, 0], upper[order, 0], color=WRONG, alpha=0.6, linewidth=0)
ax.plot(x_t[order], mu[order], color=MEAN)
ax.plot(x_t[order], mean_t[order], color=TRUTH, linestyle="--", linewidth=1)
ax.set_title("Two 90 % bands: noise fixed at 0.1 (dark, narrow), noise learned (wide)")
show(fig, alt="Scattered points around a wavy dashed mean. A narrow dark band misses most of "
     "the points and much of the dashed mean; a wide orange band holds nearly all points.")


# %% [markdown]
# ## Three slips in its code
#
# **Shared state.** `self.kl_loss = KL` stores a *class*. Every layer of every model adds its KL to the one attribute of that class, at each forward. It is reset in the loss, so training works, until somebody predicts in between.

# %%
class KL:  # wrong: one attribute for all models
    accumulated = 0.0


class SharingLayer(BayesianLinear):
    """As in the source: each forward adds to the class. Wrong."""

    def forward(self, x):
        KL.accumulated = KL.accumulated + self.kl()
        return super().forward(x)


# %%
torch.manual_seed(0)
sharing = SharingLayer(1, 20)
with torch.no_grad():
    for _ in range(100):
        sharing(x[:5])  # predictions: nothing is trained here
sharing(x)
print(f"the KL in the next loss is {KL.accumulated.item() / sharing.kl().item():.0f} times too large")

before = bumps.kl().item()
predict_samples(bumps, x[:5], draws=100)
assert bumps.kl().item() == before

# %% [markdown]
# **The initial width.** The comment says "sd 0.001". The parameter p is drawn around −2.5 and the sd is softplus(p); for biases p = 0. The 0.001 is the spread of p.
#
# **The name.** `q_25` holds the 0.05 quantile, so the band is a 90 % band.

# %%
for p in (-2.5, 0.0):
    print(f"softplus({p}) = {softplus(torch.tensor(p)).item():.3f}")

# %% [markdown]
# With learned noise the band is, if anything, too wide: 150 points hardly pay for the KL of a network that follows the waves, so part of the signal is called noise. That error is the safe one, and it shrinks with more data. A fixed 0.1 does not get better with more data.

# %% [markdown]
# ## The lab
#
# Slide the gap open and watch the purple band. Then raise n: among the data the purple shrinks and the orange stays; in the gap neither moves much. Last, change the prior sd: where there are data nothing happens, in the gap everything does.

# %%
lab = LABS["06"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Why does your definition of the `reconstruction_error` change for the Bayesian network, and where do you get the 0.1?"** (K. Greenman, unanswered.) It is the same thing each time, −log p(y | prediction), under another assumed noise. `0.5 * (y - y_pred)**2` is the Gaussian NLL with σ = 1, less its constant. `-Normal(y_pred, .1).log_prob(y)` is the same with σ = 0.1: the squared error counts 100 times as much against the KL. The 0.1 comes from nowhere; no data went into it. It is a noise level, and it can be learned, as above.

# %% [markdown]
# **"So is 0.1 merely a weight of the KL?"** Nearly. For a fixed σ, multiplying the loss by σ² leaves ½(y − f)² + σ² KL. A wrong σ acts as a wrong KL weight: too small a σ, too little doubt about the weights. That is one reason why the band above missed the mean; the waves are the other.
#
# **"Is the doubt about y now complete?"** No. It holds given the model: bumps, this prior, independent Gaussians. The Gaussian process shows how much that matters where there are no data.

# %% [markdown]
# **"Why does the band cover y so well, if mean field is so crude?"** Among the data the epistemic part is small beside the noise. Coverage on new data from the *same* places cannot see what is wrong elsewhere.

# %% [markdown]
# ## Exercises
#
# **06-1 (predict).** 10,000 points, minibatches of 250. Your loss is the *mean* NLL of a minibatch plus `weight * model.kl()`. Which weight is right?

# %%
weight = ...
check("06-1", weight)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Multiply the loss by 10,000. How often may the KL then count?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The size of a minibatch does not enter when the likelihood is a mean.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# weight = 1 / 10_000
# ```
#
# </details>

# %% [markdown]
# **06-2 (derive).** Two weights have an exact Gaussian posterior with correlation ρ = 0.8. By which factor is the mean-field sd of a weight smaller or larger than the exact one (mean field / exact)?

# %%
factor = ...
check("06-2", factor)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Take unit variances: the covariance is [[1, ρ], [ρ, 1]]. Invert it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Λ₁₁ = 1 / (1 − ρ²), and the mean-field variance is 1/Λ₁₁. You are asked for a ratio of sd's.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# factor = math.sqrt(1 - 0.8**2)  # 0.6
# ```
#
# </details>

# %% [markdown]
# **06-3 (code).** Write the local reparameterisation of a layer: from x (n, n_in), `mu` and `log_var` of the weights, both (n_out, n_in + 1) with the bias last, and a given standard normal `eps` (n, n_out), the drawn outputs z (n, n_out). Gradients are checked too.

# %%
def local_linear(x, mu, log_var, eps):
    ...


check("06-3", local_linear)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A sum of independent Gaussians has the sum of their variances. The variance of $x_i w_i$ is $x_i^2 \sigma_i^2$.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The bias is multiplied by 1: append a column of ones to x, or treat the last column apart. Then z = mean + sd · eps.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def local_linear(x, mu, log_var, eps):
#     ones = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
#     variance = ones**2 @ log_var.exp().T
#     return ones @ mu.T + variance.sqrt() * eps
# ```
#
# </details>

# %% [markdown]
# **06-4 (code).** From draws `mus` and `log_vars`, both (draws, n), the total standard deviation of y at each of the n points. Treat the draws as the whole mixture: divide by their number.

# %%
def total_sd(mus, log_vars):
    ...


check("06-4", total_sd)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Law of total variance: the mean of the variances, plus the variance of the means.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `mus.var(0, correction=0)` is the second part. Take the square root once, at the end.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def total_sd(mus, log_vars):
#     return torch.sqrt(log_vars.exp().mean(0) + mus.var(0, correction=0))
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
# - A distribution over weights is a distribution over functions; their spread is the epistemic doubt, their mean σ² the aleatoric. Variances add.
# - Mean field has the exact mean and variance $1/\Lambda_{ii}$: fine when weights are uncorrelated, too sure otherwise.
# - The KL counts once for all data: KL / n beside a mean NLL.
# - Fix the noise, and you fix how sure the network is. Learn it.
# - Where the doubt can be depends on the family: ReLU units under mean field miss a gap, bumps miss the outside, and wide networks ignore the data.

# %% [markdown]
# **Next.** Training two outputs is not always as smooth as here. Why can the mean be *worse* than with squared error? That is `07_training_pathologies`.
#
# **Further reading.** Blundell et al. (2015), *Weight Uncertainty in Neural Networks*; Kingma, Salimans & Welling (2015); Foong et al. (2020), *On the Expressiveness of Approximate Inference in Bayesian Neural Networks*; Coker et al. (2022), *Wide Mean-Field Bayesian Neural Networks Ignore the Data*.
