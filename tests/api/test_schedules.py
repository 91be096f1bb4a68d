"""Schedules through the API."""

from tests.api.conftest import Api


def test_a_schedule_is_made_read_and_listed(api: Api) -> None:
    made = api(
        "POST", "/api/schedules", json={"jobType": "test.noop", "cronExpression": "0 9 * * 1", "name": "mondays"}
    )

    assert made.status_code == 201, made.text
    found = api("GET", made.headers["location"])
    assert found.json() == made.json()
    assert found.headers["etag"] == made.headers["etag"]
    assert [each["name"] for each in api("GET", "/api/schedules").json()["items"]] == ["mondays"]


def test_a_crews_rule_names_channels_that_are_there(api: Api) -> None:
    rule = {"expression": "risk", "notify": {"channels": ["team", "nobody's"]}}
    crew = {"jobType": "crew.call", "intervalSeconds": 60, "jobPayload": {"rule": rule}}
    team = {"name": "team", "type": "slack", "credential": "https://hooks.slack.com/services/T/B/x"}
    assert api("POST", "/api/channels", json=team).status_code == 201
    refused = api("POST", "/api/schedules", json=crew)
    pointer = "/jobPayload/rule/notify/channels/1"
    assert [(each["pointer"], each["detail"]) for each in refused.json()["errors"]] == [
        (pointer, "there is no channel nobody's")
    ]
    rule["notify"]["channels"].pop()  # type: ignore[index]
    made = api("POST", "/api/schedules", json=crew)
    assert made.status_code == 201, made.text
    rule["notify"] = {"channels": ["gone"]}
    refused = api("PATCH", made.headers["location"], json={"jobPayload": {"rule": rule}})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/jobPayload/rule/notify/channels/0"]


def test_a_crew_names_endpoints_that_are_there(api: Api) -> None:
    crew = {"jobType": "crew.call", "intervalSeconds": 60, "jobPayload": {"endpoints": ["planner", "nosuch"]}}
    made = api("POST", "/api/crew-endpoints", json={"name": "planner", "url": "https://crew.example.com"})
    assert made.status_code == 201, made.text
    refused = api("POST", "/api/schedules", json=crew)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"pointer": "/jobPayload/endpoints/1", "detail": "there is no crew endpoint nosuch"}
    ]
    crew["jobPayload"] = {"endpoints": ["planner", made.json()["id"]]}
    saved = api("POST", "/api/schedules", json=crew)
    assert saved.status_code == 201, saved.text
    refused = api("PATCH", saved.headers["location"], json={"jobPayload": {"endpoints": ["nosuch"]}})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/jobPayload/endpoints/0"]
    assert api("DELETE", f"/api/crew-endpoints/{made.json()['id']}").status_code == 204
    assert api("PATCH", saved.headers["location"], json={"priority": 1}).status_code == 200


def test_a_name_that_no_list_takes_is_refused_and_not_swallowed(api: Api) -> None:
    refused = api("GET", "/api/crew-responses?bogus=1&limit=5&bogus=2")
    assert refused.status_code == 422
    [told] = refused.json()["errors"]
    assert told["pointer"] == "bogus"
    assert told["detail"].startswith("is not known: this takes endDate, equals, ")
    nothing = api("GET", "/api/kinds", params={"limit ": 5}).json()["errors"]
    assert nothing == [{"pointer": "limit ", "detail": "is not known: this takes no query"}]
    assert api("POST", "/api/pulse-job/cleanup?force=true").status_code == 422
    assert api("GET", "/api/schedules?bogus=1", headers={"Authorization": "Bearer toc_no"}).status_code == 401
    assert api("GET", "/schedules?utm_source=mail").status_code == 200


def test_schedules_are_filtered_by_their_kind_under_either_name(api: Api) -> None:
    made = api("POST", "/api/schedules", json={"jobType": "test.noop", "cronExpression": "@daily"}).json()["id"]

    def found(query: str) -> list[str]:
        return [each["id"] for each in api("GET", f"/api/schedules?{query}").json()["items"]]

    assert found("kind=test.noop") == found("jobType=test.noop") == found("kind=test.noop&jobType=test.noop") == [made]
    assert found("kind=nonsense") == found("jobType=nonsense") == []
    assert api("GET", "/api/schedules?kind=test.noop&jobType=http.call").status_code == 422
