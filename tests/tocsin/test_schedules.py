"""`tocsin schedules`, `sources` and `tenants` from end to end on a real database."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from db.jsonb import rfc3339
from tests import make
from tests.tocsin.conftest import Tocsin

NOOP = ("schedules", "create", "test.noop")


def test_a_schedule_goes_from_made_to_paused_to_resumed(tocsin: Tocsin) -> None:
    made = tocsin(*NOOP, "--name", "nightly", "--cron", "0 3 * * *", "--tz", "Europe/Paris", "--json").json()
    assert (made["jobType"], made["cronExpression"], made["status"]) == ("test.noop", "0 3 * * *", "active")
    assert made["nextRunAt"].endswith("Z")
    assert tocsin("schedules", "show", "nightly", "--json").json() == made

    paused = tocsin("schedules", "pause", "nightly", "--note", "holidays", "--json").json()
    assert (paused["status"], paused["pauseNote"], paused["nextRunAt"]) == ("paused", "holidays", None)
    assert "is paused and cannot become paused" in tocsin("schedules", "pause", made["id"]).complaint()

    resumed = tocsin("schedules", "resume", made["id"], "--json").json()
    assert (resumed["status"], resumed["pauseNote"]) == ("active", None)
    assert resumed["nextRunAt"] == made["nextRunAt"]
    following = tocsin("schedules", "next", "nightly", "--count", "3", "--json").json()
    assert [sorted(slot) for slot in following] == [["at", "dst", "local"]] * 3
    assert following[0]["at"] == made["nextRunAt"]

    cancelled = tocsin("schedules", "cancel", "nightly", "--json").json()
    assert (cancelled["status"], cancelled["nextRunAt"]) == ("cancelled", None)
    assert "is cancelled" in tocsin("schedules", "resume", "nightly").complaint()
    assert tocsin("schedules", "next", "nightly", "--json").json() == []
    assert [row["name"] for row in tocsin("schedules", "list", "--status", "cancelled", "--json").json()] == ["nightly"]
    assert tocsin("schedules", "list", "--kind", "http.call", "--json").json() == []


def test_a_recurrence_is_made_and_told_in_words(tocsin: Tocsin) -> None:
    told = {"every": "month", "days": ["first business day"], "hour": 9}
    made = tocsin(
        *NOOP, "--name", "monthly", "--recurrence", json.dumps(told), "--tz", "Europe/Madrid", "--json"
    ).json()
    assert made["recurrence"] == {"interval": 1, "minute": 0, "shift": "skip", "weekends": False} | told
    words = "At 09:00 on the first business day of each month (Europe/Madrid)"
    assert tocsin("schedules", "next", "monthly", "--count", "1").out.splitlines()[0] == words
    following = tocsin("schedules", "next", "monthly", "--count", "1", "--json").json()
    assert following[0]["at"] == made["nextRunAt"]
    assert words in tocsin("schedules", "list").out


def test_a_schedule_without_a_name_is_named_by_its_kind(tocsin: Tocsin) -> None:
    made = tocsin(*NOOP, "--every", "60", "--json").json()
    assert made["name"] == f"test.noop {made['id'][:8]}"


def test_a_name_is_taken_once(tocsin: Tocsin) -> None:
    tocsin(*NOOP, "--name", "one", "--every", "60")
    assert tocsin(*NOOP, "--name", "one", "--every", "60").complaint() == (
        "name: there is a schedule named 'one' already"
    )


def test_params_come_from_a_file(tocsin: Tocsin, tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"url": "https://example.com/hook", "body": {"a": 1}}')
    made = tocsin("schedules", "create", "http.call", "--every", "60", "--params", f"@{file}", "--json").json()
    assert made["jobPayload"]["body"] == {"a": 1}
    assert made["queue"] == "calls"


def test_a_secret_is_stored_sealed_and_never_shown(tocsin: Tocsin, conn: make.Connection) -> None:
    params = json.dumps({"url": "https://example.com/hook", "secret": "whsec_c2VjcmV0"})
    made = tocsin("schedules", "create", "http.call", "--every", "60", "--params", params, "--json")
    assert made.json()["jobPayload"]["secret"] == "***"
    kept = make.value(conn, "select params::text from schedules")
    assert "c2VjcmV0" not in kept
    assert '"secret": "sealed:' in kept


def test_a_secret_needs_a_key(tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_SECRET_KEYS")
    params = json.dumps({"url": "https://example.com/hook", "secret": "whsec_c2VjcmV0"})
    answer = tocsin("schedules", "create", "http.call", "--every", "60", "--params", params)
    assert answer.complaint().startswith("TOCSIN_SECRET_KEYS is not set")
    assert make.value(conn, "select count(*) from schedules") == 0


def test_run_and_backfill_make_runs_once(tocsin: Tocsin, conn: make.Connection) -> None:
    tocsin(*NOOP, "--name", "hourly", "--cron", "0 * * * *")
    ran = tocsin("schedules", "run", "hourly", "--json").json()
    assert len(ran["runIds"]) == 1
    last = make.now(conn).replace(minute=0, second=0, microsecond=0)
    span = ("--from", rfc3339(last - timedelta(hours=3)), "--to", rfc3339(last))
    filled = tocsin("schedules", "backfill", "hourly", *span, "--json").json()
    assert len(filled["runIds"]) == 4
    assert tocsin("schedules", "backfill", "hourly", *span, "--json").json() == {"runIds": []}
    runs = tocsin("runs", "list", "--schedule", "hourly", "--json").json()
    assert [run["id"] for run in runs] == [*ran["runIds"], *reversed(filled["runIds"])]
    assert {run["origin"] for run in runs} == {"manual", "backfill"}
    future = ("--from", rfc3339(last), "--to", rfc3339(last + timedelta(days=1)))
    assert "ends in the future" in tocsin("schedules", "backfill", "hourly", *future).complaint()
    assert "--to: takes a time" in tocsin("schedules", "backfill", "hourly", *span[:2], "--to", "now").complaint()


def test_a_source_keeps_its_password_to_itself(tocsin: Tocsin, conn: make.Connection) -> None:
    url = "postgresql://reader:s%40cret@db.example.com:5432/sales?sslmode=require"
    made = tocsin("sources", "create", "warehouse", "--url", url, "--json").json()
    assert made["url"] == "postgresql://reader@db.example.com:5432/sales?sslmode=require"
    assert made["hasPassword"] is True
    assert "cret" not in make.value(conn, "select sealed_password || url from sources")
    assert tocsin("sources", "list", "--json").json() == [made]
    assert "already" in tocsin("sources", "create", "warehouse", "--url", url).complaint()
    for bad in (
        "postgresql:///x",
        "mysql://a:hush@b/c",
        "postgresql://a@b/c?password=hush",
        "postgresql://a:hush@b,c/d",
    ):
        assert "hush" not in tocsin("sources", "create", "other", "--url", bad).complaint()


def test_a_schedule_of_an_alert_is_made_with_its_alert_alone(tocsin: Tocsin, conn: make.Connection) -> None:
    create = ("schedules", "create", "kpi.threshold", "--cron", "@hourly")
    assert tocsin(*create).complaint().startswith("jobType: schedules of kpi.threshold are made at /api/kpi-alerts")
    assert make.value(conn, "select count(*) from schedules") == 0


def test_tenants_are_apart(tocsin: Tocsin) -> None:
    for slug in ("acme", "globex"):
        assert tocsin("tenants", "create", slug, "--json").json()["slug"] == slug
    tocsin(*NOOP, "--name", "mine", "--every", "60", "--tenant", "acme")
    assert [row["name"] for row in tocsin("schedules", "list", "--tenant", "acme", "--json").json()] == ["mine"]
    assert tocsin("schedules", "list", "--tenant", "globex", "--json").json() == []
    assert "there is no schedule mine" in tocsin("schedules", "pause", "mine", "--tenant", "globex").complaint()
    assert [row["slug"] for row in tocsin("tenants", "list", "--json").json()] == ["acme", "globex"]
    assert "already" in tocsin("tenants", "create", "acme").complaint()
    assert "takes up to 63" in tocsin("tenants", "create", "Acme").complaint()


def test_listings_are_readable_tables(tocsin: Tocsin) -> None:
    assert tocsin("schedules", "list").out == "no schedules yet\n"
    tocsin(*NOOP, "--name", "a", "--every", "60")
    head, row = tocsin("schedules", "list").out.splitlines()
    assert head.split() == ["ID", "NAME", "KIND", "WHEN", "STATUS", "NEXT", "LAST", "SUCCESS"]
    assert head.index("KIND") == row.index("test.noop")
    assert "every 60 s" in row


def test_what_owes_something_is_listed_alone(tocsin: Tocsin, conn: make.Connection) -> None:
    assert tocsin("schedules", "list", "--overdue").out == "none is overdue\n"
    for name in ("late", "due", "well", "paused", "not judged"):
        tocsin("schedules", "create", "test.noop", "--name", name, "--every", "60", "--deliver-within", "60")
    late, unjudged = (
        make.value(conn, "select id from schedules where name = %s", name) for name in ("late", "not judged")
    )
    conn.execute(
        "update schedules set plan_from = date_trunc('hour', now()) - interval '1 hour' where id = %s", (unjudged,)
    )
    conn.execute("update watches set late_since = now(), late_slot_at = now() where schedule_id = %s", (late,))
    conn.execute(
        "update watches set look_at = now() - interval '1 minute', since = now() - interval '1 hour' "
        "where schedule_id = %s",
        (unjudged,),
    )
    tenant_id, slot = make.value(conn, "select tenant_id from schedules"), make.now(conn) - timedelta(minutes=5)
    make.run(conn, tenant_id, schedule_id=unjudged, schedule_version=1, origin="schedule", state="dead", slot_at=slot)
    conn.execute("update schedules set next_fire_at = now() - interval '1 minute' where name in ('due', 'paused')")
    tocsin("schedules", "pause", "paused")
    listed = tocsin("schedules", "list", "--overdue", "--json").json()
    assert {each["name"] for each in listed} == {"late", "due", "not judged"}
