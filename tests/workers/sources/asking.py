"""How the tests open a source of a type, and the instant that they ask at."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.workers.wire import LOOPBACK
from workers.http import Client
from workers.sources import Question, Reach, Source, Stored, Table, open_source

SLOT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
START, END = datetime(2026, 11, 13, 23, tzinfo=UTC), datetime(2026, 11, 20, 23, tzinfo=UTC)
"""A week of local days in Madrid."""


@contextmanager
def opened(
    type_name: str,
    url: str,
    secret: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    now: datetime | None = None,
    files: Path | None = None,
    **reach: Any,
) -> Iterator[Source]:
    """The source, which may reach loopback."""
    http = Client(allowed=LOOPBACK)
    try:
        stored = Stored(type_name, url, now or datetime.now(UTC), secret, options or {}, "acme")
        yield open_source(stored, Reach(http, LOOPBACK, files, **reach))
    finally:
        http.close()


def ask(source: Source, query: str, *, seconds: float = 10, row_cap: int = 100, **question: Any) -> Table:
    """The answer to a query at the slot."""
    return source.query(Question(query, SLOT, **question), timeout_seconds=seconds, row_cap=row_cap)
