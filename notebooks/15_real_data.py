# %% [markdown]
# # 15 · Real data
#
# **The question.** Does it work on data that nobody made up?
#
# **You will be able to**
#
# - cross-validate six models, all folds at once, and put error bars on their differences;
# - say from one table whether a second output pays;
# - convert μ, σ, log σ² and the NLL between standard and natural units;
# - decide by a probability in place of a mean, and read your own CSV.
#
# **You need** notebooks 09 (the ways to train), 10 (held-out data) and 12 (scores).
#
# **Time.** About 61 minutes; the notebook runs in about 22 s.
#
# <details><summary>On Colab</summary>First run <code>%pip install git+https://github.com/OWNER/learning-the-variance</code> in a new cell: <code>course_utils</code> is missing there, as in any single file.</details>

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DATASETS, DTYPE, diabetes, engel, motorcycle
from course_utils.labs import LABS
from course_utils.look import look, read
from course_utils.losses import beta_nll, gaussian_nll
from course_utils.metrics import coverage, crps, interval, paired_comparison
from course_utils.models import HeteroscedasticRegressor, Standardised
from course_utils.plots import MEAN, REPAIRED, TRUTH, plot_data, plot_fit, show, use_course_style
from course_utils.report import report

use_course_style()
torch.set_num_threads(1)

# %% [markdown]
# ## Three data sets
#
# - **Motorcycle** (133 rows): the acceleration of a dummy's head, in g, against the milliseconds after an impact; from [Silverman (1985)](https://doi.org/10.1111/j.2517-6161.1985.tb01327.x).
# - **Engel** (235): what Belgian households spend on food against their income, in francs a year; collected for E. Engel and studied by [Koenker & Bassett (1982)](https://doi.org/10.2307/1912528).
# - **Diabetes** (442): the progression of the disease after a year against ten measurements of a patient; from [Efron et al. (2004)](https://doi.org/10.1214/009053604000000067).
#
# No figure has a dashed truth now. All we can ask is how well a model predicts rows that it has not seen.

# %%
DATA = {"motorcycle": motorcycle(), "engel": engel(), "diabetes": diabetes()}
labels = [("time, ms", "acceleration, g"), ("income, francs", "food, francs"), ("body mass index", "progression")]

fig, axes = plt.subplots(1, 3, figsize=(8.6, 2.9))
for ax, (name, (x, y)), (xlabel, ylabel) in zip(axes, DATA.items(), labels):
    column = 2 if name == "diabetes" else 0
    plot_data(ax, x[:, column:column + 1], y, s=12, alpha=0.7)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=f"{name}: {len(y)} rows")
axes[1].set_xticks([0, 2000, 4000])
show(fig, alt="Three scatter plots. Motorcycle: flat and exact at first, then a deep dip and a rebound with wide "
     "scatter. Engel: a fan that opens with income. Diabetes: a cloud that climbs slightly with body mass index.")

# %% [markdown]
# ## Predict
#
# A network with one σ is compared with five networks with two outputs, averaged (an **ensemble**), on rows that neither has seen. Replace each `...`.

# %%
guess("15-a", ...)  # on how many of the three data sets is the NLL of two outputs the lower one: 0, 1, 2 or 3

# %%
guess("15-b", ...)  # motorcycle: the 95 % band of two outputs is on average "narrower" or "wider"


# %% [markdown]
# ## Ten folds at once
#
# 133 rows are too few to give some away. In **cross-validation** each row is held out once: ten folds, ten networks, and network k trains on all rows but those of fold k. Each network sees x and y in standard units *of its own training rows*, so nothing of the held-out rows leaks in.
#
# As in notebook 09 the networks are stacked: x and y become (10, n, d), and a weight (10, n, 1) is 1 where a row trains and 0 where it is held out.

# %%
def moments(values, weight):
    """The mean and the standard deviation of the rows that count, for each network: (10, 1, d)."""
    share = weight / weight.sum(1, keepdim=True)
    mean = (share * values).sum(1, keepdim=True)
    return mean, (share * (values - mean) ** 2).sum(1, keepdim=True).sqrt()


def into_folds(x, y, folds=10, seed=0):
    """x and y in each network's standard units, the weights, and mean m and scale s of y."""
    place = np.argsort(np.random.default_rng(seed).permutation(len(y)))
    fold = torch.from_numpy(place) % folds
    train = (fold != torch.arange(folds)[:, None]).to(DTYPE)[:, :, None]
    (m_x, s_x), (m, s) = moments(x, train), moments(y, train)
    return (x - m_x) / s_x, (y - m) / s, train, m, s


# %%
def first_weights(nets, d, width=16):
    """Stacked weights and biases of d-width-width and two heads, as nn.Linear draws them."""
    made = []
    for seed in range(nets):
        torch.manual_seed(seed)
        sizes = [(d, width), (width, width), (width, 1), (width, 1)]
        layers = [torch.nn.Linear(*size, dtype=DTYPE) for size in sizes]
        made.append([p for layer in layers for p in (layer.weight.T, layer.bias[None])])
    return [torch.stack(same).detach().requires_grad_() for same in zip(*made)]


def forward(nets, x):
    """mu and log σ², (networks, n, 1)."""
    w1, b1, w2, b2, w_mu, b_mu, w_s, b_s = nets
    h = torch.tanh(torch.baddbmm(b1, x, w1))
    h = torch.tanh(torch.baddbmm(b2, h, w2))
    return torch.baddbmm(b_mu, h, w_mu), torch.baddbmm(b_s, h, w_s)


# %% [markdown]
# All ways share one recipe: 150 steps of Adam on all training rows, a learning rate that falls from 0.03 to 0, and a little weight decay. We fixed it beforehand, for all three data sets.

# %%
def train_all(loss, x, y, weight, members=1, steps=150):
    """mu and log σ² at all rows, (members · 10, n, 1), of networks trained on their own rows."""
    x, y, weight = (t.repeat(members, 1, 1) for t in (x, y, weight))
    nets = first_weights(len(x), x.shape[2])
    optimizer = torch.optim.Adam(nets, lr=0.03, weight_decay=3e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    share = weight / weight.sum(1, keepdim=True)
    for _ in range(steps):
        total = (share * loss(y, *forward(nets, x))).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return forward(nets, x)


# %% [markdown]
# ## Six ways
#
# | way | σ | networks for ten folds |
# |---|---|---|
# | line, one σ | least squares; the RMS residual | 0 |
# | network, one σ | squared error; the RMS training residual | 10 |
# | network, held-out σ | squared error on three quarters of the training rows; the RMS residual of the other quarter | 10 |
# | two outputs, NLL | the second output | 10 |
# | two outputs, β-NLL | the same, trained with β = ½ (notebook 09) | 10 |
# | ensemble | five networks by NLL: mean of the μ; mean of the σ² plus the variance of the μ | 50 |
#
# The fourth is the ensemble's first member. All networks take the same number of steps, so the last column is the price.

# %%
def squared_error(y, mu, log_var):
    return 0.5 * (y - mu) ** 2


def stacked(loss):
    """A loss for (n, 1) for stacked networks."""
    def each(y, mu, log_var):
        return loss(*(t.reshape(-1, 1) for t in (y, mu, log_var))).reshape(mu.shape)
    return each


def rms(y, mu, weight):
    """log σ² of the RMS residual of the rows that count, for each network."""
    S = (weight * (y - mu) ** 2).sum(1, keepdim=True) / weight.sum(1, keepdim=True)
    return S.log().expand_as(mu)


# %%
def one_sigma(x, y, train):
    """The three ways with one σ: name -> mu and log σ², (10, n, 1), in standard units."""
    with_constant = torch.cat([torch.ones_like(x[..., :1]), x], dim=2)
    line = with_constant @ torch.linalg.lstsq(train * with_constant, train * y).solution
    mu, _ = train_all(squared_error, x, y, train)
    quarter = torch.from_numpy(np.random.default_rng(1).random((1, y.shape[1], 1)) < 0.25)
    fewer, _ = train_all(squared_error, x, y, train * ~quarter)
    return {
        "line, one σ": (line, rms(y, line, train)),
        "network, one σ": (mu, rms(y, mu, train)),
        "network, held-out σ": (fewer, rms(y, fewer, train * quarter)),
    }


# %%
def two_outputs(x, y, train, members=5):
    """The three ways with σ(x)."""
    found = train_all(stacked(gaussian_nll), x, y, train, members)
    mu, log_var = (t.reshape(members, *y.shape) for t in found)
    total = log_var.exp().mean(0) + mu.var(0)
    return {
        "two outputs, NLL": (mu[0], log_var[0]),
        "two outputs, β-NLL": train_all(stacked(beta_nll), x, y, train),
        "ensemble of five": (mu.mean(0), total.log()),
    }


# %% [markdown]
# ## Units, in one place
#
# The networks speak in standard units, and the ten have ten scales. Before anything is compared, all goes back to g, francs and points. With m and s the mean and standard deviation that standardised y:
#
# | | natural units | why |
# |---|---|---|
# | mean | $\mu s + m$ | undo the division, then the subtraction |
# | σ | $\sigma s$ | a difference: no $m$ |
# | log σ² | $\log\sigma^2 + 2\log s$ | the logarithm of $\sigma^2 s^2$ |
# | NLL | $\text{NLL} + \log s$ | a density is "per unit", and the unit is now $s$ times smaller |
#
# `Standardised`, from `course_utils.models`, wraps a network and does this. It must agree.

# %%
x, y = DATA["engel"]
torch.manual_seed(0)
net = HeteroscedasticRegressor()
model = Standardised(net, x, y)
m, s = y.mean(), y.std(correction=0)
with torch.no_grad():
    mu, log_var = net((x - x.mean()) / x.std(correction=0))
    natural = model(x)
torch.testing.assert_close(natural[0], mu * s + m)
torch.testing.assert_close(natural[1], log_var + 2 * s.log())
torch.testing.assert_close((natural[1] / 2).exp(), (log_var / 2).exp() * s)
torch.testing.assert_close(gaussian_nll(y, *natural), gaussian_nll((y - m) / s, mu, log_var) + s.log())


# %% [markdown]
# Now the experiment. From the ten networks' answers we keep, for each row, that of the one network which has not seen it.

# %%
def held_out(x, y, seed=0):
    """Each way's mu and σ, (n, 1), in natural units, for rows the network has not seen; the folds."""
    x, y, train, m, s = into_folds(x, y, seed=seed)
    test = 1 - train
    ways = one_sigma(x, y, train) | two_outputs(x, y, train)
    return {
        name: (((mu * s + m) * test).sum(0), ((log_var / 2).exp() * s * test).sum(0))
        for name, (mu, log_var) in ways.items()
    }, test


results = {name: held_out(x, y) for name, (x, y) in DATA.items()}

# %% [markdown]
# ## The table
#
# The NLL is in nats, CRPS and width are in the unit of y. The coverage of the 95 % band has the standard error $\sqrt{p(1-p)/n}$ with p = 0.95, what a right band would show.

# %%
scores = {}
for name, (ways, _) in results.items():
    y = DATA[name][1]
    error = math.sqrt(0.95 * 0.05 / len(y))
    print(f"{name:22}    NLL    CRPS   coverage (± {error:.2f})   width")
    for way, (mu, sigma) in ways.items():
        lower, upper = interval(mu, sigma)
        scores[name, way] = gaussian_nll(y, mu, 2 * sigma.log()), crps(y, mu, sigma)
        nll, c = (score.mean().item() for score in scores[name, way])
        print(f"  {way:20} {nll:6.2f} {c:7.1f} {coverage(y, mu, sigma):10.2f} {(upper - lower).mean():17.0f}")


# %% [markdown]
# Two rows of it may differ by luck. We compare with "network, one σ" row by row: the mean difference in each fold, and then over the folds. Ten differences have a standard error of $S/\sqrt{10}$ *if they are independent*. They are not: two training sets share 8/9 of their rows. [Nadeau & Bengio (2003)](https://doi.org/10.1023/A:1024068626366) propose
#
# $$\text{s.e.}^2 = \left(\frac1J + \frac{n_\text{test}}{n_\text{train}}\right) S^2,$$
#
# here with J = 10 and a ratio of 1/9: the error bar becomes 1.45 times as long. It is a remedy, not a theorem: no unbiased estimate exists.

# %%
def in_folds(score, test):
    """The mean score of each fold, (10, 1)."""
    return (test * score).sum(1) / test.sum(1)


def against_one_sigma(name, way, which=0):
    """The difference in NLL (which=0) or CRPS (1) to the network with one σ, and its s.e."""
    test = results[name][1]
    a, b = (in_folds(scores[name, w][which], test) for w in (way, "network, one σ"))
    return paired_comparison(a, b, test_to_train=1 / 9)


assert round(math.sqrt(1 / 10 + 1 / 9) / math.sqrt(1 / 10), 2) == 1.45

# %%
ways = list(results["engel"][0])
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(8.6, 3.1))
for ax, name in zip(axes, DATA):
    for row, way in enumerate(ways):
        d, error, _ = against_one_sigma(name, way)
        ax.errorbar(d, row, xerr=2 * error, fmt="o", color=MEAN if row < 3 else REPAIRED, markersize=5)
    ax.axvline(0, color=TRUTH, linewidth=1)
    ax.set(title=name, xlabel="NLL − that of one σ, nats")
axes[0].set_yticks(range(len(ways)), ways)
axes[0].invert_yaxis()
axes[2].set_xscale("symlog", linthresh=0.5)
axes[2].set_xticks([-1, 0, 1, 5], ["−1", "0", "1", "5"])
fig.suptitle("Left of 0: better than a network with one σ (bars: ± 2 s.e.; the last axis is bent)", x=0.01, ha="left")
show(fig, alt="Three panels of six dots with error bars. Motorcycle and Engel: the three ways with two outputs lie "
     "left of zero, with their bars or most of them. Diabetes: the line lies left of zero and two outputs lie right.")

# %%
print("NLL minus that of the network with one σ, ± s.e.")
for name in DATA:
    for way in ("line, one σ", "ensemble of five"):
        d, error, _ = against_one_sigma(name, way)
        print(f"  {name:11} {way:17} {d:+.2f} ± {error:.2f}")
lower_nll = sum(against_one_sigma(name, "ensemble of five").difference < 0 for name in DATA)
measured("15-a", lower_nll, "data sets on which two outputs have the lower NLL")

# %% [markdown]
# Three data sets, three verdicts:
#
# - **Motorcycle:** two outputs win by more than 0.3 nats, in this deal of the rows by four standard errors. (Other deals follow below.)
# - **Engel:** also by 0.3, but only two standard errors: two rich households cost one σ more than 25 nats each, and the folds in which they lie stand apart.
# - **Diabetes:** the second output does not pay. Alone it is worse by more than a nat (with a standard error of more than one, since few rows decide it), and its band covers least. The best is a **line with one σ**.

# %%
two = against_one_sigma("motorcycle", "ensemble of five")
assert two.difference < -0.3 and two.difference < -4 * two.error
rich = against_one_sigma("engel", "ensemble of five")
assert rich.difference < -0.3 and -2.5 < rich.difference / rich.error < -1.8
worst = scores["engel", "network, one σ"][0].flatten().topk(3)
assert worst.values[1] > 25 > 12 > worst.values[2] and (DATA["engel"][0][worst.indices[:2]] > 2500).all()
alone = against_one_sigma("diabetes", "two outputs, NLL")
covered = {way: coverage(DATA["diabetes"][1], *pair) for way, pair in results["diabetes"][0].items()}
nlls = {way: scores["diabetes", way][0].mean() for way in ways}
assert alone.difference > 1 and alone.error > 1 and min(nlls, key=nlls.get) == "line, one σ"
assert min(covered, key=covered.get) == "two outputs, NLL" and covered["two outputs, NLL"] < 0.8

# %% [markdown]
# ## Where the band is narrow
#
# Both bands cover about 95 % of the motorcycle rows. But for the first 14 ms, before the head moves, one σ claims ± 44 g, and nothing happens there. Later it is too narrow. We look at coverage and width by time.

# %%
x, y = DATA["motorcycle"]
one, ensemble = (results["motorcycle"][0][way] for way in ("network, one σ", "ensemble of five"))
width = [2 * Normal(0, 1).icdf(torch.tensor(0.975)) * sigma for _, sigma in (one, ensemble)]
print("             rows   one σ: coverage, width   ensemble: coverage, width")
for name, rows in {"before 14 ms": x < 14, "14 to 28 ms": (x >= 14) & (x < 28), "after 28 ms": x >= 28}.items():
    cells = [(coverage(y[rows], mu[rows], sigma[rows]), w[rows].mean().item()) for (mu, sigma), w in zip((one, ensemble), width)]
    print(f"{name:13} {int(rows.sum()):4} {cells[0][0]:16.2f} {cells[0][1]:7.0f} {cells[1][0]:20.2f} {cells[1][1]:7.0f}")
assert 0.92 <= coverage(y, *ensemble) <= 0.97 and width[1].mean() < 0.95 * width[0].mean()
assert width[1][x < 14].mean() < 0.25 * width[0][x < 14].mean()

# %%
measured("15-b", "narrower" if width[1].mean() < width[0].mean() else "wider", "the band of two outputs")

# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8.6, 3.3))
order = x[:, 0].argsort()
for ax, (mu, sigma), title in zip(axes, (one, ensemble), ("One σ: ± 44 g before anything moves", "Two outputs: narrow where it is quiet")):
    plot_fit(ax, x[order], mu[order], sigma[order])
    plot_data(ax, x, y, s=12, alpha=0.8)
    ax.set(title=title, xlabel="time, ms", ylabel="acceleration, g" if ax is axes[0] else "")
show(fig, alt="The motorcycle data twice. Left, a band of the same width everywhere, far wider than the data before "
     "14 ms. Right, a band that is a thin line there, and opens where the data scatter. Both are jagged: they are "
     "pieced together from the ten held-out folds.")

# %% [markdown]
# About the same number of rows lie inside, and the band is about a tenth narrower on average. With n = 133 the coverage is known to ± 0.02; between 0.93 and 0.95 there is nothing to choose.
#
# All this is *one* way to deal 133 rows into ten folds. We deal twice more, and average over the three.

# %%
deals = [results["motorcycle"][0], *(held_out(x, y, seed)[0] for seed in (1, 2))]
gains, inside = [], []
for dealt in deals:
    nlls_of = [gaussian_nll(y, mu, 2 * sigma.log()).mean().item() for mu, sigma in (dealt["network, one σ"], dealt["ensemble of five"])]
    gains.append(nlls_of[1] - nlls_of[0])
    inside.append(coverage(y, *dealt["ensemble of five"]))
print(f"three deals: NLL against one σ {np.mean(gains):+.2f}, coverage {np.mean(inside):.2f}")
assert max(gains) < -0.25 and np.mean(gains) < -0.3 and 0.92 <= np.mean(inside) <= 0.97 and inside[0] > np.mean(inside)

# %% [markdown]
# The gain stays, and the first deal's coverage of 0.95 was a little lucky.
#
# ## The warning
#
# Diabetes has ten inputs and 442 rows. A network with one σ already follows its training rows too closely. With two outputs it can be *sure* where it does: σ(x) shrinks at rows it has learned by heart, and on new ones the squared residual is divided by that. CRPS grows only linearly with an error, and sees little of this. A reader of the RMSE would see nothing.

# %%
y_d = DATA["diabetes"][1]
for way in ("line, one σ", "network, one σ", "two outputs, NLL"):
    mu, sigma = results["diabetes"][0][way]
    z = (y_d - mu).abs() / sigma
    print(f"{way:17} RMSE {(y_d - mu).square().mean().sqrt():3.0f}   rows beyond 4 σ: {(z > 4).double().mean():.0%}")
    if way == "two outputs, NLL":
        top = scores["diabetes", way][0].flatten().topk(len(y_d) // 20).values.sum()
        assert (z > 4).double().mean() > 0.04 and abs(math.erfc(4 / 2**0.5) - 6.3e-5) < 1e-6 and top > 0.3 * scores["diabetes", way][0].sum()

# %% [markdown]
# A right Gaussian has 0.006 % of its rows beyond 4 σ. What to do: fewer inputs, more weight decay, early stopping on held-out rows, or what the table says: a line and one σ.

# %% [markdown]
# ## Decide by a probability
#
# A fund reserves 1 unit of money for each household that it expects to spend more than 600 francs on food. A household which does so without a reservation costs 10. Who gets one?
#
# **By the mean:** whoever has μ > 600. **By the probability:** reserving costs 1, and not reserving costs $10\,P(y > 600)$ on average. So reserve where
#
# $$P(y > 600) = 1 - \Phi\!\left(\frac{600 - \mu}{\sigma}\right) > \frac{1}{10}.$$

# %%
limit, loss_without = 600, 10
food = DATA["engel"][1]


def cost(reserve):
    """The mean cost of a household, given who gets a reservation, (n, 1)."""
    return torch.where(reserve, 1.0, loss_without * (food > limit)).mean().item()


for way in ("network, one σ", "ensemble of five"):
    mu, sigma = results["engel"][0][way]
    p = 1 - Normal(mu, sigma).cdf(torch.tensor(float(limit), dtype=DTYPE))
    by_mean, by_probability = cost(mu > limit), cost(p > 1 / loss_without)
    print(f"{way:17} by the mean {by_mean:.1f}   by the probability {by_probability:.1f}")
    assert by_probability < 0.7 * by_mean and by_mean > 1.05
print(f"everybody         {cost(torch.ones_like(food, dtype=torch.bool)):.1f}")

# %% [markdown]
# Deciding by the mean costs more than a reservation for everybody: it treats the two mistakes as equal. The probability knows their prices, and it needs σ.

# %% [markdown]
# ## Your own table
#
# `read` gives a pandas DataFrame of a CSV, and refuses one whose numbers have two readings. `look` shows it in one screen, before anything is fitted.

# %%
table = read(DATASETS / "engel.csv")
print(look(table, "foodexp"))

# %%
try:
    read(b"Zeit;Kraft\n1.500;10\n2.500;12\n")
except ValueError as error:
    print(error)

# %% [markdown]
# `report` goes the whole way in one call. The rows are in an order that is no time, which we say.

# %%
found = report(table, target="foodexp", time=False)
print(found)
assert found.choice == "line, σ(x)" and found.gain("line, σ(x)", "line, one σ").difference > 0.5

# %%
show(found.figure(), alt=found.alt())

# %% [markdown]
# A line whose σ grows with income does as well as any network: two more numbers do it.

# %% [markdown]
# ## The lab
#
# Choose a data set and its target, or upload a CSV of your own (20 rows or more; of a long one 1,000 rows are drawn). The network trains on three quarters of the rows. Left, its band over the input that is most related to the target; middle, the share of held-out rows inside the interval of each level; right, the NLL of training and held-out rows, step by step.
#
# Predict first: on diabetes, where does the held-out NLL turn? Then look, with one σ, with two outputs, and with more weight decay. A file that cannot be read gets a sentence, and the last picture stays.

# %%
lab = LABS["15"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Why not one train/test split?"** A quarter of the motorcycle rows is 33. The standard error of a coverage is then 0.04, and a band of 0.90 cannot be told from one of 0.95.

# %%
assert round(math.sqrt(0.95 * 0.05 / 33), 2) == 0.04

# %% [markdown]
# **"May I choose the best row of six and quote its score?"** It is flattered: the best of six is partly the luckiest. Choose by one cross-validation, and quote from rows that took no part.
#
# **"Are the folds allowed to be random?"** If rows are alike within a group (one patient, one day, one accident), keep the group in one fold. The motorcycle file joins several accidents and does not say which row came from which, so our errors may be too hopeful.
#
# **"Why not tune each way?"** With a setting for each way the table compares tuners. To see what one setting does, change `weight_decay` to 0.01 and run the notebook again.

# %% [markdown]
# ## Exercises
#
# **15-1 (predict).** On standardised y a model has an NLL of 0.8 nats. The standard deviation that standardised y is 50 g. What is its NLL in g?

# %%
nll_in_g = ...
check("15-1", nll_in_g)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Look at the last row of the table of units.
#
# </details>
# <details><summary>Hint 2</summary>
#
# NLL + log s, with s = 50.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# nll_in_g = 0.8 + math.log(50)  # 4.71
# ```
#
# </details>

# %% [markdown]
# **15-2 (derive).** A household has μ = 500 and σ = 80 francs. A reservation costs 1, and an unreserved excess costs 20. How high may the limit be at most, in francs, for a reservation to be worth it?

# %%
highest_limit = ...
check("15-2", highest_limit)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# At the highest limit both choices cost the same: $P(y > \text{limit}) = 1/20$.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The limit is the 95 % quantile of N(500, 80²).
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# highest_limit = Normal(500.0, 80.0).icdf(torch.tensor(0.95)).item()  # 631.6
# ```
#
# </details>

# %% [markdown]
# **15-3 (code).** Write Nadeau & Bengio's standard error: from the mean scores of two models in each of J folds of equal size, a and b, both (J, 1), the s.e. of the mean difference, for J-fold cross-validation with any J.

# %%
def corrected_error(a, b):
    ...


check("15-3", corrected_error)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each model is trained on J − 1 folds and tested on one.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The ratio is 1/(J − 1); S is the standard deviation of a − b, with J − 1 in its denominator.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def corrected_error(a, b):
#     J = len(a)
#     return (a - b).std() * math.sqrt(1 / J + 1 / (J - 1))
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("15")

# %%
guesses("15")

# %% [markdown]
# ## Recap
#
# - Cross-validate, compare row by row, and give the difference an error bar that knows that folds share data.
# - Motorcycle: two outputs win by about 0.3 nats, with about the same coverage and a narrower band. Engel: the same, with less certainty. Diabetes: a line with one σ is best.
# - Convert everything to natural units first: $\mu s + m$, $\sigma s$, $\log\sigma^2 + 2\log s$, NLL $+ \log s$.
# - A decision with unequal costs needs a probability, and so a σ.

# %% [markdown]
# **Next.** Your own data. Begin with a line and one σ, and let the second output earn its place.
#
# **Further reading.**
# - C. Nadeau & Y. Bengio (2003), ["Inference for the generalization error"](https://doi.org/10.1023/A:1024068626366), *Machine Learning* 52.
# - B. W. Silverman (1985), ["Some aspects of the spline smoothing approach to non-parametric regression curve fitting"](https://doi.org/10.1111/j.2517-6161.1985.tb01327.x).
# - R. Koenker & G. Bassett (1982), ["Robust tests for heteroscedasticity based on regression quantiles"](https://doi.org/10.2307/1912528).
# - B. Efron et al. (2004), ["Least angle regression"](https://doi.org/10.1214/009053604000000067).
