"""A stranger's table: read in the one way it can be read, looked at, and turned into numbers."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils.columns import Columns
from course_utils.look import look, read


def csv(*lines):
    return "\n".join(lines).encode()


READ = {
    "comma": (csv("a,b", "1.5,2", "2.5,3"), {}, [[1.5, 2], [2.5, 3]]),
    "semicolon": (csv("a;b", "1,5;2", "2,5;3"), {}, [[1.5, 2], [2.5, 3]]),
    "tab": (csv("a\tb", "1.5\t2", "2.5\t3"), {}, [[1.5, 2], [2.5, 3]]),
    "spaces": (csv("a b", "1.5 2", "2.5   3"), {}, [[1.5, 2], [2.5, 3]]),
    "no names": (csv("1.5,2", "2.5,3"), {}, [[1.5, 2], [2.5, 3]]),
    "notes": (csv("# a thermometer", "# 2021, in C", "x,y", "1,5"), {}, [[1, 5]]),
    "byte order mark": (b"\xef\xbb\xbf" + csv("a,b", "1.5,2"), {}, [[1.5, 2]]),
    "UTF-16": ("a;b\n1,5;2\n".encode("utf-16"), {}, [[1.5, 2]]),
    "thousands": (csv("a,b", '"1,234.5",2'), {}, [[1234.5, 2]]),
    "points by a comma elsewhere": (csv("a;b", "1.234;2,5"), {}, [[1234, 2.5]]),
    "points by a 0": (csv("a;b", "0.234;2"), {}, [[0.234, 2]]),
    "points, told": (csv("a;b", "1.234;2"), {"decimal": "."}, [[1.234, 2]]),
    "thousands, told": (csv("a;b", "1.234;2"), {"decimal": ",", "thousands": "."}, [[1234, 2]]),
    "holes": (csv("a,b", "?,2", "NA,2", "-,2", "1,5"), {}, [[np.nan, 2]] * 3 + [[1, 5]]),
    "cp1252": ("Preis €;b\n1,5;2\n".encode("cp1252"), {}, [[1.5, 2]]),
    "minus of typographers": ("a,b\n\u22121,2\n".encode(), {}, [[-1, 2]]),
}


@pytest.mark.parametrize(("content", "options", "right"), READ.values(), ids=READ)
def test_a_file_is_read(content, options, right):
    file = {"name": "a.csv", "content": memoryview(content)}
    uploads = ({"a.csv": {"metadata": {"name": "a.csv"}, "content": content}}, file, (file,))
    for source in (content, io.BytesIO(content), *uploads):  # of ipywidgets 7 and 8
        np.testing.assert_array_equal(read(source, **options).to_numpy(float), right)


REFUSED = {
    "two readings": (csv("a;b", "3.029;x", "1.111;y"), "'3.029' is 3.029 or 3029"),
    "two readings of a comma": (csv("a;b", "3,029;x", "1,111;y"), "'3,029' is 3029 or 3.029"),
    "decimal commas split": (csv("x,y,,", "1,5,2,5", "2,5,3,5"), "were decimal commas split"),
    "cells without a name": (csv("x,y", "1,5,2,5", "2,5,3,5"), "were decimal commas split"),
    "ragged": (csv("x,y", "1,5", "1,5,2"), "line 3"),
    "nothing": (b"", "an empty file"),
    "a picture": (b"\x89PNG\x00\x00", "bytes that are no text"),
    "a page": (b"<html></html>", "a web page"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_or_two_is_refused(content, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read(content)


RNG = np.random.default_rng(0)
N = 200
X, U, K = RNG.standard_normal(N), RNG.uniform(size=N), np.arange(N)
Y = X + RNG.standard_normal(N)


def frame(y=Y, **columns):
    return pd.DataFrame({"x": X, **columns, "y": y})


PATIENTS = frame(age=K // 10 * 1.7 + 20, height=150 + K // 10 % 7, dose=U)
FEW = pd.DataFrame({"a": K % 7, "y": RNG.integers(0, 12, N)})
REMARKS = {
    "a total": (frame(a=np.r_[U[1:], 99]), "'a': 1 of 200 values (as 99) stand apart"),
    "slips of the decimal sign": (frame(np.where(K % 67 == 7, 100 * Y, Y)), "'y': 3 of 200 values"),
    "a hole as a number": (frame(a=np.where(K % 9, U, -999)), "exactly its extreme, -999"),
    "a limit": (frame(a=np.minimum(U, 0.9)), "exactly its extreme, 0.9"),
    "a row number": (frame(row=K), "'row' numbers the rows and is left out"),
    "a date": (frame(day=20210101 + K % 28), "'day' holds dates in digits"),
    "a code": (frame(zip=RNG.integers(10_000, 10_099, N)), "'zip' may be a code"),
    "an id of text": (frame(id=[f"p{i}" for i in K]), "'id' is text of 200 values"),
    "doubled": (pd.concat([frame()[:100]] * 2), "100 of 200 rows repeat another one: one that"),
    "repeats of few values": (FEW, "rows repeat another one."),
    "a constant": (frame(a="EUR"), "'a' is constant and is left out"),
    "days as text": (frame(day=[f"{1 + i % 28}.2.2024" for i in K]), "'day' holds dates"),
    "names with digits": (frame(a=[f"S-{i:03d}" for i in K]), "- 'a' is text of 200 values"),
    "money as text": (frame(a=[f"{2e3 + i:,.2f}" for i in K]), "thousands=','"),
    "patients": (PATIENTS.sample(frac=1, random_state=0), "groups='age'"),
    "one word": (frame(a=["k.A.", *map(str, X[1:])]), "numbers but for 1 cell ('k.A.'"),
    "per cent": (frame(a=[f"{v:.0f} %" for v in 50 + 9 * X]), "in a spelling of its own"),
    "units": (frame(a=["kg", *map(str, X[1:])]), "skiprows=[1]"),
    "yes or no": (frame((X > 0) * 1), "what is wanted is a probability"),
    "a count": (frame(RNG.poisson(12, N)), "looks like a count"),
    "skewed": (frame(np.exp(2 * X)), "its logarithm may be the better target"),
    "classes": (frame(K % 3), "takes 3 values only"),
}


@pytest.mark.parametrize(("table", "words"), REMARKS.values(), ids=REMARKS)
def test_what_may_ruin_a_fit_is_said(table, words):
    assert words in repr(look(table, "y"))


def test_an_ordinary_table_has_no_remark():
    table = frame(sex=RNG.choice(["f", "m"], N), age=RNG.integers(20, 80, N), rain=X > 1)
    found = look(table, "y")
    assert not found.all_remarks() and not found.left_out
    kinds = {"x": "number", "sex": "category", "age": "whole number", "rain": "yes or no"}
    assert found.columns["kind"].to_dict() == {**kinds, "y": "number"}
    assert len(repr(found).splitlines()) < 40


def test_leading_zeros_are_labels():
    table = read(csv("zip,y", "02134,1", "10115,2"))
    assert table["zip"].tolist() == ["02134", "10115"]


def test_a_hole_is_neither_of_two_levels():
    columns = Columns.of(frame(a=["yes", "no", None, "no"] * 50), "y", ["a"])
    assert columns.names == ["a=no", "a=yes"]
    assert columns.x({"a": None}).tolist() == [[0, 0]]


def test_rows_are_matched_by_name_whatever_their_order():
    table = pd.DataFrame({"size": [1.0, np.nan, 3.0], "sex": ["f", "m", "f"], "y": [1, 2, 3]})
    table["town"] = ["a", "b", "c"]
    columns = Columns.of(table, "y", ["size", "sex", "town"])
    right = [[1, 0, 1, 0, 0], [2, 1, 0, 1, 0], [3, 0, 0, 0, 1]]
    assert columns.names == ["size", "sex=m", "town=a", "town=b", "town=c"]
    for rows in (table, table[["town", "y", "sex", "size"]], table.drop(columns="y")):
        assert columns.x(rows).tolist() == right
    assert columns.x({"town": "a", "sex": "f", "size": 1}).tolist() == right[:1]
    assert columns.x(table.iloc[2]).tolist() == right[2:]
    assert columns.notes == ["1 hole of 'size' count as its median."]
    with pytest.raises(ValueError, match="none called 'sex'"):
        columns.x(table[["size", "town"]])
    with pytest.warns(UserWarning, match="not there before, \\['z'\\]"):
        assert columns.x({"town": "z", "sex": "f", "size": 1}).tolist() == [[1, 0, 0, 0, 0]]
    with pytest.raises(ValueError, match="must hold numbers, got 'big'"):
        columns.x({"town": "a", "sex": "f", "size": "big"})
    assert torch.equal(columns.y(table), torch.tensor([[1.0], [2], [3]], dtype=torch.float64))
