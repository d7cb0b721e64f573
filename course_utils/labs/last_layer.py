"""The last layer of a network, in coordinates in which all directions are equally steep."""

import math

import torch
from torch import Tensor, nn

FLAT = 1e-5  # a direction in which the features vary less than this, relatively, is left alone
RIDGE, FEW = 1e-3, 2e-2  # nats for a weight that moves by √2: RIDGE + FEW / (number of x)


class LastLayer(nn.Module):
    """Stands for a network at one x while its last layer moves, the layers below being fixed.

    The layers below give features h(x), (n, width), and the outputs (n, k) are linear in them. Here
    they move along the features' principal components. ``scale`` (k,) is the change of each output
    that counts as one: σ for a mean, in the units of y; √2 for log σ², whose Fisher information is
    1/2. So far the loss is about as steep in all directions, with ``cost`` it is so again: what was
    a long valley to L-BFGS is nearly round.
    """

    def __init__(self, net: nn.Sequential, x: Tensor, scale: Tensor):
        super().__init__()
        with torch.no_grad():
            features = net[:-1](x)
            self.start = net[-1](features)
            self.centre = features.mean(0)
            u, s, v = torch.linalg.svd(features - self.centre, full_matrices=False)
        kept, root = s > FLAT * s[0], math.sqrt(len(x))
        self.weights = v[kept].T / s[kept] * root
        self.components = torch.cat([torch.ones_like(x[:, :1]), u[:, kept] * root], dim=1)
        by_one = torch.cat([s.new_zeros(1), root / s[kept]])[:, None] * scale
        self.ridge = RIDGE + FEW / len(x)
        steepness = torch.sqrt(1 + self.ridge * by_one**2)
        self.scale, self.by_one = scale / steepness, by_one / steepness
        self.moved = nn.Parameter(x.new_zeros(self.components.shape[1], len(scale)))

    def forward(self, _) -> Tensor:
        return self.start + self.components @ (self.moved * self.scale)

    def cost(self) -> Tensor:
        """A ridge on the weights' changes, stronger where few x hold the fit.

        Without it a refit would use directions in which the features hardly vary, by weights so
        large that no step of training could go on from them, for hardly any gain.
        """
        return self.ridge / 2 * (self.moved * self.by_one).square().sum()

    @torch.no_grad()
    def write_to(self, last: nn.Linear) -> None:
        """Give the network's last layer the weights that its outputs now stand for."""
        moved = self.moved * self.scale
        change = self.weights @ moved[1:]
        last.weight += change.T
        last.bias += moved[0] - self.centre @ change
