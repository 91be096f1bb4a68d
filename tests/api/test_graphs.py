"""`/api/graphs` and `/api/dashboards`: made, shown in order, changed, kept while they are shown, refused field by field."""

from typing import Any
from uuid import uuid4

import pytest

from tests import make
from tests.api.conftest import Api
from tests.api.tenanted import source

NOBODYS = "00000000-0000-4000-8000-000000000000"


def made(api: Api, conn: make.Connection, **body: Any) -> dict[str, Any]:
    assert api.tenant
    given = {"name": uuid4().hex, "sourceId": source(conn, api.tenant, uuid4().hex[:8]), "query": "select 1\nfrom x"}
    answer = api("POST", "/api/graphs", json=given | body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def dashboard_of(api: Api, *graphs: dict[str, Any]) -> dict[str, Any]:
    answer = api("POST", "/api/dashboards", json={"name": uuid4().hex, "graphIds": [each["id"] for each in graphs]})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_graph_says_what_its_columns_mean_and_its_version_rises(api: Api, conn: make.Connection) -> None:
    graph = made(
        api, conn, unit="€", format="NUMBER", timeDimension="day", grain="Day", segmentBy=["country"], decimals=2
    )
    assert (graph["grain"], graph["format"], graph["segmentBy"], graph["version"]) == ("day", "number", ["country"], 1)
    path = f"/api/graphs/{graph['id']}"
    edited = api("PATCH", path, json={"decimals": None, "timeDimension": None, "grain": None}).json()
    assert (edited["decimals"], edited["timeDimension"], edited["version"]) == (None, None, 2)
    assert (edited["unit"], edited["segmentBy"], edited["query"]) == ("€", ["country"], "select 1\nfrom x")
    assert api("PATCH", path, json={"unit": "£"}, headers={"If-Match": '"old"'}).status_code == 412
    assert api("GET", path).json() == edited
    assert [each["id"] for each in api("GET", "/api/graphs").json()["items"]] == [graph["id"]]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sourceId": NOBODYS}, "sourceId"),
        ({"grain": "day"}, "timeDimension"),
        ({"timeDimension": "day"}, "grain"),
        ({"grain": "fortnight", "timeDimension": "day"}, "grain"),
        ({"timeDimension": "day", "grain": "day", "segmentBy": ["day"]}, "segmentBy"),
        ({"segmentBy": ["a", "a"]}, "segmentBy"),
        ({"decimals": 11}, "decimals"),
        ({"query": ""}, "query"),
        ({"query": "select '\x1b'"}, "query"),
        ({"format": "roman"}, "format"),
        ({"unheard": 1}, "unheard"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    api: Api, conn: make.Connection, body: dict[str, Any], pointer: str
) -> None:
    assert api.tenant
    given = {"name": "orders", "sourceId": source(conn, api.tenant, "alfa"), "query": "select 1"} | body
    answer = api("POST", "/api/graphs", json=given)
    assert answer.status_code == 422
    assert f"/{pointer}" in [each["pointer"] for each in answer.json()["errors"]]
    assert api("GET", "/api/graphs").json()["items"] == []


def test_a_dashboard_shows_its_graphs_in_order(api: Api, conn: make.Connection) -> None:
    one, two, three = (made(api, conn) for _ in range(3))
    dashboard = dashboard_of(api, two, one)
    assert dashboard["graphIds"] == [two["id"], one["id"]]
    path = f"/api/dashboards/{dashboard['id']}"
    for order in ([one, two], [three, two, one], [three]):
        edited = api("PATCH", path, json={"graphIds": [each["id"] for each in order]}).json()
        assert edited["graphIds"] == [each["id"] for each in order]
    edited = api("PATCH", path, json={"description": "what\nmatters"}).json()
    assert (edited["graphIds"], edited["version"]) == ([three["id"]], 5)


@pytest.mark.parametrize(
    ("twice", "pointer"), [([0, 0], "graphIds/1"), ([0, None], "graphIds/1"), ([], "graphIds")], ids=str
)
def test_a_dashboard_of_unknown_or_repeated_graphs_is_refused(
    api: Api, conn: make.Connection, twice: list[int | None], pointer: str
) -> None:
    graph = made(api, conn)
    dashboard = dashboard_of(api, graph)
    ids = [NOBODYS if each is None else graph["id"] for each in twice]
    for answer in (
        api("POST", "/api/dashboards", json={"name": "mondays", "graphIds": ids}),
        api("PATCH", f"/api/dashboards/{dashboard['id']}", json={"graphIds": ids}),
    ):
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{pointer}"]
    assert [each["graphIds"] for each in api("GET", "/api/dashboards").json()["items"]] == [[graph["id"]]]


def test_what_is_shown_is_kept(api: Api, conn: make.Connection) -> None:
    graph = made(api, conn)
    dashboard = dashboard_of(api, graph)
    answer = api("DELETE", f"/api/graphs/{graph['id']}")
    assert (answer.status_code, graph["name"] in answer.text) == (409, True)
    answer = api("DELETE", f"/api/sources/{graph['sourceId']}")
    assert answer.status_code == 409
    assert api("DELETE", f"/api/dashboards/{dashboard['id']}").status_code == 204
    assert api("DELETE", f"/api/graphs/{graph['id']}").status_code == 204
    assert api("DELETE", f"/api/sources/{graph['sourceId']}").status_code == 204


def test_two_graphs_of_one_name_are_refused(api: Api, conn: make.Connection) -> None:
    one, two = made(api, conn), made(api, conn)
    answer = api("PATCH", f"/api/graphs/{two['id']}", json={"name": one["name"]})
    assert answer.status_code == 422
    assert api("GET", f"/api/graphs/{two['id']}").json() == two
