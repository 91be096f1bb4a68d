"""alerts: how many threshold alerts one worker checks a second, each with a query of its own to a Postgres as source.

Beside it in the same run: a bare loop of psycopg that asks the same queries one after the other, on a connection each as
our source does, and on one that it keeps. The loops judge, remember and record nothing. Figures are compared with a
threshold that none is above, so nobody is mailed; queries differ, so that none is answered by another's flight.
"""

import base64
import time
from typing import Any
from uuid import UUID

import psycopg

from api import graphs, kpi_alerts
from api.graphs import GraphIn
from api.kpi_alert_bodies import KpiAlertIn
from api.sources import create_source
from bench.cost import spent
from bench.result import Options, Result, tell
from bench.schedules import make_tenant
from bench.stage import Processes, Stage, value
from config.seal import Seal

THREADS = 8
_LIMIT_SECONDS = 300.0
_OWN, _KEPT = "psycopg, a connection each", "psycopg, one connection"
_KEY = base64.b64encode(b"k" * 32).decode()
_QUERY = "select sum(value) as value from figure where id % 1000 = {}"
_FIGURES = "create table figure as select n as id, 1::numeric as value from generate_series(0, 9999) as n"
_BY_INTERVAL = """
update schedules set cron = null, interval_seconds = 3600, interval_anchor = date_trunc('milliseconds', now())
where kind = 'kpi.threshold'
"""
_NOW = """
update schedules set interval_anchor = at - interval '1 hour', next_fire_at = at
from (select date_trunc('milliseconds', clock_timestamp()) as at) as now
where kind = 'kpi.threshold'
"""
_ENDED = "select count(*) = %s from runs where state = 'succeeded' and slot_at >= %s"
_TAKEN = "select extract(epoch from max(finished_at) - min(slot_at))::float8 from runs where slot_at >= %s"
_WRONG = "select count(*) from runs where outcome ->> 'outcome' <> 'quiet'"


def run(options: Options) -> list[Result]:
    count = options.size(1_000)
    found: dict[str, list[float]] = {"tocsin": [], _OWN: [], _KEPT: []}
    cpu: list[dict[str, Any]] = []
    with Stage() as stage:
        url, own = stage.database(), stage.empty_database()
        with psycopg.connect(own, autocommit=True) as figures:
            figures.execute(_FIGURES)
            figures.execute("vacuum analyze figure")
        with psycopg.connect(url, autocommit=True) as conn, stage.processes() as processes:
            _make(conn, make_tenant(conn), own, count)
            processes.start_ours(url, threads=THREADS, TOCSIN_EGRESS_ALLOW="127.0.0.0/8", TOCSIN_SECRET_KEYS=_KEY)
            # The first check of each makes its state's row.
            _checked(conn, processes, count)
            for rep in range(options.reps):
                sides = ["tocsin", _OWN, _KEPT]
                for side in sides if rep % 2 == 0 else sides[::-1]:
                    if side == "tocsin":
                        before = processes.cpu()
                        seconds = _checked(conn, processes, count)
                        cpu.append(spent(before, processes.cpu(), count))
                    else:
                        seconds = _asked(own, count, is_kept=side == _KEPT)
                    found[side].append(count / seconds)
                    tell(f"{side}: {count / seconds:,.0f} a second")
            assert value(conn, _WRONG) == 0, "an alert found something else than it should"
    ours = found.pop("tocsin")
    details = {"alerts": count, "threads": THREADS, "cpuMicrosecondsPerCheck": cpu}
    return [Result("alerts.checked", "alerts/s", "higher", ours, found, details=details)]


def _make(conn: "psycopg.Connection[Any]", tenant: UUID, own: str, count: int) -> None:
    """Makes the alerts as the API does, then has them recur by an interval, whose next slot can be had at any time."""
    source = create_source(conn, tenant, "figures", "postgres", own, Seal((_KEY,)))
    with conn.transaction():
        for number in range(count):
            graph = GraphIn.model_validate({"name": f"g{number}", "sourceId": source.id, "query": _query(number)})
            body = {
                "alertName": f"a{number}",
                "recipients": ["nobody@example.com"],
                "graphId": graphs.create(conn, tenant, graph).id,
                "threshold": {"condition": "GREATER_THAN", "thresholdValue": "100"},
            }
            kpi_alerts.create(conn, tenant, KpiAlertIn.model_validate(body), retention_days=90)
        conn.execute(_BY_INTERVAL)


def _query(number: int) -> str:
    return f"{_QUERY.format(number % 1000)} -- {number}"


def _checked(conn: "psycopg.Connection[Any]", processes: Processes, count: int) -> float:
    """Seconds from the slot of all alerts until Postgres shows the last of their runs as finished."""
    began = value(conn, "select date_trunc('milliseconds', clock_timestamp())")
    conn.execute(_NOW)
    conn.execute("notify tocsin")
    assert processes.wait_until(lambda: bool(value(conn, _ENDED, count, began)), _LIMIT_SECONDS, 0.2), "not all ended"
    return float(value(conn, _TAKEN, began))


def _asked(own: str, count: int, *, is_kept: bool) -> float:
    """Seconds that a loop takes for the same queries."""
    kept = psycopg.connect(own, autocommit=True) if is_kept else None
    began = time.perf_counter()
    for number in range(count):
        if kept is not None:
            _read(kept, number)
        else:
            with psycopg.connect(own, autocommit=True) as conn:
                _read(conn, number)
    seconds = time.perf_counter() - began
    if kept is not None:
        kept.close()
    return seconds


def _read(conn: "psycopg.Connection[Any]", number: int) -> None:
    assert value(conn, _query(number)) == 10
