"""The labs, driven as a hand would: over the ends of every slider, and while they work."""

import datetime
import html
import io
import itertools
import math
import random
import re
import signal
import threading
from copy import deepcopy
from statistics import median
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _instances as open_widgets
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image
from torch.nn import Parameter
from torch.optim import Adam

from course_lessons.labs import lesson_07, lesson_08, lesson_10, lesson_11
from course_utils import labs
from course_utils.data import WAVE
from course_utils.labs import LABS, picture
from course_utils.labs.cells import Sample, expected_nll
from course_utils.labs.likelihoods import Gaussian, GaussianWithKL
from course_utils.labs.page import playing_trait
from course_utils.labs.picture import DENSITY, HEIGHT, WIDTH, Picture
from course_utils.losses import gaussian_nll

pytestmark = pytest.mark.usefixtures("quick_pictures")
TRAINED = sorted(key for key in LABS if LABS[key].train_steps)
WITH_RATE = [key for key in TRAINED if "learning rate" in LABS[key].alt]
lay_out, draw_axes = ConstrainedLayoutEngine.execute, Axes.draw  # quick_pictures leave them out


def short(key):
    """A lab on a small budget of training: enough for all that is not about the fit."""
    Full = LABS[key]
    budget = {"train_steps": min(Full.train_steps, 20), "refit_steps": 10}
    return type(Full.__name__, (Full,), budget)()


def full(key):
    """A lab as learners have it, but for the picture, that none of these tests looks at."""
    lab = LABS[key]()
    lab.picture = SimpleNamespace(draw=lambda *curves: None, jpeg=lambda: b"\xff\xd8")
    return lab


@pytest.fixture(scope="module")
def the(quick_pictures):
    """The lab of a lesson, short or full: made once, and at each use set back to its first fit."""
    made, before = {}, set(open_widgets)

    def lab_of(key, make=short):
        if (key, make) not in made:
            lab = make(key)
            made[key, make] = lab, lab.mu
            return lab
        lab, mu = made[key, make]
        lab.buttons["reset"].click()
        assert vars(lab.value) == lab.defaults and not lab.message
        assert torch.equal(lab.mu, mu)
        return lab

    yield lab_of
    for lab, _ in made.values():
        lab.close()
    assert set(open_widgets) == before


@pytest.fixture(params=sorted(LABS))
def lab(request, the):
    return the(request.param)


def ends(control):
    """The lowest and the highest value of a slider."""
    return value_at(control, 0), value_at(control, 1)


def value_at(control, share):
    """The value at a share of a slider's track."""
    if hasattr(control, "options"):
        return control.options[round(share * (len(control.options) - 1))]
    at = control.min + share * (control.max - control.min)
    if isinstance(control, widgets.FloatLogSlider):
        return control.base**at
    return type(control.value)(at)


def far_end(control):
    low, high = ends(control)
    return low if control.value != low else high


def spoken(control):
    """A handle has no accessible name, and that of a log slider says an exponent."""
    at = f"{control.value:.4g}" if isinstance(control.value, float) else control.value
    return f"{control.description} {at}. "


def tick(lab, times=1):
    """What the browser does while the lab plays."""
    for _ in range(times):
        lab.clock.value += 1


def plain(lab):
    """The picture without what lies pale under it."""
    lab.picture.draw(lab.curves())
    return lab.picture.jpeg()


def sound(lab):
    """No error, a picture, a state that is finite, and no number shown that is not."""
    assert not lab.failed, lab.message
    assert "#c00000" not in lab.text.value
    assert not re.search(r"\b(nan|inf)\b", str(lab.numbers()))
    assert bytes(lab.image.value[:2]) == b"\xff\xd8"  # JPEG
    state = lab.state
    assert state.keys() == {"mu", "sigma", "steps", "loss", "message"}
    assert state["mu"].shape == state["sigma"].shape == lab.x.shape
    assert state["mu"].isfinite().all()
    assert state["sigma"].isfinite().all()
    assert math.isfinite(state["loss"])
    return True


def test_no_corner_of_the_sliders_fails(lab):
    names = list(lab.controls)
    for corner in itertools.product(*map(ends, lab.controls.values())):
        lab.set(**dict(zip(names, corner, strict=True)))
        assert sound(lab)


def test_slides_end_at_the_picture_of_a_lab_that_is_set_there_directly(lab):
    chance, open_before = random.Random(0), set(open_widgets)
    for name, control in lab.controls.items():
        before = lab.image.value
        control.value = far_end(control)
        assert lab.image.value != before, name
        assert spoken(control) in html.unescape(lab.text.value)
        assert sound(lab)
    order = sorted(lab.controls, key=lambda name: name not in lab.retrains)  # refits last
    for name in [*order, *order, order[-1]]:
        lab.set(**{name: value_at(lab.controls[name], chance.random())})
        assert sound(lab)
    values, there = vars(lab.value), plain(lab)
    assert set(open_widgets) == open_before
    lab.reset()
    lab.set(**values)
    lab.set(**{name: values[name]})
    assert plain(lab) == there


@pytest.mark.parametrize("key", WITH_RATE)
def test_nothing_fails_without_noise_however_long_it_trains(the, key):
    """Without noise, or with one point, σ falls on and on."""
    lab = the(key, full)
    least = {name: ends(lab.controls[name])[0] for name in lab.controls.keys() - lab.retrains}
    lab.set(**least, lr=0.01)
    assert sound(lab)
    lab.set(**least)
    assert sound(lab)


def test_names_in_a_panel_cannot_meet_and_stay_in_it_wherever_the_curves_go(lab, monkeypatch):
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lay_out)
    taken, labels = {}, Picture(lab.panels()).labels
    for name in labels.keys() & lab.last.keys():
        label, (x, *ys) = labels[name], lab.last[name]
        ax = label.artist.axes
        for shift in np.linspace(-1, 1, 9) * np.ptp(ax.get_ylim()):
            place = label.place((x, *(np.asarray(y) + shift for y in ys)))
            if place:
                corners = np.array([place, np.add(place, (label.width, label.height))])
                assert (corners > ax.bbox.p0 - 1).all() and (corners < ax.bbox.p1 + 1).all()
        if len(set(np.ravel(x))) > 1:  # else it rides on a vertical line or a point
            left = label.share * (ax.bbox.width - label.width)
            taken.setdefault(ax, []).append((left, left + label.width))
    for pairs in map(itertools.pairwise, map(sorted, taken.values())):
        assert all(one[1] <= other[0] for one, other in pairs)


def test_a_page_without_a_kernel_gets_a_picture_and_its_text(lab):
    data, metadata = lab._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == lab.alt
    assert lab.alt.startswith("Lab: ")
    assert len(data["image/png"]) < 25_000  # with axes and all its pixels up to four times that
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.view.model_id


def test_a_picture_is_sharp_on_a_high_density_screen_and_small_in_a_file(the, monkeypatch):
    monkeypatch.setattr(picture, "DENSITY", DENSITY)
    monkeypatch.setattr(Axes, "draw", draw_axes)
    lab = the("01")
    sharp = Picture(lab.panels())
    sharp.draw(lab.curves())
    png = sharp.png()
    assert Image.open(io.BytesIO(png)).size == (2 * WIDTH, 2 * HEIGHT)
    assert len(png) < 75_000


@pytest.mark.parametrize("lab", ["00", "12"], indirect=True)
def test_the_last_fit_stays_pale_until_the_sliders_have_stood_still_for_a_moment(lab):
    first, moment = lab.image.value, playing_trait(lab.moment)
    assert first == plain(lab)
    slider = next(iter(lab.controls.values()))
    for share in (0.9, 0.8):
        slider.value = value_at(slider, share)
        assert lab.image.value != plain(lab)
        lab.picture.draw(lab.last, lab.before)
        assert lab.image.value == lab.picture.jpeg()
    lab.picture.draw(lab.before)
    assert first == lab.picture.jpeg()  # that before the first of the two slides
    setattr(lab.moment, moment, False)  # as the page does after a second
    assert lab.before and getattr(lab.moment, moment)  # there was a slide since
    setattr(lab.moment, moment, False)
    assert lab.image.value == plain(lab)
    slider.value = value_at(slider, 0.7)
    assert lab.image.value != plain(lab)
    lab.rewind()
    assert lab.image.value == plain(lab)


@pytest.mark.parametrize("lab", TRAINED, indirect=True)
def test_playing_trains_with_the_sliders_as_they_are_and_a_pause_stops_it(lab):
    lab.buttons["rewind"].click()
    assert lab.state["steps"] == 0
    lab.play()
    tick(lab, 3)
    steps, before = lab.state["steps"], lab.image.value
    assert steps >= 3
    assert "aria-live" not in lab.text.value
    if "lr" in lab.controls:
        slider = next(lab.controls[name] for name in lab.controls if name not in lab.retrains)
        slider.value = far_end(slider)
        assert lab.image.value != before
        assert lab.state["steps"] == steps
        lab.controls["lr"].value = 0.001
        tick(lab)
        assert 0 < lab.fit.optimizer.param_groups[0]["lr"] <= 0.001
        assert lab.state["steps"] > steps
    steps = lab.state["steps"]
    lab.pause()
    tick(lab)  # one that was on its way
    assert lab.state["steps"] == steps
    lab.buttons["step"].click()
    assert lab.state["steps"] == steps + 1
    assert "aria-live" in lab.text.value
    assert sound(lab)


@pytest.mark.parametrize("lab", WITH_RATE, indirect=True)
def test_divergence_keeps_the_last_finite_fit_and_says_so(lab, monkeypatch):
    mu, descent = lab.mu, type(lab.fit).descent
    with monkeypatch.context() as patch:
        patch.setattr(type(lab.fit), "descent", lambda fit: descent(fit) * math.nan)
        lab.set(lr=ends(lab.controls["lr"])[1])
    assert "Diverged" in lab.state["message"]
    assert "at step 0" in lab.state["message"]
    assert "smaller learning rate" in lab.text.value
    assert torch.equal(lab.mu, mu)
    lab.ask(lab.rest)  # which looks again at the model
    assert torch.equal(lab.mu, mu)
    lab.set(lr=0.01)
    assert lab.state["message"] == ""


def test_an_error_is_shown_in_red_and_the_lab_goes_on(the, monkeypatch):
    lab = the("03")
    with monkeypatch.context() as patch:
        patch.setattr(lab, "first_weights", lambda at: {}["<the weights>"])
        lab.set(lr=0.02)
    assert lab.state["message"] == "KeyError: '<the weights>'"
    assert "#c00000" in lab.text.value
    assert "&lt;the weights&gt;" in lab.text.value
    lab.set(lr=0.03)
    assert sound(lab)


@pytest.fixture
def interrupt():
    """Ctrl-C in the midst of the next call of a method; as in ipykernel, Python's own handler."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)

    def at(owner, name):
        method = getattr(owner, name)

        def interrupted(*args):
            patch.undo()
            signal.raise_signal(signal.SIGINT)
            return method(*args)

        patch = pytest.MonkeyPatch()
        patch.setattr(owner, name, interrupted)

    yield at
    signal.signal(signal.SIGINT, usual)


def test_an_interrupt_waits_until_the_picture_is_drawn_and_pauses_the_play(the, interrupt):
    lab = the("03")
    for noise, owner, name in [(2, lab, "new_loss"), (3, lab.picture, "draw"), (4, lab, "tell")]:
        interrupt(owner, name)
        with pytest.raises(KeyboardInterrupt):
            lab.set(noise=noise)
        assert sound(lab)
        assert lab.problem.truth(lab.x)[1][0].item() == noise
        lab.picture.draw(lab.curves(), lab.before)
        assert lab.image.value == lab.picture.jpeg()
    lab.play()
    interrupt(lab, "look")
    with pytest.raises(KeyboardInterrupt):  # ipykernel takes it from here
        tick(lab)
    assert "Interrupted" in lab.text.value and not lab.playing
    steps = lab.state["steps"]
    lab.play()
    tick(lab)
    assert lab.state["steps"] > steps
    assert sound(lab)


def test_a_second_run_of_a_cell_closes_what_the_first_has_made(interrupt, monkeypatch):
    run = {"metadata": {"cellId": "a"}, "header": {"msg_id": "1"}}
    monkeypatch.setattr(labs.page, "get_ipython", lambda: SimpleNamespace(get_parent=lambda: run))
    before = set(open_widgets)
    LABS["01"]()
    one = set(open_widgets) - before
    interrupt(LABS["03"], "new_controls")
    with pytest.raises(KeyboardInterrupt):
        LABS["03"]()
    both = set(open_widgets) - before
    assert both > one
    run["header"] = {"msg_id": "2"}
    second = LABS["01"]()
    assert not both & set(open_widgets)
    run["metadata"] = {"cellId": "b"}
    LABS["01"]().close()
    assert second.view.model_id in open_widgets
    second.close()
    assert set(open_widgets) == before


def test_a_slide_while_the_lab_works_is_done_next(the):
    lab = the("03", full)
    look, slider = lab.look, lab.controls["noise"]

    def slide_and_look():
        del lab.look
        other = threading.Thread(target=setattr, args=(slider, "value", 3), daemon=True)
        other.start()
        other.join(timeout=10)
        look()

    lab.look = slide_and_look
    lab.set(noise=2)
    assert sound(lab)
    assert not lab.turns.busy and not lab.turns.waiting
    assert lab.problem.truth(lab.x)[1][0].item() == 3
    assert lab.sigma[0].item() == pytest.approx(3, rel=0.05)
    assert lab.sigma[0].item() == pytest.approx(math.sqrt(lab.mean_square()), rel=0.01)


def test_set_moves_several_sliders_for_one_fit_and_refuses_what_none_could_do(the, monkeypatch):
    lab, asked = the("03"), []
    monkeypatch.setattr(lab.turns, "ask", asked.append)
    lab.set(noise=2, lr=0.1)
    assert asked == [lab.restart]
    refused = [("03", "sigma", "one of noise, lr, start")]
    refused += [("03", "noise", "beyond its slider"), ("04", "n", "beyond its slider")]
    for key, name, words in refused:
        with pytest.raises(ValueError, match=words):
            the(key).set(**{name: -1})


def test_limits_follow_the_data_in_stages_and_the_picture_is_that_of_the_stage(the):
    lab = the("00")
    axes, steps = (lab.picture.artists[name].axes for name in ("data", "loss"))
    limits, pictures = [], []
    for noise in (0.3, 2, 0.3):
        lab.set(noise=noise)
        limits.append(axes.get_ylim())
        pictures.append(plain(lab))
        low, high = lab.shown[1].aminmax()
        assert limits[-1][0] <= low and high <= limits[-1][1]
    assert limits[0] == limits[2] != limits[1]
    assert pictures[0] == pictures[2]
    assert steps.get_xlim() == (1, 300)
    lab.fit.go_on(300)
    lab.step()
    assert steps.get_xlim() == (1, 3000)


# Slide, then Play: the fit goes on


@pytest.fixture
def whole_ticks(monkeypatch):
    """Each tick trains 25 steps, however slow the machine and from the first."""
    monkeypatch.setattr(labs.lab, "TICK_SECONDS", math.inf)
    monkeypatch.setattr(labs.lab, "SLOW", 0.01)


def goes_on(lab):
    """Play does not spoil the fit in its first steps, and has not by the end of 300."""
    fitted, before = lab.loss_now, len(lab.losses)
    lab.play()
    tick(lab, 12)
    lab.pause()
    assert len(lab.losses) == before + 300
    assert sound(lab) and lab.message == ""
    width = 15 if hasattr(lab, "draws") else 1  # of lab 07's noise it shows the running median
    ends = range(before + 1, before + 26)
    assert max(median(lab.losses[end - width : end]) for end in ends) < fitted + 0.1, lab.value
    assert median(lab.losses[-25:]) < fitted + 0.02, lab.value


@pytest.mark.parametrize("key", TRAINED)
def test_play_goes_on_from_the_first_picture_and_from_any_refit(the, whole_ticks, key):
    lab = the(key, full)
    first = lab.mu
    goes_on(lab)
    for name in lab.controls.keys() - lab.retrains:
        lab.reset()
        lab.set(**{name: value_at(lab.controls[name], 4 / 5)})
        if not torch.equal(lab.mu, first):
            goes_on(lab)
            slow = lab.fit.optimizer.param_groups[0]["lr"]
            lab.play()
            lab.controls[name].value = far_end(lab.controls[name])  # there is more to learn
            tick(lab)
            awake = lab.fit.optimizer.param_groups[0]["lr"] > slow
            assert awake or key == "08"  # whose rate is always the same


@pytest.mark.parametrize("key", WITH_RATE)
def test_slides_while_playing_train_back_and_the_largest_rate_spoils_the_fit(the, whole_ticks, key):
    lab = the(key, full)
    fitted, chance = lab.loss_now, random.Random(0)
    lab.play()
    for _ in range(5):
        name = chance.choice(sorted(lab.controls.keys() - {"lr"}))
        lab.controls[name].value = value_at(lab.controls[name], chance.random())
        tick(lab, 2)
        assert sound(lab) and lab.message == ""
    for name, value in lab.defaults.items():
        lab.controls[name].value = value
    tick(lab, 40)
    assert lab.playing
    assert lab.loss_now < fitted + 0.1
    lab.controls["lr"].value = ends(lab.controls["lr"])[1]
    tick(lab, 12)
    diverged = lab.message.startswith("Diverged: the loss became ")
    assert diverged == (not lab.playing)
    assert diverged or lab.loss_now > fitted + 1 or key == "08"  # a walk stands any rate
    assert lab.fit.value() == pytest.approx(lab.loss_now)  # that of the last finite fit
    assert sound(lab)


# What the labs are meant to show


@pytest.mark.parametrize("key", ["00", "03"])
def test_slides_end_within_one_per_cent_of_the_floor(the, key):
    lab = the(key, full)
    limit = 0.01 * lab.problem.noise_floor()
    slider = lab.controls["noise"]
    stops = round(slider.max / slider.step)  # without noise there is no floor
    for stop in [1, stops, *random.Random(0).sample(range(1, stops), 8)]:
        lab.set(noise=stop * slider.step)
        assert lab.expected_nll - lab.problem.noise_floor() < limit, lab.value
        assert lab.state["steps"] == len(lab.losses) < 2 * lab.refit_steps  # a line search ends


@pytest.mark.parametrize(("key", "first"), [("02", {"seed": 3}), ("03", {"start": 0.5})])
def test_a_refit_starts_from_weights_that_were_trained_at_the_defaults(the, key, first):
    fits = []
    for astray in ({}, {"lr": 10}, {"lr": 1e-4}, {"noise": 0}):
        lab = the(key)
        for slides in (astray, first, {"noise": 2}):
            lab.set(**slides)
        assert sound(lab)
        fits.append(torch.stack([lab.mu, lab.sigma]))
    for fit in fits[1:]:
        torch.testing.assert_close(fit, fits[0])


def test_the_variance_of_predictions_learns_the_shrunken_slope(the):
    lab = the("02", full)
    for noise in (0, 6, 1, 3):
        lab.set(noise=noise)
        assert lab.slope() == pytest.approx(2.3 * lab.shrunken(noise), rel=0.02)


def test_played_from_its_first_weights_lab_02_is_a_film_that_ends_on_the_law(the, whole_ticks):
    lab = the("02", full)
    assert len(lab.trail) == 1
    lab.rewind()
    lab.play()
    tick(lab, 16)
    assert lab.trail[0] < 0.5 and max(lab.trail) > 3  # past the law, which the line then sinks to
    assert lab.trail[-1] == pytest.approx(2.3 * math.sqrt(3) * lab.shrunken(1), rel=0.02)
    assert len(lab.trail) == len(lab.curves()["trail"][0]) == 17


def test_play_begins_with_one_step_a_picture_and_keeps_an_even_pace_on_the_axis_of_steps(the):
    lab = the("02", full)
    lab.rewind()
    lab.play()
    steps = []
    for _ in range(80):
        tick(lab)
        steps.append(lab.state["steps"])
    assert steps[:40] == list(range(1, 41))
    assert 1 < steps[-1] / steps[-2] < 1.06


def test_only_the_negative_binomial_follows_counts_that_vary_more(the):
    lab = the("11", full)

    def behind(family, spread):
        lab.set(family=family, spread=spread)
        floor = lab.truth(lab.x, spread).log_prob(lesson_11.COUNTS)
        return lab.expected_nll + (floor.exp() * floor).sum(dim=1).mean().item()

    assert 0 < behind("Poisson", 0) < 0.03 < behind("Gaussian", 0)
    assert 0 < behind("negative binomial", 0) < 0.03
    assert 0 < behind("negative binomial", 0.5) < 0.03
    assert lab.covered > 0.95
    assert behind("Gaussian", 0.5) + 0.1 < behind("Poisson", 0.5)
    assert lab.covered < 0.87


@pytest.mark.parametrize("optimizer", lesson_08.OPTIMIZERS)
@pytest.mark.parametrize("head", lesson_08.HEADS)
def test_each_step_of_a_walk_is_that_of_autograd(the, head, optimizer):
    """Down to the step at which a raw σ² goes below 0, which the lab says."""
    lab, (head_of, _, raw_of) = the("08"), lesson_08.HEADS[head]
    for start, noise in [(1, 0.1), (20, 2), (0.3, 2)]:
        lab.set(head=head, optimizer=optimizer, start=start, noise=noise)
        S, raw = lab.rms() ** 2, Parameter(torch.tensor(raw_of(start**2), dtype=torch.float64))
        descent, path = lesson_08.OPTIMIZERS[optimizer]([raw], lr=lab.value.lr), []
        while (var := head_of(raw)) > 0 and len(path) <= lab.train_steps:
            path.append(var.sqrt().item())
            descent.zero_grad()
            (0.5 * (var.log() + S / var)).backward()
            descent.step()
        assert lab.path[0] == pytest.approx(start)
        assert lab.path == pytest.approx(path, rel=1e-9)
        assert (f"σ² went below 0 at step {len(path)}," in lab.message) == (var <= 0).item()
        assert bool(lab.message) == (var <= 0).item()
        assert sound(lab)


def test_no_learning_rate_walks_a_raw_variance_home_from_far_above(the):
    """What the lesson asks: too slow, or below 0; log σ² arrives from there."""
    lab = the("08", full)
    lab.set(head="raw σ²", start=1, noise=0.1)
    for power in range(-16, 5):
        lab.set(lr=10 ** (power / 4))
        assert ("σ² went below 0" in lab.message) == (power > -10)
        assert not lab.arrived()
    lab.set(head="log σ²", lr=0.1)
    assert lab.arrived()


# Cells: what makes the labs fast must not change what they compute


def test_cells_give_the_likelihood_of_their_points_and_a_grid_that_of_new_ones():
    sample = Sample(WAVE, 300, seed=1, cells=100)
    x, y = WAVE.sample(300, seed=1)
    torch.testing.assert_close(sample.shown(WAVE), (x, y))
    grid = WAVE.grid(2001)
    floor = expected_nll(WAVE, grid, *WAVE.truth(grid))
    assert floor == pytest.approx(WAVE.noise_floor(), abs=1e-3)
    width = 6 / 100
    rounded = -3 + (((x + 3) / width).floor() + 0.5) * width
    mean, sigma = WAVE.truth(rounded)
    y = mean + sigma * (y - WAVE.truth(x)[0]) / WAVE.truth(x)[1]
    cells = sample.of(WAVE)
    assert cells.weight.sum().item() == pytest.approx(1)
    assert Gaussian(cells).value(torch.cos(cells.x), 0.3 * cells.x).item() == pytest.approx(
        gaussian_nll(y, torch.cos(rounded), 0.3 * rounded).mean().item(), rel=1e-12
    )


@pytest.mark.parametrize("lab", sorted(set(TRAINED) - {"08"}), indirect=True)
def test_a_step_is_that_of_autograd_and_of_pytorchs_adam(lab):
    other = {"start": 0.7, "beta": 0.5}  # than 1, whose log is 0, and than the plain NLL
    lab.set(**{name: value for name, value in other.items() if name in lab.controls})
    lab.rewind()
    plain, loss = deepcopy(lab.model), deepcopy(lab.fit.loss)
    adam = Adam(plain.parameters(), lab.fit.lr, (0.9, 0.95), weight_decay=lab.fit.weight_decay)
    for i in range(3):
        if hasattr(loss, "seed"):
            loss.seed = 1 + i  # lab 07 draws weights, anew for each step
        adam.zero_grad()
        value = loss(plain)
        value.backward()
        adam.step()
        lab.step()
        assert lab.losses[-1] == pytest.approx(value.item(), rel=1e-9)
    for mine, its in zip(lab.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-7, atol=1e-9)


def test_the_best_shift_of_a_loss_is_where_its_slope_is_0():
    cells = Sample(WAVE, 300).of(WAVE)
    mu, log_var = torch.cos(cells.x), 0.3 * cells.x
    for loss in (Gaussian(cells), GaussianWithKL(cells, 0.3)):
        *_, by_log_var = loss.slopes(mu, log_var + loss.best_shift(mu, log_var))
        assert by_log_var.sum().abs() < 1e-12


def test_the_gaussian_process_of_lab_07_has_the_prior_of_the_bumps(the):
    lab = the("07")
    lab.set(n=30, prior=1.5)
    x = torch.cat([lab.cells.x, lab.wide[[100, 140, 199]]])
    net, chance = lab.first_weights(lab.value), torch.Generator().manual_seed(0)
    for layer in net.net[::2]:
        torch.nn.init.zeros_(layer.mu)
        torch.nn.init.constant_(layer.log_var, 2 * math.log(1.5))
    drawn = lesson_07.Drawn(*lesson_07.rows(net), 20_000, chance).weights
    *_, outputs = lesson_07.run(lesson_07.with_ones(x), *lesson_07.by_layer(drawn))
    K, n = outputs[:, 0].detach().T.cov(), len(lab.cells.x)
    noise = lab.problem.truth(lab.cells.x)[1][:, 0].square() / (lab.cells.weight[:, 0] * lab.kept)
    explained = K[n:, :n] @ torch.linalg.solve(K[:n, :n] + noise.diag(), K[:n, n:])
    sd = (K[n:, n:] - explained).diagonal().sqrt()
    torch.testing.assert_close(lab.reference[[100, 140, 199], 0], sd, rtol=0.05, atol=0)


def test_in_the_gap_lab_07_is_as_unsure_as_the_gaussian_process(the):
    lab = the("07", full)
    at_0 = lab.wide.abs().argmin()
    for n in (30, 300, 3000):
        lab.set(n=n)
        assert 0.6 < lab.epistemic[at_0] / lab.reference[at_0, 0] < 1.6


def test_a_draw_that_costs_thousands_of_nats_is_no_divergence(the):
    lab = the("07", full)
    lab.set(n=10, prior=5, gap=1.5)
    assert lab.message == ""
    lab.play()
    tick(lab, 20)
    assert lab.message == "" and sound(lab)


def test_the_beta_nll_pulls_evenly_at_1_and_finds_the_mean_that_the_nll_misses(the):
    lab = the("09", full)
    missed = lab.rmse()
    assert lab.pull().min() < 0.02  # β = 0: where the mean is missed, the points hardly pull
    lab.set(beta=1)
    assert lab.rmse() < missed / 3
    assert torch.equal(lab.pull(), torch.ones_like(lab.x))


def test_lab_10_leaves_residuals_that_know_nothing_of_its_waves(the):
    """Least squares; σ² is their mean square, which falls with each wave."""
    lab = the("10")
    x, y = lab.fitted
    weights, variances = zip(*map(lab.solve, lab.widths), strict=True)
    residuals = y - lesson_10.features(x, 12) @ weights[12]
    assert (lesson_10.features(x, 12).T @ residuals).abs().max() < 1e-6
    assert variances[12] == pytest.approx(residuals.square().mean().item())
    assert all(more > less for more, less in itertools.pairwise(variances))


def test_lab_12_judges_as_its_metrics_do_and_a_right_forecast_stays_in_the_grey(the):
    lab = the("12")
    assert "+0.000 nats" not in str(lab.numbers())
    lab.set(scale=1.0, points=2000)
    assert lab.numbers()["NLL above the truth's"] == "+0.000 nats"
    curves = lab.curves()
    (_, low, high), (levels, observed) = curves["honest"], curves["observed"]
    assert ((low <= observed) & (observed <= high)).double().mean() > 0.7
    at = (levels - 0.95).abs().argmin()
    assert f"coverage {observed[at]:.3f}" in str(lab.numbers())
    lab.set(shift=2.0)
    heights = curves["pit"][1], lab.curves()["pit"][1]
    assert heights[0].max() < 1.5 and heights[1][-2] > 3


def test_the_conformal_interval_of_lab_13_gives_what_it_says(the):
    lab = the("13")
    x, y = WAVE.sample(200_000, seed=7)
    mean, sigma = WAVE.truth(x)
    for level, rows, drift in ((0.9, 99, 1.0), (0.8, 19, 2.0), (0.95, 999, 0.5)):
        lab.set(level=level, rows=rows, drift=drift)
        inside = (drift * (y - mean).abs() <= lab.q * 0.6 * sigma).double().mean().item()
        assert lab.gives() == pytest.approx(inside, abs=4 * math.sqrt(0.1 / 200_000))
    lab.set(level=0.95, rows=9)
    assert lab.law() is None and "lower" not in lab.curves()
    assert "infinite" in str(lab.numbers())


def test_members_of_lab_14_are_at_the_minimum_of_their_penalised_likelihood(the):
    lab = the("14")
    for n, gap in ((30, 0), (300, 0.5), (10_000, 1.5)):
        lab.set(n=n, gap=gap, members=20)
        model, cells = lab.model, lab.cells
        penalty = ((model.mean - model.first) ** 2).sum() + (model.log_var**2).sum()
        nll = sum(Gaussian(cells).value(*pair) for pair in zip(*model(cells.x), strict=True))
        (nll + penalty / (2 * lab.kept)).backward()
        for parameter in (model.mean, model.log_var):
            assert parameter.grad.abs().max() < 2e-3


def test_in_lab_14_more_points_shrink_the_epistemic_part_among_the_data_only(the):
    lab = the("14")
    there, hole = (lab.wide.abs() > 1.2) & (lab.wide.abs() < 2.8), lab.wide.abs() < 0.5
    found = []
    for n in (100, 10_000):
        lab.set(n=n)
        found.append([part[where].mean() for part in lab.parts[1:] for where in (there, hole)])
    (noise, _, data, gap), (noise_many, _, data_many, gap_many) = found
    assert data_many < data / 4
    assert gap_many > gap / 4
    assert gap_many > 10 * data_many
    assert noise_many == pytest.approx(noise.item(), rel=0.2)
    lab.set(gap=0)
    _, aleatoric, epistemic = lab.parts
    assert epistemic[hole].mean() < gap_many / 10
    torch.testing.assert_close(epistemic[:, 0], lab.mus[..., 0].std(0))
    share = lab.curves()["share"][1]
    torch.testing.assert_close(share * (aleatoric**2 + epistemic**2), epistemic**2)


# The lab of lesson 15: files of strangers


def csv_of(rows, names="a,b"):
    return "\n".join([names, *rows]).encode()


ROWS = [f"{i},{(i * 37) % 11}" for i in range(40)]
HOSTILE_FILES = {
    "one row": (b"a,b\n1,2\n", "20 rows"),
    "text as target": (csv_of(["0,x", *ROWS]), "two columns of numbers"),
    "constant target": (csv_of([f"{i},3" for i in range(40)]), "must vary"),
    "constant input": (csv_of([f"3,{i}" for i in range(40)]), "constant columns only"),
    "all holes": (csv_of([f"{i}," if i % 2 else f",{i}" for i in range(40)]), "of use"),
    "too large": (csv_of([*ROWS, "1,1e300"]), "column 'b'"),
}


@pytest.fixture
def real_data(the):
    return the("15")


def upload(lab, content):
    """What a page does when a file has been chosen."""
    file = {"name": "mine.csv", "type": "", "size": len(content), "content": memoryview(content)}
    lab.upload.value = ()
    lab.upload.value = (file | {"last_modified": datetime.datetime(2026, 1, 1)},)


def test_a_strangers_file_is_fitted(real_data):
    """Of many rows with decimal commas; what else is read, test_look.py says."""
    upload(real_data, csv_of([f"{i},5;{(i * 37) % 101}" for i in range(20_000)], "a;b"))
    assert real_data.message == ""
    assert real_data.value.data == "your file"
    assert real_data.shown_as == "b over a"
    assert "1,000 rows drawn of 20,000" in real_data.numbers()
    assert sound(real_data)


@pytest.mark.parametrize(("content", "words"), HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_a_hostile_file_gives_a_sentence_and_the_last_picture_stays(real_data, content, words):
    real_data.set(data="engel")
    image, numbers = real_data.image.value, real_data.numbers()
    upload(real_data, content)
    assert re.search(words, real_data.message), real_data.message
    assert real_data.message[:40] in html.unescape(real_data.text.value)
    assert real_data.image.value == image
    assert real_data.numbers() == numbers
    assert real_data.value.data == "engel"
    real_data.set(kind="one σ")
    assert real_data.message == ""
    assert sound(real_data)


def test_the_target_is_one_of_the_columns_that_vary(real_data):
    real_data.set(data="diabetes")
    assert real_data.target.value == "progression"
    before = real_data.image.value
    real_data.target.value = "bp"
    assert real_data.image.value != before
    assert real_data.shown_as.startswith("bp over ")
    real_data.reset()
    assert real_data.target.value == "accel"
    upload(real_data, csv_of([f"7,{row}" for row in ROWS], "c,a,b"))
    image = real_data.image.value
    real_data.target.value = "c"
    assert "must vary" in real_data.message
    assert real_data.image.value == image
    assert real_data.target.value == "b"
    real_data.set(kind="one σ")
    assert sound(real_data)
    assert real_data.shown_as == "b over a"


def test_two_outputs_are_surer_and_worse_on_the_held_out_rows_of_diabetes(the):
    lab = the("15", full)

    def nlls(data, kind):
        lab.set(data=data, kind=kind)
        return lab.nlls

    trained, held = nlls("diabetes", "two outputs")
    assert trained < held - 1
    assert held > nlls("diabetes", "one σ")[1] + 0.5
    assert nlls("motorcycle", "two outputs")[1] < nlls("motorcycle", "one σ")[1] - 0.2
