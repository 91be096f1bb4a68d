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
