"""The last layer of a network, in coordinates in which all directions are equally steep."""

import math

import torch
from torch import Tensor, nn

FLAT = 1e-5  # a direction in which the features vary less than this, relatively, is left alone


class Head(nn.Module):
    """Stands for a network at one x while its last layer moves, the layers below being fixed.

    The layers below give features h(x), (n, width), and the outputs (n, k) are linear in them. Here
    they move along the features' principal components, scaled to unit variance over x: what was a
    long valley to L-BFGS is nearly round. ``scale`` (k,) is the change of each output that counts
    as one: σ for a mean, in the units of y; √2 for log σ², whose Fisher information is 1/2.
    """

    def __init__(self, net: nn.Sequential, x: Tensor, scale: Tensor):
        super().__init__()
        self.scale = scale
        with torch.no_grad():
            features = net[:-1](x)
            self.start = net[-1](features)
            self.centre = features.mean(0)
            u, s, v = torch.linalg.svd(features - self.centre, full_matrices=False)
        kept, root = s > FLAT * s[0], math.sqrt(len(x))
        self.weights = v[kept].T / s[kept] * root
        self.components = torch.cat([torch.ones_like(x[:, :1]), u[:, kept] * root], dim=1)
        self.moved = nn.Parameter(x.new_zeros(self.components.shape[1], len(scale)))

    def forward(self, _) -> Tensor:
        return self.start + self.components @ self.moved * self.scale

    @torch.no_grad()
    def write_to(self, last: nn.Linear) -> None:
        """Give the network's last layer the weights that its outputs now stand for."""
        moved = self.moved * self.scale
        change = self.weights @ moved[1:]
        last.weight += change.T
        last.bias += moved[0] - self.centre @ change
