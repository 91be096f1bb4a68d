"""Runs of crews: how far one is that waits, when it began, and which endpoint that gives no answer holds it up."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from db.jsonb import Jsonb, rfc3339
from tests import make
from tests.api.conftest import Api
from tests.crew import endpoint


@pytest.fixture
def slot(conn: make.Connection) -> datetime:
    """A slot of some minutes ago."""
    return make.now(conn) - timedelta(minutes=7, seconds=31)


def waiting(conn: make.Connection, api: Api, slot: datetime, **row: Any) -> str:
    """A crew's run that fanned out at once, has looked how far its calls are just now, and waits."""
    now = make.now(conn)
    told = {"progress": Jsonb({"fraction": 21 / 31, "note": "21 of 31 users"}), "error": "10 calls have not ended"}
    at = {"slot_at": slot, "started_at": now, "available_at": now + timedelta(seconds=15)}
    assert api.tenant
    for role in ("ticker", "worker"):
        make.process(conn, role=role, queues=["default"])
    run = make.run(conn, api.tenant, kind="crew.call", state="pending", attempt=0, **at, **told, **row)
    step = {"run_id": run, "slot_at": slot, "tenant_id": api.tenant, "name": "fan-out", "fence": 1}
    make.insert(conn, "run_steps", step | {"result": {"users": 31}, "created_at": slot + timedelta(milliseconds=30)})
    return str(run)


def call(conn: make.Connection, api: Api, of: str, slot: datetime, asked: str) -> str:
    """A call of a crew's run that waits for its endpoint."""
    row = {"kind": "crew.ask", "state": "pending", "origin": "child", "item_key": "ann", "parent_run_id": of}
    at = {"slot_at": slot, "id": make.value(conn, "select id_beside(%s)", of), "available_at": slot}
    assert api.tenant
    return str(make.run(conn, api.tenant, limited_by=[f"endpoint:{asked}"], **row, **at))


def story(api: Api, run: str) -> list[str]:
    """Why the run is as it is."""
    told: list[str] = api("GET", f"/api/runs/{run}").json()["decision"]
    return told


def test_a_crew_that_waits_shows_how_far_it_is_and_when_it_began(
    api: Api, conn: make.Connection, slot: datetime
) -> None:
    run = waiting(conn, api, slot)
    told = story(api, run)
    began = rfc3339(slot + timedelta(milliseconds=30))
    assert told[1].startswith(f"It had begun by {began}, 30 ms after its slot, and last started at ")
    assert "It is 68% through: 21 of 31 users." in told
    assert told[-1].startswith("Next: it goes on at ")
    page = api("GET", f"/runs/{run}").text
    assert '<progress value="68" max="100">' in page
    assert "30 ms from its slot to its start" in page


def test_an_attempt_before_tells_the_first_start(api: Api, conn: make.Connection, slot: datetime) -> None:
    assert api.tenant
    run = make.run(conn, api.tenant, state="pending", slot_at=slot, attempt=1, started_at=slot + timedelta(minutes=1))
    tried = {"run_id": run, "slot_at": slot, "tenant_id": api.tenant, "fence": 1, "attempt": 1, "outcome": "raised"}
    make.insert(conn, "run_attempts", tried | {"started_at": slot + timedelta(seconds=2)})
    first, last = (rfc3339(slot + timedelta(seconds=each)) for each in (2, 60))
    assert f"It first started at {first}, 2 s after its slot, and last started at {last}." in story(api, str(run))


def test_who_waits_for_an_endpoint_whose_circuit_is_open_says_so_by_its_name(
    api: Api, conn: make.Connection, slot: datetime
) -> None:
    assert api.tenant
    tail, other = (str(endpoint(conn, api.tenant, "https://x.example.com", name=name)) for name in ("tail", "other"))
    crew, free = waiting(conn, api, slot), waiting(conn, api, slot - timedelta(seconds=1))
    held = call(conn, api, crew, slot, tail)
    room = "Next: it starts once its limits leave room for it: endpoint:tail."
    assert story(api, held)[-1] == room
    assert not any("circuit" in each for each in story(api, crew))

    now = make.now(conn)
    since, until = now - timedelta(seconds=40), now + timedelta(seconds=20)
    conn.execute(
        "update limits set failed_in_row = 5, open_since = %s, open_until = %s where name like 'endpoint:%%'",
        (since, until),
    )
    why = (
        f"The circuit of endpoint:tail is open since {rfc3339(since)} after 5 failures on end: its calls wait, and one of them "
        f"tries again at {rfc3339(until)}."
    )
    assert why in story(api, held)
    assert story(api, held)[-1] == "Next: it is the one that tries, or starts once endpoint:tail gives answers again."
    assert why in story(api, crew)
    assert "endpoint:other" not in " ".join(story(api, crew)), "no call of it waits for that one"
    assert not any("circuit" in each for each in story(api, free)), "none of its calls waits"
    page = api("GET", f"/runs/{held}").text
    assert "endpoint:tail" in page
    assert tail not in page
    assert other not in page

    assert api("POST", f"/api/runs/{held}/cancel").status_code == 200
    assert not any("circuit" in each for each in story(api, crew))
