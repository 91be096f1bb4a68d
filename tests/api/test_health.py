"""Health and readiness: what a platform asks."""

from collections.abc import Callable

from db.migrate import migrate
from db.pool import Database
from local.postgres import Postgres
from local.processes import free_port
from tests.api.conftest import MakeWeb, TestClient


def test_alive_is_alive_while_the_database_is_away(make_web: MakeWeb) -> None:
    web = make_web(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    assert web.get("/healthz").status_code == 200


def test_ready_says_that_the_database_and_the_broker_answer(web: TestClient) -> None:
    answer = web.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "database": "ok", "broker": "ok"}


def test_a_broker_that_is_away_is_degraded_and_not_unready(make_web: MakeWeb, database: str) -> None:
    for scheme in ("redis", "amqp"):
        answer = make_web(database, broker_url=f"{scheme}://127.0.0.1:{free_port()}").get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"status": "ready", "database": "ok", "broker": "degraded"}


def test_not_ready_while_the_database_is_away(make_web: MakeWeb) -> None:
    answer = make_web(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none").get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"
    assert "secret" not in answer.text


def test_not_ready_until_migrated_and_then_ready(make_web: MakeWeb, empty_database: str) -> None:
    web = make_web(empty_database)
    answer = web.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "not_migrated"
    assert "tocsin migrate" in answer.json()["reason"]
    migrate(Database.at(empty_database))
    assert web.get("/readyz").status_code == 200


def test_ready_again_after_the_database_was_restarted(
    make_web: MakeWeb, make_postgres: Callable[..., Postgres]
) -> None:
    server = make_postgres()
    url = server.create_database("tocsin")
    migrate(Database.at(url))
    web = make_web(url)
    assert web.get("/readyz").status_code == 200
    server.restart("immediate")
    assert web.get("/readyz").status_code == 200
