"""What the system says of a process: whether it is stopped, gone, and whose children live."""

from pathlib import Path

import psutil


def is_stopped(pid: int) -> bool:
    """Whether SIGSTOP has it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def children(pid: int) -> list[int]:
    """Its living children."""
    return [child.pid for child in psutil.Process(pid).children()]


def is_gone(pid: int) -> bool:
    """Whether it has ended; one that nobody waited for has too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
