"""`make licences`: the licence of every package that the course installs, in its own words."""

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def packages() -> list[str]:
    """The names in the lock that this system takes."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [
        Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")
    ]
    return [pin.name for pin in pins if pin.marker is None or pin.marker.evaluate()]


def licence(name: str) -> str:
    """What a package's metadata say of its licence; '' if nothing."""
    said = metadata.metadata(name)
    classifiers = [c for c in said.get_all("Classifier", []) if c.startswith("License :: ")]
    text = said.get("License", "").strip().partition("\n")[0]
    return (
        said.get("License-Expression")
        or " and ".join(c.rpartition(" :: ")[2] for c in classifiers)
        or ("" if text == "UNKNOWN" else text)
    )


if __name__ == "__main__":
    names = packages()
    width = max(map(len, names))
    for name in names:
        print(f"{name:{width}}  {metadata.version(name):14}  {licence(name) or 'none stated'}")
