"""What measure.py makes of what it saw: a kernel's messages, a table of figures, a class's size."""

import json
import statistics
import struct

SHARED = 0.2  # GB of the hub and its proxy
CORES = {5: 2, 30: 8, 300: 64}  # of a machine, or of several, for so many learners


def kernel_message(data: bytes) -> dict:
    """A message with buffers, as a kernel's websocket sends it: a count, offsets, JSON, buffers."""
    (count,) = struct.unpack_from("!I", data)
    begin, *ends = struct.unpack_from(f"!{count}I", data, 4)
    return json.loads(data[begin : ends[0] if ends else None])


def table(learners: list[dict[str, float]], slides: list[float]) -> str:
    """Median and largest of each figure that the learners have; the slides' 95th percentile."""
    rows = {name: [figures[name] for figures in learners] for name in learners[0]}
    p95 = sorted(slides)[int(0.95 * len(slides))]
    rows[f"slide to picture, ms ({len(slides)}; 95th percentile {p95:.0f})"] = slides
    lines = ["| | median | largest |", "|---|---|---|"]
    for name, values in rows.items():
        digits = 1 if name.endswith(" s") else 0
        middle, largest = statistics.median(values), max(values)
        lines.append(f"| {name} | {middle:.{digits}f} | {largest:.{digits}f} |")
    return "\n".join(lines)


def short(value: float) -> str:
    return f"{value:,.{int(value < 10)}f}"


def sizing(learner: dict[str, float]) -> str:
    """What classes need, by arithmetic, from one learner's ``server MB``, ``kernel MB``,
    ``Run All CPU s`` and ``slide CPU ms``."""
    lines = [
        "| learners | memory, one kernel each / three | Run All in the same minute "
        "| all slide, once a second |",
        "|---|---|---|---|",
    ]
    for n, cores in CORES.items():
        one, three = (
            SHARED + n * (learner["server MB"] + k * learner["kernel MB"]) / 1000 for k in (1, 3)
        )
        work = n * learner["Run All CPU s"]
        sliding = n * learner["slide CPU ms"] / 1000
        lines.append(
            f"| {n} | {short(one)} / {short(three)} GB | {short(work)} CPU s: "
            f"{work / cores:.0f} s on {cores} cores | {short(sliding)} cores |"
        )
    return "\n".join(lines)
