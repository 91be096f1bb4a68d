"""What still runs of what a test started."""

import contextlib
from pathlib import Path

import psutil


def left_over(folder: Path) -> list[psutil.Process]:
    """The processes that name the folder in their command line or as their TMPDIR."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_named = any(str(folder) in word for word in process.cmdline())
            if is_named or process.environ().get("TMPDIR") == str(folder):
                found.append(process)
    return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
