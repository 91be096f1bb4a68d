"""Connections to Tocsin's own database, with the session settings that every process needs."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import Connection as _Connection
from psycopg.types.json import set_json_dumps
from psycopg_pool import ConnectionPool as _ConnectionPool

from config.environ import need, read
from db import jsonb

Connection: TypeAlias = _Connection[Any]
Pool: TypeAlias = _ConnectionPool[_Connection[Any]]
DatabaseError = psycopg.Error
Unavailable = psycopg.OperationalError

set_json_dumps(jsonb.dumps)


@dataclass(frozen=True, slots=True)
class Database:
    """Where Postgres is. `listen_url` is the server itself; `is_direct` is false behind a PgBouncer."""

    url: str
    listen_url: str
    is_direct: bool

    @classmethod
    def from_environ(cls) -> "Database":
        """The database that DATABASE_URL names. Raises BadSetting."""
        url: str = need("DATABASE_URL")
        listen_url = read(("DATABASE_LISTEN_URL",))["DATABASE_LISTEN_URL"]
        return cls.at(url, listen_url)

    @classmethod
    def at(cls, url: str, listen_url: str | None = None) -> "Database":
        """The database at `url`; with `listen_url` given, `url` is taken for a PgBouncer in transaction mode."""
        return cls(url, listen_url or url, listen_url is None)

    def connect(self, name: str, *, for_listening: bool = False, waits_for_disk: bool = True) -> Connection:
        """A new connection in autocommit mode, seen as `tocsin NAME` in pg_stat_activity.

        One that does not wait for the disk may lose its last commits when Postgres crashes, never a part of one.
        """
        conn = psycopg.connect(
            self.listen_url if for_listening else self.url,
            **self._options(name, is_direct=self.is_direct or for_listening),
        )
        self._configure(conn)
        if self.is_direct and not waits_for_disk:
            conn.execute("set synchronous_commit to off")
        return conn

    def open_pool(self, name: str, size: int) -> Pool:
        """A pool of up to `size` connections in autocommit mode; one that broke is replaced when it is given back."""
        return _ConnectionPool(
            self.url,
            min_size=1,
            max_size=size,
            timeout=30,
            kwargs=self._options(name, is_direct=self.is_direct),
            configure=self._configure,
            open=True,
            name=name,
        )

    def _options(self, name: str, *, is_direct: bool) -> dict[str, Any]:
        return {
            "autocommit": True,
            "application_name": f"tocsin {name}",
            # A PgBouncer may give the next transaction another server, which knows no prepared statement.
            "prepare_threshold": 5 if is_direct else None,
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        }

    def _configure(self, conn: Connection) -> None:
        conn.execute("set timezone to 'UTC'")
        if self.is_direct:
            # A stopped process must not keep its row locks: the server ends its transaction after five seconds.
            conn.execute("set idle_in_transaction_session_timeout to '5s'")
            # Every statement finds its few rows by an index. A fresh partition has no statistics, and a planner that
            # guesses reads all of it (measured: 3.8 ms a run started, against 0.06), or plans anew at each call.
            conn.execute("set plan_cache_mode to force_generic_plan")
            conn.execute("set enable_seqscan to off")
            conn.execute("set enable_hashjoin to off")
            conn.execute("set enable_mergejoin to off")
