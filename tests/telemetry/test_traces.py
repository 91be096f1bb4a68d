"""One trace a run, from slot to delivery; bugs without words; and the way from a mail back to its slot."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from db.ids import ids_at
from db.jsonb import Jsonb, rfc3339
from db.migrate import register
from local.mail import MailSink
from local.postgres import Postgres
from local.processes import free_port
from local.redis import Redis
from telemetry.spans import Spans
from tests import make
from tests.deploy.prometheus import MISSING, Prometheus
from tests.flow.world import World, open_world
from tests.system import ROOT, until
from tests.telemetry.collector import Collector, Seen

pytestmark = pytest.mark.race

ABOVE_100: dict[str, Any] = {
    "recipients": ["ann@example.com"],
    "source": "warehouse",
    "condition": "GREATER_THAN",
    "thresholdValue": "100",
    "query": "select 101",
}


@dataclass
class Watched:
    """A world whose processes tell a collector."""

    world: World
    collector: Collector
    port: int

    def alert(self, name: str, **more: Any) -> UUID:
        """An alert that fires at once."""
        return self.world.alert(ABOVE_100 | {"alertName": name} | more)

    def schedule(self, kind: str, **params: Any) -> UUID:
        """A schedule of a test's kind, whose slots come when they are told to."""
        later = make.now(self.world.system.conn) + timedelta(hours=1)
        return self.world.system.schedule(
            kind=kind,
            params=Jsonb(params),
            interval_seconds=3600,
            next_fire_at=later,
            backoff=Jsonb({"baseSeconds": 0.05, "maxSeconds": 0.05}),
        )

    def trace_of(self, run_id: UUID, *names: str) -> list[Seen]:
        """The run's trace, once it holds spans of all these names."""
        until(
            lambda: set(names) <= {span.name for span in self.collector.of(run_id.hex)},
            why=lambda: self.collector.of(run_id.hex),
        )
        return self.collector.of(run_id.hex)


@pytest.fixture(scope="module")
def watched(
    postgres: Postgres, template: str, mail_server: MailSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """One system for all the stories, with a source of figures."""
    url = postgres.create_database("traces", template=template)
    with make.connect(url) as conn:
        register(conn)
    port = free_port()
    with Collector() as collector, Redis() as redis:
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "SENTRY_DSN": collector.dsn,
            "LOG_FORMAT": "json",
        }
        with open_world(url, redis.url, mail_server, postgres, tmp_path_factory.mktemp("world"), **told) as world:
            world.source("warehouse")
            # Exemplars are a single process's.
            world.system.worker(METRICS_PORT=str(port))
            yield Watched(world, collector, port)
    postgres.drop_database("traces")


def test_a_run_is_one_trace_from_its_slot_to_its_delivery_over_both_processes(watched: Watched) -> None:
    run = watched.world.next_slot(watched.alert("Sales"))
    watched.world.until_delivered(run["id"])

    spans = watched.trace_of(run["id"], "run", "plan", "relay", "attempt", "source", "deliver")

    by_name = {span.name: span for span in spans}
    root = by_name["run"]
    assert (root.parent_id, root.span_id) == ("", run["id"].hex[16:])
    assert root.start == round(run["slot_at"].timestamp() * 1000) * 1_000_000
    assert root.attributes["tocsin.state"] == "succeeded"
    assert {name: by_name[name].parent_id for name in ("plan", "relay", "attempt", "deliver")} == dict.fromkeys(
        ("plan", "relay", "attempt", "deliver"), root.span_id
    )
    assert by_name["source"].parent_id == by_name["attempt"].span_id
    assert {by_name[name].service for name in ("plan", "relay")} == {"tocsin-ticker"}
    assert {by_name[name].service for name in ("run", "attempt", "source", "deliver")} == {"tocsin-worker"}
    assert by_name["attempt"].attributes["tocsin.outcome"] == "done"
    assert by_name["deliver"].attributes["tocsin.outcome"] == "sent"
    assert all(span.start <= span.end for span in spans)


def test_no_span_holds_what_people_wrote_or_whom_they_told(watched: Watched) -> None:
    run = watched.world.next_slot(watched.alert("Orders", recipients=["zoe@example.com"]))
    watched.world.until_delivered(run["id"])
    watched.trace_of(run["id"], "run", "attempt", "source", "deliver")
    for word in (b"zoe@", b"select 101", b"Orders", b"warehouse"):
        assert word not in watched.collector.raw


def test_every_attempt_at_a_run_is_in_its_trace_and_a_bad_one_is_marked(watched: Watched, tmp_path: Path) -> None:
    schedule = watched.schedule("test.step", file=str(tmp_path / "steps"))
    run = watched.world.next_slot(schedule)

    spans = watched.trace_of(run["id"], "run")

    attempts = [span for span in spans if span.name == "attempt"]
    assert [(span.attributes["tocsin.attempt"], span.is_bad) for span in attempts] == [(1, True), (2, False)]
    [step] = [span for span in spans if span.name == "step"]
    assert step.parent_id == attempts[0].span_id
    assert [span.name for span in spans].count("run") == 1


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make test-deps)")
def test_a_prometheus_keeps_the_traces_that_the_start_lag_names(watched: Watched, tmp_path: Path) -> None:
    with Prometheus(tmp_path, {"worker": [watched.port]}, "groups: []", 0.2) as prometheus:

        def kept() -> set[str]:
            # Two workers share the runs; sooner or later the one that is scraped has had some.
            watched.world.next_slot(watched.schedule("test.noop"))
            return {each["trace_id"] for each in prometheus.exemplars("tocsin_start_lag_seconds_bucket")}

        found = until(kept)
    assert found <= {row["id"].hex for row in watched.world.all("select id from runs")}


def test_a_bug_is_told_with_its_place_and_its_run_and_without_a_word(watched: Watched, tmp_path: Path) -> None:
    schedule = watched.schedule("test.raise", file=str(tmp_path / "secret-of-a-tenant"))
    run = watched.world.next_slot(schedule)

    def told() -> list[dict[str, Any]]:
        return [event for event in watched.collector.events if event["tags"].get("run_id") == str(run["id"])]

    until(lambda: len(told()) == 1)
    [event] = told()
    [raised] = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "")
    assert raised["stacktrace"]["frames"][-1]["filename"].endswith("kinds.py")
    assert not [frame for frame in raised["stacktrace"]["frames"] if {"vars", "context_line"} & set(frame)]
    assert event["tags"] == {
        "role": "worker",
        "kind": "test.raise",
        "run_id": str(run["id"]),
        "attempt": "1",
    }
    assert not set(event) & {"request", "extra", "user", "breadcrumbs", "modules", "logentry", "message"}
    assert b"secret-of-a-tenant" not in watched.collector.raw


def test_what_a_kind_means_to_say_is_no_bug(watched: Watched, tmp_path: Path) -> None:
    rejected = watched.world.next_slot(watched.schedule("test.reject", file=str(tmp_path / "x")))
    raised = watched.world.next_slot(watched.schedule("test.raise", file=str(tmp_path / "y")))
    until(lambda: str(raised["id"]) in {event["tags"].get("run_id") for event in watched.collector.events})
    assert str(rejected["id"]) not in {event["tags"].get("run_id") for event in watched.collector.events}


def test_a_mail_is_followed_back_to_its_slot(watched: Watched, mail_server: MailSink) -> None:
    mail_server.forget()
    world = watched.world
    alert = watched.alert("Refunds", recipients=["bob@example.com"])
    run = world.next_slot(alert)
    world.until_delivered(run["id"])
    [mail] = mail_server.wait_for(1)

    run_id = re.fullmatch(r"<([0-9a-f-]{36})\.\d+@.+>", str(mail.message["Message-ID"]))[1]  # type: ignore[index]
    slug = world.system.value("select slug from tenants where id = %s", world.system.tenant)
    said = subprocess.run(
        [sys.executable, "-m", "tocsin", "why", run_id, "--json", "--tenant", slug],
        env=world.system._environ | {"TOCSIN_HOSTING": "on"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    def lines() -> list[Any]:
        logs = "\n".join(process.log() for process in world.system.processes)
        found = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
        return [line for line in found if line.get("run_id") == run_id]

    events = until(lambda: lines() if len(lines()) >= 2 else None)
    assert run_id == str(run["id"])
    assert said.returncode == 0, said.stderr
    assert rfc3339(run["slot_at"]) in json.loads(said.stdout)["sentences"][0]
    assert {line["event"] for line in events} == {"run.ended", "delivery.ended"}
    # At the default level one line is left, and it is enough.
    [told] = [line for line in events if line["level"] != "debug"]
    assert (told["slot_at"], told["schedule_id"]) == (rfc3339(run["slot_at"]), str(alert))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", line["at"]) for line in events)


def test_nothing_of_it_is_loaded_while_it_is_off() -> None:
    # redis-py loads the SDK's metrics by itself where these are installed; its spans and its exporter it does not.
    heavy = (
        "telemetry.spans",
        "opentelemetry.exporter",
        "opentelemetry.sdk.trace.export",
        "google.protobuf",
        "sentry_sdk",
    )
    told = f"import sys, scheduler.__main__, workers.main, api.serving; print([n for n in sys.modules if n.startswith({heavy})])"
    found = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(("share", "sent"), [("0", 0), ("1", 200), ("0.5", 100)], ids=["none", "all", "half"])
def test_processes_agree_on_which_runs_are_traced(share: str, sent: int) -> None:
    ids = ids_at(datetime(2030, 1, 1, tzinfo=UTC), 200)
    picked = []
    for role in ("ticker", "worker"):
        spans = Spans("http://127.0.0.1:9", float(share), role, "1")
        picked.append({run_id for run_id in ids if spans.exemplar(run_id)})
        spans.end()
    assert picked[0] == picked[1]
    assert abs(len(picked[0]) - sent) <= 40


ENDS = """
import time
from uuid import UUID
from telemetry import errors, traces
traces.begin("http://127.0.0.1:{port}", 1.0, "worker", "1")
errors.begin("http://key@127.0.0.1:{port}/1", "worker", "1")
for number in range(3000):
    traces.ended(UUID(int=number), kind="x")
errors.raised(ValueError())
began = time.monotonic()
traces.end()
errors.end()
print(time.monotonic() - began, flush=True)
"""


def test_an_endpoint_that_takes_no_answer_holds_up_no_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        text = ENDS.format(port=mute.getsockname()[1])
        found = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    # Six batches, of which each would be waited for ten seconds.
    assert float(found.stdout) < 10
