"""A run that asks a model, from due row to history: what was paid for before its worker died is not paid for again."""

from pathlib import Path
from typing import Any

import pytest

from api.sources import create_source
from config.seal import Seal
from local.model_server import ModelServer
from local.model_words import NAME
from tests import make
from tests.flow.world import KEY
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race

SETTINGS = {"CHATBOT_MODEL": "gpt-test", "CHATBOT_API_KEY": "sk-hush", "TOCSIN_SECRET_KEYS": KEY}


@pytest.mark.parametrize("protocol", ["openai", pytest.param("anthropic", marks=pytest.mark.long)])
def test_a_killed_run_goes_on_where_it_was_and_pays_for_no_turn_twice(
    protocol: str, database: str, redis: str, tmp_path: Path
) -> None:
    with ModelServer(["good", "hang", "good"]) as server:
        url = server.url if protocol == "openai" else server.anthropic_url
        environ = {**SETTINGS, "CHATBOT_URL": url, "TOCSIN_EGRESS_ALLOW": "127.0.0.0/8"}
        with System(database, redis, tmp_path, **environ) as system:
            conn, tenant = system.conn, system.tenant
            made = create_source(conn, tenant, "own", "postgres", database, Seal((KEY,)))
            rows = {"tenant_id": tenant, "source_id": made.id, "query": "select 42::numeric as value"}
            make.insert(conn, "graphs", {**rows, "name": "Seats", "unit": "seats"})
            other = make.tenant(conn)
            strange = create_source(conn, other, "own", "postgres", database, Seal((KEY,)))
            make.insert(conn, "graphs", {**rows, "tenant_id": other, "source_id": strange.id, "name": "Hush"})
            system.ticker()
            doomed = system.worker()
            file = tmp_path / "trace"
            file.touch()
            schedule = system.schedule(kind="test.chat", params={"file": str(file)}, queue="ai")
            until(lambda: len(server.seen) == 2, why=system.logs)
            doomed.kill()
            system.worker()
            system.until_states(succeeded=1)

            assert len(server.seen) == 4, "list, a request that died, the same again, the report"
            assert [len(seen.body["messages"]) for seen in server.seen[1:3]] == [
                len(server.seen[1].body["messages"])
            ] * 2
            assert server.seen[1].body == server.seen[2].body
            keys = [seen.headers["idempotency-key"].partition(":")[2] for seen in server.seen]
            assert keys == [f"chat:turn:{number}" for number in (1, 2, 2, 3)]
            outcome: dict[str, Any] = system.value("select outcome from runs where schedule_id = %s", schedule)
            assert "Seats stands at 42 seats" in outcome["text"]
            assert (outcome["usage"]["turns"], outcome["usage"]["model"]) == (3, NAME)
            assert "Hush" not in str([seen.body for seen in server.seen])
            assert [line.word for line in lines(file)] == ["Answered"]
            assert "sk-hush" not in system.logs() + str(system.value("select to_jsonb(r) from runs as r"))
