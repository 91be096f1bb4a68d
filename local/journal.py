"""Lines of JSON that are on disk before somebody is answered: what a sink witnesses, in its order."""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

EVENTS = "events.jsonl"


class Journal:
    """Appends lines to a file. A noted line outlives a kill of this process at once, and the machine's once synced.

    Belongs to one event loop. What an earlier process left without its line end was never answered, and is dropped.
    """

    def __init__(self, file: Path) -> None:
        _drop_half_line(file)
        self._file = file.open("ab")
        self._one_at_a_time = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None

    def note(self, entry: Mapping[str, Any]) -> None:
        """Appends one line, so far only for the system to write."""
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()

    async def synced(self) -> None:
        """Returns once all that was noted before this call is on disk; those who wait at the same time share an fsync."""
        if self._next is None:
            self._next = asyncio.create_task(self._sync())
        # A client that leaves ends its own waiting, not that of the others.
        await asyncio.shield(self._next)

    async def _sync(self) -> None:
        async with self._one_at_a_time:
            # Who comes from here on may have noted after the fsync began, and waits for the one after it.
            self._next = None
            await asyncio.to_thread(os.fsync, self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def read_lines(file: Path) -> list[str]:
    """The whole lines of the file, none when there is no file; a last line without its end is still being written."""
    return file.read_text().split("\n")[:-1] if file.exists() else []


def machine_time() -> float:
    """This machine's clock, in seconds since 1970."""
    return time.time()


def _drop_half_line(file: Path) -> None:
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
