"""What a source is asked and what it answers: a Question, a Table, or an error that says whether asking again can help."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

Holds = Literal["number", "text", "time", "date", "bool", "json"]
Grain = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]
GRAINS: tuple[Grain, ...] = get_args(Grain)

BYTE_CAP = 16_000_000
STREAM_BYTE_CAP = 4_000_000_000

Value = datetime | date | str | bool | int | Decimal
"""What a parameter stands for. None of them is ever text of the query."""

Observe = Callable[[str, str, float], None]


class Column(NamedTuple):
    """A column's name, the source's own name for its type, and which of the few kinds of value it holds.

    A number is an int, a Decimal or a float; a time is a datetime, whose zone is missing where the source keeps none.
    """

    name: str
    type: str
    holds: Holds = "text"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the query in the source's own words, and all that it may depend on; a source asks no clock.

    `slot_at` is what everything relative counts from; `start` and `end` are a window [start, end). All are aware.
    `context` is the security context of whoever the answer is for, `parameters` what a report's stand for. Raises SourceRefused when a part makes no sense.
    """

    query: str
    slot_at: datetime
    start: datetime | None = None
    end: datetime | None = None
    timezone: str = "UTC"
    grain: Grain | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.start is None) != (self.end is None):
            raise SourceRefused("a window takes both a start and an end")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise SourceRefused("a window takes a start that is before its end")
        if self.grain is not None and self.grain not in GRAINS:
            raise SourceRefused(f"grain takes one of {', '.join(GRAINS)}")
        if any(each.tzinfo is None for each in (self.slot_at, self.start, self.end) if each is not None):
            raise SourceRefused("slot_at, start and end take a time with its zone")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the source's order. `data_as_of` is how old the data is, by the source; `cost_ms` what the answer took.

    `is_stale`: the source itself says that it has newer data and did not give it. `notes` are for people.
    """

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    data_as_of: datetime | None
    cost_ms: float
    is_stale: bool = False
    notes: tuple[str, ...] = ()


class Stream(NamedTuple):
    """An answer as it comes: its columns, how old the data is, and its rows, some at a time and in the source's order."""

    columns: tuple[Column, ...]
    data_as_of: datetime | None
    batches: Iterator[list[tuple[Any, ...]]]


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
    """Something that answers a question and changes nothing."""

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the whole answer. Raises SourceUnavailable, SourceRefused, RowCap."""


@runtime_checkable
class Streams(Protocol):
    """A source that can also give an answer as it comes, so that a large one is never whole in memory."""

    def stream(self, question: Question, *, timeout_seconds: float, row_cap: int) -> AbstractContextManager[Stream]:
        """Return the answer, to be read within the block; with more rows than the cap, reading raises SourceRefused."""


@contextlib.contextmanager
def streamed(source: Source, question: Question, *, timeout_seconds: float, row_cap: int) -> Iterator[Stream]:
    """Give the answer of any source: as it comes where the source can, else whole. Raises as `Source.query` does."""
    if isinstance(source, Streams):
        with source.stream(question, timeout_seconds=timeout_seconds, row_cap=row_cap) as found:
            yield found
    else:
        table = source.query(question, timeout_seconds=timeout_seconds, row_cap=row_cap)
        yield Stream(table.columns, table.data_as_of, iter([table.rows]))


def counted(batches: Iterator[list[tuple[Any, ...]]], row_cap: int) -> Iterator[list[tuple[Any, ...]]]:
    """Give the batches on. Raises SourceRefused once there are more rows than the cap."""
    rows = 0
    for batch in batches:
        rows += len(batch)
        if rows > row_cap:
            raise SourceRefused(f"the query gives more than {row_cap} row{'s' * (row_cap != 1)}")
        yield batch


def within(table: Table, row_cap: int) -> Table:
    """Return the table when it has no more rows than `row_cap`. Raises RowCap with one row beyond it."""
    if len(table.rows) <= row_cap:
        return table
    del table.rows[row_cap + 1 :]
    raise RowCap(f"the query gives more than {row_cap} row{'s' * (row_cap != 1)}", table)


@contextlib.contextmanager
def observing(observe: Observe | None, source_type: str) -> Iterator[None]:
    """Tell `observe` once how the block ended: ok, row_cap, refused, unavailable or raised, and after how many seconds."""
    started = time.monotonic()
    outcome = "raised"
    try:
        yield
        outcome = "ok"
    except RowCap:
        outcome = "row_cap"
        raise
    except SourceRefused:
        outcome = "refused"
        raise
    except SourceUnavailable:
        outcome = "unavailable"
        raise
    finally:
        if observe is not None:
            observe(source_type, outcome, time.monotonic() - started)
