"""The release before this one, out of the history: what runs beside ours while an installation is upgraded."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The oldest release that this one may be rolled out over. Whoever releases moves it on; until there is a first release
# it is the oldest commit of which no migration was changed since.
PREVIOUS = "cff46973d10c40874d4bb483becb1de341d616bf"


def unpack(folder: Path, *paths: str) -> Path:
    """Its files (below the paths) in the folder. Skips the test where the history is not there."""
    if shutil.which("git") is None:
        pytest.skip("no previous release to test against: there is no git here")
    found = subprocess.run(["git", "archive", PREVIOUS, *paths], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"no previous release to test against: {PREVIOUS[:7]} is not in this checkout's history")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder
