"""crew.call from due row to history: everybody is asked once, and what an endpoint does is nobody else's trouble."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest

from api import channels, tokens
from api.channels import ChannelIn
from db.migrate import register
from local.mail import MailSink
from local.postgres import Postgres
from local.processes import free_port
from local.redis import Redis
from scheduler import dead, runs
from scheduler.asked import run_now
from scheduler.dead import LetterFilter
from tests import make
from tests.crew import Crew, open_crew, users
from tests.flow.crews import BAD, alarmed, answers, ask_all, cut, ended, notices, of_tenant, rule_of, start, user
from tests.flow.world import OPEN, World, open_world
from tests.system import until
from tests.workers.channels.chats import chat

pytestmark = pytest.mark.race


@pytest.fixture(scope="module")
def running(
    postgres: Postgres, template: str, mail_server: MailSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One system for all the stories."""
    url = postgres.create_database("crews", template=template)
    with make.connect(url) as conn:
        register(conn)
    with Redis() as redis, open_world(url, redis.url, mail_server, postgres, tmp_path_factory.mktemp("world")) as found:
        yield found
    postgres.drop_database("crews")


@pytest.fixture
def world(running: World, mail: MailSink) -> World:
    """The system, with a tenant of the story's own."""
    running.system.tenant = make.tenant(running.system.conn)
    return replace(running, mail=mail)


@pytest.fixture
def crew() -> Iterator[Crew]:
    with open_crew() as found:
        yield found


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
        gone = world.schedule("crew.call", {"endpoints": ["for the big"]})
        world.system.conn.execute("delete from crew_endpoints where name = 'for the big'")
        run = ended(world, run_now(world.system.conn, world.system.tenant, gone))
    [died] = world.all("select error from runs where id = %s", run["id"])
    assert died["error"].startswith("its schedule names for the big, which is not there: ")


def test_one_users_lasting_error_is_their_dead_letter_alone_and_is_replayed(world: World, crew: Crew) -> None:
    for uid in ("good", "bad"):
        user(world, uid)
    ask_all(world, crew)
    crew.script = lambda _path, body: (422, b'{"no": "goal"}') if body["customer_goal_latest"] == "bad" else None
    run = ended(world, start(world))
    assert (run["state"], run["outcome"]["answered"], run["outcome"]["failed"]) == ("succeeded", 1, 1)
    of_ours = "select run_id, kind, cause, error from dead_letters where tenant_id = %s"
    letters = world.all(of_ours, world.system.tenant)
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
    assert of_tenant(world, "select count(*) from dead_letters where tenant_id = %s") == 0
    assert of_tenant(world, "select max(attempt) from runs where tenant_id = %s and kind = 'crew.ask'") <= 2
    assert notices(world) == [
        "The crew endpoint crew gives no answer",
        "The crew endpoint crew answers again",
    ]
    assert probed <= 20, "an open circuit lets nobody through"


def test_a_few_users_who_always_fail_are_no_outage_and_the_next_slot_comes(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    make.insert(conn, "members", {"tenant_id": tenant, "subject": "o", "email": "owner@example.com", "role": "admin"})
    users(conn, tenant, 12)
    bad = {f"user-00000{number}" for number in (0, 2, 4, 6, 8)}
    ask_all(world, crew, concurrency=4)
    crew.script = lambda _path, body: (500, b"a bug of mine") if body["customer_goal_latest"] in bad else None
    schedule = world.schedule("crew.call", {}, maxAttempts=2, overlapPolicy="skip")
    run = world.next_slot(schedule)
    counted = [run["outcome"][name] for name in ("users", "called", "answered", "failed")]
    assert (run["state"], counted) == ("succeeded", [12, 12, 7, 5])
    assert {uid: crew.asked[uid] for uid in bad} == dict.fromkeys(bad, 2), "each has its attempts"
    statement = (
        "select r.item_key, d.error from dead_letters as d inner join runs as r on d.run_id = r.id "
        "where d.tenant_id = %s"
    )
    letters = world.all(statement, tenant)
    assert {each["item_key"] for each in letters} == bad
    assert {each["error"] for each in letters} == {"the endpoint answered 500"}
    assert of_tenant(world, "select open_since is null from limits where tenant_id = %s")
    assert not [told for told in notices(world) if "gives no answer" in told]

    crew.script = lambda *_: None
    run = world.next_slot(schedule)
    assert (run["state"], run["outcome"]["answered"]) == ("succeeded", 12), "the next slot is not skipped"


def test_those_left_of_a_slot_in_which_others_were_answered_do_not_hold_it_for_a_day(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    users(conn, tenant, 9)
    ask_all(world, crew, concurrency=1)
    crew.script = lambda _path, body: (500, b"no") if body["customer_goal_latest"] > "user-000002" else None
    schedule = world.schedule("crew.call", {}, maxAttempts=1)
    run = run_now(conn, tenant, schedule)
    until(lambda: of_tenant(world, "select open_since from limits where tenant_id = %s"), why=world.system.logs)
    # What the one who waits was answered is kept meanwhile.
    waiting = until(lambda: answers(world).get("user-000007"), why=world.system.logs)
    assert (waiting["status"], waiting["error"], waiting["excerpt"]) == ("failed", "the endpoint answered 500", "no")
    of_waiting: LiteralString = "select state from runs where tenant_id = %s and item_key = 'user-000007'"
    assert of_tenant(world, of_waiting) in OPEN

    def over() -> bool:
        """Whether it is over; the time between those who try passes at once, and of the outage eleven minutes."""
        conn.execute(
            "update limits set open_until = now(), open_since = now() - interval '11 min' where tenant_id = %s",
            (tenant,),
        )
        world.system.notify()
        return bool(world.all("select state from runs where id = %s", run)[0]["state"] == "succeeded")

    until(over, why=world.system.logs)
    outcome = ended(world, run)["outcome"]
    assert (outcome["answered"], outcome["failed"]) == (3, 6)
    # The next slot finds it mended.
    crew.script = lambda *_: None
    assert ended(world, run_now(conn, tenant, schedule))["outcome"]["answered"] == 9
    assert of_tenant(world, "select open_since is null from limits where tenant_id = %s")


def test_an_endpoint_that_refuses_everybody_is_an_outage_and_the_owner_hears_how_little_came_of_it(
    world: World, crew: Crew
) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    make.insert(conn, "members", {"tenant_id": tenant, "subject": "o", "email": "owner@example.com", "role": "admin"})
    users(conn, tenant, 14)
    ask_all(world, crew, concurrency=1)
    schedule = world.schedule("crew.call", {}, name="plans")
    crew.script = lambda *_: (401, b"who are you?")
    run = run_now(conn, tenant, schedule)
    until(lambda: "The crew endpoint crew gives no answer" in notices(world), why=world.system.logs)
    asked = crew.asked.total()
    crew.script = lambda *_: None
    outcome = ended(world, run, 40)["outcome"]
    assert (asked, outcome["answered"], outcome["failed"]) == (10, 5, 9), "the tenth in a row opens it"
    assert notices(world)[1:] == [
        "The crew endpoint crew answers again",
        "plans: 9 of 14 calls failed, 5 were answered",
    ]
    [told] = world.all("select params ->> 'text' as text from runs where params ->> 'subject' like 'plans: %%'")
    assert "Most often, for 9 of them: the endpoint answered 401" in told["text"]
    assert f"`tocsin dead replay --all --parent {run}`" in told["text"]
    letters = dead.list_all(conn, tenant, LetterFilter(schedule_id=schedule, parent_run_id=run))
    assert {each.item_key for each in letters} == {f"user-{number:06}" for number in range(9)}

    # It is told once, until a run went well.
    conn.execute("delete from users where tenant_id = %s and uid >= 'user-000002'", (tenant,))
    crew.script = lambda *_: (422, b"no")
    assert ended(world, run_now(conn, tenant, schedule))["outcome"]["failed"] == 2
    assert len(notices(world)) == 3
    crew.script = lambda *_: None
    assert ended(world, run_now(conn, tenant, schedule))["outcome"]["answered"] == 2
    crew.script = lambda *_: (422, b"no")
    ended(world, run_now(conn, tenant, schedule))
    assert notices(world)[3:] == ["plans: nobody was answered"]


def test_a_stopped_crew_stops_its_calls(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    crew.latency = 60.0
    users(conn, tenant, 30)
    ask_all(world, crew, concurrency=5)
    run = start(world)
    until(lambda: crew.open == 5, why=world.system.logs)
    until(lambda: world.all("select state from runs where id = %s", run)[0]["state"] == "pending")
    runs.cancel(conn, tenant, run)
    still: LiteralString = (
        "select count(*) from runs where tenant_id = %s and kind = 'crew.ask' and state <> 'cancelled'"
    )
    until(lambda: of_tenant(world, still) == 0, 15, world.system.logs)
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
    kept = answers(world)["someone"]
    assert kept["response_data"] == {"state": "SUCCESS", "result": "a plan"}
    since: LiteralString = (
        "select extract(epoch from c.created_at - s.created_at)::float8 * 1000 from crew_responses as c "
        "inner join run_steps as s on c.run_id = s.run_id where c.tenant_id = %s and s.name = 'kickoff'"
    )
    # From the kickoff to the answer, through all attempts, of which each had a second.
    assert 1000 < kept["latency_ms"] <= of_tenant(world, since) + 100


def test_a_replay_of_a_crew_that_ended_badly_or_was_forgotten_kicks_off_anew(world: World, crew: Crew) -> None:
    user(world, "someone")
    states = {"k-1": (200, b'{"state": "FAILED"}'), "k-2": (404, b"{}"), "k-3": (200, b'{"state": "SUCCESS"}')}
    kicked = count(1)
    crew.script = lambda path, _: (
        (200, json.dumps({"kickoff_id": f"k-{next(kicked)}"}).encode())
        if path.endswith("/kickoff")
        else states[path.rpartition("/")[2]]
    )
    ask_all(world, crew, protocol="crewai", timeout_seconds=5.0)
    assert ended(world, start(world))["outcome"]["failed"] == 1
    [run] = world.all("select id from runs where tenant_id = %s and kind = 'crew.ask'", world.system.tenant)
    for number, error in ((1, "the crew ended as failed"), (2, "the endpoint answered 404")):
        until(lambda error=error: answers(world)["someone"]["error"] == error, why=world.system.logs)  # type: ignore[misc]
        assert crew.paths.count("/run-crew/kickoff") == number
        until(lambda: world.all("select 1 from runs where id = %s and state = 'dead'", run["id"]))
        runs.retry(world.system.conn, world.system.tenant, run["id"])
    until(lambda: answers(world)["someone"]["status"] == "answered", why=world.system.logs)
    assert crew.paths.count("/run-crew/kickoff") == 3


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
        "where tenant_id = %s and kind = 'webhook.send' order by 1, 2",
        tenant,
    )
    assert [(each["type"], each["uid"]) for each in told] == [
        ("crew.answered", "alarmed"),
        ("crew.answered", "calm"),
        ("crew.matched", "alarmed"),
    ]


def test_what_a_rule_found_is_an_event_and_told_once_a_run_by_mail_and_to_channels(world: World, crew: Crew) -> None:
    conn, tenant = world.system.conn, world.system.tenant
    for uid in ("calm", "alarmed", "<b>bold</b>"):
        user(world, uid)
    ask_all(world, crew)
    crew.script = alarmed("alarmed", "<b>bold</b>")
    with chat("slack bot") as played:
        body = {"name": "team", "type": played.type, "credential": played.credential, "options": played.options}
        channels.create(conn, tenant, ChannelIn.model_validate(body), world.seal)
        gone = channels.create(conn, tenant, ChannelIn.model_validate(body | {"name": "gone"}), world.seal)
        schedule = world.schedule("crew.call", {"rule": rule_of("ann@example.com", channels=("team", "gone"))})
        conn.execute("delete from channels where id = %s", (gone.id,))
        run = ended(world, run_now(conn, tenant, schedule))
        assert (run["outcome"]["answered"], run["outcome"]["matched"]) == (3, 2)
        sent = world.until_delivered(run["id"])
        assert [each["state"] for each in sent] == ["sent", "sent"]
        assert "alarmed" in json.dumps(played.taken)
    found = world.all("select * from alert_events where tenant_id = %s order by segment", tenant)
    assert [(each["segment"], each["state"], each["reason"]) for each in found] == [
        ("<b>bold</b>", "firing", "true"),
        ("alarmed", "firing", "true"),
    ]
    assert {each["crew_run_id"] for each in found} == {run["id"]}
    [mail] = [each for each in world.mail.mails() if "ann@example.com" in each.recipients]
    message = mail.message
    assert "its rule found something in 2 of 3 answers" in message["Subject"]
    text, page = (each.get_content() for each in message.iter_parts() if not each.is_multipart())
    assert "alarmed: true" in text
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "calm" not in text
    # The owner hears of what could not be told.
    [subject] = notices(world)
    assert subject.endswith("not all whom its rule tells")
    # An event goes with the user whom it is about.
    conn.execute("delete from users where uid = 'alarmed'")
    assert of_tenant(world, "select count(*) from alert_events where tenant_id = %s") == 1


def test_a_rule_that_fails_on_an_answer_is_said_on_it_and_stops_nobody(world: World, crew: Crew) -> None:
    for uid in ("good", "odd"):
        user(world, uid)
    ask_all(world, crew)
    crew.script = lambda _path, body: (
        200,
        b'{"risk": 1}' if body["customer_goal_latest"] == "good" else b'{"mood": 1}',
    )
    run = ended(world, start(world, rule=rule_of("bea@example.com")))
    assert (run["outcome"]["answered"], run["outcome"]["matched"]) == (2, 1)
    kept = answers(world)
    assert (kept["good"]["matched"], kept["good"]["rule_error"]) == (True, None)
    assert (kept["odd"]["matched"], kept["odd"]["status"]) == (None, "answered")
    assert kept["odd"]["rule_error"] == 'Key not found in map : "risk"'


def test_an_answer_that_comes_after_its_crews_end_is_told_by_itself(world: World, crew: Crew) -> None:
    user(world, "late")
    ask_all(world, crew)
    crew.script = lambda *_: (422, b"{}")
    run = ended(world, start(world, rule=rule_of("late@example.com", language="jmespath")))
    assert (run["outcome"]["failed"], run["outcome"]["matched"]) == (1, 0)

    def mails() -> list[Any]:
        """Those of this story: another one's may still be on its way."""
        return [each for each in world.mail.mails() if "late@example.com" in each.recipients]

    assert mails() == []
    crew.script = alarmed("late")
    [letter] = world.all("select run_id from dead_letters where tenant_id = %s", world.system.tenant)
    runs.retry(world.system.conn, world.system.tenant, letter["run_id"])
    [mail] = until(mails, why=world.system.logs)
    assert mail.message["Subject"].endswith("its rule found something in 1 answer")
    assert of_tenant(world, "select crew_run_id from alert_events where tenant_id = %s") == run["id"]


def test_an_answer_that_was_lost_on_its_way_is_asked_for_under_the_same_key_and_kept_once(
    world: World, crew: Crew
) -> None:
    user(world, "someone")
    ask_all(world, crew)
    crew.by_hand = {"someone": cut}
    run = start(world)
    until(lambda: crew.asked["someone"] > 0, why=world.system.logs)
    crew.by_hand = {}
    assert ended(world, run)["outcome"]["answered"] == 1
    assert crew.asked["someone"] >= 2, "the first answer was cut off"
    assert len(crew.keys["someone"]) == 1
    assert [(uid, row["status"]) for uid, row in answers(world).items()] == [("someone", "answered")]
    assert of_tenant(world, "select count(*) from crew_responses where tenant_id = %s") == 1


def test_bad_answers_are_kept_as_failed_with_their_reason_and_their_beginning(world: World, crew: Crew) -> None:
    # Each has an endpoint alone: what refuses ten users on end has its circuit opened.
    for name in BAD:
        user(world, name, segment=name)
        ask_all(world, crew, name=name, segments=[name], timeout_seconds=1.0)
    crew.by_hand = {name: given for name, (given, _) in BAD.items() if callable(given)}
    crew.script = lambda _path, body: BAD[body["customer_goal_latest"]][0]
    run = ended(world, run_now(world.system.conn, world.system.tenant, world.schedule("crew.call", {}, maxAttempts=1)))
    assert run["outcome"]["failed"] == len(BAD)
    kept = answers(world)
    for name, (given, why) in BAD.items():
        row = kept[name]
        assert (row["status"], row["response_data"]) == ("failed", None), name
        assert why in row["error"], name
        assert len(row["excerpt"] or "") <= 4096, name
        if not callable(given):
            assert row["excerpt"] == given[1][:4096].decode("utf-8", "replace"), name


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
        ("matched=true", 0),
        ("matched=false", 1),
    ):
        assert curl(f"{place}/api/crew-responses?{query}", *told)["total"] == total, query
    stopped = curl("-X", "POST", scheduler, *typed, *told, "-d", '{"action": "stop"}')
    assert stopped == {"isRunning": False, "intervalMinutes": 45, "apiUrl": crew.url}
