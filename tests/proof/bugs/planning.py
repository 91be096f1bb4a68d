"""Bugs of the ticker: two hands on one slot, a ring before its commit, a make-up run that is left out."""

import time
from datetime import datetime
from typing import Any

import psycopg

from db.pool import Connection
from scheduler import policy, steps, ticker
from scheduler.policy import Plan, Skip
from scheduler.relay import Relay
from scheduler.rows import DueSchedule
from scheduler.ticker import CLAIM, PLAN_SLOTS, Batch
from tests.proof.bugs.rewrite import replace, rewrite
from workers.look import Look

_COMMIT_SECONDS = 0.02


def claim_without_lock() -> None:
    """Two tickers claim the same schedules, and each advances them whatever the other did."""
    rewrite(CLAIM, ("for update skip locked\n", ""))
    rewrite(
        PLAN_SLOTS,
        (r"\n +on conflict \(schedule_id.*? do nothing\n", "\n"),
        (r"\n +and s\.next_fire_at is not distinct from a\.was_fire_at\n", "\n"),
    )


def drop_walls_of_slots(conn: psycopg.Connection[Any]) -> None:
    """A slot may have two runs, and a schedule's last slot may stand still."""
    conn.execute("drop index runs_one_per_slot")
    conn.execute("drop trigger schedules_monotone_slot on schedules")


def ring_before_commit() -> None:
    """Runs are rung before their transaction commits, and nobody looks for those whose ring came to nothing."""
    relays: list[Relay] = []
    init: Any = steps.Ticker.__init__
    write = ticker._write
    tick: Any = ticker.tick

    def keep_relay(self: steps.Ticker, settings: Any, relay: Relay, *, is_held: bool) -> None:
        relays.append(relay)
        init(self, settings, relay, is_held=is_held)

    def write_and_ring(conn: Connection, batch: Batch, planned: list[tuple[DueSchedule, Plan]]) -> None:
        write(conn, batch, planned)
        relays[-1].ring(batch.rings)
        batch.rings.clear()
        time.sleep(_COMMIT_SECONDS)

    def tick_when_due(*args: Any, **more: Any) -> Batch:
        batch: Batch = tick(*args[:-1], 0, **more)
        return batch

    replace(steps.Ticker, "__init__", keep_relay)
    replace(ticker, "_write", write_and_ring)
    replace(steps, "tick", tick_when_due)
    look_for_nothing()


def look_for_nothing() -> None:
    """Workers find no run that no message brought them."""
    replace(Look, "_look_for_runs", lambda _: False)
    replace(Look, "_look_for_suspects", lambda _: None)


def forget_the_oldest_missed() -> None:
    """Where more than one slot is due, the oldest of them is passed over."""
    split = policy._split

    def split_short(*args: Any) -> list[Skip | datetime]:
        decided = split(*args)
        fires = [each for each in decided if isinstance(each, datetime)]
        return [each for each in decided if len(fires) == 1 or each != fires[0]] if fires else decided

    replace(policy, "_split", split_short)
