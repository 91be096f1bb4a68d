"""Rows that the ticker and the workers share: what is rung, and the gates that runs wait at."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query
from telemetry import metrics

# How long before its instant a run made ahead may be rung and leased: what lies between the ring and the worker's first
# line takes some milliseconds, and a herd's room is filled by then. The worker waits for the instant.
LEAD_SECONDS = 0.1


class Ring(NamedTuple):
    """A released run to be rung: a pointer, good for this fence only."""

    id: UUID
    slot_at: datetime
    fence: int
    queue: str
    kind: str
    tenant_id: UUID


class Pointer(NamedTuple):
    """A run or a delivery by its key."""

    id: UUID
    slot_at: datetime


class Touched(NamedTuple):
    """A run that was cancelled, asked to cancel, or given back, with its state now."""

    id: UUID
    kind: str
    state: str


RELEASE_GATED = Query("release_gated_runs", Ring)
SKIP_OVERLAPPING = Query("skip_overlapping_runs")
FIND_OVERLAPPED = Query("find_overlapped_runs", Pointer)
CANCEL = Query("cancel_runs", Touched)


def pass_gates(conn: Connection, schedule_ids: Sequence[UUID]) -> list[Ring]:
    """Lets waiting runs through the free gates of these schedules; returns what to ring.

    What still waits is treated by its schedule's overlap policy: skipped, left waiting, or its holder cancelled.
    """
    ids = list(schedule_ids)
    released = RELEASE_GATED.all(conn, schedule_ids=ids)
    SKIP_OVERLAPPING.run(conn, schedule_ids=ids)
    cancel(conn, FIND_OVERLAPPED.all(conn, schedule_ids=ids), "overlap")
    return released


def cancel(conn: Connection, runs: Sequence[Pointer], reason: str) -> list[Touched]:
    """Cancels open runs, or asks their worker to; returns those that were open."""
    if not runs:
        return []
    touched = CANCEL.all(conn, ids=[run.id for run in runs], slots=[run.slot_at for run in runs], reason=reason)
    count_cancelled(touched)
    return touched


def count_cancelled(touched: Iterable[Touched]) -> None:
    """Counts those of them that are cancelled now, wherever that was done."""
    for run in touched:
        if run.state == "cancelled":
            metrics.runs.labels(run.kind, run.state).inc()
