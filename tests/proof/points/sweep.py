"""SIGKILL at the Nth network or disk-flush call of one run, for every N: `python -m tests.proof.points.sweep`.

A run of its own for each N: a doomed worker leases it and dies at its Nth call since then; a healthy one ends what is
left. The sweep is over when a run ends before its Nth call, twice in a row.
"""

import argparse
import base64
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg

from api import graphs
from api.definitions import definition, read_schedule
from api.graphs import GraphIn
from api.sources import create_source, list_all
from config.seal import Seal
from proof.records import Fault
from scheduler import schedules
from tests import make
from tests.proof.points import tracer
from tests.proof.points.place import Place
from tests.proof.points.servers import serving, tell
from tests.system import until
from workers.kinds.threshold_alert import KIND

TRACER = Path(tracer.__file__)
MARK = "q.fence = w.fence and q.state"
"""What only the lease's statement says: from there on calls are counted."""
KEY = base64.b64encode(b"k" * 32).decode()
_SOURCE = "figures"
_OWED = {"http.call": 1, "kpi.threshold": 1}


class Hit(NamedTuple):
    """What became of one N: the call at which the worker was killed, None where the run ended before it."""

    nth: int
    call: str | None
    calls: int


@dataclass(slots=True)
class Sweep:
    """The hits so far; `calls` is how many a whole run makes."""

    hits: list[Hit] = field(default_factory=list)
    calls: int = 0

    def by_call(self) -> str:
        """How often a worker was killed at which call."""
        return ", ".join(f"{name} x{count}" for name, count in Counter(hit.call for hit in self.hits).most_common())


def why_not() -> str | None:
    """Why no process can be traced here; None where one can."""
    if not tracer.CALLS:
        return "the numbers of this machine's system calls are not known to the tracer"
    child = subprocess.Popen(["/bin/sleep", "60"])
    found = subprocess.run(
        [sys.executable, "-I", "-S", str(TRACER), str(child.pid), MARK, "1", "--probe"], capture_output=True, text=True
    )
    child.kill()
    child.wait()
    return None if "attached" in found.stdout else f"this machine lets nobody trace: {found.stderr.strip()[-200:]}"


def prepare(place: Place, own_database: str) -> None:
    """Makes the tenant's own database, whose one figure is beyond every threshold."""
    place.environ |= {"TOCSIN_SECRET_KEYS": KEY, "WORKER_THREADS": "1"}
    place.owed |= _OWED
    with psycopg.connect(own_database, autocommit=True) as figures:
        figures.execute("create table figure as select 200::numeric as value")
    create_source(place.conn, place.tenant, _SOURCE, "postgres", own_database, Seal((KEY,)))


def make_work(place: Place) -> None:
    """A run of a plain kind, which calls the witness."""
    place.make("chaos.work", {"sink": place.calls.url})


def make_call(place: Place) -> None:
    """A run of http.call, whose provider knows keys."""
    name = uuid4().hex
    place.made.add(name)
    place.make("http.call", {"url": f"{place.calls.url}/effect/{name}", "body": {"a": 1}})


def make_mail(place: Place, query: str = "select value from figure", **more: Any) -> None:
    """A run of kpi.threshold that queries a database, finds an alert firing and mails it; `more` is of its schedule."""
    name = f"alert-{uuid4().hex[:8]}"
    body = {
        "jobType": KIND.name,
        "scheduledAt": place.now().isoformat(),
        "maxAttempts": 60,
        "queue": "default",
        "name": name,
    } | more
    schedule_id, alert_id = uuid4(), uuid4()
    [source] = [each for each in list_all(place.conn, place.tenant) if each.name == _SOURCE]
    asked = GraphIn.model_validate({"name": name, "sourceId": source.id, "query": query})
    of = {"tenant_id": place.tenant}
    # A schedule that is due once, and so has one slot to judge; the API makes alerts by cron.
    with place.conn.transaction():
        graph = graphs.create(place.conn, place.tenant, asked)
        new = definition(read_schedule(body), KIND, schedule_id)
        schedules.create(place.conn, place.tenant, schedule_id, new, retention_days=90)
        alert = {"id": alert_id, "schedule_id": schedule_id, "alert_type": "threshold", "alert_name": name}
        told = {"recipients": [f"{name}@{place.domain}"], "graph_id": graph.id}
        make.insert(place.conn, "kpi_alerts", alert | told | of)
        threshold = {"kpi_alert_id": alert_id, "condition": "GREATER_THAN", "threshold_value": 150}
        make.insert(place.conn, "kpi_thresholds", threshold | of)
    place.made.add(str(schedule_id))
    place.conn.execute("select pg_notify('tocsin', '')")


MAKERS: dict[str, Callable[[Place], None]] = {"mail": make_mail, "call": make_call, "work": make_work}


def hit(place: Place, make_run: Callable[[Place], None], nth: int) -> Hit:
    """Kills a worker at its nth call since its lease of a run, and lets another one end what is left."""
    doomed = place.start("worker")
    began = datetime.now(UTC).timestamp()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(TRACER), str(doomed.pid), MARK, str(nth)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "attached\n"
        try:
            make_run(place)
            until(lambda: place.is_over() or doomed.status() is not None, 30, place.logs)
        finally:
            process.terminate()
        word, calls, *name = process.stdout.readline().split()
    doomed.kill()
    if word == "ended":
        return Hit(nth, None, int(calls))
    healthy = place.start("worker")
    place.until_over()
    healthy.kill()
    place.faults.append(Fault(began, datetime.now(UTC).timestamp(), f"kill at {name[0]}", "worker"))
    return Hit(nth, name[0], int(calls))


def sweep(place: Place, kind: str, *, step: int = 1, seconds: float = 1e9) -> Sweep:
    """Hits every step-th call of a run, until there is none or the time is over."""
    found = Sweep()
    place.start("ticker")
    nth, misses = 1, 0
    last = time.monotonic() + seconds
    while misses < (2 if step == 1 else 1) and time.monotonic() < last:
        result = hit(place, MAKERS[kind], nth)
        misses = misses + 1 if result.call is None else 0
        found.calls = max(found.calls, result.calls)
        if result.call is not None:
            found.hits.append(result)
        nth += step
    return found


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0 when every verdict is sound."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.points.sweep", description=__doc__)
    parser.add_argument("--kind", choices=sorted(MAKERS), help="this kind alone")
    parser.add_argument("--step", type=int, default=1)
    told: Any = parser.parse_args(argv)
    if (reason := why_not()) is not None:
        parser.error(reason)
    words = []
    with serving() as servers:
        for kind in [told.kind] if told.kind else sorted(MAKERS):
            began = time.monotonic()
            with servers.place() as place:
                prepare(place, servers.create_database(f"own_{kind}_{os.getpid()}"))
                found = sweep(place, kind, step=told.step)
                verdict = place.judge()
            words.append(verdict.word)
            if not verdict.is_sound:
                tell(verdict.as_text())
            seconds = time.monotonic() - began
            tell(f"{kind}: {found.calls} calls, {len(found.hits)} kills, {verdict.word}, {seconds:.0f} s")
            tell(f"  {found.by_call()}")
    return 0 if set(words) == {"sound"} else 1


if __name__ == "__main__":
    sys.exit(main())
