"""What teach/hub makes of its measurement; the hub itself is measured by hand."""

import re
from datetime import UTC, datetime

import pytest
from jupyter_server.services.kernels.connection.base import serialize_binary_message

from teach.hub import figures
from tools.notebooks import ROOT


@pytest.mark.parametrize("buffers", [[], [b"picture"], [b"", b"\x00" * 9]])
def test_a_kernels_message_is_read_as_the_server_writes_it(buffers):
    sent = {"header": {"date": datetime.now(UTC)}, "content": {"σ": 1}, "buffers": buffers}
    assert figures.kernel_message(serialize_binary_message(sent))["content"] == {"σ": 1}


def test_the_table_has_medians_and_the_slides_percentile():
    learners = [{"log in, s": seconds, "kernel MB": 350.0} for seconds in (2.0, 4.0, 9.0)]
    rows = figures.table(learners, [float(k) for k in range(100)]).splitlines()[2:]
    assert rows == [
        "| log in, s | 4.0 | 9.0 |",
        "| kernel MB | 350 | 350 |",
        "| slide to picture, ms (100; 95th percentile 95) | 50 | 99 |",
    ]


def test_the_sizing_is_what_follows_from_the_figures_that_were_measured():
    text = (ROOT / "teach" / "hub" / "README.md").read_text(encoding="utf-8")
    said = r"server (\d+) MB, kernel (\d+) MB, Run All ([\d.]+) CPU s, a slide (\d+) ms of CPU"
    names = ["server MB", "kernel MB", "Run All CPU s", "slide CPU ms"]
    learner = dict(zip(names, map(float, re.search(said, text).groups()), strict=True))
    rows = r"^\| ((?:server|kernel), .+?) \|.+\| ([\d.]+) \| [\d.]* ?\|$"  # of the slower run
    run = {name: float(value) for name, value in re.findall(rows, text, re.MULTILINE)}
    assert run["server, MB"] == learner["server MB"]
    assert run["kernel, MB"] == learner["kernel MB"]
    assert run["server, CPU s"] + run["kernel, CPU s"] == pytest.approx(learner["Run All CPU s"])
    assert figures.sizing(learner) in text


def test_a_class_of_thirty_by_hand():
    one = {"server MB": 100, "kernel MB": 300, "Run All CPU s": 16, "slide CPU ms": 40}
    row = figures.sizing(one).splitlines()[3]
    # 0.2 + 30 × 0.4 and 0.2 + 30 × 1.0 GB; 480 CPU s on 8 cores; 30 × 0.04 cores
    assert row == "| 30 | 12 / 30 GB | 480 CPU s: 60 s on 8 cores | 1.2 cores |"
