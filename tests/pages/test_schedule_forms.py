"""The form of a schedule: it says at once what was typed means, makes what it says, and changes only what was changed."""

import html
import re
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.pages.forms import fields_in
from tests.pages.test_schedules import EVIL, made, of, post, said, shown

NEW = "/schedules/new"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def blank(api: Api, kind: str = "test.noop") -> dict[str, Any]:
    return fields_in(api("GET", f"{NEW}?kind={kind}").text, "Make the schedule")


def filled(api: Api, schedule_id: str) -> dict[str, Any]:
    return fields_in(api("GET", f"/schedules/{schedule_id}/edit").text, "Save")


def look(page: str) -> str:
    [part] = re.findall(r'<div id="look" class="look">(.*?)</div>', page, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", part)).split())


def create(api: Api, form: dict[str, Any]) -> dict[str, Any]:
    answer = post(api, NEW, form)
    assert answer.status_code == 303, look(answer.text)
    return of(api, answer.headers["location"].rpartition("/")[2])


def test_the_form_as_it_comes_makes_what_it_shows(api: Api) -> None:
    form = blank(api)
    assert look(api("GET", f"{NEW}?kind=test.noop").text).startswith("At 09:00, Monday through Friday (UTC)")
    row = create(api, form)
    # The form's own presets are those of the API.
    plain = api("POST", "/api/schedules", json={"jobType": "test.noop", "cronExpression": "0 9 * * 1-5"}).json()
    own = {"id", "name", "createdAt", "updatedAt"}
    assert {name: value for name, value in row.items() if name not in own} == {
        name: value for name, value in plain.items() if name not in own
    }


def test_what_is_typed_is_explained_with_its_next_slots_and_nights_and_nothing_is_made(api: Api) -> None:
    form = blank(api) | {"cronExpression": "30 2 * * *", "timezone": "Europe/Paris", "dstFold": "both"}
    text = look(post(api, f"{NEW}/look", form).text)
    assert text.startswith("At 02:30 (Europe/Paris)")
    assert len(re.findall(r"\d\d\d\d, 02:30 [+]0[12]:00", text)) == 5
    assert "fires both times (dstFold is both)" in text
    assert "fires once, at its end: 03:00 (dstGap is end)" in text
    assert api("GET", "/api/schedules").json()["items"] == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"cronExpression": "61 * * * *"}, "cronExpression"),
        ({"cronExpression": ""}, "cronExpression is required"),
        ({"timezone": "Europe/Pariss"}, "meant Europe/Paris?"),
        ({"how": "interval", "intervalSeconds:number": "x"}, "intervalSeconds takes a number"),
        ({"how": "interval", "intervalSeconds:number": "0"}, "intervalSeconds"),
        ({"how": "once", "scheduledAt": "soon"}, "scheduledAt takes a time with its offset"),
        ({"how": "recurrence", "recurrence.every": ""}, "recurrence.every is required"),
        ({"how": "recurrence", "recurrence.every": "week", "recurrence.days": "someday"}, "recurrence.days"),
        ({"how": "never"}, "how takes one of"),
        ({"cronExpression": EVIL}, "cronExpression"),
    ],
)
def test_what_is_wrong_with_the_timing_is_named_by_its_field(api: Api, typed: dict[str, str], told: str) -> None:
    answer = post(api, f"{NEW}/look", blank(api) | typed)
    assert answer.status_code == 200
    assert told in look(answer.text)
    assert EVIL not in answer.text
    # And so it is refused, with what was typed.
    refused = post(api, NEW, blank(api) | typed)
    assert refused.status_code == 422
    again = fields_in(refused.text, "Make the schedule")
    assert {name: again.get(name) for name in typed if name != "how"} == {
        name: text for name, text in typed.items() if name != "how"
    }


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ({"how": "interval", "intervalSeconds:number": "90"}, {"intervalSeconds": 90}),
        (
            {"how": "once", "scheduledAt": "2031-07-01T09:00", "timezone": "Europe/Paris"},
            {"scheduledAt": "2031-07-01T07:00:00Z"},
        ),
        (
            {"how": "recurrence", "recurrence.every": "month", "recurrence.days": "15, last business day",
             "recurrence.hour:number": "8"},
            {"recurrence": {"every": "month", "interval": 1, "hour": 8, "minute": 0, "days": [15, "last business day"],
                            "shift": "skip", "weekends": False}},
        ),
        ({"startsAt:clear": "2031-01-01T00:00", "timezone": "Asia/Kolkata"}, {"startsAt": "2030-12-31T18:30:00Z"}),
        ({"tags": " billing,  nightly ", "metadata:json": '{"a": 1}'}, {"tags": ["billing", "nightly"], "metadata": {"a": 1}}),
        ({"backoff.baseSeconds:number": "1.5"}, {"backoff": {"baseSeconds": 1.5, "maxSeconds": 3600.0}}),
        ({"name:clear": EVIL, "maxRuns:clear-number": "3", "priority:number": "9"}, {"name": EVIL, "maxRuns": 3, "priority": 9}),
    ],
)  # fmt: skip
def test_each_way_to_recur_and_each_rule_is_made_as_typed(
    api: Api, typed: dict[str, str], columns: dict[str, Any]
) -> None:
    row = create(api, blank(api) | typed)
    found = {name: row[name] for name in columns}
    if "recurrence" in found:
        found["recurrence"] = {
            name: value for name, value in found["recurrence"].items() if name in columns["recurrence"]
        }
    assert found == columns
    assert EVIL not in api("GET", f"/schedules/{row['id']}/edit").text


def test_what_a_kind_takes_has_fields_of_its_own(api: Api) -> None:
    form = blank(api, "http.call")
    assert {name for name in form if name.startswith("jobPayload")} == {
        "jobPayload.url", "jobPayload.method", "jobPayload.body:json", "jobPayload.headers:json", "jobPayload.secret",
        "jobPayload.timeoutSeconds:number",
    }  # fmt: skip
    typed = {"jobPayload.url": "https://example.com/x", "jobPayload.headers:json": '{"X-A": "b"}'}
    assert create(api, form | typed)["jobPayload"] == {
        "url": "https://example.com/x", "method": "POST", "body": None, "headers": {"X-A": "b"}, "secret": None,
        "timeoutSeconds": 30.0,
    }  # fmt: skip
    for wrong, told in (({"jobPayload.url": ""}, "is required"), ({"jobPayload.headers:json": "{"}, "takes JSON")):
        refused = post(api, NEW, form | typed | wrong)
        assert refused.status_code == 422
        assert re.search(rf'<p class="reason"[^>]*>{told}', refused.text)


def test_lists_of_a_kind_are_typed_a_line_each_and_left_out_when_blank(api: Api) -> None:
    form = blank(api, "crew.call")
    assert create(api, form)["jobPayload"]["segments"] is None
    row = create(api, form | {"jobPayload.segments:lines": "new\n\nold ", "jobPayload.maxUsersPerRun:number": "7"})
    assert (row["jobPayload"]["segments"], row["jobPayload"]["maxUsersPerRun"]) == (["new", "old"], 7)
    assert filled(api, row["id"])["jobPayload.segments:lines"] == "new\nold"
    refused = post(api, NEW, form | {"jobPayload.endpoints:lines": "nosuch"})
    assert refused.status_code == 422
    assert re.search(r'<p class="reason"[^>]*>[^<]*there is no crew endpoint nosuch', refused.text)


def test_saving_without_a_change_changes_nothing(api: Api) -> None:
    payload = {"url": "https://example.com", "secret": SECRET, "headers": {"Authorization": "x"}}
    ways: list[dict[str, Any]] = [
        {"metadata": {"a": [1]}, "tags": ["x"], "startsAt": "2026-03-29T00:30:00.125Z"},
        {"cronExpression": None, "intervalSeconds": 7},
        {"cronExpression": None, "scheduledAt": "2031-10-26T00:30:00Z"},
        {"cronExpression": None, "recurrence": {"every": "week", "days": ["mon", "fri"], "weekends": True}},
    ]
    for body in ways:
        schedule_id = made(api, jobType="http.call", jobPayload=payload, **body)
        before = of(api, schedule_id)
        answer = post(api, f"/schedules/{schedule_id}/edit", filled(api, schedule_id))
        assert "Nothing%20was%20changed" in said(answer)
        assert of(api, schedule_id) == before


def test_an_edit_holds_what_was_changed_and_no_more(api: Api) -> None:
    payload = {"url": "https://example.com", "secret": SECRET}
    schedule_id = made(api, jobType="http.call", jobPayload=payload)
    path = f"/schedules/{schedule_id}/edit"
    before = of(api, schedule_id)
    assert said(post(api, path, filled(api, schedule_id) | {"priority:number": "8", "jobPayload.method": "PUT"}))
    [entry] = api("GET", "/api/audit-log", params={"subjectId": schedule_id, "limit": 1}).json()["items"]
    after = entry["after"]
    assert {name for name in after if after[name] != before[name]} == {
        "priority", "jobPayload", "version", "updatedAt"
    }  # fmt: skip
    # The secret that was shown struck out is still there.
    assert (after["jobPayload"]["secret"], after["jobPayload"]["method"]) == ("***", "PUT")

    assert said(post(api, path, filled(api, schedule_id) | {"how": "interval", "intervalSeconds:number": "60"}))
    row = of(api, schedule_id)
    assert (row["cronExpression"], row["intervalSeconds"]) == (None, 60)


def test_what_may_be_empty_is_cleared(api: Api) -> None:
    bounds = {
        "maxRuns": 9,
        "endsAt": "2040-01-01T00:00:00Z",
        "deliverWithinSeconds": 60,
        "tags": ["x"],
        "metadata": {"a": 1},
    }
    schedule_id = made(api, **bounds)
    cleared = dict.fromkeys(
        ("maxRuns:clear-number", "endsAt:clear", "deliverWithinSeconds:clear-number", "tags", "metadata:json"), ""
    )
    assert said(post(api, f"/schedules/{schedule_id}/edit", filled(api, schedule_id) | cleared))
    row = of(api, schedule_id)
    assert [row[name] for name in bounds] == [None, None, None, [], {}]


def test_what_somebody_else_changed_meanwhile_is_told_and_both_are_kept_when_saved_again(api: Api) -> None:
    schedule_id = made(api, name="Sums")
    path = f"/schedules/{schedule_id}/edit"
    mine = filled(api, schedule_id) | {"priority:number": "8"}
    api("PATCH", f"/api/schedules/{schedule_id}", json={"name": f"Totals {EVIL}", "cronExpression": "0 4 * * *"})

    refused = post(api, path, mine)

    assert refused.status_code == 412
    text = html.unescape(re.sub(r"<[^>]*>", "", refused.text))
    assert "name: Sums became Totals" in text
    assert "cronExpression: 30 2 * * * became 0 4 * * *" in text
    assert EVIL not in refused.text
    assert of(api, schedule_id)["priority"] == 5
    assert "is%20changed" in said(post(api, path, fields_in(refused.text, "Save")))
    row = of(api, schedule_id)
    assert (row["name"], row["cronExpression"], row["priority"]) == (f"Totals {EVIL}", "0 4 * * *", 8)


def test_a_schedule_that_is_over_is_not_changed(api: Api) -> None:
    schedule_id = made(api)
    form = filled(api, schedule_id)
    api("DELETE", f"/api/schedules/{schedule_id}")
    refused = post(api, f"/schedules/{schedule_id}/edit", form | {"priority:number": "8", "etag": "*"})
    assert refused.status_code == 409
    assert "changes no more" in refused.text


def test_a_schedule_of_an_alert_is_led_to_its_room(api: Api, conn: Any) -> None:
    from tests.api.tenanted import ROWS

    assert api.tenant
    alert_id = ROWS["alert_id"](conn, api.tenant, "low")
    [row] = api("GET", "/api/schedules", params={"jobType": "kpi.threshold"}).json()["items"]
    assert "where what it does is changed" in shown(api, f"/schedules/{row['id']}")
    assert not [name for name in filled(api, row["id"]) if name.startswith("jobPayload")]
    assert alert_id
