# %% [markdown]
# # 04 · A second output
#
# **The question.** My network learns one σ for all of its data. And if the noise depends on x?
#
# ![Two panels with the same points around a wave, wide at the edges, tight in the middle. Left: a band of constant width, too wide in the middle and too narrow at the edges. Right: a band that narrows and widens with the points and fills the true 95 % interval.](images/04.png)
#
# **You will be able to**
#
# - give a network a second output for log σ²(x), and say what it is trained on;
# - draw a 95 % interval, and say what it takes for granted;
# - test it overall *and* region by region;
# - say what σ(x) means where there are no data.
#
# **You need** notebook 03 (σ as a parameter) and the Gaussian NLL of notebook 01.
#
# **Time.** About 60 minutes; the notebook runs in about 16 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import WAVE, Problem
from course_utils.labs import LABS, Rain
from course_utils.losses import gaussian_nll, mean_nll, same_shape
from course_utils.models import HomoscedasticRegressor, mlp
from course_utils.plots import (
    DATA, MEAN, REPAIRED, TRUTH, WRONG, plot_data, plot_fit, plot_truth, show, use_course_style,
)
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## Noise that changes with x
#
# The data of this lesson are those of a lecture notebook, ["SGD Regression with Gaussian NLL"](https://pantelis.github.io/aiml-common/lectures/regression/linear-regression/sgd_gaussian_nll.html). The mean is a wave, and the noise grows away from the middle:
#
# $$y = \sin(1.3\,x) + \sigma(x)\,\varepsilon, \qquad \sigma(x) = 0.15 + 0.25\,|x|, \qquad -3 \le x \le 3.$$
#
# At $x = 0$ the noise has a standard deviation of 0.15, at the edges 0.9. Noise of one size is called **homoscedastic**; noise that depends on x is [**heteroscedastic**](00_start_here.ipynb#Glossary).
#
# We take 10,000 points, and 20,000 fresh ones to judge with (few in notebook 10).

# %%
x, y = WAVE.sample(10_000, seed=0)
x_new, y_new = WAVE.sample(20_000, seed=1)

# %% [markdown]
# ## Predict
#
# The model of notebook 03 learns a mean and *one* σ, and from these, at each x, an interval that is meant to hold 95 % of the y. We train it on the wave and count, on fresh data, which fraction its intervals hold.
#
# **Guess 04-a.** Which fraction, between 0 and 1, do they hold in the middle, where |x| < 0.5?

# %%
guess("04-a", ...)

# %% [markdown]
# **Guess 04-b.** Which fraction do they hold at the edges, where |x| > 2.5?

# %%
guess("04-b", ...)


# %% [markdown]
# ## One more output
#
# In notebook 03, `log_var` is a parameter: one number that is copied to each row. The answer to [Cross Validated question 564809](https://stats.stackexchange.com/questions/564809) goes one step further: "You need a network that has two outputs." Our last layer gives two numbers for each x, μ(x) and log σ²(x), from the same hidden units. ([Nix & Weigend (1994)](https://doi.org/10.1109/ICNN.1994.374138) trained such networks first, with hidden units of its own for σ².)
#
# The second output may be any number, and $e^{\log\sigma^2}$ is positive. (The other usual choice, the softplus log(1 + eᵗ), is compared in notebook 08.)

# %%
class HeteroscedasticRegressor(nn.Module):
    """One network with two outputs for each y: mu(x) and log σ²(x)."""

    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, activation=nn.ReLU):
        super().__init__()
        self.net = mlp(n_in, hidden, 2 * n_out, activation)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.net(x).chunk(2, dim=1)
        return mu, log_var


# %% [markdown]
# The answer's loss, $\sum_i \left[\frac{(\hat y_i - y_i)^2}{2\hat\sigma_i^2} + \log \hat\sigma_i\right]$, is the Gaussian NLL of [notebook 01](01_maximum_likelihood.ipynb) without $\tfrac12 \log 2\pi$. New is only the index at σ: $\log\sigma_i$ must stay inside the sum. So we train with `mean_nll` of notebook 03, as it is.

# %%
torch.manual_seed(0)
mu, sigma = predict(HeteroscedasticRegressor(), x)
answer = ((mu - y) ** 2 / (2 * sigma**2) + sigma.log()).sum()
constant = len(x) * 0.5 * math.log(2 * math.pi)
torch.testing.assert_close(answer + constant, gaussian_nll(y, mu, 2 * sigma.log()).sum())
torch.testing.assert_close(answer + constant, -Normal(mu, sigma).log_prob(y).sum())


# %%
def train(model_class, x, y, *, seed=0):
    torch.manual_seed(seed)
    model = model_class()
    fit(model, mean_nll, x, y, steps=400, lr=0.01, batch_size=500, anneal=True)
    return model


one = train(HomoscedasticRegressor, x, y)
two = train(HeteroscedasticRegressor, x, y)

# %%
grid = WAVE.grid()
titles = ("One σ: too wide in the middle,\ntoo narrow at the edges",
          "A second output:\nthe band follows the noise")
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8.4, 4.2))
for ax, model, title in zip(axes, (one, two), titles):
    plot_fit(ax, grid, *predict(model, grid))
    ax.lines[0].set_linewidth(4.5)  # wide enough to be seen under the true mean
    plot_data(ax, x, y, at_most=600)
    plot_truth(ax, WAVE)
    ax.set(title=title, xlim=(-3, 3), ylim=(-3.4, 3.4))
style = {"fontsize": 9.5, "ha": "center", "arrowprops": {"arrowstyle": "-", "color": "#555555"}}
axes[0].annotate("learned 95 % interval", (-0.4, 0.7), (-1.1, 2.6), **style)
axes[0].annotate("true 95 % interval", (2.25, 1.62), (1.9, 2.9), **style)
axes[1].annotate("learned mean (blue)\nunder the true mean", (0.85, 0.9), (-0.3, 2.4), **style)
axes[1].set_ylabel("")
show(fig, alt="Two panels with the same points around a wave, wide at the edges, tight in the "
     "middle. Left: a band of constant width, too wide in the middle and too narrow at the edges. "
     "Right: a band that narrows and widens with the points and fills the true 95 % interval.")

# %% [markdown]
# The left model is not badly trained. Its σ is the best single number there is: by notebook 03, the root of the mean σ²(x), here
#
# $$\bar\sigma = \sqrt{\tfrac13 \int_0^3 (0.15 + 0.25\,x)^2\,dx} = \sqrt{\frac{0.9^3 - 0.15^3}{2.25}} = 0.568.$$
#
# The right model has learned a curve, from no σ at all. We compare with the truth, which only makers of toy data know:

# %%
sigma_bar = math.sqrt((0.9**3 - 0.15**3) / 2.25)
_, sigma_one = predict(one, grid)
_, sigma_two = predict(two, grid)
_, sigma_true = WAVE.truth(grid)

rmse = ((sigma_two - sigma_true) ** 2).mean().sqrt().item()
print(f"one σ: learned {sigma_one[0].item():.2f}, computed {sigma_bar:.3f}")
print(f"σ(x): root mean squared error {rmse:.2f}, on values from 0.15 to 0.90")
assert abs(sigma_one[0].item() / sigma_bar - 1) < 0.02
assert rmse < 0.03

# %% [markdown]
# ## The lab
#
# The first slider moves the noise from the middle to the edges. Watch σ(x) follow. Raise the learning rate until the loss curve breaks, and find the largest that does not. Then lower n to 30: the learned σ leaves the true one (notebook 10 asks why).

# %%
lab = LABS["04"]()
lab

# %% [markdown]
# ## Who tells the network what σ(x) is?
#
# "This is supervised learning, how do I pick a target for σ?" There is one y at each x, and one value has no spread. Look at what the loss asks of each output. With the standardised residual $z = (y - \mu)/\sigma$, the derivatives at one point are
#
# $$\frac{\partial L}{\partial \mu} = -\frac{y - \mu}{\sigma^2}, \qquad \frac{\partial L}{\partial \log\sigma^2} = \tfrac12\,(1 - z^2).$$
#
# One point pushes $\log\sigma^2$ up if its residual exceeds σ, and down if it does not. Neighbouring points share the network's weights, so their pushes add. They balance where $z^2$ is 1 *on average over the neighbourhood*. The squared residuals are the target.

# %%
mu, sigma = predict(two, x)
mu_leaf, log_var = mu.clone().requires_grad_(), (2 * sigma.log()).requires_grad_()
gaussian_nll(y, mu_leaf, log_var).sum().backward()
z = (y - mu) / sigma
torch.testing.assert_close(mu_leaf.grad, -(y - mu) / sigma**2)
torch.testing.assert_close(log_var.grad, 0.5 * (1 - z**2))

# %%
regions = [(0, 0.5), (0.5, 1.5), (1.5, 2.5), (2.5, 3)]

print("mean z² of fresh data       one σ   two outputs")
for low, high in regions:
    rows = ((x_new.abs() >= low) & (x_new.abs() < high))[:, 0]
    squares = []
    for model in (one, two):
        mu, sigma = predict(model, x_new[rows])
        squares.append((((y_new[rows] - mu) / sigma) ** 2).mean().item())
    print(f"  {low:3} <= |x| < {high:3}          {squares[0]:5.1f}   {squares[1]:8.2f}")
    assert abs(squares[1] - 1) < 0.1


# %% [markdown]
# With one σ, $z^2$ averages 1 over all the data it was trained on, and over none of these regions: 0.1 in the middle, 2.1 at the edges. With two outputs it is 1 in each, within a tenth.
#
# The other derivative has a consequence. The push on μ is divided by σ²: a noisy point counts less for the mean than a quiet one. That is weighted least squares, with weights of the network's own choice.
#
# ## Where 1.96 comes from
#
# A Gaussian y lies within $k$ standard deviations of its mean with probability $\operatorname{erf}(k / \sqrt 2)$. We want 0.95, so $k = \sqrt2\,\operatorname{erf}^{-1}(0.95) = 1.96$.

# %% [markdown]
# This is an interval for *the next y*, not for the mean. It holds what it promises if μ(x) and σ(x) are right and the noise is Gaussian. For an estimated μ(x), a little off, it makes no allowance (notebook 10).
#
# The [**coverage**](00_start_here.ipynb#Glossary) of a set of intervals is the fraction of fresh y that they hold.

# %%
def interval(mu: Tensor, sigma: Tensor, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """The central interval that N(mu, σ²) fills with probability ``level``: mu ± z σ."""
    same_shape(mu=mu, sigma=sigma)
    if not 0 < level < 1:
        raise ValueError(f"expected 0 < level < 1, got {level}")
    half = math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=mu.dtype)) * sigma
    return mu - half, mu + half


def coverage(y: Tensor, mu: Tensor, sigma: Tensor, level: float = 0.95) -> float:
    """The fraction of y inside their intervals; an honest model's is close to ``level``."""
    same_shape(y=y, mu=mu, sigma=sigma)
    lower, upper = interval(mu, sigma, level)
    return ((lower <= y) & (y <= upper)).to(y.dtype).mean().item()


# %%
zero, unit = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
_, upper = interval(zero, unit)
print(f"{upper.item():.4f}")
torch.testing.assert_close(upper, Normal(zero, unit).icdf(torch.full_like(unit, 0.975)))


# %% [markdown]
# ## Right on average, wrong almost everywhere
#
# We test both models on the 20,000 fresh points, all together and region by region. Coverage within a region of x is called **conditional coverage**.

# %%
def coverage_where(model, rows):
    mu, sigma = predict(model, x_new[rows])
    return coverage(y_new[rows], mu, sigma)


everywhere = coverage_where(one, slice(None)), coverage_where(two, slice(None))
print(f"coverage of 95 %       one σ   two outputs\n  all x         {everywhere[0]:12.2f}"
      f"   {everywhere[1]:8.2f}")
by_region = []
for low, high in regions:
    rows = ((x_new.abs() >= low) & (x_new.abs() < high))[:, 0]
    by_region.append((coverage_where(one, rows), coverage_where(two, rows)))
    print(f"  {low:3} <= |x| < {high:3}{by_region[-1][0]:9.2f}   {by_region[-1][1]:8.2f}")

# %%
measured("04-a", round(by_region[0][0], 2), "coverage in the middle")

# %%
measured("04-b", round(by_region[-1][0], 2), "coverage at the edges")

# %% [markdown]
# *Play*: 1,000 points fall on the band of one σ. Where do they miss it?

# %%
mu, sigma = predict(one, x_new[:1000])
Rain(x_new[:1000], y_new[:1000], mu - 1.96 * sigma, mu + 1.96 * sigma)


# %% [markdown]
# Overall the one-σ model holds 94 %; in the middle 100 %, at the edges 83 %.
#
# If the mean is right, the constant band $\pm 1.96\,\bar\sigma$ holds a point at x with probability $\operatorname{erf}\left(1.96\,\bar\sigma / (\sqrt2\,\sigma(x))\right)$. Its average over x is 0.937: the one σ is right on average for the *variance*, which brings the coverage close to 0.95 here, and not to it. The two-output model stays near 0.95 in every region.

# %%
def constant_band_coverage(x):
    """The coverage of mu ± 1.96 sigma_bar at x, if mu is the true mean."""
    _, sigma = WAVE.truth(x)
    return torch.erf(1.96 * sigma_bar / (math.sqrt(2) * sigma))


average = constant_band_coverage(WAVE.grid(10_001)).mean().item()
print(f"its average over x: {average:.3f}")
assert abs(average - everywhere[0]) < 0.005 and by_region[0][0] > 0.999
assert all(abs(c - 0.95) < 0.015 for _, c in by_region) and abs(everywhere[1] - 0.95) < 0.005

# %%
edges = torch.linspace(-3, 3, 25, dtype=torch.float64)
bins = [((x_new >= low) & (x_new < high))[:, 0] for low, high in zip(edges, edges[1:])]
centres = (edges[1:] + edges[:-1]) / 2

fig, ax = plt.subplots()
ax.axhline(0.95, color=TRUTH, linestyle="--", linewidth=1.2)
ax.plot(grid, constant_band_coverage(grid), color=WRONG)
ax.plot(centres, [coverage_where(one, rows) for rows in bins], "o", color=WRONG)
ax.plot(centres, [coverage_where(two, rows) for rows in bins], "o", color=REPAIRED)
ax.annotate("one σ: dots measured, line computed", (-0.85, 0.865), color=WRONG)
ax.annotate("two outputs", (-0.35, 0.905), color=REPAIRED)
ax.set(xlabel="x", ylabel="coverage (fraction)", ylim=(0.75, 1.01))
ax.set_title("One σ breaks its promise in two ways; two outputs stay near it")
show(fig, alt="Coverage against x. With one σ it is 1 in the middle and falls to about 0.8 at "
     "both edges, dots near the computed curve. With two outputs the dots stay near 0.95.")

# %% [markdown]
# A dot counts about 833 points: chance moves it by $\sqrt{0.95 \cdot 0.05 / 833} = 0.008$, one standard deviation. Two outputs stay within three.
#
# Near $x = 0$ the band is more than three times as wide as it need be: it cries wolf. At the edges it misses more than three times as often as promised: there somebody relies on it and is hurt.

# %%
assert sigma_bar / 0.15 > 3 and (1 - by_region[-1][0]) / 0.05 > 3
chance = math.sqrt(0.95 * 0.05 / 833)
assert round(chance, 3) == 0.008
assert all(abs(coverage_where(two, rows) - 0.95) < 3 * chance for rows in bins)

# %% [markdown]
# ## Beyond the data
#
# What does σ(x) say at an x where there are no data? On the wave the noise grows toward both ends. We also turn it around: large in the middle, small at the edges, $\sigma(x) = 0.9 - 0.25\,|x|$. The mean stays the same. So does $\bar\sigma$: the one-σ model above serves for both.

# %% [markdown]
# **Guess 04-c.** The noise fades toward x = 3, where the data end. Is the learned σ at x = 6 "larger" or "smaller" than at 3?

# %%
guess("04-c", ...)

# %%
FADING = Problem(WAVE.mean, lambda x: 0.9 - 0.25 * x.abs(), low=-3, high=3)
x_fading, y_fading = FADING.sample(10_000, seed=0)
fading = train(HeteroscedasticRegressor, x_fading, y_fading)
wide = torch.linspace(-6, 6, 400, dtype=torch.float64)[:, None]

_, (at_edge, outside) = predict(fading, torch.tensor([[3.0], [6.0]], dtype=torch.float64))
measured("04-c", "smaller" if outside < at_edge else "larger", "σ at 6")

# %%
pairs = ("Noise grows: the band opens", x, y, two), (
    "Noise fades: the band closes", x_fading, y_fading, fading)

fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.4))
for ax, (title, xs, ys, model) in zip(axes, pairs):
    plot_fit(ax, wide, *predict(model, wide))
    plot_data(ax, xs, ys, at_most=300)
    for edge in interval(*predict(one, wide)):
        ax.plot(wide, edge, color=MEAN, linewidth=1, linestyle="-.")
    ax.plot(wide, WAVE.mean(wide), color=TRUTH, linestyle="--")
    ax.axvspan(-3, 3, color=DATA, alpha=0.08, linewidth=0)
    ax.set(title=title, xlim=(-6, 6), ylim=(-8, 8))
    ax.annotate("data", (0, 6.8), ha="center", color="#555555")
for text, point, place in (("95 % band", (-4.6, -1.9), (-5.7, -6.5)), ("truth", (5.2, 0.5), (4.4, 3.4)),
                           ("one σ", (4.5, -3.6), (1.2, -6.5))):
    axes[1].annotate(text, point, place, arrowprops={"arrowstyle": "-", "color": "#555555"})
show(fig, alt="Two panels, data between −3 and 3. Outside, both learned means run straight away "
     "from the true wave. Left, the band of the two-output model widens. Right, it closes to a "
     "line around a wrong mean. The one-σ bands (dash-dotted) keep their width.")

# %%
miss = (predict(fading, wide[-1:])[0] - math.sin(1.3 * 6)).abs().item()
print(f"σ where the data end, x = 3: {at_edge.item():.2f}; in empty space, x = 6: "
      f"{outside.item():.2f}")
print(f"the mean at x = 6 is {miss:.1f} away from the wave")
assert outside < at_edge / 2 and miss > 20 * outside.item()


# %% [markdown]
# The network is *more* sure of itself where it has seen nothing, and it is wrong there. Is that the seed? We train three networks on each data set and look at both sides:

# %%
def sigmas_of_three(first, x, y):
    """σ of three networks at x = −6, −3, 3 and 6, and the miss of their means, (3, 4) each."""
    at = torch.tensor([[-6.0], [-3.0], [3.0], [6.0]], dtype=torch.float64)
    models = [first, *(train(HeteroscedasticRegressor, x, y, seed=seed) for seed in (1, 2))]
    mu, sigma = (torch.cat(parts, dim=1).T for parts in zip(*(predict(m, at) for m in models)))
    return sigma, (mu - WAVE.mean(at).T).abs()


opened = {}
for name, data in {"grows": (two, x, y), "fades": (fading, x_fading, y_fading)}.items():
    sigmas, misses = sigmas_of_three(*data)
    outer, inner, missed = sigmas[:, [0, 3]], sigmas[:, [1, 2]], misses[:, [0, 3]]
    opened[name] = (outer > inner).sum().item()
    print(f"noise {name}: σ at ±3 {inner.min():.2f} to {inner.max():.2f}, at ±6 {outer.min():.2f} "
          f"to {outer.max():.2f}; larger outside on {opened[name]} of 6 sides")
print(f"noise fades: the three means miss the wave at ±6 by {missed.min():.1f} to {missed.max():.1f}")
assert opened == {"grows": 5, "fades": 0} and outer.max() < 0.05 and missed.min() > 2

# %% [markdown]
# Growing noise opens the band on 5 of 6 sides, by very different amounts. Fading noise closes it on all 6, and there the three networks *agree*: each says σ ≈ 0.02, and each mean is off by a hundred times as much. That three networks agree is no evidence; nothing tied any of them to the truth.
#
# Why up or down at all? A network of ReLU units continues in a straight line once all its kinks are behind it. A straight line in log σ² is exponential growth or decay in σ, unless its slope is 0:

# %%
with torch.no_grad():
    _, log_var = fading(torch.linspace(100, 108, 9, dtype=torch.float64)[:, None])
torch.testing.assert_close(log_var.diff(n=2, dim=0), torch.zeros(7, 1, dtype=torch.float64))

# %% [markdown]
# So σ(x) answers one question: how noisy is y at an x *like those I have seen*? That uncertainty is called [**aleatoric**](00_start_here.ipynb#Glossary): more data do not remove it. The uncertainty about μ(x) itself is of another kind, **epistemic**. One σ does not have it either: its band (dash-dotted) goes on at constant width. Notebooks 06 and 07 go after it.

# %% [markdown]
# ## How far does this hold?
#
# 20 networks with two outputs, each with data of its own, for growing and for fading noise, under 27 recipes: half, once and three times 400 steps; half, once and twice the learning rate; no weight decay, 1e-4 (the lecture's) and 1e-3. The 10,000 points and the two shapes of noise stay.
#
# <!-- claims -->
#
# **04-a**: in each of four regions the 95 % band of two outputs holds 93 to 97 % of new points. *Holds 520 of 540. Fails: most often at steps 200, lr 0.005, decay 0.001 (holds 14 of 20). Most decisive: steps (from 89 % at 200 to 100 % at 400).*
#
# ```text
# steps 200   □□□ ■■■ ■■■
# steps 400   ■■■ ■■■ ■■■
# steps 1200  ■■■ ■■■ ■■■
# ```
#
# **04-b**: noise that fades: σ is smaller at both ±6 than at ±3, where the data end. *Holds 540 of 540. Fails: nowhere.*
#
# ```text
# steps 200   ■■■ ■■■ ■■■
# steps 400   ■■■ ■■■ ■■■
# steps 1200  ■■■ ■■■ ■■■
# ```
#
# **04-c**: noise that grows: σ is larger at both ±6 than at ±3. *Holds 438 of 540. Fails: most often at steps 1200, lr 0.01, decay 0.0001 (holds 8 of 20). Most decisive: steps (from 65 % at 1200 to 95 % at 200).*
#
# ```text
# steps 200   ■■■ ■■■ ■□■
# steps 400   ■■■ □□□ □□□
# steps 1200  □□■ ××□ □□□
# ```
#
# One sign a recipe: ■ holds in nine of ten seeds or more, □ in half or more, × in fewer; groups: lr 0.005, 0.01, 0.02; in a group: decay 0.0, 0.0001, 0.001. `make claims` runs them again.
#
# <!-- end of claims -->
#
# Fading noise closes the band under every recipe tried. Growing noise opens it less often the longer one trains (95 % at 200 steps, 65 % at 1,200). The lecture's weight decay, which its comment says "curbs variance inflation", decides little here.

# %% [markdown]
# ## A reader asks
#
# **"My y are prices in the thousands. Does this work as it is?"** Standardise first: train on $(y - m)/s$, with $m$ and $s$ the mean and standard deviation of your training y. Afterwards the prediction is $\mu\,s + m$, and its standard deviation $\sigma\,s$.

# %% [markdown]
# <details><summary><b>"This loss models aleatoric (data) uncertainty, not epistemic (model) uncertainty"</b></summary>
#
# So the [documentation of torch.js](https://torchjs.org/docs/torch.js/generated/torch.nn.GaussianNLLLoss), a TypeScript port of PyTorch. Yes. But where the mean cannot follow the data, σ(x) holds the misfit as well (notebook 03).
#
# </details>

# %% [markdown]
# ## Exercises
#
# **04-1 (predict).** In one neighbourhood, where the network has one value of $\log\sigma^2$, a single point has $z = 3$, and all others have $|z| = 0.5$. How many others does it take for the pushes on $\log\sigma^2$ to cancel? (Not a whole number.)

# %%
others = ...
check("04-1", others)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The derivative of the loss of one point with respect to $\log\sigma^2$ is $\tfrac12 (1 - z^2)$. What is it at $z = 3$?
#
# </details>
# <details><summary>Hint 2</summary>
#
# It is $\tfrac12 (1 - 9) = -4$ for the one, and $\tfrac12 (1 - 0.25)$ for each of the others. Their sum has to be 0.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# others = (3**2 - 1) / (1 - 0.5**2)  # 10.67: then the mean of z² is 1
# ```
#
# </details>

# %% [markdown]
# **04-2 (derive).** On the wave there is one $x > 0$ where the one-σ model's 95 % interval holds exactly 95 % of the y. Its σ is $\bar\sigma$, the root of the mean σ²(x), and its mean is right. Where is it?

# %%
x_right = ...
check("04-2", x_right)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The interval is right where the true σ(x) equals the learned σ.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Solve $0.15 + 0.25\,x = \bar\sigma$; the notebook computes `sigma_bar` below its first figure.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# x_right = (math.sqrt((0.9**3 - 0.15**3) / 2.25) - 0.15) / 0.25  # 1.67
# ```
#
# </details>

# %% [markdown]
# **04-3 (code).** Coverage by region, for any interval of x: the fraction of points with `low` ≤ x < `high` whose y lies inside its 95 % interval, μ ± 1.96 σ. All four tensors are (n, 1); `sigma` is a standard deviation. Return a number.

# %%
def coverage_between(x, y, mu, sigma, low, high):
    ...


check("04-3", coverage_between)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Select the rows first: `rows = ((x >= low) & (x < high))[:, 0]`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Then call the notebook's `coverage` with `y[rows]` and what belongs to it.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def coverage_between(x, y, mu, sigma, low, high):
#     rows = ((x >= low) & (x < high))[:, 0]
#     return coverage(y[rows], mu[rows], sigma[rows])
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("04")

# %%
guesses("04")

# %% [markdown]
# ## Recap
#
# - If the noise depends on x, a second output for log σ²(x), trained with the Gaussian NLL, learns it. Its targets are the squared residuals nearby.
# - A 95 % interval is μ ± 1.96 σ. It takes for granted that μ, σ and the Gaussian shape are right.
# - Test its coverage by region: the one-σ model is close on average, with 1.00 in the middle and 0.83 at the edges.
# - Where there are no data, σ(x) is an extrapolation. It may open or close, and it says nothing of how wrong the mean is.

# %% [markdown]
# **Next.** Can a prior keep the variance in check? That is the promise of [05 · Variational regression](05_variational_regression.ipynb).
#
# **Further reading.**
# - D. Nix & A. Weigend (1994), ["Estimating the mean and variance of the target probability distribution"](https://doi.org/10.1109/ICNN.1994.374138).
# - A. Kendall & Y. Gal (2017), ["What uncertainties do we need in Bayesian deep learning for computer vision?"](https://arxiv.org/abs/1703.04977), section 3: log σ² as an output.
# - Goodfellow, Bengio & Courville (2016), [*Deep Learning*, section 6.2.2](https://www.deeplearningbook.org/contents/mlp.html).
# - [Cross Validated question 564809](https://stats.stackexchange.com/questions/564809), its answer and comments.
