"""The pool: while Postgres is away it goes on trying, and is back when Postgres is."""

import psycopg
import pytest

from db.pool import Database, Pool
from local.postgres import NO_FLUSH, Postgres
from tests.system import until


@pytest.mark.timeout(60)
def test_tries_do_not_become_rare_while_postgres_is_away() -> None:
    with Postgres(settings=NO_FLUSH) as postgres, Database.at(postgres.url).open_pool("test", 3) as pool:
        with pool.connection() as conn:
            conn.execute("select 1")
        postgres.stop("immediate")
        with pytest.raises(psycopg.OperationalError), pool.connection() as conn:
            conn.execute("select 1")
        # The eighth in a row that doubled would come after two minutes.
        until(lambda: pool.get_stats().get("connections_errors", 0) >= 8, 30)
        postgres.start()
        until(lambda: is_answered(pool))


def is_answered(pool: Pool) -> bool:
    """False where the pool's connection was one from before."""
    try:
        with pool.connection(timeout=5) as conn:
            return conn.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
