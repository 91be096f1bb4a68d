"""Whose transactions the gauge of the oldest one sees: those of other roles with the right to read statistics alone."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from api.gauges import MEASURE
from tests import make
from tocsin import checks


@pytest.fixture
def roles(database: str) -> Iterator[tuple[make.Connection, str]]:
    """A session of a role that may read the tables and no more, while another role holds a transaction; its name."""
    looker, holder = (f"{name}_{uuid4().hex[:8]}" for name in ("looker", "holder"))
    with make.connect(database) as conn:
        conn.execute(SQL("create role {}").format(Identifier(looker)))
        conn.execute(SQL("grant select on all tables in schema public to {}").format(Identifier(looker)))
        conn.execute(SQL("create role {} login password 'hush'").format(Identifier(holder)))
        try:
            with psycopg.connect(make_conninfo(database, user=holder, password="hush")) as held:
                held.execute("select 1")
                conn.execute(SQL("set role {}").format(Identifier(looker)))
                yield conn, looker
        finally:
            conn.execute("reset role")
            for name in (looker, holder):
                conn.execute(SQL("drop owned by {}").format(Identifier(name)))
                conn.execute(SQL("drop role {}").format(Identifier(name)))


def oldest(conn: make.Connection) -> float:
    [found] = [each.value for each in MEASURE.all(conn) if each.gauge == "oldest_transaction_seconds"]
    return found


def told(conn: make.Connection) -> checks.Check:
    [found] = [each for each in checks.of_server(conn, make.now(conn)) if each.name == "sessions"]
    return found


def test_a_transaction_that_another_role_holds_is_seen_once_statistics_may_be_read_and_doctor_says_how(
    roles: tuple[make.Connection, str],
) -> None:
    conn, name = roles
    assert oldest(conn) == 0
    found = told(conn)
    assert found.state == "warn"
    assert f"`grant pg_read_all_stats to {name}`" in found.detail

    conn.execute("reset role")
    conn.execute(SQL("grant pg_read_all_stats to {}").format(Identifier(name)))
    conn.execute(SQL("set role {}").format(Identifier(name)))
    assert oldest(conn) > 0
    assert told(conn).state == "ok"
