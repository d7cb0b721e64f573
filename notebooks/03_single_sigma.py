# %% [markdown]
# # 03 · A single sigma
#
# **The question.** My network predicts y, and the noise is the same everywhere. Where does σ come from, when no column of my data holds it?
#
# **You will be able to**
#
# - write down the best σ for any residuals, and say when it is too small;
# - learn σ as a parameter, and test whether it has arrived;
# - choose between σ, σ², 1/σ² and log σ²;
# - name the three traps of PyTorch's `GaussianNLLLoss`.
#
# **You need** notebooks 01 and 02, and the derivative of a logarithm.
#
# **Time.** About 60 minutes; the notebook runs in about 10 s.

# %%
import math
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import LINE
from course_utils.labs import LABS
from course_utils.losses import same_shape
from course_utils.models import mlp
from course_utils.plots import (
    MEAN, REPAIRED, TRUTH, WRONG, plot_data, plot_fit, plot_truth, show, use_course_style,
)
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## What is still missing
#
# We keep the data of Cross Validated question 564809: 10,000 points on the line $y = 2.3\,x + 1.7$, with Gaussian noise of standard deviation σ = 1. The noise is [**homoscedastic**](00_start_here.ipynb#Glossary): σ is the same at every x.
#
# Notebook 02 ended with a loss that works, because it takes the variance of the *residuals* $y - f(x)$. But residuals need a y, and a new x comes without one. The asker wants a σ that the network itself holds and learns. He quotes *Deep Learning* (Goodfellow, Bengio & Courville 2016, section 6.2.2) and asks: "This is supervised learning, how do I pick a target for σ?"

# %%
x, y = LINE.sample(10_000, seed=0)
noise = y - LINE.truth(x)[0]
fig, (left, right) = plt.subplots(1, 2)
plot_data(left, x, y)
plot_truth(left, LINE, band=False)
left.set_title("The data and the true line")
plot_data(right, x, noise)
right.axhspan(-1, 1, color=TRUTH, alpha=0.12, linewidth=0)
right.axhline(0, color=TRUTH, linestyle="--")
right.set(ylabel="y − true mean", title="The noise is as wide at every x")
show(fig, alt="Left, a cloud of points around a dashed rising line. Right, their distances from "
     "the line: a level cloud of the same width at every x, with a grey strip from -1 to 1.")

# %%
inside = (noise.abs() < 1).double().mean().item()
print(f"{inside:.0%} of the noise lies within ±σ")
assert abs(inside - math.erf(1 / math.sqrt(2))) < 0.02

# %% [markdown]
# ## Predict
#
# Replace each `...` by a number before you run on. The first two are about the σ that makes the Gaussian likelihood of the data largest.

# %%
guess("03-a", ...)  # a model predicts the average of y at every x: its best σ (the noise has 1)

# %%
guess("03-b", ...)  # 20 points, 5 coefficients by least squares, true σ² = 1: the average best σ²

# %%
guess("03-c", ...)  # predictions have shape (n,), targets (n, 1): the slope learned (true: 2.3)


# %% [markdown]
# ## The best σ, on paper
#
# The **NLL** (negative log-likelihood) of one value under a Gaussian is, from notebook 01,
#
# $$-\log N(y; \mu, \sigma^2) = \tfrac12 \log 2\pi + \log \sigma + \frac{(y - \mu)^2}{2\sigma^2}.$$
#
# Hold the predictions μ fixed, whatever they are, and average over the data. All that is left of the data is one number, the mean squared residual $S$:
#
# $$L(\sigma) = \tfrac12 \log 2\pi + \log \sigma + \frac{S}{2\sigma^2}, \qquad S = \frac1n \sum_i (y_i - \mu_i)^2.$$

# %% [markdown]
# **Step 1: the slope.**
#
# $$L'(\sigma) = \frac1\sigma - \frac{S}{\sigma^3}.$$
#
# **Step 2: set it to zero** and multiply by $\sigma^3$:
#
# $$\boxed{\hat\sigma^2 = S}$$
#
# **Step 3: a minimum?** $L''(\sigma) = -\frac{1}{\sigma^2} + \frac{3S}{\sigma^4}$, which at $\sigma^2 = S$ is $2/S > 0$. It is the only zero of the slope, so it is *the* minimum.
#
# In words: the best σ is the **root mean square (RMS) of the residuals**. This is the "closed form expression" of section 6.2.2: "the empirical mean of the squared difference between observations y and their expected value".
#
# **Step 4: its value.** With $\sigma^2 = S$ the last term is ½, and $L = \tfrac12 \log 2\pi e + \log \hat\sigma$.

# %%
def best_sigma(y, mu):
    """The σ that makes N(y; mu, σ²) most likely: the RMS residual."""
    return ((y - mu) ** 2).mean().sqrt().item()


sigmas = torch.logspace(-1, 1.2, 2001, dtype=torch.float64)
for scale in (0.5, 1.0, 2.0, 4.0):
    nll = -Normal(0.0, sigmas).log_prob(scale * noise[:200]).mean(dim=0)  # torch's own density
    s = best_sigma(scale * noise[:200], torch.zeros(200, 1, dtype=torch.float64))
    assert abs(sigmas[nll.argmin()].item() / s - 1) < 0.005
    assert math.isclose(nll.min().item(), 0.5 * math.log(2 * math.pi * math.e) + math.log(s),
                        abs_tol=1e-4)

# %% [markdown]
# ## "How do I pick a target for σ?"
#
# We do not pick one. Here is the loss as a function of σ, for residuals of four sizes. Each curve has its minimum at its own residuals' RMS. The data put the minimum where it is; gradient descent only has to walk down to it.

# %%
fig, ax = plt.subplots(figsize=(7.5, 4.1))
for s in (0.5, 1.0, 2.0, 4.0):
    nll = 0.5 * math.log(2 * math.pi) + sigmas.log() + s**2 / (2 * sigmas**2)
    lowest = 0.5 * math.log(2 * math.pi * math.e) + math.log(s)
    ax.plot(sigmas, nll, color=MEAN)
    ax.plot(s, lowest, "o", color=MEAN)
    ax.annotate(f"RMS {s:g}", (s, lowest), (0, 9), textcoords="offset points", ha="center")
ax.annotate("too small a σ:\nevery residual\nis a surprise", (0.04, 3.9), color="#555555")
ax.annotate("too large a σ: likelihood\nis spent where no data are", (6.0, 1.75), color="#555555")
ax.set(xscale="log", ylim=(0.2, 5.2), xlim=(0.035, 40), xlabel="σ, in units of y (log scale)",
       ylabel="NLL, nats per point", title="The loss is lowest where σ equals the RMS residual")
show(fig, alt="Four valleys over a logarithmic axis of σ. The curve for residuals of RMS 0.5 has "
     "its dot at 0.5, the others at 1, 2 and 4. On the left of a dot the loss rises steeply.")

# %% [markdown]
# The curves are steep on the left and gentle on the right. A σ that is ten times too small costs 47 nats per point, one that is ten times too large costs 1.8.

# %%
cost = {k: math.log(k) + 1 / (2 * k**2) - 0.5 for k in (0.1, 10)}
assert round(cost[0.1]) == 47 and round(cost[10], 1) == 1.8

# %% [markdown]
# ## σ belongs to the model, not to the data alone
#
# The formula holds for any predictions, good or bad. Take a model that predicts the average of y at every x.

# %%
flat = y.mean().expand_as(y)
signal = LINE.truth(x)[0].var(correction=0).item()
assert abs(best_sigma(y, flat) - math.sqrt(signal + 1)) < 0.05
measured("03-a", round(best_sigma(y, flat), 1))

# %% [markdown]
# Its σ is 4.1, where the noise has 1. The signal that this model misses counts as noise: $4.1^2 \approx 15.9 + 1$. So σ̂ measures **noise plus misfit**. It is the size of *this model's* errors.
#
# With the right line, by least squares, only the noise is left:

# %%
X = torch.cat([x, torch.ones_like(x)], dim=1)
w = torch.linalg.lstsq(X, y).solution
print(f"slope {w[0].item():.2f}, intercept {w[1].item():.2f}, σ {best_sigma(y, X @ w):.2f}")
assert abs(best_sigma(y, X @ w) - 1) < 0.02

# %% [markdown]
# ## A little too small
#
# Least squares bends its line toward the data, noise included. So its residuals are smaller than the noise. By how much? Let $y = Xw + \varepsilon$ with $p$ columns in $X$ and noise of variance σ².
#
# **Step 1.** The fit is $\hat y = Hy$ with $H = X(X^\top X)^{-1}X^\top$. Since $HX = X$, the residuals are $(I - H)\,\varepsilon$.
#
# **Step 2.** $I - H$ is symmetric and its own square, so the squared length of the residuals is $\varepsilon^\top (I - H)\, \varepsilon$.
#
# **Step 3.** $E[\varepsilon_i \varepsilon_j]$ is σ² for $i = j$ and 0 otherwise. Only the diagonal counts:
#
# $$E\,[n S] = \sigma^2 \operatorname{tr}(I - H) = \sigma^2 (n - \operatorname{tr} H).$$

# %% [markdown]
# **Step 4.** A trace allows turning its factors around: $\operatorname{tr} H = \operatorname{tr}\left[(X^\top X)^{-1} X^\top X\right] = \operatorname{tr} I_p = p$. Hence
#
# $$\boxed{E\,[\hat\sigma^2] = \frac{n - p}{n}\, \sigma^2}$$
#
# For $p = 1$, the mean alone, this is the $(m-1)/m$ of *Deep Learning*, section 5.4.2. We draw 10,000 data sets of $n = 20$ points and fit $p = 5$ coefficients to each.

# %%
n, p = 20, 5
rng = np.random.default_rng(0)
X = torch.from_numpy(rng.standard_normal((n, p)))
targets, fresh = torch.from_numpy(rng.standard_normal((2, n, 10_000)))  # true w = 0, σ = 1
predictions = X @ torch.linalg.lstsq(X, targets).solution  # 10,000 fits at once
variances = ((targets - predictions) ** 2).mean(dim=0)
on_new_y = ((fresh - predictions) ** 2).mean().item()
print(f"average σ̂²: {variances.mean():.2f}, theory {(n - p) / n:.2f}")
print(f"below the true σ²: {(variances < 1).double().mean():.0%} of the data sets")
print(f"mean squared error on new y at the same x: {on_new_y:.2f}")
assert abs(variances.mean().item() - (n - p) / n) < 0.01 and abs(on_new_y - (n + p) / n) < 0.01

# %%
measured("03-b", round(variances.mean().item(), 2))

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.4))
ax.hist(variances, bins=60, range=(0, 2.4), color=WRONG, alpha=0.45)
ax.axvline(1, color=TRUTH, linestyle="--")
ax.axvline(variances.mean(), color=WRONG)
top = 1.15 * ax.get_ylim()[1]
ax.annotate("true σ²", (1.03, 0.92 * top))
ax.annotate("average, 0.75", (0.72, 0.92 * top), ha="right")
ax.set_ylim(0, top)
ax.set(xlabel="σ̂² of one data set, in units of y²", ylabel="data sets (of 10,000)")
ax.set_title("20 points and 5 coefficients: σ̂² is a quarter too small on average")
show(fig, alt="A histogram of 10,000 estimates, lopsided, with its average at 0.75, to the left of "
     "the dashed line of the true value 1. Most of the estimates lie below 1.")


# %% [markdown]
# The residuals of the *training* data say 0.75. New y at the same x are missed by 1.25, since there the fitted noise counts as an error: $(n + p)/n$, by the same argument. Maximum likelihood is too sure of itself whenever $p$ is not small beside $n$.
#
# For linear models the cure is to divide by $n - p$. For a network nobody knows its $p$; held-out data do the job (notebook 04). In the asker's setting, $n = 10{,}000$, the question does not arise, as we will measure.

# %% [markdown]
# ## "I don't know what a property of the distribution is"
#
# Section 6.2.2 goes on: include the variance "as one of the properties of the distribution $p(\mathbf y \mid \mathbf x)$ that is controlled by $\omega = f(\mathbf x; \theta)$". And for a constant σ: "make a new parameter in the network that is copied directly into ω". The asker: "I have no idea what this means."
#
# Word by word:
#
# - $p(y \mid x)$ is the model: given x, a Gaussian over y.
# - Its **properties** are the numbers that fix it. A Gaussian has two, μ and σ².
# - **ω** is the list of them: $\omega(x) = (\mu(x), \log \sigma^2)$.
# - θ are all numbers that training may change.

# %% [markdown]
# The network computes the first entry of ω from x. The second does not depend on x, so nothing has to compute it. It *is* a number in θ, and it is copied into ω for every row. In PyTorch such a number is an `nn.Parameter`, and the copying is `expand_as`.
#
# We keep log σ² in place of σ; the reason comes below. The loss, in the same letters:
#
# $$-\log N(y; \mu, \sigma^2) = \tfrac12 \left[\log 2\pi + \log\sigma^2 + (y - \mu)^2 e^{-\log \sigma^2}\right]$$
#
# The first line of the code refuses tensors of different shapes. Trap 3 shows why it is there.

# %%
def gaussian_nll(y: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """−log N(y; mu, exp(log_var)) of each value, in nats."""
    same_shape(y=y, mu=mu, log_var=log_var)
    return 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 * torch.exp(-log_var))


def mean_nll(model, x: Tensor, y: Tensor) -> Tensor:
    """The NLL of a model that returns (mu, log_var), mean over all values."""
    mu, log_var = model(x)
    return gaussian_nll(y, mu, log_var).mean()


# %%
class HomoscedasticRegressor(nn.Module):
    """A network for mu(x) and one parameter log σ² for each output, whatever x is."""

    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, activation=nn.ReLU):
        super().__init__()
        self.mean = mlp(n_in, hidden, n_out, activation)
        self.log_var = nn.Parameter(torch.zeros(1, n_out, dtype=torch.float64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = self.mean(x)
        return mu, self.log_var.expand_as(mu)


# %% [markdown]
# `nn.Parameter` does one thing here: it puts the number on the list that `model.parameters()` hands to the optimiser. A plain tensor would stay what it is.
#
# Before we train, a check: is our loss the density of `torch.distributions`?

# %%
mu = torch.zeros_like(y)
for sigma in (0.01, 1.0, 50.0):
    log_var = torch.full_like(y, 2 * math.log(sigma))
    torch.testing.assert_close(gaussian_nll(y, mu, log_var), -Normal(mu, sigma).log_prob(y))


# %% [markdown]
# ## Training it
#
# Here is the whole loop, once, with nothing hidden. It is the loop of any regression. The new parameter gets its gradient by `backward` and its step from the optimiser, like every weight.
#
# The class starts at log σ² = 0, so σ = 1. In the asker's data that is the answer already, and a σ that never moves would look right. So we start at σ = 3, and take twice the asker's learning rate.

# %%
def start_at(sigma, seed, hidden=(50, 50)):
    """An untrained model whose first σ is the given one."""
    torch.manual_seed(seed)
    model = HomoscedasticRegressor(hidden=hidden)
    with torch.no_grad():
        model.log_var.fill_(2 * math.log(sigma))
    return model


def learned_sigma(model):
    return math.exp(model.log_var.item() / 2)


# %%
model = start_at(3.0, seed=0)
optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
torch.manual_seed(0)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(500):
        mu, log_var = model(x[rows])
        loss = gaussian_nll(y[rows], mu, log_var).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

print(f"σ went from 3.0 to {learned_sigma(model):.1f}")
assert abs(learned_sigma(model) - 1) < 0.05


# %% [markdown]
# From here on `fit` runs this loop. It takes the model, the loss and the data, and with `decay=True` it lowers the learning rate to 0 along a half cosine. We record σ at every step.

# %%
def fit_and_record(*, seed=0, hidden=(50, 50), data=(x, y), steps=400, lr=0.03, decay=True):
    """The trained model and its σ before each step, from σ = 3."""
    model, path = start_at(3.0, seed, hidden), []

    def loss(model, x, y):
        path.append(learned_sigma(model))
        return mean_nll(model, x, y)

    fit(model, loss, *data, steps=steps, lr=lr, batch_size=500, decay=decay)
    return model, path


trained, path = fit_and_record()
mu, sigma = predict(trained, x)
print(f"learned σ {sigma[0].item():.2f}, RMS residual {best_sigma(y, mu):.2f}")
assert abs(sigma[0].item() / best_sigma(y, mu) - 1) < 0.01 and abs(sigma[0].item() - 1) < 0.02

# %% [markdown]
# The learned σ and the closed form agree within 1 %, and the learned σ is within 2 % of the truth. **The question of this course is answered, for constant noise**: one more parameter and one more term in the loss, and the network says how wrong it is.

# %%
grid = LINE.grid()
fig, (left, right) = plt.subplots(1, 2, width_ratios=(3, 2), figsize=(7.5, 3.8))
plot_data(left, x, y)
plot_truth(left, LINE)
plot_fit(left, grid, *predict(trained, grid))
left.set_title("Learned band on the true one (dotted)")
right.plot(path, color=MEAN)
right.axhline(1, color=TRUTH, linestyle="--")
right.annotate("true σ", (300, 1.08))
right.set(xlabel="step", ylabel="σ, in units of y", ylim=(0, 3.5), title="σ finds 1 without a target")
show(fig, alt="Left, the data with the learned mean and an orange band whose edges lie on the "
     "dotted true 95 % interval. Right, σ falls from 3 to 1 in the first half of training.")

# %% [markdown]
# σ first rises a little above 3. At that moment the network has not found the line, and its residuals are larger than 3. A learned σ always answers to the residuals of the moment.

# %%
mu, sigma = predict(trained, x)
share = ((y - mu).abs() < 1.96 * sigma).double().mean().item()
ratio = best_sigma(y, mu) ** 2 / (noise**2).mean().item()
print(f"{share:.0%} of the points lie in the 95 % band")
print(f"mean squared residual / mean squared noise: {ratio:.2f}")
assert abs(share - 0.95) < 0.01 and 0.99 < ratio < 1.005

# %% [markdown]
# The second line is the measurement we promised. This network has 2,701 weights and biases; if each counted like a coefficient of a linear model, the ratio would be 0.73. It is 1.00. A network's parameters do not all bend toward the noise, and 10,000 points leave little room.
#
# Is one run luck? We take ten data sets, and ten sets of first weights. To save time the networks have one layer of 20 units, and 200 steps. The learning rate starts at 0.05, five times the asker's, because σ starts far off.

# %%
learned, formula = [], []
for seed in range(10):
    data = LINE.sample(10_000, seed=seed)
    model, _ = fit_and_record(seed=seed, hidden=(20,), data=data, steps=200, lr=0.05)
    learned.append(learned_sigma(model))
    formula.append(best_sigma(data[1], predict(model, data[0])[0]))

learned, formula = np.array(learned), np.array(formula)
print(f"within 2 % of the true σ: {(abs(learned - 1) < 0.02).sum()} of 10")
print(f"within 1 % of the RMS residual: {(abs(learned / formula - 1) < 0.01).sum()} of 10")

# %% [markdown]
# How close can it be? The RMS of $n$ Gaussian values varies by $\sigma / \sqrt{2n}$ from data set to data set, 0.7 % for ours. Nobody can learn σ better than that from 10,000 points.

# %%
assert (abs(learned - 1) < 0.02).all() and (abs(learned / formula - 1) < 0.01).all()
assert abs(formula.std() - 1 / math.sqrt(2 * 10_000)) < 0.003

# %% [markdown]
# ## Need it be learned?
#
# For constant noise, no. One may fit the mean by squared error and take the RMS residual afterwards. The book calls the learned parameter "computationally more expensive", and its merit is that it needs no "special-case code". The merit shows in the next lesson: with noise that depends on x there is no closed form, and the same loss still works.

# %%
torch.manual_seed(0)
net = mlp(1, (50, 50), 1)
fit(net, lambda net, x, y: ((net(x) - y) ** 2).mean(), x, y, steps=200, batch_size=500, decay=True)
with torch.no_grad():
    afterwards = best_sigma(y, net(x))
print(f"squared error, then the RMS residual: σ {afterwards:.2f}")
assert abs(afterwards / learned_sigma(trained) - 1) < 0.01

# %% [markdown]
# ## "Not a weight, an output of the model"
#
# The asker: "I just pick a weight and say 'this is the variance'?" The answer: "Not a weight, an output of the model." The comment under the question: "a single learnable weight, and copy it across all rows of your batch".
#
# For constant noise the comment is right, and so is the book: it *is* one parameter. The answer describes the next case, noise that depends on x, where σ has to be an output (notebook 04).
#
# The two meet. An output neuron with all incoming weights at 0 puts out its bias, whatever x is. Its bias is our parameter.

# %%
model = HomoscedasticRegressor()
of_mean = sum(p.numel() for p in model.mean.parameters())
in_all = sum(p.numel() for p in model.parameters())
print(f"{of_mean:,} parameters for the mean, {in_all:,} in all")

head = nn.Linear(50, 1, dtype=torch.float64)
nn.init.zeros_(head.weight)
features = model.mean[:-1](x[:100])  # (100, 50): what the last hidden layer makes of x
assert torch.equal(head(features), head.bias.expand(100, 1)) and in_all == of_mean + 1
assert of_mean == 2701 and round(1 - of_mean / len(x), 2) == 0.73  # (n − p) / n, if p were that

# %% [markdown]
# ## σ, σ², 1/σ² or log σ²?
#
# "At this point the text veers into computation issues in selecting precision versus variance versus standard deviation", says the asker. The four name the same Gaussian, and the best one is the same: $\sigma^2 = S$. The walk there is not the same. With $v = \sigma^2$, the **precision** $\tau = 1/\sigma^2$ and $s = \log \sigma^2$, the slopes of the loss are
#
# | learned | slope | may go negative |
# |---|---|---|
# | σ | $1/\sigma - S/\sigma^3$ | yes |
# | σ² | $\tfrac12 (1/v - S/v^2)$ | yes |
# | 1/σ² | $\tfrac12 (S - 1/\tau)$ | yes |
# | log σ² | $\tfrac12 (1 - S e^{-s})$ | it may: σ² is still positive |

# %%
ways = {  # name: (NLL without its constant, the parameter for a given σ, σ for a given parameter)
    "σ": (lambda p, S=1: p.log() + S / (2 * p**2), lambda s: s, lambda p: p),
    "σ²": (lambda p, S=1: (p.log() + S / p) / 2, lambda s: s**2, lambda p: p**0.5),
    "1/σ²": (lambda p, S=1: (S * p - p.log()) / 2, lambda s: s**-2, lambda p: p**-0.5),
    "log σ²": (lambda p, S=1: (p + S * (-p).exp()) / 2, lambda s: 2 * math.log(s),
               lambda p: math.exp(p / 2)),
}


def slope_and_curvature(name, sigma, S=1):
    nll, parameter, _ = ways[name]
    at = torch.tensor(parameter(sigma), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(nll(at, S), at, create_graph=True)
    return slope.item(), torch.autograd.grad(slope, at)[0].item()


# %%
print("        slope of the loss at     curvature at the minimum if σ̂ is")
print("learned    σ = 0.1     σ = 10        0.01          1        100")
for name in ways:
    slopes = [slope_and_curvature(name, sigma)[0] for sigma in (0.1, 10)]
    curvatures = [slope_and_curvature(name, s, S=s**2)[1] for s in (0.01, 1, 100)]
    print(f"{name:7} {slopes[0]:10.4g} {slopes[1]:10.4g}  "
          + " ".join(f"{c:10.1e}" for c in curvatures))
    for s in (0.01, 1, 100):
        assert abs(slope_and_curvature(name, s, S=s**2)[0] * ways[name][1](s)) < 1e-9  # a minimum


# %% [markdown]
# Read the rows (the RMS residual on the left is 1). σ and σ² have huge slopes when σ is too small and tiny ones when it is too large. The precision has it the other way around.
#
# The right half is a matter of units. Write y in millimetres in place of metres, and σ̂ grows a thousandfold. The curvature at the minimum, which decides what learning rate works, then changes by many powers of ten. Only for log σ² it is ½, always. That follows from its slope: the derivative of $\tfrac12(1 - Se^{-s})$ is $\tfrac12 S e^{-s}$, and at the minimum $e^s = S$.
#
# Now we let all four walk from the same two starts, with the same learning rate.

# %%
def walk(name, sigma, lr=0.1, steps=300):
    """σ at each step of plain gradient descent on one of the four parameters."""
    nll, parameter, sigma_of = ways[name]
    p = torch.tensor(parameter(sigma), dtype=torch.float64, requires_grad=True)
    path = [sigma]
    for _ in range(steps):
        (slope,) = torch.autograd.grad(nll(p), p)
        with torch.no_grad():
            p -= lr * slope
        path.append(sigma_of(p.item()))
    return path


ends = {(name, sigma): walk(name, sigma) for name in ways for sigma in (0.1, 10)}

# %%
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(7.5, 4))
styles = {"σ": ":", "σ²": "--", "1/σ²": "-.", "log σ²": "-"}
for ax, sigma in zip(axes, (0.1, 10)):
    for name, style in styles.items():
        walked = ends[name, sigma]
        ax.plot(walked, color=REPAIRED if name == "log σ²" else WRONG, linestyle=style)
        step, shift = {"log σ²": (45, 5), "1/σ²": (70, -15)}.get(name, (300, 4))
        ax.annotate(name, (step, walked[step]), (4, shift), textcoords="offset points")
    ax.axhline(1, color=TRUTH, linestyle="--", linewidth=1)
    ax.set(yscale="log", xlabel="step", title=f"From σ = {sigma:g}", xlim=(0, 345))
axes[0].set(ylabel="σ (log scale), in units of y", ylim=(0.05, 300))
fig.suptitle("Only log σ² arrives from both starts", x=0.01, ha="left", fontsize=12)
show(fig, alt="Two panels of σ over 300 steps. From 0.1, learning σ or σ² jumps far above 1 and "
     "stays there, the precision hardly moves, log σ² reaches 1. From 10, σ² stays, σ creeps down, "
     "the precision and log σ² reach 1.")

# %%
for name in ways:
    arrived = [abs(ends[name, sigma][-1] - 1) < 0.01 for sigma in (0.1, 10)]
    print(f"{name:7} arrives from 0.1: {arrived[0]!s:6} from 10: {arrived[1]}")

# %% [markdown]
# *Deep Learning* (section 6.2.2) recommends the precision, which needs no division, and a softplus to keep it positive. Its warning about σ and σ² is right. From a σ that is too large, precision works well, as we see. From one that is too small it crawls.
#
# Adam divides each slope by its typical size, which hides part of the trouble. Its steps are about `lr` long in the units of the parameter: from σ = 10 to 1 that is 900 steps of 0.01 for σ, 9,900 for σ², and 461 for log σ². The precision needs 99, but 9,900 from σ = 0.1.

# %%
lengths = [abs(parameter(10) - parameter(1)) / 0.01 for _, parameter, _ in ways.values()]
assert [round(length) for length in lengths] == [900, 9900, 99, 461]
assert round((0.1**-2 - 1) / 0.01) == 9900

# %% [markdown]
# ## Does σ come to rest?
#
# Every batch of 500 has residuals of its own, with an RMS that varies by $1/\sqrt{2 \cdot 500}$, 3 %. With a constant learning rate, σ keeps following the batches, and so does the mean. A learning rate that decays to 0 averages them out. We compare the two, and a third run whose rate is small from the start *and* decays.

# %%
batch_rms = torch.stack([batch.square().mean().sqrt() for batch in noise.split(500)])
print(f"RMS of the noise, from batch to batch: standard deviation {batch_rms.std():.2f}")

runs = {
    "constant 0.03": fit_and_record(lr=0.03, decay=False),
    "decay from 0.03": (trained, path),
    "decay from 0.01": fit_and_record(lr=0.01),
}
restless, settled, stranded = (sigmas_of_run for _, sigmas_of_run in runs.values())
for name, (model, sigmas_of_run) in runs.items():
    rms = best_sigma(y, predict(model, x)[0])
    print(f"{name}: σ {learned_sigma(model):.2f}, RMS residual {rms:.2f}; "
          f"range of σ over the last 100 steps {np.ptp(sigmas_of_run[-100:]):.2f}")

# %%
fig, (left, right) = plt.subplots(1, 2, width_ratios=(3, 2))
left.plot(restless, color=WRONG, linewidth=1.2)
left.plot(settled, color=REPAIRED)
left.axhline(best_sigma(y, predict(trained, x)[0]), color=TRUTH, linewidth=1)
left.annotate("constant 0.03", (398, 1.029), ha="right")
left.annotate("decay from 0.03", (257, 1.002), (205, 1.03), arrowprops={"arrowstyle": "-"})
left.annotate("RMS residual of the decayed run", (395, 0.987), ha="right")
left.set(xlabel="step", ylabel="σ, in units of y", xlim=(110, 400), ylim=(0.97, 1.07),
         title="Decay settles σ (zoomed in)")
right.plot(stranded, color=WRONG, linestyle="--")
right.axhline(1, color=TRUTH, linestyle="--")
right.annotate("decay from 0.01", (120, 2.3))
right.set(xlabel="step", ylim=(0, 3.5), title="… if it gets there in time")
show(fig, alt="Left, the last 290 steps: σ at a constant rate moves up and down, with decay it is "
     "level near a black line. Right, σ with decay from 0.01 levels off well above 1.")

# %%
assert np.ptp(restless[-100:]) > 5 * np.ptp(settled[-100:]) and stranded[-1] > 1.2

# %% [markdown]
# The third run is a trap of its own. Adam moves log σ² by about `lr` a step, and the way from σ = 3 is long: $\log 9 = 2.2$. The rate decays to 0 before σ arrives, and nothing warns us: the loss is level, and σ is 1.3.
#
# But there is a test, and it costs one line: **compare the learned σ with the RMS residual**. The closed form of this lesson says that they agree when training is done.

# %% [markdown]
# ## The same loss in PyTorch
#
# `torch.nn.GaussianNLLLoss` is this loss, called as `loss(input, target, var)`:
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
# The order differs from ours: y comes second. Swapping the first two changes nothing, since $(y - \mu)^2 = (\mu - y)^2$. The maximum with eps is the one in Cross Validated answer 562735. (The docstring of torch 2.13 calls eps a "value added to var". It is a floor.)

# %%
mu, log_var = (2.3 * x + 1.7)[:100], torch.full((100, 1), 0.3, dtype=torch.float64)
ours = gaussian_nll(y[:100], mu, log_var)
constant = 0.5 * math.log(2 * math.pi)
for full in (True, False):
    for reduction, reduced in (("none", lambda t: t), ("mean", torch.mean), ("sum", torch.sum)):
        loss = nn.GaussianNLLLoss(full=full, reduction=reduction)
        expected = reduced(ours if full else ours - constant)
        torch.testing.assert_close(loss(mu, y[:100], log_var.exp()), expected)
        torch.testing.assert_close(loss(y[:100], mu, log_var.exp()), expected)  # swapped

print(f"full=False leaves out ½ log 2π = {constant:.3f} nats per value, and nothing else")

# %% [markdown]
# What if someone passes σ where σ² belongs? Nothing complains. The best "σ" is then S, the *square* of the right one. In the asker's data both are 1, so the mistake cannot be seen. With residuals of RMS ½ it can:

# %%
residuals = 0.5 * noise[:250]
nll = nn.GaussianNLLLoss(reduction="none")(
    torch.zeros(501, 250), residuals.T.expand(501, -1), sigmas[::4, None].expand(-1, 250)
).mean(dim=1)
mistaken = sigmas[::4][nll.argmin()].item()
right = best_sigma(residuals, torch.zeros_like(residuals))
print(f"RMS residual {right:.2f}; the best 'σ' in the place of the variance: {mistaken:.2f}")
assert abs(mistaken / right**2 - 1) < 0.01

# %% [markdown]
# ## Trap 1: a slope where the loss is flat
#
# Below eps the loss uses eps in place of σ², so its *value* no longer depends on σ². But PyTorch applies the floor where autograd does not see it (its documentation says so). The *gradient* is the formula at eps:
#
# $$\tfrac12\left(\frac{1}{\text{eps}} - \frac{r^2}{\text{eps}^2}\right), \qquad r = y - \mu.$$
#
# With slope 0 a variance below the floor could never come back, which may be the reason. Now it comes back in one leap.

# %%
loss = nn.GaussianNLLLoss()
zero, r = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), 0.01, dtype=torch.float64)
var = torch.full((1, 1), 1e-7, dtype=torch.float64, requires_grad=True)

(slope,) = torch.autograd.grad(loss(zero, r, var), var)
numeric = (loss(zero, r, 1.01 * var) - loss(zero, r, 0.99 * var)) / (0.02 * 1e-7)
print(f"measured slope {numeric.item():.0f}, autograd's slope {slope.item():.3g}")
print(f"one step of SGD, lr 0.001: the variance goes from 1e-07 to {(var - 1e-3 * slope).item():.0f}")

assert math.isclose(slope.item(), 0.5 * (1 / 1e-6 - 0.01**2 / 1e-6**2))
assert not gradcheck(lambda v: loss(zero, r, v), var, eps=1e-9, raise_exception=False)

# %% [markdown]
# **The cure: learn log σ².** There is no floor, so value and slope agree, and `gradcheck` passes. The slope is moderate too. `torch.clamp`, which one page recommends, is no cure: below the floor it returns slope 0, and a variance that is there stays there.

# %%
log_var = var.detach().log().requires_grad_()
(slope,) = torch.autograd.grad(gaussian_nll(r, zero, log_var).mean(), log_var)
print(f"slope in log σ²: {slope.item():.1f}; one step takes it from {log_var.item():.1f} "
      f"to {(log_var - 1e-3 * slope).item():.1f}")
assert gradcheck(lambda s: gaussian_nll(r, zero, s), log_var)

clamped = loss(zero, r, torch.clamp(var, min=1e-6))
assert torch.autograd.grad(clamped, var)[0].item() == 0


# %% [markdown]
# ## Trap 2: a variance below zero
#
# Nothing keeps a raw parameter, or the raw output of a network, above 0. Let the residuals be ±0.05, so that the best σ² is 0.0025, and start σ² at 1. The slope grows on the way down. The optimiser overshoots.

# %%
def learn_raw_variance(optimiser_class, r=0.05, steps=1000):
    """Wrong: the variance itself is the parameter. Returns when and how it ends."""
    target = torch.full((1, 1), r, dtype=torch.float64)
    var = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    optimiser = optimiser_class([var], lr=0.01)
    for step in range(steps):
        try:
            value = nn.GaussianNLLLoss()(torch.zeros_like(target), target, var)
        except ValueError as error:
            return step, f"{error}: {var.item():.3f}"
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return steps, f"σ² is {var.item():.4f}"


# %%
for optimiser_class in (torch.optim.Adam, torch.optim.SGD):
    for r in (0.05, 0.0):
        steps, end = learn_raw_variance(optimiser_class, r)
        print(f"{optimiser_class.__name__}, residual {r:4}: after {steps} steps, {end}")
        assert steps < 200

# %% [markdown]
# Each of the four runs ends with a `ValueError`, within 200 steps. Residuals of exactly 0 are no rarity: a network that has memorised its data makes them.
#
# **The cure is the same.** $e^s$ is positive for every $s$. A softplus, $\log(1 + e^s)$, is positive as well.

# %%
target = torch.full((1, 1), 0.05, dtype=torch.float64)
log_var = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
optimiser = torch.optim.Adam([log_var], lr=0.01)
for _ in range(1000):
    value = gaussian_nll(target, torch.zeros_like(target), log_var).mean()
    optimiser.zero_grad()
    value.backward()
    optimiser.step()
print(f"learned as log σ²: σ = {math.exp(log_var.item() / 2):.3f}")
assert abs(math.exp(log_var.item() / 2) / 0.05 - 1) < 0.01


# %% [markdown]
# ## Trap 3: the silent broadcast
#
# Many people squeeze a network's output from (n, 1) to (n,), and forget the targets. Subtracting (n, 1) from (n,) gives (n, n): every prediction meets every target. `mse_loss` warns. `GaussianNLLLoss` does not.

# %%
def broadcast_nll(model, x, y):
    """Wrong: predictions (n,) meet targets (n, 1)."""
    mu, log_var = model(x)
    return nn.GaussianNLLLoss()(mu.squeeze(1), y, log_var.squeeze(1).exp())


few = x[:200], y[:200]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    broadcast_nll(HomoscedasticRegressor(), *few)
    print("warnings of GaussianNLLLoss:", len(caught))
    nn.functional.mse_loss(few[1].squeeze(1), few[1])
    print("warnings of mse_loss:", len(caught))
    print(caught[0].message)

# %%
broken = start_at(3.0, seed=0)
fit(broken, broadcast_nll, *few, steps=150, lr=0.05, decay=True)
mu, sigma = predict(broken, few[0])
centred = few[0] - few[0].mean()
slope = (centred * mu).sum().item() / (centred**2).sum().item()
print(f"learned σ² {sigma[0].item() ** 2:.1f}, variance of y {few[1].var(correction=0):.1f}")
assert abs(slope) < 0.005 and abs(sigma[0].item() ** 2 / few[1].var(correction=0) - 1) < 0.01

# %%
measured("03-c", round(abs(slope), 2))

# %% [markdown]
# A flat line, and σ² is the variance of y. The loss is the average over all pairs, and for one prediction
#
# $$\frac1n \sum_j (y_j - \mu_i)^2 = (\bar y - \mu_i)^2 + \operatorname{Var}(y).$$
#
# So each prediction does best at $\bar y$, whatever its x, and the best σ² is what remains: Var(y). Training went well and the loss came down, to the wrong place.

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.4))
plot_data(ax, *few)
plot_truth(ax, LINE, band=False)
plot_fit(ax, grid, *predict(broken, grid), color=WRONG, band_color=WRONG)
ax.annotate("true mean", (1.35, 6.5), ha="right")
ax.annotate("learned mean, and its 95 % band", (-2.9, 2.9))
ax.set_title("Shapes (n,) and (n, 1): slope 0, and a σ that swallows the signal")
show(fig, alt="200 points on a rising dashed line. The learned mean is level, and a wide band "
     "around it covers nearly all of the data.")

# %% [markdown]
# **The cure: one shape, checked.** That is the first line of our `gaussian_nll`:

# %%
try:
    gaussian_nll(few[1], mu.squeeze(1), torch.zeros(200, dtype=torch.float64))
except ValueError as error:
    print(error)

# %% [markdown]
# ## The lab
#
# Slide the noise: the valley moves, and σ follows to its floor. Then move the start of σ to 10 and lower the learning rate until the dot stops on the wall of the valley, out of steps. Play goes on from there.

# %%
lab = LABS["03"]()
lab

# %% [markdown]
# ## A reader asks
#
# **"Off the MSE optimizer goes to optimize things?"** Almost: the same optimiser, with the NLL in place of the MSE. With σ fixed the two have the same minimum (notebook 01).
#
# **"The text makes it seem like I don't have to [pick a target]."** One does not. A target would be a column with the true σ, and nobody has that column. The residuals take its place.
#
# **"It is obvious that it shouldn't work because of the term competition."** The competition is what makes it work. It is the valley in the figure above: $S / 2\sigma^2$ falls, $\log \sigma$ rises, and their sum has one minimum. Notebook 02 shows what really went wrong.

# %% [markdown]
# **"When do I use it?"** The torch.js documentation, a TypeScript port of PyTorch, lists uses of this loss. Each in one line:
#
# | the page says | verdict |
# |---|---|
# | uncertain, noisy labels | **Yes**, if the noise is roughly Gaussian. |
# | heteroscedastic noise | **Yes**, with a second output (notebook 04). |
# | physics-informed networks, measurement noise | **Yes**, for the measured part. |
# | uncertainty quantification | **Half.** σ is the spread of y, not doubt about the weights (06, 09). |
# | Bayesian deep learning | **As its likelihood.** The weights need a distribution too (06). |

# %% [markdown]
# | the page says | verdict |
# |---|---|
# | robust regression | **No.** A Gaussian is not robust; see below. |
# | calibration; "confident predictions are accurate" | **Not guaranteed.** Check the coverage on new data (08). |
# | active learning | **Rarely by σ alone.** Noise is where more data help least (09). |
# | any probabilistic regression | **No.** Counts and heavy tails have other likelihoods (04). |

# %% [markdown]
# *Robust regression*, tested. Of 100 values around 0, five are wrong and read 20. The Gaussian takes their average and a σ to match. The centre of a Laplace density, the median, stays with the other 95:

# %%
values = noise[:100].clone()
values[:5] = 20
print(f"Gaussian: centre {values.mean():.1f}, σ {best_sigma(values, values.mean()):.1f}")
print(f"Laplace:  centre {values.median():.1f}, scale {(values - values.median()).abs().mean():.1f}")
assert values.mean() > 0.7 and abs(values.median()) < 0.3

# %% [markdown]
# The page's trade-offs:
#
# | the page says | verdict |
# |---|---|
# | "MSE assumes fixed noise; Gaussian NLL learns noise per-sample" | **Per sample** only if σ is an output. Here it is one number. |
# | "2× outputs" | **Here one parameter more**: 2,702 for 2,701. |
# | unstable at small variance: "use eps" | **eps causes** trap 1 and does not stop trap 2. Learn log σ². |
# | variance has a "clear interpretation" | **Noise plus misfit.** The flat model had σ = 4.1. |
# | slightly higher cost than MSE | **Yes**: a logarithm and a division per value. |
# | "high variance near targets" lets it give up on noise | **Variance belongs to x**, not to targets; it is high where residuals are. |

# %% [markdown]
# Its notes on the arguments:
#
# | the page says | verdict |
# |---|---|
# | "full=true for exact MLE; full=false when comparing" | **The reverse.** It never moves the minimum; comparisons need it. |
# | variance is "clipped to [eps, ∞)", then "not clamped" | **It contradicts itself.** PyTorch clips the value, not the gradient. |
# | "use torch.clamp() if needed" | **No**: slope 0 below the floor (trap 1). |
# | target and input "must have the same shape" | **True, but PyTorch does not check** (trap 3). |
# | use exp or softplus; predict log σ² | **Yes.** |

# %% [markdown]
# And its notes on meaning:
#
# | the page says | verdict |
# |---|---|
# | "mean field assumption": independent outputs | **Another term.** These are outputs independent given x, a diagonal covariance (04). Mean field is about posteriors (06). |
# | "aleatoric, not epistemic" | **Yes**, plus misfit. |
# | σ² estimates "prediction uncertainty" | **Of y**, around μ. It says nothing about how far μ is off where data are few. |
# | larger variance, weaker gradients | **Yes**, for the mean: $(\mu - y)/\sigma^2$ (07). |
# | too large an eps prevents learning | **Yes**: no σ below √eps is rewarded. |

# %% [markdown]
# *Comparing likelihoods*, tested. The noise is drawn from a Laplace density with σ = 1. Which of two densities, each at its best, describes it better: Gaussian or Laplace?

# %%
rng = np.random.default_rng(0)
heavy = torch.from_numpy(rng.laplace(scale=math.sqrt(0.5), size=(10_000, 1)))
var, b = heavy.square().mean(), heavy.abs().mean()
centre = torch.zeros_like(heavy)
full = nn.GaussianNLLLoss(full=True)(centre, heavy, var.expand_as(heavy)).item()
part = nn.GaussianNLLLoss(full=False)(centre, heavy, var.expand_as(heavy)).item()
laplace = -torch.distributions.Laplace(0.0, b).log_prob(heavy).mean().item()
print(f"Laplace {laplace:.2f}, Gaussian {full:.2f}, Gaussian without the constant {part:.2f}")
assert part < laplace < full

# %% [markdown]
# In full, the Laplace density wins, as it should. Without the constant the Gaussian seems better by 0.85 nats, because ½ log 2π is missing on one side.
#
# ## Exercises
#
# **03-1 (predict).** The noise of another data set grows with the distance from 0: σ(x) = 0.15 + 0.25 |x|, x uniform on [−3, 3]. A `HomoscedasticRegressor` with a perfect mean is trained on very many such points. Which σ does it learn?

# %%
one_sigma = ...
check("03-1", one_sigma)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The best σ² is the mean squared residual. With a perfect mean, the residual at x has variance σ(x)².
#
# </details>
# <details><summary>Hint 2</summary>
#
# Average σ(x)² over x, here over |x| uniform on [0, 3], then take the root. $|x|$ has mean 3/2 and $x^2$ has mean 3.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# one_sigma = math.sqrt(0.15**2 + 2 * 0.15 * 0.25 * 1.5 + 0.25**2 * 3)  # 0.568
# ```
#
# </details>

# %% [markdown]
# **03-2 (derive).** A linear model with 6 coefficients is fitted to 30 points by maximum likelihood, and its learned σ is 1.2. Correct it for the fitted coefficients: which σ has an unbiased square?

# %%
corrected = ...
check("03-2", corrected)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# On average σ̂² is (n − p)/n times the true σ².
#
# </details>
# <details><summary>Hint 2</summary>
#
# The factor belongs to the variance. Square 1.2, correct it, take the root.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# corrected = math.sqrt(1.2**2 * 30 / (30 - 6))  # 1.342
# ```
#
# </details>

# %% [markdown]
# **03-3 (code).** The answer to the question suggests $\gamma = \log \sigma$ in place of $\log \sigma^2$. Write the full NLL of each value, in nats, for y, mu and log_sigma, all (n, 1). Its gradients are checked too.

# %%
def nll_of_log_sigma(y, mu, log_sigma):
    ...


check("03-3", nll_of_log_sigma)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Start from the formula under "The best σ, on paper", and write each σ in terms of log σ.
#
# </details>
# <details><summary>Hint 2</summary>
#
# $1/\sigma^2 = e^{-2 \log \sigma}$, and the logarithm needs no factor ½.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def nll_of_log_sigma(y, mu, log_sigma):
#     scaled = (y - mu) ** 2 * torch.exp(-2 * log_sigma)
#     return 0.5 * math.log(2 * math.pi) + log_sigma + 0.5 * scaled
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("03")

# %%
guesses("03")

# %% [markdown]
# ## Recap
#
# - The best σ for given predictions is the RMS of their residuals: noise plus misfit. No target is needed.
# - With $p$ coefficients, σ̂² is $(n - p)/n$ of the truth on average.
# - A constant σ is one `nn.Parameter`, "copied into ω" by `expand_as`. Keep it as log σ².
# - Decay the learning rate, then compare σ with the RMS residual.
# - `GaussianNLLLoss` takes a *variance*. Its floor distorts slopes, a raw variance turns negative, and shapes are not checked.
#
# **Next.** What if the noise depends on x? One σ is then right on average and wrong almost everywhere. That is `04_heteroscedastic_network`.
#
# **Further reading.** *Deep Learning*, sections 5.4.2, 5.5.1 and 6.2.2; Cross Validated 564809 and 562735; the documentation of `torch.nn.GaussianNLLLoss`.
