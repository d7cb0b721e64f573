"""A stranger's table: read by pandas, looked at first, and turned into numbers column by column.

    look(read("mine.csv"), target="price")

pandas is imported where a table is used, so that no other lesson's kernel grows.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.validation import DTYPE, what_came

__all__ = ["Columns", "Look", "look", "read"]

FEW = 20  # a column of so few different texts is a category
HOLES = ["?", "-", "#NV", "#N/A"]  # besides pandas' own
POINT = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+|(?=\.\d))(\.\d*)?([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+|(?=,\d))(,\d*)?([eE][+-]?\d+)?")
DATE = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
DATE_TEXT = r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](\d\d){1,2})([T ].*)?"


# In


def read(source, **options):
    """A CSV as a pandas DataFrame: ``pandas.read_csv`` with its own ``options``.

    ``source`` is a path, bytes, an open file, or the ``value`` of an ipywidgets FileUpload. Left to
    this function are the delimiter (tab, ';', ',' or spaces), the encoding (UTF-8, UTF-16, else
    cp1252), and the decimal sign: a file whose numbers can be read in two ways is refused, with
    both readings. Digits behind a leading 0 are labels and stay text. Raises ValueError, in one
    sentence, for what is no table.
    """
    import pandas as pd

    name, content = contents(source)
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = options.pop("encoding", marks.get(content[:2], "utf-8-sig"))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    kinds = {
        "an empty file": not text.strip(),
        "bytes that are no text": "\x00" in text,
        "a web page, XML or JSON": text.lstrip()[:1] in tuple("<{["),
    }
    for kind in (kind for kind, it_is in kinds.items() if it_is):
        raise ValueError(f"{name} must be a CSV, got {kind}: save the table as CSV")
    notes = {"comment": "#"} if text.lstrip().startswith("#") else {}
    first = next(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    sep = max("\t;,", key=first.count)
    options = {"sep": sep if sep in first else r"\s+", "na_values": HOLES} | options
    named = not all(POINT.fullmatch(cell) for cell in re.split(options["sep"], first))
    options = notes | ({} if named else {"header": None}) | options
    told = "decimal" in options or "thousands" in options or "dtype" in options
    try:
        table = pd.read_csv(io.StringIO(text), **({} if told else {"dtype": str}) | options)
    except (ValueError, TypeError) as error:  # pandas' ParserError is a ValueError
        hint = "pass what pandas.read_csv takes (sep, skiprows, comment, header)"
        raise ValueError(f"{name} is no table to pandas ({error}): {hint}") from error
    if not named and "header" in options and options["header"] is None:
        table.columns = [f"column {number + 1}" for number in table.columns]
    unnamed = [c for c in table.columns[1:] if str(c).startswith("Unnamed:")]
    unnamed = [c for c in unnamed if table[c].notna().any()]
    if unnamed or not isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"{name} must have a name for each column, got {first[:60]!r} over rows with more "
            "cells: were decimal commas split, or does its head need skiprows=?"
        )
    return table if told else numbers_of(table, options["sep"])


def contents(source) -> tuple[str, bytes]:
    """How to call a source in a sentence, and its bytes."""
    if isinstance(source, dict) and len(source) == 1 and "content" not in source:
        source = [{"name": name} | file for name, file in source.items()]  # ipywidgets 7
    if isinstance(source, tuple | list) and len(source) == 1 and isinstance(source[0], dict):
        (source,) = source  # ipywidgets 8
    if isinstance(source, dict) and "content" in source:
        return repr(source.get("name", "the file")), bytes(source["content"])
    if isinstance(source, bytes | bytearray | memoryview):
        return "the file", bytes(source)
    if hasattr(source, "read"):
        content = source.read()
        return "the file", content.encode() if isinstance(content, str) else content
    if not isinstance(source, str | Path):
        raise ValueError(
            f"expected a path, bytes, an open file or a table, got {what_came(source)}"
        )
    if re.match(r"\w+://", str(source)):
        raise ValueError(f"expected a file on this machine, got {source!r}: download it first")
    try:
        return repr(Path(source).name), Path(source).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"expected a file that can be read, got {str(source)[:200]!r}: {why}"
        ) from error


def numbers_of(table, sep: str):
    """The columns of numbers of a table of texts, in the one convention that they have."""
    pointed, point = in_convention(table, POINT, lambda s: s.str.replace(",", ""))
    if sep == ",":
        return pointed
    commas, comma = in_convention(
        table, COMMA, lambda s: s.str.replace(".", "").str.replace(",", ".")
    )
    if point == comma:
        for name in point:
            differ = (pointed[name] != commas[name]) & pointed[name].notna()
            if differ.any():
                cell = table[name][differ].iloc[0]
                a, b = pointed[name][differ].iloc[0], commas[name][differ].iloc[0]
                raise ValueError(
                    f"column {name!r} must have one reading, got two: {cell!r} is {a:g} or {b:g}; "
                    "pass decimal='.' for the first, decimal=',', thousands='.' for the second"
                )
    return commas if len(comma) > len(point) else pointed


def in_convention(table, grammar, as_python):
    """The table with its columns of numbers as such, and their names."""
    import pandas as pd

    table, found = table.copy(), []
    for name in table:
        cells = table[name].dropna().str.strip().str.replace("\u2212", "-")
        labels = cells.str.fullmatch(r"0\d+").any()
        if len(cells) and not labels and cells.str.fullmatch(grammar).all():
            table[name] = pd.to_numeric(as_python(cells)).reindex(table.index)
            found.append(name)
    return table, found


# A look


@dataclass(repr=False)
class Look:
    """What a table holds, in one screen.

    ``columns`` is a DataFrame with a row for each column; ``remarks`` are sentences on what may
    ruin a fit; ``grouped`` says why rows may belong together ("" if nothing shows it);
    ``left_out`` are columns that are no property of a case.
    """

    columns: object
    remarks: list[str] = field(default_factory=list)
    grouped: str = ""
    left_out: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        with_rest = self.columns.to_string(max_rows=40, max_colwidth=24)
        return "\n".join([with_rest, *[f"- {remark}" for remark in self.all_remarks()]])

    def all_remarks(self) -> list[str]:
        return [*self.remarks, *([self.grouped] if self.grouped else [])]


def look(table, target: str | None = None) -> Look:
    """Look at a DataFrame (or at what ``read`` takes) before anything is fitted: a ``Look``.

    Per column its kind, count, holes, smallest, median, largest and most frequent value; and what
    a few general signs say of values that stand apart, extremes that repeat, columns that number
    or label the cases, columns that are constant within another, doubled rows, and the target.
    """
    import pandas as pd

    table = table if isinstance(table, pd.DataFrame) else read(table)
    if target is not None and target not in table:
        raise ValueError(f"target must name a column, got {target!r}: they are {list(table)}")
    distinct_names(table)
    found = Look(pd.DataFrame({name: described(table[name]) for name in table}).T)
    for name in table:
        column = table[name]
        numbers_in_text(name, column, found)
        labels(name, column, found)
        if found.columns.loc[name, "kind"] in ("number", "whole number"):
            found.remarks += extremes(name, column.dropna().astype(float))
    copies(table, target, found)
    found.grouped = found.grouped or groups_in(table.drop(columns=[target], errors="ignore"))
    if target is not None and pd.api.types.is_numeric_dtype(table[target]):
        found.remarks += about_target(target, table[target].dropna().astype(float))
    return found


def distinct_names(table) -> None:
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise ValueError(f"columns must have different names, got {twice[0]!r} more than once")


def described(column) -> dict:
    """One row of the screen."""
    import pandas as pd

    cells = column.dropna()
    single = column.dtype != object or all(isinstance(cell, Hashable) for cell in cells)
    if not single or column.dtype.kind == "c":
        raise ValueError(
            f"column {column.name!r} must hold one real number, text or date a row, got "
            f"{what_came(cells.iloc[0])}"
        )
    common = cells.value_counts()
    kind = "text"
    if pd.api.types.is_bool_dtype(column):
        kind = "yes or no"
    elif pd.api.types.is_datetime64_any_dtype(column) or (
        len(cells) and cells.astype(str).str.fullmatch(DATE_TEXT).all()
    ):
        kind = "date"
    elif pd.api.types.is_numeric_dtype(column):
        kind = "whole number" if (cells % 1 == 0).all() else "number"
    elif len(common) <= FEW:
        kind = "category"
    dated = pd.api.types.is_datetime64_any_dtype(column)
    ordered = len(cells) > 0 and (dated or kind in ("number", "whole number"))
    return {
        "kind": kind,
        "count": len(cells),
        "holes": len(column) - len(cells),
        "smallest": cells.min() if ordered else "",
        "median": cells.median() if ordered else "",
        "largest": cells.max() if ordered else "",
        "most frequent": common.index[0] if len(common) else "",
        "its share": f"{common.iloc[0] / len(cells):.0%}" if len(common) else "",
    }


def numbers_in_text(name: str, column, found: Look) -> None:
    """A column of text, most of which is numbers: what to type."""
    import pandas as pd

    if found.columns.loc[name, "kind"] not in ("text", "category"):
        return
    cells = column.dropna().astype(str)
    cells = cells[cells.str.strip() != ""]
    digits = cells.str.match(r"\W*\d") & ~cells.str.contains(r"[^\W\d_]{3}")
    plain = pd.to_numeric(cells, errors="coerce").notna()
    if not len(cells) or cells.str.match(r"\W*0\d").any() or digits.mean() < 0.7:
        return
    odd = cells[~plain]
    row = column.index.get_loc(odd.index[0]) if odd.index.is_unique and len(odd) else 0
    if plain.all():
        found.remarks.append(f"{name!r} holds numbers as text: if they have a size, pd.to_numeric.")
        return
    if plain.mean() >= 0.7:
        words = ", ".join(map(repr, odd.unique()[:3]))
        found.remarks.append(
            f"{name!r} holds numbers but for {many(len(odd), 'cell')} ({words}, first in row {row} "
            "from 0): if they are holes pass na_values=[…], if a head of units skiprows=[1]."
        )
        return
    how = "strip units and brackets"
    if cells.str.fullmatch(POINT).all():
        how = "read the file with thousands=','"
    elif cells.str.fullmatch(COMMA).all():
        how = "read the file with decimal=',', thousands='.'"
    found.remarks.append(
        f"{name!r} holds numbers in a spelling of its own ({odd.iloc[0]!r}): {how}."
    )


def labels(name: str, column, found: Look) -> None:
    """Columns that number or label the cases are no property of a case."""
    kind, cells = found.columns.loc[name, "kind"], column.dropna()
    enough = len(cells) >= FEW
    if cells.nunique() == 1 and (len(cells) == len(column) or "number" in kind):
        found.left_out.append(name)
        found.remarks.append(f"{name!r} is constant and is left out.")
        return
    if kind == "whole number" and enough and cells.is_unique and span(cells) == len(cells) - 1:
        found.left_out.append(name)
        found.remarks.append(f"{name!r} numbers the rows and is left out.")
        return
    digits = cells.astype("int64").astype(str) if kind == "whole number" else cells
    if kind == "whole number" and enough and digits.str.fullmatch(DATE).all():
        found.left_out.append(name)
        found.remarks.append(
            f"{name!r} holds dates in digits and is left out: pass time={name!r} if the next rows "
            "are of a later day."
        )
    elif kind == "whole number" and enough and cells.min() > 999 and cells.nunique() > FEW:
        if digits.str.len().nunique() == 1 and cells.nunique() < 0.95 * len(cells):
            found.remarks.append(f"{name!r} may be a code: then make it text, it has no size.")
    elif kind == "date":
        found.left_out.append(name)
        found.remarks.append(f"{name!r} holds dates and is left out: time={name!r} orders by it.")
    elif kind == "text":
        found.left_out.append(name)
        found.remarks.append(f"{name!r} is text of {cells.nunique()} values and is left out.")


def span(cells) -> float:
    return cells.max() - cells.min()


def far_out(values: np.ndarray, reach: float) -> np.ndarray:
    """Which lie outside the middle 90 % by more than ``reach`` times its range."""
    low, high = np.quantile(values, [0.05, 0.95])
    far = reach * (high - low)
    return ((values < low - far) | (values > high + far)) & (high > low)


def standing_apart(values: np.ndarray) -> np.ndarray:
    """Which few values (a fiftieth at most) lie far from all others; if all are > 0, in ratios."""
    apart = far_out(values, 4)
    if values.min() > 0:
        apart &= far_out(np.log(values), 1.5)
    return apart & (apart.sum() <= max(1, len(values) // 50))


def extremes(name: str, cells) -> list[str]:
    """Values that stand apart from all others, and an extreme value that repeats."""
    values = cells.sort_values().to_numpy()
    n, said = len(values), []
    if n < FEW:
        return []
    apart = standing_apart(values)
    if apart.any():
        said.append(
            f"{name!r}: {apart.sum()} of {n} values (as {values[apart][-1]:g}) stand apart from "
            "all others: holes, totals, a slip of the decimal sign? They decide any fit by squares."
        )
    for value in (values[0], values[-1]):
        share = (values == value).mean()
        distinct = len(set(values))
        if distinct > FEW and share > max(0.02, 5 / distinct) and (values == value).sum() >= 5:
            said.append(
                f"{name!r}: {share:.0%} of its values are exactly its extreme, {value:g}: a hole "
                "written as a number, or a limit of what is measured?"
            )
    return said


def copies(table, target: str | None, found: Look) -> None:
    """Rows that repeat: one case, if they are more than twice as many as by chance.

    By chance: with the target, or the last column, dealt to other rows.
    """
    count = int(table.duplicated().sum())
    said, last = f"{count} of {len(table)} rows repeat another one", target or table.columns[-1]
    dealt = table.copy()
    dealt[last] = table[last].sample(frac=1, random_state=0).to_numpy()
    if count > max(5, 2 * int(dealt.duplicated().sum())):
        found.grouped = (
            f"{said}: one that tests may have trained as its copy. Drop them "
            "(table.drop_duplicates()), or pass groups=False if each is a case."
        )
    elif count:
        found.remarks.append(f"{said}.")


def groups_in(inputs) -> str:
    """Why the rows may belong together: columns that are constant within another one."""
    n, signs = len(inputs), {}
    for name in inputs:
        sizes = inputs[name].value_counts()
        if not (FEW // 2 <= len(sizes) <= n / 2 and sizes.median() >= 2):
            continue
        grouped = inputs.groupby(name, observed=True)
        same = [
            other
            for other in inputs
            if other != name
            and inputs[other].nunique() > 1
            and inputs[other].nunique() > len(sizes) / 10
            and (grouped[other].nunique() <= 1).all()
        ]
        if same:
            signs[name] = same
    if not signs:
        return ""
    name = max(signs, key=lambda name: (inputs[name].nunique(), len(signs[name])))
    others = ", ".join(repr(other) for other in signs[name][:3])
    return (
        f"Within each of the {inputs[name].nunique()} values of {name!r} {others} is constant: are "
        f"these rows of one case (one patient, one place)? Then pass groups={name!r}, else "
        "groups=False."
    )


def about_target(name: str, y) -> list[str]:
    """What a Gaussian will not describe well."""
    n, distinct = len(y), y.nunique()
    whole = bool((y == y.round()).all())
    if distinct == 2:
        return [f"{name!r} takes 2 values: what is wanted is a probability (logistic regression)."]
    if distinct <= max(10, n // 100):
        return [f"{name!r} takes {distinct} values only: a Gaussian is a rough description of it."]
    if whole and y.min() >= 0 and y.mean() < 30:
        return [f"{name!r} looks like a count: a Poisson may describe it better (notebook 11)."]
    if y.min() > 0 and y.mean() > 1.25 * y.median() and y.skew() > 1.5:
        return [f"{name!r} is positive and skewed: its logarithm may be the better target."]
    return []


# To numbers


def many(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * int(count != 1)}"


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
