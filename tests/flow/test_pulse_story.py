"""pulse.report from due row to history: a report is written once by a model, mailed to each once, or says what it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import graphs
from api.app import create_app
from api.graphs import GraphIn
from api.sources import list_all
from local.mail import MailSink
from local.model_server import ModelServer
from local.postgres import Postgres
from tests.api.conftest import Api, TestClient, settings_of
from tests.flow.world import World, open_world
from tests.system import until

pytestmark = pytest.mark.race

# As the system that comes here has it in its own example.
EXAMPLE: dict[str, Any] = {
    "name": "Test Pulse",
    "description": "Test description",
    "prompt": "Generate a test report",
    "cron": "0 0 * * *",
    "recipients": ["test@example.com"],
}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model that behaves as it should until its script says otherwise."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def world(
    database: str, redis: str, mail: MailSink, postgres: Postgres, tmp_path: Path, model: ModelServer
) -> Iterator[World]:
    """A running system with a model, and a graph of one figure."""
    told = {"CHATBOT_URL": model.url, "CHATBOT_MODEL": "gpt-test", "CHATBOT_API_KEY": "sk-hush"}
    with open_world(database, redis, mail, postgres, tmp_path, **told) as found:
        found.source("warehouse")
        conn, tenant = found.system.conn, found.system.tenant
        [source] = list_all(conn, tenant)
        asked = {"name": "Open orders", "sourceId": source.id, "query": "select value from figure", "unit": "orders"}
        graphs.create(conn, tenant, GraphIn.model_validate(asked))
        yield found


@pytest.fixture
def api(world: World, redis: str) -> Iterator[Api]:
    """The tenant's way to the API."""
    with TestClient(create_app(settings_of(world.system.database, redis))) as web:
        yield Api(web, world.system.conn, tenant=world.system.tenant)


def finished(api: Api, job_id: str, world: World) -> dict[str, Any]:
    """The job, once it is finished and its mail is through."""

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = api("GET", f"/api/pulse-job/{job_id}").json()
        return job if job["state"] == "finished" else None

    job = until(found, why=world.system.logs)
    world.until_delivered(job["id"])
    again: dict[str, Any] = api("GET", f"/api/pulse-job/{job_id}").json()
    return again


def published(api: Api, pulse: str, world: World, verb: str = "publish") -> dict[str, Any]:
    """The job of a pulse that is published now, once it is finished."""
    return finished(api, api("POST", f"/api/pulse/{pulse}/{verb}").json()["jobId"], world)


def test_a_report_is_written_by_the_model_and_mailed_or_says_why_it_is_not(
    world: World, api: Api, model: ModelServer
) -> None:
    pulse = api("POST", "/api/pulse", json=EXAMPLE).json()["id"]
    job_id = api("POST", f"/api/pulse/{pulse}/publish").json()["jobId"]
    assert api("POST", f"/api/pulse-job/{job_id}/run").json()["job"]["pulseConfigId"] == pulse
    job = finished(api, job_id, world)
    assert (job["state"], job["result"], job["emailSent"]) == ("finished", "success", True)
    assert "Open orders stands at 100 orders" in job["payload"]["report"]
    assert job["payload"]["messages"][0] == {"role": "user", "content": "Generate a test report"}
    assert (job["payload"]["isFallback"], job["payload"]["check"]["counts"]["unverified"]) == (False, 0)
    assert job["payload"]["usage"]["turns"] == 3
    [mail] = world.mail.wait_for(1)
    assert mail.recipients == ("test@example.com",)
    parts = {part.get_content_type(): part.get_content() for part in mail.message.walk() if not part.is_multipart()}
    assert "Open orders stands at 100 orders" in parts["text/plain"]
    assert "Open orders stands at 100 orders" in parts["text/html"]
    assert "sk-hush" not in str(job)
    used = world.all("select turns, tokens from model_usage")[0]
    usage = job["payload"]["usage"]
    assert (used["turns"], used["tokens"]) == (3, usage["tokensIn"] + usage["tokensOut"])

    # The slot comes by itself; it says what changed since, and a number that is wrong is not passed on.
    world.figures.execute("update figure set value = 120")
    world.mail.forget()
    model.script = ["say Open orders rose to 777 orders.", "say Open orders are at 120 orders.", "good"]
    world.system.conn.execute(
        "update schedules set cron = null, interval_seconds = 86400, interval_anchor = date_trunc('second', now())"
    )
    slot = world.next_slot(world.all("select id from schedules")[0]["id"])
    assert (slot["state"], slot["outcome"]["isFallback"]) == ("succeeded", False)
    assert "777" not in slot["outcome"]["report"]
    assert "What changed since the last one" in slot["outcome"]["report"]
    world.until_delivered(slot["id"])
    [mail] = world.mail.wait_for(1)
    assert "120" in mail.content.decode()

    # Nothing notable since: nothing is sent, and no model is asked.
    api("PUT", f"/api/pulse/{pulse}", json={"skipIfNothingNotable": True})
    seen = len(model.seen)
    job = published(api, pulse, world)
    assert (job["result"], job["emailSent"], job["payload"]["outcome"]) == ("success", False, "not_notable")
    assert len(model.seen) == seen

    # A model that is down: the figures alone, and the mail says so; or an error and no mail.
    api("PUT", f"/api/pulse/{pulse}", json={"skipIfNothingNotable": False})
    world.mail.forget()
    model.script = ["status 401"]
    job = published(api, pulse, world)
    assert (job["result"], job["emailSent"], job["payload"]["isFallback"]) == ("success", True, True)
    assert "made from the figures alone" in world.mail.wait_for(1)[0].content.decode()
    api("PUT", f"/api/pulse/{pulse}", json={"onModelFailure": "error"})
    job = published(api, pulse, world)
    assert (job["state"], job["result"], job["emailSent"], job["payload"]) == ("finished", "error", False, None)
    assert job["error"]

    # What its tenant may have of models is used up: none is asked, and the reason is told.
    world.system.conn.execute('update tenants set settings = \'{"quotas": {"aiDailyTokens": 1}}\'')
    seen = len(model.seen)
    job = published(api, pulse, world)
    assert (job["result"], job["error"]) == ("error", "the tokens that this tenant may have of models are used up")
    assert len(model.seen) == seen
    world.system.conn.execute("update tenants set settings = '{}'")

    # Previews and tests are sent to nobody, and nothing is where nobody is named.
    model.script = ["good"]
    preview = published(api, pulse, world, "preview")
    assert "Open orders stands at 120 orders" in preview["payload"]["page"]["html"]
    assert (preview["result"], preview["emailSent"]) == ("success", False)
    api("PUT", f"/api/pulse/{pulse}", json={"recipients": None})
    job = published(api, pulse, world)
    assert (job["result"], job["emailSent"]) == ("success", False)
    assert job["payload"]["report"]
    assert world.all("select 1 from deliveries where run_id in (%s, %s)", job["id"], preview["id"]) == []
    assert len(world.mail.mails()) == 1


def test_neither_a_killed_worker_nor_a_mail_that_fails_makes_the_report_again(
    world: World, api: Api, model: ModelServer
) -> None:
    model.script = ["good", "hang", "good"]
    pulse = api(
        "POST", "/api/pulse", json=EXAMPLE | {"recipients": ["ann@example.com", "451-once+pulse@example.com"]}
    ).json()
    job_id = api("POST", f"/api/pulse/{pulse['id']}/publish").json()["jobId"]
    until(lambda: len(model.seen) == 2, why=world.system.logs)
    world.system.processes[-1].kill()
    assert api("GET", f"/api/pulse-job/{job_id}").json()["state"] == "running"
    world.system.worker()
    job = finished(api, job_id, world)
    assert (job["result"], job["emailSent"]) == ("success", True)
    assert len(model.seen) == 4, "list, a question that died, the same again, the report"
    sent = world.mail.wait_for(2)
    assert sorted(each for mail in sent for each in mail.recipients) == [
        "451-once+pulse@example.com",
        "ann@example.com",
    ]
