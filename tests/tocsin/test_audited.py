"""Every command that writes leaves one entry in the audit log, and those that read leave none; the log is verified."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from config.seal import Seal
from db.jsonb import rfc3339
from db.sealed import credential_place
from tests import make
from tests.alerts import make_alert
from tests.tocsin.conftest import KEY, Tocsin
from tests.tocsin.test_command import COMMANDS, SILENT


class World(NamedTuple):
    """What the commands work on: a tenant with one of everything."""

    tenant: UUID
    run: UUID
    dead: UUID
    letter: UUID
    delivery: UUID
    token: str
    past: str
    csv: str


SLUG = "acme"
OURS = ("--tenant", SLUG)
URL = "postgresql://bob:hush@db.example.com/x"
NEW_ALERT = (
    '{"alertName": "new", "recipients": ["bob@example.com"], "graph": "spare",'
    ' "threshold": {"condition": "LESS_THAN", "thresholdValue": 5}}'
)
NEW_PULSE = '{"name": "new", "prompt": "what is new?", "cron": "0 9 * * 1", "graphs": ["spare"]}'

NEW_REPORT = '{"name": "new", "reportType": "sales", "cronExpression": "0 8 * * 1", "exportFormats": ["csv"]}'

# Each command that writes, how it is given, and what its entry says.
WRITES: dict[tuple[str, ...], tuple[Callable[[World], tuple[str, ...]], str]] = {
    ("schedules", "create"): (lambda _: ("test.noop", "--every", "60", *OURS), "schedule.created"),
    ("schedules", "pause"): (lambda _: ("active", *OURS), "schedule.paused"),
    ("schedules", "resume"): (lambda _: ("paused", *OURS), "schedule.resumed"),
    ("schedules", "cancel"): (lambda _: ("active", *OURS), "schedule.cancelled"),
    ("schedules", "run"): (lambda _: ("active", *OURS), "schedule.run"),
    ("schedules", "backfill"): (
        lambda world: ("active", "--from", world.past, "--to", world.past, *OURS),
        "schedule.backfilled",
    ),
    ("runs", "cancel"): (lambda world: (str(world.run), *OURS), "run.cancelled"),
    ("runs", "retry"): (lambda world: (str(world.dead), *OURS), "run.retried"),
    ("dead", "replay"): (lambda world: (str(world.letter), *OURS), "dead_letter.replayed"),
    ("dead", "discard"): (lambda world: (str(world.letter), *OURS), "dead_letter.discarded"),
    ("deliveries", "resend"): (lambda world: (str(world.delivery), *OURS), "delivery.resent"),
    ("sources", "create"): (lambda _: ("own", "--url", URL, *OURS), "source.created"),
    ("graphs", "create"): (
        lambda _: ('{"name": "new", "source": "warehouse", "query": "select 1"}', *OURS),
        "graph.created",
    ),
    ("graphs", "delete"): (lambda _: ("spare", *OURS), "graph.deleted"),
    ("dashboards", "create"): (lambda _: ('{"name": "new", "graphs": ["spare"]}', *OURS), "dashboard.created"),
    ("dashboards", "delete"): (lambda _: ("mondays", *OURS), "dashboard.deleted"),
    ("templates", "create"): (
        lambda _: ('{"name": "new", "purpose": "kpi.threshold", "subject": "Look"}', *OURS),
        "template.created",
    ),
    ("templates", "edit"): (lambda _: ("ours", '{"subject": "Look"}', *OURS), "template.edited"),
    ("templates", "delete"): (lambda _: ("ours", *OURS), "template.deleted"),
    ("reports", "create"): (lambda _: (NEW_REPORT, *OURS), "scheduled_report.created"),
    ("reports", "edit"): (lambda _: ("weekly", '{"status": "PAUSED"}', *OURS), "scheduled_report.edited"),
    ("reports", "run"): (lambda _: ("weekly", *OURS), "scheduled_report.run"),
    ("reports", "delete"): (lambda _: ("weekly", *OURS), "scheduled_report.deleted"),
    ("report-definitions", "create"): (
        lambda _: ('{"name": "new", "source": "warehouse", "query": "select 1"}', *OURS),
        "report_definition.created",
    ),
    ("report-definitions", "edit"): (
        lambda _: ("sales", '{"title": "Sales"}', *OURS),
        "report_definition.edited",
    ),
    ("report-definitions", "delete"): (lambda _: ("unused", *OURS), "report_definition.deleted"),
    ("alerts", "create"): (lambda _: (NEW_ALERT, *OURS), "kpi_alert.created"),
    ("alerts", "acknowledge"): (lambda _: ("high", *OURS), "kpi_alert.acknowledged"),
    ("alerts", "snooze"): (lambda _: ("low", "--seconds", "3600", *OURS), "kpi_alert.snoozed"),
    ("alerts", "delete"): (lambda _: ("low", *OURS), "kpi_alert.deleted"),
    ("pulses", "create"): (lambda _: (NEW_PULSE, *OURS), "pulse.created"),
    ("pulses", "edit"): (lambda _: ("briefing", '{"cron": "0 9 * * 2"}', *OURS), "pulse.edited"),
    ("pulses", "delete"): (lambda _: ("briefing", *OURS), "pulse.deleted"),
    ("pulses", "publish"): (lambda _: ("briefing", *OURS), "pulse.published"),
    ("pulses", "preview"): (lambda _: ("briefing", *OURS), "pulse.previewed"),
    ("silences", "create"): (
        lambda _: ('{"name": "new", "alert": "low", "durationSeconds": 60}', *OURS),
        "silence.created",
    ),
    ("silences", "end"): (lambda _: ("a move", *OURS), "silence.edited"),
    ("channels", "create"): (
        lambda _: ('{"name": "new", "type": "slack"}', "--credential", "https://example.com/hush", *OURS),
        "channel.created",
    ),
    ("channels", "edit"): (lambda _: ("ops", '{"name": "dev"}', *OURS), "channel.edited"),
    ("channels", "delete"): (lambda _: ("ops", *OURS), "channel.deleted"),
    ("users", "import"): (lambda world: (world.csv, *OURS), "user.imported"),
    ("users", "delete"): (lambda _: ("someone", *OURS), "user.deleted"),
    ("crew", "create"): (
        lambda _: ('{"name": "new", "url": "https://example.com", "headers": {"X-Key": "hush"}}', *OURS),
        "crew_endpoint.created",
    ),
    ("crew", "start"): (lambda _: ("--minutes", "30", *OURS), "crew.started"),
    ("crew", "stop"): (lambda _: OURS, "crew.stopped"),
    ("crew", "run-now"): (lambda _: OURS, "crew.run"),
    ("crew", "delete"): (lambda _: ("planner", *OURS), "crew_endpoint.deleted"),
    ("limits", "set"): (lambda _: ("tenant", "--max-running", "5", *OURS), "limit.created"),
    ("limits", "delete"): (lambda _: ("host:api.example.com", *OURS), "limit.deleted"),
    ("calendars", "create"): (lambda _: ("own", "--day", "2026-12-24=Christmas Eve", *OURS), "calendar.created"),
    ("calendars", "delete"): (lambda _: ("days", *OURS), "calendar.deleted"),
    ("suppressions", "add"): (lambda _: ("new@example.com", "--schedule", "active", *OURS), "suppression.created"),
    ("suppressions", "delete"): (lambda _: ("ann@example.com", *OURS), "suppression.deleted"),
    ("import", "crontab"): (
        lambda _: ("crontab.txt", "--url", "https://example.com/{name}", *OURS),
        "schedule.created",
    ),
    ("import", "celery-beat"): (
        lambda _: ("beat.py", "--url", "https://example.com/{name}", *OURS),
        "schedule.created",
    ),
    ("tenants", "create"): (lambda _: ("globex",), "tenant.created"),
    ("tenants", "set"): (lambda _: (SLUG, "name=Acme", "quotas.schedules=5"), "tenant.edited"),
    ("tenants", "suspend"): (lambda _: (SLUG,), "tenant.suspended"),
    ("tenants", "reinstate"): (lambda _: ("asleep",), "tenant.reinstated"),
    ("tenants", "export"): (lambda _: (SLUG, "-o", "export.jsonl"), "tenant.exported"),
    ("tenants", "delete"): (lambda _: (SLUG, "--yes"), "tenant.erased"),
    ("members", "create"): (lambda _: ("ann-2", "--email", "ann@example.com", *OURS), "member.created"),
    ("members", "disable"): (lambda _: ("ann", *OURS), "member.edited"),
    ("members", "erase"): (lambda _: ("ann", *OURS), "member.erased"),
    ("tokens", "create"): (lambda _: ("--scope", "read", *OURS), "token.created"),
    ("tokens", "link"): (lambda _: ("--role", "viewer", *OURS), "link.created"),
    ("tokens", "revoke"): (lambda world: (world.token,), "token.revoked"),
    ("keys", "rotate"): (lambda _: (), "keys.rotated"),
    ("doctor",): (lambda _: ("--adopt",), "installation.adopted"),
}
READS = {
    ("why",),
    *(("schedules", verb) for verb in ("list", "show", "next")),
    *(("runs", verb) for verb in ("list", "show", "watch")),
    *(("dead", verb) for verb in ("list", "show")),
    ("deliveries", "list"),
    ("sources", "list"),
    *((noun, verb) for noun in ("graphs", "dashboards", "alerts", "templates", "pulses") for verb in ("list", "show")),
    *(("alerts", verb) for verb in ("test", "backtest", "why", "history")),
    ("templates", "preview"),
    ("pulses", "jobs"),
    *(("reports", verb) for verb in ("list", "show", "preview", "executions", "stats")),
    *(("report-definitions", verb) for verb in ("list", "show", "versions", "preview")),
    ("silences", "list"),
    *(("channels", verb) for verb in ("list", "show", "test")),
    ("limits", "list"),
    *((noun, verb) for noun in ("users", "crew") for verb in ("list", "show")),
    ("crew", "status"),
    ("suppressions", "list"),
    *(("calendars", verb) for verb in ("list", "show")),
    *(("cron", verb) for verb in ("explain", "next")),
    *(("tenants", verb) for verb in ("list", "show")),
    ("members", "list"),
    ("tokens", "list"),
    ("keys", "generate"),
    ("audit", "verify"),
    ("export",),
}
# These write on a database of their own, are the schema's, or leave several entries.
ELSEWHERE = {("reports", "examples"), ("apply",), ("migrate",), ("demo",), ("bench",), ("chaos",)}


def test_every_command_is_known_to_write_or_to_read() -> None:
    assert set(WRITES) | READS | ELSEWHERE | SILENT == set(COMMANDS)


@pytest.fixture
def world(conn: make.Connection, tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> World:
    monkeypatch.setenv("TOCSIN_URL", "https://tocsin.example.com")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crontab.txt").write_text("0 9 * * * true\n")
    (tmp_path / "beat.py").write_text('beat_schedule = {"x": {"task": "t", "schedule": 60}}')
    tenant = make.tenant(conn, slug=SLUG)
    make.tenant(conn, slug="asleep", status="suspended")
    interval = {"interval_seconds": 3600, "interval_anchor": make.value(conn, "select timestamptz '2026-01-01Z'")}
    make.schedule(conn, tenant, name="active", **interval)
    make.schedule(conn, tenant, name="paused", status="paused", next_fire_at=None, **interval)
    slot = make.now(conn)
    run, dead = make.run(conn, tenant, state="pending"), make.run(conn, tenant, state="dead", slot_at=slot)
    letter = dead
    delivery = make.delivery(conn, tenant, dead, slot, state="failed")
    make.insert(
        conn,
        "dead_letters",
        {"id": letter, "tenant_id": tenant, "run_id": dead, "slot_at": slot}
        | {"kind": "test.noop", "fence": 1, "cause": "rejected", "attempts": 1},
    )
    make.insert(conn, "members", {"tenant_id": tenant, "subject": "ann", "email": "ann@example.com", "role": "viewer"})
    threshold = {"condition": "LESS_THAN", "thresholdValue": 5}
    source = {"id": uuid4(), "tenant_id": tenant, "name": "warehouse", "type": "postgres", "url": URL}
    make.insert(conn, "sources", source)
    asked = {"source": "warehouse", "query": "select 1", "alertName": "low", "recipients": ["bob@example.com"]}
    make_alert(conn, tenant, asked | threshold)
    high = make_alert(conn, tenant, asked | threshold | {"alertName": "high"})
    state = {"alert_id": high.id, "tenant_id": tenant, "segment": "", "state": "firing", "run_id": run}
    make.insert(conn, "alert_states", state | {"since": slot, "slot_at": slot})
    spare = {"id": uuid4(), "tenant_id": tenant, "name": "spare", "source_id": source["id"], "query": "select 1"}
    make.insert(conn, "graphs", spare)
    make.insert(conn, "dashboards", {"tenant_id": tenant, "name": "mondays"})
    make.insert(conn, "templates", {"tenant_id": tenant, "name": "ours", "purpose": "kpi.threshold", "subject": "x"})
    with conn.transaction():
        pulse = make.schedule(
            conn, tenant, name="briefing", kind="pulse.report", cron="0 9 * * 1", overlap_policy="cancel_running"
        )
        make.insert(conn, "pulse_configs", {"schedule_id": pulse, "tenant_id": tenant, "prompt": "what is new?"})
    for name in ("sales", "unused"):
        defined = {"tenant_id": tenant, "name": name, "source_id": source["id"], "query": "select 1"}
        make.insert(conn, "report_definitions", defined)
    made = conn.execute("select id from report_definitions where name = 'sales'").fetchone()
    with conn.transaction():
        of = make.schedule(conn, tenant, name="weekly", kind="report.export", cron="0 8 * * 1")
        report = {"id": uuid4(), "tenant_id": tenant, "schedule_id": of, "export_formats": ["csv"]}
        make.insert(conn, "scheduled_reports", report | {"report_definition_id": made and made[0]})
    span = {"starts_at": make.now(conn), "ends_at": make.now(conn) + timedelta(hours=1)}
    make.insert(conn, "silences", {"tenant_id": tenant, "name": "a move"} | span)
    channel_id = uuid4()
    channel = {"id": channel_id, "tenant_id": tenant, "name": "ops", "type": "slack", "origin": "https://127.0.0.1:1"}
    sealed = Seal((KEY,)).seal("https://127.0.0.1:1/hush", credential_place(tenant, channel_id))
    make.insert(conn, "channels", channel | {"sealed_credential": sealed})
    make.insert(conn, "limits", {"tenant_id": tenant, "name": "host:api.example.com", "max_running": 1})
    suppressed = {"tenant_id": tenant, "recipient": "ann@example.com", "reason": "bounce", "source": "ses"}
    make.insert(conn, "suppressions", suppressed)
    make.insert(conn, "calendars", {"tenant_id": tenant, "name": "days"})
    make.insert(conn, "users", {"tenant_id": tenant, "uid": "someone"})
    make.insert(
        conn, "crew_endpoints", {"id": uuid4(), "tenant_id": tenant, "name": "planner", "url": "https://example.com"}
    )
    (tmp_path / "users.csv").write_text("uid,goal,active\nsomeone,to grow,yes\nanother,to rest,no\n")
    token = make.value(
        conn, "insert into api_tokens (tenant_id, name, scope, hash) values (%s, 'a', 'read', 'x') returning id", tenant
    )
    return World(tenant, run, dead, letter, delivery, str(token), rfc3339(slot - timedelta(days=1)), "users.csv")


def entries(conn: make.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select action, who, subject_id, before::text, after::text from audit_log").fetchall()


@pytest.mark.parametrize("command", sorted(WRITES), ids=" ".join)
def test_a_command_that_writes_leaves_one_entry(
    tocsin: Tocsin, conn: make.Connection, world: World, command: tuple[str, ...]
) -> None:
    argv, action = WRITES[command]
    answer = tocsin(*command, *argv(world), "--json")
    assert answer.status == 0 or command == ("doctor",), answer.err
    answer.json()
    (entry,) = entries(conn)
    assert entry[0] == action
    assert entry[1].startswith("command")
    assert "hush" not in str(entry)
    assert "ann@example.com" not in str(entry)
    assert tocsin("audit", "verify", "--json").json() == {"ok": True, "entries": 1, "chains": 1, "broken": []}


def test_a_command_that_is_refused_leaves_none(tocsin: Tocsin, conn: make.Connection, world: World) -> None:
    tocsin("schedules", "resume", "active", *OURS).complaint()
    tocsin("runs", "retry", str(world.run), *OURS).complaint()
    tocsin("tenants", "reinstate", SLUG).complaint()
    tocsin("tokens", "create", "--scope", "read", "--expires", "2001-01-01T00:00:00Z", *OURS).complaint()
    for noun in ("schedules", "tokens", "members"):
        assert tocsin(noun, "list", *OURS).status == 0
    assert tocsin("audit", "verify").status == 0
    assert entries(conn) == []


def test_an_entry_that_was_altered_is_named(tocsin: Tocsin, conn: make.Connection, world: World) -> None:
    for name in ("one", "two", "three"):
        tocsin("tokens", "create", "--scope", "read", "--name", name, *OURS)
    assert tocsin("audit", "verify").out == "3 entries in 1 chains, none broken\n"
    with conn.transaction():
        conn.execute("set local session_replication_role to replica")
        conn.execute("update audit_log set who = 'somebody else' where number = 2")
    answer = tocsin("audit", "verify")
    assert (answer.status, answer.out) == (1, f"broken: entry 2 of {SLUG}: altered\n")
    (broken,) = tocsin("audit", "verify", "--json").json()["broken"]
    assert (broken["tenant"], broken["number"], broken["problem"]) == (SLUG, 2, "altered")
