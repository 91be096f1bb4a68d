"""`python -m tests.deploy.audit`: asks whether a known weakness is in what an installed Tocsin holds.

pip-audit answers "none found" too when it could ask nobody; here that is said, and is a status of its own.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.deploy.licences import packed
from tests.deploy.sbom import locked

KNOWN, BROKEN, NOT_ASKED = 1, 2, 3
_SERVICE = "pypi"
SOURCE = f"pip-audit's service {_SERVICE}"


def main() -> int:
    """0 when all was asked about and nothing is known, 1 when something is, 3 when nobody knows of any of the packages.

    2 when pip-audit broke, or was answered about some of them alone: neither is an audit.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text("\n".join(locked(each.name, each.found_in) for each in packed()))
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
        told = ["--progress-spinner", "off", "--vulnerability-service", _SERVICE, "--requirement", str(wanted)]
        done = subprocess.run([*command, *told], capture_output=True, text=True)
    status, words = verdict(done.stdout, done.stderr)
    sys.stdout.write(words)
    return status


def verdict(told: str, complaint: str = "") -> tuple[int, str]:
    """The status and the words for what pip-audit told; its complaint where it told nothing, as when it crashed."""
    try:
        dependencies: Sequence[dict[str, Any]] = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return BROKEN, f"pip-audit told nothing: {' '.join(complaint.split()[-40:]) or 'not even why'}\n"
    if not dependencies:
        return BROKEN, "pip-audit was asked about no package\n"
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    known = [f"{each['name']} {each['version']}: {one['id']}" for each in dependencies for one in each.get("vulns", ())]
    if known:
        return KNOWN, "".join(f"{line}\n" for line in known)
    if len(skipped) == len(dependencies):
        return NOT_ASKED, f"not audited: {SOURCE} answered about none of {len(skipped)} packages\n"
    if skipped:
        return BROKEN, f"half audited: {SOURCE} answered nothing about {', '.join(skipped)}\n"
    return 0, f"{len(dependencies)} packages, no known weakness, says {SOURCE}\n"


if __name__ == "__main__":
    raise SystemExit(main())
