"""A database's history and the sinks' lines, as the records that are judged."""

from collections.abc import Sequence

from db.pool import Database, transaction
from db.query import Query
from proof.records import (
    Delivery,
    DeliveryMove,
    Fault,
    History,
    Run,
    RunMove,
    ScheduleMove,
    SinkEvent,
    Start,
    Version,
)
from scheduler.schedules import read_now

VERSIONS = Query("read_schedule_versions", Version)
SCHEDULE_MOVES = Query("read_schedule_history", ScheduleMove)
RUNS = Query("read_runs", Run)
RUN_MOVES = Query("read_run_history", RunMove)
DELIVERIES = Query("read_deliveries", Delivery)
DELIVERY_MOVES = Query("read_delivery_history", DeliveryMove)


def read_history(
    url: str,
    *,
    sink: Sequence[SinkEvent] = (),
    starts: Sequence[Start] = (),
    faults: Sequence[Fault] = (),
    seed: int = 0,
    grace_seconds: float = 30.0,
) -> History:
    """The history of the database at `url`, all of one snapshot, with what was witnessed outside of it."""
    with Database.at(url).connect("proof") as conn, transaction(conn):
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute("set local statement_timeout = 0")
        return History(
            until=read_now(conn).timestamp(),
            versions=VERSIONS.all(conn),
            schedule_moves=SCHEDULE_MOVES.all(conn),
            runs=RUNS.all(conn),
            run_moves=RUN_MOVES.all(conn),
            deliveries=DELIVERIES.all(conn),
            delivery_moves=DELIVERY_MOVES.all(conn),
            sink=sink,
            starts=starts,
            faults=faults,
            grace_seconds=grace_seconds,
            seed=seed,
        )
