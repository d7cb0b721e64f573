# %% [markdown]
# # 10 · Few data
#
# **The question.** Why is σ too small when data are few?
#
# **You will be able to**
#
# - derive by how much a least-squares fit underestimates σ², and why it is worse on new y;
# - recognise a σ(x) that has overfitted;
# - take σ from residuals on data that were held out, without losing these data;
# - say what weight decay on the mean, and on the variance, does to σ.
#
# **You need** notebooks 03 and 04, and the trace of a matrix.
#
# **Time.** About 64 minutes; the notebook runs in about 15 s. **On Colab,** and wherever `course_utils` is missing, first run `%pip install git+https://github.com/OWNER/learning-the-variance` in a new cell.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import WAVE
from course_utils.labs import LABS
from course_utils.plots import DATA, REPAIRED, TRUTH, WRONG, show, use_course_style
from course_utils.training import one_thread

use_course_style()

# %% [markdown]
# ## Predict
#
# Replace each `...` by a number before you run on.

# %%
guess("10-a", ...)  # 20 points, 5 coefficients by least squares, true σ² = 1: the average best σ²

# %%
guess("10-b", ...)  # of 10 networks, each on 256 points: how many cover less than 95 % of new y?

# %% [markdown]
# ## How much a line bends toward its noise
#
# In notebook 03 the best σ² is the mean squared residual, S. Least squares bends its fit toward the data, noise included. So its residuals are smaller than the noise. By how much? Let $y = Xw + \varepsilon$, with $n$ rows and $p$ columns in $X$. The noise values are independent, with mean 0 and variance σ².
#
# **Step 1: the fit.** Setting the slope of $\|y - Xw\|^2$ to zero gives $X^\top X \hat w = X^\top y$. So the predictions are
#
# $$\hat y = X \hat w = H y, \qquad H = X (X^\top X)^{-1} X^\top.$$
#
# **Step 2: the residuals.** $HX = X$, so $H y = Xw + H\varepsilon$, and
#
# $$y - \hat y = (I - H)\,\varepsilon.$$

# %% [markdown]
# **Step 3: their squared length.** $H$ is symmetric and $HH = H$: the inner $X^\top X$ cancels one inverse. So $(I - H)^\top (I - H) = I - 2H + HH = I - H$, and
#
# $$n S = \varepsilon^\top (I - H)\,\varepsilon = \sum_{ij} (I - H)_{ij}\, \varepsilon_i \varepsilon_j.$$
#
# **Step 4: the average.** $E[\varepsilon_i \varepsilon_j]$ is σ² for $i = j$ and 0 otherwise. Only the diagonal is left: $E[nS] = \sigma^2 (n - \operatorname{tr} H)$.
#
# **Step 5: the trace.** A trace allows its factors to rotate: $\operatorname{tr} H = \operatorname{tr}[(X^\top X)^{-1} X^\top X] = \operatorname{tr} I_p = p$. Hence
#
# $$\boxed{E\,[\hat\sigma^2] = \frac{n - p}{n}\, \sigma^2}$$

# %% [markdown]
# **And on new y?** Measure again at the same x: $y' = Xw + \varepsilon'$, with fresh noise. The old fit misses it by
#
# $$y' - \hat y = \varepsilon' - H\varepsilon.$$
#
# Square and average. The mixed term $-2\,\varepsilon'^\top H \varepsilon$ has mean 0, since $\varepsilon'$ is independent of $\varepsilon$. The first term gives $n\sigma^2$. The second is $\varepsilon^\top H^\top H \varepsilon = \varepsilon^\top H \varepsilon$, with average $\sigma^2 \operatorname{tr} H = p\,\sigma^2$. So the mean squared error on new y is
#
# $$\boxed{\frac{n + p}{n}\,\sigma^2}$$
#
# We draw 10,000 data sets of $n = 20$ points and fit $p = 5$ coefficients to each.

# %%
n, p = 20, 5
rng = np.random.default_rng(0)
X = torch.from_numpy(rng.standard_normal((n, p)))
targets, fresh = torch.from_numpy(rng.standard_normal((2, n, 10_000)))  # true w = 0, σ = 1
predictions = X @ torch.linalg.lstsq(X, targets).solution  # 10,000 fits at once
variances = ((targets - predictions) ** 2).mean(dim=0)
on_new_y = ((fresh - predictions) ** 2).mean().item()
below = (variances < 1).double().mean().item()
print(f"average σ̂²: {variances.mean():.2f}, theory {(n - p) / n:.2f}; below σ²: {below:.0%}")
print(f"mean squared error on new y: {on_new_y:.2f}, theory {(n + p) / n:.2f}")
assert abs(variances.mean().item() - (n - p) / n) < 0.01 and abs(on_new_y - (n + p) / n) < 0.01

# %%
measured("10-a", round(variances.mean().item(), 2))

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.4))
ax.hist(variances, bins=60, range=(0, 2.4), color=WRONG, alpha=0.45)
ax.axvline(1, color=TRUTH, linestyle="--")
ax.axvline(variances.mean(), color=WRONG)
ax.axvline(on_new_y, color=REPAIRED)
top = 1.15 * ax.get_ylim()[1]
ax.annotate("average,\ntraining y", (0.72, 0.86 * top), ha="right", color=WRONG)
ax.annotate("true\nσ²", (1.02, 0.86 * top))
ax.annotate("average error,\nnew y", (1.28, 0.86 * top), color=REPAIRED)
ax.set(ylim=(0, top), xlabel="σ̂² of one data set, in units of y²", ylabel="data sets (of 10,000)",
       title="Training residuals say 0.75, new y are missed by 1.25")
show(fig, alt="A lopsided histogram of 10,000 estimates with its average at 0.75, left of the "
     "dashed line of the true value 1; the average error on new y stands at 1.25, to the right.")


# %% [markdown]
# For a linear model one may divide by $n - p$ instead of $n$. For a network nobody knows its $p$. Does the same happen there?
#
# ## Ten networks on 256 points
#
# The SGD notebook of the [course notes at pantelis.github.io](https://pantelis.github.io/aiml-common/lectures/regression/linear-regression/sgd_gaussian_nll.html) trains on 256 points. We draw ten such data sets from its wave and train ten networks side by side, as one stack of matrices. Each has a net of 20 tanh units for μ(x) and another for log σ²(x).

# %%
class Stack(nn.Module):
    """Networks side by side: x (k, n, 1) -> mu and log_var, both (k, n, 1)."""

    def __init__(self, count, width=20):
        super().__init__()
        torch.manual_seed(0)
        self.mean, self.log_var = self.weights(count, width), self.weights(count, width)

    def weights(self, count, width):
        shapes = (1, width, 1), (1, width, 1), (width, 1, width), (1, 1, width)
        return nn.ParameterList((2 * torch.rand(count, a, b, dtype=torch.float64) - 1)
                                / math.sqrt(inputs) for a, b, inputs in shapes)

    def of(self, net, x):
        return torch.tanh(2 * (x @ net[0] + net[1])) @ net[2] + net[3]

    def forward(self, x):
        return self.of(self.mean, x), self.of(self.log_var, x)


# %%
def nll(y, mu, log_var):
    """The mean Gaussian NLL of each network of a stack, (k,), in nats."""
    each = 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 * torch.exp(-log_var))
    return each.mean(dim=(1, 2))


@one_thread()
def train(stack, loss, steps, see=None):
    """Adam on the sum of the losses: no network feels another. ``see`` every 20 steps."""
    optimizer = torch.optim.Adam(stack.parameters(), lr=0.02)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss(stack).sum().backward()
        optimizer.step()
        if see is not None and step % 20 == 0:
            with torch.no_grad():
                see(stack)


# %%
def draws(n, count=10):
    """x and y of data sets 0 to count − 1, each (count, n, 1)."""
    return map(torch.stack, zip(*(WAVE.sample(n, seed=seed) for seed in range(count))))


def truth_nll(x, y):
    mean, sigma = WAVE.truth(x)
    return -Normal(mean, sigma).log_prob(y).mean(dim=(1, 2))  # torch's own density


x, y = draws(256)
x_new, y_new = (part.expand(10, -1, -1) for part in WAVE.sample(1000, seed=100))
floor = truth_nll(x_new, y_new)
mean, sigma = WAVE.truth(x)
torch.testing.assert_close(nll(y, mean, 2 * sigma.log()), truth_nll(x, y))


# %%
def watch(x, y, x_held, y_held, steps=400):
    """A trained stack, and its NLL on the training, held-out and new points over the steps."""
    stack, seen = Stack(10), []
    train(stack, lambda s: nll(y, *s(x)), steps, lambda s: seen.append(torch.stack(
        [nll(b, *s(a)) for a, b in ((x, y), (x_held, y_held), (x_new, y_new))])))
    return stack, torch.stack(seen)  # (steps / 20, 3, 10)


overfitted, path = watch(x, y, x[:, :1], y[:, :1])  # nothing held out yet
with torch.no_grad():
    mu, log_var = overfitted(x_new)
covered = ((y_new - mu).abs() < 1.96 * torch.exp(log_var / 2)).double().mean(dim=(1, 2))
on_own, on_new = path[-1, 0] - truth_nll(x, y), path[-1, 2] - floor
short = int((covered < 0.95).sum())

# %%
print(f"training NLL below the truth's on the same points: {(on_own < 0).sum()} of 10")
print(f"NLL on new points above the truth's:               {(on_new > 0).sum()} of 10")
print(f"on average {on_own.mean():+.2f} and {on_new.mean():+.2f} nats; "
      f"coverage of 95 % on new points {covered.mean():.2f}")
assert (on_own < 0).all() and (on_new > 0).all() and covered.mean() < 0.935

# %%
measured("10-b", short)

# %%
steps = np.arange(20, 401, 20)
fig, ax = plt.subplots(figsize=(7.5, 3.6))
ax.plot(steps, path[:, 0] - truth_nll(x, y), color=DATA, linewidth=0.9)
ax.plot(steps, path[:, 2] - floor, color=WRONG, linewidth=0.9)
ax.axhline(0, color=TRUTH, linestyle="--")
ax.annotate("new points", (300, 0.24), color=WRONG)
ax.annotate("training points", (300, -0.13), color="#555555")
ax.set(xlabel="step", ylabel="NLL − truth's NLL, nats", xlim=(0, 400), ylim=(-0.2, 0.3))
ax.set_title("Ten networks go below the truth on their own points, above it on new ones")
show(fig, alt="Ten grey curves fall below the dashed zero line, ten orange ones fall at first and "
     "then stay above it, some of them rising.")

# %% [markdown]
# As with the line, the mean bends toward single points, their residuals shrink, and σ(x) shrinks after them. The net for log σ² adds to it: it falls where the residuals happen to be small. Nothing in the loss stops this: at a point that is hit exactly, the likelihood rewards σ → 0 without limit. The training curves show none of it; the new points do.

# %% [markdown]
# ## Does no model beat the truth?
#
# In expectation, none does. At one x let $p$ be the true density of y and $q$ the model's. The excess is
#
# $$E_p[-\log q] - E_p[-\log p] = E_p\left[\log \tfrac pq\right] = \mathrm{KL}(p \,\|\, q) \ge 0,$$
#
# because $-\log$ is convex: $E_p[-\log \tfrac qp] \ge -\log E_p[\tfrac qp] = -\log 1 = 0$. Averaged over x it stays ≥ 0.
#
# On a finite sample a wrong model may win. Truth N(0, 1), model N(0.1, 1): the excess on n points is $0.005 - 0.1\,\bar y$. So the model wins if $\bar y > 0.05$, with probability $\Phi(-0.05\sqrt n)$.

# %%
for size in (20, 500):
    values = torch.from_numpy(np.random.default_rng(0).standard_normal((1_000, size)))
    excess = (Normal(0, 1).log_prob(values) - Normal(0.1, 1).log_prob(values)).mean(dim=1)
    wins = (excess < 0).double().mean().item()
    theory = Normal(0, 1).cdf(torch.tensor(-0.05 * math.sqrt(size))).item()
    print(f"{size:>5} new points: the wrong model beats the truth in {wins:.0%} of the samples")
    assert abs(wins - theory) < 0.04

# %% [markdown]
# ## Early stopping, with the bill
#
# To stop early we need points to watch, and these are not trained on. We give everybody 256 points. One stack trains on all of them, all 400 steps. The other trains on 200 and stops, each network for itself, where the NLL of the other 56 is lowest. A third way takes this step number and trains on all 256 for as long.

# %%
_, split = watch(x[:, :200], y[:, :200], x[:, 200:], y[:, 200:])
best, each = split[:, 1].argmin(dim=0), torch.arange(10)
to_the_end, stopped, again = (
    part - floor for part in (path[-1, 2], split[best, 2, each], path[best, 2, each]))
print("NLL on new points above the truth's, mean of 10 draws")
print(f"256, all 400 steps          {to_the_end.mean():.2f}")
print(f"200, stopped by the other 56 {stopped.mean():.2f}")
print(f"256, that number of steps   {again.mean():.2f}")
print(f"stopping beats all steps in {(stopped < to_the_end).sum()} of 10 draws, "
      f"training again on 256 in {(again < to_the_end).sum()}")
assert (stopped < to_the_end).sum() >= 6 and abs(stopped.mean() - again.mean()) < 0.02
assert 0 < to_the_end.mean() - stopped.mean() < 0.02


# %% [markdown]
# Stopping wins in 7 of 10 draws against all 400 steps. On average it gains little here, 0.01 nats: what stopping saves, the 56 points that are missing in training partly cost. Training again on all 256 for the same number of steps also wins in 7, and is no better on average. With ten draws these differences are not settled. A comparison that gave the stopped network fresh points to watch, for free, would look better than this one.

# %% [markdown]
# ## σ from residuals that were held out
#
# Stopping keeps σ from falling too far. We can also go to the cause: take the residuals where the mean has not seen y. [Jordahn et al. (2026)](https://arxiv.org/abs/2603.01750) train the mean first and fit σ(x) to held-out residuals.
#
# To lose no points we take turns. Split the data in 4 **folds**. Train a mean on 3 of them, keep its residuals on the fourth; four times. Now every point has an **out-of-fold residual**. The mean that we use in the end is trained on all points, by squared error, 200 steps. Only the source of σ changes.

# %%
def squared(x, y):
    return lambda stack: ((y - stack.of(stack.mean, x)) ** 2).mean(dim=(1, 2))


def residual(stack, x, y):
    with torch.no_grad():
        return y - stack.of(stack.mean, x)


def out_of_fold(x, y, folds=4):
    """The residual of each point from a mean that did not see it, (10, n, 1)."""
    found = torch.empty_like(y)
    for k in range(folds):
        out = torch.arange(x.shape[1]) % folds == k
        stack = Stack(len(x))
        train(stack, squared(x[:, ~out], y[:, ~out]), 200)
        found[:, out] = residual(stack, x[:, out], y[:, out])
    return found


# %%
def fit_sigma(x, r):
    """A stack whose log_var is fitted to the residuals r by the NLL, 100 steps."""
    stack = Stack(len(x))
    train(stack, lambda s: nll(r, torch.zeros_like(r), s.of(s.log_var, x)), 100)
    return stack


grid = WAVE.grid()
true_mean, true_sigma = WAVE.truth(grid)


# %%
def compare(n):
    """RMS of both kinds of residuals; RMS to expect on new y; NLL of σ(x) from both kinds."""
    x, y = draws(n)
    mean = Stack(10)
    train(mean, squared(x, y), 200)
    r, r_new = {"training": residual(mean, x, y)}, residual(mean, x_new, y_new)
    r["out of fold"] = out_of_fold(x, y)
    rms = {kind: part.square().mean(dim=(1, 2)).sqrt() for kind, part in r.items()}
    miss = residual(mean, grid.expand(10, -1, -1), true_mean)
    expected = (miss**2 + true_sigma**2).mean(dim=(1, 2)).sqrt()  # misfit and noise
    losses = {}
    for kind, part in r.items():
        s = fit_sigma(x, part)
        losses[kind] = nll(r_new, 0 * r_new, s.of(s.log_var, x_new)).detach() - floor
    return rms, expected, losses


# %%
results = {n: compare(n) for n in (64, 256)}
for n, (rms, on_new_points, losses) in results.items():
    print(f"n = {n}: RMS to expect on new points {on_new_points.mean():.2f}")
    for kind in rms:
        print(f"  {kind:12} RMS {rms[kind].mean():.2f}; with σ(x) from these residuals "
              f"{losses[kind].mean():.2f} nats above the truth")
    closer = (rms["out of fold"] - on_new_points).abs() < (rms["training"] - on_new_points).abs()
    wins = losses["out of fold"] < losses["training"]
    print(f"  out of fold: the RMS is closer in {closer.sum()}, the NLL lower in {wins.sum()} of 10")
    assert abs(rms["out of fold"].mean() - on_new_points.mean()) < 0.02
    assert wins.sum() >= (8 if n == 64 else 4)


# %% [markdown]
# With 64 points the training residuals are too small (RMS 0.51, where new y are missed by 0.60). The out-of-fold ones say 0.60, and are closer in 8 of 10 draws. A σ(x) fitted to them does better on new points in 9 of 10 draws. With 256 points the mean has little room to bend, both sources give 0.04 nats, and 6 of 10 decides nothing. So held-out residuals matter when data are few for the network.
#
# They cure one of two faults. The net for log σ² bends toward *its* data, too: even from out-of-fold residuals σ(x) is 0.11 nats off with 64 points.

# %% [markdown]
# ## What weight decay does to σ
#
# The SGD notebook sets `weight_decay = 1e-4` "to curb variance inflation". Weight decay of strength λ adds $\tfrac\lambda2 \|w\|^2$ to the loss, and usually to all weights alike. Our nets for mean and variance are separate, so we can decay one of them. We take the strong λ = 0.1, five draws of 256 points, and four choices. 200 steps.

# %%
def half_norm(net):
    return sum((part**2).sum(dim=(1, 2)) for part in net) / 2


x5, y5 = (part.repeat(4, 1, 1) for part in draws(256, count=5))  # four choices × five draws
on_mean = 0.1 * torch.tensor([0.0, 1, 0, 1]).double().repeat_interleave(5)
on_variance = 0.1 * torch.tensor([0.0, 0, 1, 1]).double().repeat_interleave(5)
decayed = Stack(20)
train(decayed, lambda s: nll(y5, *s(x5)) + on_mean * half_norm(s.mean)
      + on_variance * half_norm(s.log_var), 200)

# %%
with torch.no_grad():
    mu, log_var = decayed(grid.expand(20, -1, -1))
misfit = (mu - true_mean).square().mean(dim=(1, 2)).sqrt().reshape(4, 5)
sigmas = torch.exp(log_var / 2).reshape(4, 5, -1)
print("decay on     error of the mean   average σ   smallest σ   largest σ   (truth 0.53, 0.15, 0.90)")
for name, error, s in zip(("nothing", "the mean", "the variance", "both"), misfit, sigmas):
    print(f"{name:13}{error.mean():17.2f}{s.mean():12.2f}{s.amin(dim=1).mean():13.2f}"
          f"{s.amax(dim=1).mean():12.2f}")
average, low = sigmas.mean(dim=2), sigmas.amin(dim=2)
assert (misfit[1] > 2 * misfit[0]).all() and (average[1] > average[0]).all()
assert (low[2] > low[0] + 0.1).all() and (misfit[2] < 0.15).all()
assert abs(average[2].mean() - average[0].mean()) < 0.04

# %% [markdown]
# In all five draws: **decay on the mean** makes it flatter, its error more than doubles, and σ grows on average, since σ² is noise plus misfit (notebook 03). **Decay on the variance** leaves the mean about as good and makes σ(x) flatter: the smallest σ rises. On the average σ it has little effect. It pulls log σ² toward 0, so σ toward 1, and that is a statement about the unit of y.
#
# So decay changes σ in two ways, and at this strength neither is a repair. [Sluijterman et al. (2023)](https://arxiv.org/abs/2302.08875) find that mean and variance need separate strengths. Which strength, held-out data say.

# %% [markdown]
# ## The lab
#
# A least-squares fit of `width` cosines and a constant, and one σ. Raise the width: the training RMS can only fall, the held-out RMS does not follow. Then raise n until the two meet. A small share held out makes the held-out curves jump: few points are a poor judge.

# %%
lab = LABS["10"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"My σ equals the RMS residual; is it not right?"** It has arrived on the training points. Any overfitted σ passes this test (notebook 03).
#
# **"May I report the NLL of the 56 points that I stopped by?"** It was the lowest of many, so it is too good. Judge on a third set, as `x_new` here.
#
# **"Out-of-fold residuals come from means trained on fewer points."** Yes, on 3/4 of them. So their RMS tends to be a little too large for the final mean; more folds make this smaller and cost more training.

# %% [markdown]
# ## Exercises
#
# **10-1 (predict).** A linear model with 6 coefficients, the intercept among them, is fitted to 40 points; the noise has σ = 2. By how much does its mean squared error on new y, at the same x, exceed that on the training y, on average?

# %%
gap = ...
check("10-1", gap)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One average is below σ², the other above it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# $(n + p)/n - (n - p)/n$, times σ².
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# gap = 2**2 * 2 * 6 / 40  # 1.2
# ```
#
# </details>

# %% [markdown]
# **10-2 (derive).** A linear model with 6 coefficients, the intercept among them, is fitted to 30 points by maximum likelihood. Its learned σ is 1.2. Correct it: which σ has a square that is right on average?

# %%
corrected = ...
check("10-2", corrected)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The learned σ² is $(n - p)/n$ of the true one, on average. It is the variance that is corrected.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Multiply $1.2^2$ by $30/24$, then take the root.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# corrected = math.sqrt(1.2**2 * 30 / (30 - 6))  # 1.34
# ```
#
# </details>

# %% [markdown]
# **10-3 (code).** Write the σ of out-of-fold residuals for least squares: X is (n, p), y (n, 1), and row i belongs to fold i mod `folds`. Return the RMS over all rows.

# %%
def out_of_fold_sigma(X, y, folds):
    ...


check("10-3", out_of_fold_sigma)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# For each k, `out = torch.arange(len(y)) % folds == k` marks the rows to hold out. Fit on `~out`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Collect the residuals of all folds first. Square, average and take the root once, at the end.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def out_of_fold_sigma(X, y, folds):
#     r = torch.empty_like(y)
#     for k in range(folds):
#         out = torch.arange(len(y)) % folds == k
#         w = torch.linalg.lstsq(X[~out], y[~out]).solution
#         r[out] = y[out] - X[out] @ w
#     return r.square().mean().sqrt()
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("10")

# %%
guesses("10")

# %% [markdown]
# ## Recap
#
# - A fit bends toward its own noise. Least squares learns $(n - p)/n$ of σ² and misses new y by $(n + p)/n$.
# - A network does the same: below the truth on its own points, above it on new ones, coverage too small.
# - Judge σ by held-out points, and count them as spent. Out-of-fold residuals spend none.
# - Decay on the mean puts misfit into σ; decay on the variance flattens σ(x).
#
# **Next.** What if y is a count, a duration, or has outliers? Then the Gaussian itself is in question. That is notebook 11.
#
# **Further reading.**
# - Goodfellow, Bengio & Courville (2016), [*Deep Learning*, section 5.4.2](https://www.deeplearningbook.org/contents/ml.html): the biased σ² for p = 1, and section 7.8 on early stopping.
# - Sluijterman, Cator & Heskes (2023), [Optimal training of mean variance estimation neural networks](https://arxiv.org/abs/2302.08875): separate regularisation.
# - Jordahn et al. (2026), [Practical deep heteroskedastic regression](https://arxiv.org/abs/2603.01750): σ(x) from held-out residuals.
