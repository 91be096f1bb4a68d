"""What is wrong in a stack's files is told by file, line and field; nothing of it is stored."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from db.migrate import register
from local.postgres import Postgres
from tests.tocsin.conftest import Tocsin


@pytest.fixture(scope="module")
def untouched(postgres: Postgres, template: str) -> Iterator[str]:
    """One database for all that is refused: if anything were stored, the last test would find it."""
    name = f"test_{uuid.uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with psycopg.connect(url, autocommit=True) as conn:
        register(conn)
    yield url
    with psycopg.connect(url) as conn:
        assert conn.execute("select 1 from audit_log union all select 1 from sources").fetchone() is None
    postgres.drop_database(name)


@pytest.fixture
def database(untouched: str) -> str:
    """The address of that database."""
    return untouched


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("graphs:\n  - {name: a, source: x, query: q, sourceId: y}", ":2: graphs 'a' source: is said by name, in place of sourceId"),
        ("graphs:\n  - {name: a, source: x, query: q, colour: y}", ":2: graphs 'a' colour: is no field of this"),
        ("graphs:\n  - name: a\n    source: x\n    query: q\n    decimals: 99", ":5: graphs 'a' decimals: takes"),
        ("graphs:\n  - {name: a, query: q}", ":2: graphs 'a' source: is required"),
        ("graphs:\n  - {name: a, source: nobody, query: q}", "graphs 'a' source: there is no source 'nobody'"),
        ("graphs:\n  - {query: q}", ":2: graphs: takes fields, and among them name"),
        ("graphs: {name: a}", ":1: graphs takes a list"),
        ("graph: []", ":1: there is no section 'graph'; there are stack, members"),
        ("- a", ":1: takes sections such as graphs"),
        ("a: 1\na: 2", ":2: has 'a' twice"),
        ("stack: Not A Name", ":1: stack takes small letters"),
        ("---\nstack: a\n---\nstack: b", ":2, "),
        ("calendars:\n  - {name: a}\n---\ncalendars:\n  - {name: ' a '}", ":5: calendars 'a': is there already, in "),
        ("channels:\n  - {name: a, type: slack}", ":2: channels 'a' credential: is required to make it"),
        ("sources:\n  - {name: a, url: '${env:NOT_THERE}'}", "sources 'a' url: the environment has no NOT_THERE"),
        ("sources:\n  - {name: a, url: '${env:DATABASE_URL}'}", "url: takes no ${env:DATABASE_URL}, which is a secret"),
        ("sources:\n  - {name: a, url: 'postgresql://hush:hush@/'}", ":2: sources 'a' url: "),
        ("schedules:\n  - {name: a, jobType: no.such, cronExpression: '@daily'}", "jobType: there is no kind 'no.such'"),
        ("schedules:\n  - {name: a, jobType: kpi.threshold, cronExpression: '@daily'}", "are made at /api/kpi-alerts"),
        ("schedules:\n  - {name: a, jobType: http.call, cronExpression: '@daily'}", "jobPayload.url: is required"),
        ("schedules:\n  - {name: a, jobType: test.noop}", "takes exactly one of cronExpression"),
        ("schedules:\n  - {name: a, jobType: test.noop, cronExpression: 61 * * * *}", ":2: schedules 'a' cronExpression: "),
        ("schedules:\n  - {name: a, jobType: crew.call, cronExpression: '@daily', jobPayload: {endpoints: [nosuch]}}",
         ":2: schedules 'a' jobPayload.endpoints.0: there is no crew endpoint nosuch"),
        ("kpiAlerts:\n  - {alertName: a, recipients: [{graph: none, column: c}], threshold: {thresholdValue: 1}}",
         "recipients.0.graph: there is no graph 'none'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_file_line_and_field(tocsin: Tocsin, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "stack.yaml").write_text(content)
    complaint = tocsin("apply", "-f", str(tmp_path / "stack.yaml"), "--yes").complaint()
    assert said in complaint
    assert "hush" not in complaint
