"""A calibrated forecast of a table's target: new rows, any level, a file and back."""

import json
from pathlib import Path

import torch
from torch import Tensor

from course_utils.columns import Columns
from course_utils.rivals import KINDS, Forecast
from course_utils.training import predict
from course_utils.validation import DTYPE, array, probability, validated

__all__ = ["Forecaster", "restore"]


class Forecaster:
    """What ``report`` chose, trained on all rows: mean, σ and intervals for new rows.

    ``rows`` are matched by the columns' names: a DataFrame with or without the target, a file, a
    Series or dict for one row. Of a report on a pair (x, y) they are x (n, d).
    """

    def __init__(self, model: Forecast, columns: Columns | None, target: str, level: float):
        self.model, self.columns, self.target, self.level = model, columns, target, level

    def x(self, rows) -> Tensor:
        """The rows as numbers, (n, d)."""
        if self.columns is not None:
            return self.columns.x(rows)
        x, d = array("x", rows), self.model.x_mean.shape[1]
        if x.shape[1] != d:
            raise ValueError(f"expected rows with {d} columns, got shape {tuple(x.shape)}")
        return x

    def predict(self, rows) -> tuple[Tensor, Tensor]:
        """The mean and the calibrated σ of y, both (n, 1), in the units of y."""
        return predict(self.model, self.x(rows))

    @validated(level=probability)
    def interval(self, rows, level: float | None = None) -> tuple[Tensor, Tensor]:
        """Lower and upper end for y, (n, 1): split conformal, or Student's for a line of few rows.

        Raises a ValueError where too few rows calibrated it to promise ``level``.
        """
        level = self.level if level is None else level
        lower, upper = self.model.interval(self.x(rows), level)
        if not lower.isfinite().all():
            raise ValueError(
                f"an interval of {level:g} needs more rows that calibrate it, got "
                f"{len(self.model.z)}: lower the level, or collect more rows"
            )
        return lower, upper

    def table(self, rows, level: float | None = None):
        """A DataFrame with mu, sigma, lower and upper for each of the rows, under their index."""
        import pandas as pd

        found = torch.cat([*self.predict(rows), *self.interval(rows, level)], dim=1)
        index = rows.index if isinstance(rows, pd.DataFrame) else None
        return pd.DataFrame(found.numpy(), columns=["mu", "sigma", "lower", "upper"], index=index)

    def save(self, path) -> None:
        """All of it as JSON: columns, weights, calibration; no row that trained, and no pickle."""
        state = {name: value.tolist() for name, value in self.model.state_dict().items()}
        content = {
            "made by": "course_utils.report",
            "kind": self.model.kind.name,
            "target": self.target,
            "level": self.level,
            "columns": None if self.columns is None else self.columns.plan,
            "state": state,
        }
        Path(path).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def restore(path) -> Forecaster:
    """The ``Forecaster`` that ``save`` wrote; a ValueError for any other file."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        buffers = {
            name: torch.tensor(value, dtype=DTYPE) for name, value in content["state"].items()
        }
        model = Forecast(KINDS[content["kind"]], **buffers)
        columns = content["columns"] and Columns(content["columns"], content["target"])
        return Forecaster(model, columns, content["target"], content["level"])
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"expected a file that found.save(path) wrote, got {str(path)[-60:]!r}: {error}"
        ) from error
