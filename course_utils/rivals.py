"""Rivals on one table: a line and networks, with one σ or with σ(x), all tuned in the same way.

All networks of one kind are trained at once, stacked: x is (nets, n, d), a weight matrix (nets,
rows, columns), and for each net a mask says which rows train it. A network starts as the line and
learns what to add to it, so that it begins where the simpler rival ends.

Everything happens inside *parts* of the table, as are the training sets of a cross-validation.
``folds`` (parts, n) says what each row does in each part: TEST, the number (0, 1, …) of the inner
fold that holds it out while decay and steps are chosen and σ is calibrated, or ALWAYS (it trains).
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils.metrics import conformal_quantile
from course_utils.training import one_thread
from course_utils.validation import DTYPE, x_and_y

__all__ = ["ALWAYS", "KINDS", "TEST", "Contest", "Forecast"]

TEST, ALWAYS = -1, -2
HIDDEN, STEPS, LR = 16, 200, 0.03
DECAYS = (1e-4, 1e-3, 1e-2)  # nats for a sum of squared weights of 1
RIDGE = (1e-6, 1e-3, 1e-2, 1e-1, 1.0)  # in units of the mean square of x
LASSO = tuple(10 ** (-k / 3) for k in range(1, 10))  # of the smallest that leaves no column
BATCH, JUDGES, LOOKS = 512, 10_000, 25
FURTHEST = 4  # |log σ²(x) − that of one σ| stays below
REACH = 3  # sd of x: beyond, what a network adds stays as it is
EXACT = 100  # below so many rows a line has the t interval


@dataclass(frozen=True)
class Kind:
    """A line (no hidden units) or a network or several, with one σ or σ(x)."""

    name: str
    hidden: int
    varies: bool
    members: int = 1


KINDS = {
    kind.name: kind
    for kind in (
        Kind("line, one σ", 0, False),
        Kind("line, σ(x)", 0, True),
        Kind("network, one σ", HIDDEN, False),
        Kind("network, σ(x)", HIDDEN, True),
        Kind("ensemble, one σ", HIDDEN, False, 5),
        Kind("ensemble, σ(x)", HIDDEN, True, 5),
    )
}


# The parts of a table


def moments(values: Tensor, trains: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and 1/sd (0 for a constant column) of the rows that train, (parts, 1, columns)."""
    share = trains / trains.sum(1, keepdim=True)
    mean = (share * values).sum(1, keepdim=True)
    sd = (share * (values - mean) ** 2).sum(1, keepdim=True).sqrt()
    return mean, torch.where(sd > 1e-12 * mean.abs(), 1 / sd, 0.0)


class Parts:
    """x (parts, n, d) and y (parts, n, 1) in each part's own standard units, and who trains.

    ``trains`` (parts, masks, n, 1): for each inner fold the rows of the part that it does not hold
    out, and last all rows of the part. ``held`` (parts, inner folds, n, 1): those that it does.
    """

    def __init__(self, x: Tensor, y: Tensor, folds: Tensor):
        whole = (folds != TEST).to(DTYPE)[..., None]
        inner = [whole * (folds == fold)[..., None] for fold in range(int(folds.max()) + 1)]
        self.held = torch.stack(inner, dim=1)
        self.trains = torch.cat([whole[:, None] - self.held, whole[:, None]], dim=1)
        self.x_mean, self.x_rate = moments(x, whole)
        self.y_mean, rate = moments(y, whole)
        self.y_sd = torch.where(rate > 0, 1 / rate, 1.0)
        self.x, self.y = (x - self.x_mean) * self.x_rate, (y - self.y_mean) / self.y_sd
        judges = self.held.any(0).any(0)[:, 0].nonzero()[:, 0]
        self.judges = judges[:: math.ceil(len(judges) / JUDGES)]


# Lines


def lines(parts: Parts) -> tuple[Tensor, list[str]]:
    """Coefficients (settings, parts, masks, d + 1, 1), the constant last, and the settings' names.

    Ridge regressions and lassos, from the moments of each mask's rows.
    """
    x, y = parts.x[:, None], parts.y[:, None]
    share = parts.trains / parts.trains.sum(2, keepdim=True)
    gram, cross, m_x, m_y = [], [], [], []
    for mask in range(share.shape[1]):  # one at a time: of many rows, copies would fill the memory
        s = share[:, mask : mask + 1]
        mean_x, mean_y = (s * x).sum(2, keepdim=True), (s * y).sum(2, keepdim=True)
        weighted = (s * (x - mean_x)).mT
        gram.append(weighted @ (x - mean_x))
        cross.append(weighted @ (y - mean_y))
        m_x.append(mean_x)
        m_y.append(mean_y)
    gram, cross, m_x, m_y = (torch.cat(same, dim=1) for same in (gram, cross, m_x, m_y))
    eye = torch.eye(x.shape[-1], dtype=DTYPE)
    found = [torch.linalg.solve(gram + penalty * eye, cross) for penalty in RIDGE]
    names = [f"ridge {penalty:g}" for penalty in RIDGE]
    if x.shape[-1] > 1:
        found += lassos(gram, cross)
        names += [f"lasso {penalty:.2g}" for penalty in LASSO]
    w = torch.stack(found)
    return torch.cat([w, m_y - m_x @ w], dim=-2), names


def lassos(gram: Tensor, cross: Tensor, steps: int = 200) -> list[Tensor]:
    """argmin ½ wᵀ gram w − crossᵀ w + penalty Σ|w| for each of LASSO, (…, d, 1).

    By FISTA, each from the solution before it. Source: Beck & Teboulle (2009).
    """
    step = 1 / torch.linalg.matrix_norm(gram, 2)[..., None, None].clamp(min=1e-12)
    largest = cross.abs().amax(-2, keepdim=True)
    found, w = [], torch.zeros_like(cross)
    for penalty in LASSO:
        ahead, momentum = w, 1.0
        for _ in range(steps):
            moved = ahead - step * (gram @ ahead - cross)
            new = moved.sign() * (moved.abs() - step * penalty * largest).clamp(min=0)
            next_momentum = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            ahead = new + (momentum - 1) / next_momentum * (new - w)
            w, momentum = new, next_momentum
        found.append(w)
    return found


def at(x: Tensor, line: Tensor) -> Tensor:
    """The line's mean: x (…, n, d), coefficients (…, d + 1, 1) -> (…, n, 1)."""
    return x @ line[..., :-1, :] + line[..., -1:, :]


# Networks, stacked


def first_weights(kind: Kind, d: int, seeds: Sequence[int]) -> list[Tensor]:
    """As nn.Linear draws them, equal for equal seeds; the heads are 0: nothing is added yet."""
    h, drawn = kind.hidden, {}
    sizes = [(d, h), (1, h), (h, h), (1, h)] if h else []
    for seed in set(seeds):
        generator = torch.Generator().manual_seed(seed)
        drawn[seed] = [
            (2 * torch.rand(size, dtype=DTYPE, generator=generator) - 1) / math.sqrt(inputs)
            for size, inputs in zip(sizes, (d, d, h, h))
        ]
    weights = [torch.stack(same) for same in zip(*(drawn[seed] for seed in seeds))]
    heads = [(h or d, 1), (1, 1)] * (2 if kind.varies else 1)
    return weights + [torch.zeros(len(seeds), *size, dtype=DTYPE) for size in heads]


def layer(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """x w + b for nets (nets, d, h), of which as many in turn share each x (parts, n, d)."""
    parts, (nets, d, h) = len(x), w.shape
    if parts == nets:
        return torch.baddbmm(b, x, w)
    beside = w.reshape(parts, -1, d, h).transpose(1, 2).reshape(parts, d, -1)
    return (x @ beside).unflatten(2, (-1, h)).transpose(1, 2).flatten(0, 1) + b


def added(kind: Kind, weights: Sequence[Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """What nets add, at x (parts, n, d), to the line's mean and to log σ²: both (nets, n, 1)."""
    if kind.hidden:
        w1, b1, w2, b2, *weights = weights
        x = torch.relu(layer(x.clamp(-REACH, REACH), w1, b1))
        x = torch.relu(torch.baddbmm(b2, x, w2))
    mu = layer(x, *weights[:2])
    if not kind.varies:
        return mu, torch.zeros_like(mu)
    return mu, FURTHEST * torch.tanh(layer(x, *weights[2:]) / FURTHEST)


@dataclass
class Stack:
    """Nets to train: of each its part, its mask, its decay, the line it adds to, and that's log σ².

    Shapes (nets,), (nets,), (nets,), (nets, d + 1, 1), (nets, 1, 1).
    """

    kind: Kind
    parts: Parts
    part: Tensor
    mask: Tensor
    decay: Tensor
    line: Tensor
    floor: Tensor

    def outputs(self, weights: Sequence[Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log_var at x (parts, n, d), (nets, n, 1)."""
        mu, log_var = added(self.kind, weights, x)
        return mu + layer(x, self.line[:, :-1], self.line[:, -1:]), self.floor + log_var

    def loss(self, weights: Sequence[Tensor], x: Tensor, y: Tensor, trains: Tensor) -> Tensor:
        """Each net's NLL over the rows that train it, and its decay, (nets,).

        One σ is profiled out: its best value is the RMS residual, and it is never on its way.
        """
        share = trains / trains.sum(1, keepdim=True).clamp(min=1)
        mu, log_var = self.outputs(weights, x)
        if self.kind.varies:
            nll = (share * (log_var + (y - mu) ** 2 * torch.exp(-log_var))).sum((1, 2))
        else:
            nll = (share * (y - mu) ** 2).sum((1, 2)).clamp(min=1e-12).log()
        squares = sum(w.square().sum((1, 2)) for w in weights[::2])  # of matrices, not constants
        return nll / 2 + self.decay * squares

    def train(self, seeds: Sequence[int], steps: int, said: str) -> Iterator[tuple[int, list]]:
        """(step, weights) about LOOKS times, from the first on. Adam, whose rate falls to 0."""
        parts, own = self.parts, self.part
        n, d = parts.x.shape[1:]
        few = n <= 2 * BATCH
        if few:
            batch = parts.x, parts.y[own], parts.trains[own, self.mask]
        weights = [w.requires_grad_() for w in first_weights(self.kind, d, seeds)]
        optimizer = torch.optim.Adam(weights, lr=LR, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        generator = torch.Generator().manual_seed(seeds[0])
        quiet = "TQDM_DISABLE" in os.environ
        for step in tqdm(range(steps), desc=said, delay=2, leave=False, disable=quiet):
            if step % math.ceil(steps / LOOKS) == 0:
                yield step, weights
            if not few:
                rows = torch.randint(n, (BATCH,), generator=generator)
                x, y, trains = parts.x[:, rows], parts.y[:, rows], parts.trains[:, :, rows]
                batch = x, y[own], trains[own, self.mask]
            loss = self.loss(weights, *batch).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        yield steps, weights


# The contest


class Contest:
    """Rivals for y (n, 1) given x (n, d), each tuned, trained and calibrated within each part.

    ``forecasts(name)`` gives a ``Forecast`` for each part, of one of KINDS. All are tuned alike, by
    the rows that the part's inner folds hold out: the line's penalty (of ridges and lassos), the
    networks' decay (of DECAYS) and step. The same rows, each judged by a model that has not seen
    it, calibrate σ. ``chosen[name]`` says what was chosen in each part. Nothing global is drawn.
    """

    def __init__(self, x: Tensor, y: Tensor, folds: Tensor, *, seed: int = 0, steps: int = STEPS):
        self.parts = Parts(*x_and_y(x, y), folds)
        self.seed, self.steps = seed, steps
        self.chosen, self.tuned = {}, {}
        settings, names = lines(self.parts)
        parts = self.parts
        errors = [
            (parts.held * (parts.y[:, None] - at(parts.x[:, None], w[:, :-1])) ** 2).sum((1, 2, 3))
            for w in settings
        ]
        best = torch.stack(errors).argmin(0)
        self.line = settings[best, torch.arange(len(best))]  # (parts, masks, d + 1, 1)
        self.chosen["line, one σ"] = [names[i] for i in best]

    @one_thread()
    def forecasts(self, name: str) -> list["Forecast"]:
        """The rival of this name, one for each part."""
        kind = KINDS[name]
        if not (kind.hidden or kind.varies):
            parts = self.parts
            out = at(parts.x[:, None, parts.judges], self.line[:, :-1])
            return self.made(kind, [], out[None], torch.zeros_like(out)[None])
        return self.trained(kind, *self.tune(kind))

    def stack(self, kind: Kind, masks: Sequence[int], decays: Tensor) -> Stack:
        """A net for each part, each of its ``decays`` (parts, …) and each mask, in that order."""
        parts, (count, many) = self.parts, decays.shape
        part = torch.arange(count).repeat_interleave(many * len(masks))
        mask = torch.tensor(masks).repeat(count * many)
        decay = decays.flatten().repeat_interleave(len(masks))
        squares = [
            (trains * (parts.y - at(parts.x, line)) ** 2).sum(1) / trains.sum(1)
            for trains, line in zip(parts.trains.unbind(1), self.line.unbind(1))
        ]
        floor = torch.stack(squares, dim=1).clamp(min=1e-12).log()[..., None]
        return Stack(kind, parts, part, mask, decay, self.line[part, mask], floor[part, mask])

    def tune(self, kind: Kind) -> tuple[Tensor, Tensor]:
        """Decay and step of each part: those with the best NLL of the rows that are held out.

        It is the NLL under the best common factor of σ, as the calibration will find it.
        """
        if (kind.hidden, kind.varies) in self.tuned:
            return self.tuned[kind.hidden, kind.varies]
        parts = self.parts
        rows, inner = parts.judges, range(parts.held.shape[1])
        decays = torch.tensor(DECAYS, dtype=DTYPE).expand(len(parts.x), -1)
        stack = self.stack(kind, inner, decays)
        x, y, held = parts.x[:, rows], parts.y[:, rows], parts.held[:, None, :, rows]
        count = held.sum((2, 3, 4))
        scores, steps = [], []
        said = f"{kind.name}: {len(stack.part)} to choose decay and steps"
        for step, weights in stack.train([self.seed] * len(stack.part), self.steps, said):
            with torch.no_grad():
                mu, log_var = stack.outputs(weights, x)
            z2 = (y[stack.part] - mu) ** 2 * torch.exp(-log_var)
            z2, log_var = (v.reshape(*decays.shape, len(inner), -1, 1) for v in (z2, log_var))
            z2, log_var = ((held * v).sum((2, 3, 4)) / count for v in (z2, log_var))
            scores.append(z2.clamp(min=1e-12).log() + log_var)  # (parts, decays)
            steps.append(step)
        best = torch.stack(scores, dim=1).flatten(1).argmin(1)
        stop, decay = torch.tensor(steps)[best // len(DECAYS)], decays[0, best % len(DECAYS)]
        self.tuned[kind.hidden, kind.varies] = decay, stop
        return decay, stop

    def trained(self, kind: Kind, decay: Tensor, stop: Tensor) -> list["Forecast"]:
        """All members, trained on each mask, as far as the part's step."""
        parts, masks = self.parts, range(self.parts.trains.shape[1])
        stack = self.stack(kind, masks, decay[:, None].expand(-1, kind.members))
        shape = len(parts.x), kind.members, len(masks)
        seeds = torch.arange(kind.members)[None, :, None].expand(shape).flatten() + self.seed
        said = f"{kind.name}: {len(seeds)} to train and calibrate"
        for step, weights in stack.train(seeds.tolist(), self.steps, said):
            if step == 0:
                kept = [w.detach().clone() for w in weights]
            due = stop[stack.part] == step
            for keep, w in zip(kept, weights):
                keep[due] = w.detach()[due]
            if step == stop.max():
                break
        texts = [f"decay {d:g}, {t} steps" for d, t in zip(decay.tolist(), stop.tolist())]
        self.chosen[kind.name] = texts
        mu, log_var = stack.outputs(kept, parts.x[:, parts.judges])
        mu, log_var = (v.reshape(*shape, -1, 1).transpose(0, 1) for v in (mu, log_var))
        whole = [w.reshape(*shape, *w.shape[1:])[:, :, -1] for w in kept]
        return self.made(kind, whole, mu[:, :, :-1], log_var[:, :, :-1])

    def made(self, kind, weights, mu: Tensor, log_var: Tensor) -> list["Forecast"]:
        """Forecasts, calibrated by held-out outputs, (members, parts, inner folds, judges, 1)."""
        parts, found = self.parts, []
        for part in range(len(parts.x)):
            held = parts.held[part][:, parts.judges].bool()
            y = parts.y[part, parts.judges].expand(held.shape)
            rows = parts.trains[part, -1, :, 0].bool()
            line = self.line[part, -1]
            if kind.varies:
                floor = ((parts.y[part] - at(parts.x[part], line))[rows] ** 2).mean()
            else:
                floor = ((y - mu[:, part]) ** 2)[held.expand_as(mu[:, part])].mean()
                log_var = torch.zeros_like(log_var) + floor.clamp(min=1e-12).log()
            mean, variance = mixture(mu[:, part], log_var[:, part])
            even = ((y - mean) ** 2)[held].mean()
            z = ((y - mean) / variance.sqrt())[held]
            scale = z.square().mean().sqrt().clamp(min=1e-6)
            forecast = Forecast(
                kind,
                x_mean=parts.x_mean[part],
                x_rate=parts.x_rate[part],
                y_mean=parts.y_mean[part],
                y_sd=parts.y_sd[part],
                line=line,
                floor=floor.clamp(min=1e-12).log(),
                even=even.clamp(min=1e-12).log(),
                scale=scale,
                z=(z.abs() / scale).sort().values,
                **{f"w{i}": w[part] for i, w in enumerate(weights)},
            )
            if kind.name == "line, one σ" and rows.sum() < EXACT:
                forecast.learn_t(parts.x[part][rows], parts.y[part][rows])
            found.append(forecast)
        return found


def mixture(mu: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of an equal mixture over the first dimension."""
    spread = mu.var(0) if len(mu) > 1 else torch.zeros_like(mu[0])
    return mu.mean(0), log_var.exp().mean(0) + spread


class Forecast(nn.Module):
    """A trained and calibrated rival: x (n, d) -> mu and log_var, both (n, 1), in y's units.

    All it knows stands in buffers, so that a ``state_dict`` is the whole of it: the moments that
    make standard units, the line, the networks' weights, the factor ``scale`` of σ, ``even``, the
    log σ² of the one σ that held-out rows give its mean, and ``z``, the sizes of their standardised
    residuals, from which ``interval`` has any level.
    """

    def __init__(self, kind: Kind, **buffers: Tensor):
        super().__init__()
        self.kind = kind
        for name, value in buffers.items():
            self.register_buffer(name, value.detach().clone())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = (x - self.x_mean) * self.x_rate
        mu, log_var = at(x, self.line)[None], self.floor.expand(1, len(x), 1)
        if self.kind.hidden or self.kind.varies:
            weights = [value for name, value in self.named_buffers() if name[0] == "w"]
            more, varies = added(self.kind, weights, x[None])
            mu, log_var = mu + more, log_var + varies
        mu, variance = mixture(mu, log_var)
        log_var = variance.log() + 2 * (self.scale * self.y_sd).log()
        return mu * self.y_sd + self.y_mean, log_var

    def interval(self, x: Tensor, level: float) -> tuple[Tensor, Tensor]:
        """Lower and upper end for y at x (n, d), (n, 1); infinite if too few rows calibrate.

        mu ± σ times the conformal quantile of ``z``; for a line on fewer than EXACT rows Student's
        interval, exact for Gaussian noise and no penalty.
        """
        mu, log_var = self(x)
        if hasattr(self, "spread"):
            x = (x - self.x_mean) * self.x_rate
            doubt = ((x @ self.spread) * x).sum(1, keepdim=True) + self.mean_doubt
            half = t_quantile(level, self.freedom.item()) * self.s * (1 + doubt).sqrt() * self.y_sd
        else:
            half = conformal_quantile(self.z[:, None], level) * (log_var / 2).exp()
        return mu - half, mu + half

    def learn_t(self, x: Tensor, y: Tensor) -> None:
        """What Student's interval needs, from the rows that train, in standard units."""
        n, used = len(x), self.line[:-1, 0] != 0
        x = x * used
        spread = torch.linalg.pinv(x.T @ x, hermitian=True)
        freedom = n - 1 - torch.linalg.matrix_rank(x).item()
        if freedom < 1:
            return
        squares = (y - at(x, self.line)).square().sum()
        self.register_buffer("spread", spread)
        self.register_buffer("mean_doubt", torch.tensor(1 / n, dtype=DTYPE))
        self.register_buffer("freedom", torch.tensor(float(freedom), dtype=DTYPE))
        self.register_buffer("s", (squares / freedom).sqrt())


def t_quantile(level: float, freedom: float) -> float:
    """The half-width that Student's t with so many degrees of freedom keeps within it.

    With t = √freedom tan θ the density is proportional to cos(θ) to the power freedom − 1.
    """
    angle = torch.linspace(0, math.pi / 2, 20_001, dtype=DTYPE)
    mass = torch.cumulative_trapezoid(angle.cos() ** (freedom - 1), angle)
    at_level = torch.searchsorted(mass, level * mass[-1]).clamp(max=len(mass) - 1)
    return math.sqrt(freedom) * math.tan(angle[at_level + 1].item())
