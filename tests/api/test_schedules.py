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
