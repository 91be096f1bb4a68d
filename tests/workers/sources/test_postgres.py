import socket
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.workers.wire import LOOPBACK, raw_server
from workers.sources import Column, Postgres, Question, RowCap, SourceRefused, SourceUnavailable, Table

Rows = list[tuple[Any, ...]]
SLOT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def _ask(url: str, sql: str, *, seconds: float = 10, row_cap: int = 100, **options: Any) -> Table:
    return _put(url, Question(sql, SLOT), seconds=seconds, row_cap=row_cap, **options)


def _put(url: str, question: Question, *, seconds: float = 10, row_cap: int = 100, **options: Any) -> Table:
    return Postgres(url, allowed=LOOPBACK, **options).query(question, timeout_seconds=seconds, row_cap=row_cap)


def _with_user(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}"))


def test_a_query_gives_columns_rows_and_the_servers_own_time(empty_database: str) -> None:
    table = _ask(empty_database, "select 1.50 as value, 'é%(x)s' as name, 3 as count, null::text as nothing")
    assert table.columns == (
        Column("value", "numeric", "number"),
        Column("name", "text", "text"),
        Column("count", "int4", "number"),
        Column("nothing", "text", "text"),
    )
    assert table.rows == [(Decimal("1.50"), "é%(x)s", 3, None)]
    assert isinstance(table.rows[0][0], Decimal)
    assert table.data_as_of is not None
    assert abs(datetime.now(UTC) - table.data_as_of).total_seconds() < 60
    assert table.cost_ms > 0


def test_no_row_still_has_its_columns(empty_database: str) -> None:
    assert _ask(empty_database, "select 1 as value where false").columns == (Column("value", "int4", "number"),)


@pytest.mark.parametrize("sql", ["values (1), (2)", "with x as (select 1 as a) select a from x", "show server_version"])
def test_whatever_reads_is_welcome(empty_database: str, sql: str) -> None:
    assert _ask(empty_database, sql).rows


@pytest.mark.parametrize(
    "sql",
    [
        "select 1; drop table kept",
        "commit; drop table kept",
        "drop table kept",
        "insert into kept values (2) returning id",
        "with gone as (delete from kept returning id) select * from gone",
        "explain analyze delete from kept",
        "select * from kept for update",
        "do $$ begin delete from kept; end $$",
        "do $$ begin perform set_config('transaction_read_only', 'off', false); delete from kept; end $$",
        "select set_config('transaction_read_only', 'off', true), wipe()",
        "set transaction read write",
        "select wipe()",
        "call wipe_and_commit()",
        "copy kept to stdout",
        "copy kept from stdin",
        "copy (select 1) to program 'touch /tmp/never'",
        "commit",
        "set search_path to x",
        "",
        "-- nothing",
        "selec 1",
        "select * from no_such_table",
        "select 1/0",
        "select 'x'::int",
        "select $1::int",
        "select 'infinity'::timestamptz",
        "select 1 \0",
        "select '\ud800'",
    ],
)
def test_what_is_not_one_reading_statement_is_refused_and_changes_nothing(empty_database: str, sql: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as conn:
        conn.execute("create table kept as select 1 as id")
        conn.execute("create function wipe() returns int language sql as $$ delete from kept returning id $$")
        conn.execute(
            "create procedure wipe_and_commit() language plpgsql as $$ begin commit; delete from kept; commit; end $$"
        )
        with pytest.raises(SourceRefused):
            _ask(empty_database, sql)
        assert conn.execute("select * from kept").fetchall() == [(1,)]


def test_what_a_query_sets_is_gone_with_its_connection(empty_database: str) -> None:
    _ask(empty_database, "select set_config('statement_timeout', '0', false), set_config('search_path', 'x', false)")
    with pytest.raises(SourceUnavailable, match="timeout"):
        _ask(empty_database, "select pg_sleep(60)", seconds=0.3)
    assert _ask(empty_database, "show search_path").rows == [('"$user", public',)]


def test_a_query_that_runs_too_long_is_unavailable_and_ends_on_the_server(empty_database: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="timeout"):
        _ask(empty_database, "select pg_sleep(60), 'orphan'", seconds=0.3)
    assert time.monotonic() - started < 5
    _wait_until_gone(empty_database)


def test_a_cancelled_run_ends_the_query_on_the_server(empty_database: str) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.2, cancelled.set)
    timer.start()
    with pytest.raises(SourceUnavailable, match="cancelled"):
        _ask(empty_database, "select pg_sleep(60), 'orphan'", seconds=30, is_cancelled=cancelled.is_set)
    timer.join()
    _wait_until_gone(empty_database)


def _wait_until_gone(url: str) -> None:
    """Returns once no query that says orphan runs any more; Postgres itself does the waiting."""
    with psycopg.connect(url, autocommit=True) as conn:
        for _ in range(500):
            sql = "select count(*) from pg_stat_activity where query like '%%orphan%%' and pid <> pg_backend_pid()"
            if conn.execute(sql + " and state = 'active' and application_name = 'tocsin source'").fetchone() == (0,):
                return
            conn.execute("select pg_sleep(0.01)")
    raise AssertionError("the query still runs")


def test_more_rows_than_the_cap_are_refused_with_the_first_of_them(empty_database: str) -> None:
    assert len(_ask(empty_database, "select generate_series(1, 3)", row_cap=3).rows) == 3
    with pytest.raises(RowCap, match="more than 2 rows") as caught:
        _ask(empty_database, "select generate_series(1, 100000000)", row_cap=2)
    assert caught.value.table.rows == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    "sql", ["select repeat('x', 100000) from generate_series(1, 1000)", "select repeat('x', 200000000)"]
)
def test_more_bytes_than_the_cap_are_refused(empty_database: str, sql: str) -> None:
    with pytest.raises(SourceRefused, match="more than 1000000 bytes"):
        _ask(empty_database, sql, row_cap=10_000, byte_cap=1_000_000)


def test_an_answer_below_the_byte_cap_is_whole(empty_database: str) -> None:
    [[text]] = _ask(empty_database, "select repeat('x', 5000000)").rows
    assert len(text) == 5_000_000


def test_loopback_is_refused_unless_it_is_opened(empty_database: str) -> None:
    with pytest.raises(SourceRefused, match="TOCSIN_EGRESS_ALLOW"):
        Postgres(empty_database).query(Question("select 1", SLOT), timeout_seconds=5, row_cap=1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://u:hush@h/d",
        "postgresql:///name",
        "postgresql://u:hush@/name",
        "postgresql://u:hush@%2Fvar%2Frun/name",
        "postgresql://u:hush@/name?host=/var/run",
        "postgresql://u:hush@a,b/name",
        "postgresql://u:hush@a:1,a:2/name",
        "postgresql://u:hush@h:port/name",
        "postgresql://u:hush@h:99999/name",
        "postgresql://h/name",
        "postgresql://u:hush@8.8.8.8/name?hostaddr=127.0.0.1",
        "postgresql://u:hush@8.8.8.8/name?service=x",
        "postgresql://u:hush@8.8.8.8/name?passfile=/etc/passwd",
        "postgresql://u:hush@8.8.8.8/name?options=-c%20x=y",
        "postgresql://u:hush@8.8.8.8/name?sslkey=/etc/passwd",
        "postgresql://u:hush@8.8.8.8/name?sslrootcert=/etc/passwd",
        "postgresql://u:hush@8.8.8.8/name?sslmode=disable",
        "postgresql://u:hush@8.8.8.8/name?sslmode=prefer",
        "postgresql://u:hush@8.8.8.8/name?nonsense=1",
        "postgresql://u:hush@10.0.0.1/name",
        "postgresql://u:hush@localhost:5432/name?sslmode=nonsense",
    ],
)
def test_an_address_that_reaches_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        _ask(url, "select 1", seconds=2)
    assert "hush" not in str(caught.value)


def test_a_wrong_login_is_refused_and_shows_no_password(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as conn:
        found = conn.execute("select count(*) from pg_roles where rolname = 'source_reader'").fetchone()
        if found == (0,):
            conn.execute("create role source_reader login password 'right-hush'")
    for user, password in (("source_reader", "wrong-hush"), ("no_such_user", "hush")):
        with pytest.raises(SourceRefused) as caught:
            _ask(_with_user(empty_database, user, password), "select 1")
        assert "hush" not in str(caught.value)


def test_our_own_password_is_not_offered_to_a_tenants_server(monkeypatch: pytest.MonkeyPatch) -> None:
    said = bytearray()

    def curious(connection: socket.socket) -> None:
        connection.recv(1024)  # may we encrypt? no
        connection.sendall(b"N")
        said.extend(connection.recv(4096))
        connection.sendall(b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big"))  # tell me your password in clear
        said.extend(connection.recv(4096))

    monkeypatch.setenv("PGPASSWORD", "our-own-hush")
    monkeypatch.setenv("PGOPTIONS", "-c our_own=hush")
    with raw_server(curious) as port, pytest.raises((SourceRefused, SourceUnavailable)):
        _ask(f"postgresql://tenant@127.0.0.1:{port}/name", "select 1", seconds=3)
    assert b"tenant" in said
    assert b"hush" not in said


def test_a_server_that_is_away_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="refused") as caught:
        _ask(f"postgresql://u:hush@127.0.0.1:{port}/name", "select 1")
    assert "hush" not in str(caught.value)


def test_a_name_without_address_is_unavailable() -> None:
    with pytest.raises(SourceUnavailable):
        _ask("postgresql://u:hush@no-such-name.invalid/name", "select 1")


@pytest.mark.parametrize("point", ["before the login", "after the login"])
def test_a_server_that_goes_silent_is_left_at_the_deadline(point: str) -> None:
    is_over = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"N")
        if point == "after the login":
            connection.recv(4096)
            connection.sendall(b"R" + (8).to_bytes(4, "big") + (0).to_bytes(4, "big"))  # you are in
            connection.sendall(b"Z" + (5).to_bytes(4, "big") + b"I")  # ready for a query
        is_over.wait(20)

    started = time.monotonic()
    with raw_server(silent) as port, pytest.raises(SourceUnavailable):
        _ask(f"postgresql://u:p@127.0.0.1:{port}/name", "select 1", seconds=0.3)
    is_over.set()
    assert time.monotonic() - started < 8


def test_each_query_is_observed_with_its_outcome(empty_database: str) -> None:
    seen: list[tuple[str, str]] = []

    def observe(source_type: str, outcome: str, seconds: float) -> None:
        assert seconds > 0
        seen.append((source_type, outcome))

    _ask(empty_database, "select 1", observe=observe)
    for sql, error in (
        ("selec", SourceRefused),
        ("values (1), (2)", RowCap),
        ("select pg_sleep(9)", SourceUnavailable),
    ):
        with pytest.raises(error):
            _ask(empty_database, sql, row_cap=1, seconds=0.5, observe=observe)
    assert seen == [("postgres", outcome) for outcome in ("ok", "refused", "row_cap", "unavailable")]


def test_parameters_go_beside_the_statement_with_their_types(empty_database: str) -> None:
    start, end = datetime(2026, 11, 14, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    evil = "x'; drop table kept; --"
    sql = """
        select $slot as slot, $end - $start as width, $timezone as zone, $context_region as region, $slot = $slot as same,
            pg_typeof($slot)::text as type, '$end' as quoted, $$ $end $$ as dollars, E'it\\'s $end' as escaped -- $nothing
        /* $nothing /* $nothing */ $nothing */
    """
    asked = Question(sql, SLOT, start, end, "Europe/Madrid", context={"region": evil})
    [row] = _put(empty_database, asked).rows
    assert row == (
        SLOT,
        end - start,
        "Europe/Madrid",
        evil,
        True,
        "timestamp with time zone",
        "$end",
        " $end ",
        "it's $end",
    )


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("select $start", r"\$start is part of a window"),
        ("select $nothing", r"\$nothing is no parameter"),
        ("select $1", r"\$1 is no parameter"),
        ("select $context_region", "holds no 'region'"),
    ],
)
def test_a_parameter_that_is_not_there_is_refused_by_its_name(sql: str, word: str) -> None:
    with pytest.raises(SourceRefused, match=word):
        _ask("postgresql://u:p@no-such-name.invalid/name", sql)
