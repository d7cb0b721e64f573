"""Losses as formulas, in nats. Nothing here averages: a loss per point says more."""

import functools
import math

import torch
from torch import Tensor

from course_utils.validation import integer, number, validated, what_came


def same_shape(**tensors: Tensor) -> None:
    """Refuse with a ValueError all but float tensors of one dtype and one shape (n, d).

    PyTorch would stretch (n,) against (n, 1) to (n, n) and train on it without a word.
    """
    kinds = {(v.shape, v.dtype) if isinstance(v, Tensor) else None for v in tensors.values()}
    first = next(iter(tensors.values()))
    if len(kinds) > 1 or None in kinds or first.ndim != 2 or not first.is_floating_point():
        got = ", ".join(f"{name} {what_came(value)}" for name, value in tensors.items())
        raise ValueError(f"expected float64 tensors of one shape (n, d), got {got}")


def gaussian_nll(y: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """−log N(y; mu, exp(log_var)) of each value, in nats, with the constant ½ log 2π.

    All three are (n, d), and so is the result; another shape raises a ValueError.
    Source: Goodfellow, Bengio & Courville (2016), sections 5.5.1 and 6.2.2.
    """
    same_shape(y=y, mu=mu, log_var=log_var)
    return 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 * torch.exp(-log_var))


def for_each_member(loss):
    """A loss(model, x, y) that is, for an ensemble, the mean of its members' losses."""

    @functools.wraps(loss)
    def averaged(model, x, y):
        if not hasattr(model, "members"):
            return loss(model, x, y)
        same_shape(y=y)  # repeated, another shape would be a puzzle

        def all_answers(x):
            return [part.flatten(0, 1) for part in model(x)]  # of (members, n, k)

        return loss(all_answers, x, y.repeat(model.members, 1))

    return averaged


@for_each_member
def mean_nll(model, x: Tensor, y: Tensor) -> Tensor:
    """The Gaussian NLL of a model that returns (mu, log_var), in nats, mean over all values.

    Of an ensemble it is the mean over the members, too: not the NLL of their mixture.
    """
    mu, log_var = model(x)
    return gaussian_nll(y, mu, log_var).mean()


@validated(beta=number(at_least=0))
def beta_nll(y: Tensor, mu: Tensor, log_var: Tensor, beta: float = 0.5) -> Tensor:
    """The NLL of each value times σ^(2β), a weight through which no gradient flows; (n, d).

    β = 0 is the NLL; at β = 1 the mean has the gradient of the squared error.
    Source: Seitzer et al. (2022), "On the pitfalls of heteroscedastic uncertainty estimation".
    """
    return gaussian_nll(y, mu, log_var) * torch.exp(beta * log_var.detach())


def gaussian_kl(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) ‖ N(0, 1)) of each value, in nats; mu and log_var (n, d).

    Source: Kingma & Welling (2013), appendix B, with the sign of a KL (it is never negative).
    """
    same_shape(mu=mu, log_var=log_var)
    return 0.5 * (mu**2 + log_var.exp() - log_var - 1)


@validated(n=integer(1))
def negative_elbo(model, x: Tensor, y: Tensor, *, n: int) -> Tensor:
    """The negative ELBO per value, in nats: mean NLL under one draw of weights + KL / all values.

    The model returns (mu, log_var) and has ``.kl()``. ``n`` is the number of points of the whole
    data set, also when x and y are a minibatch: the minibatches of an epoch, weighted by their
    size, then average to the ELBO of all data. Fewer than the points given raise a ValueError.
    Source: Blundell et al. (2015), equation 2 and section 3.4.
    """
    if n < len(x):
        raise ValueError(f"n counts all data, at least the {len(x)} points given; got n={n}")
    return mean_nll(model, x, y) + model.kl() / (n * y.shape[1])
