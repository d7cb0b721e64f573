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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances as open_widgets
from PIL import Image
from torch.optim import Adam

from course_lessons.labs import lesson_07, lesson_08, lesson_11
from course_utils import labs
from course_utils.data import LINE, WAVE
from course_utils.labs import LABS, picture
from course_utils.labs.cells import Sample, expected_nll
from course_utils.labs.likelihoods import BetaGaussian, Gaussian, GaussianWithKL
from course_utils.labs.picture import DENSITY, HEIGHT, WIDTH, Picture
from course_utils.losses import gaussian_nll
from course_utils.randomness import OwnDraws
from course_utils.widgets import playing_trait

pytestmark = pytest.mark.usefixtures("quick_pictures")
TRAINED = sorted(key for key in LABS if LABS[key].train_steps)
WITH_RATE = [key for key in TRAINED if "learning rate" in LABS[key].alt]


def short(key):
    """A lab on a small budget of training: enough for all that is not about the fit."""
    Full = LABS[key]
    budget = {"train_steps": min(Full.train_steps, 20), "refit_steps": 10}
    return type(Full.__name__, (Full,), budget)()


@pytest.fixture(scope="module", params=sorted(LABS))
def lab(request, quick_pictures):
    before = set(open_widgets)
    lab = short(request.param)
    lab.key, lab.at_first = request.param, (vars(lab.value), lab.mu)
    yield lab
    lab.close()
    assert set(open_widgets) == before


@pytest.fixture
def new_lab():
    made = []

    def make(key, make_one=short):
        made.append(make_one(key))
        return made[-1]

    yield make
    for lab in made:
        lab.close()


def full(key):
    """A lab as learners have it."""
    return LABS[key]()


def ends(control):
    """The lowest and the highest value of a slider."""
    if hasattr(control, "options"):
        return control.options[0], control.options[-1]
    if isinstance(control, widgets.FloatLogSlider):
        return control.base**control.min, control.base**control.max
    return control.min, control.max


def value_at(control, share):
    """The value at a share of a slider's track."""
    if hasattr(control, "options"):
        return control.options[round(share * (len(control.options) - 1))]
    at = control.min + share * (control.max - control.min)
    if isinstance(control, widgets.FloatLogSlider):
        return control.base**at
    return type(control.value)(at)


def stops(control):
    """A random stop of a slider, by its number: of floats, hypothesis would try 0 and the ends."""
    if hasattr(control, "options"):
        return st.sampled_from(control.options)
    low, high, step = control.min, control.max, control.step
    stop = st.integers(0, round((high - low) / step)).map(lambda i: min(low + i * step, high))
    if isinstance(control, widgets.FloatLogSlider):
        return stop.map(lambda power: control.base**power)
    return stop


def tick(lab, times=1):
    """What the browser does while the lab plays."""
    for _ in range(times):
        lab.clock.value += 1


def sound(lab):
    """No error, a picture, a state that is finite, and no number shown that is not."""
    assert not lab.failed, lab.message
    assert "#c00000" not in lab.text.value
    assert not re.search(r"\b(nan|inf)\b", str(lab.numbers()))
    assert bytes(lab.image.value[:2]) == b"\xff\xd8"  # JPEG
    state = lab.state
    assert state["mu"].shape == state["sigma"].shape == lab.x.shape
    assert state["mu"].isfinite().all()
    assert state["sigma"].isfinite().all()
    assert math.isfinite(state["loss"])
    return True


def test_state_has_the_keys_of_the_contract(lab):
    assert lab.state.keys() == {"mu", "sigma", "steps", "loss", "message"}
    assert lab.state["message"] == ""
    assert sound(lab)


def test_no_corner_of_the_sliders_fails(lab):
    names = list(lab.controls)
    for corner in itertools.product(*(ends(control) for control in lab.controls.values())):
        lab.set(**dict(zip(names, corner, strict=True)))
        assert sound(lab)


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_slide_fails(lab, data):
    for name, control in lab.controls.items():
        lab.set(**{name: data.draw(stops(control), label=name)})
        assert sound(lab)


@pytest.mark.parametrize("lab", WITH_RATE, indirect=True)
def test_nothing_fails_without_noise_however_long_it_trains(lab, monkeypatch):
    """Without noise, or with one point, σ falls on and on: the budget here is the learner's."""
    monkeypatch.setattr(lab, "train_steps", LABS[lab.key].train_steps)
    monkeypatch.setattr(lab, "refit_steps", LABS[lab.key].refit_steps)
    problem = lab.controls.keys() - lab.retrains
    least = {name: ends(lab.controls[name])[0] for name in problem}
    lab.set(**least, lr=0.01)
    assert sound(lab)
    lab.set(**least)
    assert sound(lab)


def test_every_slider_moves_the_picture(lab):
    lab.reset()
    for name, control in lab.controls.items():
        before = lab.image.value
        low, high = ends(control)
        control.value = low if control.value != low else high
        assert lab.image.value != before, name


def test_reset_brings_back_the_defaults_and_the_same_fit(lab):
    lab.set(**{name: ends(control)[1] for name, control in lab.controls.items()})
    lab.reset()
    values, mu = lab.at_first
    assert vars(lab.value) == values
    assert torch.equal(lab.mu, mu)
    assert lab.state["message"] == ""


def test_names_in_a_panel_cannot_meet_and_stay_in_it_wherever_the_curves_go(lab):
    taken = {}
    for name in lab.picture.labels.keys() & lab.last.keys():
        label, (x, *ys) = lab.picture.labels[name], lab.last[name]
        ax = label.artist.axes
        for shift in np.linspace(-1, 1, 9) * np.ptp(ax.get_ylim()):
            place = label.place((x, *(np.asarray(y) + shift for y in ys)))
            if place:
                ends = np.array([place, np.add(place, (label.width, label.height))])
                assert (ends > ax.bbox.p0 - 1).all() and (ends < ax.bbox.p1 + 1).all()
        if len(set(np.ravel(x))) > 1:  # else it rides on a vertical line or a point
            left = label.share * (ax.bbox.width - label.width)
            taken.setdefault(ax, []).append((left, left + label.width))
    for pairs in map(itertools.pairwise, map(sorted, taken.values())):
        assert all(one[1] <= other[0] for one, other in pairs)


def test_the_slider_that_was_moved_is_named_where_the_numbers_are_read_out(new_lab):
    """Its handle has no accessible name, and that of a log slider says an exponent."""
    lab = new_lab("04")
    assert "points n 1" not in lab.text.value
    lab.controls["n"].value = 300
    assert "points n 300. " in lab.text.value
    lab.controls["lr"].value = 0.02
    assert "learning rate 0.02. " in lab.text.value
    lab.play()
    lab.clock.value += 1
    assert "learning rate 0.02" not in lab.text.value


def test_a_page_without_a_kernel_gets_a_picture_and_its_text(lab):
    data, metadata = lab._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == lab.alt
    assert lab.alt.startswith("Lab: ")
    assert len(data["image/png"]) < 40_000  # with all its pixels 2.4 times that
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.view.model_id


@pytest.mark.parametrize("lab", ["01"], indirect=True)
def test_a_picture_is_sharp_on_a_high_density_screen_and_small_in_a_file(lab, monkeypatch):
    monkeypatch.setattr(picture, "DENSITY", DENSITY)
    sharp = Picture(lab.panels())
    sharp.draw(lab.curves())
    png = sharp.png()
    assert Image.open(io.BytesIO(png)).size == (2 * WIDTH, 2 * HEIGHT)
    assert len(png) < 75_000


@pytest.mark.parametrize("lab", ["00", "12"], indirect=True)
def test_the_last_fit_stays_pale_until_the_sliders_have_stood_still_for_a_moment(lab):
    def plain():
        lab.picture.draw(lab.curves())
        return lab.picture.jpeg()

    lab.reset()
    first, moment = lab.image.value, playing_trait(lab.moment)
    assert first == plain()
    name = next(iter(lab.controls))
    for share in (0.9, 0.8):
        lab.controls[name].value = value_at(lab.controls[name], share)
        assert lab.image.value != plain()
        lab.picture.draw(lab.last, lab.before)
        assert lab.image.value == lab.picture.jpeg()
    lab.picture.draw(lab.before)
    assert first == lab.picture.jpeg()  # that before the first of the two slides
    setattr(lab.moment, moment, False)  # as the page does after a second
    assert lab.before and getattr(lab.moment, moment)  # there was a slide since
    setattr(lab.moment, moment, False)
    assert lab.image.value == plain()
    lab.controls[name].value = value_at(lab.controls[name], 0.7)
    assert lab.image.value != plain()
    lab.rewind()
    assert lab.image.value == plain()


@pytest.mark.parametrize("lab", TRAINED, indirect=True)
def test_playing_trains_and_a_pause_stops_it(lab):
    lab.reset()
    lab.rewind()
    assert lab.state["steps"] == 0
    lab.play()
    tick(lab, 3)
    steps = lab.state["steps"]
    assert steps >= 3
    lab.pause()
    tick(lab)  # one that was on its way
    assert lab.state["steps"] == steps
    lab.step()
    assert lab.state["steps"] == steps + 1
    assert sound(lab)


@pytest.mark.parametrize("lab", WITH_RATE, indirect=True)
def test_a_slide_takes_effect_while_the_lab_plays(lab):
    lab.reset()
    problem = next(name for name in lab.controls if name not in lab.retrains)
    lab.play()
    tick(lab)
    before, steps = lab.image.value, lab.state["steps"]
    slider = lab.controls[problem]
    slider.value = next(end for end in ends(slider) if end != slider.value)
    assert lab.image.value != before
    assert lab.state["steps"] == steps
    lab.controls["lr"].value = 0.001
    tick(lab)
    assert 0 < lab.fit.optimizer.param_groups[0]["lr"] <= 0.001
    assert lab.state["steps"] > steps


@pytest.mark.parametrize("lab", WITH_RATE, indirect=True)
def test_divergence_keeps_the_last_finite_fit_and_says_so(lab):
    lab.reset()
    mu = lab.mu
    new_fit = lab.new_fit

    def hopeless(model, at):
        fit = new_fit(model, at)
        descent = fit.descent
        fit.descent = lambda: descent() * math.nan
        return fit

    lab.new_fit = hopeless
    lab.set(lr=ends(lab.controls["lr"])[1])
    assert "Diverged" in lab.state["message"]
    assert "at step 0" in lab.state["message"]
    assert "smaller learning rate" in lab.text.value
    assert torch.equal(lab.mu, mu)
    del lab.new_fit
    lab.set(lr=0.01)
    assert lab.state["message"] == ""


def test_an_error_is_shown_in_red_and_the_lab_goes_on(new_lab):
    lab = new_lab("03")

    def broken(at):
        raise ZeroDivisionError("<the reason>")

    lab.first_weights = broken
    lab.set(lr=0.02)
    assert lab.state["message"] == "ZeroDivisionError: <the reason>"
    assert "#c00000" in lab.text.value
    assert "&lt;the reason&gt;" in lab.text.value
    del lab.first_weights
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


@pytest.mark.parametrize("lab", ["03"], indirect=True)
def test_an_interrupt_stops_a_loop_over_set_once_the_picture_is_drawn(lab, interrupt):
    lab.reset()
    for noise, owner, name in [(2, lab, "new_loss"), (3, lab.picture, "draw"), (4, lab, "tell")]:
        interrupt(owner, name)
        with pytest.raises(KeyboardInterrupt):
            lab.set(noise=noise)
        assert sound(lab)
        assert lab.problem.truth(lab.x)[1][0].item() == noise
        lab.picture.draw(lab.curves(), lab.before)
        assert lab.image.value == lab.picture.jpeg()


@pytest.mark.parametrize("lab", ["03"], indirect=True)
def test_an_interrupt_pauses_the_play(lab, interrupt):
    lab.rewind()
    lab.play()
    interrupt(lab, "look")
    with pytest.raises(KeyboardInterrupt):  # ipykernel takes it from here
        tick(lab)
    assert "Interrupted" in lab.text.value
    assert not lab.playing
    steps = lab.state["steps"]
    lab.play()
    tick(lab)
    lab.pause()
    assert lab.state["steps"] > steps
    assert sound(lab)


@pytest.mark.parametrize("lab", ["03"], indirect=True)
def test_a_cell_interrupted_while_it_makes_a_lab_leaves_no_widget(lab, interrupt, monkeypatch):
    run = {"metadata": {"cellId": "c"}, "header": {"msg_id": "1"}}
    monkeypatch.setattr(labs.page, "get_ipython", lambda: SimpleNamespace(get_parent=lambda: run))
    monkeypatch.setattr(labs.page, "Picture", lambda panels: lab.picture)
    before = set(open_widgets)
    interrupt(type(lab), "new_controls")
    with pytest.raises(KeyboardInterrupt):
        type(lab)()
    assert set(open_widgets) > before
    run["header"] = {"msg_id": "2"}
    type(lab)().close()
    assert set(open_widgets) == before


def test_slides_from_two_threads_end_at_the_last_values(new_lab):
    lab = new_lab("03", full)

    def drag(name, values):
        for value in values:
            lab.controls[name].value = value

    threads = [
        threading.Thread(target=drag, args=("noise", (0.5, 2, 3))),
        threading.Thread(target=drag, args=("lr", (0.1, 0.01, 0.05))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lab.turns.busy
    assert not lab.turns.waiting
    assert sound(lab)
    assert lab.problem.truth(lab.x)[1][0].item() == 3
    assert lab.sigma[0].item() == pytest.approx(3, rel=0.05)


def test_a_slide_while_the_lab_works_is_done_next(new_lab):
    lab = new_lab("03")
    look = lab.look

    def slide_and_look():
        del lab.look
        lab.controls["noise"].value = 3  # as another thread would
        look()

    lab.look = slide_and_look
    lab.set(noise=2)
    assert lab.problem.truth(lab.x)[1][0].item() == 3
    assert sound(lab)


def test_two_labs_do_not_touch_each_other(new_lab):
    first, second = new_lab("03"), new_lab("03")
    mu = second.mu
    first.set(noise=4)
    assert torch.equal(second.mu, mu)
    assert second.value.noise == 1


def test_slides_leave_no_widget_and_a_short_curve(new_lab):
    lab = new_lab("03")
    before = len(open_widgets)
    for i in range(5):
        lab.set(noise=1 + i / 5)
    assert len(open_widgets) == before
    assert lab.state["steps"] == len(lab.losses) == lab.refit_steps


def test_a_second_run_of_a_cell_closes_the_labs_of_the_first(monkeypatch):
    run = {"metadata": {"cellId": "a"}, "header": {"msg_id": "1"}}

    class Shell:
        def get_parent(self):
            return run

    monkeypatch.setattr(labs.page, "get_ipython", Shell)
    both = {LABS["01"]().view.model_id, LABS["01"]().view.model_id}
    assert both <= set(open_widgets)
    run["header"] = {"msg_id": "2"}
    second = LABS["01"]()
    assert not both & set(open_widgets)
    run["metadata"] = {"cellId": "b"}
    LABS["01"]().close()
    assert second.view.model_id in open_widgets
    second.close()


def test_set_refuses_what_no_slider_could_do(new_lab):
    lab = new_lab("03")
    with pytest.raises(ValueError, match="one of noise, lr, start"):
        lab.set(sigma=1)
    with pytest.raises(ValueError, match="beyond its slider"):
        lab.set(noise=-1)
    with pytest.raises(ValueError, match="beyond its slider"):
        new_lab("04").set(n=7)


def test_limits_follow_the_data_in_stages_and_the_picture_is_that_of_the_stage(new_lab):
    lab = new_lab("00")
    axes = lab.picture.artists["data"].axes
    limits, pictures = [], []
    for noise in (0.3, 2, 0.3):
        lab.set(noise=noise)
        limits.append(axes.get_ylim())
        pictures.append(lab.image.value)
        low, high = lab.shown[1].aminmax()
        assert limits[-1][0] <= low and high <= limits[-1][1]
    assert limits[0] == limits[2] != limits[1]
    assert pictures[0] == pictures[2]
    steps = lab.picture.artists["loss"].axes
    assert steps.get_xlim() == (1, 300)
    lab.play()
    while len(lab.losses) <= 300:
        tick(lab)
    assert steps.get_xlim() == (1, 3000)


@pytest.mark.parametrize("key", ["02", "07"])
def test_a_lab_leaves_the_learners_random_numbers_alone(new_lab, key):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    new_lab(key).step()
    assert torch.equal(torch.rand(1), expected)


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
    losses = lab.losses[before:]
    assert len(losses) == 300
    assert sound(lab) and lab.message == ""
    assert max(losses[:25]) < fitted + 0.1, lab.value
    assert median(losses[-25:]) < fitted + 0.02, lab.value


@pytest.mark.parametrize("key", TRAINED)
def test_play_goes_on_from_the_first_picture_and_from_any_refit(new_lab, whole_ticks, key):
    lab = new_lab(key, full)
    first = lab.mu
    goes_on(lab)
    for name in lab.controls.keys() - lab.retrains:
        lab.reset()
        lab.set(**{name: value_at(lab.controls[name], 4 / 5)})
        if not torch.equal(lab.mu, first):
            goes_on(lab)


@pytest.mark.parametrize("key", WITH_RATE)
def test_random_slides_while_playing_leave_a_fit_that_trains_back(new_lab, whole_ticks, key):
    lab = new_lab(key, full)
    fitted, chance = lab.loss_now, random.Random(0)
    lab.play()
    for _ in range(5):
        name = chance.choice(sorted(lab.controls.keys() - {"lr"}))
        lab.controls[name].value = value_at(lab.controls[name], chance.random())
        tick(lab, 2)
        assert sound(lab) and lab.message == ""
    for name, value in lab.defaults.items():
        lab.controls[name].value = value
    tick(lab, 20)
    assert lab.playing
    assert lab.loss_now < fitted + 0.1


@pytest.mark.parametrize("key", sorted(set(WITH_RATE) - {"08"}))
def test_at_the_right_end_of_the_rate_play_spoils_the_fit(new_lab, whole_ticks, key):
    lab = new_lab(key, full)
    fitted = lab.loss_now
    lab.play()
    lab.controls["lr"].value = ends(lab.controls["lr"])[1]
    tick(lab, 40)
    diverged = lab.message.startswith("Diverged: the loss became ")
    assert diverged == (not lab.playing)
    assert diverged or lab.loss_now > fitted + 1
    assert sound(lab)


# What the labs are meant to show


@pytest.mark.parametrize("key", ["00", "03"])
def test_slides_end_within_one_per_cent_of_the_floor(new_lab, key):
    lab = new_lab(key, full)
    limit = 0.01 * lab.problem.noise_floor()
    slider = lab.controls["noise"]
    stops = round(slider.max / slider.step)  # without noise there is no floor
    chance = torch.Generator().manual_seed(0)
    for stop in [1, stops, *torch.randint(1, stops, (8,), generator=chance).tolist()]:
        lab.set(noise=stop * slider.step)
        assert lab.expected_nll - lab.problem.noise_floor() < limit, lab.value


@pytest.mark.parametrize("lab", WITH_RATE, indirect=True)
def test_a_fit_depends_on_the_sliders_and_not_on_the_way_to_them(lab):
    lab.reset()
    problem = next(name for name in lab.controls if name not in lab.retrains)
    low, high = ends(lab.controls[problem])
    default = lab.controls[problem].value
    lab.set(**{problem: high})
    mu = lab.mu
    for value in (low, default, high):
        lab.set(**{problem: value})
    assert torch.equal(lab.mu, mu)
    lab.reset()


@pytest.mark.parametrize(("key", "first"), [("02", {"seed": 3}), ("03", {"start": 0.5})])
@pytest.mark.parametrize("before", [{"lr": 10}, {"lr": 1e-4}, {"noise": 0}])
def test_a_refit_starts_from_weights_that_were_trained_at_the_defaults(new_lab, key, first, before):
    straight, astray = new_lab(key), new_lab(key)
    astray.set(**before)
    for lab in (straight, astray):
        lab.set(**first)
        lab.set(noise=2)
        assert sound(lab)
    torch.testing.assert_close(astray.mu, straight.mu)
    torch.testing.assert_close(astray.sigma, straight.sigma)


def test_the_single_sigma_is_the_rms_residual(new_lab):
    lab = new_lab("03", full)
    assert lab.sigma[0].item() == pytest.approx(math.sqrt(lab.mean_square()), rel=0.01)
    assert lab.sigma[0].item() == pytest.approx(1, rel=0.03)


def test_the_variance_of_predictions_learns_the_shrunken_slope(new_lab):
    lab = new_lab("02", full)
    for noise in (0, 6, 1, 3):
        lab.set(noise=noise)
        assert lab.slope() == pytest.approx(2.3 * lab.shrunken(noise), rel=0.02)


def test_played_from_its_first_weights_lab_02_is_a_film_that_ends_on_the_law(new_lab, whole_ticks):
    lab = new_lab("02", full)
    assert len(lab.trail) == 1
    lab.rewind()
    lab.play()
    tick(lab, 16)
    assert lab.trail[0] < 0.5 and max(lab.trail) > 3  # past the law, which the line then sinks to
    assert lab.trail[-1] == pytest.approx(2.3 * math.sqrt(3) * lab.shrunken(1), rel=0.02)
    assert len(lab.trail) == len(lab.curves()["trail"][0]) == 17


def test_play_begins_with_one_step_a_picture_and_keeps_an_even_pace_on_the_axis_of_steps(new_lab):
    lab = new_lab("02")
    lab.rewind()
    lab.play()
    steps = []
    for _ in range(80):
        tick(lab)
        steps.append(lab.state["steps"])
    assert steps[:40] == list(range(1, 41))
    assert 1 < steps[-1] / steps[-2] < 1.06


def test_only_the_negative_binomial_follows_counts_that_vary_more(new_lab):
    lab = new_lab("11", full)

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


@pytest.mark.parametrize("head", ["log σ²", "softplus", "raw σ²"])
def test_a_walk_that_arrives_is_at_the_rms_residual(new_lab, head):
    lab = new_lab("08", full)
    lab.set(head=head, start=1.5, noise=1, lr=0.3)
    assert lab.arrived()
    assert lab.sigma[0].item() == pytest.approx(lab.rms(), rel=0.01)
    assert lab.rms() == pytest.approx(1, rel=0.03)


def test_each_step_of_the_walk_is_the_slope_by_hand(new_lab):
    lab = new_lab("08", full)
    lab.set(start=2, lr=0.1)
    log_var, S = 2 * math.log(2), lab.rms() ** 2
    for sigma in lab.path[:50]:
        assert sigma == pytest.approx(math.exp(log_var / 2), rel=1e-9)
        log_var -= 0.1 * 0.5 * (1 - S * math.exp(-log_var))


def test_only_a_raw_variance_goes_below_zero_and_the_lab_says_at_which_step(new_lab):
    lab = new_lab("08", full)
    lab.set(head="raw σ²", start=1, noise=0.1)
    var = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer, S, step = torch.optim.SGD([var], lr=0.1), lab.rms() ** 2, 0
    while var > 0:
        optimizer.zero_grad()
        (0.5 * (var.log() + S / var)).backward()
        optimizer.step()
        step += 1
    assert f"σ² went below 0 at step {step}," in lab.state["message"]
    assert sound(lab)
    for head in ("log σ²", "softplus"):
        lab.set(head=head)
        assert lab.state["message"] == ""


def test_no_learning_rate_walks_a_raw_variance_home_from_far_above(new_lab):
    """What the lesson asks: too slow, or below 0; log σ² arrives from there."""
    lab = new_lab("08", full)
    lab.set(head="raw σ²", start=1, noise=0.1)
    for power in range(-16, 5):
        lab.set(lr=10 ** (power / 4))
        below_zero = "σ² went below 0" in lab.state["message"]
        assert below_zero == (power > -10)
        assert not lab.arrived()
    lab.set(head="log σ²", lr=0.1)
    assert lab.arrived()


# Cells: what makes the labs fast must not change what they compute


def test_cells_give_the_likelihood_of_their_points():
    sample = Sample(WAVE, 300, seed=1)
    x, y = sample.shown(WAVE)
    width = 6 / 100
    rounded = -3 + (((x + 3) / width).floor() + 0.5) * width
    mean, sigma = WAVE.truth(rounded)
    noise = (y - WAVE.truth(x)[0]) / WAVE.truth(x)[1]
    y = mean + sigma * noise
    mu, log_var = torch.cos(rounded), 0.3 * rounded
    cells = sample.of(WAVE)
    assert cells.weight.sum().item() == pytest.approx(1)
    assert Gaussian(cells).value(torch.cos(cells.x), 0.3 * cells.x).item() == pytest.approx(
        gaussian_nll(y, mu, log_var).mean().item(), rel=1e-12
    )


def test_a_sample_has_the_points_of_its_problem():
    x, y = LINE.sample(300, seed=4)
    shown_x, shown_y = Sample(LINE, 300, seed=4).shown(LINE)
    assert torch.allclose(shown_x, x)
    assert torch.allclose(shown_y, y)


@pytest.mark.parametrize("lab", sorted(set(TRAINED) - {"08"}), indirect=True)
def test_a_step_is_that_of_autograd_and_of_pytorchs_adam(lab):
    lab.reset()
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


CELLS = Sample(WAVE, 300).of(WAVE)


@pytest.mark.parametrize(
    "loss", [Gaussian(CELLS), BetaGaussian(CELLS, 0.7), GaussianWithKL(CELLS, 0.3)]
)
def test_the_slopes_of_a_loss_are_those_of_autograd(loss):
    mu, log_var = (f(CELLS.x).requires_grad_() for f in (torch.cos, lambda x: 0.3 * x))
    value = loss.value(mu, log_var)
    mine, *slopes = loss.slopes(mu.detach(), log_var.detach())
    assert mine == pytest.approx(value.item(), rel=1e-12)
    torch.testing.assert_close(tuple(slopes), torch.autograd.grad(value, (mu, log_var)))


@pytest.mark.parametrize("loss", [Gaussian(CELLS), GaussianWithKL(CELLS, 0.3)])
def test_the_best_shift_of_a_loss_is_where_its_slope_is_0(loss):
    mu, log_var = torch.cos(CELLS.x), 0.3 * CELLS.x
    *_, by_log_var = loss.slopes(mu, log_var + loss.best_shift(mu, log_var))
    assert by_log_var.sum().abs() < 1e-12


@pytest.mark.parametrize("head", lesson_08.HEADS)
@pytest.mark.parametrize("sigma", [0.3, 1, 20])
def test_the_slope_of_a_walk_is_that_of_autograd(new_lab, head, sigma):
    lab = new_lab("08")
    lab.set(head=head, start=sigma, noise=2)
    lab.rewind()
    plain = deepcopy(lab.model)
    loss = lab.fit.loss(plain)
    loss.backward()
    assert lab.fit.descent() == pytest.approx(loss.item(), rel=1e-12)
    torch.testing.assert_close(lab.model.raw.grad, plain.raw.grad, rtol=1e-9, atol=1e-12)


def test_many_draws_at_once_are_draws_of_the_layers(new_lab):
    lab = new_lab("07")
    x = torch.linspace(-4, 4, 9, dtype=torch.float64)[:, None]
    layers, chance = lab.model.net[::2], torch.Generator().manual_seed(5)
    drawn = [lesson_07.Drawn(layer, 1, chance).weights.detach() for layer in layers]
    *_, outputs = lesson_07.run(lesson_07.with_ones(x), *drawn)
    with OwnDraws(5), torch.no_grad():
        torch.testing.assert_close(outputs[0], torch.cat(lab.model(x), dim=1))
    mu, sd = layers[0].mu.detach(), torch.exp(layers[0].log_var / 2).detach()
    drawn = lesson_07.Drawn(layers[0], 5000, chance).weights.detach()  # fresh for each
    torch.testing.assert_close(drawn.std(0), sd, rtol=0.06, atol=0)  # 6 standard errors
    assert ((drawn.mean(0) - mu) / sd).abs().max() < 0.085


def test_the_gaussian_process_of_lab_06_has_the_prior_of_the_bumps(new_lab):
    lab = new_lab("07")
    lab.set(n=30, prior=1.5)
    x = torch.cat([lab.cells.x, lab.wide[[100, 140, 199]]])
    net, chance = lab.first_weights(lab.value), torch.Generator().manual_seed(0)
    for layer in net.net[::2]:
        torch.nn.init.zeros_(layer.mu)
        torch.nn.init.constant_(layer.log_var, 2 * math.log(1.5))
    drawn = [lesson_07.Drawn(layer, 40_000, chance).weights.detach() for layer in net.net[::2]]
    *_, outputs = lesson_07.run(lesson_07.with_ones(x), *drawn)
    K, n = outputs[..., 0].T.cov(), len(lab.cells.x)
    noise = lab.problem.truth(lab.cells.x)[1][:, 0].square() / (lab.cells.weight[:, 0] * lab.kept)
    explained = K[n:, :n] @ torch.linalg.solve(K[:n, :n] + noise.diag(), K[:n, n:])
    sd = (K[n:, n:] - explained).diagonal().sqrt()
    torch.testing.assert_close(lab.reference[[100, 140, 199], 0], sd, rtol=0.05, atol=0)


def test_in_the_gap_lab_06_is_as_unsure_as_the_gaussian_process(new_lab):
    lab = new_lab("07", full)
    at_0 = lab.wide.abs().argmin()
    for n in (30, 300, 3000):
        lab.set(n=n)
        assert 0.6 < lab.epistemic[at_0] / lab.reference[at_0, 0] < 1.6


@pytest.mark.parametrize("setting", [(10, 5, 1.5), (10, 0.5, 0)])
def test_a_draw_that_costs_thousands_of_nats_is_no_divergence(new_lab, setting):
    lab = new_lab("07", full)
    lab.set(**dict(zip(lab.controls, setting, strict=True)))
    assert lab.message == ""
    lab.play()
    tick(lab, 20)
    assert lab.message == "" and sound(lab)


def test_the_expected_nll_of_the_truth_is_the_noise_floor():
    x = WAVE.grid(2001)
    assert expected_nll(WAVE, x, *WAVE.truth(x)) == pytest.approx(WAVE.noise_floor(), abs=1e-3)


def test_the_beta_nll_pulls_evenly_at_1_and_finds_the_mean_that_the_nll_misses(new_lab):
    lab = new_lab("09", full)
    missed = lab.rmse()
    assert lab.pull().min() < 0.02  # β = 0: where the mean is missed, the points hardly pull
    lab.set(beta=1)
    assert lab.rmse() < missed / 3
    assert torch.equal(lab.pull(), torch.ones_like(lab.x))


def test_the_training_sigma_of_lab_09_is_too_small_by_the_number_of_coefficients():
    """Averaged over 300 draws, E σ̂² = (m − p)/m σ² with m fitted points and p coefficients."""
    lab = full("10")
    width, (x, _) = 10, lab.fitted
    mean, sigma = lab.problem.truth(x)
    rng, variances = torch.Generator().manual_seed(0), []
    for _ in range(300):
        noise = torch.randn(x.shape, generator=rng, dtype=x.dtype)
        lab.fitted = x, mean + sigma * noise
        variances.append(lab.solve(width)[1])
    m, p = len(x), width + 1
    assert torch.tensor(variances).mean().item() == pytest.approx(0.25 * (m - p) / m, rel=0.06)
    lab.close()


def test_lab_12_judges_as_its_metrics_do_and_a_right_forecast_stays_in_the_grey():
    lab = full("12")
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
    lab.close()


def test_the_conformal_interval_of_lab_13_gives_what_it_says():
    lab = full("13")
    x, y = WAVE.sample(200_000, seed=7)
    mean, sigma = WAVE.truth(x)
    for level, rows, drift in ((0.9, 99, 1.0), (0.8, 19, 2.0), (0.95, 999, 0.5)):
        lab.set(level=level, rows=rows, drift=drift)
        inside = (drift * (y - mean).abs() <= lab.q * 0.6 * sigma).double().mean().item()
        assert lab.gives() == pytest.approx(inside, abs=4 * math.sqrt(0.1 / 200_000))
    lab.set(level=0.95, rows=9)
    assert lab.law() is None and "lower" not in lab.curves()
    assert "infinite" in str(lab.numbers())
    lab.close()


def test_a_refit_of_the_last_layer_stands_in_the_network_itself(new_lab):
    """What the head said at the cells' x, the whole network says there afterwards."""
    lab = new_lab("00", full)
    before = [layer.weight.clone() for layer in lab.model.net[:-1] if hasattr(layer, "weight")]
    lab.set(noise=0.3)
    loss = lab.fit.value()
    assert min(abs(loss - other) for other in lab.losses) < 1e-9
    after = [layer.weight for layer in lab.model.net[:-1] if hasattr(layer, "weight")]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_members_of_lab_12_are_at_the_minimum_of_their_penalised_likelihood(new_lab):
    lab = new_lab("14")
    for n, gap in ((30, 0), (300, 0.5), (10_000, 1.5)):
        lab.set(n=n, gap=gap, members=20)
        model, cells = lab.model, lab.cells
        penalty = ((model.mean - model.first) ** 2).sum() + (model.log_var**2).sum()
        nll = sum(Gaussian(cells).value(*pair) for pair in zip(*model(cells.x), strict=True))
        (nll + penalty / (2 * lab.kept)).backward()
        for parameter in (model.mean, model.log_var):
            assert parameter.grad.abs().max() < 2e-3


def test_in_lab_12_more_points_shrink_the_epistemic_part_among_the_data_only(new_lab):
    lab = new_lab("14")
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
    assert lab.parts[2][hole].mean() < gap_many / 10


def test_the_sum_of_squares_of_the_parts_of_lab_12_is_the_total(new_lab):
    lab = new_lab("14")
    _, aleatoric, epistemic = lab.parts
    torch.testing.assert_close(epistemic[:, 0], lab.mus[..., 0].std(0))
    share = lab.curves()["share"][1]
    torch.testing.assert_close(share * (aleatoric**2 + epistemic**2), epistemic**2)


# The lab of lesson 15: files of strangers


def csv_of(rows, names="a,b"):
    return "\n".join([names, *rows]).encode()


ROWS = [f"{i},{(i * 37) % 11}" for i in range(40)]
GOOD_FILES = {  # test_look.py has more: what is read there is read here
    "decimal comma": csv_of([f"{i},5;{(i * 37) % 11}" for i in range(40)], "a;b"),
    "a constant input": csv_of([f"7,{row}" for row in ROWS], "c,a,b"),
    "many rows": csv_of([f"{i},{(i * 37) % 101}" for i in range(20_000)]),
}
HOSTILE_FILES = {
    "empty": (b"", "empty"),
    "one row": (b"a,b\n1,2\n", "20 rows"),
    "text as target": (csv_of(["0,x", *ROWS]), "two columns of numbers"),
    "constant target": (csv_of([f"{i},3" for i in range(40)]), "must vary"),
    "constant input": (csv_of([f"3,{i}" for i in range(40)]), "constant columns only"),
    "zip": (b"PK\x03\x04" + bytes(40), "no text"),
    "all holes": (csv_of([f"{i}," if i % 2 else f",{i}" for i in range(40)]), "of use"),
    "too large": (csv_of([*ROWS, "1,1e300"]), "column 'b'"),
}


def uploads(content):
    """The value of a FileUpload with one file, in ipywidgets 7 and 8."""
    file = {"name": "mine.csv", "type": "", "size": len(content), "content": memoryview(content)}
    return [
        {"mine.csv": {"metadata": {"name": "mine.csv"}, "content": content}},
        (file | {"last_modified": datetime.datetime(2026, 1, 1)},),
    ]


@pytest.fixture(scope="module")
def real_data(quick_pictures):
    lab = short("15")
    yield lab
    lab.close()


@pytest.mark.parametrize("name", GOOD_FILES)
def test_a_strangers_file_is_fitted(real_data, name):
    for value in uploads(GOOD_FILES[name]):
        real_data._on_upload(SimpleNamespace(new=value))
        assert real_data.message == ""
        assert real_data.value.data == "your file"
        assert sound(real_data)
        assert real_data.target.value == list(real_data.table)[-1]


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_hostile_file_gives_a_sentence_and_the_last_picture_stays(real_data, name):
    real_data.set(data="engel")
    content, words = HOSTILE_FILES[name]
    image, numbers = real_data.image.value, real_data.numbers()
    for value in uploads(content):
        real_data._on_upload(SimpleNamespace(new=value))
        assert re.search(words, real_data.message), real_data.message
        assert real_data.message[:40] in html.unescape(real_data.text.value)
        assert real_data.image.value == image
        assert real_data.numbers() == numbers
        assert real_data.value.data == "engel"
        assert sound(real_data)
    real_data.set(kind="one σ")
    assert real_data.message == ""
    assert sound(real_data)


def test_a_real_upload_reaches_the_lab(real_data):
    real_data.upload.value = uploads(GOOD_FILES["decimal comma"])[widgets.__version__ >= "8"]
    assert real_data.value.data == "your file"
    assert real_data.shown_as == "b over a"
    assert sound(real_data)


def test_the_target_is_one_of_the_columns(real_data):
    real_data.set(data="diabetes")
    assert real_data.target.value == "progression"
    before = real_data.image.value
    real_data.target.value = "bp"
    assert real_data.image.value != before
    assert real_data.shown_as.startswith("bp over ")
    real_data.reset()
    assert real_data.target.value == "accel"


def test_a_target_that_does_not_vary_is_refused_and_the_fit_stays(real_data):
    real_data._on_upload(SimpleNamespace(new=uploads(GOOD_FILES["a constant input"])[0]))
    image = real_data.image.value
    real_data.target.value = "c"
    assert "must vary" in real_data.message
    assert real_data.image.value == image
    assert real_data.target.value == "b"
    real_data.set(kind="one σ")
    assert sound(real_data)
    assert real_data.shown_as == "b over a"
    real_data.reset()


def test_two_outputs_are_surer_and_worse_on_the_held_out_rows_of_diabetes(new_lab):
    lab = new_lab("15", full)
    lab.set(data="diabetes", kind="one σ")
    one = lab.nlls[1]
    lab.set(kind="two outputs")
    assert lab.nlls[1] > one + 0.5
    assert lab.nlls[0] < lab.nlls[1] - 1
    lab.set(data="motorcycle", kind="one σ")
    one = lab.nlls[1]
    lab.set(kind="two outputs")
    assert lab.nlls[1] < one - 0.2
