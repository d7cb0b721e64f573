"""Exercises and quiz of 06, Bayes by Backprop."""

import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from course_utils.checks import Coded, Mistake, Option, Question, Value


def layer_inputs(rng):
    """A batch of 7 rows with 3 inputs, a layer with 4 outputs, and the noise of its outputs."""
    x, mu, log_var, eps = (
        torch.from_numpy(rng.standard_normal(shape)) for shape in ((7, 3), (4, 4), (4, 4), (7, 4))
    )
    return x, mu, log_var - 1, eps


def by_distributions(x, mu, log_var, eps):
    """Sum the weighted inputs one output at a time; draw through the distribution of the sum."""
    outputs = []
    for unit in range(len(mu)):
        means = [x[:, i] * mu[unit, i] for i in range(x.shape[1])] + [mu[unit, -1]]
        sds = [x[:, i] * torch.exp(log_var[unit, i] / 2) for i in range(x.shape[1])]
        variance = sum(sd**2 for sd in sds) + torch.exp(log_var[unit, -1])
        total = Normal(sum(means), variance.sqrt())
        outputs.append(total.loc + total.scale * eps[:, unit])
    return torch.stack(outputs, dim=1)


def local(combine):
    """A draw of the outputs from their mean, x with ones, the variances and eps."""

    def answer(x, mu, log_var, eps):
        ones = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        return ones @ mu.T + combine(ones, x, log_var, eps)

    return answer


def some_draws(rng):
    mus, log_vars = torch.from_numpy(rng.standard_normal((2, 6, 5)))
    return mus, log_vars


def of_a_mixture(mus, log_vars):
    parts = Normal(mus.T, torch.exp(log_vars.T / 2))
    weights = Categorical(torch.ones(parts.batch_shape, dtype=mus.dtype))
    return MixtureSameFamily(weights, parts).stddev


EXERCISES = {
    "06-1": Value(
        oracle=1 / 10_000,
        tolerance=5e-3,
        mistakes=[
            Mistake(
                "This is 1/M, the weight beside a sum over the minibatch. Here the likelihood is a "
                "mean.",
                250 / 10_000,
            ),
            Mistake(
                "This divides by the size of the minibatch. The KL would count 40 times in an "
                "epoch, once for each minibatch.",
                1 / 250,
            ),
            Mistake("The whole KL beside the NLL of one point: the data would hardly count.", 1.0),
            Mistake(
                "This divides by n and by the number of minibatches. A mean over a minibatch "
                "already estimates the mean over all data.",
                1 / 400_000,
            ),
            Mistake(
                "This divides by n and by the size of the minibatch: right beside nothing.",
                1 / 2_500_000,
            ),
            Mistake("This is the number by which the KL is to be divided.", 10_000),
        ],
    ),
    "06-2": Value(
        oracle=0.6,
        tolerance=5e-3,
        mistakes=[
            Mistake("This is the ratio of the variances. You are asked for sd's.", 0.36),
            Mistake(
                "This is the inverse: exact / mean field. Which of the two is smaller?", 1 / 0.6
            ),
            Mistake("This is the ratio of the variances, and upside down.", 1 / 0.36),
            Mistake(
                "Mean field keeps the mean, not the variance. Its variance is 1/Λ₁₁, and that is "
                "not the first entry of the covariance.",
                1.0,
            ),
            Mistake("This is 1 − ρ. The inverse of the matrix has another denominator.", 0.2),
            Mistake("This is √(1 − ρ). The determinant of the covariance is not 1 − ρ.", 0.2**0.5),
            Mistake("This is the correlation itself.", 0.8),
        ],
    ),
    "06-3": Coded(
        oracle=by_distributions,
        inputs=layer_inputs,
        gradient=True,
        mistakes=[
            Mistake(
                "Variances add with the squares of the inputs: here x enters the variance without "
                "its square.",
                local(lambda ones, x, log_var, eps: (ones.abs() @ log_var.exp().T).sqrt() * eps),
            ),
            Mistake(
                "The variance of the outputs multiplies eps here. A draw is mean + sd · eps.",
                local(lambda ones, x, log_var, eps: (ones**2 @ log_var.exp().T) * eps),
            ),
            Mistake(
                "The noise of the bias is missing: its variance is added for every row.",
                local(lambda ones, x, log_var, eps: (x**2 @ log_var[:, :-1].exp().T).sqrt() * eps),
            ),
            Mistake(
                "Standard deviations are added here. Those of independent Gaussians do not add; "
                "their variances do.",
                local(lambda ones, x, log_var, eps: (ones.abs() @ torch.exp(log_var / 2).T) * eps),
            ),
            Mistake(
                "exp(log_var / 2) is a standard deviation. Where a variance is wanted, that is a "
                "square root too many.",
                local(
                    lambda ones, x, log_var, eps: (ones**2 @ torch.exp(log_var / 2).T).sqrt() * eps
                ),
            ),
            Mistake(
                "This is the mean of the outputs. Nothing random is in it: where is eps?",
                local(lambda ones, x, log_var, eps: 0),
            ),
        ],
    ),
    "06-4": Coded(
        oracle=of_a_mixture,
        inputs=some_draws,
        mistakes=[
            Mistake(
                "This is the aleatoric part alone. The drawn means differ as well.",
                lambda mus, log_vars: log_vars.exp().mean(0).sqrt(),
            ),
            Mistake(
                "This is the epistemic part alone. Each draw has noise of its own as well.",
                lambda mus, log_vars: mus.std(0, correction=0),
            ),
            Mistake(
                "Standard deviations are added. The variances add.",
                lambda mus, log_vars: log_vars.exp().mean(0).sqrt() + mus.std(0, correction=0),
            ),
            Mistake(
                "The mean of σ is squared here. The law needs the mean of σ².",
                lambda mus, log_vars: torch.sqrt(
                    torch.exp(log_vars / 2).mean(0) ** 2 + mus.var(0, correction=0)
                ),
            ),
            Mistake(
                "The variance of the means divides by one less than the number of draws; here the "
                "draws are the whole mixture.",
                lambda mus, log_vars: torch.sqrt(log_vars.exp().mean(0) + mus.var(0)),
            ),
            Mistake(
                "This is the total variance. Its square root is asked for.",
                lambda mus, log_vars: log_vars.exp().mean(0) + mus.var(0, correction=0),
            ),
            Mistake(
                "exp of the mean of log σ² is the geometric mean of the variances. The law needs "
                "the plain mean.",
                lambda mus, log_vars: torch.sqrt(log_vars.mean(0).exp() + mus.var(0, correction=0)),
            ),
        ],
    ),
}

QUIZ = [
    Question(
        "You collect ten times as many points in the same places. What shrinks?",
        [
            Option("The aleatoric part", "It is the noise of y; more data only measure it better."),
            Option(
                "The epistemic part, where the points are",
                "The weights are better known there. Far from the points little changes.",
                correct=True,
            ),
            Option("Both", "The noise of a new y stays what it is, however many you have seen."),
        ],
    ),
    Question(
        "The band of a Bayesian network covers 95 % of held-out y. Is its epistemic sd right?",
        [
            Option(
                "Yes: coverage tests the whole predictive distribution",
                "Only where the held-out points lie, and there the noise outweighs the rest.",
            ),
            Option(
                "That is not known, least of all where there are no data",
                "In a gap the ReLU network of this lesson is surer than among its data.",
                correct=True,
            ),
            Option(
                "No: a mean-field posterior is always too narrow",
                "Not always: with uncorrelated weights it is exact, and among data it may be wide.",
            ),
        ],
    ),
    Question(
        "Your variational network learns a flat mean and a large noise. What do you check first?",
        [
            Option(
                "The weight of the KL, then the width of the network",
                "Both make the prior outweigh the data: the signal is then called noise.",
                correct=True,
            ),
            Option("Whether there are enough units", "More units make it worse under mean field."),
            Option(
                "Whether the prior sd is too large",
                "It matters in the gaps. A flat mean among data points to too much KL.",
            ),
        ],
    ),
]
