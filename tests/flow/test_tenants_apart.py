"""Two tenants at the same work: what the one is told, by mail, error or metric, holds nothing of the other."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from local.processes import free_port
from tests import make
from tests.flow.test_threshold_story import PARAMS
from tests.flow.world import World
from tests.system import until

pytestmark = pytest.mark.race

WORDS = ("alfa", "bravo")


def at_work(world: World, tenant: UUID, word: str) -> list[dict[str, Any]]:
    """The runs of a tenant whose every text holds the word: one that mails, one whose query fails, one that calls."""
    world.system.tenant = tenant
    world.source(f"{word} books")
    alert = PARAMS | {"alertName": f"{word} orders", "recipients": [f"{word}@example.com"], "source": f"{word} books"}
    made = [
        world.alert(alert, maxAttempts=1),
        world.alert(alert | {"alertName": f"{word} 1", "query": f"select {word} from {word}"}, maxAttempts=1),
        world.schedule("http.call", {"url": f"http://{word}.invalid/{word}"}, name=f"{word} 2", maxAttempts=1),
    ]
    return [world.next_slot(each) for each in made]


def test_nothing_that_one_tenant_is_told_holds_a_name_or_an_id_of_another(world: World) -> None:
    system = world.system
    for process in list(system.processes):
        assert process.stop() == 0
    ports = [free_port() for _ in range(2)]
    system.ticker(METRICS_PORT=str(ports[0]))
    system.worker(METRICS_PORT=str(ports[1]))
    tenants = [make.tenant(system.conn, slug=f"{word}-slug", name=f"{word} name") for word in WORDS]
    world.figures.execute("update figure set value = 200")
    runs = [at_work(world, tenant, word) for tenant, word in zip(tenants, WORDS, strict=True)]
    assert [[run["state"] for run in each] for each in runs] == [["succeeded", "succeeded", "dead"]] * 2
    mails = world.mail.wait_for(2)
    until(lambda: not system.value("select count(*) from deliveries where state <> 'sent'"), why=system.logs)

    said = {}
    for tenant, word in zip(tenants, WORDS, strict=True):
        [mail] = [each for each in mails if each.recipients == (f"{word}@example.com",)]
        parts = [part.get_content() for part in mail.message.walk() if part.get_content_maintype() == "text"]
        rows = [
            world.all(statement, tenant)
            for statement in (
                "select error, outcome, reason from runs where tenant_id = %s",
                "select error from dead_letters where tenant_id = %s",
                "select error, provider_message_id from deliveries where tenant_id = %s",
                "select error, traceback from run_attempts where tenant_id = %s",
            )
        ]
        said[word] = f"{mail.message.items()} {parts} {rows}"
    pages = "\n".join(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text for port in ports)

    ids = [[str(tenant), *(str(run["id"]) for run in each)] for tenant, each in zip(tenants, runs, strict=True)]
    assert 'tocsin_runs_total{kind="kpi.threshold"' in pages
    for mine, other in ((0, 1), (1, 0)):
        assert WORDS[mine] in said[WORDS[mine]]
        assert [each for each in (WORDS[other], *ids[other]) if each in said[WORDS[mine]]] == []
        assert [each for each in (WORDS[mine], *ids[mine]) if each in pages] == []
