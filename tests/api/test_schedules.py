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
