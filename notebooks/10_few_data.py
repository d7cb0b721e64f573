# %% [markdown]
# # 10 · Few data
#
# **The question.** Why is σ too small when data are few?
#
# ![Ten grey curves fall below the dashed zero line, ten orange ones fall at first and then stay above it, some of them rising.](images/10.png)
#
# **You will be able to**
#
# - derive by how much a least-squares fit underestimates σ²;
# - give an interval for a new y from five points;
# - recognise a σ(x) that has overfitted;
# - take σ from residuals on data that were held out, without losing these data.
#
# **You need** notebooks 03 and 04; the inverse and the trace of a matrix; Bayes' rule for one section.
#
# **Time.** About 58 minutes; the notebook runs in about 15 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy import stats

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DTYPE, WAVE
from course_utils.labs import LABS
from course_utils.plots import DATA, REPAIRED, TRUTH, WRONG, show, use_course_style

use_course_style()
torch.set_num_threads(1)

# %% [markdown]
# ## Predict
#
# **Guess 10-a.** Twenty points, five coefficients by least squares, true σ² = 1. What is the best σ² for the residuals, on average?

# %%
guess("10-a", ...)

# %% [markdown]
# **Guess 10-b.** Five values of y, nothing else. You take their mean ± 1.96 s, where s is their standard deviation (with n − 1). How many per cent of new y lie inside?

# %%
guess("10-b", ...)

# %% [markdown]
# ## How much a line bends toward its noise
#
# In notebook 03 the best σ² is the mean squared residual, S. Least squares bends its fit toward the data, noise included, so its residuals are smaller than the noise. By how much? Let $y = Xw + \sigma\varepsilon$, with $n$ rows and $d$ columns in $X$, and independent $\varepsilon_i$ of mean 0 and variance 1.
#
# **Step 1: the fit.** Setting the slope of $\|y - Xw\|^2$ to zero gives $X^\top X \hat w = X^\top y$. So the predictions are $\hat y = X \hat w = H y$ with $H = X (X^\top X)^{-1} X^\top$.
#
# **Step 2: the residuals.** $HX = X$, so $H y = Xw + \sigma H\varepsilon$, and $y - \hat y = \sigma\,(I - H)\,\varepsilon$.

# %% [markdown]
# **Step 3: their squared length.** $H$ is symmetric and $HH = H$: the inner $X^\top X$ cancels one inverse. So $(I - H)^\top (I - H) = I - 2H + HH = I - H$, and $n S = \sigma^2\,\varepsilon^\top (I - H)\,\varepsilon = \sigma^2 \sum_{ij} (I - H)_{ij}\, \varepsilon_i \varepsilon_j.$
#
# **Step 4: the average.** $E[\varepsilon_i \varepsilon_j]$ is 1 for $i = j$ and 0 otherwise. Only the diagonal is left: $E[nS] = \sigma^2 (n - \operatorname{tr} H)$.
#
# **Step 5: the trace.** A trace allows its factors to rotate: $\operatorname{tr} H = \operatorname{tr}[(X^\top X)^{-1} X^\top X] = \operatorname{tr} I_d = d$. Hence
#
# $$\boxed{E\,[\hat\sigma^2] = \frac{n - d}{n}\, \sigma^2}$$

# %% [markdown]
# **And on new y?** Measure again at the *same* x: $y' = Xw + \sigma\varepsilon'$, with fresh noise. The old fit misses it by $y' - \hat y = \sigma(\varepsilon' - H\varepsilon)$.
#
# Square and average. The mixed term $-2\,\varepsilon'^\top H \varepsilon$ has mean 0, since $\varepsilon'$ is independent of $\varepsilon$. The first square gives $n$. The second is $\varepsilon^\top H^\top H \varepsilon = \varepsilon^\top H \varepsilon$, with average $\operatorname{tr} H = d$. So the mean squared error on new y at the same x is
#
# $$\boxed{\frac{n + d}{n}\,\sigma^2}$$
#
# At *new* x it is larger, since some of them lie where no old ones do. For $d$ independent Gaussian columns the factor is $1 + d/(n - d - 1)$.
#
# We draw 10,000 data sets of $n = 20$ points and fit $d = 5$ coefficients to each.

# %%
n, d = 20, 5
rng = np.random.default_rng(0)
X, X_new = torch.from_numpy(rng.standard_normal((2, 10_000, n, d)))
targets, fresh, fresh_at_new_x = torch.from_numpy(rng.standard_normal((3, 10_000, n, 1)))
w = torch.linalg.lstsq(X, targets).solution  # 10,000 fits at once; true w = 0, σ = 1
variances = ((targets - X @ w) ** 2).mean(dim=(1, 2))
on_new_y = ((fresh - X @ w) ** 2).mean().item()
at_new_x = ((fresh_at_new_x - X_new @ w) ** 2).mean().item()
print(f"average σ̂²:        {variances.mean():.2f}, theory {(n - d) / n:.2f}")
print(f"new y at the same x: {on_new_y:.2f}, theory {(n + d) / n:.2f}")
print(f"new y at new x:      {at_new_x:.2f}, theory {1 + d / (n - d - 1):.2f}")
assert abs(variances.mean().item() - (n - d) / n) < 0.01 and abs(on_new_y - (n + d) / n) < 0.01
assert abs(at_new_x - 1 - d / (n - d - 1)) < 0.02

# %%
measured("10-a", round(variances.mean().item(), 2), "average σ̂²")

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
# ## The lab
#
# A least-squares fit of `width` cosines and a constant, and one σ. Raise the width: the training RMS can only fall, the held-out RMS follows for a while, and then turns. Then raise n until the two meet. Few held-out points are a poor judge: their curves jump.

# %%
lab = LABS["10"]()
lab

# %% [markdown]
# ## Five points: an interval that holds
#
# For a linear model one divides by $n - d$ instead of $n$: $s^2 = nS/(n - d)$ is right *on average*. For an interval that is not enough. Two things are missing from $\hat y \pm 1.96\,s$:
#
# - $\hat y$ is itself uncertain. At a row $x$ its variance is $h\sigma^2$ with $h = x^\top (X^\top X)^{-1} x$; for a mean of $n$ values, $h = 1/n$. So a new y misses $\hat y$ with variance $\sigma^2(1 + h)$.
# - $s$ varies: with five points it is often far too small.

# %% [markdown]
# **The doubt about σ, by Bayes' rule.** Say before the data that any size of σ is as likely as any other: log σ is uniform. Then, after them, $(n - d)\,s^2/\sigma^2$ has a $\chi^2$ distribution with $n - d$ degrees of freedom, that of a sum of so many $\varepsilon^2$. A new y is Gaussian given σ; averaged over the σ that are possible, $(y' - \hat y)/(s\sqrt{1 + h})$ has **Student's t** distribution with $n - d$ degrees of freedom, whose tails are heavier.
#
# For $n = 5$, $d = 1$ the 97.5 % point of $t_4$ is 2.78 in place of 1.96, so the interval is $\pm 2.78\sqrt{1.2}\,s = 3.04\,s$. We check both: the average over σ, and the share of new y inside.

# %%
values, fresh = torch.from_numpy(rng.standard_normal((400_000, 6))).split([5, 1], dim=1)
z = (fresh[:, 0] - values.mean(dim=1)) / values.std(dim=1)
t = stats.t(4).ppf(0.975)
factors = {"±1.96 s": 1.96, "±1.96 σ̂, divided by n": 1.96 * math.sqrt(4 / 5),
           "t interval": t * math.sqrt(1.2)}
held = {name: (z.abs() < factor).double().mean().item() for name, factor in factors.items()}
for name, factor in factors.items():
    exact = 2 * stats.t(4).cdf(factor / math.sqrt(1.2)) - 1
    print(f"{name:22} {factor:.2f} s holds {held[name]:.3f} of new y, exact {exact:.3f}")
    assert abs(held[name] - exact) < 0.003
sigma = 1 / np.sqrt(rng.chisquare(4, 400_000) / 4)  # σ after the data, for s = 1
mixture = sigma * math.sqrt(1.2) * rng.standard_normal(400_000)
assert abs((np.abs(mixture) < t * math.sqrt(1.2)).mean() - 0.95) < 0.003

# %%
measured("10-b", round(100 * held["±1.96 s"], 1), "of new y within ±1.96 s")


# %% [markdown]
# For a network nobody knows its $d$. Does the same happen there?
#
# ## Ten networks on 256 points
#
# As the [course notes at pantelis.github.io](https://pantelis.github.io/aiml-common/lectures/regression/linear-regression/sgd_gaussian_nll.html) do, we take 256 points from their wave; ten times, for ten networks side by side (stacked as in notebook 09). Each has one net of 20 tanh units for μ(x) and another for log σ²(x).

# %%
def new_net(seed, count=10, width=20):
    """The weights of ``count`` networks 1-width-1, stacked."""
    torch.manual_seed(seed)
    shapes = (1, width, 1), (1, width, 1), (width, 1, width), (1, 1, width)
    return [((2 * torch.rand(count, a, b, dtype=DTYPE) - 1) / math.sqrt(inputs)).requires_grad_()
            for a, b, inputs in shapes]


def output(net, x):
    """x (10, n, 1) -> the output of each network for its own x, (10, n, 1)."""
    w1, b1, w2, b2 = net
    return torch.tanh(2 * (x @ w1 + b1)) @ w2 + b2


# %%
def nll(y, mu, log_var):
    """The mean Gaussian NLL of each network, (10,), in nats."""
    each = 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 * torch.exp(-log_var))
    return each.mean(dim=(1, 2))


def train(nets, loss, steps, see=None):
    """Adam on the sum of the ten losses: no network feels another. ``see`` every 20 steps."""
    optimizer = torch.optim.Adam([p for net in nets for p in net], lr=0.02, fused=True)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss().sum().backward()
        optimizer.step()
        if see is not None and step % 20 == 0:
            with torch.no_grad():
                see()


# %%
def draws(n, first=0):
    """x and y of ten data sets, each (10, n, 1)."""
    return map(torch.stack, zip(*(WAVE.sample(n, seed=first + k) for k in range(10))))


def truth_nll(x, y):
    mean, sigma = WAVE.truth(x)
    return nll(y, mean, 2 * sigma.log())


x, y = draws(256)
x_new, y_new = draws(2000, first=100)  # each network has new points of its own
floor = truth_nll(x_new, y_new)


# %% [markdown]
# We measure the NLL against that of the *truth* on the same points. On average over new points no model beats the truth: the excess is a KL divergence, ≥ 0 (notebook 05).

# %%
def watch(x, y, x_held, y_held, steps=400):
    """Trained nets, and their NLL on training, held-out and new points every 20 steps."""
    mean, log_var, seen = new_net(seed=0), new_net(seed=1), []

    def nll_on(x, y):
        return nll(y, output(mean, x), output(log_var, x))

    def see():
        seen.append(torch.stack([nll_on(x, y), nll_on(x_held, y_held), nll_on(x_new, y_new)]))

    train([mean, log_var], lambda: nll_on(x, y), steps, see)
    return mean, log_var, torch.stack(seen)  # (20, 3, 10)


# %%
mean, log_var, path = watch(x, y, x[:, :1], y[:, :1])  # nothing is held out yet
with torch.no_grad():
    z = (y_new - output(mean, x_new)) * torch.exp(-output(log_var, x_new) / 2)
covered = (z.abs() < 1.96).double().mean(dim=(1, 2))
on_own, on_new = path[-1, 0] - truth_nll(x, y), path[-1, 2] - floor
print(f"NLL on their own points, below the truth's: {(on_own < 0).sum()} of 10")
print(f"NLL on new points, above the truth's:       {(on_new > 0).sum()} of 10")
print(f"on average {on_own.mean():+.2f} and {on_new.mean():+.2f} nats; "
      f"95 % intervals hold {covered.min():.2f} to {covered.max():.2f}")
assert (on_own < 0).all() and (on_new > 0).all() and (covered < 0.95).all()

# %%
steps = np.arange(20, 401, 20)
fig, ax = plt.subplots(figsize=(7.5, 3.6))
ax.plot(steps, path[:, 0] - truth_nll(x, y), color=DATA, linewidth=0.9)
ax.plot(steps, path[:, 2] - floor, color=WRONG, linewidth=0.9)
ax.axhline(0, color=TRUTH, linestyle="--")
ax.annotate("new points", (300, 0.2), color=WRONG)
ax.annotate("training points", (300, -0.15), color="#555555")
ax.set(xlabel="step", ylabel="NLL − truth's NLL, nats", xlim=(0, 400), ylim=(-0.2, 0.3))
ax.set_title("Ten networks go below the truth on their own points, above it on new ones")
show(fig, alt="Ten grey curves fall below the dashed zero line, ten orange ones fall at first and "
     "then stay above it, some of them rising.")

# %% [markdown]
# As with the line, the mean bends toward single points, their residuals shrink, and σ(x) after them. The net for log σ² adds to it: it falls where residuals happen to be small. The training curves show none of it; the new points do.
#
# ## Early stopping, with the bill
#
# To stop early we need points to watch, and these are not trained on. Of 256 points, one set of networks trains on all, all 400 steps. Another trains on 200 and stops, each network for itself, where the NLL of the other 56 is lowest. A third trains on all 256 for that number of steps.

# %%
*_, split = watch(x[:, :200], y[:, :200], x[:, 200:], y[:, 200:])
best, each = split[:, 1].argmin(dim=0), torch.arange(10)
ways = {"256, all 400 steps": path[-1, 2], "200, all 400 steps": split[-1, 2],
        "200, stopped by the other 56": split[best, 2, each],
        "256, that number of steps": path[best, 2, each]}
excess = {name: values - floor for name, values in ways.items()}
print("NLL on new points above the truth's, mean of 10 draws")
for name, values in excess.items():
    print(f"{name:30} {values.mean():.3f}")
to_the_end, few, stopped, again = excess.values()
print(f"stopping beats all steps in {(stopped < to_the_end).sum()} of 10 draws")
assert few.mean() > to_the_end.mean() > stopped.mean() and (stopped < few).sum() >= 8


# %% [markdown]
# Who stops on 200 points is at 0.054 nats, who trains on all 256 to the end at 0.074, and stopping wins in 8 of 10 draws. The bill: 56 points fewer, both to the end, cost 0.023 nats; stopping gains back more. Training again on all 256 for that number of steps is no better here; ten draws do not settle differences of 0.002.

# %% [markdown]
# ## σ from residuals that were held out
#
# Or go to the cause: take residuals where the mean has not seen y. [Jordahn et al. (2026)](https://arxiv.org/abs/2603.01750) train the mean first and fit σ(x) to held-out residuals.
#
# To lose no points we take turns. Split the data in 4 **folds**. Train a mean on 3 of them, keep its residuals on the fourth; four times. Now every point has an **out-of-fold residual**. The final mean is trained on all points, by squared error, 200 steps; only the source of σ changes.

# %%
def fit_mean(x, y):
    net = new_net(seed=0)
    train([net], lambda: ((y - output(net, x)) ** 2).mean(dim=(1, 2)), 200)
    return lambda x: output(net, x).detach()


def out_of_fold(x, y, folds=4):
    """The residual of each point from a mean that did not see it, (10, n, 1)."""
    found = torch.empty_like(y)
    for k in range(folds):
        out = torch.arange(x.shape[1]) % folds == k
        found[:, out] = y[:, out] - fit_mean(x[:, ~out], y[:, ~out])(x[:, out])
    return found


def fit_log_var(x, r):  # log σ²(x) of the residuals r
    net = new_net(seed=1)
    train([net], lambda: nll(r, torch.zeros_like(r), output(net, x)), 100)
    return lambda x: output(net, x).detach()


# %% [markdown]
# Who is to blame for a poor NLL on new points: the mean or σ(x)? Around a mean μ(x) that misses the true g(x), a new y has the mean square $\sigma^2(x) + (\mu(x) - g(x))^2$. The best σ²(x) for this mean is just that, and what it leaves is the mean's share. The rest is σ's.

# %%
def compare(n):
    """By kind of residual: their RMS, and the excess NLL on new points; all averaged over y."""
    x, y = draws(n)
    mean, sigma = fit_mean(x, y), WAVE.sigma(x_new)
    square = sigma**2 + (WAVE.mean(x_new) - mean(x_new)) ** 2  # of y − mu(x), at each new x

    def excess(log_var):
        each = log_var - 2 * sigma.log() + square * torch.exp(-log_var) - 1
        return 0.5 * each.mean(dim=(1, 2))

    r = {"training": y - mean(x), "out of fold": out_of_fold(x, y)}
    rms = {kind: part.square().mean(dim=(1, 2)).sqrt() for kind, part in r.items()}
    behind = {kind: excess(fit_log_var(x, part)(x_new)) for kind, part in r.items()}
    return rms, square.mean(dim=(1, 2)).sqrt(), behind, excess(square.log())


# %%
for n in (64, 256):
    rms, expected, behind, of_mean = compare(n)
    print(f"n = {n}: new y are missed by {expected.mean():.2f} (RMS); "
          f"the mean alone costs {of_mean.mean():.3f} nats")
    for kind in rms:
        print(f"  {kind:12} RMS {rms[kind].mean():.2f}; σ(x) from them costs "
              f"{(behind[kind] - of_mean).mean():.3f} nats more")
    wins = (behind["out of fold"] < behind["training"]).sum()
    print(f"  σ(x) is better out of fold in {wins} of 10 draws")
    assert abs(rms["out of fold"].mean() - expected.mean()) < 0.02 and wins >= (8 if n == 64 else 5)

# %% [markdown]
# With 64 points the training residuals say 0.51 where new y are missed by 0.60; the out-of-fold ones say 0.60. A σ(x) fitted to them costs 0.07 nats in place of 0.13, and is better in all 10 draws. With 256 points the two cost nearly the same: held-out residuals matter when data are few for the network.
#
# They cure one of three faults. The mean's own error stays, 0.05 nats. And the net for log σ² bends toward *its* data, too: the 0.07 that is left.

# %% [markdown]
# ## How far does this hold?
#
# The same on 20 draws, with other budgets, learning rates and widths (but always this wave, 64 or 256 points, tanh, Adam).
#
# <!-- claims -->
#
# **10-a**: with two outputs and 256 points, 95 % intervals hold less than 95 % of new y. *Holds 526 of 540. Fails: most often at steps 100, lr 0.01, width 20 (holds 16 of 20). Most decisive: steps (from 93 % at 100 to 100 % at 600).*
#
# ```text
# steps 100  ■□■ ■■■ ■■■
# steps 200  ■■■ ■■■ ■■■
# steps 600  ■■■ ■■■ ■■■
# ```
#
# **10-b**: stopping by 56 of 256 points predicts new y better than all steps on 256. *Holds 402 of 540. Fails: most often at steps 100, lr 0.01, width 20 (holds 7 of 20). Most decisive: steps (from 55 % at 100 to 96 % at 600).*
#
# ```text
# steps 100  ××□ □□□ □□□
# steps 200  ×□□ □■□ □■□
# steps 600  ■■■ ■■■ ■■□
# ```
#
# **10-c**: with 64 points, out-of-fold residuals tell the RMS error on new y more exactly than training residuals. *Holds 393 of 540. Fails: most often at steps 100, lr 0.01, width 10 (holds 12 of 20). Most decisive: steps (from 71 % at 600 to 75 % at 200).*
#
# ```text
# steps 100  □□□ □□□ □□□
# steps 200  □□□ □□□ □□□
# steps 600  □□□ □□□ □□□
# ```
#
# **10-d**: with 64 points, σ(x) from out-of-fold residuals predicts new y better than from training residuals. *Holds 474 of 540. Fails: most often at steps 100, lr 0.01, width 20 (holds 15 of 20). Most decisive: steps (from 86 % at 100 to 92 % at 200).*
#
# ```text
# steps 100  □□□ □□■ ■■■
# steps 200  □■■ ■■■ ■■■
# steps 600  ■■□ □□□ □■■
# ```
#
# One sign a recipe: ■ holds in nine of ten seeds or more, □ in half or more, × in fewer; groups: lr 0.01, 0.02, 0.04; in a group: width 10, 20, 40. `make claims` runs them again.
#
# <!-- end of claims -->
#
# The intervals hold too little nearly everywhere (10-a). Early stopping pays where training has gone on too long: in 96 % at three times the steps, hardly more often than a coin at half (10-b). With 64 points, out-of-fold residuals are the better source of σ(x) in 88 % of the runs (10-d), and their RMS is the better one in 73 % (10-c): the RMS of 64 residuals scatters, whatever they are. *Usually*, then, not always.

# %% [markdown]
# ## A reader asks
#
# **"Out-of-fold residuals come from means trained on fewer points."** Yes, on 3/4 of them. So their RMS tends to be a little too large; more folds make this smaller and cost more training.
#
# **"So do held-out residuals give me the noise?"** The noise *and* the mean's error. That is right for an interval, and too large for "the noise". For least squares leaving out one row needs no second fit: its residual is $e_i/(1 - H_{ii})$.

# %%
X = torch.cat([torch.ones(20, 1), torch.from_numpy(rng.standard_normal((20, 2)))], dim=1).double()
values = torch.from_numpy(rng.standard_normal((20, 1)))
H = X @ torch.linalg.inv(X.T @ X) @ X.T
shortcut = (values - H @ values) / (1 - H.diagonal()[:, None])
w = torch.linalg.lstsq(X[1:], values[1:]).solution  # without row 0
torch.testing.assert_close(shortcut[0], values[0] - X[0] @ w)

# %% [markdown]
# **"How many points per region do I need for σ(x) within 10 %?"** From $n$ residuals σ̂ has a standard error of about $\sigma/\sqrt{2n}$: 50 points for 10 %, 200 for 5 %. Heavier tails need more: with kurtosis $\kappa = E z^4$ (3 for a Gaussian) it is $\sigma\sqrt{(\kappa - 1)/4n}$. So smooth σ(x) harder than μ(x).

# %%
for name, family, kurtosis in (("Gaussian", stats.norm, 3), ("Laplace", stats.laplace, 6)):
    draw = family.rvs(size=(20_000, 50), random_state=1)
    error = draw.std(axis=1).std() / family.std()
    theory = math.sqrt((kurtosis - 1) / (4 * 50))
    print(f"{name}: standard error of σ̂ from 50 points {error:.2f} of σ, theory {theory:.2f}")
    assert abs(error / theory - 1) < 0.06

# %% [markdown]
# ## Exercises
#
# **10-1 (predict).** A linear model with 6 coefficients, the intercept among them, is fitted to 40 points; the noise has σ = 5. By how much does its mean squared error on new y, at the same x, exceed that on the training y, on average?

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
# Write both averages with n = 40 and d = 6. They are multiples of σ², not of σ.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# gap = 5**2 * 2 * 6 / 40  # 7.5
# ```
#
# </details>

# %% [markdown]
# **10-2 (derive).** A linear model with 6 coefficients, the intercept among them, is fitted to 20 points by maximum likelihood. Its learned σ is 1.3. Correct it: which σ has a square that is right on average?

# %%
corrected = ...
check("10-2", corrected)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The learned σ² is $(n - d)/n$ of the true one, on average. It is the variance that is corrected.
#
# </details>
# <details><summary>Hint 2</summary>
#
# So by which factor do you multiply $1.3^2$? The root comes last.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# corrected = math.sqrt(1.3**2 * 20 / (20 - 6))  # 1.55
# ```
#
# </details>

# %% [markdown]
# **10-3 (code).** Write the σ of out-of-fold residuals for least squares: X is (n, d), used as it is (add no intercept), y (n, 1), and row i belongs to fold i mod `folds`. Return the RMS over all rows.

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
# - σ is too small because a fit bends toward its own noise, and σ is measured by what the fit leaves. Least squares learns $(n - d)/n$ of σ², and misses new y at the same x by $(n + d)/n$, at new x by more.
# - With few points s itself is uncertain: the t interval, $\hat y \pm t_{n-d}\, s\sqrt{1 + h}$, holds what it promises.
# - A network does the same: below the truth on its own points, above it on new ones.
# - Judge σ by held-out points, and count them as spent. Out-of-fold residuals spend none.

# %% [markdown]
# **Next.** What if y is a count, a duration, or has outliers? Then the Gaussian itself is in question: [11 · Other targets](11_other_targets.ipynb).
#
# **Further reading.**
# - Goodfellow, Bengio & Courville (2016), [*Deep Learning*, section 5.4.2](https://www.deeplearningbook.org/contents/ml.html), and section 7.8 on early stopping.
# - Sluijterman, Cator & Heskes (2023), [Optimal training of mean variance estimation neural networks](https://arxiv.org/abs/2302.08875): separate weight decay for mean and variance can help much.
# - Jordahn et al. (2026), [Practical deep heteroskedastic regression](https://arxiv.org/abs/2603.01750): σ(x) from held-out residuals.
