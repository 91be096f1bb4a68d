"""kpi.schedule from due row to history: a report goes out once, is held by its gate, and goes out again when that opens."""

import io
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from api import graphs, kpi_alerts, templates
from api.edits import edit_schedule
from api.graphs import GraphIn
from api.kpi_alert_bodies import KpiAlertIn
from api.sources import list_all
from tests.flow.world import World
from workers.kinds import KINDS

pytestmark = pytest.mark.race


def report_of(world: World, **schedule: Any) -> UUID:
    """A report on the figure, made as the API makes it, each hour."""
    conn, tenant = world.system.conn, world.system.tenant
    [source] = list_all(conn, tenant)
    asked = {"name": "Open orders", "sourceId": source.id, "query": "select value from figure", "unit": "orders"}
    graph = graphs.create(conn, tenant, GraphIn.model_validate(asked))
    whole = {
        "alertName": "Orders of the hour",
        "alertType": "schedule",
        "recipients": ["ann@example.com", "bob@example.com"],
        "graphId": graph.id,
        "schedule": {"cron": "0 * * * *", "attachmentType": "pdf"} | schedule,
    }
    made = kpi_alerts.create(conn, tenant, KpiAlertIn.model_validate(whole), retention_days=90)
    edit_schedule(conn, tenant, made.schedule_id, {"intervalSeconds": 3600}, kinds=KINDS, seal=world.seal)
    return made.schedule_id


def word(world: World, schedule: UUID, subject: str) -> None:
    """Has the report's mails worded by a template."""
    conn, tenant = world.system.conn, world.system.tenant
    ours = templates.TemplateIn(name="ours", purpose="kpi.schedule", subject=subject)
    templates.check(ours.purpose, ours)
    template = templates.create(conn, tenant, ours)
    # Its recurrence is a test's, which no edit by the API would leave as it is.
    conn.execute("update kpi_alerts set template_id = %s where schedule_id = %s", (template.id, schedule))


def test_a_report_goes_out_to_each_once_and_not_while_its_gate_is_shut(world: World) -> None:
    world.source("warehouse")
    world.figures.execute("update figure set value = 1200")
    schedule = report_of(world, gatingCondition={"expression": "open_orders > 1000"})

    first = world.next_slot(schedule)
    assert (first["state"], first["outcome"]["outcome"]) == ("succeeded", "sent")
    assert [each["state"] for each in world.until_delivered(first["id"])] == ["sent", "sent"]
    mails = world.mail.wait_for(2)
    assert sorted(recipient for mail in mails for recipient in mail.recipients) == [
        "ann@example.com",
        "bob@example.com",
    ]
    parts = {part.get_content_type(): part for part in mails[0].message.walk()}
    assert "1,200" in parts["text/plain"].get_content()
    pdf = PdfReader(io.BytesIO(parts["application/pdf"].get_content()))
    assert "Orders of the hour" in pdf.pages[0].extract_text()

    world.figures.execute("update figure set value = 900")
    held = world.next_slot(schedule)
    assert (held["state"], held["outcome"]["outcome"]) == ("succeeded", "gated")
    assert "`open_orders > 1000` is false" in held["outcome"]["sentence"]
    assert world.until_delivered(held["id"]) == []

    world.figures.execute("update figure set value = 1001")
    again = world.next_slot(schedule)
    assert again["outcome"]["outcome"] == "sent"
    world.until_delivered(again["id"])
    assert len(world.mail.wait_for(4)) == 4
    assert [run["attempt"] for run in world.runs(schedule)] == [1, 1, 1]

    # In the tenant's own words from here on, and in ours again for a figure that these have no words for.
    word(
        world,
        schedule,
        "{% for tile in tiles if 1 / (tile.figure - 3000) %}{{ tile.figure }} of {% endfor %}{{ report }}",
    )
    for figure, count, subject in ((2000, 6, "2,000 of Orders of the hour"), (3000, 8, "Orders of the hour: ")):
        world.figures.execute("update figure set value = %s", (figure,))
        run = world.next_slot(schedule)
        world.until_delivered(run["id"])
        assert world.mail.wait_for(count)[-1].message["Subject"].startswith(subject)
        problem = run["outcome"]["template"]["problem"]
        told = world.system.conn.execute("select item_key from runs where parent_run_id = %s", (run["id"],)).fetchall()
        assert ((problem or "")[:14], told) == (
            ("", []) if figure == 2000 else ("subject, line ", [("told:template",)])
        )
