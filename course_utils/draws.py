"""Random numbers of one's own, so that those of the learner's cell stay theirs.

PyTorch, numpy and Python have one global stream each for all threads. Whoever seeds it and sets it
back afterwards, as ``torch.random.fork_rng`` does, takes part of it from every cell that draws
meanwhile. So nothing here sets a stream back: what is drawn comes from generators of its own.
"""

from types import FunctionType

import torch
from torch import Tensor
from torch.nn.functional import dropout
from torch.overrides import TorchFunctionMode

TAKE_A_GENERATOR = {
    torch.bernoulli,
    torch.multinomial,
    torch.normal,
    torch.poisson,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.randperm,
    torch.binomial,
    torch._standard_gamma,
    torch._sample_dirichlet,
    Tensor.bernoulli,
    Tensor.bernoulli_,
    Tensor.cauchy_,
    Tensor.exponential_,
    Tensor.geometric_,
    Tensor.log_normal_,
    Tensor.multinomial,
    Tensor.normal_,
    Tensor.random_,
    Tensor.uniform_,
}
LIKE = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}


def is_written_with_generator(func) -> bool:
    """Whether it is Python's and has a parameter for a generator, as those of torch.nn.init."""
    return isinstance(func, FunctionType) and "generator" in func.__code__.co_varnames


class OwnDraws(TorchFunctionMode):
    """``with OwnDraws(seed):`` this thread's draws are those of ``torch.manual_seed(seed)``.

    They come from a generator of their own; the global one is not touched, so nothing is to be set
    back and no other thread can notice. Not reached is what hides its draws in one call: rarer
    kinds of dropout, ``rrelu``, ``gumbel_softmax``.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in LIKE:
            kwargs = {"dtype": args[0].dtype} | kwargs
            return LIKE[func](args[0].shape, generator=self.generator, **kwargs)
        if func is dropout:
            return self.dropout(*args, **kwargs)
        if func in TAKE_A_GENERATOR or is_written_with_generator(func):
            if kwargs.get("generator") is None:
                kwargs = kwargs | {"generator": self.generator}
            return func(*args, **kwargs)
        return func(*args, **kwargs)

    def dropout(self, input, p=0.5, training=True, inplace=False):
        """What ``torch.nn.functional.dropout`` does."""
        if not training or p == 0:
            return input
        kept = torch.empty_like(input).bernoulli_(1 - p, generator=self.generator)
        return input * kept.div_(1 - p)
