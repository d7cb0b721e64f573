"""Random numbers of one's own, so that those of the learner's cell stay theirs.

PyTorch has one global stream for all threads. Whoever seeds it and sets it back afterwards, as
``torch.random.fork_rng`` does, takes part of it from every cell that draws meanwhile.
"""

from types import FunctionType

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

NAMES = ["bernoulli", "multinomial", "normal", "poisson", "rand", "randint", "randn", "randperm"]
IN_PLACE = ["bernoulli_", "exponential_", "log_normal_", "normal_", "random_", "uniform_"]
TAKE_A_GENERATOR = {getattr(torch, f) for f in NAMES} | {getattr(Tensor, f) for f in IN_PLACE}
LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}


class OwnDraws(TorchFunctionMode):
    """``with OwnDraws(seed):`` this thread's draws are those of ``torch.manual_seed(seed)``.

    They come from a generator of their own; the global one is not touched, so nothing is to be set
    back and no other thread can notice. Reached is what draws weights and noise, not what hides
    its draws in one call, as dropout and the gamma distribution do.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in LIKE:
            func, args, kwargs = LIKE[func], args[0].shape, {"dtype": args[0].dtype} | kwargs
        # torch.nn.init is written in Python, with a parameter for a generator
        in_python = isinstance(func, FunctionType) and "generator" in func.__code__.co_varnames
        if (in_python or func in TAKE_A_GENERATOR) and kwargs.get("generator") is None:
            kwargs = kwargs | {"generator": self.generator}
        return func(*args, **kwargs)
