"""claim: what the ticker's transaction does a second, beside one bare statement that writes the same rows.

20,000 schedules are due at one instant among 200,000. Ours claims a batch, plans it in Python (cron, zone, misfire),
inserts the runs and advances the schedules; the bare statement adds a day and asks nothing.
"""

import time
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import psycopg

from bench.claimer import BATCH, claim_all
from bench.cost import spent, tree_cpu
from bench.result import Goal, Options, Result
from bench.schedules import make_schedules, make_tenant
from bench.stage import TEMPLATE, Stage, value
from db.pool import Database
from scheduler.frontier import LONG_AGO

CROWD = 10
_BARE = """
with due as (
    select s.id, s.tenant_id, s.kind, s.queue, s.version, s.max_attempts, s.next_fire_at from schedules as s
    where s.status = 'active' and s.next_fire_at <= now() and s.next_fire_at >= %(low)s
    order by s.next_fire_at, s.id
    limit %(batch)s
    for update skip locked
),
fired as (
    insert into runs (
        id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, fence, max_attempts,
        available_at, released_at
    )
    select
        gen_random_uuid(), next_fire_at, tenant_id, id, version, kind, queue, 'schedule', 'queued', 1, max_attempts,
        now(), now()
    from due
    returning 1
),
advanced as (
    update schedules as s
    set
        last_slot_at = s.next_fire_at, next_fire_at = s.next_fire_at + interval '1 day', run_count = s.run_count + 1,
        last_error = null, last_error_at = null
    from due
    where s.id = due.id
    returning 1
)
select (select count(*) from fired), (select max(next_fire_at) from due)
"""


def run(options: Options) -> list[Result]:
    due = options.size(20_000)
    with Stage() as stage:
        return [
            _measure(stage, options, due, "claim.one_expression", many=False),
            _measure(stage, options, due, "claim.500_expressions", many=True),
        ]


def _measure(stage: Stage, options: Options, due: int, name: str, *, many: bool) -> Result:
    template = seed(stage, due, many=many)
    ours: list[float] = []
    bare: list[float] = []
    cpu: list[dict[str, Any]] = []
    for rep in range(options.reps):
        sides = [_ours, _bare] if rep % 2 == 0 else [_bare, _ours]
        for side in sides:
            url = stage.copy(template)
            stage.flush()
            with Database.at(url).connect("bench") as conn:
                before = _cpu(stage)
                seconds = side(conn, due)
                used = spent(before, _cpu(stage), due)
                assert value(conn, "select count(*) from runs") == due, "runs are missing"
            stage.drop(url)
            (ours if side is _ours else bare).append(due / seconds)
            cpu.append({"side": "tocsin" if side is _ours else "bare CTE", **used})
    stage.postgres.drop_database(template)
    details = {"due": due, "of": due * CROWD, "batch": BATCH, "cpuMicrosecondsPerRow": cpu}
    return Result(name, "rows/s", "higher", ours, {"bare CTE": bare}, [Goal(0.7, "bare CTE")], details)


def _cpu(stage: Stage) -> dict[str, float]:
    return {"python": time.process_time(), "postgres": tree_cpu(stage.postgres.pid)}


def seed(stage: Stage, due: int, *, many: bool = False) -> str:
    """The name of a database to copy, in which `due` of ten times as many schedules are due."""
    url = stage.copy(TEMPLATE)
    with psycopg.connect(url, autocommit=True) as conn:
        slot = value(conn, "select date_trunc('minute', now())")
        tenant = make_tenant(conn)
        crons = expressions(slot, 500) if many else expressions(slot, 1)
        later = slot + timedelta(days=1)
        make_schedules(
            conn, tenant, due * (CROWD - 1), later, name="later", crons=crons, spacing=0.01, has_versions=False
        )
        make_schedules(conn, tenant, due, slot, crons=crons, has_versions=False)
        conn.execute("checkpoint")
    return url.rpartition("/")[2]


def expressions(slot: datetime, count: int) -> list[str]:
    """`count` different cron expressions, all with a slot at this minute and none with another within the day."""
    clock = f"{slot.minute} {slot.hour}"
    if count == 1:
        return [f"{clock} * * *"]
    days = [day for day in range(1, 29) if day not in (slot.day, (slot + timedelta(days=1)).day)]
    months = [month for month in range(1, 13) if month != slot.month]
    found = [
        f"{clock} {slot.day},{first},{second} {slot.month},{month} *"
        for first, second in combinations(days, 2)
        for month in months
    ]
    return found[:: max(1, len(found) // count)][:count]


def _ours(conn: psycopg.Connection[Any], due: int) -> float:
    """Seconds that the ticker's own transaction takes for all that is due."""
    began = time.perf_counter()
    done = claim_all(conn)
    seconds = time.perf_counter() - began
    assert done == due, f"{done} of {due} were claimed"
    return seconds


def _bare(conn: psycopg.Connection[Any], due: int) -> float:
    """Seconds that the bare statement takes for the same."""
    began, done, low = time.perf_counter(), 0, LONG_AGO
    while done < due:
        row = conn.execute(_BARE, {"low": low, "batch": BATCH}).fetchone()
        assert row is not None
        assert row[0], "the schedules were not claimed"
        done += row[0]
        low = row[1]
    return time.perf_counter() - began
