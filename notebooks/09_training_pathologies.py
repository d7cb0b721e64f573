# %% [markdown]
# # 09 · Training pathologies
#
# **The question.** I gave my network a second output for σ. Why is its mean now worse than with squared error?
#
# **You will be able to**
#
# - derive the weight with which each point pulls on the mean, and measure it;
# - train in six ways, and say what each one changes;
# - see trouble early, without knowing the truth;
# - say why a β-NLL must not be reported, and what to do where there is no noise.
#
# **You need** notebook 04 (two outputs).
#
# **Time.** About 60 minutes; the notebook runs in about 20 s. **On Colab,** and wherever `course_utils` is missing, first run `%pip install git+https://github.com/OWNER/learning-the-variance` in a new cell.

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DTYPE, Problem, constant
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll
from course_utils.plots import (
    MEAN, REPAIRED, TRUTH, WRONG, plot_data, plot_fit, plot_truth, show, use_course_style,
)

use_course_style()
torch.set_num_threads(1)

# %% [markdown]
# ## Easy data
#
# M. Seitzer and others ask this question in ["On the pitfalls of heteroscedastic uncertainty estimation"](https://arxiv.org/abs/2203.09168) (Seitzer et al. 2022). Their example has hardly any noise. We take a shorter piece of it, 150 points on three waves:
#
# $$y = 0.4\,\sin 2\pi x + 0.01\,\varepsilon, \qquad 0 \le x \le 3.$$
#
# We judge a mean by its distance from the true one, on an even grid: the root mean squared error, **RMSE**. The noise alone has 0.01.

# %%
WAVES = Problem(lambda x: 0.4 * torch.sin(2 * math.pi * x), constant(0.01), low=0, high=3)
x, y = WAVES.sample(150, seed=0)
x_new, y_new = WAVES.sample(2000, seed=1)
grid = WAVES.grid(400)

fig, ax = plt.subplots(figsize=(7.5, 2.8))
plot_data(ax, x, y, s=14)
plot_truth(ax, WAVES, band=False)
ax.set_title("150 points, and noise too small to see")
show(fig, alt="150 points on a dashed sine wave with three periods. No point is visibly off it.")

# %% [markdown]
# ## Predict
#
# Ten networks, from ten sets of first weights, are trained by squared error. The same ten are trained again from the same weights, with two outputs and the NLL. Replace each `...` by a word.

# %%
guess("09-a", ...)  # the NLL's mean is the worse one in "few" (0-3), "half" (4-6) or "most" of the ten pairs

# %%
guess("09-b", ...)  # its median RMSE, over that of squared error: "below 3" or "above 3"


# %% [markdown]
# ## Ten networks at once
#
# One run says little, so every experiment here runs from ten starts. To save time the networks are stacked: each weight matrix has a first dimension for the network, and `torch.baddbmm` multiplies all ten at once. The networks are 1-32-32 with tanh units, and two heads, one for μ and one for log σ².

# %%
def first_weights(seeds=10, width=32):
    """Stacked weights and biases of 1-width-width and two heads, as nn.Linear draws them."""
    nets = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        sizes = [(1, width), (width, width), (width, 1), (width, 1)]
        layers = [torch.nn.Linear(*size, dtype=DTYPE) for size in sizes]
        nets.append([p for layer in layers for p in (layer.weight.T, layer.bias[None])])
    return [torch.stack(same).detach().requires_grad_() for same in zip(*nets)]


def forward(nets, x, *, cut=False):
    """mu and log σ², (10, n, 1); with ``cut`` the head for σ sends no gradient into the rest."""
    w1, b1, w2, b2, w_mu, b_mu, w_s, b_s = nets
    h = torch.tanh(torch.baddbmm(b1, x.expand(len(w1), *x.shape), w1))
    h = torch.tanh(torch.baddbmm(b2, h, w2))
    return torch.baddbmm(b_mu, h, w_mu), torch.baddbmm(b_s, h.detach() if cut else h, w_s)


# %% [markdown]
# A loss gets the network's answers and returns one number for each point. `train` is the loop of notebook 03, with Adam. Over the last 200 steps the learning rate falls to 0, so that no run ends amid a jump. The networks share no weight, so the sum of their losses trains each by its own.

# %%
def train(*losses, x=x, y=y, steps=700, lr=0.01, cut=False):
    """The ten networks after steps of Adam; each loss(y, mu, log_var) has an equal part of them."""
    nets = first_weights()
    optimizer = torch.optim.Adam(nets, lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, (steps - k) / 200))
    for k in range(steps):
        mu, log_var = forward(nets, x, cut=cut)
        loss = losses[k * len(losses) // steps]
        total = loss(y.expand_as(mu), mu, log_var).mean(dim=(1, 2)).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        schedule.step()
    return nets


# %%
def rmse(nets):
    """The distance of each network's mean from the true one, (10,)."""
    with torch.no_grad():
        mu, _ = forward(nets, grid)
    return ((mu - WAVES.mean(grid)) ** 2).mean(dim=(1, 2)).sqrt()


# %%
def squared_error(y, mu, log_var):
    return 0.5 * (y - mu) ** 2


def stacked(loss):
    """A loss for (n, 1), such as notebook 03's gaussian_nll, for stacked networks."""
    def each(y, mu, log_var):
        return loss(*(t.reshape(-1, 1) for t in (y, mu, log_var))).reshape(mu.shape)
    return each


nll = stacked(gaussian_nll)
by_mse, by_nll = train(squared_error), train(nll)
worse = (rmse(by_nll) > rmse(by_mse)).sum().item()
ratio = (rmse(by_nll).median() / rmse(by_mse).median()).item()
assert worse >= 7 and rmse(by_mse).median() < 0.05 and ratio > 3

# %%
measured("09-a", "most" if worse > 6 else "half" if worse > 3 else "few", "pairs worse with the NLL")

# %%
measured("09-b", "above 3" if ratio > 3 else "below 3", "ratio of the medians")


# %% [markdown]
# The data, the first weights, the optimiser and the number of steps are the same. Only the loss has changed, and with the NLL most means are worse, in the median by more than a factor of 3. We assert at least 7 of 10. The exact count is not printed: training multiplies rounding errors, and another processor ends some of these runs elsewhere.

# %%
def worst(nets):
    """mu and σ on the grid of the network with the largest RMSE."""
    k = rmse(nets).argmax()
    with torch.no_grad():
        mu, log_var = forward(nets, grid)
    return mu[k], torch.exp(log_var[k] / 2)


# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.2))
titles = ("Squared error: the worst of ten", "NLL: it gives up, and calls waves noise")
for ax, nets, title in zip(axes, (by_mse, by_nll), titles):
    mu, sigma = worst(nets)
    plot_fit(ax, grid, mu, sigma if nets is by_nll else None)
    plot_data(ax, x, y, s=10)
    plot_truth(ax, WAVES, band=False)
    ax.set(title=title, ylim=(-1.2, 1.2), ylabel="y" if nets is by_mse else "")
show(fig, alt="Left, the learned mean follows three waves. Right, trained by the NLL, it follows "
     "some and is nearly flat elsewhere, inside an orange band as wide as the waves it misses.")

# %% [markdown]
# ## Who pulls on the mean?
#
# One point adds $\frac{(y - \mu)^2}{2\sigma^2} + \tfrac12\log\sigma^2$ to the loss. Its derivative with respect to μ is
#
# $$\frac{\partial L}{\partial \mu} = \frac{1}{\sigma^2}\,(\mu - y).$$
#
# Squared error, $\tfrac12 (y - \mu)^2$, has $\mu - y$. So with the NLL each residual counts $1/\sigma^2$ times: a point whose σ is ten times smaller pulls a hundred times as hard. If σ(x) is right this is a virtue, weighted least squares. But the weights come from the same network, and early in training they are wrong:
#
# 1. where the mean is poor, σ grows to the size of the misfit;
# 2. there $1/\sigma^2$ falls, and the points stop pulling on the mean;
# 3. so the mean stays poor. Where it is good, σ shrinks, and the pull grows.

# %%
mu_leaf, log_var = (t.detach().requires_grad_() for t in forward(by_nll, x))
nll(y.expand_as(mu_leaf), mu_leaf, log_var).sum().backward()
torch.testing.assert_close(mu_leaf.grad, (mu_leaf - y).detach() * torch.exp(-log_var.detach()))


# %% [markdown]
# We measure it: of all weight $\sum 1/\sigma^2$, which share belongs to the tenth of the points with the smallest σ? With equal weights it would be 0.1. And are the residuals noise? Noise at neighbouring x is unrelated, so the correlation of each residual with its neighbour's is near 0. A missed wave leaves neighbours on the same side of the mean.

# %%
def share_of_the_quietest(nets):
    """The share of the weight 1/σ² that the tenth of the points with the least σ has, (10,)."""
    with torch.no_grad():
        weight = torch.exp(-forward(nets, x)[1]).flatten(1)
    quietest = weight.topk(len(x) // 10, dim=1).values
    return quietest.sum(dim=1) / weight.sum(dim=1)


def neighbours_agree(residuals):
    """The correlation of each residual with the next one in x, for each of the networks."""
    r = residuals[:, x[:, 0].argsort(), 0]
    r = r - r.mean(dim=1, keepdim=True)
    return (r[:, 1:] * r[:, :-1]).sum(dim=1) / (r**2).sum(dim=1)


# %%
failing = rmse(by_nll) > 0.1
share = share_of_the_quietest(by_nll)[failing]
with torch.no_grad():
    mu, log_var = forward(by_nll, x)
    z2 = ((y - mu) ** 2 * torch.exp(-log_var)).mean(dim=(1, 2))[failing]
missed, noise = neighbours_agree(y - mu)[failing], neighbours_agree((y - WAVES.mean(x))[None])
print("of the networks that miss a wave:")
print(f"  share of the quietest tenth above 0.15: {'all' if (share > 0.15).all() else 'not all'}")
print(f"  correlation of neighbours above 0.9:   {'all' if (missed > 0.9).all() else 'not all'}")
print(f"correlation of neighbours, true noise:   {abs(noise.item()):.1f}")
assert failing.sum() >= 5 and (share > 0.15).all() and (missed > 0.9).all() and abs(noise) < 0.2
assert z2.median() < 1.1


# %% [markdown]
# The mean of $z^2 = (y - \mu)^2/\sigma^2$ is no alarm: σ has grown to fit what the mean misses, so $z^2$ stays near 1 or below in most of them, and the band covers. The alarms are two that need no truth: **a few points hold most of the weight**, and **neighbouring residuals agree**.

# %% [markdown]
# ## Six ways to train
#
# | way | what changes | source |
# |---|---|---|
# | squared error | all points pull alike; σ afterwards, the RMS of the training residuals | notebook 03 |
# | NLL | weight $1/\sigma^2$ | [Nix & Weigend (1994)](https://doi.org/10.1109/ICNN.1994.374138) |
# | β-NLL | the NLL times $\sigma^{2\beta}$, taken as a number: weight $\sigma^{2\beta - 2}$ | [Seitzer et al. (2022)](https://arxiv.org/abs/2203.09168) |
# | warm-up | half of the steps squared error, then the NLL | Nix & Weigend's advice |
# | faithful | squared error for μ; σ by an NLL that sends no gradient to μ or the shared layers | [Stirn et al. (2023)](https://arxiv.org/abs/2212.09184) |
# | held-out residuals | squared error on 110 points, then σ from the residuals of the other 40 | [Jordahn et al. (2026)](https://arxiv.org/abs/2603.01750) |

# %% [markdown]
# At β = 0 the β-NLL is the NLL; at β = 1 the weight is 1, and μ has the gradient of squared error. `detach` makes the factor a number: no gradient flows through it. `cut=True` of `forward` is the other cut, between the head for σ and the layers below.
#
# Jordahn and co-authors fit σ(x) to the held-out residuals. Our noise is constant, so one σ for each network will do.

# %%
def beta_nll(y: Tensor, mu: Tensor, log_var: Tensor, beta: float = 0.5) -> Tensor:
    """The NLL of each value times σ^(2β), a weight without gradient (Seitzer et al. 2022)."""
    return gaussian_nll(y, mu, log_var) * torch.exp(beta * log_var.detach())


def faithful(y, mu, log_var):
    """Squared error for mu, and an NLL that only log σ² can feel (Stirn et al. 2023)."""
    return squared_error(y, mu, log_var) + nll(y, mu.detach(), log_var)


# %%
ways = {
    "squared error": by_mse,
    "NLL": by_nll,
    "β-NLL, β = ½": train(stacked(beta_nll)),
    "warm-up": train(squared_error, nll),
    "faithful": train(faithful, cut=True),
    "held-out residuals": train(squared_error, x=x[:110], y=y[:110]),
}


# %% [markdown]
# The two ways without a trained head get one σ each. Then we judge every way twice: the mean by its RMSE, and the whole prediction by its NLL on 2,000 new points. The test of "faithful" is exact: its means must be those of squared error, to the last digit.

# %%
def rms(x, y):
    """log σ² of each network's RMS residual on these points, (10, 1, 1)."""
    return lambda nets: ((y - forward(nets, x)[0]) ** 2).mean(dim=(1, 2), keepdim=True).log()


afterwards = {"squared error": rms(x, y), "held-out residuals": rms(x[110:], y[110:])}
new_nll = {}
with torch.no_grad():
    for name, nets in ways.items():
        mu, log_var = forward(nets, x_new)
        if name in afterwards:
            log_var = afterwards[name](nets).expand_as(mu)
        new_nll[name] = nll(y_new.expand_as(mu), mu, log_var).mean(dim=(1, 2))
errors = {name: rmse(nets) for name, nets in ways.items()}
assert torch.equal(errors["faithful"], errors["squared error"])

# %%
fig, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(8.6, 3.6))
for row, name in enumerate(ways):
    color = WRONG if name == "NLL" else MEAN if name == "squared error" else REPAIRED
    for ax, values in ((left, errors[name]), (right, new_nll[name])):
        ax.plot(values, [row] * 10, "o", color=color, alpha=0.6)
        ax.plot(values.median(), row, "|", color=TRUTH, markersize=16, markeredgewidth=2)
left.set_yticks(range(len(ways)), ways)
left.invert_yaxis()
left.axvline(0.01, color=TRUTH, linestyle="--", linewidth=1)
left.set(xscale="log", xlabel="RMSE of the mean; dashed: the noise", title="The NLL has the worst means")
right.axvline(WAVES.noise_floor(), color=TRUTH, linestyle="--", linewidth=1)
right.set(xlabel="NLL on new points, nats; dashed: the floor", title="… and, with it, the worst predictions")
show(fig, alt="Six rows of ten dots and their medians. Left, RMSE: most of the NLL's dots lie far "
     "to the right. Right, NLL on new points: again the NLL is worst in the median; "
     "the row of the beta-NLL comes closest to the dashed noise floor.")


# %%
def better(name, other, score):
    """In how many of the ten starts the first way scores lower than the second."""
    return int((score[name] < score[other]).sum())


print("of 10 starts, better than the NLL in at least:   mean   prediction")
least = dict.fromkeys(ways, 6) | {"β-NLL, β = ½": 9, "warm-up": 5}
for name in ways:
    if name != "NLL":
        counts = better(name, "NLL", errors), better(name, "NLL", new_nll)
        assert min(counts) >= least[name], (name, counts)
        print(f"  {name:42} {least[name]:5} {least[name]:10}")
assert better("β-NLL, β = ½", "squared error", errors) >= 6
missed = {name: (errors[name] > 0.1).sum() for name in ways}
assert missed["squared error"] == 0 < missed["warm-up"] < 5 <= missed["NLL"]

# %% [markdown]
# All the others beat the NLL, in the mean *and* in its own measure, the NLL on new points: warm-up in at least half of the starts, the rest in most, the β-NLL most reliably. Its mean is also better than that of squared error in at least 6 of 10. (A test of the course repeats the main comparison from ten other starts.) Warm-up helps and does not cure: some of its means still miss a wave, where squared error misses none. "Faithful" is safe, since σ cannot harm μ, and its σ is learned at the same time. The held-out residuals are as plain as a method can be, and the mean has lost a quarter of its points to them.
#
# This is one problem, chosen because it hurts. On the data of notebook 04 the same loss finds the mean.

# %% [markdown]
# ## The β-NLL is not a score
#
# It is tempting to compare values of the β-NLL, or to report them. As a number it is $\sigma^{2\beta}$ times the NLL. Take β = 1, leave out the constant, and call the variance $v$ and the mean squared residual $S$:
#
# $$v\left(\tfrac12\log v + \frac{S}{2v}\right) = \tfrac12\,v\log v + \tfrac12 S.$$
#
# The data have moved into a term without $v$. The derivative, $\tfrac12(\log v + 1)$, is zero at $v = 1/e$ **whatever the data are**. A report like this rewards everybody who claims σ² = 0.368.

# %%
v = torch.linspace(0.01, 8, 79_901, dtype=DTYPE)
print("mean squared residual   best σ² of the NLL   of the reported β-NLL, β = 1")
for S in (0.25, 1.0, 4.0):
    value = 0.5 * (v.log() + S / v)
    best = v[value.argmin()].item(), v[(v * value).argmin()].item()
    print(f"{S:21} {best[0]:20.2f} {best[1]:25.3f}")
    assert abs(best[0] - S) < 1e-3 and abs(best[1] - 1 / math.e) < 1e-3

# %% [markdown]
# Training does not go there: `detach` hides the factor from the gradient, and where the gradient vanishes we still have $\sigma^2 = S$. So train with β as you like. Judge, stop early and compare by the plain NLL.

# %%
for beta in (0.0, 0.5, 1.0):
    log_var = torch.tensor([[math.log(4.0)]], dtype=DTYPE, requires_grad=True)
    residuals = torch.tensor([[2.0], [-2.0]], dtype=DTYPE)  # S = 4
    loss = beta_nll(residuals, torch.zeros_like(residuals), log_var.expand(2, 1), beta)
    assert abs(torch.autograd.grad(loss.sum(), log_var)[0]) < 1e-12

# %% [markdown]
# ## Where there is no noise
#
# What if y repeats exactly: rounded sensors, equal rows, a simulator? Once a mean hits such points, $S = 0$, and their loss is $\tfrac12\log\sigma^2$. It has no minimum. Each step of Adam lowers log σ² by about the learning rate, for ever, and the weights $1/\sigma^2$ of these points grow past all others.
#
# Some people then take $|\log\sigma^2|$ in place of $\log\sigma^2$, to keep the loss above 0. For every $S < 1$ that gives σ = 1: left of 1 both terms now fall as σ grows.

# %%
sigmas = torch.logspace(-3, 1, 4001, dtype=DTYPE)
s = 2 * sigmas.log()
for S in (0.0, 0.01, 0.5):
    bent = 0.5 * (s.abs() + S * torch.exp(-s))
    assert abs(sigmas[bent.argmin()].item() - 1) < 0.01
no_noise = 0.5 * s
assert no_noise.argmin() == 0  # the smallest σ that is allowed, whatever it is

# %% [markdown]
# The cure is a **floor**: a σ₀ below which the data cannot go, such as the rounding of the sensor. With $\sigma^2 = \sigma_0^2 + e^s$ the loss is bounded from below by $\tfrac12\log\sigma_0^2$, and the weights by $1/\sigma_0^2$. Values rounded to one decimal have a rounding error with a standard deviation of $0.1/\sqrt{12} = 0.03$.

# %%
rounding = 0.1 / math.sqrt(12)
exact = torch.rand(100_000, generator=torch.Generator().manual_seed(0), dtype=DTYPE)
assert abs((exact - (10 * exact).round() / 10).std().item() / rounding - 1) < 0.01
with_floor = 0.5 * torch.log(rounding**2 + sigmas**2)
assert with_floor.min() > 0.5 * math.log(rounding**2) and round(rounding, 2) == 0.03

# %% [markdown]
# ## The lab
#
# A wave with little noise. At β = 0, the NLL, the middle waves are learned and the outer ones called noise; the orange curve shows how weakly those points pull. Slide β to 1 and watch the pull level out. Then, at β = 0, try other starts of σ: a large one makes early training gentle. Last, raise the learning rate until it breaks.
#
# For β > 0 the loss curve is the β-NLL. Do not compare its height between two β; the line of numbers has the NLL.

# %%
lab = LABS["09"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Should I always use β = ½?"** Seitzer et al. recommend it as a default. If the noise varies a lot and the mean is easy, the full weights of the NLL are the efficient ones. Try both, and compare the NLL on held-out data.
#
# **"Is it the learning rate?"** A smaller one makes the same mistake later. What helps against *exploding* steps is a start of σ that is not too small: the first gradient of log σ² is $\tfrac12(1 - S/\sigma^2)$, and at σ = 0.01 with $S = 0.08$ that is −400.

# %%
S = WAVES.mean(grid).square().mean().item()
assert round(S, 2) == 0.08 and abs(0.5 * (1 - 0.08 / 0.01**2) + 400) < 1

# %% [markdown]
# **"Does standardising help?"** It sets the scale at which training starts: a mean of 0 and σ = 1 are then right for a model that knows nothing. It does not change who pulls: dividing y by a number divides all σ by it.
#
# **"Separate networks for μ and σ?"** They keep σ's gradient away from the shared layers. The weight $1/\sigma^2$ on the mean's own gradient stays.

# %% [markdown]
# ## Exercises
#
# **09-1 (predict).** Two points have the same residual. The network believes σ = 0.1 at the first and σ = 0.5 at the second. With the NLL, how many times as hard does the first pull on μ?

# %%
times = ...
check("09-1", times)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The gradient is the residual divided by σ².
#
# </details>
# <details><summary>Hint 2</summary>
#
# The residuals are equal, so the ratio is $0.5^2 / 0.1^2$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# times = 0.5**2 / 0.1**2  # 25
# ```
#
# </details>

# %% [markdown]
# **09-2 (derive).** The same two points, trained with the β-NLL at β = ¾. How many times as hard does the first pull now?

# %%
times_beta = ...
check("09-2", times_beta)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The β-NLL multiplies the gradient of the NLL by $\sigma^{2\beta}$.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The weight is $\sigma^{2\beta - 2} = \sigma^{-1/2}$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# times_beta = (0.1 / 0.5) ** (2 * 0.75 - 2)  # the square root of 5
# ```
#
# </details>

# %% [markdown]
# **09-3 (code).** Write the loss of one network that trains "faithfully": for y, mu and log_var, all (n, 1), the sum of ½ (y − μ)² and the Gaussian NLL (with its constant), of each value, such that mu gets its gradient from the squared error alone, and log_var from the NLL. Gradients are checked.

# %%
def faithful_loss(y, mu, log_var):
    ...


check("09-3", faithful_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One of the two terms must see μ as a number.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `gaussian_nll(y, mu.detach(), log_var)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def faithful_loss(y, mu, log_var):
#     return 0.5 * (y - mu) ** 2 + gaussian_nll(y, mu.detach(), log_var)
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("09")

# %%
guesses("09")

# %% [markdown]
# ## Recap
#
# - With the NLL a residual pulls on the mean with weight $1/\sigma^2$. Where the mean is poor, σ grows, the pull falls, and the mean stays poor.
# - z² near 1 is no alarm. A few points with most of the weight, and neighbouring residuals that agree, are.
# - Six ways: squared error, NLL, β-NLL, warm-up, faithful, held-out residuals. Here the β-NLL beats the NLL in at least 9 of 10 starts, warm-up in at least 5, the others in at least 6.
# - The β-NLL trains; it is no score. At β = 1 its value is smallest at σ² = 1/e on any data.
# - Without noise there is no minimum: set a floor.

# %% [markdown]
# **Next.** Here the data were many for their noise. When they are few, σ shrinks for another reason: [`10_few_data`](10_few_data.ipynb).
#
# **Further reading.**
# - M. Seitzer et al. (2022), ["On the pitfalls of heteroscedastic uncertainty estimation with probabilistic neural networks"](https://arxiv.org/abs/2203.09168).
# - A. Stirn et al. (2023), ["Faithful heteroscedastic regression with neural networks"](https://arxiv.org/abs/2212.09184).
# - L. Sluijterman et al. (2023), ["Optimal training of mean variance estimation neural networks"](https://arxiv.org/abs/2302.08875): warm-up, and separate regularisation.
# - E. Wong-Toi et al. (2024), ["Understanding pathologies of deep heteroskedastic regression"](https://arxiv.org/abs/2306.16717): two weight decays, and a phase diagram.
# - A. Immer et al. (2023), ["Effective Bayesian heteroscedastic regression with deep neural networks"](https://openreview.net/forum?id=A6EquH0enk): natural parameters.
