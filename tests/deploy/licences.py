"""`python -m tests.deploy.licences`: writes docs/licences.md out of the locks and of what the installed packages say."""

import re
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import NamedTuple, cast

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "licences.md"
SETS = ("core", "reports", "ai", "mcp", "telemetry", "rabbitmq", "demo")
"""What users may install, the first that holds a package first."""

_PINNED = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
_LONGEST = 60
_HEAD = """# Licences

What a Tocsin that is installed brings along, by the [locked sets](decisions/0001-dependencies-and-pins.md): `core` is what every
process needs, the others are what they are named for. Each package's own word, gathered by `make licences`; a test holds this
page to the locks. Packages that Linux does not install are left out. `make sbom` writes the same, with hashes, as CycloneDX.

| package | version | licence | set |
|---|---|---|---|
"""


class Packed(NamedTuple):
    """A locked package, and the first set that holds it."""

    name: str
    version: str
    found_in: str


def page() -> str:
    """The page as it must stand."""
    rows = [f"| {each.name} | {each.version} | {licence(each.name)} | {each.found_in} |\n" for each in packed()]
    return _HEAD + "".join(rows)


def packed() -> Iterator[Packed]:
    """Every package of the sets that is installed here, by name."""
    found: dict[str, Packed] = {}
    for name in SETS:
        for package, version in _PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text()):
            if package not in found and _is_installed(package):
                found[package] = Packed(package, version, name)
    return iter(found[name] for name in sorted(found))


def licence(package: str) -> str:
    """What the package says of its licence: the expression, the classifier, or the first words of its text."""
    told = cast("Message", metadata(package))
    if expression := told.get("License-Expression"):
        return str(expression)
    classified = [
        text.rpartition(" :: ")[2] for text in told.get_all("Classifier", []) if text.startswith("License ::")
    ]
    if classified:
        return ", ".join(classified)
    first = str(told.get("License") or "").strip().partition("\n")[0]
    return first if 0 < len(first) <= _LONGEST else "not told"


def _is_installed(package: str) -> bool:
    try:
        metadata(package)
    except PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    PAGE.write_text(page())
