"""A tenant's own Postgres as a source: the address is checked here, the reading is done by `db.foreign`."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from db import foreign
from workers import addresses
from workers.addresses import IPNetwork
from workers.sources import parameters
from workers.sources.table import (
    BYTE_CAP,
    STREAM_BYTE_CAP,
    Column,
    Holds,
    Observe,
    Question,
    SourceRefused,
    SourceUnavailable,
    Stream,
    Table,
    Value,
    counted,
    observing,
    within,
)

_HOLDS: dict[str, Holds] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "float4", "float8", "numeric"), "number"),
    **dict.fromkeys(("timestamptz", "timestamp"), "time"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "date": "date",
    "bool": "bool",
}


class Postgres:
    """Answers one statement at a time, each on a connection of its own that is closed afterwards.

    `observe(type, outcome, seconds)` is called once a query; outcome is ok, refused, row_cap or unavailable.
    """

    def __init__(
        self,
        url: str,
        *,
        allowed: Sequence[IPNetwork] = (),
        is_cancelled: Callable[[], bool] = lambda: False,
        observe: Observe | None = None,
        byte_cap: int = BYTE_CAP,
    ) -> None:
        self._url = url
        self._allowed = tuple(allowed)
        self._is_cancelled = is_cancelled
        self._observe = observe
        self._byte_cap = byte_cap

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the whole answer to one read-only statement.

        Raises SourceUnavailable (passing), SourceRefused (lasting) and RowCap; no text of theirs holds the password.
        """
        with observing(self._observe, "postgres"):
            sql, values = parameters.in_sql(question.query, question, lambda _, number: f"${number}")
            with _told():
                table = self._read(sql, list(values.values()), time.monotonic() + timeout_seconds, row_cap)
            return within(table, row_cap)

    @contextmanager
    def stream(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Iterator[Stream]:
        """Give the answer to one read-only statement as it comes. Raises SourceUnavailable and SourceRefused."""
        with observing(self._observe, "postgres"), _told():
            sql, values = parameters.in_sql(question.query, question, lambda _, number: f"${number}")
            deadline = time.monotonic() + timeout_seconds
            with foreign.reading(
                self._asked(sql, list(values.values()), deadline),
                limits=foreign.Limits(deadline, row_cap, STREAM_BYTE_CAP),
                is_cancelled=self._is_cancelled,
            ) as reading:
                yield Stream(_columns(reading.columns), reading.data_as_of, counted(reading.batches, row_cap))

    def _read(self, sql: str, values: Sequence[Value], deadline: float, row_cap: int) -> Table:
        started = time.monotonic()
        answer = foreign.read(
            self._asked(sql, values, deadline),
            limits=foreign.Limits(deadline, row_cap, self._byte_cap),
            is_cancelled=self._is_cancelled,
        )
        return Table(_columns(answer.columns), answer.rows, answer.data_as_of, (time.monotonic() - started) * 1000)

    def _asked(self, sql: str, values: Sequence[Value], deadline: float) -> foreign.Asked:
        """What is asked of whom, at addresses that were checked."""
        server = foreign.parse(self._url)
        targets = addresses.resolve(server.host, server.port, self._allowed, deadline - time.monotonic())
        needs_tls = not all(target.is_opened for target in targets)
        return foreign.Asked(server, sql, values, [target.address for target in targets], needs_tls)


@contextmanager
def _told() -> Iterator[None]:
    """Tell what the database says as a source does."""
    try:
        yield
    except (foreign.Unavailable, addresses.Unresolved, addresses.ResolveTooSlow) as error:
        raise SourceUnavailable(f"the source's database: {error}") from None
    except (foreign.Refused, addresses.Forbidden) as error:
        raise SourceRefused(f"the source's database: {error}") from None


def _columns(found: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    return tuple(Column(name, type_name, _HOLDS.get(type_name, "text")) for name, type_name in found)
