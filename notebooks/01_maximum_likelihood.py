# %% [markdown]
# # 01 · Maximum likelihood
#
# **The question.** Why do we fit a network by minimising the *squared* error, and what do we assume when we do?
#
# ![1,000 grey points around a dashed rising line. At three places a bell is drawn on its side, and a dot marks its centre on the line; points are dense at the height of its peak.](images/01.png)
#
# **You will be able to**
#
# - derive the Gaussian loss of a whole data set from the density of one value;
# - say which terms may be dropped, and when σ may not;
# - explain why we add logs, and why the loss may be negative.
#
# **You need** logarithms, derivatives, probabilities of independent events, and a little PyTorch.
#
# **Time.** About 60 minutes; the notebook runs in about 9 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch.distributions import Laplace, Normal
from torch.nn import functional as F

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE
from course_utils.labs import LABS
from course_utils.models import mlp
from course_utils.plots import (
    ALEATORIC, DATA, MEAN, plot_data, plot_truth, show, use_course_style,
)

use_course_style()

# %% [markdown]
# ## A bell at every x
#
# [Cross Validated question 564809](https://stats.stackexchange.com/questions/564809) asks how a neural network can learn the variance of its Gaussian model. It begins with 10,000 points on the line $y = 2.3\,x + 1.7$, with x between −3 and 3 and noise of standard deviation σ = 1.
#
# A line alone cannot have produced these points: it gives one y for each x. A model that can: at each x, y is drawn from a Gaussian, a bell whose centre $\mu(x) = 2.3\,x + 1.7$ lies on the line: $y \sim \mathcal N(\mu(x), \sigma^2)$ with σ = 1.

# %%
x, y = LINE.sample(10_000, seed=0)
heights = torch.linspace(-4, 4, 200, dtype=torch.float64)
bell = Normal(0, 1).log_prob(heights).exp()

fig, ax = plt.subplots()
plot_data(ax, x, y)
plot_truth(ax, LINE, band=False)
for place in (-2.5, -0.5, 1.5):
    centre = 2.3 * place + 1.7
    ax.fill_betweenx(centre + heights, place, place + bell, color=ALEATORIC, alpha=0.6)
    ax.plot([place, place + bell.max()], [centre, centre], color=ALEATORIC, linewidth=1)
    ax.plot(place, centre, "o", color="black", markersize=5)
ax.annotate("the line: each bell's centre", (-0.5, 0.55), (-2.6, 7), arrowprops={"arrowstyle": "-"})
ax.set_title("A model that can produce these points: a line of bells")
show(fig, alt="1,000 grey points around a dashed rising line. At three places a bell is drawn on "
     "its side, and a dot marks its centre on the line; points are dense at the height of its peak.")


# %% [markdown]
# ## One value: its density
#
# How well does this model explain one y? The [**density**](00_start_here.ipynb#Glossary) $p(y)$ says how much probability lies near y, per unit of y. For a Gaussian (first equation of [answer 562735](https://stats.stackexchange.com/a/562735) on Cross Validated, which derives the loss of a similar question, 521091):
#
# $$p(y; \mu, \sigma) = \frac{1}{\sigma\sqrt{2\pi}}\; e^{-\frac12\left(\frac{y - \mu}{\sigma}\right)^2}.$$
#
# Read as a function of y, with μ and σ given, $p$ is a density. Read as a function of μ and σ, with y given, the same number is called the [**likelihood**](00_start_here.ipynb#Glossary): how well these parameters explain what was seen. It is not the probability that they are right.

# %%
def density(y, mu, sigma):
    return torch.exp(-0.5 * ((y - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


mu, sigma = LINE.truth(x)
torch.testing.assert_close(density(y, mu, sigma), Normal(mu, sigma).log_prob(y).exp())

# %% [markdown]
# ## A density may exceed 1
#
# A probability is an *area* under the density: height times width. A bell with σ = 0.1 is narrow, so it must be tall for its area to be 1.

# %%
around = torch.linspace(-3, 3, 1201, dtype=torch.float64)
for s in (1.0, 0.4, 0.1):
    bell = density(around, 0.0, s)
    area = torch.trapezoid(bell, around).item()
    print(f"σ = {s:.1f}: peak {bell.max():.2f}, area {area:.2f}")
    assert abs(area - 1) < 0.005

# %% [markdown]
# ## A data set: a product
#
# The noise of one point says nothing about that of another: the points are *independent*, given x, and their densities multiply: $p(y_1, \dots, y_n) = \prod_{i=1}^{n} p(y_i; \mu_i, \sigma)$. [**Maximum likelihood**](00_start_here.ipynb#Glossary) chooses the parameters for which this product is largest.
#
# We have 10,000 factors. The largest is 0.399, the peak of the bell; a typical one is 0.24. The smallest positive number that a float64 can hold is about $5 \cdot 10^{-324}$.

# %%
p = density(y, mu, sigma)
assert math.nextafter(0.0, 1.0) == 5e-324
print(f"largest density {p.max():.3f}, typical (geometric mean) {p.log().mean().exp():.2f}")

# %% [markdown]
# ## Predict
#
# We multiply the densities one after the other, under the true line and the true σ.
#
# **Guess 01-a.** After how many of the 10,000 points is the product exactly 0.0 in the computer?

# %%
guess("01-a", ...)

# %%
product = p[:, 0].cumprod(0)  # product[i] is p[0] · p[1] · … · p[i]
first_zero = (product > 0).sum().item() + 1
assert product[-1] == 0.0 and 450 < first_zero < 600
assert abs((p[:, 0].float().cumprod(0) > 0).sum().item() + 1 - 73) <= 1  # in float32
measured("01-a", first_zero, "points until 0.0")

# %% [markdown]
# Point 521 is enough: the product has fallen below that number. This is **underflow**. In float32, PyTorch's default, point 73 is enough. From there on all lines look alike:

# %%
for words, line in (("the true line", mu), ("a flat line", torch.full_like(mu, 1.7))):
    likelihood = density(y, line, sigma).prod().item()
    logs = Normal(line, sigma).log_prob(y).sum().item()
    print(f"{words:13}   product {likelihood}   sum of logs {logs:9,.0f}")

# %% [markdown]
# The logarithm rescues us. It turns a product into a sum, $\log \prod_i p_i = \sum_i \log p_i$, and it increases, so whatever makes one largest makes the other largest too. The true product is about $10^{-6130}$:

# %%
assert round(p.log().sum().item() / math.log(10)) == -6130


# %% [markdown]
# ## From the density to the loss
#
# We take the logarithm of one density, as answer 562735 does, then add up the points. That is the formula from which the question starts (Goodfellow, Bengio & Courville 2016, [*Deep Learning*](https://www.deeplearningbook.org/contents/ml.html), section 5.5.1). The logarithm is the natural one; its unit is the [**nat**](00_start_here.ipynb#Glossary).
#
# **Step 1: the log of a product.** The density is a product of two factors, and $\log(ab) = \log a + \log b$:
#
# $$\log p = \log\left[\frac{1}{\sigma\sqrt{2\pi}}\right] + \log\left[e^{-\frac12\left(\frac{y-\mu}{\sigma}\right)^2}\right].$$
#
# **Step 2: log undoes exp.** Because $\log e^z = z$, the second bracket is $-(y-\mu)^2 / (2\sigma^2)$.

# %% [markdown]
# **Step 3: the factor in front.** With $\log \frac1c = -\log c$, then $\log(ab)$ again, then $\log\sqrt c = \frac12 \log c$, the first bracket is $-\log\sigma - \frac12\log 2\pi$. The log-density of one value has three terms:
#
# $$\log p(y; \mu, \sigma) = -\log\sigma - \tfrac12\log 2\pi - \frac{(y-\mu)^2}{2\sigma^2}.$$

# %% [markdown]
# **Step 4: n points.** By independence the log-densities add up. There is one σ for all points, so the first two terms are the same n times over:
#
# $$\boxed{\;\log p(y_1, \dots, y_n) = -n\log\sigma - \frac n2\log 2\pi - \sum_{i=1}^n \frac{(y_i - \mu_i)^2}{2\sigma^2}\;}$$

# %%
def log_likelihood(y, mu, sigma):
    """The boxed formula, for one number sigma; in nats."""
    n = len(y)
    errors = (y - mu) ** 2
    return -n * math.log(sigma) - n / 2 * math.log(2 * math.pi) - errors.sum() / (2 * sigma**2)


for s in (0.5, 1.0, 3.0):
    torch.testing.assert_close(log_likelihood(y, mu, s), Normal(mu, s).log_prob(y).sum())


# %% [markdown]
# **Step 5: the minus sign.** Optimisers minimise. The [**NLL**](00_start_here.ipynb#Glossary), the negative log-likelihood, is smallest where the likelihood is largest.
#
# **Step 6: the mean.** Divide by n, a positive number that moves no minimum. The loss then has one size for any batch:
#
# $$\frac{\text{NLL}}{n} = \log\sigma + \tfrac12\log 2\pi + \frac{\text{MSE}}{2\sigma^2}, \qquad \text{MSE} = \frac1n\sum_{i=1}^n (y_i - \mu_i)^2.$$
#
# **Step 7: σ or σ².** As σ is positive, $\log\sigma = \frac12\log\sigma^2$, and one value costs $\frac12\left[\log\sigma^2 + (y-\mu)^2 / \sigma^2\right] + \frac12\log 2\pi$.
#
# Without its last term this is the formula of PyTorch's [GaussianNLLLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html).

# %%
def nll(y, mu, sigma):
    """−log N(y; mu, sigma²) of each value, in nats."""
    return torch.log(sigma) + 0.5 * math.log(2 * math.pi) + (y - mu) ** 2 / (2 * sigma**2)


torch.testing.assert_close(nll(y, mu, sigma), -Normal(mu, sigma).log_prob(y))
torch.testing.assert_close(nll(y, mu, sigma).sum(), -log_likelihood(y, mu, 1.0))
pytorch = F.gaussian_nll_loss(mu, y, sigma**2, full=True)  # wants σ², not σ
torch.testing.assert_close(nll(y, mu, sigma).mean(), pytorch)
s = torch.tensor(3.0, dtype=torch.float64)
step_6 = s.log() + 0.5 * math.log(2 * math.pi) + F.mse_loss(mu, y) / (2 * s**2)
torch.testing.assert_close(nll(y, mu, s).mean(), step_6)
print(f"mean NLL of the true line: {pytorch:.3f} nats per point")


# %% [markdown]
# ## What may be dropped?
#
# A term may be dropped if it does not depend on anything we learn: its derivative is 0. A positive factor may be dropped if it multiplies all that is left.
#
# | we learn | $\frac12\log 2\pi$ | $\log\sigma$ | $\frac{1}{2\sigma^2}$ | what is left |
# |---|---|---|---|---|
# | μ, with σ fixed | drop | drop | drop | MSE |
# | μ and σ | drop | **keep** | **keep** | $\log\sigma + \frac{\text{MSE}}{2\sigma^2}$ |
# | nothing: we compare models | **keep** | **keep** | **keep** | the full NLL |

# %% [markdown]
# The first row answers our question. **Squared error is the Gaussian NLL with σ held fixed.**
#
# In the second row σ moves: $\log\sigma$ is no constant, and $\frac{1}{2\sigma^2}$ multiplies one of two terms. What if we learn σ and forget $\log\sigma$?

# %%
def without_log_sigma(y, mu, sigma):
    """Wrong if sigma is learned: do not take it home."""
    return (y - mu) ** 2 / (2 * sigma**2)


print("    σ   without log σ    NLL")
for s in (1.0, 10.0, 100.0):
    s = torch.tensor(s, dtype=torch.float64)
    wrong, right = without_log_sigma(y, mu, s).mean(), nll(y, mu, s).mean()
    print(f"{s:5.0f}   {wrong:13.5f}   {right:4.2f}")

# %% [markdown]
# Without $\log\sigma$ the loss falls toward 0 as σ grows: the model that claims to know nothing wins. The term $\log\sigma$ is the price of a wide bell. A wide bell is a low one.
#
# ## Predict
#
# Suppose we assume σ = 4, where the true one is 1, and look for the slope with the smallest NLL. The true slope is 2.3.
#
# **Guess 01-b.** What is the best slope if we assume σ = 4?

# %%
guess("01-b", ...)

# %% [markdown]
# ## The lab
#
# Forty points of the same problem. First find the best slope. Then change σ: what moves in the valley over the slopes, and what stays? Last, leave the line wrong on purpose: which σ does the loss prefer then?

# %%
lab = LABS["01"]()
lab

# %% [markdown]
# ## The minimum does not move
#
# We try 201 slopes, with the intercept 1.7, for four values of σ.

# %%
slopes = torch.linspace(1.3, 3.3, 201, dtype=torch.float64)
sigmas = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
curves = [[nll(y, slope * x + 1.7, s).mean() for slope in slopes] for s in sigmas]
curves = torch.tensor(curves, dtype=torch.float64)  # (4, 201)
best = slopes[curves.argmin(dim=1)]
least_squares = torch.linalg.lstsq(x, y - 1.7).solution.item()
assert len(best.unique()) == 1 and abs(best[0].item() - least_squares) <= 0.005
measured("01-b", round(best[3].item(), 2), "best slope at σ = 4")

# %%
fig, ax = plt.subplots()
ax.axvline(least_squares, color=DATA, linewidth=1)
ax.annotate("least squares", (least_squares, 6.6), (6, 0), textcoords="offset points",
            color="#555555")
for curve, s, best_slope in zip(curves, sigmas, best):
    ax.plot(slopes, curve, color=MEAN)
    ax.plot(best_slope, curve.min(), "o", color=MEAN)
    place = (3.3, curve[-1]) if s > 0.5 else (2.97, 4.7)
    ax.annotate(f"σ = {s:g}", place, (6, -4), textcoords="offset points", color=MEAN)
ax.set(xlabel="slope", ylabel="mean NLL, nats", xlim=(1.25, 3.5), ylim=(1, 7))
ax.set_title(f"Whatever σ we assume, the best slope is {best[0]:.2f}")
show(fig, alt="Four valleys, one for each assumed sigma, with their lowest points on one vertical "
     "line. The smaller sigma, the narrower and steeper the valley.")


# %% [markdown]
# The mean NLL is $\frac{1}{2\sigma^2}\,\text{MSE}$ plus a number. For a fixed σ, a positive multiple plus a constant has its minimum exactly where the MSE has it. That holds for a line, and for any network.
#
# What σ does change is the *steepness* of the valley. For one point the NLL has the slope $-(y - \mu)/\sigma^2$ in μ, and the squared error $-2\,(y - \mu)$. The first is the second times $1/(2\sigma^2)$, and by the chain rule the same holds for the gradient of every weight. We check it for a network, weight by weight.

# %%
def gradient(loss, net):
    """The gradient of the loss with respect to all weights of the net, in one row."""
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, net.parameters())])


torch.manual_seed(0)
net = mlp(1, (50, 50), 1)
of_mse = gradient(F.mse_loss(net(x), y), net)
for s in sigmas:
    of_nll = gradient(nll(y, net(x), s).mean(), net)
    torch.testing.assert_close(of_nll, of_mse / (2 * s**2))
    print(f"σ = {s:3.1f}: gradient of the NLL / of the MSE = {of_nll.norm() / of_mse.norm():.3f}")

# %% [markdown]
# The factor acts like a learning rate: with plain gradient descent, σ = 4 takes steps 16 times smaller than σ = 1, toward the same minimum.
#
# One condition matters: *one* σ for all points. If each point has its own $\sigma_i$, the weight $1/\sigma_i^2$ does not come out of the sum, and the minimum may move (notebook 04).

# %% [markdown]
# ## Predict
#
# Say that y is in metres. We convert y, μ and σ to kilometres: each is divided by 1,000.
#
# **Guess 01-c.** Is the NLL in kilometres "higher" than in metres, "the same", or "lower"?

# %%
guess("01-c", ...)

# %%
metres = nll(y, mu, sigma).mean().item()
kilometres = nll(y / 1000, mu / 1000, sigma / 1000).mean().item()
print(f"mean NLL: {metres:.2f} in metres, {kilometres:.2f} in kilometres")
assert math.isclose(metres - kilometres, math.log(1000))
assert 3.4 < math.sqrt(2 * math.log(1000 / math.sqrt(2 * math.pi))) < 3.5  # density crosses 1
measured("01-c", "lower" if kilometres < metres else "higher", "NLL in kilometres")

# %% [markdown]
# ## A negative loss is no error
#
# The NLL fell by $\log 1000 = 6.91$ and is now negative. In kilometres the bell has σ = 0.001 and a peak near 399. Out to 3.4 σ on both sides its density exceeds 1: nearly all logs are positive. Squared error cannot go below 0; an NLL can.
#
# So a single NLL says little: it depends on the unit of y. The *difference* of two models on the same y does not, because both shift by log 1000. As the rival we take a model that ignores x: the mean of y, and the standard deviation of y.

# %%
flat, spread = y.mean().expand_as(y), y.std().expand_as(y)
gains = []
for unit in (1, 1000):
    rival = nll(y / unit, flat / unit, spread / unit).mean()
    gains.append((rival - nll(y / unit, mu / unit, sigma / unit).mean()).item())
print(f"gain over the rival: {gains[0]:.2f} nats in metres, {gains[1]:.2f} in kilometres")
assert math.isclose(*gains)

# %% [markdown]
# ## A reader asks
#
# **"Where does that loss expression come from? Can it be generalized to … non-gaussian distributions as well?"** (a comment under the answer to question 564809) From the density, by steps 1 to 7; and yes, by the same steps. The **Laplace** density $\frac{1}{2c}\,e^{-|y - \mu|/c}$, with c held fixed, gives the absolute error. Each value above μ then pulls with the same force as each one below, so the best μ is the **median**; squared error pulls in proportion to the distance, and the best μ is the mean. Notebook 11 makes losses of other densities.

# %%
few = torch.tensor([1.0, 2.0, 3.0, 4.0, 40.0], dtype=torch.float64)
mu_try = torch.linspace(0, 40, 4001, dtype=torch.float64)
for name, density_of in (("Gaussian", Normal), ("Laplace", Laplace)):
    losses = -density_of(mu_try, 1.0).log_prob(few[:, None]).mean(dim=0)
    print(f"{name:8} loss of 1, 2, 3, 4, 40 is lowest at μ = {mu_try[losses.argmin()]:.0f}")

# %% [markdown]
# **"This really just looks like the first equation (multiplied by −1 …) and I've already used it above and it doesn't work."** (the asker, about the NLL) It is the boxed formula, and the formula does work. What did not is the number that he put in the place of σ²: notebook 02.

# %% [markdown]
# **And if the noise is not Gaussian?** If it has a variance, least squares still estimates the mean of y given x. Another loss may do so from fewer data.

# %% [markdown]
# ## Exercises
#
# **01-1 (derive).** Two models predict the same 40 points; both hold σ = 4 fixed. Model A has an MSE of 12, model B of 20. How many times as large is A's likelihood of the 40 points?

# %%
times = ...
check("01-1", times)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The log of a ratio is a difference of logs. Which terms of the boxed formula do the two models share?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Per point the NLL differs by (20 − 12) / (2σ²). Multiply by the number of points, then undo the log.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# times = math.exp(40 * (20 - 12) / (2 * 4**2))  # e¹⁰, about 22,000: 0.25 nats a point add up
# ```
#
# </details>

# %% [markdown]
# **01-2 (derive).** You train with the MSE and plain gradient descent, learning rate 0.01. Now you switch to the mean NLL with σ fixed at 10. Which learning rate takes exactly the same steps as before?

# %%
learning_rate = ...
check("01-2", learning_rate)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A step is the learning rate times the gradient. Compare the two gradients.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Step 6: mean NLL = MSE / (2σ²) + a number. The gradient shrinks by that factor; the learning rate has to make up for it.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# learning_rate = 0.01 * 2 * 10**2  # 2.0; Adam rescales its steps and would hardly notice
# ```
#
# </details>

# %% [markdown]
# **01-3 (code).** Write the boxed formula of step 4 for y and mu of shape (n, d), all values independent, with one σ (a tensor of one number) for all of them. Return the log-likelihood of the data set: one number, with its constant. Its gradient by `mu` and by `sigma` is checked too.

# %%
def vector_log_likelihood(y, mu, sigma):
    ...


check("01-3", vector_log_likelihood)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# How many densities are multiplied, if each of n examples holds d independent values?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Where the formula says n, count all the values: `y.numel()`. Use `torch.log(sigma)`, so that σ keeps its gradient.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def vector_log_likelihood(y, mu, sigma):
#     values = y.numel()  # n · d
#     constant = values / 2 * math.log(2 * math.pi)
#     return -values * torch.log(sigma) - constant - ((y - mu) ** 2).sum() / (2 * sigma**2)
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("01")

# %%
guesses("01")

# %% [markdown]
# ## Recap
#
# - We minimise squared error because it is the Gaussian NLL with σ held fixed, and so assume noise of one width: $\frac{\text{MSE}}{2\sigma^2} + \log\sigma + \frac12\log 2\pi$.
# - A fixed σ multiplies the gradient of the MSE by $1/(2\sigma^2)$ and does not move the minimum. If σ is learned, log σ must stay.
# - We add logs: 521 densities multiplied were 0.0.
# - A density may exceed 1, and an NLL be negative; it changes with the unit of y.
#
# **Next.** σ was held fixed. The asker wants to *learn* it, and puts the variance of the predictions in its place: [02 · The variance of predictions](02_variance_of_predictions.ipynb).
#
# **Further reading.**
# - [Answer 562735](https://stats.stackexchange.com/a/562735) on Cross Validated, to question 521091: the loss, from the density.
# - Goodfellow, Bengio & Courville (2016), *Deep Learning*, [section 5.5.1](https://www.deeplearningbook.org/contents/ml.html): maximum likelihood and squared error.
