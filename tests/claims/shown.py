"""A claim's counts as a reader sees them: one line, and a strip of squares."""

from itertools import product

SIGNS = "One sign a recipe: ■ holds in nine of ten seeds or more, □ in half or more, × in fewer"


def sums(counts: list) -> list[int]:
    return [sum(column) for column in zip(*counts, strict=True)]


def share(counts: list) -> float:
    k, n = sums(counts)
    return k / n if n else 1.0


def line(choices: dict, counts: list) -> str:
    """Holds k of n. Fails: at … . Most decisive: … (from a % to b %)."""
    k, n = sums(counts)
    if k == n:
        return f"*Holds {k:,} of {n:,}. Fails: nowhere.*"
    tried = list(zip(product(*choices.values()), counts, strict=True))
    worst, (few, of) = min(tried, key=lambda it: share(it[1:]))
    at = ", ".join(f"{name} {value}" for name, value in zip(choices, worst, strict=True))
    most, spread = "", -1.0
    for i, (name, values) in enumerate(choices.items()):
        shares = {v: share([c for recipe, c in tried if recipe[i] == v]) for v in values}
        low, high = min(shares, key=shares.get), max(shares, key=shares.get)
        if shares[high] - shares[low] > spread:
            spread = shares[high] - shares[low]
            low_share, high_share = (f"{100 * shares[end]:.0f} %" for end in (low, high))
            most = f"{name} (from {low_share} at {low} to {high_share} at {high})"
    return (
        f"*Holds {k:,} of {n:,}. Fails: most often at {at} (holds {few} of {of}). "
        f"Most decisive: {most}.*"
    )


def squares(choices: dict, counts: list) -> str:
    """A row for each value of the first choice, a group for each of the second."""
    signs = "".join("■" if k >= 0.9 * n else "□" if k >= n / 2 else "×" for k, n in counts)
    (first, values), *others = choices.items()
    row = len(signs) // len(values)
    group = row // len(others[0][1]) if others else row
    labels = [f"{first} {value}" for value in values]
    rows = []
    for i, label in enumerate(labels):
        groups = [signs[j : j + group] for j in range(i * row, (i + 1) * row, group)]
        rows.append(f"{label:{max(map(len, labels))}}  {' '.join(groups)}")
    return "\n".join(rows)


def legend(choices: dict) -> str:
    """What a sign, its group and its place in the group stand for."""
    _, *others = (f"{name} {', '.join(map(str, values))}" for name, values in choices.items())
    places = zip(("groups: ", "in a group: "), (others[:1], others[1:]), strict=True)
    return (
        "; ".join([SIGNS, *(where + " × ".join(of) for where, of in places if of)])
        + ". `make claims` runs them again."
    )


def text(claims: dict[str, str], result: dict) -> str:
    """The Markdown of a set of claims."""
    parts = []
    for claim, sentence in claims.items():
        each = result["choices"], result["claims"][claim]
        parts += [f"**{claim}**: {sentence}. {line(*each)}", f"```text\n{squares(*each)}\n```"]
    return "\n\n".join([*parts, legend(result["choices"])])
