"""Rivals on one table: a line and networks, with one σ or with σ(x), all tuned in the same way.

Networks of one kind are trained at once, stacked: a weight matrix is (nets, rows, columns), and as
many nets in turn share a group of rows, x (groups, n, d): those that train under one mask of one
part. A network starts as the line and learns what to add to it, so that it begins where the
simpler rival ends.

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
    """x w + b for nets (nets, d, h), of which as many in turn share each x (groups, n, d)."""
    groups, (nets, d, h) = len(x), w.shape
    if groups == nets:
        return torch.baddbmm(b, x, w)
    beside = w.reshape(groups, -1, d, h).transpose(1, 2).reshape(groups, d, -1)
    return (x @ beside).unflatten(2, (-1, h)).transpose(1, 2).flatten(0, 1) + b


def added(kind: Kind, weights: Sequence[Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """What nets add, at x (groups, n, d), to the line's mean and log σ²: (groups, many, n, 1)."""
    each = len(x), -1
    if kind.hidden:
        w1, b1, w2, b2, *weights = weights
        x = torch.relu(layer(x.clamp(-REACH, REACH), w1, b1))
        x = torch.relu(torch.baddbmm(b2, x, w2))
    mu = layer(x, *weights[:2]).unflatten(0, each)
    if not kind.varies:
        return mu, torch.zeros_like(mu)
    return mu, FURTHEST * torch.tanh(layer(x, *weights[2:]).unflatten(0, each) / FURTHEST)


def nlls(kind: Kind, weights: Sequence[Tensor], x, rest, trains, floor) -> Tensor:
    """Each net's NLL over the rows that train it, (groups, many).

    x (groups, n, d); what the line leaves of y, and who trains, (groups, n, 1); the line's log σ²
    (groups, 1). One σ is profiled out: its best value is the RMS residual, never on its way.
    """
    share = (trains / trains.sum(1, keepdim=True).clamp(min=1))[:, None]
    mu, log_var = added(kind, weights, x)
    squares = (rest[:, None] - mu) ** 2
    if kind.varies:
        log_var = floor[:, None, :, None] + log_var
        return (share * (log_var + squares * torch.exp(-log_var))).sum((2, 3)) / 2
    return (share * squares).sum((2, 3)).clamp(min=1e-12).log() / 2


# The contest


class Contest:
    """Rivals for y (n, 1) given x (n, d), each tuned, trained and calibrated within each part.

    ``forecasts(name)`` gives a ``Forecast`` for each part, of one of KINDS. All are tuned alike, by
    the rows that the part's inner folds hold out: the line's penalty (of ridges and lassos), the
    networks' decay (of DECAYS) and step. The same rows, each judged by a model that has not seen
    it, calibrate σ. ``chosen[name]`` says what was chosen in each part. Nothing global is drawn.
    """

    def __init__(self, x: Tensor, y: Tensor, folds: Tensor, *, seed: int = 0, steps: int = STEPS):
        self.parts = parts = Parts(*x_and_y(x, y), folds)
        self.seed, self.steps = seed, steps
        self.chosen, self.tuned, self.known = {}, {}, {}
        settings, names = lines(parts)
        errors = [
            (parts.held * (parts.y[:, None] - at(parts.x[:, None], w[:, :-1])) ** 2).sum((1, 2, 3))
            for w in settings
        ]
        best = torch.stack(errors).argmin(0)
        self.line = settings[best, torch.arange(len(best))]  # (parts, masks, d + 1, 1)
        self.chosen["line, one σ"] = [names[i] for i in best]
        self.rest = parts.y[:, None] - at(parts.x[:, None], self.line)  # (parts, masks, n, 1)
        squares = (parts.trains * self.rest**2).sum(2) / parts.trains.sum(2)
        self.floor = squares.clamp(min=1e-12).log()  # log σ² of the line, (parts, masks, 1)
        self.inner = torch.cartesian_prod(*map(torch.arange, parts.held.shape[:2])).T
        self.held = self.gathered(parts.held, *self.inner, parts.judges)

    @one_thread()
    def forecasts(self, name: str) -> list["Forecast"]:
        """The rival of this name, one for each part."""
        return [self.forecast(KINDS[name], part) for part in range(len(self.line))]

    def gathered(self, of: Tensor, part: Tensor, mask: Tensor, rows: Tensor) -> list[Tensor]:
        """Of each part and mask, (groups,), those of ``rows`` that are 1 in ``of``.

        x, what the line leaves of y, and that 1, all (groups, most, …); ``of`` is (parts, masks, n,
        1). A group with fewer than most ends in others of its rows, where it is 0.
        """
        part, mask, group = part[:, None], mask[:, None], torch.arange(len(part))[:, None]
        of = of[part, mask, rows, 0]
        most = int(of.sum(1).max())
        place = of.argsort(dim=1, descending=True, stable=True)[:, :most]
        row = rows[place]
        return [self.parts.x[part, row], self.rest[part, mask, row], of[group, place][..., None]]

    def train(
        self, kind: Kind, part: Tensor, mask: Tensor, decay: Tensor, seeds: list[int]
    ) -> Iterator[tuple[int, list[Tensor]]]:
        """(step, weights) about LOOKS times, from the first on. Adam, whose rate falls to 0.

        For each part and mask, (groups,), as many nets as ``decay`` and ``seeds``, (many,) or
        (groups, many).
        """
        n, d = self.parts.x.shape[1:]
        few, trains, floor = n <= 2 * BATCH, self.parts.trains, self.floor[part, mask]
        weights = first_weights(kind, d, seeds * len(part))
        weights = [w.requires_grad_() for w in weights]
        optimizer = torch.optim.Adam(weights, lr=LR, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        generator = torch.Generator().manual_seed(self.seed)
        batch = self.gathered(trains, part, mask, torch.arange(n)) if few else None
        quiet, said = "TQDM_DISABLE" in os.environ, f"{kind.name}: {len(weights[0])} nets"
        for step in tqdm(range(self.steps), desc=said, delay=2, leave=False, disable=quiet):
            if step % math.ceil(self.steps / LOOKS) == 0:
                yield step, weights
            if not few:
                rows = torch.randint(n, (BATCH,), generator=generator)
                batch = self.gathered(trains, part, mask, rows)
            squares = sum(w.square().sum((1, 2)) for w in weights[::2])  # of matrices alone
            loss = nlls(kind, weights, *batch, floor) + decay * squares.reshape(len(part), -1)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            schedule.step()
        yield self.steps, weights

    def tune(self, kind: Kind) -> tuple[Tensor, Tensor]:
        """Decay and step of each part: those with the best NLL of the rows that are held out.

        It is the NLL under the best common factor of σ, as the calibration will find it.
        """
        if (kind.hidden, kind.varies) in self.tuned:
            return self.tuned[kind.hidden, kind.varies]
        x, rest, held = self.held
        shape, floor = self.parts.held.shape[:2], self.floor[tuple(self.inner)]
        count = held.unflatten(0, shape).sum((1, 2, 3))[:, None]
        decays, scores, steps = torch.tensor(DECAYS, dtype=DTYPE), [], []
        for step, weights in self.train(kind, *self.inner, decays, [self.seed] * len(decays)):
            with torch.no_grad():
                mu, log_var = added(kind, weights, x)
            log_var = floor[:, None, :, None] + log_var
            z2 = (rest[:, None] - mu) ** 2 * torch.exp(-log_var)
            z2, log_var = (
                (held[:, None] * v).unflatten(0, shape).sum((1, 3, 4)) / count
                for v in (z2, log_var)
            )
            scores.append(z2.clamp(min=1e-12).log() + log_var)  # (parts, decays)
            steps.append(step)
        best = torch.stack(scores, dim=1).flatten(1).argmin(1)
        found = decays[best % len(DECAYS)], torch.tensor(steps)[best // len(DECAYS)]
        self.tuned[kind.hidden, kind.varies] = found
        return found

    def nets(self, kind: Kind, part: int) -> list[Tensor]:
        """The weights of all members, (masks, members, …), trained as far as the part's step.

        Each is trained once: an ensemble's first member is the single network.
        """
        key, (decay, stop) = (kind.hidden, kind.varies, part), (t[part] for t in self.tune(kind))
        known = self.known.get(key, [])
        have = known[0].shape[1] if known else 0
        if have < kind.members:
            mask = torch.arange(self.parts.trains.shape[1])
            seeds = list(range(self.seed + have, self.seed + kind.members))
            nets = self.train(kind, torch.full_like(mask, part), mask, decay, seeds)
            weights = next(weights for step, weights in nets if step == stop)
            new = [w.detach().unflatten(0, (len(mask), -1)) for w in weights]
            known = [torch.cat(both, dim=1) for both in zip(known, new)] if known else new
            self.known[key] = known
        return [w[:, : kind.members] for w in known]

    def forecast(self, kind: Kind, part: int) -> "Forecast":
        """The rival in one part, calibrated by the rows that its inner folds hold out."""
        parts, chosen = self.parts, self.chosen
        x, rest, held = (v.unflatten(0, parts.held.shape[:2])[part] for v in self.held)
        held, rest, weights = held.bool(), rest[None], []  # (folds, most, 1), (members, …)
        log_var, floor = torch.zeros_like(rest), self.floor[part, -1, 0]
        if kind.hidden or kind.varies:
            weights = self.nets(kind, part)
            mu, log_var = added(kind, [w[:-1].flatten(0, 1) for w in weights], x)
            rest, log_var = rest - mu.transpose(0, 1), log_var.transpose(0, 1)
            decay, stop = (found[part] for found in self.tune(kind))
            chosen.setdefault(kind.name, [""] * len(self.line))
            chosen[kind.name][part] = f"decay {decay:g}, {stop} steps"
        if kind.varies:
            log_var = log_var + self.floor[part, :-1, :, None]
        else:
            floor = (rest**2)[held.expand_as(rest)].mean().clamp(min=1e-12).log()
            log_var = log_var + floor
        mean, variance = mixture(rest, log_var)
        even = (mean**2)[held].mean()
        z = (mean / variance.sqrt())[held]
        scale = z.square().mean().sqrt().clamp(min=1e-6)
        forecast = Forecast(
            kind,
            x_mean=parts.x_mean[part],
            x_rate=parts.x_rate[part],
            y_mean=parts.y_mean[part],
            y_sd=parts.y_sd[part],
            line=self.line[part, -1],
            floor=floor,
            even=even.clamp(min=1e-12).log(),
            scale=scale,
            z=(z.abs() / scale).sort().values,
            **{f"w{i}": w[-1] for i, w in enumerate(weights)},
        )
        rows = parts.trains[part, -1, :, 0].bool()
        if kind.name == "line, one σ" and rows.sum() < EXACT:
            forecast.learn_t(parts.x[part][rows], parts.y[part][rows])
        return forecast


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
            mu, log_var = mu + more[0], log_var + varies[0]
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
