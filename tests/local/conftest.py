"""Folders that the servers' unprivileged user can reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.leftovers import left_over


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder whose parents are open to all, as pytest's own are not; what still runs in it is killed."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    for process in left_over(folder):
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)
