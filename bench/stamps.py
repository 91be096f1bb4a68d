"""When handlers began: each appends its slot and its clock to one file, the same way for us and for every peer.

Imported by peers' workers, so it imports nothing but the standard library.
"""

import os
import struct
import time
from pathlib import Path

_PAIR = struct.Struct("dd")
_file: int | None = None


def hit(slot_at: float = 0.0) -> None:
    """Appends the slot (0 when the handler knows none) and now."""
    global _file  # noqa: PLW0603  one descriptor a process; appends of 16 bytes don't mix
    if _file is None:
        _file = os.open(os.environ["BENCH_STAMPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(_file, _PAIR.pack(slot_at, time.time()))


class Stamps:
    """The file as whoever measures reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def count(self) -> int:
        """How many handlers began."""
        return self.path.stat().st_size // _PAIR.size

    def all(self) -> list[tuple[float, float]]:
        """(slot, began) of each handler, as Unix times, in the order in which they began."""
        return sorted(_PAIR.iter_unpack(self.path.read_bytes()), key=lambda pair: pair[1])
