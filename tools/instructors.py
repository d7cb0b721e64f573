"""The generated part of teach/INSTRUCTORS.md: from teach/lessons.toml, the lessons, the checks."""

import re
import tomllib
from pathlib import Path

from course_utils.checks.lessons import entries

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "teach" / "INSTRUCTORS.md"


def known() -> dict:
    return tomllib.loads((ROOT / "teach" / "lessons.toml").read_text(encoding="utf-8"))


def text(number: str) -> str:
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.py")
    return re.sub(r"^# ?", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def minutes(number: str) -> int:
    return int(re.search(r"\*\*Time\.\*\* About (\d+) minutes", text(number))[1])


def needs(number: str) -> set[str]:
    """The lessons that its "You need" names."""
    line = re.search(r"\*\*You need\*\* (.+)", text(number))[1]
    named = re.findall(r"\b(?:notebook|lesson)s? ((?:\d\d(?: \([^)]*\))?(?:, | and )?)+)", line)
    return set(re.findall(r"\d\d", " ".join(named)))


def schedules() -> str:
    rows = ["| you have | lessons | study | how |", "|---|---|---|---|"]
    for name, plan in known()["schedules"].items():
        total = sum(map(minutes, plan["lessons"])) / 60
        rows.append(f"| {name} | {', '.join(plan['lessons'])} | {total:.1f} h | {plan['how']} |")
    return "\n".join(rows)


def lesson(number: str) -> str:
    """One lesson for the instructor: aim, what breaks what, and the usual wrong answers."""
    own, source = known()["lessons"][number], text(number)
    title = re.search(r"^# (.+)$", source, re.MULTILINE)[1]
    aims = re.search(r"\*\*You will be able to\*\*\n+((?:- .+\n?)+)", source)[1]
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    link = f"../notebooks/{path.name}#{own['breaks'].replace(' ', '-')}"
    lines = [
        f"### {title}",
        f"About {minutes(number)} minutes. Learners will be able to",
        aims.strip(),
        f"- **Many believe:** {own['believed']} **What breaks it:** [{own['breaks']}]({link}).",
        f"- **Before the lab ask:** {own['before']}",
        f"- **A two-minute move:** {own['move']}",
        f"- **Ask afterwards:** {own['after']}",
        f"- **May be skipped:** {own['skip']}",
        "<details><summary>The usual wrong answers, and what the checks say of them</summary>",
    ]
    for key, exercise in entries(number, "EXERCISES").items():
        said = "\n".join(f"  - {mistake.message}" for mistake in exercise.mistakes)
        lines.append(f"- **{key}**\n{said}")
    return "\n\n".join([*lines, "</details>"])


def written(text: str, name: str, made: str) -> str:
    """The page with what stands between the two marks of a generated part brought up to date."""
    start, end = f"<!-- {name}: written by make notebooks -->", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n\n{made}\n\n{end}{after}"


def page(old: str) -> str:
    """INSTRUCTORS.md with what is generated brought up to date."""
    lessons = "\n\n".join(map(lesson, sorted(known()["lessons"])))
    return written(written(old, "schedules", schedules()), "lessons", lessons)


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
