# %% [markdown]
# # 08 · The loss in PyTorch
#
# **The question.** I know the formula, and PyTorch has it ready. Why does the library's loss bite?
#
# **You will be able to**
#
# - choose what to learn (σ, σ², 1/σ² or log σ²), and say from which starts it arrives;
# - recognise six traps by their symptoms, and give cause and cure of each;
# - say when `reduction` and `full` matter;
# - find where a NaN is born.
#
# **You need** notebook 03 (σ as a parameter, the RMS residual) and autograd.
#
# **Time.** About 65 minutes; the notebook runs in about 18 s. **On Colab,** and wherever `course_utils` is missing, first run `%pip install git+https://github.com/OWNER/learning-the-variance` in a new cell.

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
from course_utils.losses import gaussian_nll, mean_nll
from course_utils.models import HomoscedasticRegressor
from course_utils.plots import (
    REPAIRED, WRONG, plot_data, plot_fit, plot_truth, show, use_course_style,
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
# | `reduction` | `"none"`, `"mean"` or `"sum"` over the values |
#
# Our data are the line of notebook 03 with half its noise, σ = ½: with σ = 1, σ and σ² would look alike.

# %%
HALF = replace(LINE, sigma=constant(0.5))
x, y = HALF.sample(200, seed=0)
mu, _ = HALF.truth(x)
S = ((y - mu) ** 2).mean()  # the mean square of the residuals from the true line
print(f"RMS residual √S = {S.sqrt():.2f}, S = {S:.2f}, Var(y) = {y.var(correction=0):.1f}")

# %%
log_var = 0.3 * x  # some σ², different from row to row
ours, half_log_2pi = gaussian_nll(y, mu, log_var), 0.5 * math.log(2 * math.pi)
for full in (True, False):
    for reduction, reduced in (("none", lambda t: t), ("mean", torch.mean), ("sum", torch.sum)):
        loss = nn.GaussianNLLLoss(full=full, reduction=reduction)
        expected = reduced(ours if full else ours - half_log_2pi)
        torch.testing.assert_close(loss(mu, y, log_var.exp()), expected)
print(f"six settings, one formula; full=False leaves out ½ log 2π = {half_log_2pi:.3f} nats a value")

# %% [markdown]
# ## Predict
#
# Replace each `...` before you run on.

# %%
guess("08-a", ...)  # σ is passed where σ² is meant; the RMS residual is 0.5: the best "σ"?

# %%
guess("08-b", ...)  # σ² = 1e-7, residual 0.01, one SGD step at lr 0.001: the new σ²?

# %%
guess("08-c", ...)  # predictions (n,), targets (n, 1), true slope 2.3: the slope that is learned?


# %% [markdown]
# ## Trap 1: σ where σ² is meant
#
# A model has a parameter called `sigma`, and it goes into the loss as it is. Nothing complains: the loss wants a positive number and gets one. We look for the best one on a fine grid.

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
measured("08-a", round(mistaken.item(), 2))

# %% [markdown]
# The minimum over `var` is at S, whatever name the variable has. So "σ" is the *square* of the right one: too small if the residuals are below 1, too large if they are above, and unnoticed at 1. **Cure:** one name for one thing, `var` or `log_var`, and a comparison of the learned σ with the RMS residual.

# %% [markdown]
# ## What shall be learned: σ, σ², 1/σ² or log σ²?
#
# The four name the same Gaussian, and their minimum is the same, $\sigma^2 = S$. The walk there is not. Write $v = \sigma^2$, $\tau = 1/\sigma^2$ (the **precision**) and $s = \log\sigma^2$:
#
# | learned | slope of the mean NLL | curvature at the minimum | must be kept above 0 |
# |---|---|---|---|
# | σ | $1/\sigma - S/\sigma^3$ | $2/S$ | yes |
# | σ² | $\tfrac12(1/v - S/v^2)$ | $1/(2S^2)$ | yes |
# | 1/σ² | $\tfrac12(S - 1/\tau)$ | $S^2/2$ | yes |
# | log σ² | $\tfrac12(1 - Se^{-s})$ | $1/2$ | no |

# %%
WAYS = {  # name: (σ of the parameter, the parameter of a σ)
    "σ": (lambda p: p, lambda sigma: sigma),
    "σ²": (lambda p: p.sqrt(), lambda sigma: sigma**2),
    "1/σ²": (lambda p: p**-0.5, lambda sigma: sigma**-2),
    "log σ²": (lambda p: (p / 2).exp(), lambda sigma: 2 * sigma.log()),
}


def slope_and_curvature(name, sigma, S):
    sigma_of, parameter_of = WAYS[name]
    p = parameter_of(torch.tensor(sigma, dtype=DTYPE)).requires_grad_()
    nll = sigma_of(p).log() + S / (2 * sigma_of(p) ** 2)
    (slope,) = grad(nll, p, create_graph=True)
    return slope.item(), grad(slope, p)[0].item()


# %%
curvature = {"σ": lambda S: 2 / S, "σ²": lambda S: 1 / (2 * S**2), "1/σ²": lambda S: S**2 / 2,
             "log σ²": lambda S: 0.5}
print("S = 1     slope at σ = 0.1   at σ = 10     curvature at the minimum, S = 1e-4  S = 1e4")
for name in ("σ", "σ²", "1/σ²", "log σ²"):
    slopes = [slope_and_curvature(name, sigma, S=1)[0] for sigma in (0.1, 10.0)]
    measured_at = [slope_and_curvature(name, S**0.5, S)[1] for S in (1e-4, 1e4)]
    for S_now, value in zip((1e-4, 1e4), measured_at):
        assert math.isclose(value, curvature[name](S_now), rel_tol=1e-6)
    print(f"{name:8} {slopes[0]:14.4g} {slopes[1]:13.4g} {measured_at[0]:32.1e} {measured_at[1]:8.1e}")

# %% [markdown]
# *Units.* S = 10⁻⁴ and S = 10⁴ are the same data in metres and in units of 0.1 mm. The curvature at the minimum, which decides what learning rate works there, changes by up to 16 powers of ten. For $\log\sigma^2$ it is ½ always: a new unit only shifts $s$, and the valley keeps its shape.
#
# *Slopes.* At σ = 0.1 the slope is steep for σ, σ² **and** log σ²: −49.5, a hundred times the +0.5 on the other side. Only the precision is gentle there, and it is steep where the others are gentle.
#
# So does log σ² arrive? We try 13 starts, from 0.001 to 1,000 times the RMS residual, each by gradient descent (`SGD` on all data) and by Adam, with learning rate 0.1. A softplus head joins in, and, for log σ², a slope clipped to ±1.

# %%
starts = torch.logspace(-3, 3, 13, dtype=DTYPE)  # in units of the RMS residual: S = 1


def arrives(name, optimizer_class, clip=math.inf, lr=0.1, steps=1000):
    """For each start: 0 not there, 1 within 1 % of the RMS, 2 σ² left (0, ∞) on the way."""
    sigma_of, parameter_of = WAYS[name]
    p = parameter_of(starts).clone().requires_grad_()
    optimizer = optimizer_class([p], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        sigma = sigma_of(p)
        (sigma.log() + 1 / (2 * sigma**2)).sum().backward()
        p.grad.clamp_(-clip, clip)
        optimizer.step()
    sigma = sigma_of(p.detach())
    return torch.where(sigma.isfinite() & (sigma > 0), ((sigma - 1).abs() < 0.01).int(), 2)


# %%
WAYS["softplus"] = (lambda p: softplus(p).sqrt(),  # and its inverse
                    lambda sigma: sigma**2 + (-torch.expm1(-(sigma**2))).log())
rows = {f"{name}, {cls.__name__}": arrives(name, cls) for cls in (SGD, Adam) for name in WAYS}
rows |= {f"log σ², {cls.__name__}, clipped": arrives("log σ²", cls, clip=1) for cls in (SGD, Adam)}
count = {name: (row == 1).sum().item() for name, row in rows.items()}
print(count)
assert [count[f"log σ², {o}"] for o in ("SGD", "Adam")] == [10, 9] and sorted(count.values())[-5] == 7
assert count["log σ², SGD, clipped"] == count["log σ², Adam, clipped"] == 13

# %%
fig, ax = plt.subplots(figsize=(7.5, 4.6))
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
show(fig, alt="A table of twelve ways to learn sigma against 13 starts. Only log sigma squared with "
     "clipped slopes arrives from all starts; the others fail far below or far above the RMS.")

# %%
first = [0.1 * -slope_and_curvature("log σ²", start, S=1)[0] for start in (0.1, 0.05, 0.01)]
print("first step of log σ², lr 0.1, from σ = 0.1, 0.05, 0.01:", [f"{step:+.2f}" for step in first])
assert [round(step, 2) for step in first] == [4.95, 19.95, 499.95]

# %% [markdown]
# No parameter arrives from all 13 starts by itself; log σ² does from 10 by gradient descent and from 9 by Adam, the others from at most 7. From a σ far too small the first step in $s$ is huge, +500 from 0.01. Beyond the minimum the slope is ½, and the way back is long. Adam starts with steps of about `lr`, but its average of squared slopes remembers the first, steep ones: later steps are tiny.

# %% [markdown]
# What $\log\sigma^2$ gives is this: σ² stays positive, the curvature is ½ in every unit, and too large a start costs steps, no more. **Cures** for too small a start: start at the RMS of y (a fitted mean leaves smaller residuals, so this start is too large), clip the slope, or train the mean alone first.
#
# A softplus, $\log(1 + e^p)$, is positive as well. For large $p$ it is nearly $p$, so there it walks as slowly as σ².

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
print(f"measured slope {numeric.item():.0f}, autograd's slope {slope.item():.3g}")
print(f"one step of SGD, lr 0.001: σ² goes from 1e-07 to {after:,.0f}")
(other,) = grad(loss(zero, r / 20, var), var)
print(f"the same with residual 0.0005: σ² goes to {(var - 1e-3 * other).item():,.0f}")
assert numeric == 0 and math.isclose(slope.item(), 0.5 * (1 / 1e-6 - 0.01**2 / 1e-6**2))
assert math.isclose(other.item(), 0.5 * (1 / 1e-6 - 0.0005**2 / 1e-6**2))
assert not gradcheck(lambda v: loss(zero, r, v), var, eps=1e-9, raise_exception=False)

# %%
measured("08-b", round(after), "σ² after one step")

# %% [markdown]
# The slope has the sign of $\text{eps} - r^2$. A residual above $\sqrt{\text{eps}} = 0.001$ throws σ² up, here to 49,500; a smaller one pushes it down, here below 0, into trap 3. The function `gradcheck`, which compares autograd with small differences, rejects the pair.
#
# A floor made by `torch.clamp` is no cure. There autograd sees the floor and gives slope 0: the variance stays where it is. **Cure:** learn $\log\sigma^2$, and value and slope agree. The slope is still steep where σ is far too small, so start high.

# %%
(of_clamp,) = grad(loss(zero, r, torch.clamp(var, min=1e-6)), var)
log_var = var.detach().log().requires_grad_()
(slope,) = grad(gaussian_nll(r, zero, log_var).sum(), log_var)
print(f"with clamp: slope {of_clamp.item():.0f}; in log σ²: {slope.item():.1f}")
assert of_clamp == 0 and gradcheck(lambda s: gaussian_nll(r, zero, s), log_var)
assert math.isclose(slope.item(), 0.5 * (1 - 0.01**2 / 1e-7))


# %% [markdown]
# ## Trap 3: a variance below zero
#
# Nothing keeps a raw parameter, or the raw output of a network, above 0. Let the residual be 0.05, so that the best σ² is 0.0025, and start σ² at 1. The slope grows on the way down, and the optimiser overshoots.

# %%
def learn(optimizer_class, start, var_of, r=0.05, steps=1000):
    """The end of a walk: its number of steps, and σ² or what went wrong."""
    target, p = torch.full((1, 1), r, dtype=DTYPE), torch.full((1, 1), start, dtype=DTYPE)
    optimizer = optimizer_class([p.requires_grad_()], lr=0.01)
    for step in range(steps):
        try:
            value = nn.GaussianNLLLoss()(torch.zeros_like(target), target, var_of(p))
        except ValueError as error:
            return step, f"ValueError: {error}"
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return steps, f"σ² = {var_of(p).item():.4f}"


# %%
for optimizer_class in (SGD, Adam):
    steps, end = learn(optimizer_class, start=1.0, var_of=lambda p: p)
    print(f"raw σ², {optimizer_class.__name__:5}: after {steps} steps, {end}")
    assert "ValueError" in end and steps < 200
steps, end = learn(Adam, start=0.0, var_of=torch.exp)
print(f"exp(log σ²), Adam: after {steps} steps, {end}")
assert end == "σ² = 0.0025"


# %% [markdown]
# This trap is loud. **Cure:** a positive head, `log_var.exp()` or a softplus.
#
# ## Trap 4: the silent broadcast
#
# Many people squeeze a network's output from (n, 1) to (n,), and forget the targets. Subtracting (n, 1) from (n,) gives (n, n): every prediction meets every target. `mse_loss` warns. `GaussianNLLLoss` does not.

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
measured("08-c", round(abs(flat_slope), 2), "slope")

# %% [markdown]
# A level line, and σ² is the variance of y. The loss is the average over all pairs, and for the prediction $\mu_i$ the squared errors average to
#
# $$\frac1n \sum_j (y_j - \mu_i)^2 = (\bar y - \mu_i)^2 + \operatorname{Var}(y).$$
#
# So each prediction does best at $\bar y$, whatever its x, and the best σ² is what remains: Var(y). The loss came down as it should, to the minimum of another problem. And σ *equals* the RMS of these residuals: the test of notebook 03 does not see this trap.

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
# **Cure:** one shape, checked before the formula. Our `gaussian_nll` does it in its first line:

# %%
try:
    gaussian_nll(y, flat.squeeze(1), sigma.squeeze(1))
except ValueError as error:
    print(error)


# %% [markdown]
# ## Trap 5: the reduction, and the constant
#
# **`reduction`** does not move the minimum, but it sets the scale. The sum over n values has n times the slope and n times the curvature of the mean. Gradient descent near a minimum with curvature $c$ multiplies the distance by $1 - \text{lr}\cdot c$ in each step, so it runs away if lr > 2/c. For the mean in $\log\sigma^2$, $c = \tfrac12$; for the sum, $c = n/2$.

# %%
def end_of_walk(reduction, lr, steps=200):
    log_var = torch.full((1, 1), 0.0, dtype=DTYPE, requires_grad=True)
    for _ in range(steps):
        each = gaussian_nll(y, mu, log_var.expand_as(y))
        (slope,) = grad(getattr(each, reduction)(), log_var)
        log_var = (log_var - lr * slope).detach().requires_grad_()
    return log_var.exp().sqrt().item()


for reduction, lr, good in (("mean", 0.1, True), ("sum", 0.1, False), ("sum", 0.1 / 200, True)):
    sigma_end = end_of_walk(reduction, lr)
    print(f"{reduction:4} lr {lr:6.4f}: σ = {sigma_end:.2f}")
    assert (abs(sigma_end / S.sqrt() - 1) < 0.01) == good

# %% [markdown]
# | `reduction` | when |
# |---|---|
# | `"mean"` | training: one learning rate for every batch size |
# | `"sum"` | where the likelihood meets a prior or a KL of the whole data (notebooks 05, 07) |
# | `"none"` | a weight per row, a mask, or a look at the worst rows |
#
# Per-row weights need `"none"`: `(weight * each).sum() / weight.sum()`. After `"mean"` the rows are gone, and a weight only rescales the whole.
#
# **`full`** adds a constant, so it never moves the minimum. But it is needed to *compare* with another density. We take values that are Laplace distributed, and fit both densities by maximum likelihood.

# %%
v = torch.linspace(0, 1, 200_002, dtype=DTYPE)[1:-1] - 0.5
values = -v.sign() * torch.log1p(-2 * v.abs())  # the quantiles of a Laplace density, scale 1
scale, S_values = values.abs().mean(), (values**2).mean()
laplace = (torch.log(2 * scale) + 1).item()
nll = {full: nn.GaussianNLLLoss(full=full)(0 * values, values, S_values.expand_as(values)).item()
       for full in (False, True)}
exact = -torch.distributions.Laplace(0.0, scale).log_prob(values).mean().item()
assert math.isclose(laplace, exact) and nll[False] < laplace < nll[True]
print(f"Laplace {laplace:.2f}; Gaussian: full=False {nll[False]:.2f}, full=True {nll[True]:.2f} nats")

# %% [markdown]
# The values come from a Laplace density. Without its constant the Gaussian seems to win, with it the Laplace does. (An NLL below 0 is no error: a density may exceed 1. A loss that falls for ever is the subject of notebook 09.)

# %% [markdown]
# ## Trap 6: NaN
#
# A NaN spreads. One target of 200 is NaN, and we take one step:

# %%
spoiled = torch.where(x == x[7], math.nan, y)
victim = HomoscedasticRegressor()
mean_nll(victim, x, spoiled).backward()
SGD(victim.parameters(), lr=0.01).step()
print(f"NaN: {spoiled.isnan().sum()} target, {victim(x)[0].isnan().sum()} predictions")
assert spoiled.isnan().sum() == 1 and victim(x)[0].isnan().all()

# %% [markdown]
# It can also be born without a NaN in the data. Here are four ways, in an NLL written by hand and in PyTorch's default type, float32. It gets there sooner than our float64.

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
assert nn.GaussianNLLLoss()(single([0.0]), single([0.5]), softplus(single([-120.0]))).isfinite()
assert single(-120.0, dtype=DTYPE).exp() > 0 and single(89.0, dtype=DTYPE).exp().isfinite()

# %% [markdown]
# The third needs no bad data: a softplus head says −120, σ² underflows to 0, the logarithm is −∞ and the squared residual over σ² is +∞. `GaussianNLLLoss` stays finite here, by its eps, and the price is trap 2.
#
# **How to find the place.** First, when: stop at the first step whose loss is not finite, and keep the weights from before it (`fit` raises `Diverged` with the step). Then, where: run that step under `torch.autograd.set_detect_anomaly(True)`. It names the first operation whose *gradient* is NaN.

# %%
raw = torch.tensor([1.0, -120.0], requires_grad=True)  # float32
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that anomaly detection is slow
    try:
        with torch.autograd.set_detect_anomaly(True):
            (0.5 * (softplus(raw).log() + 0.25 / softplus(raw))).sum().backward()
    except RuntimeError as error:
        print(error)

# %% [markdown]
# Anomaly detection looks backwards only, and not at every birth: the log of −1 is NaN, yet its slope, 1/(−1), is finite. A forward hook closes the gap. It looks at what each layer gives, and names the first that is not finite.

# %%
log_of_negative = torch.tensor(-1.0, requires_grad=True)
assert log_of_negative.log().isnan() and grad(log_of_negative.log(), log_of_negative)[0] == -1


def refuse_non_finite(module, inputs, output):
    if not output.isfinite().all():
        raise FloatingPointError(f"{type(module).__name__} gave {output.tolist()}")


net = nn.Sequential(nn.Linear(1, 1), nn.Softplus())
for layer in net:
    layer.register_forward_hook(refuse_non_finite)
try:
    net(torch.tensor([[math.nan]]))
except FloatingPointError as error:
    print(error)

# %% [markdown]
# **Cure:** learn $\log\sigma^2$ and use it as it is: $\tfrac12(s + r^2 e^{-s})$ has no logarithm and no division. It can still overflow, below $s = -88$ in float32, so start at the RMS and clip the slope. Never repair with `nan_to_num`: it hides the place.

# %% [markdown]
# ## Symptom, cause, cure
#
# | symptom | cause | cure |
# |---|---|---|
# | σ is the square of the RMS residual | σ passed as `var` | pass σ²; compare with the RMS |
# | σ leaps to hundreds | variance below eps, or a start far too small | log σ²; start at the RMS of y; clip |
# | σ does not move | too large in σ², Adam after a steep start, or `clamp` | log σ²; start at the RMS of y |
# | `ValueError: var has negative entry/entries` | raw variance | exp or softplus |
# | level mean, σ² = Var(y) | (n,) against (n, 1) | check shapes |
# | diverges when the batch grows | `reduction="sum"` | `"mean"`, or lr / n |
# | Gaussian beats every other density | `full=False` | `full=True` |
# | NaN | 0/0, ∞ − ∞, log of a negative | finite checks, anomaly detection, hooks |

# %% [markdown]
# ## What a documentation page says
#
# The [torch.js documentation](https://torchjs.org/docs/torch.js/generated/torch.nn.GaussianNLLLoss) describes the same loss in a TypeScript port of PyTorch. Four of its sentences, held against the cells above:
#
# | the page says | here |
# |---|---|
# | `full=true` for exact MLE, `full=false` when comparing | The reverse: trap 5. |
# | unstable at small variance: use eps | eps *makes* trap 2, and does not stop trap 3. |
# | use `torch.clamp()` if needed | Slope 0 below the floor: trap 2. |
# | target and input must have the same shape | True, but PyTorch does not check it: trap 4. |

# %% [markdown]
# ## The lab
#
# One σ walks to the RMS residual, by plain gradient descent or Adam at a constant rate. Begin at 10 with log σ². Switch to raw σ²: it stands still. Go back to log σ², move the start to 0.03, and look where the first step goes. Last, raw σ² at noise 0.1 from start 1: at which step does it fall below 0? Is there a learning rate at which it neither falls below 0 nor stops short?

# %%
lab = LABS["08"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Shall I raise eps?"** Only as a deliberate floor on σ, in the units of y², and then above the learned parameter: `log_var.exp() + floor`. That one has a slope everywhere.
#
# **"Exp or softplus?"** Exp keeps the valley's shape in every unit. With a softplus, put y in units of its RMS.

# %% [markdown]
# ## Exercises
#
# **08-1 (predict).** The RMS residual is 0.2. A colleague learns p, passes it as `var`, calls it σ, and reports $\mu \pm 1.96\,p$. Which share of new points lies within, as a number between 0 and 1? (The residuals are Gaussian.)

# %%
share = ...
check("08-1", share)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# p ends at S, and S is a square.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The half-width is 1.96 · 0.04, so 0.392 true standard deviations. `math.erf(z / 2**0.5)` is the share of a standard Gaussian within ±z.
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
# Differentiate $\tfrac{n}{2}(s + S e^{-s})$ twice, and put $e^s = S$.
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
# **08-3 (code).** Write the Gaussian NLL of each value, with its constant, for a softplus head: `softplus(raw)` is σ². All three arguments are (n, 1). Gradients are checked.

# %%
def softplus_nll(y, mu, raw):
    ...


check("08-3", softplus_nll)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Only the name of σ² changes in $\tfrac12\left(\log 2\pi + \log\sigma^2 + (y - \mu)^2/\sigma^2\right)$.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `gaussian_nll` wants log σ², which is the logarithm of the softplus.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def softplus_nll(y, mu, raw):
#     return gaussian_nll(y, mu, softplus(raw).log())
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
# - `var` is σ². Compare the learned σ with the RMS residual, and print the shapes.
# - log σ² keeps σ² positive and the curvature ½ in every unit. It does not cure a start far too small: start at the RMS of y, clip.
# - eps is a floor for the value, not for the slope.
# - `"mean"` trains, `"sum"` meets a prior, `"none"` weights rows; comparisons need `full=True`.
# - Find the step and the operation where a NaN is born before you repair it.
#
# **Next.** The loss is now right. Why may it still give a worse mean than squared error? [`09_training_pathologies`](09_training_pathologies.ipynb).
#
# **Further reading.**
# - The documentation of PyTorch's [`GaussianNLLLoss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html), and of [`set_detect_anomaly`](https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection).
# - Goodfellow, Bengio & Courville (2016), [*Deep Learning*, section 6.2.2](https://www.deeplearningbook.org/contents/mlp.html): precision, variance or standard deviation.
