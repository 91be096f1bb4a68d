"""What an installation can do, and what runs in it."""

import re
from datetime import timedelta

import pytest

from api import tokens
from api.app import openapi
from config.environ import BadSetting
from local.processes import free_port
from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient
from tests.system import until
from workers.kinds import KINDS


def test_each_kind_has_its_schema_and_its_secrets_can_only_be_written(api: Api) -> None:
    kinds = {kind["name"]: kind for kind in api("GET", "/api/kinds").json()["items"]}
    assert set(kinds) == {*KINDS, "test.noop"}
    call = kinds["http.call"]
    assert call["queue"] == "calls"
    assert call["params"]["properties"]["secret"]["writeOnly"] is True
    assert re.search(call["params"]["properties"]["headers"]["x-sealed"], "Authorization", re.IGNORECASE)
    assert "timeoutSeconds" in call["params"]["properties"]
    assert kinds["kpi.threshold"]["isGatedOnly"] is True


def test_a_kind_that_cannot_be_loaded_stops_the_web_at_start(make_web: MakeWeb, database: str) -> None:
    with pytest.raises(BadSetting, match="TOCSIN_KINDS names nowhere:KIND"):
        make_web(database, kinds=("nowhere:KIND",))


def test_processes_are_alive_stopped_or_lost(web: TestClient, database: str, conn: make.Connection) -> None:
    operator = Api(web, conn, "operator")
    with make.connect(database) as conn:
        now = make.now(conn)
        made = {
            "alive": make.process(conn, role="worker", queues=["alerts"]),
            "stopped": make.process(conn, role="ticker", stopped_at=now),
            "lost": make.process(conn, role="ticker", leased_until=now - timedelta(minutes=1)),
        }
        make.process(conn, role="ticker", stopped_at=now - timedelta(days=2))
    found = {each["id"]: each for each in operator("GET", "/api/processes").json()["items"]}
    assert {state: found[str(each)]["state"] for state, each in made.items()} == {state: state for state in made}
    assert found[str(made["alive"])]["queues"] == ["alerts"]
    assert found[str(made["alive"])]["startedAt"].endswith("Z")
    assert len([each for each in found.values() if each["role"] != "web"]) == 3


def test_a_web_process_is_among_them(web: TestClient, conn: make.Connection) -> None:
    operator = Api(web, conn, "operator")

    def roles() -> list[str]:
        return [each["role"] for each in operator("GET", "/api/processes").json()["items"]]

    until(lambda: "web" in roles())


def test_a_database_that_is_away_is_503_and_no_traceback(make_web: MakeWeb) -> None:
    web = make_web(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none")
    answer = web.get("/api/kinds", headers={"Authorization": f"Bearer {tokens.mint()}"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "secret" not in answer.text


def test_the_openapi_document_needs_no_setting() -> None:
    assert {"/healthz", "/readyz", "/metrics", "/api/kinds", "/api/processes"} <= set(openapi()["paths"])
