# %% [markdown]
# # 00 · Start here
#
# **The question.** My network predicts y. How wrong is it, and where? This page shows what an answer looks like, and how the lessons lead to it.
#
# **You will be able to**
#
# - check that everything runs on your machine;
# - read a predicted mean with its 95 % band, and say what would prove it wrong;
# - use the predictions, labs and checks of the lessons;
# - find a symbol or a term when you need it.
#
# **You need** least squares, and enough PyTorch to read a training loop.
#
# **Time.** About 20 minutes; the notebook runs in about 5 s.

# %%
import sys

import matplotlib.pyplot as plt
import torch

from course_utils import check, guess, guesses, measured, quiz
from course_utils.data import DTYPE, WAVE
from course_utils.labs import LABS
from course_utils.losses import mean_nll
from course_utils.metrics import coverage
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import plot_data, plot_fit, plot_truth, show, use_course_style
from course_utils.training import fit, predict

use_course_style()

# %% [markdown]
# ## Does it run?
#
# You are in a notebook: **Shift+Enter** runs a cell and moves to the next. If the cell above ran, the course is installed. The next one tests that this machine computes what the authors' machine did.

# %%
assert sys.version_info >= (3, 11), f"Python 3.11 or newer is needed, this is {sys.version}"
x, y = WAVE.sample(3, seed=0)
assert abs(y.sum().item() - 0.4016) < 1e-3, f"another random stream: {y.sum().item():.4f}"
assert x.dtype == y.dtype == DTYPE == torch.float64
print("Everything is in place.")

# %% [markdown]
# Numbers are float64 throughout. Training a network repeats tiny rounding errors thousands of times, and in float32 they would reach the printed digits: your figures would differ from these.
#
# ## What the course is about
#
# Here are 2,000 points. Their mean is a wave, and their noise grows with the distance from 0. A network is trained on them. It has two outputs: for each x a mean μ(x) and a standard deviation σ(x). Nobody tells it what σ is.

# %%
x, y = WAVE.sample(2_000, seed=0)
torch.manual_seed(0)
model = HeteroscedasticRegressor()
history = fit(model, mean_nll, x, y, steps=600, batch_size=500, decay=True)
mu, sigma = predict(model, WAVE.grid())

# %%
fig, ax = plt.subplots()
plot_data(ax, x, y)
plot_fit(ax, WAVE.grid(), mu, sigma)
plot_truth(ax, WAVE)
fig.legend(loc="outside lower center", ncols=4)
ax.set_title("A network that knows how wrong it is, and where")
show(fig, alt="Points around a wave, spread little near 0 and widely at both ends. The network's "
     "mean follows the wave, and its 95 % band has the width of the true interval everywhere.")

# %% [markdown]
# ## How would we know that the band is right?
#
# A band is a claim: *95 % of new points fall inside*. That can be counted. We draw 10,000 new points from the same source. The fraction inside is called the **coverage**.
#
# Predict first. Replace the `...` by your guess, then run the cell. Your guesses stay on this machine, and nobody grades them; they are there so that you notice when something surprises you.

# %%
guess("00-a", ...)  # the percentage of 10,000 new points inside the band

# %%
x_new, y_new = WAVE.sample(10_000, seed=1)
inside = coverage(y_new, *predict(model, x_new))
assert abs(inside - 0.95) < 0.015
measured("00-a", round(100 * inside), "% inside the band")

# %% [markdown]
# The claim holds here, within a percent or so. It often does not. Later lessons show bands that miss most points, and bands that are right on average and wrong in every single place. Then the question is why.

# %% [markdown]
# ## The lab
#
# Every lesson has a lab. Slide the noise, and the fit follows: what comes back is the converged fit. Slide the learning rate, and the training starts again from the same first weights: too slow, right, or diverging is what you see. Press *play* to watch it train. *Reset* brings the defaults back. All controls work from the keyboard: Tab moves between them, arrow keys move a slider.

# %%
lab = LABS["00"]()
lab

# %% [markdown]
# Things to try: at which noise does the band touch the whole picture? How small can the learning rate be before the fit no longer arrives? And how large before it breaks?

# %% [markdown]
# ## The map
#
# | lesson | question | idea |
# |---|---|---|
# | [01](01_maximum_likelihood.ipynb) | why squared error? | it is the Gaussian NLL with σ held fixed |
# | [02](02_variance_of_predictions.ipynb) | can I use the variance of my predictions? | no: it measures the signal |
# | [03](03_single_sigma.ipynb) | then where does σ come from? | a parameter that needs no target |
# | [04](04_heteroscedastic_network.ipynb) | and if the noise depends on x? | a second output |
# | [05](05_variational_regression.ipynb) | what is an ELBO? | NLL + KL, and what a prior does to the bands |
# | [06](06_bayes_by_backprop.ipynb) | how sure is the network of its own weights? | Gaussians on weights |
#
# Read them in order the first time. Each runs alone.

# %% [markdown]
# ## How a lesson works
#
# 1. **Predict.** A cell asks for your guess before the result.
# 2. **Derive.** The mathematics, no step skipped, each formula with its source.
# 3. **Check.** The same in a few lines of code with the same letters, and an `assert` against an independent result. No output from an `assert` is good news.
# 4. **Play.** A figure that states what was found, then the lab.
# 5. **Answer.** Exercises that tell you what went wrong. Hints and solutions are folded below each.
#
# Every number in the text is computed or checked in the same notebook. When a source has an error, the lesson names it and shows it.

# %% [markdown]
# ## Notation
#
# | symbol | in code | meaning | unit |
# |---|---|---|---|
# | $x$, $y$ | `x`, `y` | input and target, shape (n, d) | that of the data |
# | $\mu(x)$ | `mu` | predicted mean of y | that of y |
# | $\sigma(x)$ | `sigma` | predicted **standard deviation** of y | that of y |
# | $\sigma^2$ | `sigma**2` | the variance | that of y, squared |
# | $\log \sigma^2$ | `log_var` | what a network outputs for the variance | none |
# | $\varepsilon$ | `noise` | standard normal noise, y = mean + σ ε | none |
# | $\mathrm{KL}(q \,\|\, p)$ | `gaussian_kl` | how much q differs from p | nats |

# %% [markdown]
# σ is a standard deviation and σ² a variance, everywhere. Logarithms are natural; the unit of a log-likelihood is then the **nat**.

# %% [markdown]
# ## Glossary
#
# | term | meaning | lesson |
# |---|---|---|
# | **aleatoric** uncertainty | the noise of y itself; more data does not remove it | 04, 06 |
# | **coverage** | the fraction of new points inside their predicted intervals | 00, 04 |
# | **density** | probability per unit of y; it may exceed 1 | 01 |
# | **ELBO**, evidence lower bound | expected log-likelihood minus the KL to the prior | 05 |
# | **epistemic** uncertainty | doubt about the function; more data removes it | 06 |
# | **evidence** | the density of the data under the whole model, all unknowns averaged out | 05 |
# | **heteroscedastic** | the noise has a σ that depends on x | 04 |
# | **homoscedastic** | the noise has one σ for all x | 03 |

# %% [markdown]
# | term | meaning | lesson |
# |---|---|---|
# | **KL divergence** | the mean of log q − log p under q; 0 only when q = p | 05 |
# | **likelihood** | the density of the data, read as a function of the parameters | 01 |
# | **maximum likelihood** | choosing the parameters that make the likelihood largest | 01 |
# | **mean field** | an approximation that treats all unknowns as independent | 06 |
# | **nat** | the unit of a natural logarithm of a density | 01 |
# | **NLL** | negative log-likelihood: what training makes small | 01 |
# | **posterior** | what we believe of an unknown after the data | 05 |
# | **precision** | 1/σ² | 01, 03 |
# | **prior** | what we believe of an unknown before the data | 05 |
# | **residual** | y − μ(x), what the prediction missed | 02 |

# %% [markdown]
# ## A reader asks
#
# **"Do I need Bayesian statistics for this?"** Not before lesson 05. Lessons 01 to 04 need the Gaussian density and the chain rule.
#
# **"Where does the network get σ from, if no data column holds it?"** From the residuals. A σ that is too small is punished where the network errs, and one that is too large is punished everywhere. Lesson 03 shows the balance.
#
# **"Can I use this on my own regression?"** Yes. `course_utils` is a small package: `fit` takes any model that returns `(mu, log_var)`, and the errors it raises say what they expected. Judge the result by its coverage on data that were held out.
#
# **"Something is broken."** *Kernel → Restart Kernel and Run All Cells* starts from a clean slate; your files stay.

# %% [markdown]
# ## Exercises
#
# Three small ones, to meet the checks. Run them as they are first, and then with a wrong answer: the checks say what went wrong.
#
# **00-1 (predict).** A sensor reports σ = 0.5 for a measurement. What is the variance?

# %%
variance = ...
check("00-1", variance)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The notation table above has both.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The variance is the square of the standard deviation.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# variance = 0.5**2
# ```
#
# </details>

# %% [markdown]
# **00-2 (compute).** A Gaussian has 95 % of its mass within 1.96 standard deviations of its mean. A network reports a *variance* of 0.09 at some x. How wide is its 95 % band there, from the lower to the upper edge?

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
# - A network with two outputs can say how wrong it is, and where.
# - Its band is a claim that can be counted: coverage.
# - σ is a standard deviation, σ² a variance; the network outputs log σ².
#
# **Next.** We began with squared error, like everyone. Why squared? That is [`01_maximum_likelihood`](01_maximum_likelihood.ipynb).
#
# **Further reading.** The question that started this course: Cross Validated question 564809, "How do I learn the variance of my Gaussian model using a neural network?"
