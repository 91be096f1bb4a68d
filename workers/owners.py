"""The owner of a run's schedule is told of a trouble once, until it is settled; one place for each kind that tells."""

from db.pool import Pool
from db.query import Query
from workers.rows import Leased, Value

TELL_OWNER_ONCE = Query("tell_owner_once", Value)


def tell_once(pool: Pool, leased: Leased, what: str, which: str, subject: str, text: str) -> None:
    """Tells it, under the run's fence, unless they know of this one already."""
    run = {"run_id": leased.id, "slot_at": leased.slot_at, "fence": leased.fence}
    with pool.connection() as conn:
        TELL_OWNER_ONCE.one(conn, what=what, which=which, subject=subject, text=text, **run)
