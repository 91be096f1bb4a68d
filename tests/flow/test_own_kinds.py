"""Kinds of the user's own in a running system: those of docs/own-kinds.md as the page has them, through the API."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.app import create_app
from db.migrate import register
from local.mail import MailSink
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.api.conftest import Api, TestClient, settings_of
from tests.docs.written import write_files
from tests.flow.world import KEY, World, open_world
from tests.system import ROOT, until
from tocsin.testing import receiver

pytestmark = pytest.mark.race

NAMES = ("your_kinds:KIND", "campaign:KIND", "own_kinds:BOTH")
BOTH = """
import asyncio
from pathlib import Path
from pydantic import BaseModel
from tocsin import Context, Done, Kind

class Params(BaseModel):
    file: Path

async def run(ctx: Context[Params]) -> Done:
    try:
        await ctx.aio.progress(0.25, "waiting")
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        ctx.params.file.write_text(f"{ctx.is_cancelled()}")
        raise
    return Done()

BOTH = Kind("own.both", Params, run, "waits")
"""


OLD = """
from pydantic import BaseModel, model_validator
from tocsin import Context, Done, Kind

class Params(BaseModel):
    item: str

KIND = Kind("own.released", Params, lambda ctx: Done(), "does nothing")
"""
NEW = """
from pydantic import BaseModel, model_validator
from tocsin import Context, Done, Kind

class Params(BaseModel):
    items: list[str]
    note: str = "none"

class Reading(Params):
    @model_validator(mode="before")
    @classmethod
    def _old_shape(cls, given):
        return {"items": [given["item"]]} if "item" in given else given

def run(ctx):
    return Done({"items": ctx.params.items, "note": ctx.params.note})

READS_OLD = Kind("own.released", Reading, run, "reads both")
READS_NEW = Kind("own.released", Params, run, "reads its own")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the kinds lie; this process imports from it too."""
    found = tmp_path_factory.mktemp("own")
    write_files("own-kinds.md", found)
    for name, text in (("own_kinds", BOTH), ("release_1", OLD), ("release_2", NEW)):
        (found / f"{name}.py").write_text(text)
    sys.path.insert(0, str(found))
    yield found
    sys.path.remove(str(found))


@pytest.fixture(scope="module")
def running(postgres: Postgres, template: str, mail_server: MailSink, folder: Path) -> Iterator[World]:
    """A ticker and a worker that know the page's kinds, for all the stories."""
    environ = {"PYTHONPATH": f"{ROOT}:{folder}", "TOCSIN_KINDS": ",".join(NAMES)}
    url = postgres.create_database("own_kinds", template=template)
    with make.connect(url) as conn:
        register(conn)
    with Redis() as redis, open_world(url, redis.url, mail_server, postgres, folder, **environ) as found:
        yield found
    postgres.drop_database("own_kinds")


@pytest.fixture
def world(running: World, mail: MailSink) -> World:
    """The system, with a tenant of the story's own."""
    running.system.tenant = make.tenant(running.system.conn)
    return replace(running, mail=mail)


@contextmanager
def workers_of(world: World, *fleet: str) -> Iterator[None]:
    """Workers of other releases, one for each list of kinds, in the place of those there are."""
    standing = [each for each in world.system.processes[1:] if each.is_running()]
    started = [world.system.worker(wait=False, TOCSIN_KINDS=names) for names in fleet]
    for each in started:
        each.until_says("worker.started")
    for each in standing:
        each.stop()
    try:
        yield
    finally:
        world.system.worker()
        for each in started:
            each.stop()


MakeApi = Callable[..., Api]


@pytest.fixture
def make_api(world: World, redis: str) -> Iterator[MakeApi]:
    """Makes the tenant's way to a web of the kinds given."""
    opened: list[TestClient] = []

    def make(*kinds: str) -> Api:
        settings = settings_of(world.system.database, redis, kinds=kinds, retention_days=3650, secret_keys=(KEY,))
        opened.append(TestClient(create_app(settings)).__enter__())
        return Api(opened[-1], world.system.conn, tenant=world.system.tenant)

    yield make
    for each in opened:
        each.__exit__()


def made(api: Api, **body: Any) -> dict[str, Any]:
    """The schedule that the API made of the body."""
    answer = api("POST", "/api/schedules", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_usage_of_a_callback_registry_goes_through_as_it_stands(world: World, make_api: MakeApi) -> None:
    api = make_api(*NAMES)
    job = {"jobType": "your.job_type", "jobPayload": {"itemId": "item-123"}}

    once = made(api, **job, scheduledAt="2026-03-01T09:00:00Z")
    [run] = world.ended(once["id"], 1)
    assert run["outcome"] == {"tenantId": str(world.system.tenant), "itemId": "item-123"}
    until(lambda: api("GET", f"/api/schedules/{once['id']}").json()["status"] == "completed", why=world.system.logs)

    weekly = made(api, **job, cronExpression="0 9 * * 1", maxRuns=10)
    assert (weekly["maxRuns"], weekly["runCount"], weekly["status"]) == (10, 0, "active")
    place = f"/api/schedules/{weekly['id']}"
    assert [slot["at"][11:] for slot in api("GET", f"{place}/next").json()["items"]] == ["09:00:00Z"] * 10
    assert api("POST", f"{place}/pause").json()["status"] == "paused"
    assert api("POST", f"{place}/resume").json()["status"] == "active"
    moved = api("PATCH", place, json={"cronExpression": "0 10 * * 1"}).json()
    assert (moved["cronExpression"], moved["nextRunAt"][11:]) == ("0 10 * * 1", "10:00:00Z")
    assert api("DELETE", place).status_code == 204
    assert api("GET", place).json()["status"] == "cancelled"

    wrong = api("POST", "/api/schedules", json={**job, "jobPayload": {"item": 1}, "intervalSeconds": 60})
    assert wrong.status_code == 422
    assert {each["pointer"] for each in wrong.json()["errors"]} == {"/jobPayload/itemId", "/jobPayload/item"}


def test_a_schedule_ends_after_as_many_runs_as_it_may_have(world: World, make_api: MakeApi) -> None:
    job = {"jobType": "your.job_type", "jobPayload": {"itemId": "item-123"}}
    schedule = made(make_api(*NAMES), **job, intervalSeconds=3600, maxRuns=2)
    for _ in range(2):
        assert world.next_slot(UUID(schedule["id"]))["state"] == "succeeded"
    status = "select status, run_count from schedules where id = %s"
    until(lambda: world.all(status, schedule["id"]) == [{"status": "completed", "run_count": 2}], why=world.system.logs)


def test_a_campaign_goes_on_where_it_stopped_and_tells_once(world: World, make_api: MakeApi) -> None:
    api = make_api(*NAMES)
    answers = ((200, ["ann", "bob", "cy"]), (200, {"sent": 2}), 503, (200, {"sent": 1}))
    with receiver(*answers) as service:
        payload = {"campaignId": "spring", "baseUrl": service.url, "batchSize": 2, "reportTo": ["owner@example.com"]}
        backoff = {"baseSeconds": 0.1, "maxSeconds": 0.1}
        schedule = made(api, jobType="campaign.execute", jobPayload=payload, intervalSeconds=3600, backoff=backoff)
        run = world.next_slot(UUID(schedule["id"]))
    assert (run["state"], run["outcome"]) == ("succeeded", {"sent": 3, "batches": 2})
    assert world.attempts(run["id"]) == ["later", "done"]
    assert [call.path for call in service.calls] == ["/campaigns/spring/audience", *["/campaigns/spring/send"] * 3]
    keys = [call.headers.get("idempotency-key") for call in service.calls]
    assert keys == [None, *(f"{run['id']}:batch-{number}" for number in (1, 2, 2))]
    assert json.loads(service.calls[-1].body) == {"to": ["cy"]}
    shown = api("GET", f"/api/runs/{run['id']}").json()
    assert shown["progress"] == {"fraction": 1.0, "note": "3 of 3 sent"}
    [delivery] = world.until_delivered(run["id"])
    assert (delivery["recipient"], delivery["state"]) == ("owner@example.com", "sent")
    [mail] = world.mail.wait_for(1)
    assert mail.message["Subject"] == "Campaign spring is out"


def test_a_cancel_reaches_an_async_kind_where_it_waits(world: World, make_api: MakeApi, folder: Path) -> None:
    api = make_api(*NAMES)
    schedule = made(api, jobType="own.both", jobPayload={"file": str(folder / "said")}, intervalSeconds=3600)
    [run_id] = api("POST", f"/api/schedules/{schedule['id']}/run").json()["runIds"]
    shown = f"/api/runs/{run_id}"
    until(lambda: api("GET", shown).json()["progress"], why=world.system.logs)
    assert api("GET", shown).json()["progress"] == {"fraction": 0.25, "note": "waiting"}

    api("POST", f"{shown}/cancel")

    [run] = world.ended(schedule["id"], 1)
    assert (run["state"], (folder / "said").read_text()) == ("cancelled", "True")


def test_a_fleet_of_two_releases_runs_a_new_kind_and_loses_none(world: World, make_api: MakeApi) -> None:
    old, new = make_api(), make_api(*NAMES)
    job = {"jobType": "your.job_type", "jobPayload": {"itemId": "item-123"}}
    refused = old("POST", "/api/schedules", json={**job, "intervalSeconds": 60})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["detail"].startswith("there is no kind 'your.job_type'; the kinds are ")

    with workers_of(world, "", ",".join(NAMES)):
        schedule = made(new, **job, intervalSeconds=3600, overlapPolicy="allow")
        for _ in range(8):
            new("POST", f"/api/schedules/{schedule['id']}/run")
        runs = world.ended(schedule["id"], 8, timeout=60)
    assert {(run["state"], run["attempt"]) for run in runs} == {("succeeded", 1)}
    assert world.all("select 1 from dead_letters where tenant_id = %s", world.system.tenant) == []


def test_a_kind_that_was_removed_leaves_its_schedules_to_be_managed(world: World, make_api: MakeApi) -> None:
    job = {"jobType": "your.job_type", "jobPayload": {"itemId": "item-123"}}
    schedule = made(make_api(*NAMES), **job, intervalSeconds=3600)
    place = f"/api/schedules/{schedule['id']}"
    api = make_api()
    with workers_of(world, ""):
        [run_id] = api("POST", f"{place}/run").json()["runIds"]
        waiting = f"/api/runs/{run_id}"
        until(lambda: api("GET", waiting).json()["reason"] == "no_worker_for_kind", why=world.system.logs)
        assert api("GET", place).json()["jobType"] == "your.job_type"
        assert api("PATCH", place, json={"name": "kept", "intervalSeconds": 60}).json()["name"] == "kept"
        assert api("PATCH", place, json={"jobPayload": {"itemId": "x"}}).status_code == 422
        assert api("POST", f"{place}/pause").json()["status"] == "paused"
        assert api("POST", f"{place}/resume").json()["status"] == "active"
        assert api("DELETE", place).status_code == 204
        [run] = world.ended(schedule["id"], 1)
    assert run["state"] == "cancelled"


def test_params_of_an_earlier_release_are_read_or_named_and_replayed(world: World, make_api: MakeApi) -> None:
    api = make_api("release_1:KIND")
    schedule = made(api, jobType="own.released", jobPayload={"item": "a"}, intervalSeconds=3600)
    with workers_of(world, "release_2:READS_NEW"):
        dead = world.next_slot(UUID(schedule["id"]))
        assert (dead["state"], dead["error"]) == ("dead", "its params are not valid: items: Field required")
    with workers_of(world, "release_2:READS_OLD"):
        [letter] = api("GET", "/api/dead-letters").json()["items"]
        assert api("POST", f"/api/dead-letters/{letter['id']}/replay").status_code == 200
        [run] = until(lambda: [each for each in world.runs(schedule["id"]) if each["state"] == "succeeded"])
    assert run["outcome"] == {"items": ["a"], "note": "none"}
