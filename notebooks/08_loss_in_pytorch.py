# %% [markdown]
# # 08 · The loss in PyTorch
#
# **The question.** I know the formula, and PyTorch has it ready. Why does the library's loss bite?
#
# ![The loss over the variance: level below 1e-6, then falling. At 1e-7, on the level part, an arrow points steeply down, where autograd sees a slope.](images/08.png)
#
# **You will be able to**
#
# - choose what to learn (σ, σ², 1/σ² or log σ²), and where to start it;
# - recognise six traps by their symptoms, and cure them;
# - write the one-line test that catches a wrong loss.
#
# **You need** notebooks 03 and 04, and autograd.
#
# **Time.** About 58 minutes; the notebook runs in about 18 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
import math
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import ListedColormap
from torch import nn
from torch.autograd import grad, gradcheck
from torch.nn.functional import mse_loss, softplus
from torch.optim import SGD, Adam

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DTYPE, LINE, constant
from course_utils.labs import LABS
from course_utils.losses import gaussian_nll
from course_utils.models import HomoscedasticRegressor
from course_utils.plots import (
    DATA, MEAN, REPAIRED, WRONG, plot_data, plot_fit, plot_truth, show, use_course_style,
)
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## One formula, one call
#
# [`torch.nn.GaussianNLLLoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html) is the NLL of notebook 03, called as `loss(input, target, var)`:
#
# | PyTorch | here |
# |---|---|
# | `input` | μ, the prediction |
# | `target` | y |
# | `var` | **σ²**: neither σ nor log σ² |
# | `full=True` | adds ½ log 2π, which ours always has |
# | `eps=1e-6` | replaces σ² by max(σ², eps) |
#
# Our data are the line of notebook 03 with half its noise, σ = ½: with σ = 1, σ and σ² would look alike.

# %%
HALF = replace(LINE, sigma=constant(0.5))
x, y = HALF.sample(200, seed=0)
mu, _ = HALF.truth(x)
S = ((y - mu) ** 2).mean()  # the mean square of the residuals from the true line
print(f"RMS residual √S = {S.sqrt():.2f}, S = {S:.2f}, Var(y) = {y.var(correction=0):.1f}")

# %%
log_var, half_log_2pi = 0.3 * x, 0.5 * math.log(2 * math.pi)  # some σ², different from row to row
for full, constant_part in ((True, 0.0), (False, half_log_2pi)):
    each = nn.GaussianNLLLoss(full=full, reduction="none")(mu, y, log_var.exp())
    torch.testing.assert_close(each, gaussian_nll(y, mu, log_var) - constant_part)
print(f"one formula; full=False leaves out ½ log 2π = {half_log_2pi:.3f} nats a value")

# %% [markdown]
# ## Predict
#
# **Guess 08-a.** Somebody passes σ where σ² is meant. The root mean squared (RMS) residual is 0.5. Which "σ" is best?

# %%
guess("08-a", ...)

# %% [markdown]
# **Guess 08-b.** The predictions have shape (n,), the targets (n, 1). The true slope is 2.3. Which slope is learned?

# %%
guess("08-b", ...)


# %% [markdown]
# ## Trap 1: σ where σ² is meant
#
# A model's parameter `sigma` goes into the loss as it is. Nothing complains: the loss wants a positive number and gets one. Which is best, on a fine grid?

# %%
def mean_loss(var):
    """PyTorch's loss of our residuals, for each σ² of a (k,) tensor."""
    loss = nn.GaussianNLLLoss(reduction="none", full=True)
    size = (len(var), len(y))
    return loss(mu.T.expand(size), y.T.expand(size), var[:, None].expand(size)).mean(dim=1)


sigmas = torch.linspace(0.1, 1, 1801, dtype=DTYPE)
mistaken, right = sigmas[mean_loss(sigmas).argmin()], sigmas[mean_loss(sigmas**2).argmin()]
print(f"best 'σ' passed as var: {mistaken:.2f}; best σ passed as σ²: {right:.2f}")
assert abs(mistaken / S - 1) < 0.01 and abs(right / S.sqrt() - 1) < 0.01

# %%
measured("08-a", round(mistaken.item(), 2), "best σ passed as var")

# %% [markdown]
# The minimum over `var` is at S, whatever its name. So "σ" is the *square* of the right one: too small below 1, too large above, and unnoticed at 1. **Cure:** one name for one thing, `var` or `log_var`, and a comparison of the learned σ with the RMS residual.

# %% [markdown]
# ## What shall be learned: σ, σ², 1/σ² or log σ²?
#
# The four name the same Gaussian, and their minimum is the same, $\sigma^2 = S$. The walk there is not. Write $v = \sigma^2$, $\Lambda = 1/\sigma^2$ (the **precision**) and $\ell = \log\sigma^2$:
#
# | learned | slope of the mean NLL | curvature at the minimum | must be kept above 0 |
# |---|---|---|---|
# | σ | $1/\sigma - S/\sigma^3$ | $2/S$ | yes |
# | σ² | $\tfrac12(1/v - S/v^2)$ | $1/(2S^2)$ | yes |
# | 1/σ² | $\tfrac12(S - 1/\Lambda)$ | $S^2/2$ | yes |
# | log σ² | $\tfrac12(1 - Se^{-\ell})$ | $1/2$ | no |
#
# The curvature decides which learning rate works near the minimum. From metres to 0.1 mm S grows by 10⁸, and the curvature for σ² falls by 16 powers of ten. For log σ² it is ½ in every unit.

# %%
WAYS = {  # name: (σ of the parameter, the parameter of a σ, the curvature at the minimum)
    "σ": (lambda t: t, lambda sigma: sigma, lambda S: 2 / S),
    "σ²": (lambda t: t.sqrt(), lambda sigma: sigma**2, lambda S: 1 / (2 * S**2)),
    "1/σ²": (lambda t: t**-0.5, lambda sigma: sigma**-2, lambda S: S**2 / 2),
    "log σ²": (lambda t: (t / 2).exp(), lambda sigma: 2 * sigma.log(), lambda S: 0.5),
}

# %%
for name, (sigma_of, parameter_of, curvature) in WAYS.items():
    for S_now in (1e-4, 1e4):
        theta = parameter_of(torch.tensor(S_now, dtype=DTYPE).sqrt()).requires_grad_()
        sigma = sigma_of(theta)
        (slope,) = grad(sigma.log() + S_now / (2 * sigma**2), theta, create_graph=True)
        assert math.isclose(grad(slope, theta)[0], curvature(S_now), rel_tol=1e-6), name
assert round(0.5 * (1 - math.exp(-2 * math.log(0.1))), 1) == -49.5  # in log σ², S = 1, σ = 0.1

# %% [markdown]
# Yet at σ ten times too small the slope for log σ² is steep, too: −49.5 for S = 1, and at most +0.5 on the other side.
#
# So does log σ² arrive? From 13 starts, 0.001 to 1,000 times the RMS residual, we walk by gradient descent (`SGD` on all data) and by Adam, with learning rate 0.1; and with log σ² once more, its slope clipped to ±1.

# %%
starts = torch.logspace(-3, 3, 13, dtype=DTYPE)  # in units of the RMS residual: S = 1


def arrives(name, optimizer_class, clip=math.inf, lr=0.1, steps=1000):
    """For each start: 0 not there, 1 within 1 % of the RMS, 2 σ² left (0, ∞) on the way."""
    sigma_of, parameter_of, _ = WAYS[name]
    theta = parameter_of(starts).clone().requires_grad_()
    optimizer = optimizer_class([theta], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        sigma = sigma_of(theta)
        (sigma.log() + 1 / (2 * sigma**2)).sum().backward()
        theta.grad.clamp_(-clip, clip)
        optimizer.step()
    sigma = sigma_of(theta.detach())
    return torch.where(sigma.isfinite() & (sigma > 0), ((sigma - 1).abs() < 0.01).int(), 2)


# %%
rows = {f"{name}, {cls.__name__}": arrives(name, cls) for cls in (SGD, Adam) for name in WAYS}
rows |= {f"log σ², {cls.__name__}, clipped": arrives("log σ²", cls, clip=1) for cls in (SGD, Adam)}
count = {name: (row == 1).sum().item() for name, row in rows.items()}
assert [count[f"log σ², {o}"] for o in ("SGD", "Adam")] == [10, 9] and sorted(count.values())[-5] == 7
assert count["log σ², SGD, clipped"] == count["log σ², Adam, clipped"] == 13

# %%
fig, ax = plt.subplots(figsize=(7.5, 4.2))
edges = torch.logspace(-3.25, 3.25, 14)
table = torch.stack(list(rows.values()))
ax.pcolormesh(edges, range(len(rows) + 1), table, cmap=ListedColormap(["#dddddd", REPAIRED, WRONG]),
              vmin=0, vmax=2, edgecolors="white")
for i, row in enumerate(table.tolist()):
    for start, cell in zip(starts.tolist(), row):
        ax.text(start, i + 0.5, "·✓×"[cell], ha="center", va="center", color="black")
ax.set(xscale="log", xlabel="start of σ / RMS residual", yticks=[i + 0.5 for i in range(len(rows))],
       yticklabels=rows, title="Of these, only log σ² with a clipped slope arrives from all starts\n"
       "✓ arrived   · not within 1,000 steps   × σ² left (0, ∞)")
ax.invert_yaxis()
ax.grid(False)
show(fig, alt="A table of ten ways to learn sigma against 13 starts. Only log sigma squared with "
     "clipped slopes arrives from all starts; the others fail far below or far above the RMS.")

# %% [markdown]
# Unclipped, log σ² arrives from 10 of 13 starts by gradient descent and from 9 by Adam, the others from at most 7. From a σ far too small the first step in $\ell$ is huge, and the way back, with slope ½, is long. Adam's average of squared slopes remembers the first, steep ones: later steps are tiny.
#
# **Cures:** start at the RMS of y (too large, which costs steps, no more), or clip the slope.

# %% [markdown]
# ## The lab
#
# One σ walks to the RMS residual, by plain gradient descent or Adam at a constant rate. Begin at 10 with log σ²; then raw σ² stands still. Back at log σ², where does the first step from 0.03 go? Last, raw σ² at noise 0.1 from 1: when does it fall below 0?

# %%
lab = LABS["08"]()
lab

# %% [markdown]
# ## Trap 2: a slope where the loss is flat
#
# Below eps the loss takes eps in place of σ², so its *value* no longer depends on σ². But PyTorch applies the floor where autograd does not see it. The *gradient* is the formula at eps, with $r = y - \mu$:
#
# $$\tfrac12\left(\frac{1}{\text{eps}} - \frac{r^2}{\text{eps}^2}\right)$$

# %%
loss = nn.GaussianNLLLoss()
zero, r = torch.zeros(1, 1, dtype=DTYPE), torch.full((1, 1), 0.01, dtype=DTYPE)
var = torch.full((1, 1), 1e-7, dtype=DTYPE, requires_grad=True)
(slope,) = grad(loss(zero, r, var), var)
numeric = (loss(zero, r, 1.01 * var) - loss(zero, r, 0.99 * var)) / (0.02 * 1e-7)
after = (var - 1e-3 * slope).item()
print(f"slope measured {numeric.item():.0f}, by autograd {slope.item():.3g}; next σ² {after:,.0f}")
assert numeric == 0 and math.isclose(slope.item(), 0.5 * (1 / 1e-6 - 0.01**2 / 1e-6**2))
assert not gradcheck(lambda v: loss(zero, r, v), var, eps=1e-9, raise_exception=False)

# %%
fig, ax = plt.subplots(figsize=(5.5, 2.8))
variances = torch.logspace(-8, -2, 300, dtype=DTYPE)[:, None]
values = [loss(zero, r, v[None]).item() for v in variances]
ax.plot(variances, values, color=REPAIRED)
ax.plot(1e-7, values[50], "o", color=WRONG)
ax.annotate("", (1e-7, 20), (1e-7, values[50]), arrowprops={"arrowstyle": "->", "color": WRONG})
ax.annotate("autograd\nsees a slope", (8e-8, 24), ha="right", color=WRONG)
ax.annotate("flat: eps stands in for σ²", (1.4e-8, 51))
ax.set(xscale="log", xlabel="σ²", ylabel="loss (nats)", ylim=(-8, 60), title="The value is flat, its gradient is not")
show(fig, alt="The loss over the variance: level below 1e-6, then falling. At 1e-7, on the level part, "
     "an arrow points steeply down, where autograd sees a slope.")

# %% [markdown]
# A residual above $\sqrt{\text{eps}} = 0.001$ throws σ² up, here in one step of SGD (lr 0.001) to 49,500; a smaller one pushes it down without end.
#
# Learning log σ² is no cure *inside this loss*. Let the noise be 0.0005, a small number only because of its unit. With exp on the last layer (an exp **head**) σ drifts on past the answer; the loss stands still:

# %%
noise = 5e-4 * torch.randn(200, 1, dtype=DTYPE, generator=torch.Generator().manual_seed(0))
log_var = torch.zeros(1, 1, dtype=DTYPE, requires_grad=True)
optimizer = Adam([log_var], lr=0.01)
seen = []
for _ in range(3000):
    optimizer.zero_grad()
    value = loss(torch.zeros_like(noise), noise, log_var.exp().expand_as(noise))
    value.backward()
    optimizer.step()
    seen.append((value.item(), log_var.exp().sqrt().item()))
print(f"σ {seen[1499][1]:.5f}, then {seen[-1][1]:.5f}; loss {seen[1499][0]:.3f}, {seen[-1][0]:.3f}")
assert seen[-1][1] < 0.6 * 5e-4 and seen[1499][0] == seen[-1][0] and seen[1499][1] > 5e-4

# %% [markdown]
# Nor is `torch.clamp` a cure: its slope is 0 below the floor, and an output that has left stays where it is. **Cure:** standardise y, or an eps below every σ² that you will meet; or log σ² in a loss without eps, as ours. A floor that keeps a slope everywhere is a *soft* one, `lo + softplus(log_var - lo)`.

# %%
log_var = torch.full((1, 1), -16.0, dtype=DTYPE, requires_grad=True)
(of_clamp,) = grad(loss(zero, r, torch.clamp(log_var.exp(), min=1e-6)), log_var)
soft = -13.8 + softplus(log_var + 13.8)  # log σ² above log 1e-6
(of_soft,) = grad(gaussian_nll(r, zero, soft).sum(), log_var)
assert of_clamp == 0 and of_soft < 0 and soft.item() > -13.8

# %% [markdown]
# ## Trap 3: a variance below zero
#
# Nothing keeps a raw output above 0. Let the residual be 0.05, the best σ² 0.0025, and its start 1. The slope grows on the way down, and the optimizer overshoots.

# %%
residual, walk = torch.full((1, 1), 0.05, dtype=DTYPE), {"SGD": [], "Adam": []}
for optimizer_class in (SGD, Adam):
    var = torch.ones(1, 1, dtype=DTYPE, requires_grad=True)  # raw σ²
    optimizer = optimizer_class([var], lr=0.01)
    for step in range(200):
        try:
            value = loss(0 * residual, residual, var)
        except ValueError as error:
            print(f"raw σ², {optimizer_class.__name__:4}: after {step} steps, {error}")
            break
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        walk[optimizer_class.__name__].append(var.item())
    assert step < 199 and var.item() < 0

# %%
fig, ax = plt.subplots(figsize=(5.5, 2.8))
ax.axhspan(-0.6, 0, color=WRONG, alpha=0.15, linewidth=0)
for (name, path), colour, where in zip(walk.items(), (DATA, MEAN), ((62, 0.7), (40, 0.4))):
    ax.plot(range(1, len(path) + 1), path, color=colour)
    ax.plot(len(path), path[-1], "X", color=WRONG, markersize=9)
    ax.annotate(name, where, ha="right" if name == "Adam" else "left", color=colour)
ax.annotate("no variance lives here", (2, -0.35))
ax.set(xlabel="step", ylabel="σ²", ylim=(-0.6, 1.05), title="Raw σ² runs through its best value, 0.0025, and below 0")
show(fig, alt="The raw variance by step, for SGD and for Adam: both fall from 1 ever faster "
     "and end in a cross below zero, in a shaded region where no variance lives.")

# %% [markdown]
# This trap is loud. **Cure:** a positive head, `log_var.exp()` or a softplus.
#
# ## Trap 4: the silent broadcast
#
# Many squeeze a network's output from (n, 1) to (n,), and forget the targets. Subtracting (n, 1) from (n,) gives (n, n): every prediction meets every target. `mse_loss` warns. `GaussianNLLLoss` does not: its documentation allows a target with "one dimension equal to 1", to be broadcast.

# %%
fig, ax = plt.subplots(figsize=(4.2, 3.2))
ax.pcolormesh(torch.eye(6), cmap=ListedColormap(["#f3c9b0", REPAIRED]), edgecolors="white")
ax.text(6.3, 0.5, "meant", color=REPAIRED, va="center")
ax.text(6.3, 1.5, "met as well", color=WRONG, va="center")
ax.set(xlabel="predictions (6,)", ylabel="targets (6, 1)", xticks=[], yticks=[], aspect="equal",
       title="(n,) and (n, 1): all n × n pairs")
ax.invert_yaxis()
ax.grid(False)
show(fig, alt="A square of 6 × 6 pairs of predictions and targets. Only the diagonal is meant; "
     "the 30 other pairs are met as well.")


# %%
def broadcast_nll(model, x, y):
    """Wrong: predictions (n,) meet targets (n, 1)."""
    mu, log_var = model(x)
    return nn.GaussianNLLLoss()(mu.squeeze(1), y, log_var.squeeze(1).exp())


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    broadcast_nll(HomoscedasticRegressor(), x, y)
    of_nll = len(caught)
    mse_loss(y.squeeze(1), y)
print(f"warnings: GaussianNLLLoss {of_nll}, mse_loss {len(caught) - of_nll}")
assert of_nll == 0 and "broadcasting" in str(caught[0].message)

# %%
torch.manual_seed(0)
broken = HomoscedasticRegressor()
with torch.no_grad():
    broken.log_var.fill_(2 * math.log(y.square().mean().sqrt()))  # start at the RMS of y
fit(broken, broadcast_nll, x, y, steps=150, lr=0.05, anneal=True)
flat, sigma = predict(broken, x)
flat_slope = (((x - x.mean()) * flat).mean() / x.var(correction=0)).item()
print(f"learned σ² {sigma[0].item() ** 2:.1f}, Var(y) {y.var(correction=0):.1f}")
assert abs(flat_slope) < 0.005 and abs(sigma[0].item() ** 2 / y.var(correction=0) - 1) < 0.01

# %%
measured("08-b", round(abs(flat_slope), 2), "slope")

# %% [markdown]
# A level line, and σ² is Var(y). The loss averages over all pairs, and for the prediction $\mu_i$ the squared errors average to
#
# $$\frac1n \sum_j (y_j - \mu_i)^2 = (\bar y - \mu_i)^2 + \operatorname{Var}(y).$$
#
# So each prediction does best at $\bar y$, whatever its x, and the best σ² is what remains: Var(y). The test of notebook 03 does not see it: σ *equals* the RMS of these residuals.

# %%
errors = (y - flat[7]) ** 2  # any row will do
torch.testing.assert_close(errors.mean(), (y.mean() - flat[7, 0]) ** 2 + y.var(correction=0))

fig, ax = plt.subplots(figsize=(7.5, 3.4))
plot_data(ax, x, y, s=14)
plot_truth(ax, HALF, band=False)
grid = HALF.grid()
plot_fit(ax, grid, *predict(broken, grid), color=WRONG, band_color=WRONG)
ax.annotate("learned mean, and its 95 % interval", (-2.9, 2.6))
ax.set_title("Shapes (n,) and (n, 1): slope 0, and a σ that swallows the signal")
show(fig, alt="200 points on a rising dashed line. The learned mean is level, and a wide band "
     "around it covers nearly all of the data.")

# %% [markdown]
# **Cure:** one shape, checked before the formula, as our `gaussian_nll` does in its first line.
#
# **And the shapes of `var`?** For predictions (N, D) it may have the same shape; (N, 1) or (N,) means one σ² a row. One σ² per *output*, (D,), is refused, and where N = D it is read per row without a word. `expand_as` is always safe:

# %%
mu3, y3 = torch.zeros(3, 3), torch.arange(9.0).reshape(3, 3)
per_output = torch.tensor([1.0, 2.0, 3.0])  # and N = D = 3
meant, read = loss(mu3, y3, per_output.expand_as(y3)), loss(mu3, y3, per_output)
assert read == loss(mu3, y3, per_output[:, None].expand_as(y3)) != meant


# %% [markdown]
# ## Trap 5: the reduction, and the constant
#
# **`reduction`** sets the scale. The sum over n values has n times the slope and curvature of the mean. Near a minimum, gradient descent multiplies the distance by 1 − lr · curvature in each step, so it runs away if lr > 2/curvature. In $\log\sigma^2$ the curvature is ½ for the mean, n/2 for the sum.
#
# Adam divides by the size of the slopes and walks alike with both. There a sum shows elsewhere: weight decay is n times weaker beside it, and a clipped norm cuts n times as much.

# %%
def end_of_walk(reduction, optimizer_class, lr, steps=200):
    log_var = torch.zeros(1, 1, dtype=DTYPE, requires_grad=True)
    optimizer = optimizer_class([log_var], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        getattr(gaussian_nll(y, mu, log_var.expand_as(y)), reduction)().backward()
        optimizer.step()
    return log_var.detach().exp().sqrt().item()


for reduction, cls, lr, good in (("mean", SGD, 0.1, True), ("sum", SGD, 0.1, False),
                                 ("sum", SGD, 0.1 / 200, True), ("sum", Adam, 0.1, True)):
    sigma_end = end_of_walk(reduction, cls, lr)
    print(f"{reduction:4} {cls.__name__:4} lr {lr:6.4f}: σ = {sigma_end:.2f}")
    assert (abs(sigma_end / S.sqrt() - 1) < 0.01) == good
assert math.isclose(end_of_walk("mean", Adam, 0.1), sigma_end, rel_tol=1e-6)

# %% [markdown]
# So `"mean"` trains; `"sum"` is for a likelihood that meets a prior or a KL of the whole data (notebooks 05, 07); `"none"` for a weight or a mask per row.
#
# With D outputs, `"mean"` divides by N·D. The NLL of a *row* is D times that: beside such a mean, weight decay and a KL/N weigh D times too much.
#
# **`full`** adds a constant. It never moves the minimum, but a *comparison* with another density needs it. Take Laplace distributed values, and fit both densities by maximum likelihood:

# %%
quantiles = torch.linspace(0, 1, 200_002, dtype=DTYPE)[1:-1]
values = torch.distributions.Laplace(0.0, 1.0).icdf(quantiles)[:, None]
laplace = -torch.distributions.Laplace(0.0, values.abs().mean()).log_prob(values).mean().item()
best = values.square().mean().expand_as(values)
nll = {full: nn.GaussianNLLLoss(full=full)(0 * values, values, best).item()
       for full in (False, True)}
assert nll[False] < laplace < nll[True]
print(f"Laplace {laplace:.2f}; Gaussian: full=False {nll[False]:.2f}, full=True {nll[True]:.2f} nats")

# %% [markdown]
# Without its constant the Gaussian seems to win, with it the Laplace does.
#
# ## Trap 6: no noise, and NaN
#
# What if y repeats exactly: rounded sensors, equal rows, a simulator? Once a mean hits such points, their loss is $\tfrac12\log\sigma^2$ and falls for ever. Some people then take $|\log\sigma^2|$, to keep it above 0. For every $S < 1$ that gives σ = 1: left of 1 both terms now fall as σ grows.
#
# The cure is a floor that is meant: $\sigma^2 = \sigma_0^2 + e^\ell$, with σ₀ the standard deviation of the rounding, $0.1/\sqrt{12} = 0.03$ for one decimal.

# %%
sigmas = torch.logspace(-3, 1, 4001, dtype=DTYPE)
for S_now in (0.0, 0.01, 0.5):
    bent = 0.5 * ((2 * sigmas.log()).abs() + S_now / sigmas**2)
    assert abs(sigmas[bent.argmin()].item() - 1) < 0.01
exact = torch.rand(100_000, generator=torch.Generator().manual_seed(0), dtype=DTYPE)
error = (exact - (10 * exact).round() / 10).std().item()
assert round(error, 2) == 0.03 and abs(error / (0.1 / math.sqrt(12)) - 1) < 0.01

# %% [markdown]
# A **NaN** can be born without a NaN in the data. Here are four ways, in an NLL written by hand and in PyTorch's default type, float32.

# %%
single = torch.tensor
born = {
    "log of a negative": single(-1.0).log(),
    "0 / 0": single(0.0) ** 2 / single(-120.0).exp(),  # exp(−120) underflows to 0
    "∞ − ∞": softplus(single(-120.0)).log() + 0.25 / softplus(single(-120.0)),
    "0 · ∞": single(0.0) * single(89.0).exp(),  # exp(89) overflows
}
for how, value in born.items():
    print(f"{how:18} {value.item()}")
    assert value.isnan()

# %% [markdown]
# **Cure:** learn $\log\sigma^2$ and use it as it is: $\tfrac12(\ell + r^2 e^{-\ell})$ has no logarithm and no division. It can still overflow, below $\ell = -88$ in float32, so start at the RMS and clip the slope. To find the place, stop at the first loss that is not finite, and look at each layer's output in a forward hook. Never repair with `nan_to_num`: it hides the place.

# %% [markdown]
# ## Symptom, cause, cure
#
# <details><summary>The traps on one page</summary>
#
# | symptom | cause | cure |
# |---|---|---|
# | σ is the square of the RMS residual | σ passed as `var` | pass σ²; compare with the RMS |
# | σ leaps to hundreds | variance below eps, or a start far too small | standardise y; start at its RMS; clip |
# | σ drifts, the loss stands still | noise below $\sqrt{\text{eps}}$ | standardise y, or a smaller eps |
# | σ does not move | too large in σ², Adam after a steep start, or `clamp` | log σ²; start at the RMS of y |
# | `ValueError: var has negative entry/entries` | raw variance | exp or softplus |
# | level mean, σ² = Var(y) | (n,) against (n, 1) | check shapes |
# | SGD diverges when the batch grows | `reduction="sum"` | `"mean"`, or lr / n |
# | Gaussian beats every other density | `full=False` | `full=True` |
# | NaN | 0/0, ∞ − ∞, log of a negative | finite checks, hooks |
#
# </details>

# %% [markdown]
# ## A reader asks
#
# **"Which variance does my network predict before the first step, and how do I start at v₀?"** With outputs near 0 an exp head predicts exp(0) = 1, a softplus head log 2 = 0.69. Set the bias of the head to $\log v_0$, or to $\log(e^{v_0} - 1)$ for a softplus, and make its weights small. Take Var(y) for v₀: far smaller, and slopes of $r/v_0$ explode; far larger, and the mean hardly learns at first.

# %%
v0 = 9.0
assert math.isclose(softplus(torch.zeros(1)).item(), math.log(2), rel_tol=1e-6)
for head, bias in ((torch.exp, math.log(v0)), (softplus, math.log(math.exp(v0) - 1))):
    last = nn.Linear(50, 1)
    nn.init.normal_(last.weight, std=1e-3)
    nn.init.constant_(last.bias, bias)
    assert abs(head(last(torch.randn(1000, 50))) / v0 - 1).max() < 0.1

# %% [markdown]
# **"I tuned my settings by the RMSE. Is σ tuned now?"** No: every σ has the same RMSE. Only a score of the whole prediction, such as the NLL, tells them apart. A setting of [TabPFN](https://github.com/PriorLabs/TabPFN/pull/861) that was tuned for the RMSE made its predictions too sure.

# %%
of = {k: gaussian_nll(y, mu, (k**2 * S).log().expand_as(y)).mean() for k in (0.5, 1, 2)}
assert of[1] < min(of[0.5], of[2])  # σ too small, right, too large: all with the RMSE √S

# %% [markdown]
# ## Exercises
#
# **08-1 (predict).** The RMS residual is 0.2. A colleague learns θ, passes it as `var`, calls it σ, and reports $\mu \pm 1.96\,\theta$. Which share of new points lies within, as a number between 0 and 1? (The residuals are Gaussian; a standard Gaussian lies within ±z with probability `math.erf(z / 2**0.5)`.)

# %%
share = ...
check("08-1", share)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# θ ends at S, and S is a square.
#
# </details>
# <details><summary>Hint 2</summary>
#
# So θ is 0.04, and the half-width is 1.96 θ. How many *true* standard deviations is that?
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# share = math.erf(1.96 * 0.04 / 0.2 / math.sqrt(2))  # 0.305 instead of 0.95
# ```
#
# </details>

# %% [markdown]
# **08-2 (derive).** You minimise the *sum* over 200 values in $\log\sigma^2$ by plain gradient descent. Above which learning rate does it run away from the minimum?

# %%
largest = ...
check("08-2", largest)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# It runs away if lr is above 2 / curvature.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Differentiate $\tfrac{n}{2}(\ell + S e^{-\ell})$ twice, and put $e^\ell = S$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# largest = 2 / (200 / 2)  # 0.02
# ```
#
# </details>

# %% [markdown]
# **08-3 (code): a bug in the wild.** One public library applied the softplus that makes σ positive twice ([DeepTab #419](https://github.com/OpenTabular/DeepTab/issues/419)), another returned σ as the variance ([skpro #975](https://github.com/sktime/skpro/issues/975)). Write the test that would have caught them. `is_wrong(loss)` gets a function `loss(y, mu, raw)` of three (n, 1) tensors, and returns True unless it gives the Gaussian NLL of each value, with its constant, at σ² = softplus(raw). It is run on right and wrong functions.

# %%
def is_wrong(loss):
    ...


check("08-3", is_wrong)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# You have an oracle: `gaussian_nll(y, mu, log_var)`. Which log_var belongs to softplus(raw)?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Where you look matters: for a large raw, softplus(raw) is nearly raw, and twice is nearly once. Take several values of raw around 0, σ² different from 1, and compare with `torch.allclose`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def is_wrong(loss):
#     y, mu, raw = torch.randn(3, 9, 1, dtype=DTYPE)
#     return not torch.allclose(loss(y, mu, raw), gaussian_nll(y, mu, softplus(raw).log()))
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("08")

# %%
guesses("08")

# %% [markdown]
# ## Recap
#
# - The library's loss bites where a value and its slope, or a name and what it names, part: below eps the value is flat and the slope is not; `var` is σ²; two shapes make a third.
# - log σ² keeps σ² positive and the curvature ½ in every unit. Start at the RMS of y; clip.
# - `"mean"` trains, `"sum"` meets a prior, `"none"` weights rows; comparisons need `full=True`.
# - Where there is no noise, set a floor that you mean. One line against an oracle, at several values, catches a wrong loss.
#
# **Next.** The loss is now right. Why may it still give a worse mean than squared error? [09 · Training pathologies](09_training_pathologies.ipynb).
#
# **Further reading.**
# - The documentation of PyTorch's [`GaussianNLLLoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html).
# - Goodfellow, Bengio & Courville (2016), [*Deep Learning*, section 6.2.2](https://www.deeplearningbook.org/contents/mlp.html): precision, variance or standard deviation.
