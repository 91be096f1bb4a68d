"""asked: what the HTTP API takes for a list, a point read and a new schedule, with a million runs of 200 tenants.

Beside it in the same run: the same application without row-level security (the first wall alone), and a bare endpoint
of FastAPI and psycopg that runs one statement of the same rows, knows no tenant, checks and records nothing.
One client asks, one request after the other, of one web process.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import psycopg

from api import tokens
from bench.result import Goal, Options, Result, percentile, tell
from bench.stage import TEMPLATE, Processes, Stage, value
from local.processes import free_port

TENANTS = 200
_SCHEDULES = 25
_WARM = 100
_ASKS = 500
_WALL = "without row-level security"
_BARE = "bare FastAPI + psycopg"
# A list behind both walls may take a fifth more than behind one.
_SHARE = 1 / 1.2

_FILL = """
set session_replication_role = replica;
select make_partitions(now() - interval '28 days', now() + interval '7 days');
insert into tenants (slug, name) select 'tenant-' || g, 'Tenant' from generate_series(1, %(tenants)s) as g;
insert into schedules (id, tenant_id, kind, name, interval_seconds, interval_anchor, next_fire_at, status, created_at)
select
    gen_random_uuid(), t.id, 'test.noop', 's' || g, 3600, date_trunc('second', now()), null, 'paused',
    now() - make_interval(secs => g)
from tenants as t cross join generate_series(1, %(schedules)s) as g;
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, fence, attempt, available_at,
    released_at, started_at, finished_at
)
select
    (lpad(to_hex((extract(epoch from slot) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8'
        || substr(md5(random()::text), 1, 15))::uuid,
    slot, s.tenant_id, s.id, 1, 'test.noop', 'default', 'manual', 'succeeded', 2, 1, slot, slot, slot, slot
from schedules as s
cross join generate_series(1, %(runs)s) as g
cross join lateral (
    select date_trunc('milliseconds', now() - (g + random()) * interval '27 days' / %(runs)s) as slot
) as at;
set session_replication_role = origin;
vacuum analyze runs, schedules, tenants
"""


def run(options: Options) -> list[Result]:
    runs = options.size(1_000_000)
    with Stage() as stage:
        url = stage.copy(TEMPLATE)
        token, run_id = _fill(url, runs)
        found: dict[str, dict[str, list[list[float]]]] = {}
        for rep in range(options.reps):
            sides = ("tocsin", _WALL, _BARE)
            for side in sides if rep % 2 == 0 else sides[::-1]:
                with serving(stage, url, side) as address:
                    for name, times in _asked(address, token, run_id, f"{side} {rep}").items():
                        found.setdefault(name, {}).setdefault(side, []).append(times)
                    tell(f"{side}: {found['list'][side][-1][_ASKS // 2] * 1000:.2f} ms a list")
    return [
        _result("list", found["list"], runs, [Goal(_SHARE, _WALL)]),
        _result("point", found["point"], runs, []),
        _result("create", found["create"], runs, []),
    ]


def _fill(url: str, runs: int) -> tuple[str, UUID]:
    """Fills the database; a token of one tenant, and the id of one of its runs."""
    numbers = {"tenants": TENANTS, "schedules": _SCHEDULES, "runs": -(-runs // (TENANTS * _SCHEDULES))}
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as conn:
        for statement in _FILL.split(";\n"):
            conn.execute(statement.encode(), numbers if "%(" in statement else None)
        tenant = value(conn, "select id from tenants order by slug limit 1 offset 100")
        found: UUID = value(conn, "select id from runs where tenant_id = %s order by slot_at limit 1 offset 50", tenant)
    with psycopg.connect(url, autocommit=True) as conn:
        return tokens.create(conn, tenant, "bench", "admin")[1], found


@contextmanager
def serving(stage: Stage, url: str, side: str) -> Iterator[str]:
    """The address of a web process of that side."""
    port = free_port()
    environ = {
        "DATABASE_URL": url,
        "REDIS_URL": stage.redis.url,
        "TOCSIN_KINDS": "bench.kinds:NOOP",
        "LOG_LEVEL": "warning",
        "PORT": str(port),
    }
    stage.flush()
    with stage.processes() as processes:
        if side == "tocsin":
            processes.start("web", "api", **environ)
        else:
            processes.start("web", "bench.asked_server", "bare" if side == _BARE else "unwalled", **environ)
        _wait(processes, port)
        yield f"http://127.0.0.1:{port}"


def _wait(processes: Processes, port: int) -> None:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    if not processes.wait_until(answers, 60):
        raise RuntimeError("the web did not come up")


def _asked(address: str, token: str, run_id: UUID, label: str) -> dict[str, list[float]]:
    """Seconds of each request, sorted, by what was asked."""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        body = {"jobType": "bench.noop", "intervalSeconds": 3600}
        return {
            "list": _timed(lambda _: client.get("/api/runs", params={"limit": 50}), 200),
            "point": _timed(lambda _: client.get(f"/api/runs/{run_id}"), 200),
            "create": _timed(
                lambda number: client.post("/api/schedules", json={**body, "name": f"{label} {number}"}), 201
            ),
        }


def _timed(ask: Callable[[int], httpx.Response], status: int) -> list[float]:
    found = []
    for number in range(_WARM + _ASKS):
        began = time.perf_counter()
        answer = ask(number)
        seconds = time.perf_counter() - began
        assert answer.status_code == status, answer.text
        # Behind the rate limit of a token nothing would be measured: the client keeps below it.
        if number >= _WARM:
            found.append(seconds)
    return sorted(found)


def _result(name: str, sides: dict[str, list[list[float]]], runs: int, goals: list[Goal]) -> Result:
    medians = {side: [percentile(times, 50) * 1000 for times in reps] for side, reps in sides.items()}
    p99 = {side: [round(percentile(times, 99) * 1000, 2) for times in reps] for side, reps in sides.items()}
    details: dict[str, Any] = {"runs": runs, "tenants": TENANTS, "asks": _ASKS, "p99Milliseconds": p99}
    ours = medians.pop("tocsin")
    return Result(f"asked.{name}", "ms at p50", "lower", ours, medians, goals, details)
