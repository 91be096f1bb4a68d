"""Every field of every noun goes from a file to the database and back, is changed by a file, and is then as it says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import recipes
from scheduler import schedules
from scheduler.schedules import ScheduleFilter
from tests import make
from tests.tocsin.conftest import KEY, Tocsin
from tests.tocsin.stacks import FULL, PLAIN
from tocsin.stack import text
from tocsin.stack.document import SECTIONS

Write = Callable[[str], str]
SECRETS = {
    "PASSWORD": "hush1",
    "TOKEN": "hush2",
    "BOT": "xoxb-123456789-hush",
    "PLAIN": "plain",
    "SIGNING": "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g=",
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the variables of the stacks are."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a file, and returns where."""

    def write(content: str) -> str:
        file = tmp_path / "stack.yaml"
        file.write_text(content)
        return str(file)

    return write


def steps(tocsin: Tocsin, file: str, *more: str) -> list[dict[str, Any]]:
    answer = tocsin("apply", "-f", file, "--json", *(more or ("--plan",)))
    assert answer.status == 0, answer.err
    assert "hush" not in answer.out
    found: list[dict[str, Any]] = answer.json()["steps"]
    return found


def test_the_full_stack_says_every_field_of_every_noun() -> None:
    [document] = text.read("full", FULL.encode())
    said = {word: {name for row in rows for name in row} for word, rows in document.value.items()}
    assert said == {word: set(section.takes) for word, section in SECTIONS.items()}


def test_every_field_is_made_changed_and_exported_as_it_is(
    tocsin: Tocsin, conn: make.Connection, written: Write
) -> None:
    for content in (FULL, PLAIN):
        file = written(content)
        assert {step["verb"] for step in steps(tocsin, file, "--yes")} == {"create" if content is FULL else "change"}
        assert steps(tocsin, file) == []
        exported = tocsin("export").out
        assert "hush" not in exported
        assert steps(tocsin, written(exported)) == []
        assert tocsin("export").out == exported
    assert "hush" not in str(conn.execute("select before, after from audit_log").fetchall())
    assert tocsin("audit", "verify").status == 0


def test_what_the_demo_makes_is_exported_and_applied_without_a_change(
    tocsin: Tocsin, database: str, written: Write
) -> None:
    place = recipes.Place(database, database, KEY, "http://127.0.0.1:1/hook", SECRETS["SIGNING"])
    recipes.sow(place, every_seconds=3600)
    exported = tocsin("export").out
    assert "hush" not in exported
    assert steps(tocsin, written(exported)) == []
    assert len(text.read("x", exported.encode())[0].value["schedules"]) == 2


RETIMED: dict[str, dict[str, Any]] = {
    "words": {"interval_seconds": 3600},
    "weekly payments": {"recurrence": {"every": "week", "interval": 2, "days": ["tue"]}},
    "low": {"interval_seconds": 86_400},
    "mailed": {"recurrence": {"every": "quarter", "month": 2, "days": ["last fri"]}},
    "by interval again": {"cron": "7 * * * *"},
}


def said(exported: str) -> list[str]:
    """What an export says, without its remarks on secrets."""
    return [line for line in exported.splitlines() if not line.startswith("  #")]


def slots_of(conn: make.Connection, slug: str) -> dict[str, list[str]]:
    """The next 50 slots of all schedules of a tenant, by their names."""
    tenant = make.value(conn, f"select id from tenants where slug = '{slug}'")
    rows = schedules.list_all(conn, tenant, ScheduleFilter(), limit=1000)
    return {row.name: [str(slot) for slot in schedules.preview(conn, tenant, row.id, 50)] for row in rows}


def test_what_recurs_in_any_way_comes_at_the_same_instants_where_its_export_is_applied(
    tocsin: Tocsin, conn: make.Connection, written: Write
) -> None:
    for slug in ("ours", "theirs"):
        make.tenant(conn, slug=slug)
    steps(tocsin, written(FULL), "--yes", "--tenant", "ours")
    ours = make.value(conn, "select id from tenants where slug = 'ours'")
    # Others were given another way to recur by their schedules alone.
    for name, timing in RETIMED.items():
        schedules.edit(conn, ours, schedules.get(conn, ours, name).id, timing)
    exported = tocsin("export", "--tenant", "ours").out
    assert steps(tocsin, written(exported), "--tenant", "ours", "--plan") == []
    [document] = text.read("x", exported.encode())
    assert set(document.value) == {"stack", *SECTIONS}
    document.value["channels"][0]["credential"] = "${env:BOT}"
    document.value["webhooks"][0] |= {"url": "https://hooks.example.com", "secret": "${env:SIGNING}"}
    assert steps(tocsin, written(json.dumps(document.value)), "--yes", "--tenant", "theirs")
    again = tocsin("export", "--tenant", "theirs").out
    assert said(again) == said(exported)
    slots = slots_of(conn, "ours")
    assert slots_of(conn, "theirs") == slots
    assert {name: len(slots[name]) for name in RETIMED} == dict.fromkeys(RETIMED, 50)


def test_what_a_schedule_was_given_by_itself_is_exported_kept_where_no_file_says_it_and_taken_back_where_one_does(
    tocsin: Tocsin, conn: make.Connection, written: Write
) -> None:
    row = 'pulses: [{name: words, prompt: "What moved?", cron: 0 7 * * 1, graphs: [sales]%s}]'
    graph = 'sources: [{name: warehouse, url: "postgresql://u@db.example.com/x"}]\n'
    graph += 'graphs: [{name: sales, source: warehouse, query: "select 1"}]\n'
    steps(tocsin, written(graph + row % ""), "--yes")
    assert "scheduleOptions" not in tocsin("export").out
    tenant, schedule = conn.execute("select tenant_id, id from schedules where name = 'words'").fetchone() or (
        None,
        None,
    )
    assert tenant is not None
    assert schedule is not None
    schedules.edit(conn, tenant, schedule, {"jitter_seconds": 30, "max_runs": 9})

    [pulse] = text.read("x", tocsin("export").out.encode())[0].value["pulses"]
    assert pulse["scheduleOptions"] == {"jitterSeconds": 30, "maxRuns": 9}
    assert steps(tocsin, written(graph + row % "")) == []
    [step] = steps(tocsin, written(graph + row % ", scheduleOptions: {maxRuns: 9, overlapPolicy: SKIP}"))
    assert {each["field"]: (each["old"], each["new"]) for each in step["fields"]} == {
        "scheduleOptions.jitterSeconds": (30, 0),
        "scheduleOptions.overlapPolicy": ("cancel_running", "skip"),
    }
    refused = tocsin(
        "apply", "-f", written(graph + row % ", scheduleOptions: {jitterSeconds: -1}"), "--plan"
    ).complaint()
    assert "pulses 'words' scheduleOptions.jitterSeconds" in refused
    assert steps(tocsin, written(graph + row % ", scheduleOptions: {}"), "--yes")
    row_now = schedules.get(conn, tenant, schedule)
    assert (row_now.jitter_seconds, row_now.max_runs, row_now.overlap_policy) == (0, None, "cancel_running")
    before, after = (
        make.value(conn, f"select {column} -> 'scheduleOptions' from audit_log where action = 'pulse.edited'")
        for column in ("before", "after")
    )
    assert (before["maxRuns"], after["maxRuns"]) == (9, None)
