"""Connections for those who ask seldom: what lay idle while Postgres restarted is replaced before it is given out."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg_pool import PoolTimeout

from db.pool import Connection, Pool, Unavailable


@contextmanager
def connected(pool: Pool, timeout: float) -> Iterator[Connection]:
    """A connection of the pool that answers. Raises Unavailable when Postgres is away for `timeout` seconds."""
    try:
        with pool.connection(timeout) as conn:
            pool.check_connection(conn)
    except PoolTimeout:
        raise
    except Unavailable:
        pool.check()
    with pool.connection(timeout) as conn:
        yield conn
