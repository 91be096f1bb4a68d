"""Single flight: of equal questions to one source for one slot one is asked, and all its askers share the answer.

Across processes, by a row in Postgres. Whoever makes the row asks; the others look for what it brings, and ask for
themselves once it fails, its process's lease is lost or their own time runs short. Nobody waits for more than one flight.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from db.pool import Pool
from db.query import Query
from workers.sources.parameters import as_text
from workers.sources.table import Column, Observe, Question, Source, SourceUnavailable, Stream, Streams, Table, streamed

LARGEST = 1_000_000
# A waiter looks ever more seldom: soon for a quick answer, and not often for one that takes minutes.
_FIRST_LOOK, _LAST_LOOK = 0.01, 0.25
# What a waiter keeps of its own time for asking by itself.
_SHARE_OF_TIME = 0.5


class Claim(NamedTuple):
    """Whether the caller asks, and for which minute."""

    minute: datetime
    is_mine: bool


class Seen(NamedTuple):
    """What became of somebody else's flight."""

    state: str
    answer: str | None
    is_asked: bool


CLAIM = Query("claim_answer", Claim)
LOOK = Query("look_at_answer", Seen)
SETTLE = Query("settle_answer")


@dataclass(frozen=True, slots=True)
class Shared:
    """A source whose answers are shared; `version` is all that it is."""

    inner: Source
    pool: Pool
    tenant_id: UUID
    source_id: UUID
    process_id: UUID
    type: str
    version: str
    is_cancelled: Callable[[], bool] = lambda: False
    observe: Observe | None = None

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the answer, this minute's where somebody has it. Raises what the source raises."""
        deadline = time.monotonic() + timeout_seconds
        started = time.monotonic()
        row = {"tenant_id": self.tenant_id, "source_id": self.source_id, "key": self._key(question, row_cap)}
        flight = {**row, "flight": uuid4()}
        claim = self._claim(flight, timeout_seconds)
        if not claim.is_mine:
            found = self._wait({**row, "minute": claim.minute}, deadline - timeout_seconds * _SHARE_OF_TIME)
            if found is not None:
                if self.observe is not None:
                    self.observe(self.type, "shared", time.monotonic() - started)
                return found
            claim = self._claim(flight, deadline - time.monotonic())
        return self._ask(question, flight, claim, deadline, row_cap)

    @contextmanager
    def stream(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Iterator[Stream]:
        """Give the answer as it comes: a large one is nobody's to share. What can't be streamed is shared as ever."""
        source = self.inner if isinstance(self.inner, Streams) else _Whole(self)
        with streamed(source, question, timeout_seconds=timeout_seconds, row_cap=row_cap) as found:
            yield found

    def _ask(self, question: Question, flight: Mapping[str, Any], claim: Claim, deadline: float, row_cap: int) -> Table:
        state, answer = "failed", None
        try:
            left = max(0.0, deadline - time.monotonic())
            table = self.inner.query(question, timeout_seconds=left, row_cap=row_cap)
            answer = encoded(table) if claim.is_mine else None
            state = "answered" if answer is not None else "too_large"
            return table
        finally:
            if claim.is_mine:
                with self.pool.connection() as conn:
                    SETTLE.run(conn, **flight, minute=claim.minute, state=state, answer=answer)

    def _claim(self, flight: Mapping[str, Any], seconds: float) -> Claim:
        with self.pool.connection() as conn:
            found = CLAIM.one(conn, **flight, process_id=self.process_id, seconds=max(0.0, seconds))
        if found is None:
            raise RuntimeError("claim_answer gives one row, and gave none")
        return found

    def _wait(self, row: Mapping[str, Any], until: float) -> Table | None:
        """Return the table that the flight brings, None when it brings none to share or not in time."""
        pause = _FIRST_LOOK
        while time.monotonic() < until:
            if self.is_cancelled():
                raise SourceUnavailable("the run was cancelled")
            with self.pool.connection() as conn:
                seen = LOOK.one(conn, **row)
            if seen is not None and seen.answer is not None:
                return decoded(seen.answer)
            if seen is None or not seen.is_asked:
                return None
            time.sleep(min(pause, max(0.0, until - time.monotonic())))
            pause = min(2 * pause, _LAST_LOOK)
        return None

    def _key(self, question: Question, row_cap: int) -> str:
        """Return what two askers have in common whose answers are the same.

        The slot is part of it, named or not: an answer is never older than the slot that it is given for.
        """
        parts = [
            self.version,
            question.query,
            _instant(question.slot_at),
            _instant(question.start),
            _instant(question.end),
            question.timezone,
            question.grain,
            sorted(question.context.items()),
            row_cap,
            *(
                [sorted((name, _typed(value)) for name, value in question.parameters.items())]
                * bool(question.parameters)
            ),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Whole:
    """A source that is asked for its whole answer, whatever else it can do."""

    source: Source

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        return self.source.query(question, timeout_seconds=timeout_seconds, row_cap=row_cap)


def _typed(value: Any) -> list[str]:
    return [type(value).__name__, as_text(value)]


def encoded(table: Table) -> str | None:
    """Return the table as text; None where it is larger than is shared, or holds what has no exact form here."""
    columns = [list(column) for column in table.columns]
    meta = [_instant(table.data_as_of), table.cost_ms, table.is_stale, list(table.notes)]
    # Some values of a row are looked at before all of a large table is written down.
    if len(table.rows) * max(1, len(columns)) * 2 > LARGEST:
        return None
    try:
        text = json.dumps(
            [columns, meta, [[_put(value) for value in row] for row in table.rows]], separators=(",", ":")
        )
    except TypeError:
        return None
    # Postgres's text holds no NUL.
    return text if len(text) <= LARGEST and "\\u0000" not in text else None


def decoded(text: str) -> Table:
    """Return the table that `encoded` wrote down."""
    columns, (data_as_of, cost_ms, is_stale, notes), rows = json.loads(text)
    return Table(
        tuple(Column(*column) for column in columns),
        [tuple(_got(value) for value in row) for row in rows],
        data_as_of and datetime.fromisoformat(data_as_of),
        cost_ms,
        is_stale,
        tuple(notes),
    )


_WRITE: dict[type, tuple[str, Callable[[Any], Any]]] = {
    Decimal: ("n", str),
    float: ("f", repr),
    datetime: ("t", datetime.isoformat),
    date: ("d", date.isoformat),
    clock_time: ("c", clock_time.isoformat),
    timedelta: ("s", lambda value: [value.days, value.seconds, value.microseconds]),
    UUID: ("u", str),
    bytes: ("b", bytes.hex),
    list: ("l", lambda value: [_put(each) for each in value]),
    dict: ("o", lambda value: [[name, _put(each)] for name, each in value.items()]),
}
_READ: dict[str, Callable[[Any], Any]] = {
    "n": Decimal,
    "f": float,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "c": clock_time.fromisoformat,
    "s": lambda parts: timedelta(*parts),
    "u": UUID,
    "b": bytes.fromhex,
    "l": lambda parts: [_got(each) for each in parts],
    "o": lambda parts: {name: _got(each) for name, each in parts},
}


def _put(value: Any) -> Any:
    """Return a value in JSON: as it is where JSON has it, else beside a letter for its type. Raises TypeError."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if type(value) not in _WRITE:
        raise TypeError(f"{type(value).__name__} is not shared")
    letter, write = _WRITE[type(value)]
    return {letter: write(value)}


def _got(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(letter, content)] = value.items()
    return _READ[letter](content)


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()
