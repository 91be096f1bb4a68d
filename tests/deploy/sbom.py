"""`python -m tests.deploy.sbom [FILE]`: a CycloneDX bill of what an installed Tocsin holds, out of the locks.

The locks are read by cyclonedx-py, each package once; what each says of its licence is added.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.deploy.licences import ROOT, licence, packed

FILE = ROOT / "build" / "tocsin.cdx.json"
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR) [A-Za-z0-9.+-]+)*")


def bill() -> dict[str, Any]:
    """The bill, the same for the same locks."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, made = Path(folder, "wanted.txt"), Path(folder, "made.json")
        wanted.write_text("\n".join(locked(each.name, each.found_in) for each in packed()))
        command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
        told = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-file", str(made), str(wanted)]
        subprocess.run([*command, *told], check=True)
        found: dict[str, Any] = json.loads(made.read_text())
    for component in found["components"]:
        # Where packages come from is the machine's own setting.
        for reference in component.get("externalReferences", ()):
            reference["url"] = component["purl"]
        component["licenses"] = [_told(licence(component["name"]))]
    return found


def locked(package: str, name: str) -> str:
    """The package's entry in the lock, with its hashes, on one line and for every platform."""
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements" / f"{name}.txt").read_text())
    entry = next(each for each in entries if each.startswith(f"{package}=="))
    return re.sub(r"\s*\\\n\s*", " ", re.sub(r" ; [^\\]*", " ", entry)).strip()


def _told(text: str) -> dict[str, Any]:
    is_expression = _EXPRESSION.fullmatch(text) and (" " in text or "-" in text)
    return {"expression": text} if is_expression else {"license": {"name": text}}


if __name__ == "__main__":
    file = Path(sys.argv[1]) if sys.argv[1:] else FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    made = bill()
    file.write_text(json.dumps(made, indent=2) + "\n")
    sys.stdout.write(f"{file}: {len(made['components'])} packages\n")
