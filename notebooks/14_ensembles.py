# %% [markdown]
# # 14 · Ensembles
#
# **The question.** Which part of the uncertainty would more data remove?
#
# **You will be able to**
#
# - split the variance of an ensemble into an aleatoric and an epistemic part, without bias;
# - say which differences between members shrink with more data, and which do not;
# - compare a deep ensemble, dropout, last-layer Laplace and Bayes by Backprop on one gap;
# - pool, calibrate and report a mixture.
#
# **You need** notebook 04 (two outputs) and notebook 07 (epistemic, a gap in the data).
#
# **Time.** About 63 minutes; the notebook runs in about 20 s. **On Colab,** and wherever `course_utils` is missing, first run `%pip install git+https://github.com/OWNER/learning-the-variance` in a new cell.

# %%
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE, WAVE
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll, mean_nll, negative_elbo
from course_utils.models import BayesianRegressor, Bump, HeteroscedasticRegressor, mlp
from course_utils.plots import ALEATORIC, DATA, EPISTEMIC, MEAN, TRUTH
from course_utils.plots import plot_data, plot_truth, show, use_course_style
from course_utils.training import fit, predict, predict_samples

use_course_style()

# %% [markdown]
# ## Predict
#
# An **ensemble** is a few networks of one form, trained on the same data from different first weights. Where they disagree, we say, the ensemble is unsure: their spread is called epistemic, what more data would remove. First five *lines* through 100 points. We divide the sd of the five trained lines by the exact posterior's sd.
#
# Then five networks on 100 points. We train them again on 400.

# %%
guess("14-a", ...)  # five trained lines: their spread / the posterior's sd
guess("14-b", ...)  # five networks: is their spread "most" or "little" of their mean's error?


# %% [markdown]
# ## The counterexample: lines
#
# Take y = w x + ε with noise N(0, 1). Under a flat prior the posterior of w is Gaussian with variance $1/\sum x_i^2$ (notebook 07, one weight), so
#
# $$\text{posterior sd of } f(x) = \frac{\sigma\,|x|}{\sqrt{\sum_i x_i^2}} .$$
#
# The squared error of a line has one minimum. Wherever five members start, they end there.
#
# **Dropout** left on at prediction ([Gal & Ghahramani 2016](https://arxiv.org/abs/1506.02142)) makes random functions of one network: the input survives with probability q and is then divided by q. With m = 1 or 0, $\operatorname{Var}(w x\, m/q) = w^2 x^2 (1 - q)/q$. No n occurs in it.

# %%
def spreads_at_2(n, q=0.9):
    """sd of f(2): five members, the posterior, MC dropout, for a line through the origin."""
    x, y = replace(LINE, mean=lambda x: 2.3 * x).sample(n, seed=0)
    w = torch.linspace(-5, 5, 5, dtype=x.dtype)[:, None]
    for _ in range(200):  # plain gradient descent on half the mean squared error
        w = w - 0.1 * ((w * x.T - y.T) * x.T).mean(dim=1, keepdim=True)
    kept = q * (x * y).sum() / (x**2).sum()  # the w that dropout's squared error is smallest at
    masks = torch.from_numpy(np.random.default_rng(0).binomial(1, q, 10_000) / q)
    dropout = (2 * kept * masks).std()
    torch.testing.assert_close(dropout, (2 * kept).abs() * math.sqrt((1 - q) / q), rtol=0.05, atol=0)
    return (2 * w).std().item(), (2 / x.norm()).item(), dropout.item()


# %%
lines = {n: spreads_at_2(n) for n in (10, 100, 1000, 10_000)}
for n, (members, exact, dropout) in lines.items():
    print(f"n = {n:6,}: members {members:.3f}, posterior {exact:.3f}, dropout {dropout:.1f}")
assert max(members for members, *_ in lines.values()) < 1e-6
measured("14-a", round(lines[100][0] / lines[100][1], 3), "spread of the lines / posterior sd")


# %% [markdown]
# The members agree whatever n is: their spread is 0, not small. Dropout's spread stays where it is. Only the posterior's falls, as $1/\sqrt n$.
#
# So "spread of the members" is not a definition of uncertainty. It is a property of the optimisation: how many places training may end in. With networks there are many, and the spread is not 0. How much of the uncertainty it then holds must be measured.
#
# (Dropout also shrinks the slope, to q times the least-squares one: it is a penalty on w. Exercise 14-2 uses that.)

# %% [markdown]
# ## Networks side by side
#
# We need many networks, so we compute them at once, as notebook 09 did: each weight matrix gets a first dimension for the member, and `torch.baddbmm` multiplies them all. Deep ensembles with two outputs are due to [Lakshminarayanan et al. (2017)](https://arxiv.org/abs/1612.01474).

# %%
def stacked_weights(members: int, n_in: int, hidden: Sequence[int], n_out: int):
    nets = [mlp(n_in, hidden, 2 * n_out, nn.Identity)[::2] for _ in range(members)]
    weights = [torch.stack([layer.weight.T for layer in same]) for same in zip(*nets)]
    biases = [torch.stack([layer.bias[None] for layer in same]) for same in zip(*nets)]
    return weights, biases


# %%
class Ensemble(nn.Module):
    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, members=5, activation=nn.ReLU):
        super().__init__()
        weights, biases = stacked_weights(members, n_in, hidden, n_out)
        self.weights, self.biases = nn.ParameterList(weights), nn.ParameterList(biases)
        self.members, self.activation = len(weights[0]), activation()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = x.expand(self.members, *x.shape)
        for layer, (w, b) in enumerate(zip(self.weights, self.biases)):
            h = torch.baddbmm(b, self.activation(h) if layer else h, w)
        mu, log_var = h.chunk(2, dim=2)
        return mu, log_var


# %% [markdown]
# `mean_nll` averages over the members as well. They share no weight, so each gets the gradient of its own NLL, divided by their number, and Adam divides by the size of the gradient anyway. A check, against the same five networks alone:

# %%
x, y = WAVE.sample(1000, seed=0)
seen = (x.abs() > 1)[:, 0]
x, y = x[seen], y[seen]  # the gap of notebook 07

torch.manual_seed(0)
five = Ensemble(hidden=(20,), activation=nn.Tanh)
torch.manual_seed(0)
alone = [HeteroscedasticRegressor(hidden=(20,), activation=nn.Tanh) for _ in range(5)]
mean_nll(five, x, y).backward()
for member, net in enumerate(alone):
    mean_nll(net, x, y).backward()
    torch.testing.assert_close(five(x)[0][member], net(x)[0])
    torch.testing.assert_close(5 * five.weights[0].grad[member], net.net[0].weight.grad.T)


# %% [markdown]
# ## The law of total variance, with M − 1
#
# The ensemble's prediction is the **mixture** of its members: pick one, then draw y from its Gaussian. As in notebook 07,
#
# $$\operatorname{Var} y = \underbrace{\mathbb E[\sigma^2]}_{\text{aleatoric}} + \underbrace{\operatorname{Var}[\mu]}_{\text{epistemic}} .$$
#
# The M members are a sample of all networks that training may end in. Let their means be independent with variance v. Then $\mathbb E \sum_m (\mu_m - \bar\mu)^2 = (M - 1)\,v$: the sample mean has moved toward its members, as in notebook 10. Divided by M the estimate is v(1 − 1/M) on average, 0.8 v for five members; divided by M − 1 it is v.

# %%
def split(mu: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return mu.mean(0), log_var.exp().mean(0).sqrt(), mu.std(0, correction=1)


# %%
fit(five, mean_nll, x, y, steps=200, lr=0.05, anneal=True)
mu, aleatoric, epistemic = predict_samples(five, x)  # for an ensemble this is `split`
with torch.no_grad():
    torch.testing.assert_close((mu, aleatoric, epistemic), split(*five(x)))
torch.testing.assert_close(predict(five, x)[1], torch.sqrt(aleatoric**2 + epistemic**2))

groups = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 100_000)))
by_five, by_four = (groups.var(0, correction=c).mean().item() for c in (0, 1))
print(f"true variance 1; five members: divided by M {by_five:.2f}, by M − 1 {by_four:.2f}")
assert abs(by_five - 0.8) < 0.01 and abs(by_four - 1) < 0.01


# %% [markdown]
# ## Over n and over noise: which part moves?
#
# A part is epistemic if more data shrink it, and aleatoric if they do not. That can be tried, as [de Jong et al. (2024)](https://arxiv.org/abs/2408.12175) do for classifiers: change the number of points, change the noise, look.
#
# Beside the plain ensemble we train one whose members see different data: each gets a **bootstrap** sample, n rows drawn with replacement. In a loss that is a weight for each row, the number of times it was drawn. Ten members, five of each kind, are one `Ensemble`. We repeat everything on four data sets, and know the truth: the error of the mean is what an epistemic sd should be as large as.

# %%
def resampled(n, plain=5, seed=0):
    """How often each of 10 members sees each row, (10, n, 1): once, or as a bootstrap draws."""
    rng = np.random.default_rng(seed)
    counts = np.concatenate([np.ones((plain, n)), rng.multinomial(n, np.full(n, 1 / n), 10 - plain)])
    return torch.from_numpy(counts)[:, :, None]


def weighted_nll(model, x, y, *, counts):
    mu, log_var = model(x)
    nll = gaussian_nll(y.repeat(len(mu), 1), mu.flatten(0, 1), log_var.flatten(0, 1))
    return (counts.flatten(0, 1) * nll).mean()


# %%
def parts(n, noise, seed):
    """Median over x of: aleatoric sd, spread, bootstrap spread, |error of the plain mean|."""
    problem = replace(WAVE, sigma=lambda x: noise * WAVE.sigma(x))
    x, y = problem.sample(n, seed=seed)
    torch.manual_seed(seed)
    ten = Ensemble(hidden=(20,), members=10, activation=nn.Tanh)
    loss = partial(weighted_nll, counts=resampled(n, seed=seed))
    fit(ten, loss, x, y, steps=150, lr=0.05, anneal=True)
    grid = problem.grid(101)
    with torch.no_grad():
        mu, log_var = ten(grid)
    mean, aleatoric, spread = split(mu[:5], log_var[:5])
    error = (mean - problem.truth(grid)[0]).abs()
    return [v.median() for v in (aleatoric, spread, mu[5:].std(0), error)]


# %%
SETTINGS = {"100 points": (100, 1), "400 points": (400, 1), "100 points, noise × 2": (100, 2)}
found = {name: torch.tensor([parts(*setting, seed) for seed in range(4)])
         for name, setting in SETTINGS.items()}
NAMES = ["aleatoric", "spread of members", "bootstrap spread", "error of the mean"]
sizes = torch.stack([values.mean(0) for values in found.values()])  # settings × parts
by_data, by_noise = sizes[1] / sizes[0], sizes[2] / sizes[0]
few_and_many = torch.cat([found["100 points"], found["400 points"]])
held, by_bootstrap = few_and_many[:, 1:3].T / few_and_many[:, 3]

# %%
assert 1 < by_data[0] < 1.3 and (by_data[2:] < 0.65).all() and (by_noise > 1.5).all()
assert (held < 0.7).sum() >= 7 and held.median() < 0.4 and 1 < by_bootstrap.median() < 2.2
print(f"spread below 0.7 of the mean's error: at least 7 of {len(held)} data sets")
measured("14-b", "little" if held.median() < 0.5 else "most", "held by the spread")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.3), sharey=True)
for ax, ratio, title in ((left, by_data, "4 × the points: noise stays, error falls"),
                         (right, by_noise, "2 × the noise: everything rises")):
    ax.barh(NAMES, ratio, color=[ALEATORIC, EPISTEMIC, EPISTEMIC, DATA])
    ax.axvline(1, color=TRUTH, linestyle="--", linewidth=1.2)
    ax.set(xlim=(0, 2.8), xlabel="multiplied by", title=title)
left.axvline(0.5, color=TRUTH, linestyle=":", linewidth=1.2)
left.invert_yaxis()
show(fig, alt="Bars. With four times the points the aleatoric part stays near 1 while the bootstrap "
     "spread and the error of the mean fall to about one half. With twice the noise all four bars "
     "reach about 2.")

# %% [markdown]
# Read the left panel first. The aleatoric part stays (it grows a little: on few data σ is too small, notebook 10). The error of the mean about halves, as $1/\sqrt n$ says (dotted), and so does the bootstrap spread.
#
# How large should an epistemic sd be? The median of |error| is 0.67 sd for a Gaussian, so an honest sd is about 1.5 times the error we measured. The bootstrap spread is near that. The plain spread is far below. All five members bend toward the *same* noise. They differ by their first weights, and not by what other data would have taught them ([Jiménez et al. 2025](https://arxiv.org/abs/2505.23506) call these procedural and data uncertainty). As for lines, only less extreme.
#
# The right panel: more noise raises **every** bar. Epistemic sd's grow with σ, as $\sigma |x| / \sqrt{\sum x^2}$ does.

# %% [markdown]
# ## Bias is booked as noise
#
# The law has two terms, the error has three: noise, variance, and **bias**, what the model cannot represent. Where does the ensemble put it? Five *lines* on 4,000 points of the wave:

# %%
X, Y = WAVE.sample(4000, seed=2)
torch.manual_seed(0)
straight = Ensemble(hidden=())
fit(straight, mean_nll, X, Y, steps=400, lr=0.05, anneal=True)
mu, aleatoric, epistemic = predict_samples(straight, X)
mean, sigma = WAVE.truth(X)
noise, misfit = (v.square().mean().item() for v in (sigma, mu - mean))
booked = aleatoric.square().mean().item()
print(f"noise σ² {noise:.1f}, squared bias {misfit:.1f}, booked as aleatoric {booked:.1f}")
assert abs(booked / (noise + misfit) - 1) < 0.1 and misfit > 0.3 and epistemic.max() < 0.05


# %% [markdown]
# The aleatoric part is noise plus bias, and the spread is next to nothing. A larger network would remove the bias; more data would not. "Aleatoric" means *not removed by more data for this model*.
#
# ## One gap, four ways
#
# Back to the gap of notebook 07. The ensemble `five` is trained. The others:
#
# - **MC dropout**: a network with dropout layers, left on at prediction.
# - **Last-layer Laplace**: one trained network. Its last hidden layer φ(x) is kept; the weights on it get the exact posterior of a linear model with known noise σ(x), prior N(0, 1): $\operatorname{Var} f(x) = \phi^\top (\Phi^\top D^{-1} \Phi + I)^{-1} \phi$, D the noise variances (after [Daxberger et al. 2021](https://arxiv.org/abs/2106.14806)).
# - **Bayes by Backprop**: the 20 bumps of notebook 07.

# %%
class WithDropout(nn.Module):
    def __init__(self, rate=0.1):
        super().__init__()
        layers = [nn.Linear(1, 50), nn.ReLU(), nn.Dropout(rate), nn.Linear(50, 50), nn.ReLU(),
                  nn.Dropout(rate), nn.Linear(50, 2)]
        self.net = nn.Sequential(*layers).double()

    def forward(self, x):
        mu, log_var = self.net(x).chunk(2, dim=1)
        return mu, log_var


# %%
def laplace(net, x, new):
    """Epistemic sd (n, 1) at ``new`` of the weights on the last hidden layer, given the rest."""
    with torch.no_grad():
        Phi, phi = (torch.cat([net.net[:-1](v), torch.ones_like(v)], 1) for v in (x, new))
        sigma = torch.exp(net(x)[1] / 2)
    precision = (Phi / sigma).T @ (Phi / sigma) + torch.eye(Phi.shape[1], dtype=x.dtype)
    return (phi @ torch.linalg.inv(precision) * phi).sum(1, keepdim=True).sqrt()


# %%
torch.manual_seed(0)
dropped = WithDropout()
fit(dropped, mean_nll, x, y, steps=300, lr=0.02, anneal=True)
one = HeteroscedasticRegressor(hidden=(20,), activation=nn.Tanh)
fit(one, mean_nll, x, y, steps=200, lr=0.05, anneal=True)
bumps = BayesianRegressor(activation=Bump, prior_sd=2.5)
fit(bumps, partial(negative_elbo, n=len(x)), x, y, steps=1000, lr=0.15, anneal=True)

# %%
grid = WAVE.grid(121, margin=0.3)
torch.manual_seed(0)
WAYS = {
    "deep ensemble": predict_samples(five, grid),
    "MC dropout": predict_samples(dropped, grid, 100, dropout=True),
    "last-layer Laplace": (*predict(one, grid), laplace(one, x, grid)),
    "Bayes by Backprop": predict_samples(bumps, grid, 200),
}
gap, data = grid.abs() < 1, (grid.abs() > 1.2) & (grid.abs() < 2.8)
rise = {name: (parts[2][gap].mean() / parts[2][data].mean()).item() for name, parts in WAYS.items()}
assert rise["MC dropout"] < 2 < min(v for name, v in rise.items() if name != "MC dropout")
widths = [parts[2][gap].mean() for parts in WAYS.values()]
assert max(widths) > 3 * min(widths)
_, sigma_at_0, epistemic_at_0 = (part[60] for part in WAYS["Bayes by Backprop"])
assert epistemic_at_0 > 6.3 / 2 and sigma_at_0 > 3 * WAVE.truth(grid)[1][60]

# %%
fig, axes = plt.subplots(2, 2, figsize=(8, 5.4), sharex=True, sharey=True)
for ax, (name, (mu, aleatoric, epistemic)) in zip(axes.flat, WAYS.items()):
    plot_data(ax, x, y, s=5, alpha=0.3)
    for sd, color in ((torch.hypot(aleatoric, epistemic), ALEATORIC), (epistemic, EPISTEMIC)):
        low, high = (mu - 1.96 * sd)[:, 0], (mu + 1.96 * sd)[:, 0]
        ax.fill_between(grid[:, 0], low, high, color=color, alpha=0.45, linewidth=0)
    ax.plot(grid, mu, color=MEAN)
    plot_truth(ax, WAVE, band=False)
    ax.set(ylim=(-4.5, 4.5), xlabel="", ylabel="", title=name)
fig.suptitle("Dropout hardly sees the gap; the others disagree on its width", x=0.02, ha="left")
fig.supxlabel("x")
fig.supylabel("y (bands: ± 1.96 sd; epistemic purple, total orange)", fontsize=10)
show(fig, alt="Four panels over the same data with a gap. The purple band of the ensemble, of Laplace "
     "and of Bayes by Backprop is wider in the gap than among the data; that of dropout has about "
     "the same width everywhere.")


# %% [markdown]
# Three of the four are at least twice as unsure in the gap as among the data; dropout is not. (With one hidden layer of ReLU units it cannot be much less sure between two clusters than in them: [Foong et al. 2020](https://arxiv.org/abs/1909.00719).) The epistemic sd's in the gap differ by a factor above 3, and no data there decide: each way has its own prior, stated or not. Bayes by Backprop goes more than half of the way back to its wide prior there, which has an sd of 6.3 at x = 0 (notebook 07), and its σ spreads likewise.

# %% [markdown]
# What one prediction costs:
#
# | | trainings | forwards | needs |
# |---|---|---|---|
# | ensemble | M, side by side | M | nothing |
# | MC dropout | 1 | 100 or so | dropout layers |
# | last-layer Laplace | 1, and one inverse | 1 | the last layer's features |
# | Bayes by Backprop | 1, of twice the parameters | 200 or so | a prior, an ELBO |

# %% [markdown]
# ## Is it useful? A discard test
#
# An epistemic sd should know where the mean is wrong. Drop the third of the x with the largest epistemic sd, and see whether the error of the mean on the rest falls.

# %%
def error_falls(parts):
    """The RMS error of the mean where epistemic is in the lower two thirds / everywhere."""
    at = grid.abs() <= 3
    error, sd = (parts[0] - WAVE.truth(grid)[0])[at], parts[2][at]
    kept = error[sd <= sd.quantile(2 / 3)]
    return (kept.square().mean() / error.square().mean()).sqrt().item()


torch.manual_seed(1)
twenty = Ensemble(hidden=(20,), members=20, activation=nn.Tanh)  # four more ensembles of five
fit(twenty, mean_nll, x, y, steps=200, lr=0.05, anneal=True)
with torch.no_grad():
    groups = [split(*pair) for pair in zip(*(v.split(5) for v in twenty(grid)))]
falls = [error_falls(parts) for parts in (WAYS["deep ensemble"], *groups)]
print(f"the error falls in at least 4 of {len(falls)} ensembles")
assert sum(value < 0.95 for value in falls) >= 4
assert all(parts[2][gap].mean() > 2 * parts[2][data].mean() for parts in groups)

# %% [markdown]
# It falls: the third that we dropped is mostly the gap. As a *ranking* the spread is useful, even where as an *amount* it is too small. (This needs the truth, or held-out y with many points: noise hides the rest.)
#
# ## Pool first, then calibrate
#
# Suppose each member is calibrated. Is their mixture? Let y = a + b + e, three independent N(0, 1). Member 1 knows a and says N(a, 2); member 2 knows b and says N(b, 2). Both are right. The PIT (the probability that the forecast puts below y) of the mixture is $\tfrac12[\Phi(z_1) + \Phi(z_2)]$ with $z_1 = (b + e)/\sqrt2$ and $z_2 = (a + e)/\sqrt2$, correlated ½. Two uniforms $\Phi(z)$ at correlation ρ of the z have correlation $\tfrac6\pi \arcsin\tfrac\rho2$, so 12 Var(PIT), 1 for a calibrated forecast, is
#
# $$\tfrac12 \left(1 + \tfrac6\pi \arcsin \tfrac14\right) = 0.741 .$$
#
# Too wide. [Gneiting & Ranjan (2013)](https://arxiv.org/abs/1106.1638) prove that a pool of calibrated forecasts that differ always is.

# %%
a, b, e = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 200_000)))
y_new, sd = a + b + e, math.sqrt(2)
pool = (Normal(a, sd).cdf(y_new) + Normal(b, sd).cdf(y_new)) / 2
covered = ((pool > 0.05) & (pool < 0.95)).double().mean().item()
print(f"12 Var(PIT) {12 * pool.var():.2f}; its 90 % interval covers {covered:.2f}")
assert abs(12 * pool.var() - (1 + 6 / math.pi * math.asin(1 / 4)) / 2) < 0.01
assert abs(covered - 0.96) < 0.005

total = torch.sqrt(2 + (a - b) ** 2 / 4)  # the mixture's sd; then one factor, the RMS of z
z = (y_new - (a + b) / 2) / total
factor = z[:100_000].square().mean().sqrt()
recalibrated = ((z / factor).abs() < 1.645)[100_000:].double().mean().item()
print(f"one factor {factor:.2f} from half of the y; on the other half: {recalibrated:.2f}")
assert factor < 0.9 and abs(recalibrated - 0.9) < 0.01

# %% [markdown]
# So calibrate the *pool*, on held-out data: here one factor on its sd is enough. Calibrating each member, and pooling then, undoes it ([Rahaman & Thiery 2021](https://arxiv.org/abs/2007.08792)).
#
# ## Quantiles of the mixture
#
# A mixture is no Gaussian. Where members disagree, μ ± 1.96 sd is not its 95 % interval. Take two members with means ±2 and σ = 0.5:

# %%
means, sigma = torch.tensor([-2.0, 2.0], dtype=torch.float64), 0.5


def mixture_cdf(y):
    """The mixture's probability below each y (n, 1): the average of the members'."""
    return Normal(means, sigma).cdf(y).mean(1)


axis = torch.linspace(-6, 6, 12_001, dtype=torch.float64)[:, None]
upper = axis[(mixture_cdf(axis) >= 0.975).nonzero()[0]].item()
by_sd = 1.96 * math.sqrt(sigma**2 + 2**2)  # the exact variance of this mixture: divided by M = 2
share = 1 - 2 * mixture_cdf(torch.tensor([[-by_sd]], dtype=torch.float64)).item()
print(f"the mixture's 97.5 % point {upper:.2f}; mean + 1.96 sd = {by_sd:.2f}")
assert abs(upper - (2 + 0.5 * 1.645)) < 0.002 and share > 0.9999

# %% [markdown]
# The interval by sd is 4.04, the mixture's 2.82, and the first holds more than 99.99 % instead of 95. (Its variance divides by M: here the two members *are* the whole mixture.) Among the data, where the members agree, the two are the same.
#
# ## The lab
#
# Members with 20 random tanh units each; the weights on them are fitted in closed form, pulled weakly toward first weights of their own. Predict, then slide: what does n do to the purple among the data, and in the gap? What do more members change, the size of the purple or its steadiness?

# %%
lab = LABS["14"]()
lab

# %% [markdown]
# Among the data the purple falls to nearly nothing with n. In the gap it falls far less: what is left there is the members' first weights, that is, a prior. The orange curve is about the noise where data are, and a guess elsewhere. More members make the purple steadier from one M to the next, and not smaller.

# %% [markdown]
# ## A reader asks
#
# **"Can the two be told apart?"** Not from one number each. In our experiment noise moved both. [Mucsányi et al. (2024)](https://arxiv.org/abs/2402.19460) find the usual estimates of the two highly correlated, for classifiers of images. What can be told apart is the *effect of an action*: collect more data, and see what falls.
#
# **"Why not evidential regression, one network that returns both?"** It learns the parameters of a prior over (μ, σ²) from single y. Many such priors give the same distribution of y, so the likelihood does not identify the split; what it reports is set by a regulariser ([Meinert et al. 2022](https://arxiv.org/abs/2205.10060)). It may rank points well. As an amount, it is not what more data would remove.
#
# **"How many members?"** The sd of M Gaussian values has a standard error of about $1/\sqrt{2(M - 1)}$ of itself: 35 % for five.

# %% [markdown]
# ## Exercises
#
# **14-1 (predict).** At one x, five members say μ = 1, 2, 3, 4, 5 and σ = 1, 1, 2, 2, 3. What is the total standard deviation of y, with the unbiased epistemic part?

# %%
total = ...
check("14-1", total)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The mean of the σ², plus the variance of the μ.
# </details>
# <details><summary>Hint 2</summary>
#
# The squares of the σ sum to 19. The squared distances of the μ from 3 sum to 10.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# total = math.sqrt(19 / 5 + 10 / 4)  # 2.51
# ```
# </details>

# %% [markdown]
# **14-2 (derive).** A line y = w x is trained with dropout on its input (kept with probability q = 0.8, then divided by q) on endless data without noise, true slope 2. Training minimises $E[(y - w x\, m/q)^2]$. What sd does MC dropout report for f(3)?

# %%
reported = ...
check("14-2", reported)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First the trained w. $E[m/q] = 1$, and $E[(m/q)^2] = 1/q$.
# </details>
# <details><summary>Hint 2</summary>
#
# The loss is $x^2 (4 - 4w + w^2/q)$, smallest at w = 2q. Then use the variance of the section on lines.
# </details>
# <details><summary>Solution</summary>
#
# ```python
# reported = 2 * 0.8 * 3 * math.sqrt(0.2 / 0.8)  # 2.4: nothing is left to learn, and it is unsure
# ```
# </details>

# %% [markdown]
# **14-3 (code).** The probability that the mixture of the members puts between `lower` and `upper`, both (n,), from `mus` and `sigmas`, both (members, n).

# %%
def probability_between(lower, upper, mus, sigmas):
    ...


check("14-3", probability_between)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each member has a probability of its own for the interval.
# </details>
# <details><summary>Hint 2</summary>
#
# `Normal(mus, sigmas).cdf(upper)` is (members, n).
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def probability_between(lower, upper, mus, sigmas):
#     members = Normal(mus, sigmas)
#     return (members.cdf(upper) - members.cdf(lower)).mean(0)
# ```
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("14")

# %%
guesses("14")

# %% [markdown]
# ## Recap
#
# - More data remove the error of the mean, not the noise, and not the bias, which is booked as noise.
# - The spread of members is what training leaves open: 0 for lines, little for networks among the data. Members on bootstrap samples also see what other data would have taught.
# - Variances add; the epistemic one divides by M − 1.
# - Dropout's spread ignores n (for a line, exactly), and here hardly sees the gap.
# - Pool first, calibrate the pool on held-out data, and report quantiles of the mixture.

# %% [markdown]
# **Next.** Here a known truth told which spread was honest. With measured data nobody knows it; what can be checked then is calibration: [`15_real_data`](15_real_data.ipynb).
#
# **Further reading.**
# - B. Lakshminarayanan et al. (2017), ["Simple and scalable predictive uncertainty estimation using deep ensembles"](https://arxiv.org/abs/1612.01474).
# - I. de Jong et al. (2024), ["How disentangled are your classification uncertainties?"](https://arxiv.org/abs/2408.12175).
# - S. Jiménez et al. (2025), ["Epistemic uncertainty estimation methods are fundamentally incomplete"](https://arxiv.org/abs/2505.23506).
# - A. Foong et al. (2020), ["On the expressiveness of approximate inference in Bayesian neural networks"](https://arxiv.org/abs/1909.00719).
