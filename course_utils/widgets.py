"""Where ipywidgets 7, which Colab has, and 8 differ."""

VIEW = "application/vnd.jupyter.widget-view+json"


def mimebundle(widget) -> dict:
    """What shows the widget in a page: 8 says it itself, 7 displays itself and says nothing."""
    if hasattr(widget, "_repr_mimebundle_"):
        return widget._repr_mimebundle_()
    model = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": repr(widget), VIEW: model}
