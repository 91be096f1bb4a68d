"""reports: 500 scheduled reports of five formats each, due at one minute, with their mails; two workers are killed meanwhile.

One ticker and two workers of four threads; the source is a Postgres, the store a folder, the mail server a real one. After
a quarter and after a half of the reports a worker is ended by SIGKILL, and another one is started in its place. What was
mailed is counted by the mail server, what was kept by the store, and both against Postgres: nothing may be missing or
there twice.
"""

import base64
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from api import report_definitions, scheduled_reports
from api.report_definitions import ReportDefinitionIn
from api.scheduled_report_bodies import ScheduledReportIn
from api.sources import create_source
from bench.cost import spent
from bench.result import Goal, Options, Result, percentile, tell
from bench.schedules import make_tenant
from bench.stage import Processes, Stage, value
from config.seal import Seal
from db.store import Store
from local.mail import Mail, MailSink

FORMATS = ("pdf", "csv", "json", "excel", "html")
ENDINGS = {"pdf", "csv", "json", "xlsx", "html"}
WORKERS, THREADS = 2, 4
ROWS = 60
_LIMIT_SECONDS = 3600.0
KEY = base64.b64encode(b"k" * 32).decode()
_FIGURES = """
create table orders as
select date '2026-01-01' + n / 4 as day, 'place ' || n % 4 as place, 10 + n % 37 as orders, n * 3.25 as revenue
from generate_series(0, 359) as n
"""
_DEFINITION = {
    "name": "orders",
    "query": "select day, place, orders, revenue from orders where day >= $param_since::date order by day, place limit 60",
    "parameters": [{"name": "since", "type": "date", "default": "2026-02-01"}],
    "columns": [{"name": "revenue", "unit": "€", "decimals": 2}],
    "chart": {"kind": "line", "x": "day", "y": ["orders"]},
    "title": "Orders since {{ parameters.since }}",
}
# All are due at one instant, a little after this commits.
NOW = """
update schedules set cron = null, interval_seconds = 86400, interval_anchor = %s - interval '1 day', next_fire_at = %s
where kind = 'report.export'
"""
SOON = "select date_trunc('second', clock_timestamp()) + interval '3 seconds'"
_ENDED = (
    "select count(*) from runs where kind = 'report.export' and state in ('succeeded', 'dead', 'cancelled', 'skipped')"
)
_OPEN = "select count(*) from deliveries where state in ('pending', 'sending')"
_LAGS = """
select extract(epoch from least(r.started_at, min(a.started_at)) - r.slot_at)::float8 from runs as r
left join run_attempts as a on r.id = a.run_id and r.slot_at = a.slot_at
where r.kind = 'report.export' group by r.id, r.slot_at, r.started_at
"""
_LAST = "select extract(epoch from max(d.sent_at) - min(d.slot_at))::float8 from deliveries as d"


class Sent(NamedTuple):
    """One repetition: seconds to the last mail, start lags, the largest that a worker was, and what was counted."""

    seconds: float
    lags: list[float]
    peak_mb: float
    details: dict[str, Any]


def run(options: Options) -> list[Result]:
    count = options.size(500)
    with Stage() as stage:
        found = [_repetition(stage, count) for _ in range(options.reps)]
    details = {"reports": count, "formats": len(FORMATS), "rows": ROWS, "repetitions": [each.details for each in found]}
    lost = [float(each.details["lost"] + each.details["filesLost"]) for each in found]
    # A mail that its server took and whose answer nobody heard may come twice; that is said and counted apart.
    doubled = [
        float(max(0, each.details["doubled"] - each.details["insideWindow"]) + each.details["filesDoubled"])
        for each in found
    ]
    return [
        Result("reports.last_mail", "s", "lower", [each.seconds for each in found], details=details),
        Result("reports.p99_started", "s", "lower", [percentile(each.lags, 99) for each in found]),
        Result("reports.worker_peak", "MB PSS", "lower", [each.peak_mb for each in found]),
        Result("reports.lost", "mails and files", "lower", lost, goals=[Goal(0)]),
        Result("reports.doubled", "mails and files", "lower", doubled, goals=[Goal(0)]),
    ]


def settings(store: Path) -> dict[str, str]:
    """What processes are told that keep files and may ask a source on this machine."""
    return {"ARTIFACT_URL": store.as_uri(), "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8", "TOCSIN_SECRET_KEYS": KEY}


def _repetition(stage: Stage, count: int) -> Sent:
    url, own = stage.database(), stage.empty_database()
    with psycopg.connect(own, autocommit=True) as figures:
        figures.execute(_FIGURES)
    store = stage.folder / f"files-{url.rpartition('_')[2]}"
    with (
        MailSink() as mails,
        psycopg.connect(url, autocommit=True) as conn,
        stage.processes() as processes,
    ):
        _make(conn, make_tenant(conn), own, count)
        mailing = {"MAIL_URL": mails.url, "MAIL_FROM": "Tocsin <tocsin@example.com>"}
        processes.start_ours(url, workers=WORKERS, tickers=1, threads=THREADS, **settings(store), **mailing)
        before = processes.cpu()
        at = value(conn, SOON)
        conn.execute(NOW, (at, at))
        conn.execute("notify tocsin")
        watch = Watch(processes)
        for share in (4, 2):
            until(watch, processes, partial(_has_ended, conn, count // share))
            processes.kill("worker")
            tell(f"a worker was killed after {value(conn, _ENDED)} of {count} reports")
            processes.start("worker", "workers", **processes.environ)
        until(watch, processes, lambda: value(conn, _ENDED) == count and value(conn, _OPEN) == 0)
        cpu = spent(before, processes.cpu(), count)
        counted = _counted(conn, mails, Store(store.as_uri()), count)
        lags = [row[0] for row in conn.execute(_LAGS)]
        seconds = float(value(conn, _LAST) or _LIMIT_SECONDS)
        tell(f"{count} reports: the last mail after {seconds:.1f} s, {counted}")
        return Sent(seconds, lags, watch.peak_mb, counted | {"cpuMicrosecondsPerReport": cpu})


class Watch:
    """Waits, and keeps in mind the largest that a worker was meanwhile, with the processes that it began."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.peak_mb = 0.0

    def look(self) -> None:
        """Weighs each worker that lives."""
        self.peak_mb = max([self.peak_mb, *(size.pss for size in self._processes.each_memory("worker"))])


def until(watch: Watch, processes: Processes, is_done: Callable[[], bool]) -> None:
    """Returns once it is so."""

    def looked() -> bool:
        watch.look()
        return is_done()

    assert processes.wait_until(looked, _LIMIT_SECONDS, 0.2), "not all reports ended"


def _has_ended(conn: "psycopg.Connection[Any]", count: int) -> bool:
    return bool(value(conn, _ENDED) >= count)


def _make(conn: "psycopg.Connection[Any]", tenant: UUID, own: str, count: int) -> None:
    """Makes the reports as the API does; each mails one address of its own."""
    source = create_source(conn, tenant, "orders", "postgres", own, Seal((KEY,)))
    body = ReportDefinitionIn.model_validate(_DEFINITION | {"sourceId": source.id})
    with conn.transaction():
        report_definitions.create(conn, tenant, body)
        for number in range(count):
            wanted = {
                "name": f"Report {number}",
                "reportType": "orders",
                "cronExpression": "0 8 * * *",
                "exportFormats": FORMATS,
                "emailEnabled": True,
                "emailRecipients": [f"reader{number}@example.com"],
                "emailSubject": "{{ report }}: {{ record_count }} rows",
                "emailIncludePreview": True,
            }
            scheduled_reports.create(conn, tenant, ScheduledReportIn.model_validate(wanted), retention_days=90)


def _counted(conn: "psycopg.Connection[Any]", mails: MailSink, store: Store, count: int) -> dict[str, Any]:
    """How many reports and files are missing or there twice, by the mails themselves and by the store.

    A mail whose answer a killed worker did not hear stands as `unknown`, and may come twice: `insideWindow` counts those.
    """
    by_reader = Counter(recipient for mail in mails.mails() for recipient in _readers(mail))
    window = value(conn, "select coalesce(sum(unknown_count), 0)::int from deliveries")
    kept: dict[str, str] = dict(conn.execute("select key, sha256 from artifacts").fetchall())
    names = Counter(row[0] for row in conn.execute("select run_id || format from artifacts"))
    there = {key for keys in store.each("") for key in keys}
    return {
        "mails": by_reader.total(),
        "lost": sum(f"reader{number}@example.com" not in by_reader for number in range(count)),
        "doubled": by_reader.total() - len(by_reader),
        "insideWindow": window,
        "files": len(kept),
        "filesLost": count * len(FORMATS) - len(names) + len(kept.keys() - there),
        "filesDoubled": names.total() - len(names),
        "orphansForTheSweep": len(there - kept.keys()),
        "dead": value(conn, "select count(*) from runs where kind = 'report.export' and state <> 'succeeded'"),
        "interrupted": value(conn, "select count(*) from run_attempts where outcome = 'expired'"),
    }


def _readers(mail: Mail) -> tuple[str, ...]:
    """Who got it; nobody, where one of its files is missing."""
    endings = {str(part.get_filename()).rpartition(".")[2] for part in mail.message.iter_attachments()}
    return mail.recipients if endings >= ENDINGS else ()
