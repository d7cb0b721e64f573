"""Training a small network at nearly the price of its arithmetic.

A step of a lab is 0.2 ms of arithmetic. Autograd adds nodes for each layer, and PyTorch's Adam
looks after each parameter: together 0.5 ms. Here the gradient is written out, for the losses that
labs train with, and all parameters are one vector.
"""

import math

import torch
from torch import Tensor, nn

from course_utils.labs.cells import Cells

# An activation in place, and its derivative, from its result h, times a gradient g.
ACTIVATIONS = {
    nn.Tanh: (torch.tanh_, torch.ops.aten.tanh_backward),
    nn.ReLU: (torch.relu_, lambda g, h: torch.ops.aten.threshold_backward(g, h, 0)),
}


class OneVectorAdam:
    """Adam (Kingma & Ba 2015, algorithm 1; ``torch.optim.Adam``) on all parameters end to end.

    They and their gradients become views of one vector and of its gradient. β₂ = .95 forgets the
    steep first steps sooner than the usual .999. ``weight_decay`` w adds w/2 times the squares of
    all parameters to the loss.
    """

    def __init__(self, model: nn.Module, weight_decay: float = 0.0):
        self.param_groups, self.weight_decay, self.steps = [{"lr": 0.0}], weight_decay, 0
        parameters = list(model.parameters())
        self.vector = torch.cat([parameter.detach().flatten() for parameter in parameters])
        self.gradient, self.first, self.second = (torch.zeros_like(self.vector) for _ in range(3))
        sizes = [parameter.numel() for parameter in parameters]
        views = zip(self.vector.split(sizes), self.gradient.split(sizes), strict=True)
        for parameter, (values, slopes) in zip(parameters, views, strict=True):
            parameter.data, parameter.grad = values.view_as(parameter), slopes.view_as(parameter)

    def zero_grad(self) -> None:
        self.gradient.zero_()

    def step(self) -> None:
        self.steps += 1
        g = self.gradient
        if self.weight_decay:
            g.add_(self.vector, alpha=self.weight_decay)
        self.first.lerp_(g, 0.1)
        self.second.lerp_(g * g, 0.05)
        scale = math.sqrt(1 - 0.95**self.steps)
        lr = self.param_groups[0]["lr"] * scale / (1 - 0.9**self.steps)
        self.vector.addcdiv_(self.first, self.second.sqrt().add_(1e-8 * scale), value=-lr)


def two_outputs(cells: Cells, outputs: Tensor) -> tuple[float, Tensor]:
    """The NLL, and its gradient by outputs (k, 2), mu and log σ²."""
    loss, *slopes = cells.slopes(*outputs.chunk(2, dim=1))
    return loss, torch.cat(slopes, dim=1)


def one_sigma(cells: Cells, mu: Tensor, log_var: nn.Parameter) -> tuple[float, Tensor]:
    """The NLL, and its gradient by mu (k, 1); that of log σ² is put into its place."""
    loss, by_mu, by_log_var = cells.slopes(mu, log_var.detach())
    log_var.grad.fill_(by_log_var.sum())
    return loss, by_mu


class Quick(nn.Module):
    """Stands for a perceptron of tanh or ReLU layers while a ``OneVectorAdam`` moves it.

    To autograd its outputs (n, k) are a beginning. ``backward`` takes the gradient by them to the
    layers, by the chain rule written out.
    """

    def __init__(self, net: nn.Sequential):
        super().__init__()
        self.net = net
        self.activate, self.slope = ACTIVATIONS[type(net[1])]
        layers = [(layer.weight, layer.bias) for layer in net[::2]]
        self.layers = [(w.detach(), b.detach(), w.grad, b.grad) for w, b in layers]

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x).requires_grad_() if torch.is_grad_enabled() else self.net(x)

    def run(self, x: Tensor) -> Tensor:
        """The outputs, without autograd; each layer's inputs are kept for ``backward``."""
        (w, b, *_), *deeper = self.layers
        self.inputs, h = [x], torch.addmm(b, x, w.t())
        for w, b, *_ in deeper:
            self.inputs.append(self.activate(h))
            h = torch.addmm(b, h, w.t())
        self.outputs = h
        return h

    def backward(self, g: Tensor) -> None:
        """Put the gradients of the layers in their places, from that of the outputs (n, k)."""
        for (w, _, w_grad, b_grad), h in zip(self.layers[::-1], self.inputs[::-1], strict=True):
            torch.mm(g.t(), h, out=w_grad)
            torch.sum(g, 0, out=b_grad)
            if h is not self.inputs[0]:
                g = self.slope(torch.mm(g, w), h)
