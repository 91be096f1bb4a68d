"""`/api/calendars`: made, shown with the days of a year, kept by schedules, and refused field by field."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Api

EVE = {"date": "2027-12-24", "name": "Christmas Eve"}


def _made(api: Api, **body: Any) -> dict[str, Any]:
    answer = api("POST", "/api/calendars", json={"name": uuid4().hex} | body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_year_shows_the_holidays_of_the_part_and_the_days_of_its_own(api: Api) -> None:
    made = _made(api, country="de", subdivision="BY", ownDays=[EVE, {"date": "2027-12-25", "name": "our day"}])
    shown = api("GET", f"/api/calendars/{made['id']}?year=2027").json()
    assert (shown["country"], shown["year"]) == ("DE", 2027)
    days = {day["date"]: (day["name"], day["isOwn"]) for day in shown["days"]}
    assert list(days) == sorted(days)
    assert days["2027-12-24"] == ("Christmas Eve", True)
    assert days["2027-12-25"] == ("our day", True)
    assert days["2027-11-01"] == ("All Saints' Day", False)
    assert api("GET", f"/api/calendars/{made['id']}").json()["year"] >= 2026


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"country": "XX"}, "country", "ISO 3166"),
        ({"country": "DEU"}, "country", "ISO 3166"),
        ({"country": "DE", "subdivision": "ZZ"}, "subdivision", "takes one of BB"),
        ({"subdivision": "BY"}, "subdivision", "give the country too"),
        ({"ownDays": [EVE, EVE]}, "ownDays.1.date", "takes each date once"),
        ({"ownDays": [EVE | {"date": "24.12.2027"}]}, "ownDays.0.date", "2026-12-24"),
        ({"ownDays": [EVE | {"date": "1800-01-01"}]}, "ownDays.0.date", "1970 to 2099"),
        ({"ownDays": [EVE | {"date": 5}]}, "ownDays.0.date", "1970 to 2099"),
        ({"ownDays": [EVE | {"name": ""}]}, "ownDays.0.name", "printable"),
        ({"ownDays": [{"date": "2027-12-24"}]}, "ownDays.0.name", "required"),
        ({"name": " "}, "name", "printable"),
        ({"color": "red"}, "color", "not a field"),
    ],
)
def test_what_cannot_be_a_calendar_is_refused_by_field(api: Api, body: dict[str, Any], pointer: str, says: str) -> None:
    answer = api("POST", "/api/calendars", json={"name": "a year"} | body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/" + pointer.replace(".", "/")
    assert says in error["detail"]


def test_an_edit_keeps_what_it_does_not_name_and_knows_a_stale_one(api: Api) -> None:
    made = _made(api, country="DE", ownDays=[EVE])
    path = f"/api/calendars/{made['id']}"
    etag = api("GET", path).headers["ETag"]
    edited = api("PATCH", path, json={"subdivision": "BY"}, headers={"If-Match": etag}).json()
    assert (edited["country"], edited["subdivision"], edited["ownDays"]) == ("DE", "BY", [EVE])
    assert api("PATCH", path, json={"ownDays": []}, headers={"If-Match": etag}).status_code == 412
    assert api("PATCH", path, json={"country": None}).json()["errors"][0]["pointer"] == "/subdivision"
    bare = api("PATCH", path, json={"country": None, "subdivision": None, "ownDays": []}).json()
    assert (bare["country"], bare["ownDays"]) == (None, [])
    _made(api, name="taken")
    assert api("PATCH", path, json={"name": "taken"}).status_code == 422


def test_a_schedule_keeps_a_calendar_by_its_id(api: Api) -> None:
    calendar = _made(api, country="DE")
    body = {"jobType": "test.noop", "cronExpression": "0 9 24-28 12 *", "timezone": "Europe/Berlin"}
    made = api("POST", "/api/schedules", json=body | {"calendarId": calendar["id"]}).json()
    assert made["calendarId"] == calendar["id"]
    slots = api("GET", f"/api/schedules/{made['id']}/next?count=3").json()["items"]
    assert [slot["local"][5:10] for slot in slots] == ["12-24", "12-27", "12-28"]
    assert api("DELETE", f"/api/calendars/{calendar['id']}").status_code == 409
    bare = api("PATCH", f"/api/schedules/{made['id']}", json={"calendarId": None}).json()
    assert bare["calendarId"] is None
    assert api("DELETE", f"/api/calendars/{calendar['id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"scheduledAt": "2030-01-01T00:00:00Z"}, "is for schedules that recur"),
        ({"cronExpression": "0 9 25 12 *"}, "leaves no slot to come"),
    ],
)
def test_a_schedule_that_cannot_keep_it_is_refused(api: Api, body: dict[str, Any], says: str) -> None:
    calendar = _made(api, country="DE")
    answer = api("POST", "/api/schedules", json={"jobType": "test.noop", "calendarId": calendar["id"]} | body)
    assert answer.json()["errors"] == [{"pointer": "/calendarId", "detail": answer.json()["errors"][0]["detail"]}]
    assert says in answer.json()["errors"][0]["detail"]
    unknown = {"jobType": "test.noop", "cronExpression": "0 9 * * *", "calendarId": str(uuid4())}
    assert api("POST", "/api/schedules", json=unknown).json()["errors"][0]["pointer"] == "/calendarId"


def test_an_edit_that_would_end_a_schedule_for_good_is_refused_and_changes_nothing(api: Api) -> None:
    calendar = _made(api, ownDays=[EVE])
    body = {
        "jobType": "test.noop",
        "name": "once a year",
        "cronExpression": "0 9 25 12 *",
        "calendarId": calendar["id"],
    }
    bounds = {"startsAt": "2027-12-01T00:00:00Z", "endsAt": "2027-12-31T00:00:00Z"}
    schedule = api("POST", "/api/schedules", json=body | bounds)
    assert schedule.status_code == 201, schedule.text

    last = {"date": "2027-12-25", "name": "Christmas Day"}
    refused = api("PATCH", f"/api/calendars/{calendar['id']}", json={"ownDays": [EVE, last]})

    assert refused.status_code == 422
    assert "would leave the schedule 'once a year' no slot to come" in refused.text
    assert api("GET", f"/api/calendars/{calendar['id']}").json()["ownDays"] == [EVE]
    shown = api("GET", schedule.headers["Location"]).json()
    assert (shown["status"], shown["nextRunAt"]) == ("active", "2027-12-25T09:00:00Z")
