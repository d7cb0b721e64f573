# %% [markdown]
# # 01 · Maximum likelihood
#
# **The question.** Why do we fit a network by minimising the *squared* error, and what do we assume when we do?
#
# **You will be able to**
#
# - derive the Gaussian loss of a whole data set from the density of one value;
# - say which terms may be dropped, and when σ may not;
# - explain why we add logs, and why the loss may be negative;
# - turn another distribution into a loss.
#
# **You need** logarithms, derivatives, and a little PyTorch.
#
# **Time.** About 45 minutes; the notebook runs in about 5 s.

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch.distributions import Bernoulli, Laplace, Normal, Poisson, StudentT
from torch.nn import functional as F

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE
from course_utils.labs import LABS
from course_utils.models import mlp
from course_utils.plots import (
    ALEATORIC, DATA, MEAN, WRONG, plot_data, plot_truth, show, use_course_style,
)

use_course_style()

# %% [markdown]
# ## A bell at every x
#
# Cross Validated question 564809 begins with 10,000 points on the line $y = 2.3\,x + 1.7$, with x between −3 and 3 and noise of standard deviation σ = 1.
#
# A line alone cannot have produced these points: it gives one y for each x. So we make a model that can. At each x, y is drawn from a Gaussian, a bell whose centre μ lies on the line:
#
# $$y \sim \mathcal N(\mu(x), \sigma^2), \qquad \mu(x) = 2.3\,x + 1.7, \quad \sigma = 1.$$

# %%
x, y = LINE.sample(10_000, seed=0)
heights = torch.linspace(-4, 4, 200, dtype=torch.float64)
bell = Normal(0, 1).log_prob(heights).exp()

fig, ax = plt.subplots()
plot_data(ax, x, y)
plot_truth(ax, LINE, band=False)
for place in (-2.5, -0.5, 1.5):
    centre = 2.3 * place + 1.7
    ax.fill_betweenx(centre + heights, place, place + 2 * bell, color=ALEATORIC, alpha=0.6)
ax.annotate("the line: where the bells are centred", (0.75, 3.5), (-2.4, 8.0),
            arrowprops={"arrowstyle": "-"})
ax.set_title("A model that can produce these points: a line of bells")
show(fig, alt="1,000 grey points around a dashed rising line. At three places a bell is drawn on "
     "its side, with its centre on the line; points are dense at the height of its peak.")


# %% [markdown]
# ## One value: its density
#
# How well does this model explain one y? The [**density**](00_start_here.ipynb#Glossary) $p(y)$ says how much probability lies near y, per unit of y. For a Gaussian (Cross Validated answer 562735, first equation):
#
# $$p(y; \mu, \sigma) = \frac{1}{\sigma\sqrt{2\pi}}\; e^{-\frac12\left(\frac{y - \mu}{\sigma}\right)^2}.$$
#
# The first factor is the height of the peak. The second is 1 at y = μ and falls on both sides.
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
# A probability is an *area* under the density: height times width. A bell with σ = 0.1 is narrow, so it must be tall for its area to be 1. Its peak is $1 / (0.1\sqrt{2\pi}) = 3.99$.

# %%
around = torch.linspace(-3, 3, 1201, dtype=torch.float64)
fig, ax = plt.subplots()
for s, where in ((1.0, (1.1, 0.3)), (0.4, (0.45, 0.75)), (0.1, (0.16, 2.6))):
    bell = density(around, 0.0, s)
    assert abs(torch.trapezoid(bell, around).item() - 1) < 0.005
    ax.plot(around, bell, color=ALEATORIC)
    ax.annotate(f"σ = {s:g}, peak {bell.max():.2f}", where)
ax.axhline(1, color=DATA, linewidth=1)
ax.annotate("density 1", (-2.95, 1.06), color="#555555")
ax.set(xlabel="y − μ", ylabel="density, per unit of y")
ax.set_title("Three bells, each of area 1: the narrow one rises to 4")
show(fig, alt="Three Gaussian densities around 0. The widest stays below one half, the middle one "
     "just touches 1, the narrowest reaches four times that height.")

# %% [markdown]
# ## A data set: a product
#
# The noise of one point says nothing about the noise of another: the points are *independent*, given x. Probabilities of independent events multiply, and so do densities:
#
# $$p(y_1, \dots, y_m) = \prod_{i=1}^{m} p(y_i; \mu_i, \sigma).$$
#
# [**Maximum likelihood**](00_start_here.ipynb#Glossary) chooses the parameters for which this product is largest.
#
# A computer can multiply 10,000 numbers. The largest of ours is 0.399, the peak of the bell; a typical one is 0.24. A float64 can be as small as $5 \cdot 10^{-324}$.

# %%
p = density(y, mu, sigma)
print(f"largest density {p.max():.3f}, typical (geometric mean) {p.log().mean().exp():.2f}")

# %% [markdown]
# ## Predict
#
# We multiply the densities one after the other, under the true line and the true σ. Replace `...` before you run on. A wrong guess costs nothing and is worth more than none.

# %%
guess("01-a", ...)  # after how many of the 10,000 points is the product exactly 0.0

# %%
product = p[:, 0].cumprod(0)  # product[i] is p[0] · p[1] · … · p[i]
first_zero = (product > 0).sum().item() + 1
assert product[-1] == 0.0 and 450 < first_zero < 600
assert abs((p[:, 0].float().cumprod(0) > 0).sum().item() + 1 - 73) <= 1  # in float32
measured("01-a", first_zero, "points until 0.0")

# %% [markdown]
# Point 521 is enough: the product has fallen below the smallest number that float64 can hold. This is **underflow**. In float32, PyTorch's default, point 73 is enough. From there on every line is as good as any other:

# %%
for words, line in (("the true line", mu), ("a flat line", torch.full_like(mu, 1.7))):
    likelihood = density(y, line, sigma).prod().item()
    logs = Normal(line, sigma).log_prob(y).sum().item()
    print(f"{words:13}   product {likelihood}   sum of logs {logs:9,.0f}")

# %% [markdown]
# The logarithm rescues us. It turns a product into a sum,
#
# $$\log \prod_i p_i = \sum_i \log p_i,$$
#
# and it is an increasing function, so whatever makes one of them largest makes the other largest too. The sums of logs are ordinary numbers, and they tell the true line from the flat one. The true product is about $10^{-6130}$.

# %%
assert round(p.log().sum().item() / math.log(10)) == -6130

# %%
n = torch.arange(1, 801)
exact = p[:800, 0].log().cumsum(0) / math.log(10)
fig, ax = plt.subplots()
ax.plot(n, exact, color=MEAN)
ax.plot(n, product[:800].log10(), color=WRONG, linewidth=6, alpha=0.5, zorder=1)  # log 0 = −∞
ax.axhline(math.log10(5e-324), color=DATA, linewidth=1)
ax.annotate("the smallest float64", (20, -352), color="#555555")
ax.annotate("sum of logs", (640, -370), color=MEAN)
ax.annotate(f"the product ends here:\n0.0 from point {first_zero} on", (first_zero, -322),
            (540, -215), color=WRONG, arrowprops={"arrowstyle": "-", "color": WRONG})
ax.set(xlabel="number of points", ylabel="log₁₀ of the likelihood")
ax.set_title("The product of the densities reaches 0.0; the sum of their logs goes on")
show(fig, alt="Both curves fall along one straight line. The product stops where the line meets "
     "the smallest float64; the sum of logs goes on beneath it.")

# %% [markdown]
# ## From the density to the loss
#
# We take the logarithm of one density, then add up the points. These are the steps of Cross Validated answer 562735; together they lead to the first equation of the question (Goodfellow, Bengio & Courville 2016, section 5.5.1). The logarithm is the natural one, and its unit is the [**nat**](00_start_here.ipynb#Glossary).
#
# **Step 1: the log of a product.** The density is a product of two factors, and $\log(ab) = \log a + \log b$:
#
# $$\log p = \log\left[\frac{1}{\sigma\sqrt{2\pi}}\right] + \log\left[e^{-\frac12\left(\frac{y-\mu}{\sigma}\right)^2}\right].$$
#
# **Step 2: log undoes exp.** Because $\log e^z = z$, the second bracket is
#
# $$-\frac12\left(\frac{y-\mu}{\sigma}\right)^2 = -\frac{(y-\mu)^2}{2\sigma^2}.$$

# %% [markdown]
# **Step 3: the factor in front.** With $\log \frac1c = -\log c$, then $\log(ab)$ again, then $\log\sqrt c = \frac12 \log c$:
#
# $$\log\frac{1}{\sigma\sqrt{2\pi}} = -\log\left(\sigma\sqrt{2\pi}\right) = -\log\sigma - \tfrac12\log 2\pi.$$
#
# The log-density of one value has three terms:
#
# $$\log p(y; \mu, \sigma) = -\log\sigma - \tfrac12\log 2\pi - \frac{(y-\mu)^2}{2\sigma^2}.$$
#
# One value in numbers: the model says μ = 1.7 and σ = 2, and we see y = 3.

# %%
terms = [-math.log(2.0), -0.5 * math.log(2 * math.pi), -((3.0 - 1.7) ** 2) / (2 * 2.0**2)]
print(" ".join(f"{term:+.3f}" for term in terms), f"= {sum(terms):.3f} nats")
three, centre, width = torch.tensor([3.0, 1.7, 2.0], dtype=torch.float64)
assert math.isclose(sum(terms), Normal(centre, width).log_prob(three).item())


# %% [markdown]
# **Step 4: m points.** By independence the log-densities add up. There is one σ for all points, so the first two terms are the same m times over:
#
# $$\boxed{\;\log p(y_1, \dots, y_m) = -m\log\sigma - \frac m2\log 2\pi - \sum_{i=1}^m \frac{(y_i - \mu_i)^2}{2\sigma^2}\;}$$
#
# This is the question's first equation; its ŷ is our μ, the output of the network. (The question uses m twice. Here it counts the points; later it is the slope 2.3.)

# %%
def log_likelihood(y, mu, sigma):
    """The question's first equation, for one number sigma; in nats."""
    m = len(y)
    errors = (y - mu) ** 2
    return -m * math.log(sigma) - m / 2 * math.log(2 * math.pi) - errors.sum() / (2 * sigma**2)


for s in (0.5, 1.0, 3.0):
    torch.testing.assert_close(log_likelihood(y, mu, s), Normal(mu, s).log_prob(y).sum())


# %% [markdown]
# **Step 5: the minus sign.** Optimisers minimise. The [**NLL**](00_start_here.ipynb#Glossary), the negative log-likelihood, is smallest where the likelihood is largest.
#
# **Step 6: the mean.** Divide by m, a positive number that moves no minimum. The loss then has the same size for a batch of 500 as for 10,000 points:
#
# $$\frac{\text{NLL}}{m} = \log\sigma + \tfrac12\log 2\pi + \frac{\text{MSE}}{2\sigma^2}, \qquad \text{MSE} = \frac1m\sum_{i=1}^m (y_i - \mu_i)^2.$$
#
# **Step 7: σ or σ².** As σ is positive, $\log\sigma = \frac12\log\sigma^2$, and one value costs
#
# $$\tfrac12\left[\log\sigma^2 + \frac{(y-\mu)^2}{\sigma^2}\right] + \tfrac12\log 2\pi.$$
#
# Without its last term this is PyTorch's formula, and the last one of answer 562735.

# %%
def nll(y, mu, sigma):
    """−log N(y; mu, sigma²) of each value, in nats."""
    return torch.log(sigma) + 0.5 * math.log(2 * math.pi) + (y - mu) ** 2 / (2 * sigma**2)


torch.testing.assert_close(nll(y, mu, sigma), -Normal(mu, sigma).log_prob(y))
torch.testing.assert_close(nll(y, mu, sigma).sum(), -log_likelihood(y, mu, 1.0))
pytorch = F.gaussian_nll_loss(mu, y, sigma**2, full=True)  # wants σ², not σ
torch.testing.assert_close(nll(y, mu, sigma).mean(), pytorch)
print(f"mean NLL of the true line: {pytorch:.3f} nats per point")

# %% [markdown]
# So $m\log\sigma$, $\log\sigma$, $\frac12\log\sigma^2$ and the asker's $-\frac12\log(\text{precision})$ are one term in four spellings. The first belongs to a sum over m points, the others to one point or to a mean; the [**precision**](00_start_here.ipynb#Glossary) is $1/\sigma^2$. The asker's code spells it correctly. His mistake is the number that he puts in the place of σ²: notebook 02.

# %%
s = torch.tensor(3.0, dtype=torch.float64)
m = len(y)
spellings = [m * s.log() / m, s.log(), 0.5 * (s**2).log(), -0.5 * (1 / s**2).log()]
for spelling in spellings:
    torch.testing.assert_close(spelling, spellings[0])

step_6 = s.log() + 0.5 * math.log(2 * math.pi) + F.mse_loss(mu, y) / (2 * s**2)
torch.testing.assert_close(nll(y, mu, s).mean(), step_6)


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
# The first row answers our question. Squared error is the Gaussian NLL with σ held fixed. Fixed at which value? We come to that. In the last row $\frac12\log 2\pi$ counts as soon as one of the models is not Gaussian.
#
# What if we learn σ and forget $\log\sigma$?

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
# The true σ is 1. Suppose we do not know that, assume σ = 4, and look for the slope with the smallest NLL. The true slope is 2.3.

# %%
guess("01-b", ...)  # the best slope if we assume σ = 4

# %% [markdown]
# ## The minimum does not move
#
# We try 201 slopes from 1.3 to 3.3, with the intercept 1.7, for four values of σ, and compute the full NLL each time.

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
# What σ does change is the *steepness* of the valley. For each point
#
# $$\frac{\partial\, \text{NLL}}{\partial \mu} = -\frac{y - \mu}{\sigma^2},$$
#
# so the gradient of every weight is scaled by $1/\sigma^2$. We check a network of the question's size, weight by weight.

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
# The factor acts like a learning rate: with plain gradient descent, σ = 4 takes steps 16 times smaller than σ = 1, toward the same minimum. Goodfellow's section 5.5.1 says it so: the two criteria differ in value, and agree on where the optimum lies.
#
# One condition matters: *one* σ for all points. If each point has its own $\sigma_i$, then $1/\sigma_i^2$ is a weight for each point, it no longer comes out of the sum as a factor, and the minimum may move. Notebooks 04 and 07 meet that case.

# %% [markdown]
# ## Predict
#
# Say that y is in metres. We convert y, μ and σ to kilometres, so that each is divided by 1,000. It is the same line through the same points.

# %%
guess("01-c", ...)  # the NLL in kilometres, compared with metres: "higher", "the same", "lower"

# %%
metres = nll(y, mu, sigma).mean().item()
kilometres = nll(y / 1000, mu / 1000, sigma / 1000).mean().item()
print(f"mean NLL: {metres:.2f} in metres, {kilometres:.2f} in kilometres")
assert math.isclose(metres - kilometres, math.log(1000))
measured("01-c", "lower" if kilometres < metres else "higher", "NLL in kilometres")

# %% [markdown]
# ## A negative loss is no error
#
# The NLL fell by $\log 1000 = 6.91$ and is now negative. In kilometres the bell has σ = 0.001 and a peak near 399: its densities exceed 1, so their logs are positive and the NLL is negative. Squared error cannot go below 0; an NLL can, and nothing is wrong with it.
#
# The product fares no better than before. In metres it underflows to 0. In kilometres it overflows:

# %%
p_kilometres = density(y / 1000, mu / 1000, sigma / 1000)[:, 0]
print(f"product in metres {p.prod().item()}, in kilometres {p_kilometres.prod().item()}")
assert p.prod() == 0 and p_kilometres.prod() == math.inf


# %% [markdown]
# So a single NLL says little: it depends on the unit of y. The *difference* of two models on the same y does not, because both shift by log 1000. As the rival we take a model that ignores x: the mean of y, and the standard deviation of y.

# %%
def gain(unit):
    """How much lower the NLL of the true line is than that of a model that ignores x."""
    flat, spread = y.mean().expand_as(y), y.std().expand_as(y)
    rival = nll(y / unit, flat / unit, spread / unit).mean()
    return (rival - nll(y / unit, mu / unit, sigma / unit).mean()).item()


print(f"gain over the rival: {gain(1):.2f} nats in metres, {gain(1000):.2f} nats in kilometres")
assert math.isclose(gain(1), gain(1000))


# %% [markdown]
# ## Other bells, other losses
#
# Nothing in the steps needs a Gaussian. Write a density, take its log, flip the sign: that is the loss. The **Laplace** density has a sharp peak and heavier tails:
#
# $$p(y; \mu, b) = \frac{1}{2b}\,e^{-|y - \mu|/b} \quad\Longrightarrow\quad -\log p = \frac{|y - \mu|}{b} + \log 2b.$$
#
# With b held fixed, what is left is the absolute error; its mean is the **MAE**. If b is learned too, $\log 2b$ has to stay.

# %%
def laplace_nll(y, mu, b):
    return (y - mu).abs() / b + torch.log(2 * b)


b = torch.tensor(0.7, dtype=torch.float64)
torch.testing.assert_close(laplace_nll(y, mu, b), -Laplace(mu, b).log_prob(y))

# %% [markdown]
# | density of y | its NLL, without what μ does not touch | known as | best constant μ |
# |---|---|---|---|
# | Gaussian | $(y-\mu)^2 / 2\sigma^2$ | squared error, MSE | mean |
# | Laplace | $\lvert y-\mu\rvert / b$ | absolute error, MAE | median |
# | Student-t | $\frac{\nu+1}{2}\log\left(1 + \frac{(y-\mu)^2}{\nu s^2}\right)$ | robust loss | far points hardly count |
# | Huber's, $r = y-\mu$ | $r^2/2$, beyond δ $\delta\lvert r\rvert-\delta^2/2$ | Huber loss | mean for large δ, median for small δ |
# | Bernoulli | $-y\log\mu - (1-y)\log(1-\mu)$ | cross-entropy | share of ones |
# | Poisson | $\mu - y\log\mu$ | Poisson loss | mean |

# %% [markdown]
# In the last two rows y is 0 or 1, and a count. The check: a loss may differ from its NLL by a constant only, whatever μ is.

# %%
mu_try = torch.linspace(0.5, 8, 76, dtype=torch.float64)
share, one, three = mu_try / 10, torch.ones_like(mu_try), torch.full_like(mu_try, 3.0)
each = {"reduction": "none"}
pairs = {
    "Gaussian": (Normal(mu_try, 1), three, F.mse_loss(mu_try, three, **each) / 2),
    "Laplace": (Laplace(mu_try, 1), three, F.l1_loss(mu_try, three, **each)),
    "Student-t": (StudentT(4, mu_try, 1), three, 2.5 * torch.log(1 + (three - mu_try) ** 2 / 4)),
    "Bernoulli": (Bernoulli(share), one, F.binary_cross_entropy(share, one, **each)),
    "Poisson": (Poisson(mu_try), three, F.poisson_nll_loss(mu_try.log(), three, **each)),
}
for name, (distribution, seen, loss) in pairs.items():
    rest = -distribution.log_prob(seen) - loss
    assert rest.max() - rest.min() < 1e-12, name

# %% [markdown]
# Huber's is not in `torch.distributions`. Turn it round: $e^{-\text{loss}}$ is a density once it is divided by its area, and the area is finite. Any loss of the error whose $e^{-\text{loss}}$ has a finite area is the NLL of *some* noise.

# %%
r = torch.linspace(-40, 40, 80_001, dtype=torch.float64)
bell_with_tails = torch.exp(-F.huber_loss(r, torch.zeros_like(r), delta=1.0, reduction="none"))
area = torch.trapezoid(bell_with_tails, r).item()
closed_form = math.sqrt(2 * math.pi) * math.erf(1 / math.sqrt(2)) + 2 * math.exp(-0.5)
assert abs(area - closed_form) < 1e-6
print(f"area under exp(−Huber loss), δ = 1: {area:.3f}")

# %% [markdown]
# ## Mean or median?
#
# Nine trips to work, in minutes; on the last day the train broke down. Which single number μ describes them? We try every μ from 15 to 60 minutes, under three densities.
#
# For the absolute error, each trip longer than μ pulls μ up with force $1/b$, each shorter one pulls it down with the same force. They balance when as many lie above as below: at the **median**, however far the far ones are. In the squared error the pull is $(y - \mu)/\sigma^2$, and it grows with distance.

# %%
minutes = torch.tensor([21.0, 22, 23, 24, 25, 26, 27, 28, 130]).double()
mu_try = torch.linspace(15, 60, 4501, dtype=torch.float64)
bells = {"Gaussian": Normal(mu_try, 10.0), "Laplace": Laplace(mu_try, 10.0),
         "Student-t, ν = 2": StudentT(2.0, mu_try, 3.0)}
trips = {name: -bell.log_prob(minutes[:, None]).mean(dim=0) for name, bell in bells.items()}
lowest = {name: mu_try[curve.argmin()].item() for name, curve in trips.items()}

assert abs(lowest["Gaussian"] - minutes.mean().item()) <= 0.005
assert abs(lowest["Laplace"] - minutes.median().item()) <= 0.005
for words, some in (("all nine trips", minutes), ("without the last", minutes[:-1])):
    print(f"{words:16}   mean {some.mean():.1f}   median {some.quantile(0.5):.1f} minutes")

# %%
fig, axes = plt.subplots(1, 3, figsize=(7.5, 3.0), sharex=True)
for ax, (name, curve) in zip(axes, trips.items()):
    ax.plot(mu_try, curve, color=MEAN)
    ax.plot(lowest[name], curve.min(), "o", color=MEAN)
    ax.plot(minutes, torch.zeros(9), "|", color=DATA, markersize=14,
            transform=ax.get_xaxis_transform())
    ax.annotate("130 →", (59, 0.02), xycoords=("data", "axes fraction"), ha="right", color="#555555")
    ax.margins(y=0.2)
    ax.set(xlabel="μ, minutes", xlim=(15, 60))
    ax.set_title(f"{name}\nbest μ = {lowest[name]:.1f}", fontsize=10.5)
axes[0].set_ylabel("mean NLL, nats")
finding = "One late train moves the mean by 12 minutes, the median by half a minute"
fig.suptitle(finding, x=0.01, ha="left", fontsize=11.5)
show(fig, alt="Three curves of the loss against mu, over ticks for the trips. The Gaussian's "
     "minimum lies right of all ordinary trips; those of Laplace and Student-t lie among them.")

# %% [markdown]
# The other entries in the last column of the table, on the same trips:

# %%
trip, mu_for_each = torch.broadcast_tensors(minutes[:, None], mu_try)
for delta, centre in ((1000.0, minutes.mean()), (0.01, minutes.median())):
    huber = F.huber_loss(mu_for_each, trip, delta=delta, reduction="none").mean(dim=0)
    assert abs(mu_try[huber.argmin()] - centre) <= 0.005

poisson = -Poisson(mu_try).log_prob(trip).mean(dim=0)
assert abs(mu_try[poisson.argmin()] - minutes.mean()) <= 0.005

long = (minutes > 26).double()  # 1 for a trip of more than 26 minutes: three of nine
shares = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
bernoulli = -Bernoulli(shares).log_prob(long[:, None]).mean(dim=0)
assert abs(shares[bernoulli.argmin()] - long.mean()) <= 0.0005

# %% [markdown]
# The Gaussian's 36.2 minutes is a trip that never happened: eight were shorter than 29, one took 130. Neither answer is wrong. The mean is what we need to plan the minutes of a whole year, the median to plan a usual day.
#
# That is what a choice of loss is: a statement about the noise. Squared error says that errors follow a bell of one width, so a miss of five σ practically does not occur, and a model must bend toward a point that far away.

# %% [markdown]
# ## The lab
#
# Forty points of the same problem. Slide the slope, the intercept and σ, and watch the loss. First find the best slope. Then change σ: the valley over the slopes gets flatter or steeper, and its lowest point stays. Last, leave the line wrong on purpose and see which σ the loss prefers then.

# %%
lab = LABS["01"]()
lab


# %% [markdown]
# ## A reader asks
#
# **"Where does that loss expression come from? Can it be generalized to … non-gaussian distributions as well?"** (a comment under the answer) From the density, by steps 1 to 7; and yes, by the same steps. Notebook 04 trains one.
#
# **"This really just looks like the first equation (multiplied by −1 …) and I've already used it above and it doesn't work."** It is the first equation, divided by m as well, and his code for it is right. The number he gives it as σ² is not the variance of any noise.

# %% [markdown]
# **Why the double bars, $\lVert \hat y - y \rVert^2$?** With one number per example they are an absolute value. With d numbers per example, other terms must change too: exercise 01-3.
#
# **Must y be Gaussian?** No: y *given x*. Our y spreads along the whole line, and its histogram is no bell; the errors $y - \mu(x)$ are.
#
# **And if the noise is not Gaussian?** Least squares still estimates the mean of y given x. It is then no longer the maximum likelihood, and another loss may get more out of the same data.

# %%
def excess_kurtosis(values):
    """0 for a Gaussian, −1.2 for a uniform distribution."""
    z = (values - values.mean()) / values.std(correction=0)
    return ((z**4).mean() - 3).item()


print(f"excess kurtosis: y {excess_kurtosis(y):.1f}, y − μ {abs(excess_kurtosis(y - mu)):.1f}")
assert excess_kurtosis(y) < -0.8 and abs(excess_kurtosis(y - mu)) < 0.15

# %% [markdown]
# **Three slips in answer 562735**, none of which harms its result. Its last sum runs from $i = 0$ to $|D|$, one term too many. Its $\log\sigma(x_i)^2$ means $\log(\sigma^2)$, not $(\log\sigma)^2$. And with σ fixed what is left is "standard MSE" only up to the sign and the factor $1/(2\sigma^2)$, which step 6 keeps.

# %% [markdown]
# ## Exercises
#
# **01-1 (predict).** A model has a mean NLL of 2.5 nats with y in metres. A colleague evaluates it with y in *centimetres*. What does she get?

# %%
nll_in_centimetres = ...
check("01-1", nll_in_centimetres)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# In centimetres the numbers spread wider. Is the bell then higher or lower?
#
# </details>
# <details><summary>Hint 2</summary>
#
# σ becomes 100 σ, and $(y-\mu)/\sigma$ stays what it was. Which term of the NLL is left to change?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# nll_in_centimetres = 2.5 + math.log(100)  # 7.11
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
# **01-3 (code).** Write the question's first equation for y and mu of shape (m, d), all values independent, with one σ (a tensor of one number) for all of them. Return the log-likelihood of the data set: one number, with its constant.

# %%
def vector_log_likelihood(y, mu, sigma):
    ...


check("01-3", vector_log_likelihood)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# How many densities are multiplied, if each of m examples holds d independent values?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Where the equation says m, count all the values: `y.numel()`. Use `torch.log(sigma)`, so that σ keeps its gradient.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def vector_log_likelihood(y, mu, sigma):
#     values = y.numel()  # m · d
#     constant = values / 2 * math.log(2 * math.pi)
#     return -values * torch.log(sigma) - constant - ((y - mu) ** 2).sum() / (2 * sigma**2)
# ```
#
# </details>

# %% [markdown]
# **01-4 (code).** Waiting times are positive, and an exponential distribution may suit them: $p(y; \lambda) = \lambda\,e^{-\lambda y}$ for $y \ge 0$. A network gives `log_rate`, which is $\log\lambda$ and may have either sign. Write the NLL of each value, (n, 1).

# %%
def exponential_nll(y, log_rate):
    ...


check("01-4", exponential_nll)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Steps 1 and 2 again: the log of a product, then log undoes exp. Then the minus sign.
#
# </details>
# <details><summary>Hint 2</summary>
#
# $-\log p = \lambda y - \log\lambda$. You are given $\log\lambda$, so only one of the two terms needs `torch.exp`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def exponential_nll(y, log_rate):
#     return torch.exp(log_rate) * y - log_rate
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
# - Squared error is the Gaussian NLL with σ held fixed: $\frac{\text{MSE}}{2\sigma^2} + \log\sigma + \frac12\log 2\pi$.
# - A fixed σ scales the gradient by $1/\sigma^2$ and does not move the minimum. If σ is learned, log σ must stay.
# - We add logs: 521 densities multiplied were 0.0.
# - A density may exceed 1, and an NLL be negative; it changes with the unit of y.
# - Another density, another loss.
#
# **Next.** σ was held fixed. The asker wants to *learn* it, and puts the variance of the predictions in its place: `02_variance_of_predictions`.
#
# **Further reading.** Cross Validated answer 562735; Goodfellow, Bengio & Courville (2016), *Deep Learning*, section 5.5.1; Huber (1964), on robust estimation.
