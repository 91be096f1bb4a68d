"""What time undoes: expired leases, ended schedules, partitions to make ahead and to drop."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query
from scheduler.frontier import FIRST_ID
from telemetry import metrics, traces
from telemetry.log import Events

events = Events("reaper")

# A finish that commits late may carry an earlier time: whoever goes on from the newest looks back so far to meet it.
LATE_FINISH = timedelta(seconds=10)


class LostProcess(NamedTuple):
    """A process whose lease ran out."""

    id: UUID
    role: str
    host: str
    pid: int


class ReapedRun(NamedTuple):
    """A run that was taken back."""

    id: UUID
    kind: str
    state: str


class ReapedDelivery(NamedTuple):
    """A delivery that was taken back, and its state since; unknown when its content may have left."""

    id: UUID
    channel: str
    state: str
    is_unknown: bool


class Ending(NamedTuple):
    """How far the schedules without a slot to come were looked through (None: to the end), and how many ended."""

    looked_to: UUID | None
    ended: int


class LastRuns(NamedTuple):
    """The newest success seen and how many schedules it was written to."""

    seen: datetime | None
    written: int


class FailedReports(NamedTuple):
    """The newest end seen, and how many reports were stopped."""

    seen: datetime | None
    failed: int


class MadePartitions(NamedTuple):
    """How many tables were made."""

    made: int


class DroppedPartitions(NamedTuple):
    """The weeks whose partitions were dropped."""

    weeks: list[str]


class EndedCrews(NamedTuple):
    """How many calls of cancelled crews were ended or asked to, how many at once, and of how many crews none is left."""

    touched: int
    ended: int
    forgotten: int


LOSE_PROCESSES = Query("lose_processes", LostProcess)
REAP_RUNS = Query("reap_runs", ReapedRun)
REAP_DELIVERIES = Query("reap_deliveries", ReapedDelivery)
COMPLETE_SCHEDULES = Query("complete_schedules", Ending)
RECORD_LAST_RUNS = Query("record_last_runs", LastRuns)
FAIL_REPORTS = Query("fail_reports", FailedReports)
MAKE_PARTITIONS = Query("make_partitions_ahead", MadePartitions)
DROP_PARTITIONS = Query("drop_old_partitions", DroppedPartitions)
FORGET_PROCESSES = Query("forget_processes")
FORGET_ANSWERS = Query("forget_answers")
FORGET_SEGMENTS = Query("forget_segments")
FORGET_SILENCES = Query("forget_silences")
FORGET_SOURCE_ANSWERS = Query("forget_source_answers")
FORGET_TROUBLES = Query("forget_troubles")
FORGET_CREW_RESPONSES = Query("forget_crew_responses")
CANCEL_CREW_RUNS = Query("cancel_crew_runs", EndedCrews)


def lose_processes(conn: Connection) -> int:
    """Declares lost the processes whose lease ran out; returns how many."""
    lost = LOSE_PROCESSES.all(conn)
    for process in lost:
        events.warning("process.lost", process_id=process.id, role=process.role, host=process.host, pid=process.pid)
    return len(lost)


def reap(conn: Connection) -> int:
    """Takes back what lost and stopped processes held and what passed its deadline; returns how many."""
    runs = REAP_RUNS.all(conn)
    for run in runs:
        metrics.leases_expired.inc()
        metrics.attempts.labels(run.kind, "expired").inc()
        if run.state != "pending":
            metrics.runs.labels(run.kind, run.state).inc()
            traces.ended(run.id, kind=run.kind, state=run.state)
        tell = events.error if run.state == "dead" else events.warning
        tell("run.expired", run_id=run.id, kind=run.kind, state=run.state)
    deliveries = REAP_DELIVERIES.all(conn)
    for delivery in deliveries:
        outcome = "unknown" if delivery.is_unknown else "failed" if delivery.state == "failed" else "expired"
        metrics.deliveries.labels(delivery.channel, outcome).inc()
        events.warning("delivery.expired", delivery_id=delivery.id, outcome=outcome)
    return len(runs) + len(deliveries)


def end_schedules(conn: Connection, after: UUID) -> UUID:
    """Ends the schedules that are over among the next few after an id; returns the id to go on from."""
    found = COMPLETE_SCHEDULES.one(conn, after=after)
    if found is None or found.looked_to is None:
        return FIRST_ID
    return found.looked_to


def record_last_runs(conn: Connection, since: datetime) -> datetime:
    """Writes when each schedule last succeeded; returns the instant to go on from."""
    found = RECORD_LAST_RUNS.one(conn, since=since)
    if found is None or found.seen is None:
        return since
    return max(since, found.seen - LATE_FINISH)


def fail_reports(conn: Connection, since: datetime) -> datetime:
    """Stops the reports whose last runs all died, and tells of it; returns the instant to go on from."""
    found = FAIL_REPORTS.one(conn, since=since)
    if found is None or found.seen is None:
        return since
    if found.failed:
        events.warning("reports.stopped", count=found.failed)
    return max(since, found.seen - LATE_FINISH)


def forget_source_answers(conn: Connection) -> None:
    """Drops the answers of sources that runs of a past minute shared."""
    FORGET_SOURCE_ANSWERS.run(conn)


def end_crews(conn: Connection) -> int:
    """Ends the calls of crews that were cancelled, some thousands at a time; returns how many it touched."""
    found = CANCEL_CREW_RUNS.one(conn)
    if found is None:
        return 0
    metrics.runs.labels("crew.ask", "cancelled").inc(found.ended)
    return found.touched


def keep_house(conn: Connection, retention_days: int) -> None:
    """Makes the partitions of the next weeks, and drops what is beyond its time.

    That is: partitions, processes, kept answers, answers of crews, segments that are over, silences that were, and what
    owners were told.
    """
    made = MAKE_PARTITIONS.one(conn, retention_days=retention_days)
    dropped = DROP_PARTITIONS.one(conn, retention_days=retention_days)
    FORGET_PROCESSES.run(conn)
    FORGET_ANSWERS.run(conn)
    FORGET_SEGMENTS.run(conn, retention_days=retention_days)
    FORGET_SILENCES.run(conn, retention_days=retention_days)
    FORGET_TROUBLES.run(conn, retention_days=retention_days)
    FORGET_CREW_RESPONSES.run(conn, retention_days=retention_days)
    if (made and made.made) or (dropped and dropped.weeks):
        events.info("partitions.kept", made=made and made.made, dropped=dropped and dropped.weeks)
