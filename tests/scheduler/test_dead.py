"""Dead letters are replayed once, whoever asks and however often at the same time."""

import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from db.ids import id_at
from db.pool import Connection, Database
from db.runs import pass_gates
from scheduler import dead, runs, schedules
from scheduler.definition import NewSchedule
from scheduler.refusals import NotFound, WrongState
from tests import make


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with Database.at(database).connect("test") as found:
        yield found


def _dead(conn: Connection, tenant_id: UUID, overlap_policy: str) -> tuple[UUID, UUID]:
    new = NewSchedule("test.noop", uuid4().hex, interval_seconds=60, overlap_policy=overlap_policy)
    row = schedules.create(conn, tenant_id, uuid4(), new, retention_days=90)
    slot = make.now(conn)
    death = {"state": "dead", "slot_at": slot, "fence": 4, "attempt": 1, "max_attempts": 5, "finished_at": slot}
    run = make.run(conn, tenant_id, schedule_id=row.id, schedule_version=1, cancel_requested_at=slot, **death)
    letter = id_at(slot)
    of_run = {"run_id": run, "slot_at": slot, "tenant_id": tenant_id, "schedule_id": row.id, "fence": 4}
    make.insert(conn, "dead_letters", of_run | {"id": letter, "kind": "test.noop", "cause": "rejected", "attempts": 1})
    return run, letter


@pytest.mark.parametrize(("policy", "is_gated"), [("skip", True), ("allow", False)])
def test_a_replay_reopens_the_same_run_with_new_attempts(conn: Connection, policy: str, is_gated: bool) -> None:
    tenant_id = make.tenant(conn)
    run_id, letter = _dead(conn, tenant_id, policy)
    run = dead.replay(conn, tenant_id, letter, by="a test")
    assert (run.id, run.state, run.fence, run.attempt, run.max_attempts) == (run_id, "pending", 5, 1, 6)
    assert (run.available_at is None) is is_gated
    assert (run.cancel_requested_at, run.finished_at) == (None, None)
    settled = dead.get(conn, tenant_id, letter)
    assert (settled.state, settled.resolved_by) == ("replayed", "a test")
    assert run.schedule_id is not None
    assert len(pass_gates(conn, [run.schedule_id])) == is_gated


def test_a_replay_of_a_call_gets_the_attempts_of_its_crews_schedule(conn: Connection) -> None:
    tenant_id = make.tenant(conn)
    row = schedules.create(
        conn, tenant_id, uuid4(), NewSchedule("crew.call", "crew", interval_seconds=60), retention_days=90
    )
    slot = make.now(conn)
    crew = make.run(conn, tenant_id, schedule_id=row.id, schedule_version=1, slot_at=slot, state="succeeded")
    death = {"state": "dead", "fence": 4, "attempt": 3, "max_attempts": 3, "origin": "child"}
    call = make.run(conn, tenant_id, slot_at=slot, parent_run_id=crew, item_key="ann", **death)
    reopened = runs.reopen(conn, tenant_id, call, 4, by=None)
    assert (reopened.state, reopened.max_attempts) == ("pending", 3 + row.max_attempts)


def test_many_who_replay_at_once_reopen_once(conn: Connection, database: str) -> None:
    tenant_id = make.tenant(conn)
    run_id, letter = _dead(conn, tenant_id, "allow")
    start, answers = threading.Barrier(8), []

    def press() -> None:
        with Database.at(database).connect("test") as own:
            start.wait()
            try:
                dead.replay(own, tenant_id, letter)
            except WrongState:
                answers.append("refused")
            else:
                answers.append("replayed")

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused"] * 7 + ["replayed"]
    assert runs.get(conn, tenant_id, run_id).fence == 5


def test_a_run_that_died_again_is_not_reopened_by_the_first_letter(conn: Connection) -> None:
    tenant_id = make.tenant(conn)
    run_id, letter = _dead(conn, tenant_id, "allow")
    conn.execute("update runs set fence = fence + 1")
    with pytest.raises(WrongState):
        dead.replay(conn, tenant_id, letter)
    assert runs.get(conn, tenant_id, run_id).state == "dead"


def test_another_tenants_letters_and_runs_are_not_found(conn: Connection) -> None:
    run_id, letter = _dead(conn, make.tenant(conn), "allow")
    stranger = make.tenant(conn)
    for look in (dead.get, dead.replay, dead.discard):
        with pytest.raises(NotFound):
            look(conn, stranger, letter)
    for look_at_run in (runs.get, runs.show, runs.cancel, runs.retry):
        with pytest.raises(NotFound):
            look_at_run(conn, stranger, run_id)
    assert dead.list_all(conn, stranger) == []
    assert runs.list_all(conn, stranger) == []
