"""Random numbers of one's own, so that those of the learner's cell stay theirs.

PyTorch, numpy and Python have one global stream each for all threads. Whoever seeds it and sets it
back afterwards, as ``torch.random.fork_rng`` does, takes part of it from every cell that draws
meanwhile. So nothing here sets a stream back: what is drawn comes from generators of its own.
"""

import random
import threading
from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from types import FunctionType, ModuleType

import numpy as np
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


TORCH_STREAM = {
    "manual_seed": "manual_seed",
    "seed": "seed",
    "initial_seed": "initial_seed",
    "get_rng_state": "get_state",
    "set_rng_state": "set_state",
}


class Whose(threading.local):
    """By module and name: what stands, in this thread, for a function of a global stream."""

    def __init__(self):
        self.functions: dict[tuple[ModuleType, str], Callable] = {}


WHOSE, INSIDE, LOCK = Whose(), [], threading.Lock()


class OwnStreams(OwnDraws):
    """``OwnDraws``, and the same for numpy's and Python's global streams and for all their seeds.

    It works inside of ``streams_by_thread``. Not reached is a function that somebody imported by
    its own name, as in ``from random import gauss``: it draws as it does wherever it is called.
    """

    def __init__(self, seed: int):
        super().__init__(seed)
        self.functions = functions_of(self.generator, seed)

    def __enter__(self):
        WHOSE.functions = self.functions
        return super().__enter__()

    def __exit__(self, *error):
        WHOSE.functions = {}
        return super().__exit__(*error)


def functions_of(generator: torch.Generator, seed: int) -> dict[tuple[ModuleType, str], Callable]:
    """By module and name: each function of a global stream, as a method of a generator."""
    methods = {
        (module, name): getattr(generator, method)
        for module in (torch, torch.random)
        for name, method in TORCH_STREAM.items()
    }
    for module, own in (np.random, np.random.RandomState(seed)), (random, random.Random(seed)):
        for name in vars(module):
            method = getattr(own, name, None)
            if callable(method) and not name.startswith("_"):
                methods[module, name] = method
    methods[np.random, "sample"] = methods[np.random, "random_sample"]
    return methods


def by_thread(key: tuple[ModuleType, str], usual: Callable) -> Callable:
    """The function ``usual``, which asks whose thread it is that calls it."""

    @wraps(usual)
    def function(*args, **kwargs):
        return WHOSE.functions.get(key, usual)(*args, **kwargs)

    return function


@contextmanager
def streams_by_thread():
    """Inside, a thread within ``OwnStreams`` has streams of its own; all others notice nothing."""
    with LOCK:
        if not INSIDE:
            for module, name in functions_of(torch.Generator(), 0):
                setattr(module, name, by_thread((module, name), getattr(module, name)))
        INSIDE.append(threading.get_ident())
    try:
        yield
    finally:
        with LOCK:
            INSIDE.pop()
            if not INSIDE:
                for module, name in functions_of(torch.Generator(), 0):
                    setattr(module, name, getattr(module, name).__wrapped__)
