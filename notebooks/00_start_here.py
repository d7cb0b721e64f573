# %% [markdown]
# # 00 · Start here
#
# **The question.** My network predicts y. How wrong is it, and where? This page shows what an answer looks like, and how the lessons lead to it.
#
# ![Points around a wave, spread little near 0 and widely at both ends. The network's mean follows the wave, and its 95 % band is nearly the true interval from one end of the data to the other.](images/00.png)
#
# **You will be able to**
#
# - read a predicted mean with its 95 % band, and say what would prove it wrong;
# - choose a path through the lessons, and use their predictions, labs and checks.
#
# **You need** least squares, and enough PyTorch to read a training loop.
#
# **Time.** About 45 minutes; the notebook runs in about 8 s.
#
# <details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any single file: upload the course's folder as <code>course.zip</code>, then run <code>%pip install course.zip</code> in a new cell.</details>

# %%
from course_utils.machine import ready

ready("0.1.0")  # says what this machine lacks, before torch is loaded

# %%
import math
from dataclasses import replace

import matplotlib.pyplot as plt
import torch

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DTYPE, WAVE
from course_utils.labs import LABS, Rain
from course_utils.metrics import coverage, interval
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import plot_data, plot_fit, plot_truth, show, use_course_style
from course_utils.training import fit, predict

use_course_style()


# %% [markdown]
# ## What the course is about
#
# Here are 2,000 points. Their mean is a wave, and their noise grows with the distance from 0. A network is trained on them. It has two outputs: for each x a mean μ(x) and the logarithm of a variance, log σ²(x). No column of the data holds σ.
#
# The whole idea stands in the two lines of `loss` below. It divides the squared error by 2σ², and adds ½ log σ². Lesson 01 derives it.

# %%
def loss(model, x, y):
    mu, log_var = model(x)
    return (log_var / 2 + (y - mu) ** 2 / (2 * log_var.exp())).mean()


# %%
x, y = WAVE.sample(2_000, seed=0)
torch.manual_seed(0)
model = HeteroscedasticRegressor(n_in=1, hidden=(50, 50))  # x → μ(x), log σ²(x)
history = fit(model, loss, x, y, steps=600, batch_size=500, anneal=True)
mu, sigma = predict(model, WAVE.grid())

# %%
fig, ax = plt.subplots()
plot_data(ax, x, y)
plot_fit(ax, WAVE.grid(), mu, sigma)
plot_truth(ax, WAVE)
ax.legend(loc="upper center", ncols=3)
ax.set_title("A mean and its 95 % band, both learned from the points alone")
show(fig, alt="Points around a wave, spread little near 0 and widely at both ends. The network's "
     "mean follows the wave, and its 95 % band is nearly the true interval from one end of the data to the other.")

# %% [markdown]
# ## How would we know that the band is right?
#
# A band is a claim: *95 % of new points fall inside*. That can be counted. We draw 10,000 new points from the same source. The fraction inside is called the **coverage**.
#
# Predict first. Your guesses stay on this machine, and nobody grades them; they are there so that you notice when something surprises you.
#
# **Guess 00-a.** Which percentage of the 10,000 new points lies inside the band?

# %%
guess("00-a", ...)

# %%
x_new, y_new = WAVE.sample(10_000, seed=1)
inside = coverage(y_new, *predict(model, x_new))
assert abs(inside - 0.95) < 0.015
measured("00-a", round(100 * inside), "% inside the band")

# %% [markdown]
# Here the first 2,000 of them fall. *Play*, and watch the share inside. In the grey funnel lies the share of a right band, in 95 of 100 cases: the more points, the narrower.

# %%
Rain(x_new[:2000], y_new[:2000], *interval(*predict(model, x_new[:2000])))

# %% [markdown]
# The claim holds here (the assertion allows 1.5 points). It is a claim about points like those seen, for all x together, and no more than that. Two things it leaves open:
#
# - *Where* is the band right? A band may be too wide in one place and too narrow in another, and still cover 95 % overall. Lesson 04 counts place by place.
# - What about x where there were no data? The network saw x from −3 to 3. We ask it about 3 to 6, where the wave goes on and the noise grows on:

# %%
x_beyond, y_beyond = replace(WAVE, low=3, high=6).sample(10_000, seed=1)
beyond = coverage(y_beyond, *predict(model, x_beyond))
assert 0.5 < beyond < 0.8
print(f"promised 95 %, found {100 * beyond:.0f} %")

# %% [markdown]
# μ(x) and σ(x) describe points that the network has seen. Beyond them, nothing has tied either to the truth. Lesson 04 looks at such places, and lessons 06 and 07 give the model a second uncertainty, about its own function.

# %% [markdown]
# ## The lab
#
# Every lesson has a lab. Slide the noise, and the fit follows: its last layer is trained to the end, and the fit from before stays for a second, pale. Slide the learning rate, and the training starts again from the same first weights: too slow, right, or diverging is what you see. Press *play* to watch it train. *Reset* brings the defaults back. All controls work from the keyboard: Tab moves between them, arrow keys move a slider.

# %%
lab = LABS["00"]()
lab

# %% [markdown]
# Things to try:
#
# - Set the noise to 0.2, then to 2. The middle panel shows whether the learned σ follows the true one.
# - With the noise at 1, lower the learning rate step by step. Where does σ no longer arrive at the true curve?
# - Raise the learning rate from 0.01 toward its right end, and look at the loss: from where on does it rattle, or break?

# %% [markdown]
# ## The map
#
# **Foundations**: from squared error to distributions over weights.
#
# | lesson | question | the one idea |
# |---|---|---|
# | [01](01_maximum_likelihood.ipynb) | Why squared error? | It is the Gaussian NLL with σ held fixed. |
# | [02](02_variance_of_predictions.ipynb) | Can I use the variance of my predictions? | No: it multiplies the slope, by 0.618 where there is no noise. |
# | [03](03_single_sigma.ipynb) | Then where does σ come from? | It is a parameter that needs no target. |
# | [04](04_heteroscedastic_network.ipynb) | And if the noise depends on x? | A second output gives σ(x). |
# | [05](05_variational_regression.ipynb) | What is an ELBO? | NLL + KL: a bound that touches where q is the posterior. |
# | [06](06_uncertain_weights.ipynb) | How sure is a line of its weights? | A distribution over weights, exact and each by itself. |
# | [07](07_bayes_by_backprop.ipynb) | And a network? | Every weight becomes a Gaussian. |

# %% [markdown]
# **Practice**: what you need with data of your own.
#
# | lesson | question | the one idea |
# |---|---|---|
# | [08](08_loss_in_pytorch.ipynb) | Why does the library's loss bite? | Its value and the slope it follows are not always of one function. |
# | [09](09_training_pathologies.ipynb) | Why is my mean worse than with squared error? | 1/σ² re-weights the gradient of the mean. |
# | [10](10_few_data.ipynb) | Why is σ too small when data are few? | Training residuals shrink: judge σ on data held out. |
# | [11](11_other_targets.ipynb) | And if y is a vector, a count, a price? | A network's outputs are the parameters of any distribution. |
# | [12](12_calibration.ipynb) | Can I trust the band? | Judge it on data held out: a score, and coverage with its error bar. |
# | [13](13_intervals.ipynb) | I need a lower and an upper number. Which way? | Learn them or read them off; held-out scores make either honest. |
# | [14](14_ensembles.ipynb) | Which part of the doubt would more data remove? | The law of total variance splits it over an ensemble. |
# | [15](15_real_data.ipynb) | Does it work on data nobody made up? | One table decides; then your own. |

# %% [markdown]
# Three paths lead through them, and none leaves out what its lessons need:
#
# - **The question**: 00, 01, 02, 03, 04.
# - **Your own data**: 00, 01, 03, 04, then 08, 09, 10, 12, 13, 15.
# - **Bayes**: 00, 01, 03, 04, then 05, 06, 07, 14.
#
# The question behind the course is [Cross Validated question 564809](https://stats.stackexchange.com/questions/564809), "Using a neural network to learn linear regression variance". Each notebook runs alone.

# %% [markdown]
# ## How a lesson works
#
# 1. **Predict.** You are asked for a guess before the result; the answer stays covered until then.
# 2. **Derive.** The mathematics, step by step; a borrowed formula names its source.
# 3. **Check.** The same in a few lines of code with the same letters, and an `assert` against an independent result. An `assert` that holds prints nothing.
# 4. **Play.** A figure that states what was found, then the lab.
# 5. **Doubt.** Where methods are compared: how often the conclusion held under other seeds, budgets and settings.
# 6. **Answer.** Exercises that tell you what went wrong. Give three digits unless it is a count. Hints and solutions are folded below each.

# %% [markdown]
# The stated times are for study, by one rule: 120 words a minute; 15 lines of code a minute, where they are not folded; a minute and a half for a displayed formula; 5 minutes for an exercise with a number and 9 with code; 6 for the lab, 2 for the quiz, 1 for a guess. Nobody's time was taken; yours will differ.
#
# σ is a standard deviation and σ² a variance, everywhere. Logarithms are natural. Notation and glossary stand at the end of this page.

# %% [markdown]
# ## Does it compute the same?
#
# The next cell draws 100 points and trains a small network for 20 steps. On the authors' machine the points add up to −1.45321 and the last loss is −0.223509. The same has to come out here: data, first weights, gradients and optimizer are then the same. Numbers are float64 throughout: training repeats tiny rounding errors thousands of times, and in float32 they would reach the printed digits.

# %%
x, y = WAVE.sample(100, seed=0)
assert math.isclose(y.sum().item(), -1.45321, rel_tol=1e-5), f"other points: {y.sum().item()}"
torch.manual_seed(0)
last = fit(HeteroscedasticRegressor(), loss, x, y, steps=20).loss[-1]
assert math.isclose(last, -0.223509, rel_tol=1e-5), f"other arithmetic: the loss is {last}"
assert x.dtype == y.dtype == DTYPE == torch.float64
print("Everything is in place.")

# %% [markdown]
# ## A reader asks
#
# **"Do I need Bayesian statistics for this?"** Not before lesson 05. Lessons 01 to 04 need the Gaussian density and the chain rule.
#
# **"Where does the network get σ from, if no data column holds it?"** From the residuals. A σ that is too small is punished where the network errs, and one that is too large is punished everywhere. Lesson 03 shows the balance.
#
# **"Can I use this on my own regression?"** Yes: `fit` of `course_utils` takes any model that returns `(mu, log_var)`, and `report` takes a table. Judge the result by its coverage on data that were held out.

# %% [markdown]
# ## Exercises
#
# Run them as they are first, and then with a wrong answer: the checks say what went wrong.
#
# **00-1 (predict).** A Gaussian has 95 % of its mass within 1.96 standard deviations of its mean. A network has found μ(x) exactly, but the σ it reports is *half* the true one, everywhere. Which fraction of new points, between 0 and 1, lies inside its "95 %" band?

# %%
fraction = ...
check("00-1", fraction)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The band is half as wide, but points lie densest in its middle: more than half of the 95 % stay inside.
#
# </details>
# <details><summary>Hint 2</summary>
#
# In units of the true σ the band reaches 0.98. Draw a million `torch.randn` and count those between −0.98 and 0.98.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# fraction = (torch.randn(1_000_000).abs() <= 1.96 / 2).double().mean()  # 0.67
# ```
#
# </details>

# %% [markdown]
# **00-2 (compute).** A network reports a *variance* of 0.09 at some x. How wide is its 95 % band there, from the lower to the upper edge?

# %%
width = ...
check("00-2", width)


# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The band is measured in σ, not in σ².
#
# </details>
# <details><summary>Hint 2</summary>
#
# It reaches as far below μ as above.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# width = 2 * 1.96 * 0.09**0.5
# ```
#
# </details>

# %% [markdown]
# **00-3 (code).** Write `fraction_inside(y, mu, sigma)`: the fraction of the y that lie between μ − 1.96 σ and μ + 1.96 σ, as a number between 0 and 1. All three are tensors of shape (n, 1).

# %%
def fraction_inside(y, mu, sigma):
    ...


check("00-3", fraction_inside)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A point is inside when its residual is at most 1.96 σ in size.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Comparing tensors gives a tensor of True and False. `.double().mean()` turns it into a fraction.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def fraction_inside(y, mu, sigma):
#     return ((y - mu).abs() <= 1.96 * sigma).double().mean()
# ```
#
# </details>

# %% [markdown]
# ## Quiz

# %%
quiz("00")

# %%
guesses("00")

# %% [markdown]
# ## Recap
#
# - How wrong, and where? A network with two outputs can say it, for points like those it has seen.
# - Its band is a claim that can be counted: coverage.
# - Where there were no data, nothing tied the band to the truth.
#
# **Next.** We began with squared error, like everyone. Why squared? That is [01 · Maximum likelihood](01_maximum_likelihood.ipynb).
#
# **Further reading.**
# - [Cross Validated question 564809](https://stats.stackexchange.com/questions/564809), the question that started this course.
# - Goodfellow, Bengio & Courville (2016), [*Deep Learning*](https://www.deeplearningbook.org/contents/mlp.html), section 6.2.2: the page on which the question rests.

# %% [markdown]
# ## Notation
#
# | symbol | in code | meaning | unit |
# |---|---|---|---|
# | $x$, $y$ | `x`, `y` | input and target, shape (n, d) | that of the data |
# | $\mu(x)$ | `mu` | predicted mean of y | that of y |
# | $\sigma(x)$ | `sigma` | predicted **standard deviation** of y | that of y |
# | $\sigma^2$ | `sigma**2` | the variance | that of y, squared |
# | $\log \sigma^2$, short $\ell$ | `log_var` | what a network outputs for the variance | shifts by 2 log c if y is multiplied by c |
# | $\varepsilon$ | `eps` | standard normal noise: y = mean + σ ε | none |
# | $z$ | `z` | (y − μ)/σ; in 05 the unknown | none |
# | $S$ | `S` | the mean squared residual | that of y, squared |
# | $s$, $m$ | `s`, `m` | a standard deviation, a mean: of numbers at hand | that of the numbers |
# | $v$ | `v` | a variance, taken as one number | that of y, squared |
# | $p(y)$ | `log_prob` | a density, or a probability | 1 / that of y |
# | $q$ | `q` | a density near the posterior; in 13 a quantile | 1 / that of the unknown |
# | $\mathrm{KL}(q \,\Vert\, p)$ | `gaussian_kl` | how much q differs from p | nats |
# | $\theta$, $d$ | `theta`, `d` | what is learned, and how many numbers it has | |
# | $w$, $b$ | `w`, `b` | a weight, an intercept (bias) | |
# | $\tau$ | `tau`, `prior_sd` | the standard deviation of a Gaussian prior; in 13 the level of a quantile | that of the weight |
# | $\Sigma$, $\Lambda$ | `Sigma`, `precision` | a covariance, and its inverse | |
# | $\Phi$, $\phi$ | `Phi` | a matrix of features, and one row of it; Φ(z), with an argument, is the distribution function of N(0, 1) | |
#
# Other letters (a, c, g, h, k, r, t) are a lesson's own: it says what they mean.

# %% [markdown]
# ## Glossary
#
# | term | meaning | lesson |
# |---|---|---|
# | **aleatoric** uncertainty | uncertainty about y from its noise; more data do not remove it | 04, 07 |
# | **calibrated** | of an interval: it holds as many new points as it claims | 12 |
# | **coverage** | the fraction of new points inside their predicted intervals | 00, 04 |
# | **density** | probability per unit of y; it may exceed 1 | 01 |
# | **ELBO**, evidence lower bound | expected log-likelihood minus the KL to the prior | 05 |
# | **epistemic** uncertainty | uncertainty about the function; more data remove it | 06, 07 |
# | **evidence** | the density of the data, all unknowns averaged out | 05 |
# | **heteroscedastic**, **homoscedastic** | noise with a σ that depends on x; with one σ | 04, 03 |
# | **kernel** | the covariance of f at two x under the prior | 06 |
# | **KL divergence** | the mean of log q − log p under q; 0 only when q = p | 05 |
# | **likelihood** | the density of the data, read as a function of the parameters | 01 |
# | **maximum likelihood** | choosing the parameters that make the likelihood largest | 01 |
# | **mean field** | an approximation that treats all unknowns as independent | 06 |
# | **nat** | the unit of a natural logarithm of a density | 01 |
# | **NLL** | negative log-likelihood: what training makes small | 01 |
# | **head** | the part of a network that makes an output from its last hidden layer | 08 |
# | **prior**, **posterior** | what we believe of an unknown before the data; after them | 05 |
# | **precision** | 1/σ² | 02 |
# | **residual** | y − μ(x), what the prediction missed | 02 |
# | **sharp** | of a band: narrow | 12 |
