# %% [markdown]
# # 07 · Bayes by Backprop
#
# **The question.** A network with two outputs knows how noisy y is. How sure is it of its own weights?
#
# ![Points left and right of an empty middle, shaded grey. A blue line and an orange band run through the gap; the band is no wider there than among the data.](images/07.png)
#
# **You will be able to**
#
# - build a network whose weights are distributions, and train it with NLL + KL / n;
# - tell apart the noise, the uncertainty about the mean, and that about the noise;
# - say where such a network can be trusted, and count it there.
#
# **You need** notebooks 04 (two outputs), 05 (the ELBO) and 06 (mean field, the Gaussian process).
#
# **Time.** About 58 minutes; the notebook runs in about 14 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
import math
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE, WAVE
from course_utils.labs import LABS
from course_utils.losses import gaussian_kl, gaussian_nll, mean_nll
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import ALEATORIC, DATA, EPISTEMIC, TRUTH
from course_utils.plots import plot_data, plot_fit, plot_truth, readable, show, use_course_style
from course_utils.training import fit, predict, predict_samples

use_course_style()
torch.set_num_threads(1)

# %% [markdown]
# ## A hole in the data
#
# 200 points of the wave from notebook 04, without those at −0.75 < x < 0.75; and notebook 04's network, trained on the rest.

# %%
HALF = 0.75


def with_gap(place, n=200):
    """Points of the wave, without those at less than HALF from the place."""
    x, y = WAVE.sample(n, seed=0)
    seen = ((x - place).abs() > HALF)[:, 0]
    return x[seen], y[seen]


def train_plain(x, y, seed=0):
    torch.manual_seed(seed)
    net = HeteroscedasticRegressor(hidden=(20,))
    fit(net, mean_nll, x, y, steps=200, lr=0.05, anneal=True)
    return net


x, y = with_gap(0.0)
grid = WAVE.grid(241, margin=0.5)
fitted = predict(train_plain(x, y), grid)

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.4))
ax.axvspan(-HALF, HALF, color=DATA, alpha=0.15, linewidth=0)
plot_data(ax, x, y, s=14)
plot_fit(ax, grid, *fitted)
plot_truth(ax, WAVE, band=False)
ax.annotate("no data", (0, -4), ha="center")
ax.annotate("95 % band", (4.1, 3.1), color=readable(ALEATORIC))
ax.set(ylim=(-4.5, 4.5), title="In the gap the band is as narrow as among the data")
show(fig, alt="Points left and right of an empty middle, shaded grey. A blue line and an orange band "
     "run through the gap; the band is no wider there than among the data.")

# %% [markdown]
# Two kinds of uncertainty are at work:
#
# - **aleatoric**: the noise of y, learned as σ(x). More data do not remove it.
# - [**epistemic**](00_start_here.ipynb#Glossary): not knowing the function. In the gap many functions fit equally well; data there would remove it.
#
# One set of weights is one function. For many we need a *distribution over weights*.
#
# **Guess 07-a.** We give every weight an independent Gaussian and train. By which factor is the epistemic sd in this gap larger than among the data?

# %%
guess("07-a", ...)

# %% [markdown]
# **Guess 07-b.** And if the gap lies elsewhere, at 1 < x < 2.5? The same factor, a smaller, or a larger one?

# %%
guess("07-b", ...)


# %% [markdown]
# ## A layer whose weights are distributions
#
# *Bayes by Backprop* ([Blundell et al. 2015](https://arxiv.org/abs/1505.05424)) is mean field by gradient descent. A layer draws its weights as $w = \mu + \sigma \varepsilon$ at each forward, so that gradients reach μ and σ (notebook 05), and it knows its KL to the prior. (They sample the KL, and σ is a softplus; its formula, and log σ², are ours.) For a prior $\mathcal N(0, \tau^2)$ we divide the weights by τ: a KL does not change when both sides are rescaled.

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
        return nn.functional.pad(x, (0, 1), value=1.0) @ w.T  # a 1 beside x, for the bias

    def kl(self) -> Tensor:
        log_var = self.log_var - 2 * math.log(self.prior_sd)
        return gaussian_kl(self.mu / self.prior_sd, log_var).sum()


# %% [markdown]
# A row of `mu` holds the weights of one unit and, last, its bias. One draw serves all rows of x: a forward is *one function*. The network stacks such layers, with two outputs. Its units are notebook 06's bumps $e^{-t^2/2}$, but now their places and widths are learned.

# %%
class Bump(nn.Module):
    def forward(self, t: Tensor) -> Tensor:
        return torch.exp(-(t**2) / 2)


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
# ## NLL + KL / n
#
# The loss is the NLL under one draw plus the KL, both divided by the number of values. The KL belongs to the whole data set, *once*: KL / n beside a mean NLL, also in a minibatch (KL / M beside a sum, for M minibatches). A wrong weight raises no error, so we count. Add up the losses of all minibatches of an epoch, each times its size. Take away the summed NLL. What is left should be *one* KL:

# %%
def negative_elbo(model, x: Tensor, y: Tensor, *, n: int) -> Tensor:
    if n < len(x):
        raise ValueError(f"n counts all data, at least the {len(x)} points given; got n={n}")
    return mean_nll(model, x, y) + model.kl() / (n * y.shape[1])


def kl_counts(weight, n=120, size=30):
    """How often an epoch of the losses "mean NLL + weight · KL" counts the KL."""
    net, epoch = BayesianRegressor(), 0.0
    for batch in torch.arange(n).split(size):
        torch.manual_seed(1)  # the same draw of the weights each time
        epoch = epoch + len(batch) * (mean_nll(net, x[batch], y[batch]) + weight * net.kl())
    torch.manual_seed(1)
    summed = gaussian_nll(y[:n], *net(x[:n])).sum()
    return ((epoch - summed) / net.kl()).item()


for name, weight in (("1/n", 1 / 120), ("1", 1), ("1/M", 1 / 4), ("1/(nB)", 1 / 120 / 30)):
    print(f"n = 120, minibatches of B = 30, weight {name:6}: the KL counts {kl_counts(weight):.3f} times")


# %% [markdown]
# The first is right. With weight 1, or 1/M beside a *mean*, the prior drowns the data; with 1/(nB) hardly any is left of it. Does descent find the optimum of notebook 06? For a line it is known:

# %%
class Line(BayesianLinear):
    """y = w x + b + N(0, 1)."""

    def forward(self, x):
        mu = super().forward(x)
        return mu, torch.zeros_like(mu)


x_line, y_line = LINE.sample(50, seed=0)
torch.manual_seed(0)
line = Line(1, 1, prior_sd=3.0)
fit(line, partial(negative_elbo, n=50), x_line, y_line, steps=1500, lr=0.1, anneal=True)
best = torch.stack([x_line.square().sum(), torch.tensor(50.0)]).add(1 / 9).rsqrt()  # 1/√Λₖₖ
assert (torch.exp(line.log_var[0] / 2) / best - 1).abs().max() < 0.1


# %% [markdown]
# ## The law of total variance
#
# Each forward of the trained network is one draw: a mean μ(x) and a variance σ²(x). Many draws are a **mixture**: pick one, then draw y from its Gaussian. The variance of the mixture splits:
#
# $$\operatorname{Var} y = \mathbb E[\sigma^2(x)] + \operatorname{Var}[\mu(x)] .$$
#
# Proof: $\mathbb E[y^2] = \mathbb E[\sigma^2 + \mu^2]$, and subtract $(\mathbb E\mu)^2$. Variances add; standard deviations do not. The second part is epistemic, the spread of the functions. The library's `predict_samples` returns the mean and the two roots.

# %%
def draws_of(net, x, draws=200):
    """mu and σ of many draws of the weights, each (draws, n)."""
    torch.manual_seed(0)
    with torch.no_grad():
        pairs = [net(x) for _ in range(draws)]
    mu, log_var = (torch.stack(same)[:, :, 0] for same in zip(*pairs))
    return mu, torch.exp(log_var / 2)


def train(x, y, steps=1000, seed=0, activation=Bump):
    torch.manual_seed(seed)
    net = BayesianRegressor(prior_sd=2.5, activation=activation)
    fit(net, partial(negative_elbo, n=len(x)), x, y, steps=steps, lr=0.1, anneal=True)
    return net


# %% [markdown]
# ## Watch the ELBO
#
# The prior sd is 2.5, as in notebook 06, now on the heights, too. By the kernel below f(0) then has a prior sd of 6.3: wide, for a wave between −1 and 1.

# %%
def minus_elbo(net, x, y, draws=400):
    """Nats per point, averaged over many draws."""
    with torch.no_grad():
        return sum(negative_elbo(net, x, y, n=len(x)) for _ in range(draws)).item() / draws


nets = {steps: train(x, y, steps) for steps in (250, 1000, 2000)}
middle = torch.zeros(1, 1, dtype=torch.float64)
for steps, net in nets.items():
    sd_0 = draws_of(net, middle)[0].std().item()
    print(f"{steps:5} steps: −ELBO {minus_elbo(net, x, y):.2f} nats per point, sd of f(0) {sd_0:.1f}")
bumps = nets[1000]
mu, sigma = draws_of(bumps, grid, 500)
torch.manual_seed(0)  # the same draws by the library, without keeping them
library = predict_samples(bumps, grid, 500)
torch.testing.assert_close(library[1][:, 0], sigma.square().mean(0).sqrt())
torch.testing.assert_close(library[2][:, 0], mu.std(0, correction=0))

# %% [markdown]
# From 250 to 1,000 steps the ELBO gains a fifth of a nat a point, from there to 2,000 nothing. Yet f(0) becomes more and more unsure. Where the data say nothing only the small KL / n pulls, and each sd has far to go, from 0.05 to the prior's 2.5. Stop when the ELBO stands still, and say after how many steps: the width in the gap depends on them.

# %%
torch.manual_seed(1)
ys = mu + sigma * torch.randn_like(mu)
low, high = ys.quantile(0.025, dim=0), ys.quantile(0.975, dim=0)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6))
plot_data(left, x, y)
left.fill_between(grid[:, 0], low, high, color=ALEATORIC, alpha=0.3, linewidth=0)
left.plot(grid, mu[:15].T, color=EPISTEMIC, linewidth=1, alpha=0.6)
left.set(ylim=(-8, 8), xlabel="x", ylabel="y", title="In the gap the draws part …")
for level in (0.05, 0.5, 0.95):
    right.plot(grid, sigma.quantile(level, dim=0), color=ALEATORIC, linewidth=1.6)
    right.annotate(f"{100 * level:.0f} %", (6.2, sigma[:, -1].quantile(level)), va="center")
right.plot(grid, WAVE.truth(grid)[1], color=TRUTH, linestyle="--")
right.set(yscale="log", xlim=(-6.5, 8.3), xlabel="x", ylabel="σ", title="… and so do their σ (dashed: true)")
show(fig, alt="Left: fifteen curves agree among the data and part in the gap, where an orange band for "
     "y is wide. Right, log axis: the 5, 50 and 95 % quantiles of the drawn σ lie near the "
     "dashed truth among the data; in the gap they part by several powers of ten.")

# %% [markdown]
# Among the data the draws agree. In the gap they part, and so do the draws of σ, by powers of ten: log σ²(x) comes from random weights, too. So $\mathbb E[\sigma^2]$ holds the noise **and the uncertainty about the noise**. It is aleatoric only where the draws of σ agree, and on the truth. In the gap no summary of σ means anything, not even the median: report that σ is unknown.

# %% [markdown]
# ## The lab
#
# Slide the gap open and watch the pink band. Raise n: among the data the pink shrinks and σ settles. Change the prior sd: where there are data little happens, in the gap much.

# %%
lab = LABS["07"]()
lab

# %% [markdown]
# ## Count it, in more than one gap
#
# The truth is known, so the epistemic band, 95 % for f, can be counted: among the data, in the gap, and beyond (3 < |x| < 4.5). We add the NLL on new points, beside that of *one* plain network, and a second gap, at 1 < x < 2.5; three runs each, that differ in first weights and draws.
#
# `judge` finds three numbers for each new x, the sd of f, whether its band holds the truth, and the NLL, and averages them in each part. The density of a mixture is the average density of its draws, so its NLL is a `logsumexp`.

# %%
x_new, y_new = replace(WAVE, low=-4.5, high=4.5).sample(1500, seed=1)


def parts_of(at, place):
    gap = (at - place).abs() < HALF
    return {"among": ~gap & (at.abs() < 3), "gap": gap, "beyond": at.abs() > 3}


def judge(net, place):
    """For each part: sd of f, share of x at which its 95 % band holds the true mean, NLL."""
    mu, sigma = draws_of(net, x_new)  # (draws, n)
    low, high = mu.quantile(0.025, dim=0), mu.quantile(0.975, dim=0)
    truth = WAVE.mean(x_new)[:, 0]
    held = (low < truth) & (truth < high)
    nll = math.log(len(mu)) - Normal(mu, sigma).log_prob(y_new[:, 0]).logsumexp(0)
    values = torch.stack([mu.std(0), held.double(), nll])
    return torch.stack([values[:, part].mean(1) for part in parts_of(x_new[:, 0], place).values()])


# %%
def judge_plain(net, place):
    mu, sigma = predict(net, x_new)
    nll = gaussian_nll(y_new, mu, 2 * sigma.log())[:, 0]
    return torch.stack([nll[part].mean() for part in parts_of(x_new[:, 0], place).values()])


found, plain, first = {}, {}, {}
for place in (0.0, 1.75):
    data = with_gap(place)
    one = bumps if place == 0 else train(*data)  # that of the figure above is the first run
    runs = [one, train(*data, seed=1), train(*data, seed=2)]
    found[place] = torch.stack([judge(net, place) for net in runs])
    plain[place] = judge_plain(train_plain(*data), place)
    first[place] = runs[0]

# %%
print("gap at  part      sd of f, three runs     held, three runs     NLL    plain NLL")
for place, runs in found.items():
    for i, part in enumerate(("among", "gap", "beyond")):
        sd, held, nll = runs[:, i].T
        print(f"{place:5}   {part:8}  " + "   ".join(f"{v:.2f}" for v in sd) + "       "
              + "  ".join(f"{v:4.0%}" for v in held)
              + f"     {nll.mean():5.2f}    {plain[place][i]:5.2f}")

# %%
ratio = {place: (runs[:, 1, 0] / runs[:, 0, 0]).mean().item() for place, runs in found.items()}
measured("07-a", round(ratio[0.0]), "gap at 0 / among the data")

# %%
word = "smaller" if ratio[1.75] < ratio[0.0] / 2 else "the same"
measured("07-b", word, "factor at 1.75")


# %%
def kernel(x, other, var=2.5**2):
    """Notebook 06's, with the prior variance var, here of the heights and of a constant, too."""
    det = (1 + var * (1 + x**2)) * (1 + var * (1 + other.T**2)) - (var * (1 + x @ other.T)) ** 2
    return var + 20 * var / det.sqrt()


assert abs(kernel(middle, middle).sqrt() - 6.3) < 0.05  # the prior sd of f(0)


def process_sd(x, at):
    """The sd of f of the Gaussian process, told the true noise."""
    K = kernel(x, x) + WAVE.truth(x)[1].square().flatten().diag()
    across = kernel(x, at)
    explained = (across * torch.linalg.solve(K, across)).sum(0)
    return (kernel(at, at).diagonal() - explained).clamp(min=0).sqrt()


curves = {}
for place in (0.0, 1.75):
    curves[place] = process_sd(with_gap(place)[0], grid), draws_of(first[place], grid, 500)[0].std(0)
relu = draws_of(train(x, y, activation=nn.ReLU), grid, 500)[0].std(0)

# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8, 3.5))
for ax, (place, (exact, sd)) in zip(axes, curves.items()):
    ax.axvspan(-3, 3, color=DATA, alpha=0.15, linewidth=0)
    ax.axvspan(place - HALF, place + HALF, color="white", linewidth=0)
    ax.plot(grid, exact, color=TRUTH, linestyle="--")
    ax.plot(grid, sd, color=EPISTEMIC)
    ax.set(yscale="log", xlabel="x (data where it is grey)", ylim=(0.03, 10))
axes[0].plot(grid, relu, color=EPISTEMIC, linestyle=":")
axes[0].annotate("20 ReLU units", (-5.9, 4.2), color=readable(EPISTEMIC))
axes[1].annotate("Gaussian process", (-5.9, 2.4))
axes[1].annotate("20 bumps", (3.2, 0.2), color=readable(EPISTEMIC))
axes[0].set(ylabel="epistemic sd of f(x)", title="Gap at 0: unsure enough")
axes[1].set_title("Gap at 1.75: far too sure")
show(fig, alt="Epistemic sd over x on a log axis, twice. With the gap at 0 the bump network rises in the "
     "gap as high as the dashed Gaussian process; ReLU units do not rise there. With the gap at "
     "1.75 the process rises, the network hardly. Beyond the data it is below the process in both.")

# %% [markdown]
# In these three runs, **among the data** the band of f holds the truth at 84 % of x or more. **In the gap at 0** f is many times as unsure, and the band holds it. It even holds too much: the prior is far wider than the wave, and the plain network, which went straight through, has the better NLL. **In the gap at 1.75** f is 1.5 times as unsure as among the data, far less than the process, and its band holds all, most or nothing of the truth, as luck will have it. **Beyond the data** it is too sure as well. Its NLL is better there than that of the plain network, whose mean runs off in a straight line; but so it is in two of three runs only (07-g below).

# %% [markdown]
# Why does the place matter? With a prior $\mathcal N(0, \tau^2)$ on w and b the bumps' centres −b/w crowd around x = 0, where the prior of f is widest. The same network, given x − 1.75 in place of x, has this gap at its 0, and opens:

# %%
x_2, y_2 = with_gap(1.75)
moved = draws_of(train(x_2 - 1.75, y_2), middle)[0].std().item()
print(f"sd of f at 1.75: {curves[1.75][1][(grid[:, 0] - 1.75).abs().argmin()]:.1f}; from x − 1.75: {moved:.1f}")
assert moved > 1

# %%
assert (found[0.0][:, 1, 0] > 5 * found[0.0][:, 0, 0]).all() and abs(ratio[1.75] - 1.5) < 0.1
assert (found[0.0][:, 1, 2] > plain[0.0][1]).all() and found[1.75][:, 1, 1].min() < 0.5
assert (curves[1.75][1] < curves[1.75][0] / 2)[(grid[:, 0] - 1.75).abs() < 0.5].all()

# %% [markdown]
# The Gaussian process is exact for *itself*: its kernel is the covariance of our prior, but 20 bumps are not Gaussian, and it is told σ(x). It says what the width would be without mean field and training, roughly.
#
# **ReLU units** are no more unsure in the gap than at its ends. For one hidden layer of them under mean field, [Foong et al. (2020)](https://arxiv.org/abs/1909.00719), theorem 1, prove $\operatorname{Var} f(0) \le \operatorname{Var} f(x_1) + \operatorname{Var} f(x_2)$ for $x_1 < 0 < x_2$: a bound on gaps around the origin that no training undoes. It binds this approximation, not ReLU networks as such.

# %% [markdown]
# ## How far does this hold?
#
# 1,000 to 6,000 steps, other rates and prior sd's; 200 points, a gap 1.5 wide, 20 data sets each.
#
# <!-- claims -->
#
# **07-a**: in a gap at 0, from prior sd 2.5 on, f is over 3 times as unsure as among the data. *Holds 452 of 540. Fails: most often at steps 1000, lr 0.025, prior 1.25 (holds 0 of 20). Most decisive: prior (from 59 % at 1.25 to 98 % at 5).*
#
# ```text
# steps 1000  ×□■ ×■■ ■■■
# steps 2000  ×■■ □■■ ■■■
# steps 6000  □■■ ■■■ ■■■
# ```
#
# **07-b**: in a gap at 1.75, from prior sd 2.5 on, f is less than half as unsure as the process. *Holds 348 of 540. Fails: most often at steps 1000, lr 0.05, prior 1.25 (holds 0 of 20). Most decisive: prior (from 3 % at 1.25 to 99 % at 2.5).*
#
# ```text
# steps 1000  ×■■ ×■■ ×■■
# steps 2000  ×■■ ×■■ ×■■
# steps 6000  ×■□ ×■□ ×■□
# ```
#
# **07-c**: beyond the data f is less than half as unsure as the Gaussian process. *Holds 532 of 540. Fails: most often at steps 6000, lr 0.1, prior 5 (holds 17 of 20). Most decisive: lr (from 96 % at 0.1 to 100 % at 0.025).*
#
# ```text
# steps 1000  ■■■ ■■■ ■■■
# steps 2000  ■■■ ■■■ ■■■
# steps 6000  ■■■ ■■■ ■■□
# ```
#
# **07-d**: in the gap at 0 its NLL is worse than one plain network's. *Holds 537 of 540. Fails: most often at steps 1000, lr 0.025, prior 1.25 (holds 19 of 20). Most decisive: lr (from 98 % at 0.025 to 100 % at 0.05).*
#
# ```text
# steps 1000  ■■■ ■■■ ■■■
# steps 2000  ■■■ ■■■ ■■■
# steps 6000  ■■■ ■■■ ■■■
# ```
#
# **07-e**: in the gap at 1.75 its NLL is worse than one plain network's. *Holds 328 of 540. Fails: most often at steps 1000, lr 0.025, prior 1.25 (holds 6 of 20). Most decisive: prior (from 39 % at 1.25 to 82 % at 5).*
#
# ```text
# steps 1000  ×□□ □□□ □□□
# steps 2000  ×□□ ×□□ □□□
# steps 6000  ×□□ ×□■ ×□■
# ```
#
# **07-f**: among the data its NLL is no better than one plain network's. *Holds 487 of 540. Fails: most often at steps 2000, lr 0.025, prior 2.5 (holds 16 of 20). Most decisive: lr (from 86 % at 0.025 to 93 % at 0.1).*
#
# ```text
# steps 1000  ■■□ ■■■ ■■■
# steps 2000  ■□□ ■■■ ■□■
# steps 6000  □□□ □■■ ■□■
# ```
#
# **07-g**: beyond the data its NLL is better than one plain network's. *Holds 349 of 540. Fails: most often at steps 6000, lr 0.05, prior 2.5 (holds 10 of 20). Most decisive: lr (from 63 % at 0.05 to 68 % at 0.025).*
#
# ```text
# steps 1000  □□□ □□□ □□□
# steps 2000  □□□ □□□ □□□
# steps 6000  □□□ □□□ □□□
# ```
#
# One sign a recipe: ■ holds in nine of ten seeds or more, □ in half or more, × in fewer; groups: lr 0.025, 0.05, 0.1; in a group: prior 1.25, 2.5, 5. `make claims` runs them again.
#
# <!-- end of claims -->
#
# With a prior sd of 1.25, 07-a holds in 59 % and 07-b in 3 %: the process opens less, too. 07-e is near a coin unless the prior is wide (82 % at 5), 07-g is two in three everywhere: in the second gap and beyond the data neither is reliably better.

# %% [markdown]
# ## A reader asks
#
# **"How many draws?"** One per step is enough: its gradient is right on average. To predict, an sd from K Gaussian draws has a standard error of about $1/\sqrt{2K}$ of it: 5 % for 200.

# %% [markdown]
# <details><summary><b>"Why does the reconstruction error change to −log N(y; ŷ, 0.1), and where does the 0.1 come from?"</b></summary>
#
# So asks a reader of R. Vink's ["Variational inference from scratch"](https://www.ritchievink.com/blog/2019/09/16/variational-inference-from-scratch/). It is the same NLL: ½(y − ŷ)² is that of σ = 1 up to a constant, this one has σ = 0.1. The choice is free, and it weighs the KL: times σ² the loss is ½(y − ŷ)² + σ² KL, so 0.1 makes the KL count 100 times less than σ = 1 does. Learn σ, or fix it if the noise is known.
#
# </details>
#
# **"Is a 90 % band of such a network supposed to hold 90 % of the data?"** That of the *mean* is not, only that of y; name both:

# %%
low, high = mu.quantile(0.05, dim=0), mu.quantile(0.95, dim=0)  # of `bumps`, over the grid
truth, noise = (v[:, 0] for v in WAVE.truth(grid))
for_f = Normal(truth, noise)
share = (for_f.cdf(high) - for_f.cdf(low))[(grid[:, 0].abs() > HALF) & (grid[:, 0].abs() < 3)]
print(f"the 90 % band of f holds {share.mean():.0%} of new y among the data")
assert share.mean() < 0.7

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
# **07-2 (derive).** The noise has σ = 0.5, and a Bayesian network fixes its likelihood's σ at 0.1. Written as ½(y − f)² + w KL, what is its weight w divided by the right one?

# %%
ratio_of_weights = ...
check("07-2", ratio_of_weights)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The NLL of one y is (y − f)² / (2σ²) and a constant. Multiply NLL + KL by σ².
# </details>
# <details><summary>Hint 2</summary>
#
# w is σ². One of the two weights has σ = 0.1, the other σ = 0.5.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# ratio_of_weights = 0.1**2 / 0.5**2  # 0.04: the prior hardly counts, and f is too sure
# ```
# </details>

# %% [markdown]
# **07-3 (code).** From draws `mus` and `log_vars` (of σ²), both (draws, n), the total standard deviation of y at each of the n points. Treat the draws as the whole mixture: divide by their number.

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
# - A network is about as sure of its weights as the best independent Gaussians say that descent finds; what this means for f can be trusted among the data, and has to be counted in gaps and beyond.
# - A distribution over weights is a distribution over functions. Their spread is epistemic. The draws of σ have a spread, too: where they part, $\mathbb E[\sigma^2]$ is not the noise.
# - The KL counts once for all data: KL / n beside a mean NLL. Test it.
# - The width in a gap comes last, and the ELBO hardly sees it. It depends on steps, prior and place: at 0, where the prior is wide, f was unsure enough; beside it, as beyond the data, far too sure.

# %% [markdown]
# **Next.** The foundations end here. Practice begins with the loss in the library, and its traps: [08 · The loss in PyTorch](08_loss_in_pytorch.ipynb).
#
# **Further reading.**
# - C. Blundell et al. (2015), ["Weight uncertainty in neural networks"](https://arxiv.org/abs/1505.05424).
# - A. Foong et al. (2020), ["On the expressiveness of approximate inference in Bayesian neural networks"](https://arxiv.org/abs/1909.00719).
# - B. Coker et al. (2021), ["Wide mean-field variational Bayesian neural networks ignore the data"](https://arxiv.org/abs/2106.07052).
