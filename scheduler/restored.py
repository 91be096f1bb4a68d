"""A restored copy before it goes live: what of its work the original may have done since, and leaving that undone.

A dump knows nothing of what came after it. What it has open, and the slots since, may have been seen to already, and the
copy cannot tell: whoever makes it live says whether that is done here or passed over.
"""

from typing import NamedTuple
from uuid import UUID

from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules


class Stake(NamedTuple):
    """How many open runs, unsettled deliveries and due schedules a copy has."""

    runs: int
    deliveries: int
    schedules: int


class Count(NamedTuple):
    """How many rows were moved."""

    value: int


class Held(NamedTuple):
    """A schedule that was due."""

    tenant_id: UUID
    id: UUID


LOOK = Query("look_at_stake", Stake)
HOLD_SCHEDULES = Query("hold_due_schedules", Held)
PASS_OVER_RUNS = Query("pass_over_runs", Count)
PASS_OVER_DELIVERIES = Query("pass_over_deliveries", Count)


def stake(conn: Connection) -> Stake:
    """What is open here, or due."""
    return LOOK.one(conn) or Stake(0, 0, 0)


def pass_over(conn: Connection) -> Stake:
    """How much was left undone: open runs are cancelled, their deliveries settled, and schedules go on after now.

    One transaction. Nothing runs meanwhile, for a copy is held; a schedule whose only time has passed ends.
    """
    with transaction(conn):
        held = HOLD_SCHEDULES.all(conn)
        runs = PASS_OVER_RUNS.one(conn)
        deliveries = PASS_OVER_DELIVERIES.one(conn)
        for each in held:
            schedules.resume(conn, each.tenant_id, each.id)
    return Stake(runs.value if runs else 0, deliveries.value if deliveries else 0, len(held))
