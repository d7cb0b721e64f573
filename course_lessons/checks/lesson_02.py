"""Exercises and quiz of 02, the variance of predictions."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value

SIGNAL = 2.3**2 * 6**2 / 12  # Var(2.3 x + 1.7) for x uniform on an interval of length 6
GOLDEN = (1 + math.sqrt(5)) / 2


def outputs_and_targets(rng):
    """Predictions and targets, (9, 1), whose residuals have a mean that is not 0."""
    outputs, noise = torch.from_numpy(rng.standard_normal((2, 9, 1)))
    return outputs, 2 * outputs + 0.5 * noise + 1


def mse(outputs, targets):
    return ((outputs - targets) ** 2).mean()


def oracle(outputs, targets):
    """The mean Gaussian NLL with the residuals' variance, less its constant."""
    density = Normal(outputs, torch.var(targets - outputs).sqrt())
    return -density.log_prob(targets).mean() - 0.5 * math.log(2 * math.pi)


def with_variance(V):
    """The loss of the lesson for a variance V(outputs, targets)."""

    def loss(outputs, targets):
        variance = V(outputs, targets)
        return mse(outputs, targets) / (2 * variance) + 0.5 * variance.log()

    return loss


def residual_loss(combine):
    """A loss combined from the MSE and the variance of the residuals."""
    return lambda outputs, targets: combine(mse(outputs, targets), torch.var(targets - outputs))


EXERCISES = {
    "02-1": Value(
        oracle=math.sqrt(SIGNAL),
        parts={"slope": 2.3, "6": 6.0, "3": 3.0},
        mistakes=[
            Mistake(
                "The range is squared but not divided: a uniform variable has less variance than "
                "that.",
                2.3 * 6,
            ),
            Mistake("The slope enters a variance squared.", math.sqrt(2.3 * 3)),
            Mistake("A *variance* is range² / 12: this is slope · range / 12.", 2.3 * 6 / 12),
            Mistake("6² is divided by 6 here; a uniform variable has 6²/12.", 2.3 * math.sqrt(6)),
            Mistake("1.7 shifts the signal and spreads nothing.", math.sqrt(SIGNAL) + 1.7),
            Mistake("At σ = 1 the asker found a slope of 1.5 instead of 2.3.", 1.0),
        ],
    ),
    "02-2": Value(
        oracle=1 / (2 - GOLDEN),
        parts={"a": 1 / GOLDEN, "2": 2.0},
        mistakes=[
            Mistake("This is 1/a: one step more, the ratio of MSE and V.", GOLDEN),
            Mistake(
                "This is the ratio for the asker's data, with noise. Here there is none.",
                1 / (2 - 2 / (-1 + math.sqrt(5 + 4 / SIGNAL))),
            ),
            Mistake("Without noise V would be 0 in a right loss, but not in this one.", 1.0),
            Mistake("MSE / V is 2 − 1/a, and this is 2 − a.", 2 - 1 / GOLDEN),
        ],
    ),
    "02-3": Coded(
        oracle=oracle,
        inputs=outputs_and_targets,
        trained=("outputs",),
        steps={"MSE": mse, "V": lambda outputs, targets: torch.var(targets - outputs)},
        terms={
            "MSE / 2V": lambda error, V: error / (2 * V),
            "½ log V": lambda error, V: 0.5 * V.log(),
        },
        mistakes=[
            Mistake(
                "This is still the variance of the predictions, which are no errors.",
                with_variance(lambda outputs, targets: torch.var(outputs)),
            ),
            Mistake(
                "This is the variance of the targets: signal and noise together.",
                with_variance(lambda outputs, targets: torch.var(targets)),
            ),
            Mistake(
                "The values are right, but V is detached: no gradient reaches the outputs through "
                "the variance of the residuals.",
                with_variance(lambda outputs, targets: torch.var(targets - outputs).detach()),
            ),
            Mistake(
                "V is a standard deviation here: σ stands where σ² is meant.",
                with_variance(lambda outputs, targets: torch.std(targets - outputs)),
            ),
            Mistake(
                "V divides by n. `torch.var`, as in the question, divides by n − 1.",
                with_variance(lambda outputs, targets: torch.var(targets - outputs, correction=0)),
            ),
            Mistake(
                "The first term holds V / (2V), which is ½: the MSE belongs above.",
                residual_loss(lambda error, V: 0.5 + 0.5 * V.log()),
            ),
        ],
    ),
}

GUESSES = {"02-a": Number("", -5, 5), "02-b": Number("of 20", 0, 20)}

QUIZ = [
    Question(
        "A network fits noise-free data perfectly. What is the variance of its predictions?",
        [
            Option(
                "0, since there is no noise",
                "Its *errors* are 0. Its predictions follow the "
                "signal, and vary as the signal does.",
            ),
            Option(
                "The variance of the signal",
                "It predicts g(x), and g(x) varies with x.",
                correct=True,
            ),
            Option(
                "It depends on the learning rate",
                "The learning rate decides how soon it gets there, and not where.",
            ),
        ],
    ),
    Question(
        "The two terms of the loss compete. Is that why it fails?",
        [
            Option(
                "Yes: one of them has to be dropped",
                "Without ½ log V nothing stops V from "
                "growing; without the error there is nothing to learn.",
            ),
            Option(
                "Yes: they need weights",
                "Weights move the minimum. V stays the variance of the predictions, and no noise.",
            ),
            Option(
                "No: a free V settles at the mean squared error",
                "The competition is what measures the noise. The fault is that V is tied to "
                "the predictions.",
                correct=True,
            ),
        ],
    ),
    Question(
        "Two networks train with this loss: one ends uphill, one downhill. What differs?",
        [
            Option(
                "Their first weights",
                "Their first slopes lie on different sides of the wall at 0, "
                "and the second is still on its way around it.",
                correct=True,
            ),
            Option("Their data", "They have the same 10,000 points."),
            Option(
                "Which of the two terms has won",
                "Both minimise the same sum. The second is on its way: its loss is still higher.",
            ),
        ],
    ),
]
