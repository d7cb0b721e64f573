"""Training a small network at nearly the price of its arithmetic.

A step of a lab is 0.2 ms of arithmetic. Autograd adds nodes for each layer, and PyTorch's Adam
looks after each parameter: together 0.5 ms. Here the gradient is written out, as that of the losses
in ``likelihoods`` is, and all parameters are one vector.
"""

import math

import torch
from torch import Tensor, nn

# An activation in place, and its derivative, from its result h, times a gradient g.
ACTIVATIONS = {
    nn.Tanh: (torch.tanh_, torch.ops.aten.tanh_backward),
    nn.ReLU: (torch.relu_, lambda g, h: torch.ops.aten.threshold_backward(g, h, 0)),
}


class OneVectorAdam:
    """Adam (Kingma & Ba 2015, algorithm 1; ``torch.optim.Adam``) on the parameters end to end.

    They and their gradients become views of one vector and of its gradient. β₂ = .95 forgets the
    steep first steps sooner than the usual .999. ``weight_decay`` w adds w/2 times the squares of
    all parameters to the loss.
    """

    def __init__(self, parameters: list[nn.Parameter], weight_decay: float = 0.0):
        self.param_groups, self.weight_decay, self.steps = [{"lr": 0.0}], weight_decay, 0
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


class Perceptron:
    """A network of tanh or ReLU layers whose parameters a ``OneVectorAdam`` moves.

    ``run`` and then ``backward`` are its outputs and, by the chain rule written out, the gradients
    of its parameters.
    """

    def __init__(self, net: nn.Sequential):
        self.activate, self.slope = ACTIVATIONS[type(net[1])]
        layers = [(layer.weight, layer.bias) for layer in net[::2]]
        self.layers = [(w.detach(), b.detach(), w.grad, b.grad) for w, b in layers]

    def run(self, x: Tensor) -> Tensor:
        """The outputs (n, m), without autograd; each layer's inputs are kept for ``backward``."""
        (w, b, *_), *deeper = self.layers
        self.inputs, h = [x], torch.addmm(b, x, w.t())
        for w, b, *_ in deeper:
            self.inputs.append(self.activate(h))
            h = torch.addmm(b, h, w.t())
        return h

    def backward(self, g: Tensor) -> None:
        """Put the gradients of the layers in their places, from that of the outputs (n, m)."""
        for (w, _, w_grad, b_grad), h in zip(self.layers[::-1], self.inputs[::-1], strict=True):
            torch.mm(g.t(), h, out=w_grad)
            torch.sum(g, 0, out=b_grad)
            if h is not self.inputs[0]:
                g = self.slope(torch.mm(g, w), h)
