"""The default crew and its endpoint: what CREW_API_URL makes, whom it follows, and what an ended crew leaves behind."""

import pytest

from tests import make
from tests.api.conftest import Api, MakeWeb
from tests.crew import asked_at
from tests.system import until

URL, OTHER = "https://crew.example.com/run-crew", "https://crew.example.org/run"


@pytest.fixture
def asking(make_web: MakeWeb, database: str, conn: make.Connection) -> Api:
    """A tenant of a web that has CREW_API_URL."""
    return Api(make_web(database, crew_url=URL), conn)


def _endpoints(api: Api) -> list[tuple[str, str]]:
    return [(each["name"], each["url"]) for each in api("GET", "/api/crew-endpoints").json()["items"]]


def _move(api: Api, action: str, **more: object) -> dict[str, object]:
    answer = api("POST", "/api/scheduler", json={"action": action, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_crew_without_endpoints_has_that_of_the_setting_until_the_tenant_sends_it_elsewhere(
    asking: Api, make_web: MakeWeb, database: str, conn: make.Connection
) -> None:
    crew = {"jobType": "crew.call", "intervalSeconds": 60}
    own = Api(asking.web, conn)
    body = {"name": "own", "url": OTHER}
    assert own("POST", "/api/crew-endpoints", json=body).status_code == 201
    for api in (asking, own):
        assert api("POST", "/api/schedules", json=crew).status_code == 201
    assert _endpoints(asking) == [("default", URL)]
    assert _endpoints(own) == [("own", OTHER)], "whoever made one has no other"

    # Another pace is no other place: it goes on following.
    place = "/api/crew-endpoints/" + asking("GET", "/api/crew-endpoints").json()["items"][0]["id"]
    assert asking("PATCH", place, json={"concurrency": 3}).status_code == 200
    make_web(database, crew_url=f"{URL}/moved")
    until(lambda: _endpoints(asking) == [("default", f"{URL}/moved")])
    assert _endpoints(own) == [("own", OTHER)]
    asking("PATCH", place, json={"headers": {"Authorization": "ours"}})
    assert asking("POST", "/api/schedules", json=crew).status_code == 201
    assert _endpoints(asking) == [("default", f"{URL}/moved")], "what has a secret is led nowhere else"


def test_a_crew_that_is_over_makes_place_for_a_new_one(asking: Api) -> None:
    assert _move(asking, "start", intervalMinutes=30) == {"isRunning": True, "intervalMinutes": 30, "apiUrl": URL}
    first = asking("GET", "/api/schedules?search=crew").json()["items"][0]["id"]
    assert asking("DELETE", f"/api/schedules/{first}").status_code == 204
    assert asking("GET", "/api/scheduler").json()["isRunning"] is False
    assert _move(asking, "start") == {"isRunning": True, "intervalMinutes": 30, "apiUrl": URL}
    second = asking("GET", "/api/schedules?status=active").json()["items"]
    assert [(each["name"], each["id"] != first) for each in second] == [("crew", True)]
    ended = asking("GET", f"/api/schedules/{first}").json()
    assert (ended["name"], ended["status"]) == (f"crew (ended {first[:8]})", "cancelled")
    asking("DELETE", f"/api/schedules/{second[0]['id']}")
    assert _move(asking, "run-now")["runId"]


def test_the_default_crew_is_shown_as_its_schedule_is(asking: Api) -> None:
    asking("POST", "/api/crew-endpoints", json={"name": "all", "url": OTHER})
    asking("POST", "/api/crew-endpoints", json={"name": "big", "url": f"{OTHER}/big"})
    body = {"jobType": "crew.call", "name": "crew", "cronExpression": "0 9 * * *", "jobPayload": {"endpoints": ["big"]}}
    assert asking("POST", "/api/schedules", json=body).status_code == 201
    assert asking("GET", "/api/scheduler").json() == {
        "isRunning": True,
        "intervalMinutes": None,
        "apiUrl": f"{OTHER}/big",
    }
    assert "none: it runs by its schedule" in asking("GET", "/crew", headers={"Accept": "text/html"}).text
    assert _move(asking, "start", intervalMinutes=5)["intervalMinutes"] == 5
    big = asking("GET", "/api/crew-endpoints").json()["items"][0]["id"]
    asking("DELETE", f"/api/crew-endpoints/{big}")
    refused = asking("POST", "/api/scheduler", json={"action": "run-now"})
    assert (refused.status_code, "names big alone" in refused.text) == (409, True)


def test_of_several_endpoints_the_one_that_most_are_asked_at_is_named_and_how_many_they_are(
    asking: Api, conn: make.Connection
) -> None:
    asking("POST", "/api/crew-endpoints", json={"name": "a few", "url": f"{OTHER}/few", "segments": ["big"]})
    stopped = {"isRunning": False, "intervalMinutes": 60}
    assert asking("GET", "/api/scheduler").json() == stopped | {"apiUrl": f"{OTHER}/few"}
    for name, others in (("tail", 2), ("default", 3)):
        asking("POST", "/api/crew-endpoints", json={"name": name, "url": f"{OTHER}/{name}"})
        assert asking("GET", "/api/scheduler").json() == stopped | {"apiUrl": f"{OTHER}/{name}", "endpoints": others}
    assert f"{OTHER}/default and 2 more" in asking("GET", "/crew", headers={"Accept": "text/html"}).text

    # It is the one that they are asked at.
    assert asking.tenant
    for uid, segment in (("ann", "big"), ("ben", None)):
        make.insert(conn, "users", {"tenant_id": asking.tenant, "uid": uid, "goal": "to grow", "segment": segment})
    assert asked_at(conn, asking.tenant) == {"ann": "a few", "ben": "default"}
