"""A request is done once under its key, and nothing of one that failed stays; nobody writes over what they did not read."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from httpx2 import Response

from tests import make
from tests.api.conftest import Api, TestClient, web_of_it
from tests.scheduler.ticking import Hand
from tests.system import until

ONCE = {"Idempotency-Key": "once"}


def body(**more: Any) -> dict[str, Any]:
    return {"jobType": "test.noop", "intervalSeconds": 60, "name": f"s-{uuid4().hex[:12]}"} | more


def entries(conn: make.Connection, api: Api) -> int:
    return int(make.value(conn, "select count(*) from audit_log where tenant_id = %s", api.tenant))


def left(conn: make.Connection, api: Api) -> tuple[int, ...]:
    """How many schedules, entries and answers the tenant has."""
    tables = ("schedules", "audit_log", "idempotent_answers")
    return tuple(make.value(conn, f"select count(*) from {table} where tenant_id = %s", api.tenant) for table in tables)


@pytest.fixture
def admin(host: TestClient, owner: make.Connection) -> Api:
    return Api(host, owner)


def test_a_repeated_request_is_answered_as_the_first_and_done_once(admin: Api, owner: make.Connection) -> None:
    sent = body()
    first, second = (admin("POST", "/api/schedules", json=sent, headers=ONCE) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert {name for name in first.headers if first.headers[name] != second.headers[name]} <= {
        "x-request-id",
        "ratelimit-remaining",
        "ratelimit-reset",
    }
    assert second.headers.keys() - first.headers.keys() == {"idempotency-replayed"}
    assert left(owner, admin) == (1, 1, 1)


def test_an_answer_without_a_body_is_repeated_too(admin: Api, owner: make.Connection) -> None:
    place = admin("POST", "/api/schedules", json=body()).headers["location"]
    first, second = (admin("DELETE", place, headers=ONCE) for _ in range(2))
    assert (first.status_code, second.status_code) == (204, 204)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.content == b""
    assert entries(owner, admin) == 2


def test_a_key_is_of_one_request(admin: Api, owner: make.Connection) -> None:
    sent = body()
    made = admin("POST", "/api/schedules", json=sent, headers=ONCE)
    for method, path, other in (
        ("POST", "/api/schedules", sent | {"name": "other"}),
        ("PATCH", made.headers["location"], sent),
        ("POST", made.headers["location"] + "/pause", {}),
    ):
        answer = admin(method, path, json=other, headers=ONCE)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    assert left(owner, admin) == (1, 1, 1)
    assert admin("POST", "/api/schedules", json=sent, headers=ONCE).content == made.content


def test_a_key_is_of_one_caller(admin: Api, host: TestClient, owner: make.Connection) -> None:
    sent = {"name": "a", "scope": "read"}
    callers = [admin, admin.of_scope(owner, "admin"), Api(host, owner)]
    answers = [each("POST", "/api/tokens", json=sent, headers=ONCE) for each in callers]
    assert all("Idempotency-Replayed" not in answer.headers for answer in answers)
    assert len({answer.json()["id"] for answer in answers}) == 3


def test_an_operators_key_is_of_one_tenant(host: TestClient, owner: make.Connection) -> None:
    operator = Api(host, owner, "operator")
    sent, ids = body(), set()
    for _ in range(2):
        tenant = make.tenant(owner)
        slug = make.value(owner, "select slug from tenants where id = %s", tenant)
        answer = operator("POST", "/api/schedules", json=sent, headers=ONCE | {"Tocsin-Tenant": slug})
        assert "Idempotency-Replayed" not in answer.headers
        ids.add(answer.json()["id"])
    assert len(ids) == 2


def test_a_key_is_free_again_after_a_day(admin: Api, owner: make.Connection) -> None:
    sent = {"name": "a", "scope": "read"}
    first = admin("POST", "/api/tokens", json=sent, headers=ONCE)
    owner.execute(
        "update idempotent_answers set created_at = now() - interval '1 day' where tenant_id = %s", (admin.tenant,)
    )
    second, third = (admin("POST", "/api/tokens", json=sent, headers=ONCE) for _ in range(2))
    assert first.json()["id"] != second.json()["id"] == third.json()["id"]


@pytest.mark.parametrize(
    ("key", "status"),
    [("a" * 256, 422), ("a\tb", 400), ("é", 400), ("a" * 255, 201)],
    ids=["long", "tab", "letter", "good"],
)
def test_a_key_is_a_line_of_ascii(admin: Api, key: str, status: int) -> None:
    answer = admin("POST", "/api/schedules", json=body(), headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == status


def test_two_requests_at_once_under_one_key_are_done_once(admin: Api, owner: make.Connection) -> None:
    place = admin("POST", "/api/schedules", json=body()).headers["location"]
    answers: list[Response] = []

    def press() -> None:
        answers.append(admin("POST", f"{place}/run", headers=ONCE))

    with make.connect(web_of_it(admin.web).settings.database.url) as other, other.transaction():
        # Both are under way before either can end: one waits for the schedule, the other for the first.
        other.execute("select from schedules where tenant_id = %s for update", (admin.tenant,))
        threads = [threading.Thread(target=press) for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda: _waiting(owner) == 2)
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert sorted("Idempotency-Replayed" in answer.headers for answer in answers) == [False, True]
    assert make.value(owner, "select count(*) from runs where tenant_id = %s", admin.tenant) == 1
    assert entries(owner, admin) == 2


def test_a_refused_request_is_not_remembered(admin: Api, owner: make.Connection) -> None:
    sent = {"subject": "ada", "email": "ada@example.com"}
    first = admin("POST", "/api/members", json=sent)
    assert admin("POST", "/api/members", json=sent, headers=ONCE).status_code == 422
    assert admin("DELETE", first.headers["location"]).status_code == 204
    answer = admin("POST", "/api/members", json=sent, headers=ONCE)
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    assert admin("POST", "/api/schedules/no-id/pause", headers={"Idempotency-Key": "other"}).status_code == 422
    assert admin("POST", f"/api/schedules/{uuid4()}/pause", headers={"Idempotency-Key": "other"}).status_code == 404
    assert make.value(owner, "select count(*) from idempotent_answers where tenant_id = %s", admin.tenant) == 1


@pytest.mark.parametrize("table", ["audit_log", "idempotent_answers", "schedules"])
def test_a_write_that_fails_leaves_neither_change_nor_entry_nor_answer(
    admin: Api, owner: make.Connection, table: str
) -> None:
    # At the very end: when all was written and the transaction commits.
    owner.execute(
        "create or replace function fail() returns trigger language plpgsql as $$ begin raise 'it failed'; end $$"
    )
    owner.execute(
        f"create constraint trigger fails after insert on {table} deferrable initially deferred "
        "for each row execute function fail()"
    )
    sent = body()
    try:
        with pytest.raises(psycopg.Error, match="it failed"):
            admin("POST", "/api/schedules", json=sent, headers=ONCE)
    finally:
        owner.execute(f"drop trigger fails on {table}")
    assert left(owner, admin) == (0, 0, 0)
    assert admin("POST", "/api/schedules", json=sent, headers=ONCE).status_code == 201
    assert left(owner, admin) == (1, 1, 1)


def _source(admin: Api) -> str:
    sent = {"name": f"n{uuid4().hex[:8]}", "url": "postgresql://reader@db.example.com/x"}
    return str(admin("POST", "/api/sources", json=sent).headers["location"])


def _member(admin: Api) -> str:
    sent = {"subject": uuid4().hex, "email": "ada@example.com"}
    return str(admin("POST", "/api/members", json=sent).headers["location"])


def _schedule(admin: Api) -> str:
    return str(admin("POST", "/api/schedules", json=body()).headers["location"])


@pytest.mark.parametrize("made", [_source, _member, _schedule])
def test_an_edit_of_what_was_changed_meanwhile_is_refused(
    admin: Api, owner: make.Connection, made: Callable[[Api], str]
) -> None:
    place = made(admin)
    read = admin("GET", place).headers["ETag"]
    renamed = {"name": "renamed"}
    first = admin("PATCH", place, json=renamed, headers={"If-Match": read})
    assert first.status_code == 200
    assert first.headers["ETag"] not in (read, "")
    assert admin("GET", place).headers["ETag"] == first.headers["ETag"]
    count, before = entries(owner, admin), admin("GET", place).json()
    for method, stale in (
        ("PATCH", read),
        ("DELETE", read),
        ("PATCH", '"x"'),
        ("PATCH", ""),
        ("DELETE", f'{read}, "x"'),
    ):
        answer = admin(method, place, json={"name": "again"}, headers={"If-Match": stale})
        assert answer.status_code == 412, stale
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert (entries(owner, admin), admin("GET", place).json()) == (count, before)
    now = first.headers["ETag"]
    for form in ("*", '"x", {}', "W/{}"):
        fresh = form.format(now)
        now = admin("PATCH", place, json={"name": f"n{uuid4().hex[:8]}"}, headers={"If-Match": fresh}).headers["ETag"]
    assert admin("DELETE", place, headers={"If-Match": now}).status_code == 204


@pytest.mark.parametrize("verb", ["pause", "resume", "reschedule"])
def test_a_schedule_is_not_moved_by_who_did_not_read_it(admin: Api, verb: str) -> None:
    place = _schedule(admin)
    assert admin("POST", f"{place}/{verb}", headers={"If-Match": '"old"'}).status_code == 412


def test_two_edits_of_one_version_are_one(admin: Api, owner: make.Connection) -> None:
    place = _schedule(admin)
    read = admin("GET", place).headers["ETag"]
    answers: list[int] = []

    def edit(name: str) -> None:
        answers.append(admin("PATCH", place, json={"name": name}, headers={"If-Match": read}).status_code)

    with make.connect(web_of_it(admin.web).settings.database.url) as other, other.transaction():
        other.execute("select from schedules where tenant_id = %s for update", (admin.tenant,))
        threads = [threading.Thread(target=edit, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        until(lambda: _waiting(owner) == 2)
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 412]


def test_what_the_engine_moves_makes_no_version_stale(admin: Api, owner: make.Connection) -> None:
    schedule = make.schedule(owner, admin.tenant, interval_seconds=60)  # type: ignore[arg-type]
    place = f"/api/schedules/{schedule}"
    before = admin("GET", place)
    hand = Hand(web_of_it(admin.web).settings.database.url)
    try:
        hand.turn()
        hand.end(hand.start(schedule))
        hand.turn()
    finally:
        hand.close()
    after = admin("GET", place)
    for moved in ("nextRunAt", "runCount", "lastSlotAt", "lastRunAt"):
        assert before.json()[moved] != after.json()[moved], moved
    assert before.headers["ETag"] == after.headers["ETag"]
    answer = admin("PATCH", place, json={"name": "mine"}, headers={"If-Match": before.headers["ETag"]})
    assert answer.status_code == 200
    assert admin("GET", place).headers["ETag"] != before.headers["ETag"]


def _waiting(conn: make.Connection) -> int:
    return int(
        make.value(
            conn,
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
    )
