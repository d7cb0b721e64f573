# %% [markdown]
# # 04 · A second output
#
# **The question.** My network learns one σ for all of its data. And if the noise depends on x?
#
# **You will be able to**
#
# - give a network a second output for log σ²(x), and derive its loss;
# - draw a 95 % interval, and test it overall *and* region by region;
# - recognise an overfitted variance, and say what σ(x) means where there are no data;
# - extend the idea to several y, and to other distributions.
#
# **You need** notebook 03 (σ as a parameter) and the Gaussian NLL of notebook 01.
#
# **Time.** About 75 minutes; the notebook runs in about 11 s.

# %%
import math
from functools import partial
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal, Poisson
from torch.nn.functional import softplus
from torch.optim import SGD, Adam

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import WAVE, Problem
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll, mean_nll, same_shape
from course_utils.models import HomoscedasticRegressor, mlp
from course_utils.plots import (
    ALEATORIC, DATA, MEAN, REPAIRED, TRUTH, WRONG, plot_data, plot_fit, plot_truth, show,
    use_course_style,
)
from course_utils.training import fit, minibatches, predict

use_course_style()

# %% [markdown]
# ## Noise that changes with x
#
# The data of this lesson come from the SGD notebook. The mean is a wave, and the noise grows away from the middle:
#
# $$y = \sin(1.3\,x) + \sigma(x)\,\varepsilon, \qquad \sigma(x) = 0.15 + 0.25\,|x|, \qquad -3 \le x \le 3.$$
#
# At $x = 0$ the noise has a standard deviation of 0.15, at the edges 0.9. Noise of one size is called **homoscedastic**; noise that depends on x is [**heteroscedastic**](00_start_here.ipynb#Glossary).
#
# We take 10,000 points, and 20,000 fresh ones to judge with. That is a luxury; later in this notebook we learn from 256.

# %%
x, y = WAVE.sample(10_000, seed=0)
x_new, y_new = WAVE.sample(20_000, seed=1)

# %% [markdown]
# ## Predict
#
# The model of notebook 03 learns a mean and *one* σ. From these it draws, at each x, an interval that is meant to hold 95 % of the y. We train it on the wave and count, on fresh data, which fraction of the points its intervals hold.
#
# Replace each `...` by a number between 0 and 1.

# %%
guess("04-a", ...)  # the fraction held in the middle, |x| < 0.5

# %%
guess("04-b", ...)  # the fraction held at the edges, |x| > 2.5


# %% [markdown]
# ## One more output
#
# In notebook 03, `log_var` is a parameter: one number that is copied to each row. The answer to question 564809 goes one step further: "You need a network that has two outputs." We let the last layer give two numbers for each x. One is μ(x), the other log σ²(x). Both come from the same hidden units.
#
# Nothing else changes. The loss is the mean Gaussian NLL of notebook 03, to the letter. D. Nix and A. Weigend trained such networks in 1994.

# %%
class HeteroscedasticRegressor(nn.Module):
    """One network with two outputs for each y: mu(x) and log σ²(x)."""

    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, activation=nn.ReLU):
        super().__init__()
        self.net = mlp(n_in, hidden, 2 * n_out, activation)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.net(x).chunk(2, dim=1)
        return mu, log_var


# %%
def train(model_class, x, y, steps=400):
    torch.manual_seed(0)
    model = model_class()
    fit(model, mean_nll, x, y, steps=steps, lr=0.01, batch_size=500, decay=True)
    return model


one = train(HomoscedasticRegressor, x, y)
two = train(HeteroscedasticRegressor, x, y)


# %%
def label_bands(left, right):
    """Name what the first figure shows, beside the thing itself."""
    style = {"fontsize": 9.5, "ha": "center", "arrowprops": {"arrowstyle": "-", "color": "#555555"}}
    left.annotate("learned 95 % interval", (-0.4, 0.7), (-1.1, 2.6), **style)
    left.annotate("true 95 % interval", (2.25, 1.62), (1.9, 2.9), **style)
    right.annotate("learned mean (blue)\nunder the true mean", (0.85, 0.9), (-0.3, 2.4), **style)
    right.set_ylabel("")


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
label_bands(*axes)
show(fig, alt="Two panels with the same points around a wave, wide at the edges, tight in the "
     "middle. Left: a band of constant width, too wide in the middle and too narrow at the edges. "
     "Right: a band that narrows and widens with the points and fills the true 95 % interval.")

# %% [markdown]
# The left model is not badly trained. Its mean is right, and its σ is the best single number there is: by notebook 03, the root of the mean σ²(x), which here is
#
# $$\bar\sigma = \sqrt{\tfrac13 \int_0^3 (0.15 + 0.25\,x)^2\,dx} = \sqrt{\frac{0.9^3 - 0.15^3}{2.25}} = 0.568.$$
#
# No single number can do better. The right model has learned a curve. It was never shown a σ, so we compare with the truth, which only makers of toy data know:

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
# ## "Where does that loss expression come from?"
#
# So a reader asks below the answer, whose loss is $\sum_i \left[\frac{(\hat y_i - y_i)^2}{2\hat\sigma_i^2} + \log \hat\sigma_i\right]$. It is the density of a Gaussian, in four steps.
#
# **Step 1.** The model says that y, given x, has the density
#
# $$p(y \mid x) = \frac{1}{\sigma(x)\sqrt{2\pi}} \exp\left(-\frac{(y - \mu(x))^2}{2\,\sigma(x)^2}\right).$$
#
# **Step 2.** Its negative logarithm turns the product into a sum:
#
# $$-\log p(y \mid x) = \frac{(y - \mu(x))^2}{2\,\sigma(x)^2} + \log \sigma(x) + \tfrac12 \log 2\pi.$$
#
# **Step 3.** Independent points multiply their densities, so their negative logarithms add: $\sum_i$.

# %% [markdown]
# **Step 4.** The term $\tfrac12 \log 2\pi$ is the same for every model. Drop it, write $\hat y$ for μ: that is the answer's loss. Cross Validated answer 562735 arrives at it in the same way.
#
# With one σ for all points, $\log\sigma$ is one number times $n$. Here it must stay inside the sum.
#
# There are three spellings of one loss. Since $\log \sigma = \tfrac12 \log \sigma^2$, it is $\tfrac12\sum_i [\log \sigma_i^2 + (y_i - \mu_i)^2/\sigma_i^2]$, as in Nix & Weigend (1994). With $s = \log \sigma^2$ as the output of the network it is $\sum_i [\tfrac12 e^{-s_i} (y_i - \mu_i)^2 + \tfrac12 s_i]$, as in Kendall & Gal (2017, section 3.1). That is our `gaussian_nll`.

# %%
mu, sigma = predict(two, x)
s = 2 * sigma.log()
answer = ((mu - y) ** 2 / (2 * sigma**2) + sigma.log()).sum()
nix_weigend = 0.5 * (torch.log(sigma**2) + (y - mu) ** 2 / sigma**2).sum()
kendall_gal = (0.5 * torch.exp(-s) * (y - mu) ** 2 + 0.5 * s).sum()
torch.testing.assert_close(nix_weigend, answer)
torch.testing.assert_close(kendall_gal, answer)

constant = len(x) * 0.5 * math.log(2 * math.pi)
torch.testing.assert_close(answer + constant, gaussian_nll(y, mu, s).sum())
torch.testing.assert_close(answer + constant, -Normal(mu, sigma).log_prob(y).sum())

# %% [markdown]
# ## Who tells the network what σ(x) is?
#
# "This is supervised learning, how do I pick a target for σ?" There is one y at each x, and one value has no spread. Look at what the loss asks of each output. With the standardised residual $z = (y - \mu)/\sigma$, the derivatives at one point are
#
# $$\frac{\partial L}{\partial \mu} = -\frac{y - \mu}{\sigma^2}, \qquad \frac{\partial L}{\partial s} = \tfrac12\,(1 - z^2).$$
#
# One point pushes $s$ up if its residual exceeds σ, and down if it does not. Neighbouring points share the network's weights, so their pushes add. They balance where $z^2$ is 1 *on average over the neighbourhood*. The squared residuals are the target.

# %%
mu_leaf, s_leaf = mu.clone().requires_grad_(), s.clone().requires_grad_()
gaussian_nll(y, mu_leaf, s_leaf).sum().backward()
z = (y - mu) / sigma
torch.testing.assert_close(mu_leaf.grad, -(y - mu) / sigma**2)
torch.testing.assert_close(s_leaf.grad, 0.5 * (1 - z**2))

# %%
regions = [(0, 0.5), (0.5, 1.5), (1.5, 2.5), (2.5, 3)]

print("mean z² of fresh data       one σ   two outputs")
for low, high in regions:
    rows = ((x_new.abs() >= low) & (x_new.abs() < high))[:, 0]
    squares = []
    for model in (one, two):
        mu, sigma = predict(model, x_new[rows])
        squares.append((((y_new[rows] - mu) / sigma) ** 2).mean().item())
    print(f"  {low:3} <= |x| < {high:3}          {squares[0]:5.1f}   {squares[1]:8.1f}")
    assert abs(squares[1] - 1) < 0.1

# %% [markdown]
# With one σ, $z^2$ averages 1 over all the data it was trained on, and over no region: 0.1 in the middle, 2.1 at the edges. With two outputs it is 1 in each, within a tenth.
#
# The other derivative has a consequence. The push on μ is divided by σ²: a noisy point counts less for the mean than a quiet one. That is weighted least squares, with weights that the network chooses for itself. Notebook 07 shows what it does when it chooses badly.
#
# ## Log-variance or softplus
#
# A variance must be positive, and the output of a linear layer can be anything. Two functions are in use to make it positive: $\sigma^2 = e^{s}$, and $\sigma^2 = \operatorname{softplus}(s) = \log(1 + e^s)$. How far must $s$ travel to say a given σ?

# %%
print("σ        s for exp   s for softplus")
for value in (0.01, 1, 100):
    variance = torch.tensor(value**2, dtype=torch.float64)
    s_exp, s_softplus = variance.log(), variance + torch.log(-torch.expm1(-variance))
    torch.testing.assert_close(softplus(s_softplus), variance)
    print(f"{value:<6}  {s_exp.item():10.2f}   {s_softplus.item():14.2f}")

# %%
raw = torch.linspace(-8, 12, 400, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(7, 3))
ax.plot(raw, raw.exp(), color=MEAN)
ax.plot(raw, softplus(raw), color=MEAN, linestyle="--")
ax.annotate("exp: a step multiplies σ²", (8, math.exp(8)), (0.2, 8e3), ha="left")
ax.annotate("softplus: a step adds to σ²", (9, 9), (5.5, 1.2))
ax.annotate("the same on this side", (-5, math.exp(-5)), (-4.5, 2e-3))
ax.set(yscale="log", xlabel="network output s", ylabel="variance σ² (log scale)")
ax.set_title("Below 1 the two agree; a large variance is far away for softplus")
show(fig, alt="Variance on a log scale against the network output. exp is a straight line. "
     "Softplus follows it on the left and bends to nearly flat on the right.")

# %% [markdown]
# Small variances cost the same in both. A large one is a long way for softplus: if y is in millimetres and σ is 100 of them, $s$ must reach 10,000. With exp the unit of y only shifts $s$. Either way, standardise y first; the course uses the log-variance throughout.
#
# The SGD notebook has a head named `logvar_head`, and its text says that the model predicts log σ²(x). In its code the head passes through softplus *and then* a logarithm. What the head gives is therefore a variance before softplus. It matters for its bias of −1:

# %%
head = torch.tensor(-1.0, dtype=torch.float64)
as_coded = torch.log(softplus(head) + 1e-6).exp().item()
print(f"variance at a bias of -1: {as_coded:.3f} as coded, {head.exp().item():.3f} as named")
assert abs(as_coded - 0.313) < 5e-4

# %% [markdown]
# ## SGD, momentum, Adam
#
# The SGD notebook trains with stochastic gradient descent: a random batch, a gradient, a step against it. With **momentum** 0.9 the step is not the gradient but a running sum in which each old gradient keeps 0.9 of its weight. In our letters its loop is this. `fit` contains the same loop, so that the two end with the same weights.

# %%
torch.manual_seed(0)
by_hand = HeteroscedasticRegressor()
optimiser = SGD(by_hand.parameters(), lr=0.005, momentum=0.9)
for x_batch, y_batch in islice(minibatches(x, y, 500, seed=0), 100):
    loss = mean_nll(by_hand, x_batch, y_batch)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

torch.manual_seed(0)
by_fit = HeteroscedasticRegressor()
fit(by_fit, mean_nll, x, y, steps=100, lr=0.005, batch_size=500,
    optimizer=partial(SGD, momentum=0.9))
assert all(torch.equal(p, q) for p, q in zip(by_hand.parameters(), by_fit.parameters()))

# %% [markdown]
# Now four optimisers from one start: the same first weights, the same batches. We judge by the **excess NLL**: the NLL on held-out data, minus that of the truth on the same data. Zero is perfect.

# %%
held_out = x_new[:2500], y_new[:2500]
mean_true, sd_true = WAVE.truth(held_out[0])
truth_nll = gaussian_nll(held_out[1], mean_true, 2 * sd_true.log()).mean().item()

momentum = partial(SGD, momentum=0.9)
settings = {"Adam, 0.01": (partial(Adam, fused=True), 0.01), "momentum, 0.005": (momentum, 0.005),
            "plain SGD, 0.05": (SGD, 0.05), "plain SGD, 0.005": (SGD, 0.005)}
excess = {}
for name, (optimizer, lr) in settings.items():
    torch.manual_seed(0)
    model = HeteroscedasticRegressor()
    history = fit(model, mean_nll, x, y, steps=300, lr=lr, batch_size=500, held_out=held_out,
                  optimizer=optimizer)
    excess[name] = torch.tensor(history.held_out) - truth_nll

# %%
fig, ax = plt.subplots(figsize=(7, 3.1))
styles = zip(excess.items(), ("-", "--", ":", "-."), (0.012, 0.022, 0.07, 0.47))
for (name, values), style, height in styles:
    ax.plot(history.held_out_steps, values, color=MEAN, linestyle=style, linewidth=1.5)
    ax.annotate(name, (305, height), va="center")
ax.set(yscale="log", xlabel="step", ylabel="excess NLL, nats (log scale)", xlim=(0, 400))
ax.set_xticks(range(0, 301, 100))
ax.set_title("Adam arrives first, momentum soon after; plain SGD crawls or rattles")
show(fig, alt="Excess NLL against the step. Adam falls first, SGD with momentum comes close to "
     "it later, plain SGD with the larger rate is noisier, with the smaller rate far behind.")

# %%
last = {name: values[-25:].mean().item() for name, values in excess.items()}
print("excess NLL, mean over the last 75 steps")
for name, value in last.items():
    print(f"  {name:17} {value:.2f}")
assert (excess["Adam, 0.01"][:20] < 0.1).any() and (excess["momentum, 0.005"][:20] > 0.1).all()
assert max(last["Adam, 0.01"], last["momentum, 0.005"]) < 0.03 < last["plain SGD, 0.05"]


# %% [markdown]
# Adam is below 0.1 nats within 60 steps. Momentum is still above, follows, and ends near the same level. Plain SGD with the same rate is still near 0.5.
#
# The reason is a geometric series. Under a steady gradient, momentum adds up $1 + 0.9 + 0.9^2 + \dots = 10$ of them, so its rate of 0.005 acts like 0.05. Plain SGD at 0.05 falls as early, but it rattles: each step follows a single batch, where the running sum averages over many.
#
# Our two models above had Adam with a rate that decays to 0, which quiets the rest.

# %% [markdown]
# ## Where 1.96 comes from
#
# A Gaussian y lies within $z$ standard deviations of its mean with probability
#
# $$P(|y - \mu| \le z\,\sigma) = \operatorname{erf}\!\left(\tfrac{z}{\sqrt 2}\right).$$
#
# We want 0.95, so $z = \sqrt2\,\operatorname{erf}^{-1}(0.95) = 1.96$. It leaves 2.5 % on either side.
#
# This is an interval for *the next y*, not for the mean. And it holds what it promises only if μ(x) and σ(x) are right. That can be tested. The [**coverage**](00_start_here.ipynb#Glossary) of a set of intervals is the fraction of fresh y that they hold.

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
# We test both models on the 20,000 fresh points: first all together, then region by region. Coverage within a region of x is called **conditional coverage**.

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
# Overall the one-σ model holds 94 % of the points. Nobody who looks at that number alone would complain. In the middle it holds 100 %, at the edges 83 %.
#
# We can compute these without a network. If the mean is right, the constant band $\pm 1.96\,\bar\sigma$ holds a point at x with probability
#
# $$c(x) = \operatorname{erf}\!\left(\frac{1.96\,\bar\sigma}{\sqrt2\,\sigma(x)}\right).$$
#
# Its average over x is 0.937: "right on average" is a statement about the variance, and coverage is close to it, not equal. The two-output model stays near 0.95 in every region.

# %%
def constant_band_coverage(x):
    """c(x): the coverage of mu ± 1.96 sigma_bar, if mu is the true mean."""
    _, sigma = WAVE.truth(x)
    return torch.erf(1.96 * sigma_bar / (math.sqrt(2) * sigma))


average = constant_band_coverage(WAVE.grid(10_001)).mean().item()
print(f"average of c(x): {average:.3f}")
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
ax.annotate("one σ: dots measured, line c(x)", (-0.85, 0.865), color=WRONG)
ax.annotate("two outputs", (-0.35, 0.905), color=REPAIRED)
ax.set(xlabel="x", ylabel="coverage (fraction)", ylim=(0.75, 1.01))
ax.set_title("One σ breaks its promise in two ways; two outputs stay near it")
show(fig, alt="Coverage against x. With one σ it is 1 in the middle and falls below 0.8 at both "
     "edges, dots on the computed curve. With two outputs the dots stay near 0.95.")

# %% [markdown]
# Which kind of wrong is worse? A user who acts on the band near $x = 0$ wastes most of it; one who acts on it at the edge is surprised more than three times as often as promised. An average over both tells neither.
#
# ## The SGD notebook's last plot
#
# The SGD notebook fits both models, and ends with a plot titled "Heteroscedastic Gaussian NLL with SGD". Its code fills the region from `lo_h`, of the one-σ model, to `hi`, of the two-output model, around `mu_pred` of the latter. It is a band out of two models. Here it is with our models, beside the two that were meant.

# %%
(mu_one, sigma_one), (mu_two, sigma_two) = predict(one, grid), predict(two, grid)
(low_one, high_one), (low_two, high_two) = interval(mu_one, sigma_one), interval(mu_two, sigma_two)
panels = {"as printed: two models": (mu_two, low_one, high_two, WRONG),
          "one σ": (mu_one, low_one, high_one, ALEATORIC),
          "two outputs": (mu_two, low_two, high_two, ALEATORIC)}

fig, axes = plt.subplots(1, 3, sharey=True, figsize=(8, 3))
for ax, (title, (mean, lower, upper, color)) in zip(axes, panels.items()):
    ax.fill_between(grid[:, 0], lower[:, 0], upper[:, 0], color=color, alpha=0.3, linewidth=0)
    ax.plot(grid, mean, color=MEAN)
    plot_data(ax, x, y, at_most=200)
    ax.set(title=title, ylabel="y" if ax is axes[0] else "")
show(fig, alt="Three panels with the data. As printed, the upper edge of the band follows the "
     "noise and the lower edge keeps a constant distance. The other two bands are symmetric.")

# %%
print("fraction of fresh y     below the band   above it")
for name, (low, high) in {"middle": regions[0], "edges": regions[-1]}.items():
    rows = ((x_new.abs() >= low) & (x_new.abs() < high))[:, 0]
    lower, _ = interval(*predict(one, x_new[rows]))
    _, upper = interval(*predict(two, x_new[rows]))
    below = (y_new[rows] < lower).double().mean().item()
    above = (y_new[rows] > upper).double().mean().item()
    print(f"  {name:8} {below:26.2f}   {above:8.2f}")
    assert abs(above - 0.025) < 0.015 and (below < 0.005 if low == 0 else below > 0.06)

# %% [markdown]
# Each side should miss 2 to 3 %. The upper edge does. The lower one misses nothing in the middle and 8 % at the edges. The fault is one wrong suffix, and no error is raised; a look at the two sides separately finds it.
#
# The SGD notebook also never seeds numpy, so its 256 points cannot be had again, and its loss leaves out the constant: the last value it prints, −0.2491, is 0.670 in our unit, with $\tfrac12 \log 2\pi = 0.919$ added.

# %%
assert round(-0.2491 + 0.5 * math.log(2 * math.pi), 3) == 0.670

# %% [markdown]
# ## Beyond the data
#
# On the wave, σ(x) keeps growing to the left and right of the data. It looks as if the network knew that it does not know. To see whether it does, we turn the noise around: large in the middle, small at the edges, $\sigma(x) = 0.9 - 0.25\,|x|$. Mean and $\bar\sigma$ stay the same, so the one-σ model above serves for both.

# %%
FADING = Problem(WAVE.mean, lambda x: 0.9 - 0.25 * x.abs(), low=-3, high=3)
x_fading, y_fading = FADING.sample(10_000, seed=0)
fading = train(HeteroscedasticRegressor, x_fading, y_fading)

wide = torch.linspace(-6, 6, 400, dtype=torch.float64)[:, None]

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
    ax.set(title=title, xlim=(-6, 6), ylim=(-6, 6))
    ax.annotate("data", (0, 5.0), ha="center", color="#555555")
show(fig, alt="Two panels, data between -3 and 3. Outside, both learned means run straight away "
     "from the true wave. Left, the band of the two-output model widens. Right, it closes to a "
     "line around a wrong mean. The one-σ bands (dash-dotted) keep their width.")

# %%
_, inside = predict(fading, torch.full((1, 1), 3.0, dtype=torch.float64))
mu, outside = predict(fading, torch.full((1, 1), 6.0, dtype=torch.float64))
miss = (mu - math.sin(1.3 * 6)).abs().item()
print(f"σ at the edge of the data, x = 3: {inside.item():.2f}; in empty space, x = 6: "
      f"{outside.item():.2f}")
print(f"the mean at x = 6 is {miss:.0f} away from the wave")
assert outside < inside / 2 and miss > 20 * outside.item()

with torch.no_grad():
    _, log_var = fading(torch.linspace(100, 108, 9, dtype=torch.float64)[:, None])
torch.testing.assert_close(log_var.diff(n=2, dim=0), torch.zeros(7, 1, dtype=torch.float64))

# %% [markdown]
# The network is *more* sure of itself where it has seen nothing, and it is wrong there. A network of ReLU units continues in a straight line once all its kinks are behind it. A straight line in log σ² is exponential growth or decay in σ. Which of the two is decided by the last stretch of data.
#
# So σ(x) answers one question: how noisy is y at an x *like those I have seen*? That doubt is called [**aleatoric**](00_start_here.ipynb#Glossary); more data do not remove it. The doubt about μ(x) itself is of another kind. One σ does not have it either: its band (dash-dotted) goes on at constant width. Notebook 06 goes after it.

# %% [markdown]
# ## Few data
#
# The SGD notebook has 256 points, not 10,000. The truth itself has some NLL on these points. We train on all of them at each step, for 600 steps, and watch the loss on them and on held-out data.

# %%
guess("04-c", ...)  # on its 256 points, is the network's NLL in the end "higher" or "lower" than the truth's?

# %%
x_few, y_few = WAVE.sample(256, seed=0)
mean_few, sd_few = WAVE.truth(x_few)
truth_on_few = gaussian_nll(y_few, mean_few, 2 * sd_few.log()).mean().item()

torch.manual_seed(0)
overfitted = HeteroscedasticRegressor()
history = fit(overfitted, mean_nll, x_few, y_few, steps=600, lr=0.003, held_out=held_out)
best = history.held_out_steps[int(np.argmin(history.held_out))]

torch.manual_seed(0)
stopped = HeteroscedasticRegressor()
_ = fit(stopped, mean_nll, x_few, y_few, steps=best, lr=0.003)  # the same path, but shorter


# %%
def label_few(left, right):
    """Name the curves of the next figure."""
    left.annotate("held-out", (480, 0.82), color=WRONG)
    left.annotate("training", (480, 0.57), color="#555555")
    left.annotate("the truth: dotted on the 256 points,\ndashed on held-out data", (90, 0.9))
    right.annotate("all 600 steps", (-1.9, 0.93), color=WRONG)
    right.annotate("stopped early", (-0.9, 0.62), color=REPAIRED)
    right.annotate("true σ", (1.4, 0.35), color=TRUTH)


# %%
measured("04-c", "lower" if history.loss[-1] < truth_on_few else "higher")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
left.plot(history.loss, color=DATA)
left.plot(history.held_out_steps, history.held_out, color=WRONG)
for height, style in ((truth_on_few, ":"), (truth_nll, "--")):
    left.axhline(height, color=TRUTH, linestyle=style, linewidth=1.2)
left.set(xlabel="step", ylabel="NLL, nats per point", ylim=(0.5, 1.0))
left.set_title("Training falls below the truth")
right.plot(grid, sigma_true, color=TRUTH, linestyle="--")
right.plot(grid, predict(overfitted, grid)[1], color=WRONG)
right.plot(grid, predict(stopped, grid)[1], color=REPAIRED)
right.set(xlabel="x", ylabel="σ(x)", ylim=(0, 1.3), title="σ chases residuals that are chance")
label_few(left, right)
show(fig, alt="Left: the training loss falls below the truth's own on the same points, while the "
     "held-out loss first falls, then rises. Right: σ(x) after all steps is ragged and often too "
     "small; stopped early it stays closer to the truth.")

# %%
x_test, y_test = x_new[5000:], y_new[5000:]  # neither trained on nor stopped by
with torch.no_grad():
    nll = {name: mean_nll(model, x_test, y_test).item()
           for name, model in (("overfitted", overfitted), ("stopped", stopped), ("10,000", two))}
    on_few = mean_nll(overfitted, x_few, y_few).item()
mean_test, sd_test = WAVE.truth(x_test)
truth_on_test = gaussian_nll(y_test, mean_test, 2 * sd_test.log()).mean().item()

print(f"on the 256 points:  truth {truth_on_few:.2f}, network {on_few:.2f}")
print(f"on fresh points:    truth {truth_on_test:.2f}, network {nll['overfitted']:.2f}, "
      f"stopped early {nll['stopped']:.2f}, trained on 10,000 points {nll['10,000']:.2f}")
held = coverage(y_few, *predict(overfitted, x_few)), coverage(y_test, *predict(overfitted, x_test))
print(f"coverage of 95 %:   on fresh points {held[1]:.2f}")
assert on_few < truth_on_few - 0.05 and nll["10,000"] < truth_on_test + 0.01
assert nll["stopped"] - truth_on_test < (nll["overfitted"] - truth_on_test) / 2
assert held[1] < 0.93 and held[0] > 0.94  # on its own 256 points nothing looks amiss


# %% [markdown]
# On fresh data no model beats the truth. On its training data a flexible model does, because it also learns their chance: the mean bends toward single points, their residuals shrink, and σ shrinks after them. The likelihood rewards this without limit, for a point that is hit exactly may have σ → 0 and an NLL → −∞.

# %% [markdown]
# It shows in three places: a training NLL far below the truth's (known only for toy data), a held-out NLL that turns upward, and a coverage that is right on the training data and too small on fresh data. The last two need held-out data and no truth.
#
# Early stopping takes the best held-out step. It removes more than half of the excess; 10,000 points remove nearly all of it.

# %% [markdown]
# ## Does weight decay "curb variance inflation"?
#
# The SGD notebook sets `weight_decay = 1e-4` with that comment. Weight decay pulls each weight toward 0, in proportion to its size. We repeat its optimiser, SGD with momentum 0.9, on the 256 points with three strengths, and look at the held-out NLL and at how large σ is beside the truth, on average over x.

# %%
def decayed(weight_decay):
    torch.manual_seed(0)
    model = HeteroscedasticRegressor()
    fit(model, mean_nll, x_few, y_few, steps=350, lr=0.01,
        optimizer=partial(SGD, momentum=0.9, weight_decay=weight_decay))
    with torch.no_grad():
        nll = mean_nll(model, x_test, y_test).item()
    sigma = predict(model, grid)[1]
    return nll, (sigma / sigma_true).mean().item(), sigma.min().item()


# %%
effects = {weight_decay: decayed(weight_decay) for weight_decay in (0, 1e-4, 1e-1)}
print("weight decay   held-out NLL   σ / true σ   smallest σ")
for weight_decay, (nll_decayed, ratio, smallest) in effects.items():
    print(f"{weight_decay:<12g}   {nll_decayed:12.2f}   {ratio:10.2f}   {smallest:10.2f}")

assert abs(effects[1e-4][0] - effects[0][0]) < 0.01 and abs(effects[1e-4][1] - effects[0][1]) < 0.01
assert effects[1e-1][1] > effects[0][1] + 0.2 and effects[1e-1][2] > 0.3

# %% [markdown]
# At the source's strength neither number moves. A weight that the data leave alone keeps $e^{-350 \cdot 0.01/(1 - 0.9) \cdot 0.0001}$ = 99.7 % of its size. And there was no inflation to curb: σ averages just below the truth.
#
# At 0.1 we see what decay can do: it pulls the *function* toward that of zero weights. Here this is μ = 0 and log σ² = 0, so σ = 1; with the source's head it is $\sqrt{\operatorname{softplus}(0)} = 0.83$. On the wave, where σ is 0.15 to 0.9, strong decay **inflates** the variance. The pull is toward a constant, and which constant depends on the unit of y.

# %%
shrink = math.exp(-350 * 0.01 / (1 - 0.9) * 1e-4)
print(f"an unused weight keeps {shrink:.3f} of its size; softplus head at zero weights: σ = "
      f"{math.sqrt(math.log(2)):.2f}")


# %% [markdown]
# ## Several y
#
# "If each $y_i$ is a vector, then you'll generalize to the multivariate Gaussian case, which is straightforward", says the answer. There are two ways.
#
# **Independent outputs.** `HeteroscedasticRegressor(n_out=2)` gives two means and two log-variances. The NLL of a row is the sum over its values. The covariance matrix is diagonal: the two errors have nothing to do with each other. PyTorch's `GaussianNLLLoss` assumes it, too.
#
# **A full covariance.** Often the errors are related. Our toy data are two sensors with errors of standard deviation 0.5 and 1. Their correlation changes with x, $\rho(x) = 0.3\,x$: they err in opposite directions on the left, together on the right, and on average over x not at all.

# %%
def two_sensors(n, *, seed):
    """x (n, 1) and y (n, 2); the errors of the two y have correlation 0.3 x."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.uniform(-3, 3, (n, 1)))
    first, second = torch.from_numpy(rng.standard_normal((2, n, 1)))
    rho = 0.3 * x
    together = rho * first + torch.sqrt(1 - rho**2) * second  # variance 1, correlation rho
    return x, torch.cat([torch.sin(1.3 * x) + 0.5 * first, 0.5 * x + together], dim=1)


x_pair, y_pair = two_sensors(5000, seed=0)
errors = y_pair - torch.cat([torch.sin(1.3 * x_pair), 0.5 * x_pair], dim=1)
overall = torch.corrcoef(errors.T)[0, 1].abs().item()
print(f"correlation of the errors over all x, in size: {overall:.2f}")
assert overall < 0.05


# %% [markdown]
# A covariance matrix Σ must be symmetric and positive definite; four free outputs will not be. Its **Cholesky factor** can be free: every such matrix is $\Sigma = L L^\top$ with exactly one lower-triangular $L$ whose diagonal is positive, and every such $L$ gives a covariance. So the network gives μ, the logarithms of the diagonal of $L$, and what stands below it. Williams (1996) does the same with $\Sigma^{-1}$.

# %%
class FullCovarianceRegressor(nn.Module):
    """mu(x), (n, k), and the Cholesky factor L(x) of the covariance of k values, (n, k, k)."""

    def __init__(self, n_in=1, hidden=(50, 50), n_out=2):
        super().__init__()
        self.sizes = [n_out, n_out, n_out * (n_out - 1) // 2]
        self.rows, self.columns = torch.tril_indices(n_out, n_out, offset=-1)
        self.net = mlp(n_in, hidden, sum(self.sizes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_diagonal, below = self.net(x).split(self.sizes, dim=1)
        L = torch.diag_embed(log_diagonal.exp())
        L[:, self.rows, self.columns] = below
        return mu, L


# %% [markdown]
# The density of a $k$-dimensional Gaussian gives
#
# $$-\log p = \tfrac12 (y - \mu)^\top \Sigma^{-1} (y - \mu) + \tfrac12 \log \det \Sigma + \tfrac k2 \log 2\pi.$$
#
# With $\Sigma = LL^\top$ both hard parts become easy. Let $z$ solve $L z = y - \mu$, row by row from the top. Then the first term is $\tfrac12 \|z\|^2$. The determinant of a triangular matrix is the product of its diagonal, so the second is $\sum_i \log L_{ii}$:
#
# $$-\log p = \tfrac12 \|z\|^2 + \sum_i \log L_{ii} + \tfrac k2 \log 2\pi.$$
#
# It is the loss of one y again, with $z$ for the standardised residual and $L_{ii}$ for σ.

# %%
def full_nll(y, mu, L):
    """−log N(y; mu, L Lᵀ) of each row, (n,), in nats."""
    z = torch.linalg.solve_triangular(L, (y - mu)[:, :, None], upper=False)[:, :, 0]
    log_diagonal = L.diagonal(dim1=1, dim2=2).log()
    return 0.5 * (z**2).sum(1) + log_diagonal.sum(1) + y.shape[1] / 2 * math.log(2 * math.pi)


torch.manual_seed(0)
full = FullCovarianceRegressor()
mu, L = full(x_pair)
reference = -MultivariateNormal(mu, scale_tril=L).log_prob(y_pair)
torch.testing.assert_close(full_nll(y_pair, mu, L), reference)

# %%
torch.manual_seed(0)
diagonal = HeteroscedasticRegressor(n_out=2)
options = {"steps": 300, "lr": 0.01, "batch_size": 500, "decay": True}
fit(diagonal, mean_nll, x_pair, y_pair, **options)
fit(full, lambda model, x, y: full_nll(y, *model(x)).mean(), x_pair, y_pair, **options)

with torch.no_grad():
    _, L = full(grid)
covariance = L @ L.mT
rho = covariance[:, 0, 1] / torch.sqrt(covariance[:, 0, 0] * covariance[:, 1, 1])
error = (rho - 0.3 * grid[:, 0]).square().mean().sqrt().item()
print(f"learned correlation: root mean squared error {error:.2f}, on values from -0.9 to 0.9")
assert error < 0.06


# %%
def label_pair(left, right):
    """Name what the next figure shows."""
    left.annotate("true: 0.3 x (dashed)", (-1.2, -0.62), color=TRUTH)
    left.annotate("learned", (-1.4, 0.0), color=MEAN)
    right.annotate("diagonal", (-0.6, 1.6), color=WRONG)
    right.annotate("full", (0.45, -0.75), color="#555555")
    right.set(xlabel="error of the first y", ylabel="error of the second y",
              title="Near x = 2.5: one ellipse fits")


# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
left.plot(grid, 0.3 * grid, color=TRUTH, linestyle="--")
left.plot(grid, rho, color=MEAN)
left.set(xlabel="x", ylabel="correlation of the two errors", title="The correlation is recovered")
near = (x_pair[:, 0] - 2.5).abs() < 0.15
right.scatter(*errors[near].T, color=DATA, s=9, alpha=0.6, linewidths=0)
angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
circle = math.sqrt(-2 * math.log(0.05)) * torch.stack([angle.cos(), angle.sin()])
with torch.no_grad():
    at = torch.full((1, 1), 2.5, dtype=torch.float64)
    right.fill(*(full(at)[1][0] @ circle), color=ALEATORIC, alpha=0.3)
    right.plot(*(predict(diagonal, at)[1][0][:, None] * circle), color=WRONG)
label_pair(left, right)
show(fig, alt="Left: learned correlation on the true line from -0.9 to 0.9. Right: errors near "
     "x = 2.5, a tilted cloud; the full model's ellipse follows it, the diagonal one does not.")

# %% [markdown]
# The circle of radius $\sqrt{-2 \log 0.05} = 2.45$ holds 95 % of a standard Gaussian in two dimensions; $L$ turns it into the ellipse.
#
# What does ignoring the correlation cost? Both models may have perfect means and variances. The NLL then differs by the part of $\tfrac12\log\det\Sigma$ that the diagonal model lacks, $-\tfrac12 \log(1 - \rho^2)$, averaged over x.

# %%
fresh = two_sensors(20_000, seed=1)
with torch.no_grad():
    cost = 2 * mean_nll(diagonal, *fresh) - full_nll(fresh[1], *full(fresh[0])).mean()
predicted = -0.5 * torch.log(1 - (0.3 * WAVE.grid(10_001)) ** 2).mean()
print(f"held-out NLL, diagonal minus full: measured {cost.item():.1f}, predicted "
      f"{predicted.item():.2f} nats per pair")
assert abs(cost - predicted) < 0.04


# %% [markdown]
# `mean_nll` averages over all values, two for each row, hence the factor 2. In training such a factor only rescales the gradient; in a comparison it decides.

# %% [markdown]
# ## Other distributions
#
# "Can it be generalized to learn to predict the parameters of non-gaussian distributions as well?" Yes, and the recipe is the one we used:
#
# 1. choose a distribution that can produce your y;
# 2. give the network one output for each parameter, mapped to where the parameter may lie;
# 3. train with $-\log p(y)$, summed over the data.
#
# Our example is a count: bicycles that pass in ten minutes, by the hour of the day. A Poisson distribution has one parameter, its mean λ > 0. So the network has one output, $\log \lambda$, and the loss is $\lambda - y \log \lambda + \log y!$.

# %%
def bicycles(n, *, seed):
    """The hour h (n, 1), counts (n, 1) and their true mean; about 1 at night, 12 in the afternoon."""
    rng = np.random.default_rng(seed)
    hour = torch.from_numpy(rng.uniform(0, 24, (n, 1)))
    rate = torch.exp(1 + 1.5 * torch.sin((hour - 9) * 2 * math.pi / 24))
    return hour, torch.from_numpy(rng.poisson(rate.numpy()).astype(float)), rate


def poisson_nll(y, log_rate):
    return log_rate.exp() - y * log_rate + torch.lgamma(y + 1)


hour, count, rate = bicycles(2000, seed=0)
reference = -Poisson(rate).log_prob(count)
torch.testing.assert_close(poisson_nll(count, rate.log()), reference)

# %%
scaled = hour / 12 - 1  # inputs near 0 with spread near 1 suit the first weights
torch.manual_seed(0)
counter = mlp(1, (50, 50), 1)
torch.manual_seed(0)
gaussian = HeteroscedasticRegressor()
options = {"steps": 300, "lr": 0.01, "batch_size": 500, "decay": True}
fit(counter, lambda net, x, y: poisson_nll(y, net(x)).mean(), scaled, count, **options)
fit(gaussian, mean_nll, scaled, count, **options)

hours = torch.linspace(0, 24, 200, dtype=torch.float64)[:, None]
true_rate = torch.exp(1 + 1.5 * torch.sin((hours - 9) * 2 * math.pi / 24))
with torch.no_grad():
    learned_rate = counter(hours / 12 - 1).exp()
off = (learned_rate - true_rate).square().mean().sqrt().item()
print(f"learned λ: root mean squared error {off:.1f}, on values from 0.6 to 12.2")
assert off < 0.4

# %%
cdf = Poisson(learned_rate).log_prob(torch.arange(40)).exp().cumsum(dim=1)
low_poisson, high_poisson = ((cdf < level).sum(dim=1) for level in (0.025, 0.975))
mu, sigma = predict(gaussian, hours / 12 - 1)

fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.4))
for ax, title in zip(axes, ("Gaussian: negative counts allowed", "Poisson: counts only")):
    ax.scatter(hour[:400], count[:400], color=DATA, s=9, alpha=0.5, linewidths=0)
    ax.plot(hours, true_rate, color=TRUTH, linestyle="--")
    ax.set(title=title, xlabel="hour of the day", xticks=range(0, 25, 6))
axes[0].set_ylabel("bicycles in ten minutes")
plot_fit(axes[0], hours, mu, sigma, band_color=WRONG)
axes[0].axhline(0, color=TRUTH, linewidth=1)
axes[1].fill_between(hours[:, 0], low_poisson, high_poisson, color=ALEATORIC, alpha=0.3, step="mid")
axes[1].plot(hours, learned_rate, color=MEAN)
show(fig, alt="Counts against the hour, few at night, many in the afternoon. Left, the Gaussian "
     "band reaches below zero at night. Right, the Poisson band has steps and ends at zero.")

# %% [markdown]
# The Gaussian has two outputs and needs them; the Poisson network has one, because a Poisson's variance *is* its mean. Assumptions that are true save data.
#
# A density and a probability cannot be compared as they stand. We give the Gaussian credit for the whole unit around each count, $\Phi\!\left(\frac{y + ½ - \mu}{\sigma}\right) - \Phi\!\left(\frac{y - ½ - \mu}{\sigma}\right)$, and compare on fresh counts.

# %%
hour_new, count_new, rate_new = bicycles(20_000, seed=1)
scaled_new = hour_new / 12 - 1
model = Normal(*predict(gaussian, scaled_new))
with torch.no_grad():
    of_poisson = poisson_nll(count_new, counter(scaled_new)).mean().item()
of_gaussian = -(model.cdf(count_new + 0.5) - model.cdf(count_new - 0.5)).log().mean().item()
of_truth = -Poisson(rate_new).log_prob(count_new).mean().item()
lower, _ = interval(model.mean, model.stddev)

print(f"nats per count: truth {of_truth:.2f}, Poisson {of_poisson:.2f}, Gaussian {of_gaussian:.2f}")
print(f"the Gaussian interval reaches below 0 at {(lower < 0).double().mean().item():.1f} of hours")
assert of_truth < of_poisson < of_gaussian - 0.03 and (lower < 0).double().mean() > 0.3

# %% [markdown]
# If your counts vary more than a Poisson allows, take two outputs and a negative binomial. A positive quantity, such as a price, suits a log-normal or a Gamma; exercise 04-3 is the first of these. Each of these stands in `torch.distributions`, so that `-log_prob(y).mean()` is the loss.

# %% [markdown]
# ## The lab
#
# The first slider moves the noise from the middle to the edges. Watch σ(x) follow, with no σ in the data. Then lower n to 30 and see the variance overfit. Raise the learning rate until the loss curve breaks, and find the largest that does not.

# %%
lab = LABS["04"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"I just pick a weight and say 'this is the variance'?"** The answer says "Not a weight, an output of the model"; a comment below the question says "a single learnable weight". Both are right, each for its model. Set the last layer's weights for log σ² to zero: what is left of this output is its bias, one weight, the same for every x.

# %%
torch.manual_seed(0)
tied = HeteroscedasticRegressor()
with torch.no_grad():
    tied.net[-1].weight[1].zero_()
    _, log_var = tied(x)
assert (log_var == tied.net[-1].bias[1]).all()

# %% [markdown]
# **Log σ or log σ²?** The answer proposes $\gamma = \log \sigma$, we use $s = 2\gamma$. The models are the same; the gradient with respect to γ is twice as long.
#
# **"The two terms are going to compete."** They do, now at each x. Notebook 02 showed that this competition measures the noise, as long as σ is free. Here it is free as a function.

# %% [markdown]
# **"Let model learn which samples are harder"** is how the torch.js documentation explains its use for robust regression. Half true. The model learns at which *x* samples are harder. A single outlier among quiet neighbours keeps their small σ, and pushes μ with $1/\sigma^2$.
#
# **"This loss models aleatoric (data) uncertainty, not epistemic (model) uncertainty"**, says the same page. The figure of the closing band confirms it.

# %% [markdown]
# ## Exercises
#
# **04-1 (predict).** A colleague measures the same y in millimetres instead of centimetres, so that every number is 10 times larger. Her network fits as well as yours, with the same relative σ. By how much does its mean NLL, in nats per point, exceed yours?

# %%
difference = ...
check("04-1", difference)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# In $\frac{(y - \mu)^2}{2\sigma^2} + \log\sigma + \tfrac12\log 2\pi$, which terms change when y, μ and σ are all multiplied by 10?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The first term is a ratio and stays. What is $\log(10\,\sigma) - \log\sigma$?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# difference = math.log(10)  # 2.303: compare NLLs only in the same unit of y
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
# **04-3 (code).** A price y > 0 is **log-normal** if $\log y$ is Gaussian, with mean μ and variance exp(`log_var`). Write its negative log-density at each y, shape (n, 1), in nats and with all constants. The density of y is that of $\log y$ times the derivative of $\log y$.

# %%
def lognormal_nll(y, mu, log_var):
    ...


check("04-3", lognormal_nll)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Start from `gaussian_nll` at $\log y$ in place of y.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The derivative of $\log y$ is $1/y$. It multiplies the density; what does it add to the negative logarithm?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def lognormal_nll(y, mu, log_var):
#     return gaussian_nll(y.log(), mu, log_var) + y.log()
# ```
#
# </details>

# %% [markdown]
# **04-4 (code).** Coverage by region, for any interval of x: the fraction of points with `low` ≤ x < `high` whose y lies inside its 95 % interval. All four tensors are (n, 1); `sigma` is a standard deviation. Return a number.

# %%
def coverage_between(x, y, mu, sigma, low, high):
    ...


check("04-4", coverage_between)

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
# - A second output for log σ²(x), trained with the Gaussian NLL, learns heteroscedastic noise. Its targets are the squared residuals nearby.
# - A 95 % interval is μ ± 1.96 σ. Test its coverage by region: the one-σ model is right on average, 1.00 in the middle and 0.83 at the edges.
# - Few data let σ shrink: training NLL down, held-out NLL up, coverage short.
# - Several y need the Cholesky factor of their covariance; counts need another distribution. The recipe stays: outputs are parameters, the loss is $-\log p$.
# - Beyond the data σ(x) is a habit of the network.

# %% [markdown]
# **Next.** Can a prior keep the variance in check? That is the promise of `05_variational_regression`; the doubt about μ itself is `06_bayes_by_backprop`.
#
# **Further reading.** D. Nix & A. Weigend (1994), "Estimating the mean and variance of the target probability distribution"; A. Kendall & Y. Gal (2017), "What uncertainties do we need in Bayesian deep learning for computer vision?", section 3; P. Williams (1996), "Using neural networks to model conditional multivariate densities"; Goodfellow, Bengio & Courville (2016), section 6.2.2; Cross Validated question 564809, its answer and comments; Cross Validated answer 562735.
