"""The example reports on the sample table, made by the command as people make them, previewed, and run by a real worker."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import report_definitions, report_executions, scheduled_reports
from api.edits import edit_schedule
from api.report_definitions import ReportDefinitionPatch
from api.scheduled_report_bodies import ScheduledReportIn
from api.sources import list_all
from local import activities
from tests import make
from tests.flow.world import KEY, World
from tocsin.command import main
from workers import uses
from workers.kinds import KINDS

pytestmark = pytest.mark.race

NOW = {"cronExpression": "0 8 * * 1", "timezone": "UTC", "exportFormats": ["json"]}


@pytest.fixture
def said(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: str) -> Any:
    """What a command of the world's tenant answers, as JSON."""
    slug = make.value(world.system.conn, "select slug from tenants where id = %s", world.system.tenant)
    for name, value in {
        "DATABASE_URL": database,
        "TOCSIN_SECRET_KEYS": KEY,
        "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8",
    }.items():
        monkeypatch.setenv(name, value)

    def call(*argv: str) -> Any:
        capsys.readouterr()
        assert main([*argv, "--tenant", slug, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def test_both_examples_are_made_previewed_and_run_on_the_sample_table(world: World, said: Any, tmp_path: Path) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    world.source("warehouse")
    today = datetime.now(UTC).date()
    assert activities.load(world.figures, today) == activities.load(world.figures, today), "the same rows again"
    made = said("reports", "examples", "warehouse")
    assert [each["name"] for each in made] == ["workspace-activity", "channel-analytics"]
    month = {"period": "last_30_days"}
    bodies: list[dict[str, Any]] = [
        NOW | {"name": "week", "reportType": "workspace-activity"},
        NOW | {"name": "month", "reportType": "channel-analytics", "parameters": month},
    ]
    schedules = {}
    for body in bodies:
        row = scheduled_reports.create(conn, tenant, ScheduledReportIn.model_validate(body), retention_days=90)
        edit_schedule(conn, tenant, row.schedule_id, {"intervalSeconds": 3600}, kinds=KINDS, seal=world.seal)
        schedules[body["name"]] = row.schedule_id

    preview = said("reports", "preview", "week", "--html", str(tmp_path / "page.html"))
    runs = world.next_slots([*schedules.values()])
    week, months = (runs[schedules[name]]["outcome"] for name in ("week", "month"))

    monday = today - timedelta(days=today.weekday() + 7)
    rows = activities.rows(today)
    in_week = [row for row in rows if monday <= row.at.date() < monday + timedelta(days=7)]
    per_member = Counter((row.member, row.action) for row in in_week if row.workspace == "main")
    in_month = {(row.at.date(), row.channel) for row in rows if row.at.date() >= today - timedelta(days=30)}
    assert (week["outcome"], week["recordCount"]) == ("kept", len(per_member))
    assert (months["outcome"], months["recordCount"]) == ("kept", len(in_month))
    assert (preview["recordCount"], preview["isWhole"], preview["problem"]) == (len(per_member), True, None)
    assert "Activity in main" in (tmp_path / "page.html").read_text()
    [(best, most)] = per_member.most_common(1)
    assert most in {count for (member, _), count in per_member.items() if member == best[0]}
    tried = said("report-definitions", "preview", "channel-analytics", "--parameters", json.dumps(month))
    assert tried["recordCount"] == len(in_month)
    [execution] = said("reports", "executions", "week")
    assert execution["files"][0]["fileUrl"].startswith(f"/api/report-executions/{execution['id']}/download"), (
        "no address"
    )
    found = report_executions.get(conn, tenant, runs[schedules["week"]]["id"])
    assert [each["format"] for each in found.files] == ["json"]


def test_a_definition_that_moves_takes_what_its_schedules_use_along(world: World) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    world.source("warehouse")
    world.source("lake")
    ids = {each.name: each.id for each in list_all(conn, tenant)}
    body = {"name": "sales", "sourceId": ids["warehouse"], "query": "select 1 as one"}
    row = report_definitions.create(conn, tenant, report_definitions.ReportDefinitionIn.model_validate(body))
    wanted = ScheduledReportIn.model_validate(NOW | {"name": "weekly", "reportType": "sales"})
    report = scheduled_reports.create(conn, tenant, wanted, retention_days=90)

    def used() -> Any:
        return make.value(conn, "select uses from schedules where id = %s", report.schedule_id)

    assert used() == [uses.source(ids["warehouse"])]
    patch = ReportDefinitionPatch.model_validate({"sourceId": ids["lake"]})
    report_definitions.edit(conn, tenant, row, report_definitions.patched(row, patch))
    assert used() == [uses.source(ids["lake"])]
