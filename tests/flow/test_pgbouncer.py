"""Behind a PgBouncer in transaction mode: the same flow, on server connections that change with each transaction."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api import tokens
from db.migrate import migrate, migrations
from db.pool import Database, is_pooled, transaction
from db.walls import has_wall
from local.mail import MailSink
from local.processes import free_port
from tests import make
from tests.attempts import OUTCOMES
from tests.flow.pgbouncer import POOL_SIZE, PROGRAM, PgBouncer
from tests.races.proc import is_stopped
from tests.races.traces import each_once
from tests.system import System, until

pytestmark = [
    pytest.mark.race,
    pytest.mark.skipif(PROGRAM is None, reason="the package pgbouncer is not installed: make test-deps"),
]

SESSION = (
    "select current_setting('timezone'), current_setting('idle_in_transaction_session_timeout'),"
    " current_setting('enable_seqscan'), current_setting('synchronous_commit')"
)


@pytest.fixture
def bouncer(database: str) -> Iterator[PgBouncer]:
    """A PgBouncer before the test's database, whose sessions begin in a zone that is not ours."""
    with make.connect(database) as conn:
        conn.execute(f"alter database {conn.info.dbname} set timezone to 'Asia/Kathmandu'")
    with PgBouncer(database) as server:
        yield server


@pytest.fixture
def system(bouncer: PgBouncer, database: str, redis: str, mail: MailSink, tmp_path: Path) -> Iterator[System]:
    """A system whose processes reach their database through the bouncer, and listen on the server."""
    with System(
        database, redis, tmp_path, DATABASE_URL=bouncer.url, DATABASE_LISTEN_URL=database, MAIL_URL=mail.url
    ) as system:
        yield system


def test_a_run_and_its_mail_arrive_once_through_pgbouncer(system: System, mail: MailSink, bouncer: PgBouncer) -> None:
    ticker, worker = system.ticker(), system.worker()
    system.schedule(kind="test.mail", params={"to": ["a@example.com"]}, interval_seconds=3600)

    system.until_states(succeeded=1)
    until(lambda: system.value("select array_agg(state) from deliveries") == ["sent"], why=system.logs)

    assert [each.recipients for each in mail.mails()] == [("a@example.com",)]
    assert system.value(OUTCOMES) == ["done"]
    lag = system.value("select extract(epoch from started_at - slot_at)::float from runs")
    assert lag < 1.5, "it was rung, and did not wait for a look"
    is_listening = "select count(*) from pg_stat_activity where application_name = 'tocsin listen' and datname = current_database()"
    assert system.value(is_listening) == 1
    with psycopg.connect(bouncer.admin_url, autocommit=True) as admin:
        clients = admin.execute("show clients").fetchall()
    assert len(clients) > POOL_SIZE, "more clients than servers, or nothing was shared"
    for process in (ticker, worker):
        assert process.stop() == 0, process.log()
        assert " error " not in process.log()
        assert "failed" not in process.log()


def test_hundreds_of_runs_with_and_without_a_gate_run_once_through_pgbouncer(system: System, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for _ in range(2):
        system.ticker(wait=False)
        system.worker(wait=False)
    with system.conn.transaction():
        for number in range(300):
            make.schedule(
                system.conn, system.tenant, kind="test.record_async" if number % 3 else "test.record",
                params={"file": str(trace)}, overlap_policy="queue" if number % 2 else "allow",
            )  # fmt: skip
    system.notify()

    system.until_states(60, succeeded=300)

    assert each_once(trace, 300)
    assert system.value("select max(attempt) from runs") == 1


def test_a_stopped_ticker_behind_pgbouncer_keeps_no_schedule_from_the_others(system: System, tmp_path: Path) -> None:
    stopped = system.ticker(wait=False, FAULT="after_claim:1:stop")
    system.worker(wait=False)
    for _ in range(3):
        system.schedule(kind="test.record", params={"file": str(tmp_path / "trace")})
    until(lambda: is_stopped(stopped.pid), why=stopped.log)
    system.ticker(wait=False)

    # No session setting holds here: the transaction itself has to say how long it may idle.
    system.until_states(succeeded=3)
    stopped.signal(signal.SIGCONT)
    stopped.until_says("pass.failed")

    assert each_once(tmp_path / "trace", 3)


def tocsin(system: System, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command on the system behind the bouncer alone, unless a listen URL is given here."""
    told = system._environ | {"DATABASE_LISTEN_URL": ""} | environ
    return subprocess.run([sys.executable, "-m", "tocsin", *argv], capture_output=True, text=True, env=told, timeout=60)


def test_a_run_and_its_mail_arrive_once_through_pgbouncer_alone(
    system: System, mail: MailSink, bouncer: PgBouncer
) -> None:
    ticker, worker = system.ticker(DATABASE_LISTEN_URL=""), system.worker(DATABASE_LISTEN_URL="")
    system.schedule(kind="test.mail", params={"to": ["a@example.com"]}, interval_seconds=3600)

    system.until_states(succeeded=1)
    until(lambda: system.value("select array_agg(state) from deliveries") == ["sent"], why=system.logs)

    assert [each.recipients for each in mail.mails()] == [("a@example.com",)]
    assert system.value(OUTCOMES) == ["done"]
    # Each server of the bouncer is asked more than once: they take turns.
    with Database.at(bouncer.url).connect("test") as conn:
        listened = [
            conn.execute("select array(select pg_listening_channels())").fetchone() for _ in range(3 * POOL_SIZE)
        ]
    assert listened == [([],)] * len(listened), "whoever comes next would be told"
    for process in (ticker, worker):
        assert process.stop() == 0, process.log()
        assert " error " not in process.log()
        assert "failed" not in process.log()


def test_what_holds_for_a_session_is_not_left_behind_in_pgbouncer(bouncer: PgBouncer, database: str) -> None:
    with Database.at(database).connect("test", waits_for_disk=False) as conn:
        assert not is_pooled(conn)
        assert conn.execute(SESSION).fetchone() == ("UTC", "5s", "off", "off")

    with Database.at(bouncer.url).connect("test", waits_for_disk=False) as conn:
        assert is_pooled(conn)
        found = [conn.execute(SESSION).fetchone() for _ in range(3 * POOL_SIZE)]
        with transaction(conn):
            assert conn.execute(SESSION).fetchone() == ("UTC", "5s", "on", "on")

    assert found == [("UTC", "0", "on", "on")] * len(found)


def test_migrations_apply_through_pgbouncer_alone(empty_database: str) -> None:
    with PgBouncer(empty_database) as server:
        assert migrate(Database.at(server.url)) == [each.name for each in migrations()]
        assert migrate(Database.at(server.url)) == []


def test_the_doctor_warns_of_a_pooler_where_no_change_wakes_a_ticker(system: System, database: str) -> None:
    alone = tocsin(system, "doctor", "--json")
    told = tocsin(system, "doctor", "--json", DATABASE_LISTEN_URL=database)

    assert (alone.returncode, told.returncode) == (0, 0), alone.stdout + told.stdout
    (state, detail), (state_when_told, _) = (_listening(done.stdout) for done in (alone, told))
    assert (state, state_when_told) == ("warn", "ok")
    assert "set DATABASE_LISTEN_URL" in detail


def _listening(answer: str) -> tuple[str, str]:
    return next(
        (check["state"], check["detail"]) for check in json.loads(answer)["checks"] if check["name"] == "listening"
    )


def test_the_web_is_ready_behind_pgbouncer_alone(system: System) -> None:
    port = free_port()
    web = system.start("api", wait_for="web.started", PORT=str(port), DATABASE_LISTEN_URL="")

    # Often enough for each connection of its own to prepare what it asks, if it did.
    for _ in range(20):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            assert json.load(answer)["database"] == "ok"

    assert web.stop() == 0, web.log()
    assert " error " not in web.log()


def test_two_tenants_in_turn_do_all_that_the_api_can_behind_pgbouncer(system: System, bouncer: PgBouncer) -> None:
    port = free_port()
    web = system.start("api", wait_for="web.started", PORT=str(port), DATABASE_LISTEN_URL="")
    tenants = {word: make.tenant(system.conn) for word in ("alfa", "bravo")}
    shown = {word: tokens.create(system.conn, tenant, word, "admin")[1] for word, tenant in tenants.items()}

    def ask(word: str, method: str, path: str, **body: object) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {shown[word]}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    day = 'select to_char(now() - make_interval(days => %s), \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'
    span = {"from": system.value(day, 40), "to": system.value(day, 35)}
    made: dict[str, str] = {}
    for number in range(2 * POOL_SIZE):
        for word in tenants:
            body = {"jobType": "test.noop", "cronExpression": "0 9 * * *", "name": f"{word} {number}"}
            made[word] = ask(word, "POST", "/api/schedules", **body)["id"]
        for word, schedule_id in made.items():
            path = f"/api/schedules/{schedule_id}"
            assert ask(word, "PATCH", path, tags=[word])["tags"] == [word]
            assert len(ask(word, "POST", f"{path}/run")["runIds"]) == 1
            assert len(ask(word, "POST", f"{path}/backfill", **span)["runIds"]) in (5, 6)
            assert ask(word, "POST", f"{path}/pause", note="a rest")["status"] == "paused"
            assert ask(word, "POST", f"{path}/resume")["status"] == "active"
            assert len(ask(word, "GET", f"{path}/next?count=3")["items"]) == 3
            listed = ask(word, "GET", "/api/schedules")["items"]
            assert [each["name"] for each in listed] == [f"{word} {each}" for each in reversed(range(number + 1))]
            runs = ask(word, "GET", "/api/runs")["items"]
            assert {each["scheduleName"].split()[0] for each in runs} == {word}
            assert ask(word, "GET", "/api/tenant")["id"] == str(tenants[word])
        for word, other in (("alfa", "bravo"), ("bravo", "alfa")):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                ask(word, "GET", f"/api/schedules/{made[other]}")

    # Each server of the bouncer served both, and keeps neither's tenant nor role.
    left = "select current_user = session_user, coalesce(current_setting('tocsin.tenant', true), '')"
    with Database.at(bouncer.url).connect("test") as conn:
        assert has_wall(conn)
        assert {conn.execute(left).fetchone() for _ in range(3 * POOL_SIZE)} == {(True, "")}
    assert web.stop() == 0, web.log()
    assert " error " not in web.log()
