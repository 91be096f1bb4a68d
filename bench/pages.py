"""pages: what the dashboard takes for the first page of each room and for what is long, with a million runs of 200 tenants.

Half of the runs, and 2,000 schedules, are of the one tenant whose pages are asked for. One client asks, one request after
the other, of one web process; the time is until it has the whole page.
"""

import time
from pathlib import Path

import httpx
import psycopg

from api import tokens
from api.pages.all_pages import PAGE_ROOMS
from bench.asked import serving
from bench.result import Goal, Options, Result, percentile, tell
from bench.stage import TEMPLATE, Stage, value

_TENANTS = 200
_BUSY_SCHEDULES = 2_000
_SCHEDULES = 25
_WARM = 5
_ASKS = 40
_LONGEST = 100.0
_NO_PAGES = frozenset({"/events", "/sign-in", "/sign-out"})

_FILL = """
set session_replication_role = replica;
select make_partitions(now() - interval '92 days', now() + interval '7 days');
insert into tenants (slug, name) select 'tenant-' || g, 'Tenant' from generate_series(1, %(tenants)s) as g;
insert into schedules (id, tenant_id, kind, name, cron, timezone, next_fire_at, last_slot_at, status, created_at)
select
    gen_random_uuid(), t.id, 'test.noop', 's' || g,
    (array['0 9 * * 1-5', g %% 60 || ' * * * *', '*/15 * * * *', '30 ' || g %% 24 || ' * * *'])[1 + g %% 4],
    (array['UTC', 'Europe/Madrid', 'America/New_York'])[1 + g %% 3],
    now() + make_interval(mins => 1 + g %% 1440), now(), 'active', now() - make_interval(secs => g)
from tenants as t
cross join lateral generate_series(1, case when t.slug = 'tenant-1' then %(busy)s else %(schedules)s end) as g;
insert into runs (
    id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, fence, attempt, available_at,
    released_at, started_at, finished_at
)
select
    (lpad(to_hex((extract(epoch from slot) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8'
        || substr(md5(random()::text), 1, 15))::uuid,
    slot, s.tenant_id, s.id, 1, 'test.noop', 'default', 'schedule',
    (array['succeeded', 'succeeded', 'succeeded', 'dead'])[1 + (random() * 3.01)::integer], 2, 1, slot, slot,
    slot + make_interval(secs => random() * 61), slot + make_interval(secs => 62)
from schedules as s
inner join tenants as t on s.tenant_id = t.id
cross join lateral generate_series(
    1, case when t.slug = 'tenant-1' then %(runs)s / 2 / %(busy)s else %(runs)s / 2 / (%(tenants)s - 1) / %(schedules)s end
) as g
cross join lateral (
    select date_trunc('milliseconds', now() - (g + random()) * interval '27 days' / 300) as slot
) as at
order by slot;
insert into deliveries (id, slot_at, tenant_id, run_id, channel, recipient, recipient_type, body_number, state)
select r.id, r.slot_at, r.tenant_id, r.id, 'email', 'someone@example.com', 'to', 0, 'sent'
from runs as r where r.state = 'succeeded' and r.slot_at > now() - interval '7 days'
order by r.slot_at;
insert into dead_letters (id, run_id, slot_at, tenant_id, schedule_id, kind, cause, error, attempts, fence)
select r.id, r.id, r.slot_at, r.tenant_id, r.schedule_id, r.kind, 'rejected', 'no', 1, 2
from runs as r where r.state = 'dead' and r.slot_at > now() - interval '2 days';
insert into processes (id, role, host, pid, version, leased_until)
select gen_random_uuid(), role, 'h', 1, '0', now() + interval '1 day' from unnest(array['ticker', 'worker']) as role;
"""
_ROOMS = Path(__file__).with_name("pages_fill.sql")
_END = """
set session_replication_role = origin;
vacuum analyze
"""
# Pages of one row, and filters, whose rows the database is asked for: those that show the most.
_LONG = {
    "/runs/{}": "select id from runs where state = 'dead' and tenant_id = %s order by slot_at desc limit 1",
    "/schedules/{}": "select schedule_id from runs where kind = 'test.noop' and tenant_id = %s limit 1",
    "/schedules/{}/changes": "select subject_id from audit_log where tenant_id = %s and number = 50000",
    "/alerts/{}?days=90": "select id from kpi_alerts where alert_name = 'kpi.threshold 1' and tenant_id = %s",
    "/pulses/{}": "select schedule_id from pulse_configs where tenant_id = %s limit 1",
    "/reports/{}": "select id from scheduled_reports where tenant_id = %s limit 1",
    "/dead-letters/{}": "select id from dead_letters where tenant_id = %s limit 1",
    "/audit-log?subjectType=schedule&subjectId={}": "select subject_id from audit_log where tenant_id = %s and number = 1",
    "/audit-log?who={}": "select 'token:nobody' from tenants where id = %s",
    "/runs?state={}": "select 'dead' from tenants where id = %s",
}


def run(options: Options) -> list[Result]:
    runs = options.size(1_000_000)
    found: dict[str, list[list[float]]] = {}
    with Stage() as stage:
        url = stage.copy(TEMPLATE)
        shown, long = _fill(url, runs)
        for rep in range(options.reps):
            with serving(stage, url, "tocsin") as address:
                for path, place in [*((path, path) for path in paths()), *long]:
                    times = _asked(address, place, shown)
                    found.setdefault(path, []).append(times)
                    tell(f"{rep + 1}/{options.reps} {path}: {_ms(times, 50):.1f} ms, p95 {_ms(times, 95):.1f}")
    return [_result(path, reps, runs) for path, reps in found.items()]


def paths() -> list[str]:
    """The pages without an id in their address; a page that is made later is asked for by itself."""
    found = {
        route.path
        for room in PAGE_ROOMS
        for route in room.router.routes
        if "GET" in getattr(route, "methods", ()) and "{" not in getattr(route, "path", "")
    }
    return sorted(found - _NO_PAGES)


def _fill(url: str, runs: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Fills the database; tokens of the busy tenant's admin and of an operator, and the addresses of the long pages."""
    numbers = {"tenants": _TENANTS, "schedules": _SCHEDULES, "busy": _BUSY_SCHEDULES, "runs": runs}
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as conn:
        for statement in [*_FILL.split(";\n")[:-1], *_ROOMS.read_text().split(";\n"), *_END.split(";\n")]:
            conn.execute(statement.encode(), numbers if "%(" in statement else None)
        tenant = value(conn, "select id from tenants where slug = 'tenant-1'")
        tell(f"{value(conn, 'select count(*) from runs'):,} runs")
        long = [(path, path.format(value(conn, asked, tenant))) for path, asked in _LONG.items()]
    with psycopg.connect(url, autocommit=True) as conn:
        shown = [
            tokens.create(conn, owner, "bench", scope)[1] for owner, scope in ((tenant, "admin"), (None, "operator"))
        ]
    return shown, long


def _asked(address: str, path: str, shown: list[str]) -> list[float]:
    """Seconds of each request for a page, sorted; by the operator what is not for a tenant's admin."""
    for token in shown:
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            if client.get(path).status_code == 403:
                continue
            return _timed(client, path)
    raise RuntimeError(f"nobody may see {path}")


def _timed(client: httpx.Client, path: str) -> list[float]:
    found = []
    for number in range(_WARM + _ASKS):
        began = time.perf_counter()
        answer = client.get(path)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        if number >= _WARM:
            found.append(seconds)
    return sorted(found)


def _ms(times: list[float], percent: float) -> float:
    return percentile(times, percent) * 1000


def _result(path: str, reps: list[list[float]], runs: int) -> Result:
    p95 = [round(_ms(times, 95), 2) for times in reps]
    details = {"runs": runs, "tenants": _TENANTS, "asks": _ASKS, "p95Milliseconds": p95}
    medians = [_ms(times, 50) for times in reps]
    return Result(f"pages {path}", "ms at p50", "lower", medians, goals=[Goal(_LONGEST)], details=details)
