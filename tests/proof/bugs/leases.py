"""Bugs of leases: no fence, a clock of one's own, and an answer that nobody reads."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from db.pool import Connection
from db.processes import EXTEND, REGISTER
from db.runs import Ring
from scheduler.relay import Relay
from tests.proof.bugs.rewrite import replace, rewrite
from workers.finish import FINISH, Finisher
from workers.lease import START
from workers.rows import Leased

_AHEAD_SECONDS = 600
_READ = """
    select
        r.id, r.slot_at, r.tenant_id, r.schedule_id, r.kind, r.queue, r.fence, r.attempt, r.max_attempts, r.origin,
        coalesce(r.started_at, now()), coalesce(r.params, v.params)::text, v.name, v.timezone, v.unknown_delivery_policy,
        coalesce(v.timeout_seconds, 300), coalesce(r.released_at, now()), clock_timestamp(),
        r.attempt = 1
    from runs as r
    left join schedule_versions as v on v.schedule_id = r.schedule_id and v.version = r.schedule_version
    where r.id = any(%s::uuid[]) and r.attempt > 0
"""
_KEEP_HOUSE = """
    create or replace function guard_run() returns trigger language plpgsql as $$
    begin
        if new.state = 'running' then
            new.written_fence := null;
        elsif new.state = 'pending' then
            new.released_at := null;
        elsif new.state = 'queued' and old.state = 'pending' then
            new.released_at := coalesce(new.released_at, now());
        end if;
        return new;
    end $$
"""


def finish_without_fence() -> None:
    """Whoever ends a run ends it, whoever has it by now; the end comes a little after the work."""
    rewrite(
        FINISH,
        (r"(where q\.id = w\.id and q\.slot_at = w\.slot_at) and q\.fence = .*\n", r"\1\n"),
        (r" and r\.fence = g\.fence\n", "\n"),
    )
    pause_before_ends(1.0)


def pause_before_ends(seconds: float) -> None:
    """Ends are written so long after the work, so that a stop or a kill falls in between."""
    execute = Finisher._execute

    def execute_late(self: Finisher, group: Any) -> Any:
        time.sleep(seconds)
        return execute(self, group)

    replace(Finisher, "_execute", execute_late)


def drop_walls_of_runs(conn: psycopg.Connection[Any]) -> None:
    """Runs and deliveries may be written under any fence and moved in any way."""
    conn.execute(_KEEP_HOUSE)
    conn.execute("drop trigger deliveries_guard on deliveries")


def lease_by_own_clock() -> None:
    """Leases run until what this process takes for the time, and it is ten minutes ahead."""
    for query in (EXTEND, REGISTER):
        _lengthen(query)
    pause_before_ends(0.3)


def _lengthen(query: Any) -> None:
    run = query.run

    def run_longer(conn: Connection, /, **params: Any) -> int:
        return int(run(conn, **params | {"lease_seconds": params["lease_seconds"] + _AHEAD_SECONDS}))

    replace(query, "run", run_longer)


def ignore_what_start_answers() -> None:
    """Every run that a message names is begun, whether or not this process got its lease; and messages come twice."""
    lease = START.all
    ring = Relay.ring

    def lease_or_not(conn: Connection, /, **params: Any) -> list[Leased]:
        leased = lease(conn, **params)
        return leased + _read(conn, _words(params["ids"]) - {str(run.id) for run in leased})

    def ring_twice(self: Relay, runs: Sequence[Ring]) -> None:
        ring(self, runs)
        ring(self, runs)

    replace(START, "all", lease_or_not)
    replace(Relay, "ring", ring_twice)


def _words(literal: str) -> set[str]:
    return set(literal.strip("{}").replace('"', "").split(",")) - {""}


def _read(conn: Connection, ids: Iterable[str]) -> list[Leased]:
    return [Leased(*row) for row in conn.execute(_READ, (list(ids),)).fetchall()]
