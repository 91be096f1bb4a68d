"""What is wrong is said in one line that names the field and what it takes; the status is 1, and nothing is stored."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from db.migrate import register
from local.postgres import Postgres
from tests import make
from tests.tocsin.conftest import Tocsin


@pytest.fixture(scope="module")
def untouched(postgres: Postgres, template: str) -> Iterator[str]:
    """One database for all that is refused: if anything were stored, the next test would find it."""
    name = f"test_{uuid.uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with psycopg.connect(url, autocommit=True) as conn:
        register(conn)
    yield url
    postgres.drop_database(name)


@pytest.fixture
def database(untouched: str) -> str:
    """The address of that database."""
    return untouched


CALL = '{"url": "https://example.com/hook"}'
CREATE = ("schedules", "create")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("http.call", "--params", CALL, "--cron", "99 * * * *"), "cronExpression: field minute '99': takes 0-59"),
        (("http.call", "--params", CALL, "--cron", "0 0 31 2 *"), "cronExpression: can never fire"),
        (("http.call", "--params", CALL, "--cron", "* * *"), "cronExpression: takes five fields"),
        (("test.noop", "--recurrence", '{"every": "week", "days": ["x"]}'), "recurrence.days.0: takes mon, tue"),
        (
            ("test.noop", "--recurrence", '{"every": "year", "days": [30], "month": 2}'),
            "recurrence.days: leaves no day",
        ),
        (("test.noop", "--recurrence", "daily"), "recurrence: takes a JSON object, but this is not JSON"),
        (("http.call", "--params", CALL, "--cron", "@daily", "--tz", "Mars/Olympus"), "timezone: takes an IANA name"),
        (("http.call", "--params", CALL, "--every", "60", "--tz", "+02:00"), "timezone: takes an IANA name"),
        (("http.call", "--params", CALL, "--every", "0"), "intervalSeconds: takes whole seconds from 1"),
        (("http.call", "--params", CALL, "--at", "2030-01-01T09:00:00"), "scheduledAt: takes a time with its offset"),
        (("http.call", "--params", CALL, "--at", "tomorrow"), "scheduledAt: takes a time with its offset"),
        (("http.call", "--params", CALL, "--at", "2001-01-01T00:00:00Z"), "TOCSIN_RETENTION_DAYS keeps 90 days"),
        (("http.call", "--params", CALL, "--every", "60", "--overlap", "never"), "overlapPolicy: takes 'skip'"),
        (("http.call", "--params", CALL, "--every", "60", "--misfire", "x"), "misfirePolicy: takes 'once'"),
        (("http.call", "--params", CALL, "--cron", "@daily", "--gap", "x"), "dstGap: takes 'end'"),
        (("http.call", "--params", CALL, "--every", "60", "--max-runs", "0"), "maxRuns: takes"),
        (("http.call", "--params", CALL, "--every", "60", "--queue", "fast"), "queue: takes 'alerts', 'reports'"),
        (("http.call", "--params", CALL, "--every", "60", "--ends-at", "2020-01-01T00:00:00Z"), "no slot to come"),
        (("http.call", "--params", CALL, "--every", "60", "--name", "two\nlines"), "name: takes one line"),
        (
            ("no.such", "--every", "60"),
            "jobType: there is no kind 'no.such'; the kinds are crew.call, http.call, kpi.schedule",
        ),
        (("http.call", "--every", "60"), "params.url: is required"),
        (("http.call", "--every", "60", "--params", '{"url": "ftp://x"}'), "params.url: "),
        (("http.call", "--every", "60", "--params", '{"url": "https://x.example", "urly": 1}'), "params.urly: "),
        (("http.call", "--every", "60", "--params", "{"), "params: takes a JSON object"),
        (("http.call", "--every", "60", "--params", "[]"), "jobPayload: takes a valid dictionary"),
        (("http.call", "--every", "60", "--params", "@/no/such/file"), "params: cannot read /no/such/file"),
        (
            ("http.call", "--every", "60", "--params", '{"url": "https://x.example", "body": "\\u0000"}'),
            "jobPayload: takes text without the character NUL",
        ),
        (
            ("http.call", "--every", "60", "--params", '{"url": "https://x.example", "secret": "sealed:1:x"}'),
            "params.secret: takes the secret itself",
        ),
        (
            ("http.call", "--every", "60", "--params", '{"url": "https://x.example", "body": {"a": ["sealed:1:x"]}}'),
            "params.body.a.0: takes the secret itself",
        ),
        (
            ("http.call", "--every", "60", "--params", '{"url": "https://x.example", "headers": {"X": "sealed:1:x"}}'),
            "params.headers.X: takes the secret itself",
        ),
        (("pulse.report", "--cron", "@daily"), "jobType: schedules of pulse.report are made at /api/pulse"),
        (("kpi.threshold", "--cron", "@daily"), "jobType: schedules of kpi.threshold are made at /api/kpi-alerts"),
        (("http.call", "--every", "60", "--params", CALL, "--tenant", "acme"), "there is no tenant 'acme'"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_by_name(
    tocsin: Tocsin, conn: make.Connection, argv: tuple[str, ...], said: str
) -> None:
    assert said in tocsin(*CREATE, *argv).complaint()
    for table in ("tenants", "schedules", "schedule_versions", "schedule_gates", "kpi_alerts", "runs"):
        assert make.value(conn, f"select count(*) from {table}") == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set; it takes an address such as"),
        ("DATABASE_URL", "mysql://bob:hush@db/x", "DATABASE_URL takes an address such as postgresql://"),
        ("DATABASE_URL", "postgresql://bob:hu%zzsh@127.0.0.1:1/x", "invalid percent-encoded token"),
        ("DATABASE_URL", "postgresql://bob:hush@127.0.0.1:1/x", "Connection refused"),
        ("TOCSIN_LEASE_SECOND", "15", "TOCSIN_LEASE_SECOND is not a setting"),
        ("TOCSIN_SECRET_KEYS", "hush", "TOCSIN_SECRET_KEYS takes keys of 32 bytes in base64"),
        ("TOCSIN_RETENTION_DAYS", "soon", "TOCSIN_RETENTION_DAYS takes a number of days from 1 to 3650, got 'soon'"),
        ("TOCSIN_KINDS", "tests.kinds:NONE", "TOCSIN_KINDS names tests.kinds:NONE, which cannot be loaded"),
        ("TOCSIN_HOSTING", "on", "name one with --tenant SLUG"),
    ],
)
def test_a_bad_setting_stops_the_command_and_shows_no_secret(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setenv(name, text)
    complaint = tocsin(*CREATE, "http.call", "--every", "60", "--params", CALL).complaint()
    assert said in complaint
    assert "hu" not in complaint.replace("hour", "")
    assert make.value(conn, "select count(*) from schedules") == 0


def test_a_database_without_our_schema_is_told_to_migrate(
    bare: Tocsin, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    assert bare("schedules", "list").complaint() == "the database has no schema of Tocsin yet; run `tocsin migrate`"


def test_a_database_that_is_not_there_is_named(tocsin: Tocsin, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.rpartition("/")[0] + "/elsewhere")
    assert 'database "elsewhere" does not exist' in tocsin("schedules", "list").complaint()


@pytest.mark.parametrize("process", ["ticker", "worker", "api"])
def test_a_process_with_a_bad_setting_ends_with_one_line(process: str, database: str) -> None:
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": database, "TOCSIN_LEASE_SECONDS": "0.1"}
    command = [sys.executable, "-m", "tocsin", process]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=environ, cwd=root, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tocsin: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("nothing",),
        ("schedules",),
        ("schedules", "create", "http.call"),
        ("schedules", "create", "http.call", "--every", "x"),
        ("schedules", "create", "http.call", "--every", "1", "--cron", "@daily"),
        ("runs", "list", "--state", "lost"),
        ("runs", "list", "--limit", "0"),
        ("cron", "next"),
        ("worker", "--grace", "soon"),
        ("schedules", "pause", "a", "--note", "\udcff"),
    ],
)
def test_misuse_is_told_apart_from_failure(bare: Tocsin, argv: tuple[str, ...]) -> None:
    answer = bare(*argv)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith(("usage: tocsin", "tocsin: its arguments are not valid text"))
