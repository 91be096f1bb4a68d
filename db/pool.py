"""Connections to Tocsin's own database, with the session settings that every process needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import psycopg
from psycopg import Connection as _Connection
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import ConnectionPool as _ConnectionPool

from config.environ import need, read
from db import jsonb

Connection: TypeAlias = _Connection[Any]
Pool: TypeAlias = _ConnectionPool[_Connection[Any]]
DatabaseError = psycopg.Error
Unavailable = psycopg.OperationalError
BadValue = psycopg.DataError

_RECONNECT_SECONDS = 1.0

set_json_dumps(jsonb.dumps)
set_json_loads(jsonb.loads)


@dataclass(frozen=True, slots=True)
class Database:
    """Where Postgres is. `url` may be a pooler; `listen_url` is the server itself, or `url` again when none was named."""

    url: str = field(repr=False)
    listen_url: str = field(repr=False)

    @classmethod
    def from_environ(cls) -> "Database":
        """The database that DATABASE_URL names. Raises BadSetting."""
        url: str = need("DATABASE_URL")
        return cls.at(url, read(("DATABASE_LISTEN_URL",))["DATABASE_LISTEN_URL"])

    @classmethod
    def at(cls, url: str, listen_url: str | None = None) -> "Database":
        """The database at `url`, or behind it at `listen_url`."""
        return cls(url, listen_url or url)

    def connect(self, name: str, *, for_listening: bool = False, waits_for_disk: bool = True) -> Connection:
        """A new connection in autocommit mode, seen as `tocsin NAME` in pg_stat_activity.

        One that does not wait for the disk may lose its last commits when Postgres crashes, never a part of one.
        """
        conn = psycopg.connect(self.listen_url if for_listening else self.url, **_options(name))
        _configure(conn)
        if not waits_for_disk and not is_pooled(conn):
            conn.execute("set synchronous_commit to off")
        return conn

    def open_pool(self, name: str, size: int) -> Pool:
        """A pool of up to `size` connections in autocommit mode; one that broke is replaced when it is given back.

        While Postgres is away it tries about once a second, however long that takes.
        """
        return _ConnectionPool(
            self.url,
            min_size=1,
            max_size=size,
            timeout=30,
            reconnect_timeout=_RECONNECT_SECONDS,
            reconnect_failed=_try_again,
            kwargs=_options(name),
            configure=_configure,
            open=True,
            name=name,
        )


def is_pooled(conn: Connection) -> bool:
    """True when a pooler answers, such as a PgBouncer, which may give each transaction another server.

    There nothing of a session holds: no prepared statement, no setting and no `listen`, which would take no effect
    here and wake whoever comes next.
    """
    return conn.prepare_threshold is None


@contextmanager
def transaction(conn: Connection) -> Iterator[None]:
    """A transaction that the server ends after idling for five seconds, so that a stopped process keeps no row locks.

    Behind a pooler no setting of the session holds, and each transaction says it for itself.
    """
    with conn.transaction():
        if is_pooled(conn):
            conn.execute("set local idle_in_transaction_session_timeout to '5s'")
        yield


def _try_again(pool: Pool) -> None:
    """Has a new try follow those that were given up: the pool's own wait twice as long each time, for up to minutes."""
    pool.resize(0, pool.max_size)
    pool.resize(1, pool.max_size)


def _options(name: str) -> dict[str, Any]:
    return {
        "autocommit": True,
        "application_name": f"tocsin {name}",
        # Nothing is prepared before it is known who answers.
        "prepare_threshold": None,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }


def _configure(conn: Connection) -> None:
    """Sets the session up; behind a pooler its time zone alone, which PgBouncer keeps for each client."""
    # Who connects is told a process id by whoever answers, and a pooler tells one that is not the server's.
    told = conn.execute("select pg_backend_pid(); set timezone to 'UTC'").fetchone()
    if told != (conn.info.backend_pid,):
        return
    conn.prepare_threshold = 5
    # A stopped process must not keep its row locks: the server ends its transaction after five seconds.
    # Every statement finds its few rows by an index. A fresh partition has no statistics, and a planner that guesses
    # reads all of it (measured: 3.8 ms a run started, against 0.06), or plans anew at each call.
    conn.execute(
        "set idle_in_transaction_session_timeout to '5s';"
        "set plan_cache_mode to force_generic_plan;"
        "set enable_seqscan to off;"
        "set enable_hashjoin to off;"
        "set enable_mergejoin to off"
    )
