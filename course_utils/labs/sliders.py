"""The sliders of the labs, in one layout. Without a tooltip the label would have "null" as one."""

import ipywidgets as widgets

# Two in a row of 960 px, with a track of at least 240.
LAYOUT = {"layout": {"width": "474px"}, "style": {"description_width": "130px"}}


def slider(description: str, value: float, low: float, high: float, step: float = 0.05):
    return widgets.FloatSlider(
        value,
        description=description,
        tooltip=description,
        min=low,
        max=high,
        step=step,
        readout_format=".2f",
        **LAYOUT,
    )


def log_slider(description: str, value: float, low: float, high: float):
    """From 10^low to 10^high, twenty stops to each power of ten."""
    return widgets.FloatLogSlider(
        value,
        description=description,
        tooltip=description,
        min=low,
        max=high,
        step=0.05,
        readout_format=".2g",
        **LAYOUT,
    )


def whole_slider(description: str, value: int, low: int, high: int):
    return widgets.IntSlider(
        value, description=description, tooltip=description, min=low, max=high, **LAYOUT
    )


def choice_slider(description: str, value: int, options: tuple[int, ...]):
    """For numbers, which have an order."""
    return widgets.SelectionSlider(
        value=value, description=description, tooltip=description, options=options, **LAYOUT
    )


def choice(description: str, value: str, options: tuple[str, ...]):
    """For words, which have none."""
    return widgets.Dropdown(
        value=value, description=description, tooltip=description, options=options, **LAYOUT
    )
