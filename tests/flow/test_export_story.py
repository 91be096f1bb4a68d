"""report.export from due row to history: five formats, one mail, a link; stopped by its failures, and started again."""

import io
import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from pypdf import PdfReader

from api import report_definitions, report_executions, scheduled_reports, templates
from api.edits import edit_schedule
from api.report_definitions import ReportDefinitionIn, ReportDefinitionPatch
from api.scheduled_report_bodies import ScheduledReportIn, ScheduledReportPatch
from api.sources import list_all
from db.store import Store
from scheduler import schedules
from tests.flow.world import World
from tests.system import until
from workers.kinds import KINDS

pytestmark = pytest.mark.race

FORMATS = ["csv", "json", "excel", "html", "pdf"]
ASKED = (
    "select day, count, share from sales where day >= $param_period_start::date and count >= $param_least order by day"
)
DEFINITION = {
    "name": "sales-week",
    "query": ASKED,
    "parameters": [
        {"name": "period", "type": "period", "default": "last_full_year"},
        {"name": "least", "type": "integer", "default": 1},
    ],
    "columns": [
        {"name": "count", "label": "Orders", "decimals": 0},
        {"name": "share", "label": "Share", "format": "percent", "decimals": 1},
    ],
    "chart": {"kind": "line", "x": "day", "y": ["count"]},
    "title": "Sales in {{ parameters.period.first_day }}",
}
REPORT = {
    "name": "Sales",
    "reportType": "sales-week",
    "cronExpression": "0 8 * * 1",
    "timezone": "Europe/Paris",
    "exportFormats": FORMATS,
    "emailEnabled": True,
    "emailRecipients": ["ann@example.com"],
    "emailCcRecipients": ["bob@example.com"],
    "emailBccRecipients": ["eve@example.com"],
    "emailSubject": "{{ record_count }} days of {{ report }}",
    "emailIncludePreview": True,
}


def define(world: World, **more: Any) -> UUID:
    """The definition on the tenant's own table of sales."""
    conn, tenant = world.system.conn, world.system.tenant
    world.source("warehouse")
    world.figures.execute(
        "create table sales as select current_date - n as day, 10 + n as count, 0.5::numeric as share "
        "from generate_series(1, 5) as n"
    )
    [source] = list_all(conn, tenant)
    body = ReportDefinitionIn.model_validate(DEFINITION | {"sourceId": source.id} | more)
    return report_definitions.create(conn, tenant, body).id


def schedule_of(world: World, **more: Any) -> tuple[UUID, UUID]:
    """The ids of a report and of its schedule, each hour."""
    conn, tenant = world.system.conn, world.system.tenant
    body = ScheduledReportIn.model_validate(REPORT | more)
    made = scheduled_reports.create(conn, tenant, body, retention_days=90, created_by="member:bo")
    edit_schedule(conn, tenant, made.schedule_id, {"intervalSeconds": 3600}, kinds=KINDS, seal=world.seal)
    return made.id, made.schedule_id


def test_a_report_is_made_in_five_formats_mailed_once_and_found_again(world: World) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    definition = define(world)
    report, schedule = schedule_of(world)

    run = world.next_slot(schedule)

    assert (run["state"], run["outcome"]["outcome"]) == ("succeeded", "sent"), run
    assert {each["recipient"]: each["state"] for each in world.until_delivered(run["id"])} == dict.fromkeys(
        ["ann@example.com", "bob@example.com", "eve@example.com"], "sent"
    )
    mail = world.mail.wait_for(3)[0].message
    assert (mail["Subject"], mail["To"], mail["Cc"], mail["Bcc"]) == (
        "5 days of Sales",
        "ann@example.com",
        "bob@example.com",
        None,
    )
    files = {part.get_filename() or "": part.get_content() for part in mail.walk() if part.get_filename()}
    endings = {name.rpartition(".")[2]: content for name, content in files.items()}
    assert set(endings) == {"csv", "json", "xlsx", "html", "pdf", "png"}
    as_csv = endings["csv"] if isinstance(endings["csv"], str) else endings["csv"].decode()
    assert as_csv.lstrip("\ufeff").splitlines()[0] == "Day,Orders,Share"
    assert len(as_csv.splitlines()) == 6
    assert ZipFile(io.BytesIO(endings["xlsx"])).testzip() is None
    assert "Sales in 20" in PdfReader(io.BytesIO(endings["pdf"])).pages[0].extract_text()
    text = next(part for part in mail.walk() if part.get_content_type() == "text/plain").get_content()
    assert "Day | Orders (%)" not in text
    assert "Share (%)" in text

    found = report_executions.get(conn, tenant, run["id"])
    assert (found.status, found.progress, found.record_count, found.email_sent) == ("COMPLETED", 100, 5, True)
    assert [each["format"] for each in found.files] == FORMATS
    kept = report_executions.file_of(conn, tenant, run["id"], "json")
    content = b"".join(Store(f"file://{world.system.folder}/files").read(kept.key))
    assert len(json.loads(content)["sections"][0]["rows"]) == 5
    said = endings["json"] if isinstance(endings["json"], bytes) else endings["json"].encode()
    assert json.loads(said) == json.loads(content)

    # A version that is saved now changes nothing of what was made, and the next run runs it.
    said_now = report_definitions.DEFINITIONS.get(conn, tenant, definition)
    patch = ReportDefinitionPatch.model_validate({"columns": [{"name": "share", "isHidden": True}]})
    report_definitions.edit(conn, tenant, said_now, report_definitions.patched(said_now, patch))
    now = scheduled_reports.SCHEDULED_REPORTS.get(conn, tenant, report)
    words = {"name": "ours", "purpose": "report.export"}
    words["text"] = "{{ name }} ({{ report_type }}) from {{ parameters[1].value }}: {{ downloads[0].link }}"
    template = templates.create(conn, tenant, templates.TemplateIn.model_validate(words))
    quiet: dict[str, Any] = {"emailIncludeAttachment": False, "exportFormats": ["csv"], "parameters": {"least": 12}}
    quiet["templateId"] = template.id
    scheduled_reports.edit(conn, tenant, now, ScheduledReportPatch.model_validate(quiet))
    again = world.next_slot(schedule)
    assert (again["outcome"]["definitionVersion"], again["outcome"]["recordCount"]) == (2, 4)
    world.until_delivered(again["id"])
    linked = world.mail.wait_for(6)[-1].message
    page = next(part for part in linked.walk() if part.get_content_type() == "text/html").get_content()
    assert re.search(r'href="https://tocsin\.example/f/[A-Za-z0-9_-]+"', page)
    worded = next(part for part in linked.walk() if part.get_content_type() == "text/plain").get_content()
    assert worded.startswith("Sales (sales-week) from 12: https://tocsin.example/f/")
    assert again["outcome"]["template"] == {"templateId": str(template.id), "version": 1, "problem": None}
    assert not [part.get_filename() for part in linked.walk() if (part.get_filename() or "").endswith("csv")]

    # Nothing to say, nothing said.
    row = scheduled_reports.SCHEDULED_REPORTS.get(conn, tenant, report)
    none = {"parameters": {"least": 1000}, "emailSendOnlyIfData": True}
    scheduled_reports.edit(conn, tenant, row, ScheduledReportPatch.model_validate(none))
    empty = world.next_slot(schedule)
    assert (empty["state"], empty["outcome"]["outcome"], world.until_delivered(empty["id"])) == (
        "succeeded",
        "empty",
        [],
    )
    stats = report_executions.measure(conn, tenant, row, 30)
    assert (stats["count"], stats["successRatio"], stats["largestFile"]["format"]) == (3, 1.0, "pdf")
    assert stats["p50DurationMs"] <= stats["p95DurationMs"]


@contextmanager
def doomed(world: World, fault: str) -> Iterator[None]:
    """The worker that comes next dies at a fault point, and another takes over."""
    worker = world.system.processes[-1]
    worker.kill()
    dying = world.system.worker(FAULT=fault)
    yield
    assert dying.wait(30) == -signal.SIGKILL, dying.log()
    # What is asked again is not what it was.
    world.figures.execute("insert into sales select current_date - 6, 17, 0.5")
    world.system.worker(wait=False)


# Between a format and the next, and between a file and its row; then all is kept, and the record or the mail is not there.
@pytest.mark.parametrize(
    ("fault", "orphans"),
    [
        ("after_artifact:2:kill", 0),
        ("after_file:3:kill", 1),
        pytest.param("after_artifact:3:kill", 0, marks=pytest.mark.long),
        pytest.param("before_finish:1:kill", 0, marks=pytest.mark.long),
    ],
)
def test_a_worker_killed_between_formats_doubles_nothing(world: World, fault: str, orphans: int) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    define(world, title="{{ record_count }} days")
    _, schedule = schedule_of(world, exportFormats=["csv", "json", "html"], emailCcRecipients=[], emailBccRecipients=[])
    with doomed(world, fault):
        world.come([schedule])
    [run] = world.ended(schedule, 1)

    assert (run["state"], world.attempts(run["id"])) == ("succeeded", ["expired", "done"]), run
    found = report_executions.get(conn, tenant, run["id"])
    assert [each["format"] for each in found.files] == ["csv", "json", "html"]
    assert len({each["name"].partition(".")[0] for each in found.files}) == 1
    assert found.record_count == 6
    assert [each["state"] for each in world.until_delivered(run["id"])] == ["sent"]
    assert len(world.mail.wait_for(1)) == 1
    store = Store(f"file://{world.system.folder}/files")
    keys = [key for each in store.each("") for key in each]
    assert len(keys) == 3 + orphans


def test_a_report_that_fails_again_and_again_is_stopped_told_of_and_started_again_by_one_call(world: World) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    conn.execute(
        "insert into members (tenant_id, subject, email, role) values (%s, 'ada', 'ada@example.com', 'admin'), "
        "(%s, 'bo', 'bo@example.com', 'editor')",
        (tenant, tenant),
    )
    define(world)
    report, schedule = schedule_of(world, errorAfter=2, emailEnabled=False, exportFormats=["csv"])
    world.figures.execute("alter table sales rename to gone")

    for count in (1, 2):
        run = world.next_slot(schedule)
        assert (run["state"], len(world.runs(schedule))) == ("dead", count)
        assert 'relation "sales" does not exist' in run["error"]
    until(lambda: schedules.get(conn, tenant, schedule).status == "failed", why=world.system.logs)
    shown = scheduled_reports.shown(scheduled_reports.SCHEDULED_REPORTS.get(conn, tenant, report))
    assert (shown["status"], shown["isActive"], shown["lastRunStatus"], shown["failureCount"], shown["nextRun"]) == (
        "ERROR",
        False,
        "failed",
        2,
        None,
    )
    # Its owner is told of the first failure and of the stop, and no admin.
    assert {(told.message["Subject"], told.recipients) for told in world.mail.wait_for(2)} == {
        ("Sales failed", ("bo@example.com",)),
        ("The report Sales is stopped", ("bo@example.com",)),
    }

    world.figures.execute("alter table gone rename to sales")
    row = scheduled_reports.SCHEDULED_REPORTS.get(conn, tenant, report)
    scheduled_reports.edit(conn, tenant, row, ScheduledReportPatch.model_validate({"status": "active"}))
    run = world.next_slot(schedule)
    assert (run["state"], run["outcome"]["outcome"]) == ("succeeded", "kept")
    shown = scheduled_reports.shown(scheduled_reports.SCHEDULED_REPORTS.get(conn, tenant, report))
    assert (shown["status"], shown["lastRunStatus"], shown["successCount"]) == ("ACTIVE", "success", 1)
