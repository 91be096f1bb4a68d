"""`python -m tests.deploy.suite [WORDS]`: the tests in the image's file system, as nobody, on a read-only root.

The image is built with the set `dev` in place of those that it ships, and sees this checkout read-only; the words are pytest's.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.deploy import rootfs

# initdb wants a user that the system knows.
_NOBODY = "65534:65534"


def main(words: Sequence[str]) -> int:
    """pytest's exit status."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-image-"))
    try:
        image = rootfs.build(folder / "built", {"SETS": "dev"})
        image.user, image.workdir = _NOBODY, str(rootfs.ROOT)
        environ = image.environ | {"HOME": "/tmp", "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis", "LANG": "C.UTF-8"}
        tests = ["python", "-m", "pytest", "-p", "no:cacheprovider", *words]
        return subprocess.run(image.command(tests, [rootfs.ROOT], has_shell=True), env=environ).returncode
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
