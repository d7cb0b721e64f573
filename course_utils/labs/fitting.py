"""A model in training: how labs train, go on and refit. No widget is known here."""

import math
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import LBFGS

from course_utils.labs.last_layer import LastLayer
from course_utils.labs.likelihoods import Outputs
from course_utils.labs.perceptron import OneVectorAdam, Perceptron
from course_utils.training import Diverged

WARM_UP = 100  # steps after a fit until the learning rate is the one that was asked for


class Fit:
    """A model, the loss that it is trained by, and the loss before each step so far.

    ``loss(model)`` is a tensor in nats per point; it may be changed at any time. With ``outputs``
    the loss is a likelihood on cells: training then takes gradients without autograd, and a refit
    moves only the network's last layer and the parameters beside the network.
    """

    hopeless = 1000.0  # nats worse than before: Adam rarely reaches NaN, but this is no fit

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module], Tensor],
        lr: float,
        outputs: Outputs | None = None,
        weight_decay: float = 0.0,
        after_step: Callable[[], None] = lambda: None,
    ):
        self.model, self.loss, self.lr = model, loss, lr
        self.outputs, self.weight_decay, self.after_step = outputs, weight_decay, after_step
        self.begin()

    def begin(self, values: list[Tensor] | None = None) -> None:
        """Forget all steps, and start from the weights as they are or from these."""
        self.losses, self.optimizer = [], None
        self.since_fit = None  # steps; None: since the first weights
        if values is not None:
            put(self.model, values)

    # What a lab asks for

    def value(self) -> float:
        """The loss now."""
        with torch.no_grad():
            return self.loss(self.model).item()

    def train(self, steps: int) -> None:
        """Steps of Adam whose learning rate falls to 0 along half a cosine."""
        self.steps(0.5 * (1 + math.cos(math.pi * i / steps)) for i in range(steps))
        self.since_fit = 0

    def go_on(self, steps: int, seconds: float = math.inf) -> None:
        """Steps of Adam: from the first weights at the learning rate, from a fit with a warm-up.

        Where a fit is done, the loss is a narrow valley, and a full step would leave it. So the
        rate is that times min(t/T, √(T/t)) (Vaswani et al. 2017, equation 3), T = ``WARM_UP``.
        """
        self.steps((self.warmth() for _ in range(steps)), seconds)

    def refit(self, evaluations: int) -> None:
        """L-BFGS, which asks for no learning rate; the loss on the cells has no noise."""
        with self.undone_on_failure():
            if self.outputs is None:
                self.descend(evaluations)
            else:
                self.shift_log_scale()
                with self.last_layer_alone() as last:
                    self.descend(evaluations, last.cost)
        self.since_fit = 0

    def wake(self) -> None:
        """The loss has changed: no longer as slow as at the end of a long training."""
        if self.since_fit is not None:
            self.since_fit = min(self.since_fit, WARM_UP)

    def must_be_finite(self, *values: float) -> None:
        """Raise ``Diverged`` otherwise."""
        if not all(map(math.isfinite, values)):
            raise self.diverged(values[0])

    # How it is done

    @property
    def written_out(self) -> bool:
        """Whether ``descent`` does without autograd, which then is told of no operation."""
        return self.outputs is not None

    def steps(self, shares: Iterable[float], seconds: float = math.inf) -> None:
        """One step for each share of the learning rate, until the time is over."""
        if self.optimizer is None:
            self.optimizer = self.new_optimizer()
        end, start = time.perf_counter() + seconds, None
        with self.undone_on_failure(), torch.inference_mode(self.written_out):
            for share in shares:
                self.optimizer.param_groups[0]["lr"] = self.lr * share
                value = self.descent()
                self.must_be_finite(value)
                start = value if start is None else start
                if value > start + self.hopeless:
                    raise self.diverged(value)
                self.losses.append(value)
                self.optimizer.step()
                self.after_step()
                if time.perf_counter() > end:
                    break

    def new_optimizer(self):
        optimizer = OneVectorAdam(list(self.model.parameters()), self.weight_decay)
        if self.outputs:
            self.network = Perceptron(getattr(self.model, self.outputs.network))
        return optimizer

    def descent(self) -> float:
        """The loss; the parameters' gradients are in their places afterwards."""
        if self.outputs:
            outputs = self.network.run(self.loss.cells.x)
            loss, gradient = self.outputs.slopes(self.loss, self.model, outputs)
            self.network.backward(gradient)
            return loss
        self.optimizer.zero_grad()
        loss = self.loss(self.model)
        loss.backward()
        return loss.item()

    def warmth(self) -> float:
        """The next step's share of the learning rate."""
        if self.since_fit is None:
            return 1.0
        self.since_fit += 1
        return min(self.since_fit / WARM_UP, math.sqrt(WARM_UP / self.since_fit))

    @torch.no_grad()
    def shift_log_scale(self) -> None:
        """σ to its best multiple, in closed form, where one parameter scales it."""
        if self.outputs.log_scale:
            shift = self.loss.best_shift(*self.model(self.loss.cells.x))
            self.outputs.log_scale(self.model).add_(shift)

    @contextmanager
    def last_layer_alone(self):
        """Put a ``LastLayer`` in the place of the network, and then its fit into this."""
        name, x = self.outputs.network, self.loss.cells.x
        net = getattr(self.model, name)
        with torch.no_grad():
            _, log_var = self.model(x)
            scale = torch.stack([(log_var.mean() / 2).exp(), log_var.new_tensor(math.sqrt(2))])
        last = LastLayer(net, x, scale[: net[-1].out_features])
        setattr(self.model, name, last)
        try:
            yield last
        finally:
            setattr(self.model, name, net)
        last.write_to(net[-1])

    def descend(self, evaluations: int, cost: Callable[[], Tensor] | None = None) -> None:
        """L-BFGS on all parameters, with a cost that is not of the loss."""
        optimizer = LBFGS(
            self.model.parameters(),
            max_iter=evaluations,
            max_eval=evaluations,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-9,
            tolerance_change=1e-12,
        )

        def evaluate():
            optimizer.zero_grad()
            loss = self.loss(self.model)
            self.must_be_finite(loss.item())
            self.losses.append(loss.item())
            if cost:
                loss = loss + cost()
            loss.backward()
            return loss

        optimizer.step(evaluate)

    @contextmanager
    def undone_on_failure(self):
        """Put the weights back if the work inside fails, or if they are not finite after it."""
        before = weights(self.model)
        try:
            yield
            if not all(parameter.isfinite().all() for parameter in self.model.parameters()):
                raise self.diverged(math.nan)
        except BaseException:
            self.optimizer, self.since_fit = None, 0
            put(self.model, before)
            raise

    def diverged(self, loss: float) -> Diverged:
        advice = "try a smaller learning rate"
        return Diverged(len(self.losses), float(f"{loss:.3g}"), self.lr, advice)


def weights(model: nn.Module) -> list[Tensor]:
    """A copy of the model's parameters."""
    return [parameter.detach().clone() for parameter in model.parameters()]


@torch.no_grad()
def put(model: nn.Module, values: list[Tensor]) -> None:
    """Set the model's parameters."""
    for parameter, value in zip(model.parameters(), values, strict=True):
        parameter.copy_(value)
