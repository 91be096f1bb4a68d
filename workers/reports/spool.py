"""A report's rows on disk: written once as they come, read anew by each format, and never whole in memory."""

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]
SHOWN = 12


class Spool:
    """Rows in a file of this process's own folder. `head` are the first and `last` the newest of them, for a preview."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows = 0
        self.head: list[Row] = []
        self.last: deque[Row] = deque(maxlen=SHOWN)

    def fill(
        self,
        batches: Iterable[list[Row]],
        kept: list[int] | None = None,
        *,
        most: int | None = None,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Writes the rows down, of each the columns at the places `kept`, and no more than `most`; `seen` is told how many."""
        with self._path.open("wb") as file:
            for batch in batches:
                rows = batch if kept is None else [tuple(row[place] for place in kept) for row in batch]
                if most is not None:
                    rows = rows[: most - self.rows]
                pickle.dump(rows, file, pickle.HIGHEST_PROTOCOL)
                self.head += rows[: SHOWN - len(self.head)]
                self.last.extend(rows[-SHOWN:])
                self.rows += len(rows)
                seen(self.rows)
                if self.rows == most:
                    break

    def __iter__(self) -> Iterator[Row]:
        """The rows, from the first on."""
        with self._path.open("rb") as file:
            while True:
                try:
                    yield from pickle.load(file)  # noqa: S301  this process wrote it, in a folder that nobody else opens
                except EOFError:
                    return


class Watched:
    """Rows that tell how many of them were read, every so many."""

    def __init__(self, rows: Iterable[Sequence[Any]], told: Callable[[int], None], every: int = 20_000) -> None:
        self._rows = rows
        self._told = told
        self._every = every

    def __iter__(self) -> Iterator[Sequence[Any]]:
        """The rows, from the first on."""
        for number, row in enumerate(self._rows, 1):
            if number % self._every == 0:
                self._told(number)
            yield row
