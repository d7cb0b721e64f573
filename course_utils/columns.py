"""The columns of a table as numbers: how rows become x (n, d), and times an order."""

import contextlib
import re
import warnings

import torch
from torch import Tensor

from course_utils.look import FEW, described, many
from course_utils.reading import read
from course_utils.validation import DTYPE

__all__ = ["Columns", "ranks"]


def ranks(column) -> Tensor:
    """The order of rows in time, (n,): of numbers or dates, as texts in one reading."""
    import pandas as pd

    if column.dtype.kind in "iufM":
        return torch.from_numpy(column.rank(method="first").to_numpy(copy=True)).long() - 1
    readings, year_first = [], re.match(r"\d{4}", str(column.iloc[0]))
    for day_first in (False,) if year_first else (False, True):
        with contextlib.suppress(ValueError, TypeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            readings.append(pd.to_datetime(column, dayfirst=day_first))
    if not readings:
        raise ValueError(f"time must hold numbers or dates, got {column.iloc[0]!r}")
    differ = readings[0] != readings[-1]
    if differ.any():
        a, b = (f"{reading[differ].iloc[0]:%d %B %Y}" for reading in readings)
        raise ValueError(
            f"column {column.name!r} must have one reading, got two: {column[differ].iloc[0]!r} is "
            f"{a} or {b}; convert it with pandas.to_datetime(…, dayfirst=…)"
        )
    return ranks(readings[0].dt.tz_localize(None))


class Columns:
    """How rows of a table become x (n, d), matched by name; learnt from the rows that were given.

    Numbers stay (holes get the median), booleans are 0 and 1, categories one column a level.
    ``names`` are those of x's columns, ``inputs`` those of the table; ``notes`` say what was done.
    """

    def __init__(self, plan: dict[str, dict], target: str):
        self.plan, self.target, self.notes = plan, target, []

    @classmethod
    def of(cls, table, target: str, inputs: list[str]) -> "Columns":
        """The plan for ``inputs`` of a DataFrame."""
        plan, notes = {}, []
        for name in inputs:
            column, kind = table[name], described(table[name])["kind"]
            if not column.notna().any():
                notes.append(f"{name!r} is empty and is left out.")
            elif kind in ("number", "whole number", "yes or no"):
                plan[name] = {"fill": float(column.dropna().astype(float).median())}
            elif column.nunique() <= FEW:
                levels = sorted(column.dropna().astype(str).unique())
                either = len(levels) == 2 and column.notna().all()
                plan[name] = {"levels": levels[1:] if either else levels}
            else:
                notes.append(f"{name!r} is text of {column.nunique()} values and is left out.")
            if name in plan and column.isna().any():
                by = "its median" if "fill" in plan[name] else "none of its levels"
                notes.append(f"{many(column.isna().sum(), 'hole')} of {name!r} count as {by}.")
        if not plan:
            why = " ".join(notes) or "there is none"
            raise ValueError(f"expected an input of use besides {target!r}: {why}")
        columns = cls(plan, target)
        columns.notes = notes
        return columns

    @property
    def inputs(self) -> list[str]:
        return list(self.plan)

    @property
    def names(self) -> list[str]:
        per_column = [
            [f"{name}={level}" for level in how["levels"]] if "levels" in how else [name]
            for name, how in self.plan.items()
        ]
        return [str(name) for names in per_column for name in names]

    def x(self, rows) -> Tensor:
        """x (n, d) of rows: a DataFrame, one row as a dict or Series, or what ``read`` takes."""
        import pandas as pd

        if isinstance(rows, pd.Series | dict) and "content" not in rows:
            rows = pd.DataFrame([dict(rows)])
        rows = rows if isinstance(rows, pd.DataFrame) else read(rows)
        missing = [name for name in self.plan if name not in rows]
        if missing:
            raise ValueError(
                f"expected rows with the columns {self.inputs[:12]}, got none called "
                f"{missing[0]!r}: they have {list(rows)[:12]}"
            )
        return torch.cat([self.numbers(name, rows[name]) for name in self.plan], dim=1)

    def numbers(self, name: str, column) -> Tensor:
        import pandas as pd

        how = self.plan[name]
        if "levels" in how:
            cells = (
                column.astype(object)
                .where(column.notna(), None)
                .map(lambda cell: None if cell is None else str(cell))
            )
            new = set(cells.dropna()) - set(how["levels"])
            if len(how["levels"]) > 1 and new:
                warnings.warn(
                    f"{name!r} has levels that were not there before, {sorted(new)[:3]}: they "
                    "count as none",
                    stacklevel=2,
                )
            hot = [[float(cell == level) for level in how["levels"]] for cell in cells]
            return torch.tensor(hot, dtype=DTYPE)
        read_as = pd.to_numeric(column, errors="coerce")
        odd = column[read_as.isna() & column.notna()]
        if len(odd):
            raise ValueError(f"column {name!r} must hold numbers, got {odd.iloc[0]!r}")
        cells = torch.tensor(read_as.astype(float).to_numpy(copy=True), dtype=DTYPE)
        if cells.isinf().any():
            raise ValueError(f"column {name!r} must hold finite numbers, got inf")
        return torch.where(cells.isnan(), how["fill"], cells)[:, None]

    def y(self, rows) -> Tensor:
        """The target, (n, 1)."""
        return torch.tensor(rows[self.target].astype(float).to_numpy(copy=True), dtype=DTYPE)[
            :, None
        ]
