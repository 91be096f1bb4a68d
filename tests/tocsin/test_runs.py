"""`tocsin runs`, `dead` and `why` on runs in every state."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.ids import id_at
from db.jsonb import Jsonb, rfc3339
from tests import make
from tests.tocsin.conftest import Tocsin


@pytest.fixture
def schedule(tocsin: Tocsin) -> dict[str, Any]:
    """A schedule whose runs may not overlap."""
    found: dict[str, Any] = tocsin(
        "schedules", "create", "test.noop", "--name", "daily", "--cron", "@daily", "--max-attempts", "3", "--json"
    ).json()
    return found


def _run(conn: make.Connection, schedule: dict[str, Any], **row: Any) -> UUID:
    tenant_id = make.value(conn, "select tenant_id from schedules")
    return make.run(conn, tenant_id, **{"schedule_id": schedule["id"], "schedule_version": 1, **row})


def _dead(conn: make.Connection, schedule: dict[str, Any], **row: Any) -> tuple[UUID, UUID]:
    """A run that died at its third attempt, and its dead letter."""
    slot = row.pop("slot_at", None) or make.now(conn)
    row = {"state": "dead", "slot_at": slot, "fence": 9, "attempt": 3, "max_attempts": 3, "queue": "suspect"} | row
    run = _run(conn, schedule, error="ValueError: no", finished_at=slot, **row)
    tenant_id = make.value(conn, "select tenant_id from schedules")
    key = {"run_id": run, "slot_at": slot, "tenant_id": tenant_id, "fence": 9}
    letter = {"id": id_at(slot), "kind": "test.noop", "cause": "attempts_exhausted", "error": "ValueError: no"}
    make.insert(conn, "dead_letters", key | letter | {"attempts": 3, "schedule_id": schedule["id"]})
    attempt = {"attempt": 3, "outcome": "raised", "error": "ValueError: no", "traceback": "Traceback: here"}
    make.insert(conn, "run_attempts", key | attempt)
    return run, letter["id"]  # type: ignore[return-value]


def test_a_dead_letter_replayed_twice_is_one_replay(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    run, letter = _dead(conn, schedule)
    [listed] = tocsin("dead", "list", "--json").json()
    assert (listed["id"], listed["runId"], listed["cause"]) == (str(letter), str(run), "attempts_exhausted")
    shown = tocsin("dead", "show", str(letter), "--json").json()
    assert shown["attempts"][0]["traceback"] == "Traceback: here"

    again = tocsin("dead", "replay", str(letter), "--json").json()
    assert (again["id"], again["state"], again["fence"], again["attempt"]) == (str(run), "pending", 10, 3)
    assert (again["maxAttempts"], again["queue"], again["availableAt"]) == (6, "default", None)
    assert tocsin("dead", "replay", str(letter)).complaint() == "the dead letter was replayed already"
    assert tocsin("dead", "replay", str(run)).complaint() == "the dead letter was replayed already"
    assert make.value(conn, "select fence from runs where id = %s", run) == 10
    assert tocsin("dead", "list", "--json").json() == []
    assert [each["state"] for each in tocsin("dead", "list", "--state", "replayed", "--json").json()] == ["replayed"]


def test_what_a_run_made_is_listed_and_replayed_by_its_schedule_its_maker_and_its_kind(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    slot = make.now(conn)
    crew = _run(conn, schedule, state="succeeded", slot_at=slot, attempt=1)
    call, _ = _dead(
        conn, {"id": None}, slot_at=slot, parent_run_id=crew, item_key="ann", kind="crew.ask", schedule_version=None
    )
    other, _ = _dead(conn, schedule)
    listed = tocsin("dead", "list", "--schedule", "daily", "--kind", "test.noop", "--json").json()
    assert {each["runId"] for each in listed} == {str(call), str(other)}
    [shown] = tocsin("dead", "list", "--parent", str(crew), "--json").json()
    assert (shown["runId"], shown["itemKey"], shown["scheduleName"]) == (str(call), "ann", "daily")
    assert "  daily     ann   test.noop  " in tocsin("dead", "list", "--parent", str(crew)).out
    for option in ("--schedule", "--parent", "--kind"):
        refused = tocsin("dead", "replay", str(other), option, str(crew)).complaint()
        assert refused == f"{option}: goes with --all, and not with one dead letter"
    assert tocsin("dead", "replay", "--all", "--kind", "nothing", "--json").json()["runIds"] == []
    assert tocsin("dead", "replay", "--all", "--parent", str(crew), "--json").json()["runIds"] == [str(call)]
    done = tocsin("dead", "replay", "--all", "--schedule", "daily", "--kind", "test.noop", "--json").json()
    assert done["runIds"] == [str(other)]


def test_a_discarded_letter_is_settled_and_its_run_stays_dead(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    run, letter = _dead(conn, schedule)
    assert tocsin("dead", "discard", str(run), "--json").json()["state"] == "discarded"
    assert tocsin("dead", "replay", str(letter)).complaint() == "the dead letter was discarded already"
    assert tocsin("dead", "discard", str(letter)).complaint() == "the dead letter was discarded already"
    assert tocsin("runs", "show", str(run), "--json").json()["state"] == "dead"


def test_retry_opens_a_dead_run_and_no_other(tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]) -> None:
    run, _ = _dead(conn, schedule)
    assert tocsin("runs", "retry", str(run), "--json").json()["state"] == "pending"
    assert tocsin("runs", "retry", str(run)).complaint() == "the run is pending; only a dead run is tried again"
    assert make.value(conn, "select state from dead_letters") == "replayed"


def test_cancel_ends_what_waits_and_asks_what_runs(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    waiting, running = _run(conn, schedule), _run(conn, schedule, state="running", leased_by=make.process(conn))
    assert tocsin("runs", "cancel", str(waiting), "--json").json()["state"] == "cancelled"
    asked = tocsin("runs", "cancel", str(running), "--json").json()
    assert asked["state"] == "running"
    assert asked["cancelRequestedAt"] is not None
    assert "nothing to cancel" in tocsin("runs", "cancel", str(waiting)).complaint()


def test_a_run_that_was_left_undone_is_so_by_its_reason_and_not_by_its_last_error(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    _run(conn, schedule, state="cancelled", reason="restored", error="ValueError: no")
    _dead(conn, schedule, reason="retry")
    assert tocsin("runs", "list", "--state", "cancelled").out.splitlines()[1].endswith("restored")
    assert tocsin("runs", "list", "--state", "dead").out.splitlines()[1].endswith("ValueError: no")


def test_show_tells_everything_of_a_run(tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]) -> None:
    run, _ = _dead(conn, schedule)
    tenant_id = make.value(conn, "select tenant_id from schedules")
    slot = make.value(conn, "select slot_at from runs")
    make.delivery(conn, tenant_id, run, slot, state="sent", recipient="ops@example.com")
    key = {"run_id": run, "slot_at": slot, "tenant_id": tenant_id, "fence": 9}
    make.insert(conn, "run_steps", key | {"name": "fetch", "result": {"rows": 3}})
    make.insert(conn, "run_logs", key | {"id": id_at(slot), "message": "hello", "fields": {"a": 1}})
    shown = tocsin("runs", "show", str(run), "--json").json()
    assert (shown["id"], shown["scheduleName"], shown["state"]) == (str(run), "daily", "dead")
    assert shown["attempts"][0]["outcome"] == "raised"
    assert (shown["steps"][0]["result"], shown["logs"][0]["message"]) == ({"rows": 3}, "hello")
    assert (shown["deliveries"][0]["recipient"], shown["deadLetters"][0]["state"]) == ("ops@example.com", "open")
    text = tocsin("runs", "show", str(run)).out
    assert "Traceback: here" in text
    assert "ops@example.com" in text


@pytest.mark.parametrize(("state", "status"), [("succeeded", 0), ("dead", 1), ("cancelled", 1)])
def test_watch_ends_with_its_run(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any], state: str, status: int
) -> None:
    answer = tocsin("runs", "watch", str(_run(conn, schedule, state=state)), "--json")
    assert (answer.status, answer.json()["state"]) == (status, state)


def test_watch_draws_a_bar_on_a_terminal_and_lines_elsewhere(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = Jsonb({"fraction": 0.5, "note": "half\x1b[31m of it"})
    run = str(_run(conn, schedule, state="succeeded", attempt=1, progress=progress))
    assert tocsin("runs", "watch", run).out == "succeeded  attempt 1  50%  half[31m of it\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    bar = "█" * 15 + "░" * 15
    assert tocsin("runs", "watch", run).out == f"\r\x1b[Ksucceeded  attempt 1  {bar}  50%  half[31m of it\n"


def test_what_is_no_run_is_said_to_be_none(tocsin: Tocsin) -> None:
    assert "is not an id" in tocsin("runs", "show", "daily").complaint()
    assert "is not the id of a run" in tocsin("runs", "show", str(uuid4())).complaint()
    assert "there is no run" in tocsin("runs", "show", "01a200ec-091c-7c19-9f54-05372ecde5b5").complaint()
    assert "there is no schedule" in tocsin("runs", "list", "--schedule", "x").complaint()
    assert tocsin("runs", "list").out == "no runs\n"


def test_why_tells_a_schedules_story(tocsin: Tocsin, schedule: dict[str, Any]) -> None:
    text = tocsin("why", "daily").out
    assert "is a schedule of the kind test.noop" in text
    assert "No slot of it has passed yet." in text
    assert f"Next: it fires at {schedule['nextRunAt']}." in text
    tocsin("schedules", "pause", "daily", "--note", "holidays")
    answer = tocsin("why", schedule["id"], "--json").json()
    assert (answer["scheduleId"], answer["state"]) == (schedule["id"], "paused")
    assert "It was paused with the note: holidays." in answer["sentences"]
    assert answer["sentences"][-1] == f"Next: nothing until `tocsin schedules resume {schedule['id']}`."


def test_why_says_that_a_schedule_is_late(tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]) -> None:
    conn.execute("update schedules set deliver_within_seconds = 600 where id = %s", (schedule["id"],))
    late = "It is late since 2026-03-02T08:10:00Z: a slot was not delivered within 600 s, and none since was."
    assert late not in tocsin("why", "daily").out
    conn.execute("update watches set late_since = '2026-03-02 08:10Z', late_slot_at = '2026-03-02 08:00Z'")
    assert late in tocsin("why", "daily").out


def test_why_tells_a_runs_story(tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]) -> None:
    run, letter = _dead(conn, schedule)
    for what in (run, letter):
        answer = tocsin("why", str(what), "--json").json()
        assert (answer["runId"], answer["state"]) == (str(run), "dead")
        text = " ".join(answer["sentences"])
        assert "Attempt 3 ended raised" in text
        assert "ValueError: no" in text
        assert f"Next: nothing until somebody opens it again with `tocsin runs retry {run}`." in text
    tocsin("runs", "retry", str(run))
    assert "through the gate" in tocsin("why", str(run)).out


def test_why_tells_of_a_run_made_ahead(tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]) -> None:
    later = make.now(conn) + timedelta(seconds=20)
    run = _run(conn, schedule, slot_at=later, available_at=later, origin="schedule")
    conn.execute("update schedules set run_count = 1, last_slot_at = %s", (later,))

    assert f"it starts at {rfc3339(later)}, for which it was made ahead" in tocsin("why", str(run)).out
    told = tocsin("why", "daily").out
    assert f"Next: it fires at {rfc3339(later)}" in told
    assert "No slot of it has passed yet" in told


def test_why_tells_the_decision_and_each_delivery(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    slot = make.now(conn)
    run = _run(conn, schedule, state="succeeded", slot_at=slot, outcome={"reason": "message: 5 is above 3"})
    tenant_id = make.value(conn, "select tenant_id from schedules")
    make.delivery(conn, tenant_id, run, slot, state="failed", recipient="ops@example.com", error="550 no such user")
    text = tocsin("why", str(run)).out
    assert "Its decision: message: 5 is above 3." in text
    assert "The email to ops@example.com is failed: 550 no such user." in text
    assert "Next: nothing; it is over." in text


def test_why_says_that_nobody_lives_who_is_needed(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    run = _run(conn, schedule, queue="calls")
    worker = "No worker lives that serves the queue {0}: start one with `tocsin worker`, with {0} in its WORKER_QUEUES"
    ticker = "No ticker lives that {}: start one with `tocsin ticker`."
    assert worker.format("calls") in tocsin("why", str(run)).out
    assert "No ticker" not in tocsin("why", str(run)).out, "a queued run needs none"
    told = tocsin("why", "daily").out
    assert ticker.format("plans its slots") in told
    assert worker.format("default") in told
    waiting = _run(conn, schedule, state="pending", slot_at=make.now(conn) - timedelta(hours=1))
    assert ticker.format("releases it") in tocsin("why", str(waiting)).out
    make.process(conn, role="ticker")
    make.process(conn, queues=["default"])
    assert "No worker lives that serves the queue calls" in tocsin("why", str(run)).out
    assert " lives" not in tocsin("why", "daily").out
    make.process(conn, queues=["calls"])
    assert " lives" not in tocsin("why", str(run)).out


def test_why_names_the_run_that_is_open_however_old(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    now = make.now(conn)
    old = _run(conn, schedule, slot_at=now - timedelta(hours=9))
    newer = [_run(conn, schedule, state="succeeded", slot_at=now - timedelta(hours=hours)) for hours in (4, 3, 2, 1)]
    told = tocsin("why", "daily").out
    assert f"Run {old} for " in told
    assert [str(run) in told for run in newer] == [False, True, True, True]
    assert f"Run {old} " in told.splitlines()[-4], "after the newest"


def test_why_says_that_a_copied_database_is_held(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    conn.execute("update installation set fingerprint = 'elsewhere'")
    assert "Nothing is claimed here: this database is a copy" in tocsin("why", "daily").out


def test_messages_that_failed_are_listed_and_one_is_sent_anew(
    tocsin: Tocsin, conn: make.Connection, schedule: dict[str, Any]
) -> None:
    slot = make.now(conn)
    run = _run(conn, schedule, state="succeeded", slot_at=slot)
    tenant_id = make.value(conn, "select tenant_id from schedules")
    for state in ("failed", "sent"):
        row: dict[str, Any] = {
            "recipient": f"{state}@example.com",
            "state": state,
            "error": "535 no" if state == "failed" else None,
        }
        make.delivery(conn, tenant_id, run, slot, **row)
    [failed] = tocsin("deliveries", "list", "--state", "failed", "--json").json()
    assert (failed["recipient"], failed["error"], failed["runId"]) == ("failed@example.com", "535 no", str(run))
    assert "535 no" in tocsin("deliveries", "list").out
    assert len(tocsin("deliveries", "list", "--run", str(run), "--json").json()) == 2
    assert tocsin("deliveries", "list", "--recipient", "nobody@example.com").out == "no deliveries\n"

    assert tocsin("deliveries", "resend", failed["id"]).out == "the message to failed@example.com is sent anew\n"
    assert tocsin("deliveries", "resend", failed["id"]).complaint() == "the delivery is pending already"
    [sent] = tocsin("deliveries", "list", "--state", "sent", "--json").json()
    assert "force" in tocsin("deliveries", "resend", sent["id"]).complaint()
    assert tocsin("deliveries", "resend", sent["id"], "--force", "--json").json()["state"] == "pending"
