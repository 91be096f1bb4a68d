"""Who does not live though a run or a schedule needs them, in sentences that say what to do."""

from typing import NamedTuple

from db.pool import Connection
from db.query import Query
from scheduler.definition import Schedule
from scheduler.runs import Run

_SUSPECT = "suspect"


class Living(NamedTuple):
    """Whether a ticker lives, and a worker for the queue that was asked about."""

    has_ticker: bool
    has_worker: bool


LOOK = Query("look_at_living", Living)


def of_run(conn: Connection, run: Run) -> list[str]:
    """Whom the run waits for in vain; nobody once it runs or is over."""
    if run.state not in ("pending", "queued"):
        return []
    return _missing(conn, run.queue, "releases it" if run.state == "pending" else None)


def of_schedule(conn: Connection, row: Schedule) -> list[str]:
    """Whom the schedule needs in vain; nobody while it does not fire."""
    return _missing(conn, row.queue, "plans its slots") if row.status == "active" else []


def _missing(conn: Connection, queue: str, of_ticker: str | None) -> list[str]:
    """The sentences, where what a ticker is needed for is given, or None where it is for nothing."""
    living = LOOK.one(conn, queue=queue)
    told = []
    if of_ticker and not (living and living.has_ticker):
        told.append(f"No ticker lives that {of_ticker}: start one with `tocsin ticker`.")
    if not (living and living.has_worker):
        which = "" if queue == _SUSPECT else f" that serves the queue {queue}"
        settings = "" if queue == _SUSPECT else f", with {queue} in its WORKER_QUEUES where these are set"
        told.append(f"No worker lives{which}: start one with `tocsin worker`{settings}.")
    return told
