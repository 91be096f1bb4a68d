"""The examples of docs/own-kinds.md are run as they stand on the page."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from tests.docs.test_docs import rows
from tests.docs.written import DOCS, write_files
from workers.aio import Aio
from workers.kind import Context

ROOT = DOCS.parent


def test_the_pages_tests_of_its_kinds_pass(tmp_path: Path) -> None:
    assert write_files("own-kinds.md", tmp_path) == ["your_kinds.py", "campaign.py", "test_campaign.py"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_campaign.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_page_names_all_that_a_context_gives() -> None:
    told = {name for row in rows(DOCS / "own-kinds.md") for name in re.findall(r"`(\w+)", row[0])}
    told |= {name for row in rows(DOCS / "own-kinds.md") for name in re.findall(r"`(\w+)\(", row[1])}
    gives = {name for name in (*vars(Context), *(each.name for each in fields(Context))) if not name.startswith("_")}
    # How the worker tells them, and what the page tells below its table.
    assert gives - told == {"journal", "cancelled", "is_held", "told", "started_at", "aio"}
    assert {"step", "progress", "log", "keep", "read_kept", "source", "http"} == {
        name for name in vars(Aio) if not name.startswith("_") and name != "context"
    }
