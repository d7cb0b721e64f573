"""How fast labs train, against the plain way: DataLoader and Adam with its defaults, in one run.

    python -m pytest tests/benchmarks -s

Nothing is asserted but order: the ratios are printed. Run it on a machine that does nothing else.
"""

import time
from statistics import median

import pytest
import torch
from torch import nn
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

from course_utils.data import LINE, WAVE
from course_utils.labs import LABS
from course_utils.labs.cells import expected_nll
from course_utils.losses import mean_nll
from course_utils.models import Ensemble, HeteroscedasticRegressor, HomoscedasticRegressor
from course_utils.training import fit, one_thread, predict

CASES = {
    "00": (WAVE, lambda: HeteroscedasticRegressor(hidden=(32, 32), activation=nn.Tanh)),
    "03": (LINE, lambda: HomoscedasticRegressor()),
}


def plain_way(problem, model, until):
    """Epochs over a DataLoader until the NLL is near its floor: steps and seconds."""
    x, y = problem.sample(10_000)
    grid, near = problem.grid(), 1.01 * problem.noise_floor()
    loader = DataLoader(TensorDataset(x, y), batch_size=500, shuffle=True)
    optimizer = Adam(model.parameters(), lr=0.01)
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < until:
        for batch in loader:
            loss = mean_nll(model, *batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
        if expected_nll(problem, grid, *predict(model, grid)) < near:
            break
    return steps, time.perf_counter() - start


def lab_way(lab, until):
    """Live training from the first weights until the NLL is near its floor: steps and seconds."""
    lab.rewind()
    near = 1.01 * lab.problem.noise_floor()
    start = time.perf_counter()
    while time.perf_counter() - start < until:
        with one_thread():
            lab.fit.go_on(10)
            lab.look()
        if lab.expected_nll < near:
            break
    return len(lab.losses), time.perf_counter() - start


@pytest.mark.parametrize("key", CASES)
def test_labs_train_faster_than_the_plain_way(key):
    problem, new_model = CASES[key]
    lab = LABS[key]()
    lab.set(lr=0.01, **({"start": 1} if key == "03" else {}))
    plain, quick = [], []
    for seed in range(5):
        torch.manual_seed(seed)
        with one_thread():
            plain.append(plain_way(problem, new_model(), until=10))
        quick.append(lab_way(lab, until=10))
    rate = [median(steps / seconds for steps, seconds in runs) for runs in (plain, quick)]
    wait = [1000 * median(seconds for _, seconds in runs) for runs in (plain, quick)]
    print(
        f"\nlesson {key}: steps per second {rate[0]:.0f} plain, {rate[1]:.0f} lab "
        f"(x {rate[1] / rate[0]:.1f}); time to floor + 1 % {wait[0]:.0f} ms plain, "
        f"{wait[1]:.0f} ms lab (x {wait[0] / wait[1]:.1f})"
    )
    lab.close()
    assert rate[1] > rate[0]


@pytest.mark.parametrize("key", CASES)
def test_slides_end_within_one_per_cent_of_the_floor(key):
    """The excess of the fit shown over the floor, at n = 10,000, over 10 slides."""
    lab = LABS[key]()
    limit = 0.01 * CASES[key][0].noise_floor()
    excess, seconds = [], []
    for position in torch.rand(10, generator=torch.Generator().manual_seed(1)).tolist():
        start = time.perf_counter()
        lab.set(noise=0.2 + 1.8 * position)
        seconds.append(time.perf_counter() - start)
        excess.append((lab.expected_nll - lab.problem.noise_floor()) / limit)
    print(
        f"\nlesson {key}: excess over the floor in % of it: median {median(excess):.2f}, "
        f"worst {max(excess):.2f}; {1000 * median(seconds):.0f} ms a slide in the kernel"
    )
    lab.close()
    assert median(excess) < 1


@pytest.mark.parametrize(("n", "hidden"), [(100, (50,)), (300, (20,)), (500, (50, 50))])
def test_five_members_train_in_at_most_twice_the_time_of_one(n, hidden):
    """At the sizes of small data; at 500 points and two layers of 50 arithmetic has its price."""
    x, y = WAVE.sample(n)
    seconds = {"one": [], "five": []}
    for _ in range(7):
        for name, new_model in (("one", HeteroscedasticRegressor), ("five", Ensemble)):
            model, start = new_model(hidden=hidden), time.process_time()
            fit(model, mean_nll, x, y, steps=200)
            seconds[name].append(time.process_time() - start)
    one, five = (median(values) / 200 * 1e6 for values in seconds.values())
    print(f"\n{n} points, {hidden}: a step {one:.0f} µs for one, x {five / one:.2f} for five")
    assert five < 5 * one


def test_a_step_of_fit_costs_that_of_the_bare_loop():
    """The time of a step of fit over that of the bare loop: a ratio, on whatever machine."""
    x, y = WAVE.sample(500, seed=0)

    def bare(model, steps):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
        for _ in range(steps):
            mu, log_var = model(x)
            loss = (0.5 * (log_var + (y - mu) ** 2 * torch.exp(-log_var))).mean()
            loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def seconds(work):
        model = HeteroscedasticRegressor()
        start = time.process_time()
        work(model, 200)
        return time.process_time() - start

    def ours(model, steps):
        fit(model, mean_nll, x, y, steps=steps)

    ratios = [seconds(ours) / seconds(bare) for _ in range(7)]
    assert median(ratios) < 1.25, ratios
