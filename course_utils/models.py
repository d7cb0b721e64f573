"""Networks that return (mu, log_var): the mean of y and the logarithm of its variance σ²."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def mlp(n_in: int, hidden: Sequence[int], n_out: int, activation=nn.ReLU) -> nn.Sequential:
    """A multilayer perceptron (n, n_in) -> (n, n_out) in float64; no hidden layer: a line."""
    sizes = [n_in, *hidden]
    layers = []
    for size, next_size in zip(sizes, sizes[1:]):
        layers += [nn.Linear(size, next_size), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_out)).double()


class HomoscedasticRegressor(nn.Module):
    """A network for mu(x) and one parameter log σ² for each output, whatever x is.

    x (n, n_in) -> mu and log_var, both (n, n_out). Goodfellow et al. (2016), section 6.2.2.
    """

    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, activation=nn.ReLU):
        super().__init__()
        self.mean = mlp(n_in, hidden, n_out, activation)
        self.log_var = nn.Parameter(torch.zeros(1, n_out, dtype=torch.float64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = self.mean(x)
        return mu, self.log_var.expand_as(mu)


class HeteroscedasticRegressor(nn.Module):
    """One network with two outputs for each y: mu(x) and log σ²(x).

    x (n, n_in) -> mu and log_var, both (n, n_out). Nix & Weigend (1994).
    """

    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, activation=nn.ReLU):
        super().__init__()
        self.net = mlp(n_in, hidden, 2 * n_out, activation)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.net(x).chunk(2, dim=1)
        return mu, log_var
