"""A look at a stranger's table, in one screen, before anything is fitted.

look(read("mine.csv"), target="price")
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from course_utils.reading import COMMA, POINT, read
from course_utils.validation import what_came

__all__ = ["Look", "look", "read"]

FEW = 20  # a column of so few different texts is a category
DATE = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
DATE_TEXT = r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](\d\d){1,2})([T ].*)?"


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


def many(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * int(count != 1)}"


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
