"""A stranger's CSV as numbers: the right table, or one sentence that names the row and the column.

Every cell is first a text, and a strict parser of our own turns it into a number. Not pandas:
unless it is told the convention of a file beforehand, it makes a column with one `1 200` or `12,5`
a column of text and does not say in which row; and pandas 3.1 would add 84 MB to what whoever takes
the module home installs.
"""

import csv
import io
import math
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from course_utils.doors import DTYPE, what_came

__all__ = ["Table", "read_csv"]

DELIMITERS = {"\t": "a tab", ";": "';'", ",": "','"}
POINT, COMMA = ".", ","
# A space of any width, or an apostrophe, between groups of three digits.
GROUPS = " \u00a0\u2009\u202f'\u2019"
HOLES = {"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"}
INFINITE = {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}\b.*|\d{1,2}:\d\d.*")
PLAIN = {POINT: re.compile(r"[^0-9eE+\-.\n]"), COMMA: re.compile(r"[^0-9eE+\-,\n]")}
WITH_SEPARATOR = re.compile(r"^.*[.,].*$", re.M)
OTHER_FILES = (
    (b"\xd0\xcf\x11\xe0", "an Excel file: save it as CSV"),
    (b"\x89PNG", "a PNG picture: export the numbers behind it as CSV"),
    (b"\xff\xd8\xff", "a JPEG picture: export the numbers behind it as CSV"),
    (b"%PDF", "a PDF: export its table as CSV"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"PAR1", "a Parquet file: save it as CSV"),
    (b"\x89HDF", "an HDF5 file: save its table as CSV"),
    (b"\x93NUMPY", "a file of numpy's: type np.savetxt(path, array, delimiter=',')"),
)
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def grammar(decimal: str) -> re.Pattern:
    """What counts as a number where ``decimal`` is the decimal sign."""
    groups = re.escape(GROUPS + (COMMA if decimal == POINT else POINT))
    return re.compile(
        rf"[+-]?(?=[{decimal}]?[0-9])"
        rf"(?:[0-9]*|[1-9][0-9]{{0,2}}(?:([{groups}])[0-9]{{3}}(?:\1[0-9]{{3}})*))"
        rf"(?:[{decimal}][0-9]*)?(?:[eE][+-]?[0-9]+)?"
    )


GRAMMAR = {decimal: grammar(decimal) for decimal in (POINT, COMMA)}
NO_GROUPS = {
    decimal: str.maketrans(dict.fromkeys(GROUPS + other) | {decimal: "."})
    for decimal, other in ((POINT, COMMA), (COMMA, POINT))
}


def is_number(cell: str, decimal: str) -> bool:
    return GRAMMAR[decimal].fullmatch(cell) is not None


def is_hole(cell: str) -> bool:
    return cell.strip().lower() in HOLES | INFINITE


def is_value(cell: str) -> bool:
    """Whether a cell may stand in a column of numbers, by either decimal sign."""
    cell = tidy(cell)
    return is_hole(cell) or any(is_number(cell, decimal) for decimal in GRAMMAR)


def tidy(cell: str) -> str:
    return cell.strip().replace("\u2212", "-")  # the minus sign of typographers


# The table


@dataclass(repr=False)
class Table:
    """Columns of numbers with names.

    ``values`` is a float64 tensor (n, len(names)); a hole in the file is NaN. ``notes`` holds a
    sentence for each thing that a reader of the file should know. ``lines`` are the rows' numbers
    in the file, as an editor counts them, from 1; ``kept_out`` says for each column that is not of
    numbers why, and ``holes`` for each column with holes how many and where the first is.
    """

    names: list[str]
    values: Tensor
    notes: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    kept_out: dict[str, str] = field(default_factory=dict)
    holes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        shape = tuple(self.values.shape) if isinstance(self.values, Tensor) else None
        if shape is None or len(shape) != 2 or shape[1] != len(self.names):
            raise ValueError(
                f"values must be a tensor (n, {len(self.names)}), a column for each name, got "
                f"{what_came(self.values)}"
            )

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        head = (
            f"Table({len(self)} rows, {len(self.names)} columns of numbers: {listed(self.names)})"
        )
        return "\n".join([head, *self.notes])

    def xy(
        self, target: str, inputs: str | list[str] | None = None, *, missing: str = "refuse"
    ) -> tuple[Tensor, Tensor]:
        """x (n, d) and y (n, 1): the columns ``inputs`` (all others if None), and ``target``.

        A row with a hole in one of these columns is refused, or with ``missing="drop"`` left out,
        which a note then says. Raises ValueError for names that are not of columns of numbers.
        """
        if missing not in ("refuse", "drop"):
            raise ValueError(f'missing must be "refuse" or "drop", got {what_came(missing)}')
        (target,) = self.known([target], "target")
        if inputs is None:
            inputs = [name for name in self.names if name != target]
        else:
            inputs = self.known([inputs] if isinstance(inputs, str) else inputs, "inputs")
        if not inputs:
            raise ValueError(f"inputs must name at least one column besides {target!r}, got none")
        if target in inputs or len(set(inputs)) < len(inputs):
            twice = target if target in inputs else Counter(inputs).most_common(1)[0][0]
            raise ValueError(f"expected each column once, got {twice!r} twice in inputs and target")
        chosen = [*inputs, target]
        values = self.values[:, [self.names.index(name) for name in chosen]]
        bad = ~values.isfinite()
        if bad.any():
            rows = bad.any(dim=1)
            if missing == "refuse":
                name = chosen[int(bad.any(dim=0).nonzero()[0])]
                raise ValueError(
                    f"column {name!r} must be complete, got {self.hole_of(name)}: fill or delete "
                    'such rows, leave the column out of inputs, or type missing="drop"'
                )
            names = [name for name, holes in zip(chosen, bad.any(dim=0)) if holes]
            note = (
                f"{int(rows.sum())} of {len(self)} rows are left out for a hole in {listed(names)}."
            )
            if note not in self.notes:
                self.notes.append(note)
            values = values[~rows]
            if not len(values):
                raise ValueError(
                    f"each of the {len(self)} rows has a hole in {listed(names)}: "
                    "expected rows without one"
                )
        return values[:, :-1].contiguous(), values[:, -1:].contiguous()

    def known(self, names, what: str) -> list[str]:
        """The names, if all are of columns of numbers."""
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise ValueError(
                f"{what} must be given by name, got {what_came(names)}: the columns "
                f"of numbers are {listed(self.names)}"
            )
        for name in names:
            if name in self.kept_out:
                raise ValueError(
                    f"column {name!r} must hold numbers, got {self.kept_out[name]}: "
                    "correct the file, or choose another column"
                )
            if name not in self.names:
                raise ValueError(
                    f"{what} must name a column of numbers, got {name!r}: they are "
                    f"{listed(self.names)}"
                )
        return list(names)

    def hole_of(self, name: str) -> str:
        if name in self.holes:
            return self.holes[name]
        bad = ~self.values[:, self.names.index(name)].isfinite()
        return f"{int(bad.sum())} holes, the first in row {int(bad.nonzero()[0]) + 1}"


def listed(names, at_most: int = 12) -> str:
    """Names in quotes; of many, the first."""
    names = list(names)
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(repr(name[:40]) for name in names[:at_most]) + more if names else "none"


# From a file to text


def read_csv(source, *, header: bool | None = None) -> Table:
    """The columns of numbers in a CSV file, as a ``Table``.

    ``source`` is a path, bytes, an open file (binary or text), or the ``value`` of an ipywidgets
    FileUpload. Understood are ',' ';' and tab as delimiter; UTF-8, UTF-16 and latin-1; a decimal
    point or comma; thousands as in `1 200`, `1'200`, and, where it can only be that, `1,200.5` or
    `1.200,5`; quotes; a first row with or without names (``header`` says it where None cannot
    tell). Empty cells, NA, nan, null, ? and inf are holes. A column with anything else in it is
    kept out, which a note says; asking for it is an error. Raises ValueError, in one sentence, for
    all that is not a table.
    """
    if header not in (None, True, False):
        raise ValueError(f"header must be True, False or None, got {what_came(header)}")
    notes = []
    name, content = contents(source)
    text = content if isinstance(content, str) else decoded(name, content, notes)
    text = text.removeprefix("\ufeff").removeprefix("ï»¿")
    refuse_what_is_no_table(name, text)
    text, delimiter = delimiter_of(text)
    grid, lines = parsed(name, text, delimiter, notes)
    require_a_delimiter(name, grid, lines)
    names, grid, lines = named(name, grid, lines, header, notes)
    if delimiter == "," and names[0] == "column 1" and "." not in text and grid.width % 2 == 0:
        notes.append("If ',' is the decimal sign of this file, save it with ';' between cells.")
    return columns(name, names, grid, lines, notes)


def contents(source) -> tuple[str, str | bytes]:
    """How to call a source in a sentence, and what it holds."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the file", bytes(source)
    if isinstance(source, str | os.PathLike):
        return path_contents(source)
    if isinstance(source, dict) and "content" not in source and len(source) == 1:
        ((name, file),) = source.items()  # ipywidgets 7: {name: {"content": bytes, ...}}
        source = {"name": name} | file if isinstance(file, dict) else source
    if isinstance(source, list | tuple) and len(source) == 1:
        (source,) = source  # ipywidgets 8: ({"name": ..., "content": memoryview}, )
    if isinstance(source, dict) and isinstance(
        source.get("content"), bytes | bytearray | memoryview
    ):
        return repr(str(source.get("name", "the file"))), bytes(source["content"])
    if isinstance(source, list | tuple | dict) and not source:
        raise ValueError("expected a file, got an upload of none: choose a file first")
    if callable(getattr(source, "read", None)):
        content = source.read()
        if isinstance(content, str | bytes | bytearray | memoryview):
            name = getattr(source, "name", None)
            name = repr(Path(name).name) if isinstance(name, str) else "the file"
            return name, content if isinstance(content, str) else bytes(content)
    raise ValueError(f"source must be a path, bytes or an open file, got {what_came(source)}")


def path_contents(source) -> tuple[str, bytes]:
    if isinstance(source, str) and ("\n" in source or "\r" in source):
        raise ValueError("source must be a path, got the text of a file: type io.StringIO(text)")
    if isinstance(source, str) and re.match(r"https?://", source):
        raise ValueError(
            f"source must be a file on this machine, got {source[:60]!r}: download it first"
        )
    path = Path(source)
    try:
        return repr(path.name), path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        why = getattr(error, "strerror", None) or error
        raise ValueError(
            f"source must be a file that can be read, got {str(path)[:200]!r} seen from "
            f"{str(Path.cwd())[-60:]!r}: {why}"
        ) from error


def decoded(name: str, content: bytes, notes: list[str]) -> str:
    """The text of a file; a ValueError if it is another kind of file."""
    for magic, kind in OTHER_FILES:
        if content.startswith(magic):
            raise ValueError(f"{name} must be a CSV, got {kind}")
    if content.startswith(b"PK\x03\x04"):
        office = b"xl/" in content or b"[Content_Types].xml" in content[:4000]
        sheet = office or b"opendocument" in content[:200]
        kind = (
            "an Excel or OpenDocument file: save it as CSV"
            if sheet
            else "a zip archive: unpack it first"
        )
        raise ValueError(f"{name} must be a CSV, got {kind}")
    encoding = next((e for mark, e in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\x00" in content:
        start = content[:2000]
        odd, even = start[1::2].count(0), start[::2].count(0)
        if max(odd, even) > len(start) / 5:  # UTF-16 without a mark
            encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise ValueError(
                f"{name} must be text, got bytes that are not {encoding} near byte {error.start}: "
                "save it as CSV in UTF-8"
            ) from error
    notes.append("The file is not UTF-8 and is read as latin-1: check letters with accents.")
    return content.decode("latin-1")


def refuse_what_is_no_table(name: str, text: str) -> None:
    """A ValueError for an empty file, a web page, JSON, or text with NUL bytes in it."""
    start = text[:200].lstrip().lower()
    if not text.strip():
        raise ValueError(f"{name} is empty: expected a row of names and rows of numbers below it")
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise ValueError(f"{name} must be a CSV, got a web page or XML: was it saved by its link?")
    if start.startswith(("{", "[{", "[[")):
        raise ValueError(f"{name} must be a CSV, got JSON: save its table as CSV")
    if "\x00" in text:
        row = text[: text.index("\x00")].count("\n") + 1
        raise ValueError(
            f"{name} must be text, got a NUL byte in row {row}: it is damaged or not a CSV"
        )


# From text to rows


def delimiter_of(text: str) -> tuple[str, str]:
    """The text, with Excel's line `sep=;` blanked, and its delimiter.

    The one that gives most rows the same number of cells, then most numbers; then tab, ';', ','.
    """
    told = re.match(r"sep=(.)\r?\n", text)
    if told and told[1] in DELIMITERS:
        return text[told.end(1) :], told[1]

    def score(delimiter):
        reader = csv.reader(
            io.StringIO(text[:100_000], newline=""), delimiter=delimiter, skipinitialspace=True
        )
        try:
            rows = [row for row in islice(reader, 200) if any(cell.strip() for cell in row)]
        except csv.Error:
            return False, 0, 0
        if not rows:  # nothing but this delimiter
            return True, 1, 1
        width, count = Counter(map(len, rows)).most_common(1)[0]
        cells = [cell for row in rows[1:] or rows for cell in row if len(row) == width]
        numbers = sum(map(is_value, cells)) / max(1, len(cells))
        return width > 1, count / len(rows), numbers

    return text, max(DELIMITERS, key=score)


@dataclass
class Grid:
    """The cells of all rows, one row after the other: a million lists would slow the collector."""

    cells: list[str]
    width: int

    def row(self, i: int) -> list[str]:
        return self.cells[i * self.width : (i + 1) * self.width]

    def column(self, j: int) -> list[str]:
        return self.cells[j :: self.width]


def parsed(name: str, text: str, delimiter: str, notes: list[str]) -> tuple[Grid, list[int]]:
    """The cells, and the line of the file at which each row begins; a note counts empty rows."""
    cells, widths, lines, line, empty = [], [], [], 1, []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        for row in reader:
            if "".join(row).strip():
                cells += row
                widths.append(len(row))
                lines.append(line)
            elif lines:
                empty.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f'{name}: the quotes of row {line} do not match ({error}): expected each " to be '
            "closed in its cell"
        ) from error
    if not lines:
        raise ValueError(f"{name} holds empty cells only: expected rows of numbers")
    empty = [line for line in empty if line < lines[-1]]  # those at the end say nothing
    if empty:
        many = len(empty) > 1
        notes.append(
            f"{len(empty)} empty row{'s are' if many else ' is'} left out, the first is "
            f"row {empty[0]}."
        )
    if len(set(widths)) == 1:
        return Grid(cells, widths[0]), lines
    return one_width(name, cells, widths, lines, delimiter), lines


def one_width(name, cells, widths, lines, delimiter) -> Grid:
    """The cells without the empty ones that some rows end in, as some programs write them.

    Refuses rows of another number of cells than most.
    """
    rows, start = [], 0
    for width in widths:
        rows.append(cells[start : start + width])
        start += width
    used = max(next(j for j in range(len(row), 0, -1) if row[j - 1].strip()) for row in rows)
    width = min(Counter(widths).most_common(1)[0][0], used)
    for row, line in zip(rows, lines):
        if len(row) > width and not "".join(row[width:]).strip():
            del row[width:]
        if len(row) != width:
            decimal = delimiter == "," and min(width, len(row)) > 1
            advice = ", or save with ';' if ',' is the decimal sign" if decimal else ""
            raise ValueError(
                f"{name}: row {line} has {len(row)} cell{'s' * (len(row) != 1)} where most rows "
                f"have {width}, got {delimiter.join(row)[:40]!r} with {DELIMITERS[delimiter]} "
                f"between cells: mend or delete it{advice}"
            )
    return Grid([cell for row in rows for cell in row], width)


def named(name, grid, lines, header, notes) -> tuple[list[str], Grid, list[int]]:
    """The columns' names, and the rows below them."""
    first = grid.row(0)
    texts = [not is_value(cell) for cell in first]
    numbers = [is_value(cell) and not is_hole(cell) for cell in first]
    if header is None:
        below = [grid.row(i) for i in range(1, min(1000, len(lines)))]
        # A text on top of numbers is a name; so is any, in a row without a number.
        on_top = any(
            text and below and sum(is_value(row[j]) for row in below) > len(below) / 2
            for j, text in enumerate(texts)
        )
        header = on_top or (any(texts) and not any(numbers))
        if any(texts) and any(numbers):
            notes.append(
                f"Row {lines[0]} is read as {'names' if header else 'data'}: if that is wrong, "
                f"type header={not header}."
            )
    if not header:
        return [f"column {j + 1}" for j in range(len(first))], grid, lines
    if len(lines) == 1:
        raise ValueError(
            f"{name} has a row of names only, {listed(first)}: expected rows of numbers below it"
        )
    names = [" ".join(cell.split()) or f"column {j + 1}" for j, cell in enumerate(first)]
    twice = {cell for cell, count in Counter(names).items() if count > 1}
    if twice:
        notes.append(
            f"Two or more columns are called {listed(sorted(twice))}: their names here "
            "say which column it is."
        )
        names = [
            f"{cell} (column {j + 1})" if cell in twice else cell for j, cell in enumerate(names)
        ]
    return names, Grid(grid.cells[grid.width :], grid.width), lines[1:]


def require_a_delimiter(name, grid, lines) -> None:
    """Refuse a single column whose cells hold a space or a bar: how many columns is that?"""
    if grid.width > 1:
        return
    for cell, line in zip(grid.cells, lines):
        parts = re.split(r"[ |]+", cell.strip())
        if len(parts) > 1 and all(is_value(part) for part in parts):
            raise ValueError(
                f"{name}: row {line} is {cell[:40]!r}, one number or {len(parts)}? expected ',' "
                "';' or a tab between the cells, and 1200 for 1 200"
            )


# From cells to numbers


def columns(name, names, grid, lines, notes) -> Table:
    """The table; columns that are not of numbers are kept out of it."""
    texts = ["\n".join(grid.column(j)) for j in range(grid.width)]
    signs = [decimal_sign(text) for text in texts]
    of_file = {sign for sign in signs if sign}
    of_file = of_file.pop() if len(of_file) == 1 else None
    kept, numbers, kept_out, holes, found = [], [], {}, {}, {}
    for j, (column_name, text, sign) in enumerate(zip(names, texts, signs)):
        column = grid.column(j)
        doubtful = None if sign or of_file else ambiguous(text)
        if doubtful is not None:
            i = next(i for i, cell in enumerate(column) if tidy(cell) == doubtful)
            kept_out[column_name] = f"{doubtful!r} in row {lines[i]}, a decimal comma or thousands"
            continue
        decimal = sign or of_file or POINT
        values, hole, bad = column_values(column, text, decimal)
        if bad:
            kept_out[column_name] = why_not(column, lines, bad, decimal)
            continue
        if len(hole) == len(column):
            kept_out[column_name] = "no number at all"
            continue
        if hole:
            holes[column_name] = (
                f"{len(hole)} hole{'s' * (len(hole) > 1)}, the first in row {lines[hole[0]]}: "
                f"{column[hole[0]].strip() or 'an empty cell'}"
            )
        kept.append(column_name)
        numbers.append(torch.tensor(values, dtype=DTYPE))
        for remark in remarks(text, numbers[-1], decimal):
            found.setdefault(remark, []).append(column_name)
    notes += [f"Column{'s' * (len(c) > 1)} {listed(c)}: {remark}." for remark, c in found.items()]
    notes += [f"Column {c!r} is kept out: it holds {why}." for c, why in kept_out.items()]
    notes += [f"Column {c!r} has {why}." for c, why in holes.items()]
    if not kept:
        column_name, why = next(iter(kept_out.items()))
        raise ValueError(
            f"{name} must have a column of numbers, got in column {column_name!r} {why}"
        )
    return Table(kept, torch.stack(numbers, dim=1), notes, lines, kept_out, holes)


def decimal_sign(text: str) -> str | None:
    """The decimal sign of a column, by its first cell that has one reading; None if none has."""
    for found in WITH_SEPARATOR.finditer(text):
        cell = tidy(found[0])
        fits = [sign for sign in GRAMMAR if is_number(cell, sign)]
        if len(fits) == 1:
            return fits[0]
    return None


def ambiguous(text: str) -> str | None:
    """The first cell such as `1,234`: 1.234 or 1234?"""
    if COMMA in text:
        for found in WITH_SEPARATOR.finditer(text):
            cell = tidy(found[0])
            if COMMA in cell and all(is_number(cell, sign) for sign in GRAMMAR):
                return cell
    return None


def column_values(column, text, decimal) -> tuple[list[float], list[int], list[int]]:
    """A column's numbers, and where its holes and the cells that are neither are."""
    if not PLAIN[decimal].search(text):  # nothing but digits, signs, e and the decimal sign
        try:
            values = list(map(float, text.replace(decimal, ".").split("\n")))
            if all(map(math.isfinite, values)) and len(values) == len(column):
                return values, [], []
        except ValueError:
            pass
    values, holes, bad = [], [], []
    for i, cell in enumerate(column):
        cell = tidy(cell)
        value = math.nan
        if is_number(cell, decimal):
            value = float(cell.translate(NO_GROUPS[decimal]))
        elif not is_hole(cell):
            bad.append(i)
        if not math.isfinite(value):
            value = math.nan
            holes.append(i)
        values.append(value)
    return values, [] if bad else holes, bad


def why_not(column, lines, bad, decimal) -> str:
    """Why a column is not of numbers, with the first cell that is none."""
    cell = tidy(column[bad[0]])
    where = f"{cell[:40]!r} in row {lines[bad[0]]}"
    share = f"({len(bad)} of {len(column)} cells are not numbers)"
    if is_value(cell):
        word = {POINT: "point", COMMA: "comma"}[decimal]
        return f"{where} beside numbers with a decimal {word} {share}"
    return f"{'dates' if DATE.fullmatch(cell) else 'text'}, {where} {share}"


def remarks(text: str, values: Tensor, decimal: str) -> list[str]:
    """What to know of a column of numbers: how its signs were read, and whether it varies."""
    found = []
    other = COMMA if decimal == POINT else POINT
    if decimal == COMMA and COMMA in text:
        found.append("read with a decimal comma")
    if other in text:
        found.append(f"read with {other!r} between thousands")
    finite = values[values.isfinite()]
    if len(values) > 1 and (finite == finite[0]).all():
        found.append(f"constant, {finite[0].item():g} in each row")
    return found
