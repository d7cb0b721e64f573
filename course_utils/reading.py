"""A file that a stranger saved as a table: read by pandas, in the one reading that it has.

pandas is imported where a table is used, so that no other lesson's kernel grows.
"""

import io
import re
from pathlib import Path

from course_utils.validation import what_came

__all__ = ["read"]

HOLES = ["?", "-", "#NV", "#N/A"]  # besides pandas' own
POINT = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+|(?=\.\d))(\.\d*)?([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+|(?=,\d))(,\d*)?([eE][+-]?\d+)?")


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
