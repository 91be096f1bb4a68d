"""What a source answers: a Table, or one of three errors that say whether asking again can help."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Column(NamedTuple):
    """A column's name and the source's own name for its type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the source's order. `data_as_of` is the source's own clock at the read; `cost_ms` what it took."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    data_as_of: datetime | None
    cost_ms: float


class SourceUnavailable(Exception):
    """The source can't answer now. Passing: try again later."""


class SourceRefused(Exception):
    """The source, or a wall of ours, refuses this question. Lasting: mend the query, the login or the address."""


class RowCap(SourceRefused):
    """The answer has more rows than allowed; `table` holds the first of them, one beyond the cap."""

    def __init__(self, message: str, table: Table) -> None:
        super().__init__(message)
        self.table = table


class Source(Protocol):
    """Something that answers a read-only query."""

    def query(self, sql: str, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the whole answer. Raises SourceUnavailable, SourceRefused, RowCap."""
