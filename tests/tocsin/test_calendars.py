"""`tocsin calendars` from end to end on a real database."""

from tests.tocsin.conftest import Tocsin


def test_a_calendar_is_made_shown_kept_and_deleted(tocsin: Tocsin) -> None:
    day = ("--day", "2027-12-24=Christmas Eve")
    made = tocsin("calendars", "create", "ours", "--country", "DE", "--subdivision", "BY", *day, "--json").json()
    assert made["ownDays"] == [{"date": "2027-12-24", "name": "Christmas Eve"}]
    assert "ISO 3166" in tocsin("calendars", "create", "other", "--country", "XX").complaint()
    assert "already" in tocsin("calendars", "create", "ours").complaint()
    assert [row["name"] for row in tocsin("calendars", "list", "--json").json()] == ["ours"]
    shown = tocsin("calendars", "show", "ours", "--year", "2027", "--json").json()
    assert {"date": "2027-12-24", "name": "Christmas Eve", "isOwn": True} in shown["days"]

    create = ("schedules", "create", "test.noop", "--name", "nightly", "--cron", "0 3 * * *", "--json")
    assert "there is no calendar theirs" in tocsin(*create, "--calendar", "theirs").complaint()
    assert tocsin(*create, "--calendar", "ours").json()["calendarId"] == made["id"]
    assert "schedules keep the calendar" in tocsin("calendars", "delete", "ours").complaint()
    tocsin("schedules", "cancel", "nightly")
    assert tocsin("calendars", "delete", "ours", "--json").json()["id"] == made["id"]
    assert "there is no calendar" in tocsin("calendars", "show", "ours").complaint()
