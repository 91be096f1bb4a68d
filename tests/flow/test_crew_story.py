"""crew.call from due row to history: everybody is asked once, and what an endpoint does is nobody else's trouble."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from api import tokens
from local.processes import free_port
from scheduler import runs
from scheduler.asked import run_now
from tests import make
from tests.crew import Crew, endpoint, open_crew, users
from tests.flow.world import World
from tests.system import until

pytestmark = pytest.mark.race


@pytest.fixture
def crew() -> Iterator[Crew]:
    with open_crew() as found:
        yield found


def start(world: World, **params: Any) -> UUID:
    """A run of a new crew, by hand."""
    conn, tenant = world.system.conn, world.system.tenant
    schedule = world.schedule("crew.call", params)
    return run_now(conn, tenant, schedule)


def ended(world: World, run: UUID, seconds: float = 30) -> dict[str, Any]:
    """The crew's run once it is over."""

    def found() -> dict[str, Any] | None:
        row = world.all("select id, slot_at, state, outcome, progress, attempt from runs where id = %s", run)[0]
        return row if row["state"] not in ("pending", "queued", "running") else None

    return until(found, seconds, world.system.logs)


def user(world: World, uid: str, **columns: Any) -> None:
    row = {"tenant_id": world.system.tenant, "uid": uid, "context": f"of {uid}", "goal": uid} | columns
    make.insert(world.system.conn, "users", row)


def answers(world: World) -> dict[str, dict[str, Any]]:
    return {row["user_uid"]: row for row in world.all("select * from crew_responses")}


def ask_all(world: World, crew: Crew, **columns: Any) -> UUID:
    made = endpoint(world.system.conn, world.system.tenant, crew.url, **columns)
    world.system.notify()
    return made


def test_each_active_user_is_asked_once_and_the_parts_are_counted(world: World, crew: Crew) -> None:
    user(world, "first", priority=0)
    user(world, "last", priority=9)
    user(world, "goalless", goal=None)
    user(world, "silent", context=None, goal="")
    user(world, "gone", active=False)
    asked = ask_all(world, crew, concurrency=1)
    run = ended(world, start(world))

    counted = {name: run["outcome"][name] for name in ("users", "called", "answered", "failed", "skipped")}
    assert counted == {"users": 3, "called": 3, "answered": 3, "failed": 0, "skipped": 0}
    assert run["outcome"]["durationMs"] >= 0
    assert run["attempt"] == 1, "waiting is no attempt"
    assert run["progress"] == {"fraction": 1.0, "note": "3 of 3 users"}
    assert world.attempts(run["id"]) == ["done"]
    goals = [body["customer_goal_latest"] for body in crew.bodies]
    assert (goals[0], goals[-1]) == ("first", "last"), "one at a time, by priority"
    assert crew.bodies[0] == {"customer_business_background_latest": "of first", "customer_goal_latest": "first"}
    kept = answers(world)
    assert set(kept) == {"first", "last", "goalless"}
    assert kept["first"]["response_data"] == {"about": "first", "result": "a plan"}
    assert (kept["first"]["status"], kept["first"]["endpoint_id"]) == ("answered", asked)
    assert (kept["first"]["request_context"], kept["first"]["request_goal"]) == ("of first", "first")
    assert len({headers["idempotency-key"] for headers in crew.headers}) == 3
    assert all(headers["tocsin-attempt"] == "1" and headers["tocsin-slot"].endswith("Z") for headers in crew.headers)
    # Whoever is deleted takes the answers along.
    world.system.conn.execute("delete from users where uid = 'first'")
    assert set(answers(world)) == {"last", "goalless"}


def test_segments_have_their_endpoints_and_a_run_its_most(world: World, crew: Crew) -> None:
    for number in range(4):
        user(world, f"big-{number}", segment="big", priority=number)
        user(world, f"small-{number}", segment="small", priority=number)
    with open_crew() as other:
        ask_all(world, crew, name="all")
        ask_all(world, other, name="for the big", segments=["big"])
        run = ended(world, start(world, maxUsersPerRun=4))
        assert (run["outcome"]["users"], run["outcome"]["answered"]) == (4, 4)
        assert set(other.asked) == {"big-0", "big-1"}
        assert set(crew.asked) == {"small-0", "small-1"}
        run = ended(world, start(world, segments=["big"], endpoints=["all"]))
        assert run["outcome"]["users"] == 4
        assert {"big-2", "big-3"} <= set(crew.asked)
        run = ended(world, start(world, endpoints=["for the big"]))
        assert (run["outcome"]["users"], run["outcome"]["called"], run["outcome"]["skipped"]) == (8, 4, 4)


def test_one_users_lasting_error_is_their_dead_letter_alone_and_is_replayed(world: World, crew: Crew) -> None:
    for uid in ("good", "bad"):
        user(world, uid)
    ask_all(world, crew)
    crew.script = lambda _path, body: (422, b'{"no": "goal"}') if body["customer_goal_latest"] == "bad" else None
    run = ended(world, start(world))
    assert (run["state"], run["outcome"]["answered"], run["outcome"]["failed"]) == ("succeeded", 1, 1)
    letters = world.all("select run_id, kind, cause, error from dead_letters")
    assert [(each["kind"], each["cause"]) for each in letters] == [("crew.ask", "rejected")]
    kept = answers(world)["bad"]
    assert (kept["status"], kept["error"], kept["excerpt"]) == ("failed", "the endpoint answered 422", '{"no": "goal"}')

    crew.script = lambda *_: None
    runs.retry(world.system.conn, world.system.tenant, letters[0]["run_id"])
    until(lambda: answers(world)["bad"]["status"] == "answered", why=world.system.logs)
    kept = answers(world)["bad"]
    assert (kept["error"], kept["excerpt"]) == (None, None)
    assert len(crew.keys["bad"]) == 1, "a replay is the same call"
    assert crew.asked["good"] == 1


def test_an_outage_is_one_notice_no_attempt_and_no_dead_letter(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    make.insert(conn, "members", {"tenant_id": tenant, "subject": "o", "email": "owner@example.com", "role": "admin"})
    users(conn, tenant, 40)
    asked = ask_all(world, crew, concurrency=10)
    is_open = "select open_since is not null from limits where name = %s"
    crew.is_down = True
    run = start(world)
    until(lambda: make.value(conn, is_open, f"endpoint:{asked}"), why=world.system.logs)
    probed = crew.asked.total()
    until(lambda: crew.asked.total() > probed, 10, world.system.logs)  # a probe, and the endpoint is still down
    crew.is_down = False
    outcome = ended(world, run, 40)["outcome"]
    assert (outcome["answered"], outcome["failed"]) == (40, 0)
    assert make.value(conn, "select count(*) from dead_letters") == 0
    assert make.value(conn, "select max(attempt) from runs where kind = 'crew.ask'") <= 2
    subjects = "select params ->> 'subject' as subject from runs where kind = 'notice.mail' order by created_at"
    assert [each["subject"] for each in world.all(subjects)] == [
        "The crew endpoint crew gives no answer",
        "The crew endpoint crew answers again",
    ]
    assert probed <= 20, "an open circuit lets nobody through"


def test_a_stopped_crew_stops_its_calls(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    crew.latency = 60.0
    users(conn, tenant, 30)
    ask_all(world, crew, concurrency=5)
    run = start(world)
    until(lambda: crew.open == 5, why=world.system.logs)
    until(lambda: world.all("select state from runs where id = %s", run)[0]["state"] == "pending")
    runs.cancel(conn, tenant, run)
    still = "select count(*) from runs where kind = 'crew.ask' and state <> 'cancelled'"
    until(lambda: make.value(conn, still) == 0, 15, world.system.logs)
    until(lambda: crew.open == 0, 5)
    until(lambda: make.value(conn, "select count(*) from cancelled_crews") == 0)
    assert crew.asked.total() == 5


def test_a_kickoff_is_made_once_and_its_status_is_asked_until_it_ends(world: World, crew: Crew) -> None:
    user(world, "someone")
    polls: list[str] = []

    def answer(path: str, body: Any) -> tuple[int, bytes]:
        if path.endswith("/kickoff"):
            assert body == {
                "inputs": {"customer_business_background_latest": "of someone", "customer_goal_latest": "someone"}
            }
            return 200, b'{"kickoff_id": "k-1"}'
        polls.append(path)
        state = "SUCCESS" if len(polls) > 2 else "RUNNING"
        return 200, json.dumps({"state": state, "result": "a plan"}).encode()

    crew.script = answer
    # Each attempt has time for one poll: the next one goes on with the kickoff of the first.
    ask_all(world, crew, protocol="crewai", timeout_seconds=1.0)
    run = ended(world, start(world))
    assert run["outcome"]["answered"] == 1
    assert crew.paths.count("/run-crew/kickoff") == 1
    assert set(polls) == {"/run-crew/status/k-1"}
    assert answers(world)["someone"]["response_data"] == {"state": "SUCCESS", "result": "a plan"}


def test_a_rule_finds_what_it_looks_for_and_webhooks_are_told(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    for uid in ("calm", "alarmed"):
        user(world, uid)
    ask_all(world, crew)
    hook = {
        "id": uuid4(),
        "tenant_id": tenant,
        "name": "told",
        "origin": "https://example.com",
        "sealed_url": "u",
        "sealed_secret": "s",
    }
    make.insert(conn, "webhooks", hook | {"events": ["crew.answered", "crew.matched"]})
    crew.script = lambda _path, body: (
        200,
        json.dumps({"risk": int(body["customer_goal_latest"] == "alarmed")}).encode(),
    )
    ended(world, start(world, rule={"expression": "risk > `0`"}))
    assert {uid: row["matched"] for uid, row in answers(world).items()} == {"calm": None, "alarmed": True}
    told = world.all(
        "select params #>> '{body,type}' as type, params #>> '{body,data,userUid}' as uid from runs "
        "where kind = 'webhook.send' order by 1, 2"
    )
    assert [(each["type"], each["uid"]) for each in told] == [
        ("crew.answered", "alarmed"),
        ("crew.answered", "calm"),
        ("crew.matched", "alarmed"),
    ]


async def _slowly(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _cut(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"plan": ')
    await writer.drain()


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
    for _ in range(50):
        writer.write(b"[" + b" " * 1_000_000)
        await writer.drain()


BAD: dict[str, tuple[Any, str]] = {
    "html": ((200, b"<html>out of order</html>"), "the answer is not JSON"),
    "cut JSON": ((200, b'{"plan": '), "the answer is not JSON"),
    "nothing": ((200, b""), "the answer is not JSON"),
    "NaN": ((200, b'{"score": NaN}'), "the answer holds NaN, which is no JSON"),
    "deep": ((200, b"[" * 100_000 + b"]" * 100_000), "the answer is more than 100 levels deep"),
    "a huge number": ((200, b'{"score": 1e999999999}'), "the answer holds a number that is too long"),
    "NUL": ((200, b'{"a": "\\u0000"}'), "the answer holds the character NUL"),
    "half a character": ((200, b'{"a": "\\ud800"}'), "the answer is not JSON"),
    "another charset": ((200, '{"a": "größer"}'.encode("latin-1")), "the answer is not UTF-8"),
    "a redirect": ((302, b""), "the endpoint answered 302, and a redirect is not followed"),
    "fifty megabytes": (_endless, "the answer is larger than 1000000 bytes"),
    "a byte at a time": (_slowly, "no whole answer before the deadline"),
    "cut off": (_cut, "RemoteProtocolError"),
}


def test_bad_answers_are_kept_as_failed_with_their_reason_and_their_beginning(world: World, crew: Crew) -> None:
    conn = world.system.conn
    user(world, "someone")
    asked = ask_all(world, crew, timeout_seconds=1.0)
    schedule = world.schedule("crew.call", {}, maxAttempts=1)
    for name, (given, why) in BAD.items():
        crew.by_hand = given if callable(given) else None
        crew.script = (lambda *_: None) if callable(given) else (lambda *_, given=given: given)
        conn.execute("update limits set failed_in_row = 0, strain = 0 where name = %s", (f"endpoint:{asked}",))
        run = ended(world, run_now(conn, world.system.tenant, schedule))
        assert run["outcome"]["failed"] == 1, name
        kept = world.all("select * from crew_responses order by created_at desc limit 1")[0]
        assert (kept["status"], kept["response_data"]) == ("failed", None), name
        assert why in kept["error"], name
        assert len(kept["excerpt"] or "") <= 4096, name
        if not callable(given):
            assert kept["excerpt"] == given[1][:4096].decode("utf-8", "replace"), name


def curl(*words: str) -> Any:
    done = subprocess.run(["curl", "-sS", *words], capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_seeds_own_commands_answer_as_they_say(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    user(world, "YOUR_USER_UID")
    port = free_port()
    world.system.start("api", wait_for="web.started", PORT=str(port), CREW_API_URL=crew.url, TOCSIN_HOSTING="on")
    _, token = tokens.create(conn, tenant, name="robot", scope="write")
    place, told = f"http://127.0.0.1:{port}", ("-H", f"Authorization: Bearer {token}")
    typed = ("-H", "Content-Type: application/json")
    scheduler = f"{place}/api/scheduler"

    assert curl(scheduler, *told) == {"isRunning": False, "intervalMinutes": 60, "apiUrl": crew.url}
    started = curl("-X", "POST", scheduler, *typed, *told, "-d", '{"action": "start", "intervalMinutes": 30}')
    assert started == {"isRunning": True, "intervalMinutes": 30, "apiUrl": crew.url}
    again = curl("-X", "POST", scheduler, *typed, *told, "-d", '{"action": "start", "intervalMinutes": 45}')
    assert again["intervalMinutes"] == 45
    ran = curl("-X", "POST", scheduler, *typed, *told, "-d", '{"action": "run-now"}')
    assert ended(world, UUID(ran["runId"]))["outcome"]["answered"] == 1
    for query in ("limit=10", "userUid=YOUR_USER_UID", "limit=20"):
        found = curl(f"{place}/api/crew-responses?{query}", *told)
        assert (found["total"], found["offset"]) == (1, 0)
        assert found["items"][0]["responseData"] == {"about": "YOUR_USER_UID", "result": "a plan"}
    for query, total in (
        ("path=result&equals=a%20plan", 1),
        ("path=result&equals=none", 0),
        ("startDate=2020-01-01&endDate=2020-01-02", 0),
        ("startDate=2020-01-01", 1),
        ("userUid=nobody", 0),
        ("offset=1", 1),
    ):
        assert curl(f"{place}/api/crew-responses?{query}", *told)["total"] == total, query
    stopped = curl("-X", "POST", scheduler, *typed, *told, "-d", '{"action": "stop"}')
    assert stopped == {"isRunning": False, "intervalMinutes": 45, "apiUrl": crew.url}
