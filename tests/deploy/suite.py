"""`python -m tests.deploy.suite [WORDS]`: the tests on what the image installs, as the image's user, on a read-only root.

The image is built with the set `dev` in place of those that it ships. Of this checkout it sees the tests and the files
that they read, and no folder of the product: what they import is /opt/tocsin's. The words are pytest's; without a path
among them every test is run but those that look at the sources.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local import dataset
from tests.deploy import rootfs

# Read by tests; of the product's own only sql, which nothing imports.
SHOWN = (
    *("tests", "docs", "deploy", "bin", "sql", "requirements"),
    *("README.md", "Makefile", "Procfile", "app.json", "requirements.txt", "pyproject.toml"),
    *(".dockerignore", ".python-version"),
)
# What these look at is the checkout: its links, its files for a platform, its own environment, its earlier releases.
OF_SOURCES = ("tests/docs", "tests/deploy", "tests/local", "tests/bench", "tests/sql/test_upgrade.py")
# Tests that import the checkout after all would show nothing.
_INSTALLED = """
import importlib, os, sys
for name in ("api", "config", "db", "scheduler", "telemetry", "tocsin", "workers"):
    places = list(importlib.import_module(name).__path__)
    assert all(place.startswith("/opt/tocsin/") for place in places), places
assert "PYTHONPATH" not in os.environ and os.getuid() == int(sys.argv[1])
"""


def main(words: Sequence[str]) -> int:
    """pytest's exit status."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-image-"))
    try:
        image = rootfs.build(folder / "built", {"SETS": "dev"})
        _add_figures(image)
        return tested(image, folder, words)
    finally:
        shutil.rmtree(folder)


def _add_figures(image: rootfs.Stage) -> None:
    """Lays the demo's figures beside what is installed: tests read them, and no image holds them."""
    found = importlib.util.find_spec(dataset.PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the package {dataset.PACKAGE} is not installed; run `make setup`")
    [site] = image.place("/opt/tocsin").glob("lib/python*/site-packages")
    shutil.copytree(found.submodule_search_locations[0], site / dataset.PACKAGE)


def tested(image: rootfs.Stage, folder: Path, words: Sequence[str]) -> int:
    """pytest's exit status in a file system that is built; `folder` is to write in."""
    image.workdir = str(rootfs.ROOT)
    # initdb wants a user that the system knows.
    users = folder / "passwd"
    uid, _, gid = image.user.partition(":")
    users.write_text(f"{Path('/etc/passwd').read_text()}tocsin:x:{uid}:{gid}::/tmp:/bin/sh\n")
    environ = image.environ | {"HOME": "/tmp", "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis", "LANG": "C.UTF-8"}
    shown, instead = [rootfs.ROOT / name for name in SHOWN], {"/etc/passwd": users}

    def run(*said: str) -> int:
        return subprocess.run(image.command(["python", *said], shown, instead, has_shell=True), env=environ).returncode

    ignored = [f"--ignore={path}" for path in OF_SOURCES if not any(word.startswith(path) for word in words)]
    own = uid if os.geteuid() == 0 else str(os.geteuid())
    return run("-c", _INSTALLED, own) or run("-m", "pytest", "-p", "no:cacheprovider", *ignored, *words)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
