"""exports: one scheduled report of a million rows as CSV and Excel, by one worker of one thread, from a Postgres.

A real run of `report.export`: read, written down, rendered, kept and recorded. The figures are seconds, the largest that
the worker was, and in how many steps the run's progress could be seen meanwhile.
"""

from typing import Any

import psycopg

from api import report_definitions, scheduled_reports
from api.report_definitions import ReportDefinitionIn
from api.scheduled_report_bodies import ScheduledReportIn
from api.sources import create_source
from bench.reports import KEY, NOW, SOON, Watch, settings, until
from bench.result import Goal, Options, Result, tell
from bench.schedules import make_tenant
from bench.stage import Stage, value
from config.seal import Seal

_ROWS = """
select date '1900-01-01' + n % 40000 as day, 'place ' || n % 50 as place, n as orders,
    (n::bigint * 7919 % 1000003)::numeric / 100 as revenue, (n % 1000)::numeric / 1000 as share,
    'a note of some words' as note
from generate_series(1, {}) as n
"""
_STATE = "select state from runs where kind = 'report.export'"
_PROGRESS = "select (progress ->> 'fraction')::float8 from runs where kind = 'report.export'"
_TAKEN = "select extract(epoch from finished_at - started_at)::float8 from runs where kind = 'report.export'"


def run(options: Options) -> list[Result]:
    rows = options.size(1_000_000)
    seconds: list[float] = []
    peaks: list[float] = []
    steps: list[float] = []
    sizes: dict[str, int] = {}
    with Stage() as stage:
        for _ in range(options.reps):
            url, own = stage.database(), stage.empty_database()
            with psycopg.connect(url, autocommit=True) as conn, stage.processes() as processes:
                _make(conn, own, rows)
                processes.start_ours(url, workers=1, tickers=1, threads=1, **settings(stage.folder / "files"))
                at = value(conn, SOON)
                conn.execute(NOW, (at, at))
                conn.execute("notify tocsin")
                watch, seen = Watch(processes), set[float]()

                def is_over(conn: "psycopg.Connection[Any]" = conn, seen: set[float] = seen) -> bool:
                    seen.add(value(conn, _PROGRESS) or 0.0)
                    return value(conn, _STATE) in ("succeeded", "dead")

                until(watch, processes, is_over)
                assert value(conn, _STATE) == "succeeded", value(conn, "select error from runs")
                seconds.append(float(value(conn, _TAKEN)))
                peaks.append(watch.peak_mb)
                steps.append(float(len(seen)))
                sizes = dict(conn.execute("select format, size_bytes from artifacts").fetchall())
                tell(f"{rows:,} rows: {seconds[-1]:.1f} s, {peaks[-1]:.0f} MB, progress in {len(seen)} steps, {sizes}")
    details = {"rows": rows, "bytes": sizes}
    return [
        Result("exports.made", "s", "lower", seconds, details=details),
        Result("exports.worker_peak", "MB PSS", "lower", peaks, goals=[Goal(300)]),
        Result("exports.progress_seen", "steps", "higher", steps),
    ]


def _make(conn: "psycopg.Connection[Any]", own: str, rows: int) -> None:
    """Makes the report as the API does; it is mailed to nobody."""
    tenant = make_tenant(conn)
    source = create_source(conn, tenant, "rows", "postgres", own, Seal((KEY,)))
    query = _ROWS.format(rows)
    definition = {
        "name": "rows",
        "sourceId": source.id,
        "query": query,
        "columns": [{"name": "revenue", "unit": "€", "decimals": 2}, {"name": "share", "format": "percent"}],
        "chart": {"kind": "line", "x": "day", "y": ["revenue"]},
    }
    wanted = {
        "name": "A million rows",
        "reportType": "rows",
        "cronExpression": "0 8 * * *",
        "exportFormats": ["csv", "excel"],
    }
    with conn.transaction():
        report_definitions.create(conn, tenant, ReportDefinitionIn.model_validate(definition))
        scheduled_reports.create(conn, tenant, ScheduledReportIn.model_validate(wanted), retention_days=90)
