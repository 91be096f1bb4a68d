"""A client made from the OpenAPI document alone, and a whole story told with it against real processes."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from api import tokens
from api.app import openapi
from local.processes import free_port
from tests import make
from tests.api.conftest import KEY
from tests.system import System, until

NAME = "client_of_tocsin"


class Client:
    """The generated package, called by the names that it has."""

    def __init__(self, url: str, token: str) -> None:
        self.models: Any = import_module(f"{NAME}.models")
        self._client = import_module(NAME).AuthenticatedClient(base_url=url, token=token)

    def ask(self, room: str, operation: str, *ids: object, **options: Any) -> Any:
        """What the operation answers, as the generated code read it; it must be no problem."""
        found = import_module(f"{NAME}.api.{room}.{operation}").sync_detailed(*ids, client=self._client, **options)
        assert found.status_code < 300, found.content
        return found.parsed

    def close(self) -> None:
        """Closes its connections."""
        self._client.get_httpx_client().close()


@pytest.fixture
def client(database: str, redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a web process, beside which a ticker and a worker are at work."""
    document = tmp_path / "openapi.json"
    document.write_bytes(subprocess.check_output([sys.executable, "-m", "tocsin", "api", "--openapi"]))
    maker = Path(sys.executable).with_name("openapi-python-client")
    options = ["--path", str(document), "--meta", "none", "--output-path", str(tmp_path / NAME)]
    subprocess.run([maker, "generate", *options], check=True, capture_output=True)
    monkeypatch.syspath_prepend(tmp_path)

    port = free_port()
    with System(database, redis, tmp_path, TOCSIN_EGRESS_ALLOW="127.0.0.0/8", TOCSIN_SECRET_KEYS=KEY) as system:
        _, token = tokens.create(system.conn, system.tenant, "the story's", "admin")
        web = system.start("api", PORT=str(port))
        system.ticker()
        system.worker()
        web.until_says("web.started")
        made = Client(f"http://127.0.0.1:{port}", token)
        yield made
        made.close()
    for module in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[module]


@pytest.mark.race
def test_a_generated_client_tells_a_whole_story(
    client: Client, database: str, conn: make.Connection, tmp_path: Path
) -> None:
    models = client.models
    once = {"scheduledAt": make.now(conn).isoformat(), "jobPayload": {"file": str(tmp_path / "trace")}}

    source = client.ask("sources", "create_source", body=models.SourceIn(name="figures", url=database))
    assert client.ask("sources", "get_source", source.id).name == "figures"
    assert client.ask("sources", "test_source", source.id).ok

    made = client.ask(
        "schedules",
        "create_schedule",
        body=models.ScheduleIn.from_dict({"jobType": "test.record", "name": "a", **once}),
    )
    run = _over(client, made.id)
    assert run.state == "succeeded"
    assert [attempt.outcome for attempt in client.ask("runs", "get_run", run.id).attempts] == ["done"]

    dying = client.ask(
        "schedules",
        "create_schedule",
        body=models.ScheduleIn.from_dict({"jobType": "test.reject", "name": "b", **once}),
    )
    dead = _over(client, dying.id)
    assert dead.state == "dead"
    [letter] = client.ask("dead_letters", "list_dead_letters").items
    assert (letter.run_id, letter.cause, letter.error) == (dead.id, "rejected", "never")

    again = client.ask("dead_letters", "replay_dead_letter", letter.id)
    assert (again.id, again.state) == (dead.id, "pending")
    until(lambda: len(client.ask("runs", "get_run", dead.id).dead_letters) == 2)
    assert [each.state for each in client.ask("dead_letters", "list_dead_letters").items] == ["open"]

    log = client.ask("audit_log", "list_audit_log").items
    assert [(entry.number, entry.action) for entry in log] == [
        (4, "dead_letter.replayed"),
        (3, "schedule.created"),
        (2, "schedule.created"),
        (1, "source.created"),
    ]


def test_every_operation_is_named_by_its_function_and_no_two_are_the_same() -> None:
    names = [operation["operationId"] for path in openapi()["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert [name for name in names if not name.isidentifier() or "api" in name.split("_")] == []


# Plain by their names, in whichever model they stand.
PLAIN = {
    "at", "columns", "count", "createdAt", "database", "broker", "deadLetters", "deliveries", "detail",
    "email", "finishedAt", "from", "hasMore", "host", "id", "items", "kind", "lastErrorAt", "limit", "logs", "message",
    "milliseconds", "name", "note", "ok", "pid", "queues", "query", "recipient", "rows", "runId", "runIds",
    "scheduleId", "seenAt", "settings", "startedAt", "steps", "summary", "title", "to", "threads", "traceback",
    "updatedAt", "status", "reason", "error", "type",
}  # fmt: skip


def test_the_page_tells_what_each_field_means_where_its_name_does_not() -> None:
    silent = {
        f"{model}.{field}"
        for model, schema in openapi()["components"]["schemas"].items()
        for field, shape in schema.get("properties", {}).items()
        if "description" not in shape and field not in PLAIN
    }
    assert silent == set()


def _over(client: Client, schedule_id: object) -> Any:
    """The schedule's one run, once it is over."""

    def look() -> Any:
        found = client.ask("runs", "list_runs", schedule_id=schedule_id).items
        return next((run for run in found if run.finished_at is not None), None)

    return until(look)
