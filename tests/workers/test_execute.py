"""What becomes of runs by what their kinds do, as a real ticker and a real worker do it."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from db.jsonb import Jsonb
from tests import make
from tests.attempts import OUTCOMES
from tests.races.traces import lines
from tests.system import System, until
from tocsin.testing import A_SLOT
from workers import lease
from workers.rows import Leased

AT_ONCE = {"baseSeconds": 0.01, "maxSeconds": 0.02}


def run_of(system: System, schedule: UUID) -> dict[str, Any]:
    """The schedule's only run."""
    row: dict[str, Any] = system.value("select to_jsonb(r) from runs as r where schedule_id = %s", schedule)
    return row


def until_state(system: System, schedule: UUID, state: str, timeout: float = 20) -> dict[str, Any]:
    """The schedule's only run, once it is in that state."""
    until(
        lambda: (system.value("select state from runs where schedule_id = %s", schedule) or "") == state,
        timeout,
        lambda: f"{run_of(system, schedule)} {system.logs()}",
    )
    return run_of(system, schedule)


def attempts(system: System, run: dict[str, Any]) -> list[str]:
    """The outcomes of the run's attempts, first to last."""
    found: list[str] = system.value(OUTCOMES + " where run_id = %s", run["id"])
    return found


@pytest.mark.parametrize("kind", ["test.record", "test.record_async"])
def test_done_is_succeeded(living: System, trace: Path, kind: str) -> None:
    schedule = living.schedule(kind=kind, params={"file": str(trace)})

    run = until_state(living, schedule, "succeeded")

    assert (run["attempt"], run["error"], run["reason"]) == (1, None, None)
    assert living.value("select role from processes where id = %s", run["leased_by"]) == "worker"
    assert [line.run for line in lines(trace)] == [run["id"]]
    assert attempts(living, run) == ["done"]


@pytest.mark.parametrize(("kind", "outcome"), [("test.raise", "raised"), ("test.later", "later")])
def test_what_ends_badly_is_tried_again(living: System, trace: Path, kind: str, outcome: str) -> None:
    schedule = living.schedule(kind=kind, params={"file": str(trace), "bad": 2}, backoff=AT_ONCE)

    run = until_state(living, schedule, "succeeded")

    assert attempts(living, run) == [outcome, outcome, "done"]
    assert [line.attempt for line in lines(trace)] == [1, 2, 3]


@pytest.mark.parametrize(("kind", "outcome"), [("test.raise", "raised"), ("test.later", "later")])
def test_the_last_attempt_that_ends_badly_is_the_death(living: System, trace: Path, kind: str, outcome: str) -> None:
    params = {"file": str(trace), "bad": 99}
    schedule = living.schedule(kind=kind, params=params, backoff=AT_ONCE, max_attempts=3)

    run = until_state(living, schedule, "dead")

    assert attempts(living, run) == [outcome] * 3
    letter = living.value("select to_jsonb(d) from dead_letters as d where run_id = %s", run["id"])
    assert (letter["cause"], letter["attempts"], letter["state"]) == ("attempts_exhausted", 3, "open")
    assert letter["error"] == run["error"]


def test_a_bug_keeps_its_traceback(living: System, trace: Path) -> None:
    schedule = living.schedule(kind="test.raise", params={"file": str(trace), "bad": 99}, max_attempts=1)

    run = until_state(living, schedule, "dead")

    assert run["error"] == "ValueError: a bug of this kind"
    kept = living.value("select traceback from run_attempts where run_id = %s", run["id"])
    assert "_raise" in kept
    assert "tests/kinds.py" in kept


@pytest.mark.parametrize(
    ("by", "in_task", "error"),
    [
        ("exit", False, "SystemExit: 3"),
        ("exit", True, "SystemExit: 3"),
        ("interrupt", False, "KeyboardInterrupt: no"),
        ("cancel", False, "CancelledError: nobody asked"),
    ],
)
def test_what_an_async_kind_leaves_by_is_its_own_death_and_its_neighbours_go_on(
    living: System, trace: Path, by: str, in_task: bool, error: str
) -> None:
    over = trace.with_name("over")
    neighbour = living.schedule(kind="test.wait_async", params={"file": str(trace), "until": str(over)})
    until(trace.exists)
    leaving = living.schedule(kind="test.leave", params={"by": by, "in_task": in_task}, max_attempts=1)

    run = until_state(living, leaving, "dead")
    assert (run["error"], attempts(living, run)) == (error, ["raised"])
    over.touch()
    assert until_state(living, neighbour, "succeeded")["attempt"] == 1


def test_later_waits_as_long_as_it_says(living: System, trace: Path) -> None:
    schedule = living.schedule(kind="test.later", params={"file": str(trace), "delay": 3600.0})

    until_state(living, schedule, "pending")
    run = until(lambda: run_of(living, schedule) if run_of(living, schedule)["reason"] == "retry" else None)

    assert run["error"] == "not yet"
    assert living.value("select available_at - now() > interval '59 min' from runs where id = %s", run["id"])


def test_the_back_off_grows_and_has_its_bound(living: System) -> None:
    def longest(attempt: int) -> timedelta:
        found: timedelta = living.value(
            "select max(backoff_delay(s.id, s.version, %s)) from schedules as s, generate_series(1, 300) "
            "where s.id = %s",
            attempt,
            schedule,
        )
        return found

    schedule = living.schedule(
        backoff={"baseSeconds": 10, "maxSeconds": 60}, scheduled_at=make.now(living.conn) + timedelta(days=1)
    )
    bounds = [10, 20, 40, 60, 60]

    for attempt, bound in enumerate(bounds, 1):
        assert 0.8 * bound < longest(attempt).total_seconds() <= bound


def test_rejected_is_dead_at_once(living: System, trace: Path) -> None:
    schedule = living.schedule(kind="test.reject", params={"file": str(trace)}, max_attempts=5)

    run = until_state(living, schedule, "dead")

    assert attempts(living, run) == ["rejected"]
    assert living.value("select cause from dead_letters where run_id = %s", run["id"]) == "rejected"
    until(lambda: living.value("select status from schedules where id = %s", schedule) == "failed")


def lags(system: System, kind: str) -> float:
    """How many starts of that kind the worker has observed the lag of."""
    worker = system.processes[1]
    worker.until_says("worker.started")
    [port] = re.findall(r"metrics\.served port=(\d+)", worker.log())
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    found = re.search(rf'^tocsin_start_lag_seconds_count{{kind="{kind}"}} (\S+)$', page, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("kind", ["test.later", "test.poll"])
def test_the_lag_of_a_slot_is_observed_once_however_often_it_is_tried(living: System, trace: Path, kind: str) -> None:
    before = lags(living, kind)
    schedule = living.schedule(kind=kind, params={"file": str(trace)}, backoff=AT_ONCE)

    until_state(living, schedule, "succeeded")

    assert len(lines(trace)) == 2
    assert lags(living, kind) == before + 1
    moved = "select first_started_at < started_at from runs where schedule_id = %s"
    assert living.value(moved, schedule)


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("test.reject", ["error"]),
        ("test.raise", ["warning", "debug"]),
        ("test.later", ["warning", "debug"]),
        ("test.poll", ["info", "debug"]),
    ],
)
def test_only_what_is_dead_is_an_error_of_the_log(living: System, trace: Path, kind: str, levels: list[str]) -> None:
    schedule = living.schedule(kind=kind, params={"file": str(trace)}, backoff=AT_ONCE)
    run = until_state(living, schedule, "dead" if levels == ["error"] else "succeeded")
    log = living.processes[1].log

    # A line is written once its end is committed.
    until(lambda: len(re.findall(rf" run\.ended run_id={run['id']} ", log())) == len(levels), why=living.logs)

    assert re.findall(rf"\S+ (\w+) +worker +run\.ended run_id={run['id']} ", log()) == levels


@pytest.mark.parametrize("origin", ["manual", "backfill"])
def test_what_was_asked_for_has_no_lag(living: System, trace: Path, origin: str) -> None:
    before = lags(living, "test.step")
    params = Jsonb({"file": str(trace), "bad": 0})
    make.run(living.conn, living.tenant, kind="test.step", origin=origin, params=params)

    until(lambda: lines(trace), why=living.logs)

    assert lags(living, "test.step") == before


@pytest.mark.parametrize("kind", ["test.nonsense", "test.unstorable"])
def test_an_outcome_that_is_none_is_a_bug(living: System, kind: str) -> None:
    schedule = living.schedule(kind=kind, max_attempts=2, backoff=AT_ONCE)

    run = until_state(living, schedule, "dead")

    assert attempts(living, run) == ["raised", "raised"]


def test_params_that_do_not_fit_are_rejected_by_name(living: System) -> None:
    schedule = living.schedule(kind="test.record", params={"file": 7})

    run = until_state(living, schedule, "dead")

    assert attempts(living, run) == ["rejected"]
    assert "file" in run["error"]


def test_a_step_is_done_once_however_often_the_run_is_tried(living: System, trace: Path) -> None:
    schedule = living.schedule(kind="test.step", params={"file": str(trace), "bad": 2}, backoff=AT_ONCE)

    run = until_state(living, schedule, "succeeded")

    assert [line.attempt for line in lines(trace, "worked")] == [1]
    assert run["outcome"] == {"made_in": 1}
    assert run["progress"] == {"fraction": 0.5, "note": "half"}
    logs = living.conn.execute(
        "select message, fields from run_logs where run_id = %s order by created_at", (run["id"],)
    ).fetchall()
    assert logs == [("made", {"attempt": number}) for number in (1, 2, 3)]


def test_a_kind_that_no_worker_has_waits_and_burns_nothing(living: System) -> None:
    schedule = living.schedule(kind="gone.away", max_attempts=1)

    run = until_state(living, schedule, "pending")

    assert (run["reason"], run["attempt"]) == ("no_worker_for_kind", 0)
    # It is looked at again soon: a worker of another release may know it.
    until(lambda: run_of(living, schedule)["fence"] > run["fence"], why=living.logs)


@pytest.mark.parametrize(("age", "wait"), [(0, 1), (9, 1), (100, 10), (86_400, 60)])
def test_a_run_that_nobody_knows_is_looked_at_ever_more_rarely(age: int, wait: float) -> None:
    row = dict.fromkeys(Leased._fields) | {"slot_at": A_SLOT, "answered_at": A_SLOT + timedelta(seconds=age)}
    assert lease._wait_for_another(Leased(**row)) == wait  # type: ignore[arg-type]  # the rest is not looked at


@pytest.mark.parametrize("kind", ["test.wait", "test.wait_deaf", "test.wait_async"])
def test_an_attempt_that_takes_too_long_is_cut_and_counts(living: System, trace: Path, kind: str) -> None:
    until_file = trace.with_name("over")
    params = {"file": str(trace), "until": str(until_file)}
    schedule = living.schedule(kind=kind, params=params, timeout_seconds=1, max_attempts=1)

    run = until_state(living, schedule, "dead")
    until_file.touch()

    assert run["error"] == "it took longer than 1 s"
    assert attempts(living, run) == ["later"]


def test_what_a_cut_attempt_still_returns_is_void(living: System, trace: Path) -> None:
    over = trace.with_name("over")
    params = {"file": str(trace), "until": str(over)}
    schedule = living.schedule(
        kind="test.wait_deaf", params=params, timeout_seconds=1, max_attempts=2, backoff={"baseSeconds": 3600}
    )
    run = until(lambda: (found := until_state(living, schedule, "pending"))["reason"] == "retry" and found)

    over.touch()
    until(lambda: lines(trace, "ended"))
    again = living.schedule(kind="test.record", params={"file": str(trace)})
    until_state(living, again, "succeeded")

    assert run_of(living, schedule) == run


def ask_to_cancel(system: System, run: dict[str, Any]) -> None:
    """Asks as cancel_runs.sql does."""
    system.conn.execute("update runs set cancel_requested_at = now() where id = %s", (run["id"],))


def test_a_cancel_is_heeded(living: System, trace: Path) -> None:
    schedule = living.schedule(kind="test.wait", params={"file": str(trace)}, overlap_policy="queue")
    run = until_state(living, schedule, "running")

    ask_to_cancel(living, run)

    until_state(living, schedule, "cancelled")
    assert lines(trace, "cancelled")
    assert living.value("select run_id from schedule_gates where schedule_id = %s", schedule) is None


def test_a_cancel_of_what_does_not_heed_it_is_not_tried_again(living: System, trace: Path) -> None:
    over = trace.with_name("over")
    params = {"file": str(trace), "until": str(over)}
    schedule = living.schedule(kind="test.wait_deaf", params=params, timeout_seconds=2, backoff=AT_ONCE)
    run = until_state(living, schedule, "running")
    ask_to_cancel(living, run)

    until_state(living, schedule, "cancelled")
    over.touch()

    assert len(lines(trace, "began")) == 1
    said = until(lambda: [line for line in living.processes[1].log().splitlines() if f"run_id={run['id']}" in line])
    assert all("state=cancelled" in line for line in said if "run.ended" in line), said


def test_an_alerts_state_is_written_with_the_outcome(living: System) -> None:
    alert = make.alert(living.conn, living.tenant)
    schedule = living.schedule(kind="test.find", params={"alert": str(alert)})

    run = until_state(living, schedule, "succeeded")

    assert living.conn.execute(
        "select state, value::text, run_id::text from alert_states where alert_id = %s", (alert,)
    ).fetchall() == [("firing", "1.5", run["id"])]
    # Every move that the run found, each at the slot that it is of.
    assert living.conn.execute(
        "select e.previous_state, e.state, r.slot_at - e.slot_at, e.reason from alert_events as e "
        "join runs as r on r.id = e.run_id where e.alert_id = %s order by e.slot_at",
        (alert,),
    ).fetchall() == [("ok", "pending", timedelta(hours=1), "it began"), ("pending", "firing", timedelta(), "x")]


def test_an_outcome_that_cannot_even_be_sent_to_postgres_does_not_stop_the_others(living: System) -> None:
    bad = living.schedule(
        kind="test.find",
        params={"alert": str(make.alert(living.conn, living.tenant)), "segment": r"\ud800"},
        max_attempts=1,
    )

    until_state(living, bad, "dead")
    good = living.schedule()
    until_state(living, good, "succeeded")


def test_a_run_starts_soon_after_its_slot(living: System) -> None:
    living.schedule()  # wakes what may still be starting
    until(lambda: living.states().get("succeeded", 0) > 0)
    schedule = living.schedule(scheduled_at=make.now(living.conn) + timedelta(seconds=1))

    run = until_state(living, schedule, "succeeded")

    assert living.value("select started_at - slot_at < interval '1 s' from runs where id = %s", run["id"])
