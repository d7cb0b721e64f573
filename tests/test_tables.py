"""Hostile files: each gives the right table, or one sentence that names row and column."""

import io
import math
import re
import time
import zipfile
from pathlib import Path

import pytest
import torch

from course_utils.data import DATASETS, Table, diabetes, engel, motorcycle, read_csv

NAN = math.nan


def archive(*names):
    """A zip with these files in it, as an .xlsx is one."""
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w") as packed:
        for name in names:
            packed.writestr(name, "1,2\n")
    return saved.getvalue()


# file -> names, values, and words of the notes
READ = {
    "plain": ("x,y\n1,2\n3,4.5\n", "x y", [[1, 2], [3, 4.5]], ""),
    "no header": ("1,2.5\n3,4\n", "column 1|column 2", [[1, 2.5], [3, 4]], ""),
    "one row": ("1,2.5\n", "column 1|column 2", [[1, 2.5]], ""),
    "one row below names": ("x,y\n1,2\n", "x y", [[1, 2]], ""),
    "one column": ("y\n1\n2\n", "y", [[1], [2]], ""),
    "byte order mark": (b"\xef\xbb\xbf1,2\n3,4.5\n", "column 1|column 2", [[1, 2], [3, 4.5]], ""),
    "mark read as latin-1": ("ï»¿x,y\n1,2\n", "x y", [[1, 2]], ""),
    "UTF-16": ("x;y\n1;2\n".encode("utf-16"), "x y", [[1, 2]], ""),
    "UTF-16 without a mark": ("x;y\n1;2\n".encode("utf-16-be"), "x y", [[1, 2]], ""),
    "UTF-32": ("x;y\n1;2\n".encode("utf-32"), "x y", [[1, 2]], ""),
    "latin-1": ("Höhe,y\n1,2\n".encode("latin-1"), "Höhe y", [[1, 2]], "read as latin-1"),
    "old Mac's line ends": ("x,y\r1,2\r3,4\r", "x y", [[1, 2], [3, 4]], ""),
    "Windows' line ends": ("x,y\r\n1,2\r\n3,4\r\n", "x y", [[1, 2], [3, 4]], ""),
    "no end of the last line": ("x,y\n1,2", "x y", [[1, 2]], ""),
    "empty lines at the end": ("x,y\n1,2\n\n\n,\n,\n", "x y", [[1, 2]], ""),
    "empty lines between": (
        "x,y\n1,2\n\n,\n3,4\n",
        "x y",
        [[1, 2], [3, 4]],
        "2 empty rows are left out, the first is row 3.",
    ),
    "semicolon": ("x;y\n1;2\n", "x y", [[1, 2]], ""),
    "tab": ("x\ty\n1\t2\n", "x y", [[1, 2]], ""),
    "Excel's first line": ("sep=;\nx;y\n1;2\n", "x y", [[1, 2]], ""),
    "rows that end in a delimiter": ("x,y,\n1,2,\n", "x y", [[1, 2]], "'column 3' is kept out"),
    "rows longer than the names": ("x,y\n1,2,\n3,4,\n", "x y", [[1, 2], [3, 4]], ""),
    "spaces": (" x , y\n 1 , 2 \n", "x y", [[1, 2]], ""),
    "quotes": ('"x","y"\n"1","2"\n', "x y", [[1, 2]], ""),
    "a delimiter in quotes": ('"x, m",y\n1,2\n', "x, m|y", [[1, 2]], ""),
    "a line end in quotes": ('"x\nm",y\n1,2\n3,?\n', "x m|y", [[1, 2], [3, NAN]], "in row 4: ?"),
    "decimal comma": ("x;y\n1,5;2,25\n3;4\n", "x y", [[1.5, 2.25], [3, 4]], "a decimal comma"),
    "decimal comma and tab": ("x\ty\n1,5\t2\n", "x y", [[1.5, 2]], "a decimal comma"),
    "decimal comma in quotes": ('x,y\n"1,5",2\n', "x y", [[1.5, 2]], "a decimal comma"),
    "decimal comma and points": (
        "x;y\n1.234,5;1\n2.000;3\n",
        "x y",
        [[1234.5, 1], [2000, 3]],
        "'.' between thousands",
    ),
    "thousands with a comma": (
        'x,y\n"1,234",5.5\n"2,345,678",6\n',
        "x y",
        [[1234, 5.5], [2345678, 6]],
        "',' between thousands",
    ),
    "thousands by the other column": ('x,y\n"1,234",5.5\n', "x y", [[1234, 5.5]], "thousands"),
    "three decimals by their 0": (
        "x;y\n0,234;1\n1,234;2\n",
        "x y",
        [[0.234, 1], [1.234, 2]],
        "decimal comma",
    ),
    "thousands with a space": ("x;y\n1 200;1\n950;2\n", "x y", [[1200, 1], [950, 2]], ""),
    "with a no-break space": ("x;y\n1\xa0200\u202f000,5;1\n", "x y", None, "is kept out"),
    "with one kind of it": ("x;y\n1\xa0200\xa0000,5;1\n", "x y", [[1200000.5, 1]], "decimal comma"),
    "thousands as in Zürich": (
        "x;y\n1'200;1\n1'200'300.5;2\n",
        "x y",
        [[1200, 1], [1200300.5, 2]],
        "",
    ),
    "exponents and signs": ("x,y\n+1e3,-2.5E-1\n.5,5.\n", "x y", [[1000, -0.25], [0.5, 5]], ""),
    "a typographer's minus": ("x,y\n\u22121,2\n", "x y", [[-1, 2]], ""),
    "holes": (
        "x,y\n,1\nNA,2\nnan,3\n4,inf\n5,6\n",
        "x y",
        [[NAN, 1], [NAN, 2], [NAN, 3], [4, NAN], [5, 6]],
        "3 holes, the first in row 2",
    ),
    "too large": ("x,y\n1e999,1\n2,3\n", "x y", [[NAN, 1], [2, 3]], "in row 2: 1e999"),
    "text": ("x,c,y\n1,red,2\n3,blue,4\n", "x y", [[1, 2], [3, 4]], "text, 'red' in row 2"),
    "one text": ("x,c,y\n1,2,2\n3,blue,4\n", "x y", [[1, 2], [3, 4]], "(1 of 2 cells"),
    "dates": ("d,x,y\n2026-11-25,1,2\n", "x y", [[1, 2]], "dates, '2026-11-25' in row 2"),
    "German dates": ("d;x;y\n25.11.2026;1;2\n", "x y", [[1, 2]], "dates, '25.11.2026'"),
    "clock times": ("d;x;y\n12:30;1;2\n", "x y", [[1, 2]], "dates, '12:30'"),
    "what Python reads": ("c,x,y\n1_000,1,2\n", "x y", [[1, 2]], "text, '1_000'"),
    "other digits": ("c,x,y\n\u0661,1,2\n", "x y", [[1, 2]], "text"),
    "percent, money": ("a,b,y\n5%,$3,2\n", "y", [[2]], "text, '5%' in row 2"),
    "True and False": ("b,y\nTrue,2\n", "y", [[2]], "text, 'True' in row 2"),
    "a decimal point and a comma": (
        "c;y\n1,5;2\n2.5;3\n",
        "y",
        [[2], [3]],
        "'2.5' in row 3 beside numbers with a decimal comma",
    ),
    "one comma, two readings": ('c,y\n"1,234",5\n', "y", [[5]], "'1,234' in row 2"),
    "a constant column": ("x,y\n1,2\n1,3\n", "x y", [[1, 2], [1, 3]], "constant, 1 in each row"),
    "equal names": ("a,a,y\n1,2,3\n", "a (column 1)|a (column 2)|y", [[1, 2, 3]], "called 'a'"),
    "no name": (",x,y\n0,1,2\n", "column 1|x|y", [[0, 1, 2]], ""),
    "text beside numbers": (
        "A,1,2\nB,3,4\n",
        "column 2|column 3",
        [[1, 2], [3, 4]],
        "read as data: if that is wrong, type header=True",
    ),
    "a year as name": ("x,2026\n1,2\n3,4\n", "x 2026", [[1, 2], [3, 4]], "header=False"),
    "semicolons in a text": ("c,y\na;b,1\nc;d,2\n", "y", [[1], [2]], "kept out"),
    "decimal comma without names": (
        "1,5\n2,25\n",
        "column 1|column 2",
        [[1, 5], [2, 25]],
        "If ',' is the decimal sign",
    ),
}

# file -> words of the sentence
REFUSED = {
    "empty": (b"", "is empty"),
    "a mark only": (b"\xef\xbb\xbf", "is empty"),
    "line ends only": ("\n\n\r\n", "is empty"),
    "empty cells only": (",,\n,,\n", "empty cells only"),
    "names only": ("x,y\n", "a row of names only, 'x', 'y'"),
    "text only": ("a,b\nred,blue\n", "column 'a' text, 'red' in row 2"),
    "no delimiter but a space": ("1.5 2.5\n3.5 4.5\n", "row 1 is '1.5 2.5', one number or 2?"),
    "one column of 1 200": ("1 200\n3 400\n", "row 1 is '1 200', one number or 2?"),
    "bars": ("x|y\n1|2\n", "row 2 is '1|2'"),
    "a short row": ("x,y,z\n1,2,3\n4,5\n6,7,8\n", "row 3 has 2 cells where most rows have 3"),
    "a long row": ("x,y\n1,2\n3,4,5\n6,7\n", "row 3 has 3 cells where most rows have 2"),
    "a title": ("measured by me\nx,y\n1,2\n3,4\n", "row 1 has 1 cell where most rows have 2"),
    "decimal and delimiting comma": ("x,y\n1,5,2,5\n3,5,4,5\n", "if ',' is the decimal sign"),
    "mixed delimiters": ("x;y\n1;2\n3,4\n5;6\n", "row 3 has 1 cell where most rows have 2"),
    "an open quote": ('x,y\n1,2\n3,"4\n5,6\n', "the quotes of row 3 do not match"),
    "a long open quote": ('x,y\n1,"' + "2\n" * 100_000, "the quotes of row 2 do not match"),
    "text after a quote": ('x,y\n1,"2"3\n', "the quotes of row 2 do not match"),
    "a NUL": ("x,y\n1,2\n3,\x004\n", "a NUL byte in row 3"),
    "NULs": (b"\x00" * 100, "a NUL byte in row 1"),
    "half of UTF-16": ("x;y\n1;2\n".encode("utf-16")[:-1], "not utf-16"),
    "a zip": (archive("a.csv"), "a zip archive: unpack it first"),
    "an xlsx": (archive("[Content_Types].xml", "xl/workbook.xml"), "save it as CSV"),
    "an xls": (b"\xd0\xcf\x11\xe0" + b"\x00" * 99, "an Excel file: save it as CSV"),
    "a png": (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    "a pdf": (b"%PDF-1.7\n", "a PDF"),
    "a gzip": (b"\x1f\x8b\x08\x00", "a gzip archive"),
    "a web page": ("<!DOCTYPE html><html>1,2</html>", "a web page"),
    "JSON": ('[{"x": 1}]', "JSON"),
}


def same(values, expected):
    expected = torch.tensor(expected, dtype=torch.float64)
    return torch.allclose(values, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("content", "names", "values", "note"), READ.values(), ids=READ)
def test_a_hostile_file_gives_the_right_table(content, names, values, note):
    content = content.encode() if isinstance(content, str) else content
    table = read_csv(content)
    if values is None:  # two kinds of space in one number: no convention has that
        assert table.names == ["y"]
    else:
        assert table.names == names.split("|" if "|" in names else " ")
        assert table.values.dtype == torch.float64 and same(table.values, values)
        assert len(table) == len(table.lines) == len(values)
    assert note in " ".join(table.notes)
    if not note:
        assert not table.notes


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_is_refused_in_one_sentence(content, words):
    content = content.encode() if isinstance(content, str) else content
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        read_csv(content)
    sentence = str(refused.value)
    assert len(sentence) < 300 and "\n" not in sentence and not re.search(r"[.] [A-Z]", sentence)
    assert "course_utils" in str(refused.traceback[-1].path)


def test_at_least_thirty_hostile_files_are_tried():
    assert len(READ) + len(REFUSED) >= 30


SOURCES = {
    "path": lambda path: path,
    "text path": str,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "binary file": lambda path: io.BytesIO(path.read_bytes()),
    "text file": lambda path: io.StringIO(path.read_text(encoding="utf-8")),
    "ipywidgets 8": lambda path: ({"name": "a.csv", "content": memoryview(path.read_bytes())},),
    "one of ipywidgets 8": lambda path: {"name": "a.csv", "content": path.read_bytes()},
    "ipywidgets 7": lambda path: {"a.csv": {"metadata": {}, "content": path.read_bytes()}},
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_kind_of_source_gives_the_same_table(source, tmp_path):
    path = tmp_path / "höhe.csv"
    path.write_text("\ufeffx;y\n1,5;2\n3;4\n", encoding="utf-8")
    table = read_csv(source(path))
    assert table.names == ["x", "y"] and same(table.values, [[1.5, 2], [3, 4]])


def test_an_upload_is_called_by_its_name():
    with pytest.raises(ValueError, match=r"'mine\.xls' must be a CSV, got an Excel file"):
        read_csv(({"name": "mine.xls", "content": memoryview(b"\xd0\xcf\x11\xe0")},))


@pytest.mark.parametrize("load", [motorcycle, engel, diabetes])
def test_the_packaged_data_are_read_as_numpy_reads_them(load):
    table = read_csv(DATASETS / f"{load.__name__}.csv")
    x, y = table.xy(table.names[-1])
    assert torch.equal(x, load()[0]) and torch.equal(y, load()[1])


def test_xy_chooses_columns_by_name():
    table = read_csv(b"a,b,c\n1,2,3\n4,5,6\n")
    x, y = table.xy("b")
    assert same(x, [[1, 3], [4, 6]]) and same(y, [[2], [5]])
    x, y = table.xy("c", ["b"])
    assert same(x, [[2], [5]]) and same(y, [[3], [6]])
    assert same(table.xy("c", "b")[0], [[2], [5]])


@pytest.mark.parametrize(
    ("content", "target", "inputs", "words"),
    [
        ("x,y\n1,2\n", "z", None, "got 'z': they are 'x', 'y'"),
        ("c,x,y\nred,1,2\n", "y", ["c"], "column 'c' must hold numbers, got text, 'red' in row 2"),
        ("c,x,y\nred,1,2\n", "c", None, "column 'c' must hold numbers"),
        ('c,x,y\n"1,234",1,2\n', "c", None, "'1,234' in row 2, a decimal comma or thousands"),
        (
            "x,y\n1,2\n,4\n",
            "y",
            None,
            "column 'x' must be complete, got 1 hole, the first in row 3: an empty cell",
        ),
        (
            "x,y\n1,2\n\n3,NA\n",
            "y",
            None,
            "column 'y' must be complete, got 1 hole, the first in row 4: NA",
        ),
        ("a,a,y\n1,2,3\n", "a", None, "'a (column 1)', 'a (column 2)'"),
        ("y\n1\n", "y", None, "at least one column besides 'y'"),
    ],
)
def test_what_cannot_be_asked_for_is_said_with_row_and_column(content, target, inputs, words):
    table = read_csv(content.encode())
    with pytest.raises(ValueError, match=re.escape(words)):
        table.xy(target, inputs)


def test_rows_with_holes_are_dropped_on_request_and_counted():
    table = read_csv(b"a,b,y\n1,,1\n2,5,2\n3,6,NA\n4,7,4\n")
    x, y = table.xy("y", missing="drop")
    assert same(x, [[2, 5], [4, 7]]) and same(y, [[2], [4]])
    assert table.notes[-1] == "2 of 4 rows are left out for a hole in 'b', 'y'."
    assert same(table.xy("y", "a", missing="drop")[0], [[1], [2], [4]])  # b was not asked for
    with pytest.raises(ValueError, match="each of the 1 rows has a hole"):
        Table(["x", "y"], torch.tensor([[1.0, NAN]]).double()).xy("y", missing="drop")


def test_header_says_what_the_file_cannot():
    assert read_csv(b"2025,2026\n1,2\n", header=True).names == ["2025", "2026"]
    assert len(read_csv(b"2025,2026\n1,2\n")) == 2
    assert read_csv(b"x,y,1\n1,2,2\n", header=False).kept_out.keys() == {"column 1", "column 2"}


@pytest.mark.parametrize(("delimiter", "sign"), [(",", "."), (";", ",")])
def test_a_million_rows_take_linear_time(delimiter, sign):
    def seconds(n):
        rows = (f"{i}{sign}25{delimiter}{i}{sign}5\n" for i in range(n))
        content = f"x{delimiter}y\n{''.join(rows)}".encode()
        start = time.process_time()
        table = read_csv(content)
        assert len(table) == n and table.values[-1].tolist() == [n - 0.75, n - 0.5]
        return time.process_time() - start

    small, large = seconds(100_000), seconds(1_000_000)
    assert large < 25 * small
