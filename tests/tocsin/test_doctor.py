"""`tocsin doctor`: what is wrong is a line, secrets are none, and the exit status says whether work can be done."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.crew import endpoint
from tests.tocsin.conftest import KEY, Tocsin


def _checks(answer: Any) -> dict[str, tuple[str, str]]:
    return {check["name"]: (check["state"], check["detail"]) for check in answer.json()["checks"]}


def test_a_sound_installation_has_nothing_failed(
    tocsin: Tocsin, conn: make.Connection, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis)
    monkeypatch.setenv("MAIL_URL", "smtp://bob:hush@mail.example.com:587")
    make.process(conn)
    make.process(conn, role="ticker")
    answer = tocsin("doctor", "--json")
    found = _checks(answer)
    assert answer.status == 0, found
    assert answer.json()["ok"] is True
    sound = {"settings", "kinds", "keys", "mail", "broker", "database", "durability", "walls", "clock", "schema"}
    assert {name for name, (state, _) in found.items() if state == "ok"} >= sound | {"installation", "processes"}
    assert "time zones" in found
    assert "hush" not in answer.out
    assert KEY not in answer.out


def test_what_is_wrong_is_named_and_fails(
    tocsin: Tocsin, database: str, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hush@127.0.0.1:1")
    monkeypatch.setenv("MAIL_URL", "smtp://bob:hush@mail.example.com:587/x?y=z")
    name = database.rpartition("/")[2]
    conn.execute(f"alter database {name} set synchronous_commit to off")
    tenant_id = make.tenant(conn)
    make.schedule(conn, tenant_id, next_fire_at=make.value(conn, "select now() - interval '5 minutes'"))
    answer = tocsin("doctor", "--json")
    found = _checks(answer)
    assert answer.status == 1
    assert found["durability"] == ("fail", "synchronous_commit is off: a crash loses what was sent")
    assert found["broker"][0] == "warn"
    state, detail = found["schedules"]
    # How busy this machine is adds to the five minutes.
    assert (state, re.fullmatch(r"the oldest due schedule waits since 3\d\d s", detail) is not None) == ("warn", True)
    due = "schedules are due and no {0} lives: start `tocsin {0}`"
    assert found["processes"] == ("fail", f"none alive; {due.format('ticker')}; {due.format('worker')}")
    assert "hush" not in answer.out


def test_an_installation_that_never_began_is_not_blamed_for_it(
    tocsin: Tocsin, conn: make.Connection, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis)
    later = make.now(conn) + timedelta(hours=1)
    make.schedule(conn, make.tenant(conn), next_fire_at=later, scheduled_at=later)
    answer = tocsin("doctor", "--json")
    assert (answer.status, _checks(answer)["processes"]) == (0, ("warn", "none alive"))
    make.run(conn, make.tenant(conn), queue="calls")
    assert tocsin("doctor").status == 1
    # What is held is left alone on purpose.
    monkeypatch.setenv("TOCSIN_MODE", "held")
    assert _checks(tocsin("doctor", "--json"))["processes"][0] == "warn"


def test_a_queue_of_runs_that_nobody_serves_fails(tocsin: Tocsin, conn: make.Connection) -> None:
    make.process(conn, role="ticker")
    make.process(conn, queues=["alerts", "default"])
    tenant = make.tenant(conn)
    for queue in ("alerts", "calls", "suspect"):
        make.run(conn, tenant, queue=queue)
    answer = tocsin("doctor", "--json")
    assert answer.status == 1
    lacking = "runs wait and no worker lives that serves calls: start `tocsin worker`"
    assert _checks(answer)["processes"] == ("fail", f"1 ticker, 1 worker; {lacking}")


def test_an_endpoint_that_gives_no_answer_is_named_while_nobody_can_be_told(
    tocsin: Tocsin, conn: make.Connection
) -> None:
    tenant = make.tenant(conn, slug="lonely")
    made = endpoint(conn, tenant, "https://example.com", name="planner")
    since = "2026-03-29 01:00:00+00"
    conn.execute("update limits set open_since = %s where name = %s", (since, f"endpoint:{made}"))
    told = _checks(tocsin("doctor", "--json"))["crews"]
    detail = "the endpoint planner of the tenant lonely is open since 2026-03-29T01:00:00Z, nobody could be told: "
    assert told == ("warn", f"{detail}it has neither a member nor noticesTo")
    conn.execute("""update tenants set settings = '{"noticesTo": ["ops@example.com"]}' where id = %s""", (tenant,))
    assert "crews" not in _checks(tocsin("doctor", "--json"))


def test_an_unknown_setting_is_told_once(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_LEASE_SECOND", "15")
    answer = tocsin("doctor")
    assert answer.status == 1
    assert answer.out.count("TOCSIN_LEASE_SECOND is not a setting") == 1


def test_an_unreachable_database_is_one_failed_line(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://bob:hush@127.0.0.1:1/x")
    answer = tocsin("doctor", "--json")
    assert answer.status == 1
    state, detail = _checks(answer)["database"]
    assert state == "fail"
    assert "Connection refused" in detail
    assert "hush" not in answer.out


def test_a_copy_is_held_until_it_is_adopted(
    tocsin: Tocsin, conn: make.Connection, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis)
    conn.execute("update installation set fingerprint = 'elsewhere'")
    before = make.value(conn, "select id from installation")
    state, detail = _checks(tocsin("doctor", "--json"))["installation"]
    assert state == "warn"
    assert "is a copy and is held" in detail
    assert _checks(tocsin("doctor", "--adopt", "--json"))["installation"] == ("ok", "this database is its own")
    assert make.value(conn, "select id from installation") != before


def test_a_database_that_was_moved_is_live_and_keeps_its_files(
    tocsin: Tocsin, conn: make.Connection, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis)
    conn.execute("update installation set fingerprint = 'elsewhere'")
    before = make.value(conn, "select id from installation")
    assert _checks(tocsin("doctor", "--moved", "--json"))["installation"] == ("ok", "this database is its own")
    assert make.value(conn, "select id from installation") == before
    assert make.value(conn, "select action from audit_log order by number desc limit 1") == "installation.moved"
    assert tocsin("doctor", "--moved", "--adopt").status == 2


def test_a_copy_with_open_work_stays_held_until_it_is_said_what_becomes_of_it(
    tocsin: Tocsin, conn: make.Connection
) -> None:
    conn.execute("update installation set fingerprint = 'elsewhere'")
    make.run(conn, make.tenant(conn))
    state, detail = _checks(tocsin("doctor", "--adopt", "--json"))["installation"]
    assert (state, "open runs 1, unsettled deliveries 0, schedules due 0" in detail) == ("fail", True)
    assert "is a copy and is held" in _checks(tocsin("doctor", "--json"))["installation"][1]
    assert _checks(tocsin("doctor", "--adopt", "--repeat", "--json"))["installation"][0] == "ok"
    assert make.value(conn, "select state from runs") == "queued"


def test_nothing_is_passed_over_where_processes_live_that_are_not_held(tocsin: Tocsin, conn: make.Connection) -> None:
    make.run(conn, make.tenant(conn))
    process = make.process(conn)
    assert _checks(tocsin("doctor", "--moved", "--pass-over", "--json"))["installation"] == (
        "fail",
        "processes live here, so nothing was passed over; stop them first",
    )
    assert make.value(conn, "select state from runs") == "queued"
    conn.execute("update processes set leased_until = now() where id = %s", (process,))
    assert _checks(tocsin("doctor", "--moved", "--pass-over", "--json"))["installation"][0] == "ok"
    assert make.value(conn, "select state from runs") == "cancelled"
    after = "select after -> 'passedOver' -> 'runs' from audit_log order by number desc limit 1"
    assert make.value(conn, after) == 1
    assert tocsin("doctor", "--pass-over").complaint() == "--pass-over and --repeat go with --adopt or --moved"


def test_the_store_of_files_is_tried_and_nothing_is_left(
    tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _checks(tocsin("doctor", "--json"))["files"][0] == "warn"
    monkeypatch.setenv("ARTIFACT_URL", f"file://{tmp_path}/files")
    assert _checks(tocsin("doctor", "--json"))["files"] == ("ok", "file: one was written, read back and deleted")
    assert list((tmp_path / "files").iterdir()) == []


def _refuses(*_: object) -> None:
    raise OSError("not allowed here")


@pytest.mark.parametrize(
    ("verb", "does", "said"),
    [
        (
            "put",
            _refuses,
            "a file can't be written: the store of files (ARTIFACT_URL) does not do it: not allowed here",
        ),
        (
            "get",
            _refuses,
            "a file can't be read back: the store of files (ARTIFACT_URL) does not do it: not allowed here",
        ),
        (
            "delete",
            _refuses,
            "a file can't be deleted: the store of files (ARTIFACT_URL) does not do it: not allowed here",
        ),
        ("delete", lambda *_: None, "a file can't be deleted: it is still there afterwards"),
    ],
)
def test_what_the_store_of_files_does_not_do_is_named(
    tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, does: Any, said: str
) -> None:
    monkeypatch.setenv("ARTIFACT_URL", f"file://{tmp_path}/files")
    monkeypatch.setattr(f"obstore.{verb}", does)
    answer = tocsin("doctor", "--json")
    state, detail = _checks(answer)["files"]
    assert (state, detail.startswith(said)) == ("fail", True), detail
    left = [path.name for path in (tmp_path / "files").iterdir()]
    assert answer.status == 1
    assert len(left) == (verb != "put")
    assert all(f"{name} stays there" in detail for name in left)


def test_a_store_that_can_not_be_used_is_named(tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no").write_text("a file where a folder should be")
    monkeypatch.setenv("ARTIFACT_URL", f"file://{tmp_path}/no/folder")
    state, detail = _checks(tocsin("doctor", "--json"))["files"]
    assert (state, "ARTIFACT_URL names what can't be used" in detail) == ("fail", True)
