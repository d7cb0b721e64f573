"""Networks that return (mu, log_var): the mean of y and the logarithm of its variance σ²."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.losses import gaussian_kl, same_shape
from course_utils.validation import DTYPE, integer, number, validated, what_came, x_and_y

WEIGHTS = {"prior_sd": number(above=0), "init_sd": number(above=0)}


def mlp(n_in: int, hidden: Sequence[int], n_out: int, activation=nn.ReLU) -> nn.Sequential:
    """A multilayer perceptron (n, n_in) -> (n, n_out) in float64; no hidden layer: a line."""
    sizes = [n_in, *hidden]
    layers = []
    for size, next_size in zip(sizes, sizes[1:]):
        layers += [nn.Linear(size, next_size, dtype=torch.float64), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_out, dtype=torch.float64))


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


class Bump(nn.Module):
    """The activation exp(−t²/2): a unit that answers near one x only, as a radial basis does."""

    def forward(self, t: Tensor) -> Tensor:
        return torch.exp(-(t**2) / 2)


class BayesianLinear(nn.Module):
    """A linear layer with a Gaussian N(mu, exp(log_var)) on every weight and bias, float64.

    x (n, n_in) -> (n, n_out). Each forward draws fresh weights, one draw for all rows: what comes
    out is one plausible layer. Each row of ``mu`` holds the weights of a unit, then its bias. The
    prior is N(0, prior_sd²); sd's, not variances. Blundell et al. (2015), section 3.2.
    """

    @validated(**WEIGHTS)
    def __init__(self, n_in: int, n_out: int, prior_sd=1.0, init_sd=0.05):
        super().__init__()
        self.prior_sd = prior_sd
        start = torch.rand(n_out, n_in + 1, dtype=torch.float64) * 2 - 1
        self.mu = nn.Parameter(start * prior_sd / math.sqrt(n_in))
        self.log_var = nn.Parameter(torch.full_like(start, 2 * math.log(init_sd)))

    def forward(self, x: Tensor) -> Tensor:
        eps = torch.randn_like(self.mu)
        w = self.mu + torch.exp(self.log_var / 2) * eps
        return nn.functional.pad(x, (0, 1), value=1.0) @ w.T  # a 1 beside x, for the bias

    def kl(self) -> Tensor:
        """KL from the weights' Gaussians to the prior, summed, in nats: no draw, no state."""
        log_var = self.log_var - 2 * math.log(self.prior_sd)
        return gaussian_kl(self.mu / self.prior_sd, log_var).sum()


class BayesianRegressor(nn.Module):
    """A network of ``BayesianLinear`` layers for mu(x) and log σ²(x), with new weights each time.

    x (n, n_in) -> mu and log_var, both (n, n_out). ``activation=Bump`` with ``prior_sd=2.5`` is
    unsure in a gap of the data at 0, and far too sure in one elsewhere (notebook 07).
    """

    @validated(**WEIGHTS)
    def __init__(
        self, n_in=1, hidden=(20,), n_out=1, prior_sd=1.0, activation=nn.ReLU, init_sd=0.05
    ):
        super().__init__()
        sizes = [n_in, *hidden]
        layers = []
        for size, next_size in zip(sizes, sizes[1:]):
            layers += [BayesianLinear(size, next_size, prior_sd, init_sd), activation()]
        self.net = nn.Sequential(*layers, BayesianLinear(sizes[-1], 2 * n_out, prior_sd, init_sd))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.net(x).chunk(2, dim=1)
        return mu, log_var

    def kl(self) -> Tensor:
        """KL from the posterior to the prior of all weights, in nats."""
        return sum(layer.kl() for layer in self.net if isinstance(layer, BayesianLinear))


def stacked_weights(members: int, n_in: int, hidden: Sequence[int], n_out: int):
    """The first weights (members, in, out) and biases (members, 1, out) of each layer, float64.

    The last layer has two outputs for each y. ``nn.Linear`` draws the numbers, of one member after
    the other.
    """
    nets = [mlp(n_in, hidden, 2 * n_out, nn.Identity)[::2] for _ in range(members)]
    weights = [torch.stack([layer.weight.T for layer in same]) for same in zip(*nets)]
    biases = [torch.stack([layer.bias[None] for layer in same]) for same in zip(*nets)]
    return weights, biases


class Ensemble(nn.Module):
    """Networks of one form and different first weights, computed side by side.

    x (n, n_in) -> mu and log_var, both (members, n, n_out): each member's answer for each x. They
    share nothing: with ``mean_nll``, the mean over the members, each has the gradient of its own
    NLL over their number, and Adam divides by the size of a gradient. ``predict_samples`` gives
    the parts of the variance, ``predict`` their sum. At least 2 members, else a ValueError.
    Lakshminarayanan et al. (2017).
    """

    @validated(members=integer(2))
    def __init__(self, n_in=1, hidden=(50, 50), n_out=1, members=5, activation=nn.ReLU):
        super().__init__()
        weights, biases = stacked_weights(members, n_in, hidden, n_out)
        self.weights, self.biases = nn.ParameterList(weights), nn.ParameterList(biases)
        self.members, self.activation = len(weights[0]), activation()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = x.expand(self.members, *x.shape)
        for layer, (w, b) in enumerate(zip(self.weights, self.biases)):
            h = torch.baddbmm(b, self.activation(h) if layer else h, w)
        mu, log_var = h.chunk(2, dim=2)
        return mu, log_var


class EnsembleOf(nn.ModuleList):
    """A list of networks as an ensemble: x (n, d) -> mu and log_var, both (members, n, k)."""

    members = property(len)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = zip(*(model(x) for model in self))
        return torch.stack(mu), torch.stack(log_var)


def network(name: str, model):
    """A float64 model on the CPU, or a function that stands in for one; of a list, its ensemble."""
    if isinstance(model, list | tuple | nn.ModuleList):
        integer(2)("of networks", len(model))
        model = EnsembleOf(model)
    if isinstance(model, type) or not callable(model):
        raise ValueError(
            f"{name} must be a network that maps x to (mu, log_var), got {what_came(model)}"
        )
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point() and (tensor.device.type, tensor.dtype) != ("cpu", DTYPE):
                raise ValueError(
                    f"{name} must be float64 and on the CPU, where this course computes, got "
                    f"{tensor.dtype} on {tensor.device}: type {name}.to('cpu', torch.float64)"
                )
    return model


class Standardised(nn.Module):
    """A model that thinks in standard units and speaks in those of x and y.

    It learns mean m and standard deviation s of each column of x and y once, from the data that
    train it, and keeps them as buffers. A constant y has s = 1, a constant x has s = ∞: whatever it
    is later, it has no say. x (n, d) -> mu and log_var, both (n, k). With what ``model`` returns
    for standardised x and y, the four conversions are

        mu      -> mu s + m
        sigma   -> sigma s              (no m: a standard deviation is a difference)
        log_var -> log_var + 2 log s
        NLL     -> NLL + log s          (the same gradient; mean_nll through this is in y's unit)

    ``fit``, ``predict``, ``predict_samples`` and the metrics take it as any other model; a model's
    ``.kl`` and ``.members`` pass through. Raises ValueError for data that ``fit`` would refuse.
    """

    @validated(model=network)
    def __init__(self, model: nn.Module, x: Tensor, y: Tensor):
        super().__init__()
        self.model = model
        for name, value in zip("xy", x_and_y(x, y), strict=True):
            mean, scale = value.mean(0, keepdim=True), value.std(0, correction=0, keepdim=True)
            constant = scale <= 1e-12 * mean.abs()  # what rounding leaves of a constant column
            self.register_buffer(f"{name}_mean", mean)
            instead = math.inf if name == "x" else 1.0
            self.register_buffer(f"{name}_scale", torch.where(constant, instead, scale))
        for name in ("kl", "members"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        same_shape(x=x[:1], training_x=self.x_mean)
        mu, log_var = self.model((x - self.x_mean) / self.x_scale)
        same_shape(mu=mu.flatten(0, -2)[:1], training_y=self.y_mean)
        return mu * self.y_scale + self.y_mean, log_var + 2 * self.y_scale.log()
