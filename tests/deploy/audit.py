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

KNOWN, NOT_ASKED = 1, 3


def main() -> int:
    """0 when all was asked about and nothing is known, 1 when something is, 3 when nobody could be asked."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text("\n".join(locked(each.name, each.found_in) for each in packed()))
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
        told = ["--progress-spinner", "off", "--requirement", str(wanted)]
        done = subprocess.run([*command, *told], stdout=subprocess.PIPE, text=True)
    status, words = verdict(json.loads(done.stdout)["dependencies"] if done.stdout else [])
    sys.stdout.write(words)
    return status


def verdict(dependencies: Sequence[dict[str, Any]]) -> tuple[int, str]:
    """The status and the words for what pip-audit found."""
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    known = [f"{each['name']} {each['version']}: {one['id']}" for each in dependencies for one in each.get("vulns", ())]
    if known:
        return KNOWN, "".join(f"{line}\n" for line in known)
    if skipped or not dependencies:
        return NOT_ASKED, f"not audited: the index of this machine knows no advisories of {len(skipped)} packages\n"
    return 0, f"{len(dependencies)} packages, no known weakness\n"


if __name__ == "__main__":
    raise SystemExit(main())
