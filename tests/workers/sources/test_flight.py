import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.pool import Database, Pool
from scheduler import reaper
from tests import make
from tests.api import tenanted
from tests.workers.sources.asker import QUESTION, Told
from tests.workers.sources.asking import END, SLOT, START
from tests.workers.wire import raw_server
from workers.sources import Column, Question, RowCap, SourceRefused, SourceUnavailable, Table, flight
from workers.sources.flight import Shared, decoded, encoded

TABLE = Table((Column("value", "numeric", "number"),), [(Decimal("1.50"),)], SLOT, 3.0, notes=("as it was",))


class Inner:
    """A source that answers once it is let go on, and counts who asks."""

    def __init__(self, *answers: Table | Exception) -> None:
        self.asked: list[Question] = []
        self.go = threading.Event()
        self.go.set()
        self._answers = answers or (TABLE,)

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:  # noqa: ARG002 - a source's
        number = len(self.asked)
        self.asked.append(question)
        assert self.go.wait(60)
        answer = self._answers[min(number, len(self._answers) - 1)]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    with make.connect(database) as found:
        yield found


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with closing(Database.at(database).open_pool("test", 4)) as found:
        yield found


@pytest.fixture
def share(conn: make.Connection, pool: Pool) -> Callable[..., Told]:
    """Makes shared sources of one tenant in one living process."""
    _wait_for_room(conn)
    tenant = make.tenant(conn)
    source, process = UUID(tenanted.source(conn, tenant, "alfa")), make.process(conn)

    def shared(inner: Any, **more: Any) -> Told:
        return Told(**({"inner": inner, "pool": pool, "tenant_id": tenant, "source_id": source,
                        "process_id": process, "type": "http", "version": "1"} | more))  # fmt: skip

    return shared


@pytest.fixture(autouse=True)
def claims() -> threading.Semaphore:
    """Counts the askers that have their place."""
    found = threading.Semaphore(0)
    Told.claimed = staticmethod(found.release)
    return found


def _wait_for_room(conn: make.Connection) -> None:
    """Returns early enough in a minute that the test ends in it; Postgres itself does the waiting."""
    left = 60 - int(make.value(conn, "select extract(second from now())::int"))
    if left < 8:
        conn.execute("select pg_sleep(%s)", (left + 0.5,))


def _ask(shared: Shared, question: Question = QUESTION, *, seconds: float = 60, row_cap: int = 10) -> Table:
    return shared.query(question, timeout_seconds=seconds, row_cap=row_cap)


def test_equal_questions_of_many_threads_cost_one_query(
    share: Callable[..., Told], claims: threading.Semaphore
) -> None:
    inner, seen = Inner(), list[str]()
    inner.go.clear()
    shared = share(inner, observe=lambda _, outcome, __: seen.append(outcome))
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(_ask, shared) for _ in range(8)]
        for _ in range(8):
            assert claims.acquire(timeout=30)
        inner.go.set()
        assert [answer.result() for answer in answers] == [TABLE] * 8
    assert len(inner.asked) == 1
    assert seen == ["shared"] * 7
    assert _ask(shared) == TABLE, "and whoever comes later in the minute"
    assert len(inner.asked) == 1


def test_whatever_differs_is_asked_by_itself(share: Callable[..., Told]) -> None:
    inner = Inner()
    shared = share(inner)
    for question in (
        QUESTION,
        replace(QUESTION, query="@ "),
        replace(QUESTION, context={"region": "south"}),
        replace(QUESTION, context={}),
        replace(QUESTION, timezone="Europe/Madrid"),
        replace(QUESTION, start=START, end=END),
        replace(QUESTION, start=START, end=END, grain="day"),
        replace(QUESTION, slot_at=SLOT + timedelta(seconds=1)),
    ):
        _ask(shared, question)
    _ask(shared, row_cap=11)
    _ask(share(inner, version="2"))
    assert len(inner.asked) == 10


def test_no_answer_passes_from_tenant_to_tenant_or_from_source_to_source(
    share: Callable[..., Told], conn: make.Connection
) -> None:
    inner, other = Inner(), make.tenant(conn)
    theirs = UUID(tenanted.source(conn, other, "bravo"))
    _ask(share(inner))
    _ask(share(inner, tenant_id=other, source_id=theirs))
    mine = share(inner)
    _ask(share(inner, source_id=UUID(tenanted.source(conn, mine.tenant_id, "alfa"))))
    assert len(inner.asked) == 3


def test_who_waits_for_one_that_fails_asks_for_itself(share: Callable[..., Told], claims: threading.Semaphore) -> None:
    inner = Inner(SourceUnavailable("it is away"), TABLE)
    inner.go.clear()
    shared = share(inner)
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(_ask, shared) for _ in range(3)]
        for _ in range(3):
            assert claims.acquire(timeout=30)
        inner.go.set()
        ends = [answer.exception() or answer.result() for answer in answers]
    assert sorted(map(str, ends)) == sorted(["it is away", str(TABLE), str(TABLE)])
    assert 2 <= len(inner.asked) <= 3


@pytest.mark.parametrize(
    "answer",
    [
        RowCap("more", TABLE),
        SourceRefused("no"),
        replace(TABLE, rows=[("x" * 1_100_000,)]),
        replace(TABLE, rows=[(object(),)]),
        replace(TABLE, rows=[("a\0b",)]),
    ],
    ids=["row cap", "refused", "too large", "of another type", "NUL"],
)
def test_what_can_not_be_shared_is_asked_by_each(share: Callable[..., Told], answer: Table | Exception) -> None:
    inner = Inner(answer)
    for _ in range(2):
        if isinstance(answer, Exception):
            with pytest.raises(type(answer)):
                _ask(share(inner))
        else:
            assert _ask(share(inner)) is answer
    assert len(inner.asked) == 2


def test_a_waiter_keeps_half_of_its_time_for_itself_and_stops_when_cancelled(
    share: Callable[..., Told], claims: threading.Semaphore
) -> None:
    slow, own = Inner(), Inner()
    slow.go.clear()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(_ask, share(slow))
        assert claims.acquire(timeout=30)
        started = time.monotonic()
        assert _ask(share(own), seconds=1) == TABLE
        assert 0.4 < time.monotonic() - started < 5
        with pytest.raises(SourceUnavailable, match="cancelled"):
            _ask(share(own, is_cancelled=lambda: True))
        slow.go.set()
        first.result()
    assert (len(slow.asked), len(own.asked)) == (1, 1)


@contextmanager
def _asker(database: str, shared: Shared, process: UUID, port: int, threads: int) -> Iterator[subprocess.Popen[str]]:
    args = [
        database,
        str(shared.tenant_id),
        str(shared.source_id),
        str(process),
        f"http://127.0.0.1:{port}",
        str(threads),
    ]
    command = [sys.executable, "-m", "tests.workers.sources.asker", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def test_two_processes_with_equal_questions_cost_one_query(
    share: Callable[..., Told], conn: make.Connection, database: str
) -> None:
    requests, go = threading.Semaphore(0), threading.Event()

    def serve(connection: Any) -> None:
        connection.recv(65536)
        requests.release()
        go.wait(60)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n[7]")

    shared = share(None)
    with (
        raw_server(serve) as port,
        _asker(database, shared, make.process(conn), port, 3) as one,
        _asker(database, shared, make.process(conn), port, 3) as two,
    ):
        for child in (one, two):
            assert child.stdout
            assert [child.stdout.readline() for _ in range(3)] == ["claimed\n"] * 3
        go.set()
        for child in (one, two):
            assert child.stdout
            assert child.stdout.read().splitlines() == ["answer [(7,)]"] * 3
    assert requests.acquire(blocking=False)
    assert not requests.acquire(blocking=False)


def test_one_that_dies_delays_nobody_beyond_its_lease(
    share: Callable[..., Told], conn: make.Connection, database: str
) -> None:
    requests, over = threading.Semaphore(0), threading.Event()

    def serve(connection: Any) -> None:
        connection.recv(65536)
        requests.release()
        over.wait(60)

    inner = Inner()
    shared = share(inner, version="1")
    dying = make.process(conn, leased_until=make.now(conn) + timedelta(minutes=1))
    with raw_server(serve) as port, _asker(database, shared, dying, port, 1) as child:
        assert requests.acquire(timeout=30)
        child.kill()
        child.wait()
        over.set()
    conn.execute("update processes set leased_until = now() + interval '500 ms' where id = %s", (dying,))
    started = time.monotonic()
    assert _ask(shared) == TABLE
    assert time.monotonic() - started < 5
    assert len(inner.asked) == 1
    assert _ask(shared) == TABLE
    assert len(inner.asked) == 1, "its place was taken over, and the answer is shared"


def test_the_reaper_drops_what_is_over_and_nothing_else(share: Callable[..., Told], conn: make.Connection) -> None:
    _ask(share(Inner()))
    reaper.forget_source_answers(conn)
    assert make.value(conn, "select count(*) from source_answers") == 1
    conn.execute("update source_answers set minute = minute - interval '3 minutes'")
    reaper.forget_source_answers(conn)
    assert make.value(conn, "select count(*) from source_answers") == 0


def test_what_is_shared_goes_with_its_source(share: Callable[..., Told], conn: make.Connection) -> None:
    shared = share(Inner())
    _ask(shared)
    conn.execute("delete from sources where id = %s", (shared.source_id,))
    assert make.value(conn, "select count(*) from source_answers") == 0


_plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.decimals(allow_nan=False),
    st.floats(allow_nan=False),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.binary(),
)
_cells = st.recursive(
    _plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_cells, _cells), max_size=4), st.booleans(), st.none() | st.datetimes(timezones=st.just(UTC)))
def test_a_table_comes_back_exactly_as_it_was(rows: list[tuple[Any, ...]], is_stale: bool, at: datetime | None) -> None:
    columns = (Column("a", "x", "json"), Column("b", "y", "text"))
    table = Table(columns, rows, at, 1.5, is_stale, ("note",))
    text = encoded(table)
    if text is None:
        assert "\\x00" in repr(rows), "only a NUL is not shared"
        return
    assert decoded(text) == table
    assert [[type(cell) for cell in row] for row in decoded(text).rows] == [
        [type(cell) for cell in row] for row in rows
    ]


def test_each_type_has_its_letter() -> None:
    cells = (
        Decimal("0.10"),
        1.5,
        SLOT,
        date(2026, 1, 1),
        clock_time(9),
        timedelta(1),
        uuid4(),
        b"\0",
        [None],
        {"a": 1},
    )
    [found] = decoded(encoded(replace(TABLE, rows=[cells])) or "").rows
    assert found == cells
    assert {letter for letter, _ in flight._WRITE.values()} == set(flight._READ)
