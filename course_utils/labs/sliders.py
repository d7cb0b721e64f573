"""The sliders of the labs, in one layout."""

import ipywidgets as widgets


def named(description: str) -> dict:
    """Name and layout: two in a row of 960 px, with a track of at least 240.

    Without a tooltip the label would have "null" as one.
    """
    style = {"layout": {"width": "474px"}, "style": {"description_width": "130px"}}
    return {"description": description, "tooltip": description} | style


def slider(description: str, value: float, low: float, high: float, step: float = 0.05):
    return widgets.FloatSlider(
        value, min=low, max=high, step=step, readout_format=".2f", **named(description)
    )


def log_slider(description: str, value: float, low: float, high: float):
    """From 10^low to 10^high, twenty stops to each power of ten."""
    return widgets.FloatLogSlider(
        value, min=low, max=high, step=0.05, readout_format=".2g", **named(description)
    )


def whole_slider(description: str, value: int, low: int, high: int):
    return widgets.IntSlider(value, min=low, max=high, **named(description))


def choice_slider(description: str, value: int, options: tuple[int, ...]):
    """For numbers, which have an order."""
    return widgets.SelectionSlider(value=value, options=options, **named(description))


def choice(description: str, value: str, options: tuple[str, ...]):
    """For words, which have none."""
    return widgets.Dropdown(value=value, options=options, **named(description))
