"""`make claims`: the conclusions of the lessons, run again with other seeds, budgets and settings.

    make claims                     every module of this folder that holds claims
    make claims ARGS="03 12"        those of these lessons
    make claims ARGS="--compare"    store nothing; fail where counts differ beyond chance

A module (lesson_03.py is the shortest) holds CHOICES (name -> values, to be crossed), CLAIMS (name
-> sentence) and `outcome(**recipe)` -> {claim: [whether it holds, for each seed]}. results/ stores
how often each claim holds and of how many, for each recipe in the order of `recipes`. The study of
`report` has half an hour and a command of its own: `python -m tests.claims.report_tables`.
"""

import importlib
import json
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from tests.claims.shown import line, sums

HERE = Path(__file__).parent


def names() -> list[str]:
    """The sets of claims, as `make claims` calls them: 03 is lesson_03.py."""
    return sorted(path.stem.removeprefix("lesson_") for path in HERE.glob("lesson_*.py"))


def module(name: str):
    return importlib.import_module(f"tests.claims.lesson_{name}")


def path(name: str) -> Path:
    return HERE / "results" / f"{name}.json"


def stored(name: str) -> dict:
    return json.loads(path(name).read_text(encoding="utf-8"))


def recipes(choices: dict) -> list[dict]:
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def count(name: str, recipe: dict) -> dict[str, list[int]]:
    """Of each claim: with how many seeds it holds, and of how many, in one recipe."""
    outcome = module(name).outcome(**recipe)
    return {claim: [sum(map(bool, runs)), len(runs)] for claim, runs in outcome.items()}


def run(name: str) -> dict:
    """What is stored of one set of claims: its choices, and each claim's counts. On all cores."""
    todo = recipes(module(name).CHOICES)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        counts = list(pool.map(count, [name] * len(todo), todo))
    claims = {claim: [c[claim] for c in counts] for claim in module(name).CLAIMS}
    # As it comes back from a file: with lists, not tuples.
    return json.loads(json.dumps({"choices": module(name).CHOICES, "claims": claims}))


def differ(new: list, old: list) -> bool:
    """Whether two shares, in one recipe or in all, are four binomial standard errors apart."""
    for (k, n), (k_old, n_old) in zip([*new, sums(new)], [*old, sums(old)], strict=True):
        p = (k + k_old) / max(n + n_old, 1)
        if abs(k * n_old - k_old * n) > 4 * math.sqrt(p * (1 - p) * n * n_old * (n + n_old)):
            return True
    return False


def main(arguments: list[str]) -> None:
    compare = "--compare" in arguments
    chosen = [name for name in arguments if name != "--compare"] or names()
    if unknown := set(chosen) - set(names()):
        raise SystemExit(f"claims are {', '.join(names())}; there are none called {unknown}")
    changed = []
    for name in chosen:
        start, result = time.perf_counter(), run(name)
        for claim, sentence in module(name).CLAIMS.items():
            counts = result["claims"][claim]
            print(f"{claim}: {sentence}. {line(result['choices'], counts)}")
            if compare and differ(counts, stored(name)["claims"][claim]):
                changed.append(claim)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        if not compare:
            path(name).write_text(json.dumps(result) + "\n", encoding="utf-8")
    if changed:
        raise SystemExit(f"beyond chance from the stored counts: {', '.join(changed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
