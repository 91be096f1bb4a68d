"""The schedules' pages: what they show, what they do, and what they say before they do it."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx2 import Response

from api.pages.times import local_of
from tests import make
from tests.api.conftest import Api
from tests.pages.forms import fields_in, sent_by

EVIL = "<script>alert(1)</script>"
WEEKDAYS = {"jobType": "test.noop", "cronExpression": "30 2 * * *", "timezone": "Europe/Paris"}


def made(api: Api, **body: Any) -> str:
    answer = api("POST", "/api/schedules", json=WEEKDAYS | body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def shown(api: Api, path: str) -> str:
    answer = api("GET", path)
    assert answer.status_code == 200, answer.text
    return html.unescape(re.sub(r"<[^>]*>", "", answer.text))


def post(api: Api, path: str, form: dict[str, Any]) -> Response:
    return api("POST", path, data=form, follow_redirects=False)


def as_shown(api: Api, wanted: dict[str, Any], **more: str) -> Response:
    """What the page that asks first sends once its button is pressed."""
    asked = post(api, "/schedules/bulk/ask", wanted)
    assert asked.status_code == 200, asked.text
    fields: dict[str, Any] = {}
    for name, value in sent_by(asked.text, wanted["do"].capitalize()):
        fields.setdefault(name, []).append(value)
    return post(api, "/schedules/bulk", fields | more)


def said(answer: Response) -> str:
    assert answer.status_code == 303, answer.text
    return str(answer.cookies.get("__Host-tocsin-said") or answer.headers["set-cookie"])


def of(api: Api, schedule_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/api/schedules/{schedule_id}").json()
    return found


def test_the_list_is_filtered_by_name_kind_status_and_tag(api: Api) -> None:
    made(api, name="Invoices of May", tags=["billing"])
    made(api, name="Nightly sums")
    assert "Invoices of May" in shown(api, "/schedules?search=VOICES")
    for query in ("search=voices", "tag=billing"):
        assert "Nightly sums" not in shown(api, f"/schedules?{query}")
    for query in ("search=100%25", "kind=http.call", "status=paused", "tag=none"):
        assert "No schedule matches" in shown(api, f"/schedules?{query}")


def test_an_empty_list_teaches_the_next_step(api: Api, conn: make.Connection) -> None:
    assert 'href="/schedules/new"' in api("GET", "/schedules").text
    assert 'href="/schedules/new"' not in api.of_scope(conn, "read")("GET", "/schedules").text


def test_the_list_shows_each_ones_latest_runs_and_marks_trouble(api: Api, conn: make.Connection) -> None:
    first, second = UUID(made(api, name="First")), UUID(made(api, name="Second"))
    moment = make.now(conn)
    assert api.tenant
    for number, state in enumerate(["dead", *["succeeded"] * 22]):
        slot = moment - timedelta(minutes=number)
        make.run(conn, api.tenant, schedule_id=first, origin="schedule", state=state, slot_at=slot, attempt=1)
    conn.execute("update schedules set last_error = %s, last_error_at = now() where id = %s", (EVIL, second))
    page = api("GET", "/schedules").text
    strips = re.findall(r'<ul class="strip small">(.*?)</ul>', page, re.DOTALL)
    classes = [re.findall(r'class="(good|bad)"', each) for each in strips]
    # Newest schedule first, oldest run first, and no more than twenty.
    assert classes == [[], [*["good"] * 19, "bad"]]
    assert "trouble" in page
    assert EVIL not in page


def test_a_herd_is_paused_with_a_note_and_each_refusal_has_its_reason(api: Api) -> None:
    herd = [made(api, name=f"Member {number}") for number in range(3)]
    over = made(api, name="Over")
    api("DELETE", f"/api/schedules/{over}")

    done = post(api, "/schedules/bulk", {"do": "pause", "note": "works", "id": herd[:2]})
    assert "2%20schedules%20are%20paused" in said(done)
    assert [(of(api, each)["status"], of(api, each)["pauseNote"]) for each in herd] == [
        ("paused", "works"),
        ("paused", "works"),
        ("active", None),
    ]
    partly = post(api, "/schedules/bulk", {"do": "pause", "id": [herd[2], over]})
    assert partly.status_code == 200
    assert "1 schedule is paused." in partly.text
    assert "is cancelled and cannot become paused" in html.unescape(partly.text)
    assert of(api, herd[2])["status"] == "paused"


def test_all_that_match_the_filters_are_resumed_and_no_other(api: Api) -> None:
    herd = [made(api, name=f"Member {number}", tags=["herd"]) for number in range(3)]
    other = made(api, name="Other")
    as_shown(api, {"do": "pause", "every": "yes"}, note="works")
    assert {of(api, each)["status"] for each in (*herd, other)} == {"paused"}

    done = as_shown(api, {"do": "resume", "every": "yes", "tag": "herd"})

    assert done.headers["location"] == "/schedules?tag=herd"
    assert {of(api, each)["status"] for each in herd} == {"active"}
    assert of(api, other)["status"] == "paused"


def test_a_herd_is_only_paused_or_resumed(api: Api) -> None:
    for form in ({"do": "cancel"}, {"do": "pause", "id": "x"}):
        assert post(api, "/schedules/bulk", form).status_code == 400
        assert post(api, "/schedules/bulk/ask", form).status_code == 400


def test_what_becomes_of_a_herd_is_shown_before_and_changes_nothing(api: Api) -> None:
    herd = [made(api, name=f"Member {number}") for number in range(4)]
    post(api, f"/schedules/{herd[3]}/pause", {"note": f"on purpose {EVIL}"})
    asked = post(api, "/schedules/bulk/ask", {"do": "pause", "id": herd})
    text = re.sub(r"\s+", " ", html.unescape(asked.text))
    assert "3 schedules pause: nothing of theirs is planned until somebody resumes them" in text
    assert f"1 stays paused as it is with the note “on purpose {EVIL}”." in text
    assert EVIL not in asked.text
    assert [of(api, each)["status"] for each in herd] == [*["active"] * 3, "paused"]
    everything = post(api, "/schedules/bulk/ask", {"do": "resume", "every": "yes"})
    assert "1 schedule goes on from now" in re.sub(r"\s+", " ", everything.text)
    assert "1 was paused with the note" in everything.text
    assert "There is nothing to resume" in post(api, "/schedules/bulk/ask", {"do": "resume", "id": herd[:3]}).text
    assert "There is nothing to pause" in post(api, "/schedules/bulk/ask", {"do": "pause"}).text


def test_what_failed_is_resumed_only_when_that_is_said(api: Api, conn: make.Connection) -> None:
    rests, failed = made(api, name="Rests"), made(api, name="Failed")
    post(api, f"/schedules/{rests}/pause", {})
    conn.execute(
        "update schedules set status = 'failed', next_fire_at = null, last_error = %s where id = %s", (EVIL, failed)
    )
    wanted = {"do": "resume", "id": [rests, failed]}
    assert "1 failed and stays as it is, unless that is said below" in post(api, "/schedules/bulk/ask", wanted).text
    assert "1%20schedule%20is%20resumed" in said(as_shown(api, wanted))
    assert [of(api, each)["status"] for each in (rests, failed)] == ["active", "failed"]
    assert "1%20schedule%20is%20resumed" in said(as_shown(api, wanted, failed="yes"))
    assert of(api, failed)["status"] == "active"


def test_a_refused_note_keeps_the_herd_and_what_was_typed(api: Api) -> None:
    herd = [made(api, name=f"Member {number}") for number in range(2)]
    refused = as_shown(api, {"do": "pause", "id": herd}, note="two\nlines")
    assert refused.status_code == 422
    assert "two\nlines" in refused.text
    assert [value for name, value in sent_by(refused.text, "Pause 2") if name == "id"] == herd
    assert of(api, herd[0])["status"] == "active"


def test_a_schedule_shows_its_month_and_explains_the_nights_when_the_clock_turns(api: Api) -> None:
    path = f"/schedules/{made(api, name=EVIL, dstGap='skip')}"
    text = shown(api, path)
    assert "At 02:30 (Europe/Paris)" in text
    assert "What is due in the hour that is left out does not fire that night (dstGap is skip)." in text
    assert EVIL not in api("GET", path).text
    [month] = re.findall(rf'href="{path}\?month=(20\d\d-03)#ahead"', api("GET", path).text)
    page = api("GET", f"{path}?month={month}").text
    assert page.count("turning") == 1
    assert len(re.findall(r"<time datetime=[^>]*data-shown", page)) == 30
    assert api("GET", f"{path}?month=2026-13").status_code == 422


def test_days_of_its_calendar_are_shown_as_skipped(api: Api) -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).date()  # noqa: DTZ005, RUF100  a day ahead of the server's own
    own = [{"date": str(day), "name": f"Feast {EVIL}"}]
    calendar = api("POST", "/api/calendars", json={"name": "ours", "ownDays": own}).json()["id"]
    path = f"/schedules/{made(api, calendarId=calendar)}?month={day:%Y-%m}"
    assert f"Feast {EVIL}; 1 slot is skipped" in shown(api, path)
    assert EVIL not in api("GET", path).text


def test_the_history_is_a_strip_with_the_attempts_that_succeeded_and_a_plot(api: Api, conn: make.Connection) -> None:
    schedule_id = UUID(made(api))
    moment = make.now(conn)
    assert api.tenant
    for number, (state, attempt) in enumerate((("succeeded", 1), ("dead", 3))):
        slot = moment - timedelta(hours=number + 1)
        run = {"state": state, "attempt": attempt, "started_at": slot + timedelta(seconds=2)}
        make.run(conn, api.tenant, schedule_id=schedule_id, origin="schedule", slot_at=slot, **run)
    text = shown(api, f"/schedules/{schedule_id}")
    assert "25.0 %" in text
    assert "1 of 4, latest runs" in text
    assert "Start lag of 1 run, 2 s at most" in text
    assert "dead, attempt 3" in api("GET", f"/schedules/{schedule_id}").text


def test_what_is_secret_in_its_params_is_struck_out(api: Api) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    path = f"/schedules/{made(api, jobType='http.call', jobPayload={'url': 'https://example.com', 'secret': secret})}"
    for page in (path, f"{path}/edit", f"{path}/changes"):
        assert secret not in api("GET", page).text
    assert '"secret": "***"' in shown(api, path)


def test_a_viewer_is_offered_nothing_that_changes(api: Api, conn: make.Connection) -> None:
    path = f"/schedules/{made(api)}"
    reader = api.of_scope(conn, "read")
    for page in ("/schedules", path):
        text = reader("GET", page).text
        assert re.findall(r'action="([^"]*)"', text) in (["/sign-out"], ["/sign-out", "/schedules/bulk/ask"])
        assert not re.search(r"/edit|/backfill|Pause|/changes", text)


def test_it_is_paused_resumed_planned_anew_run_and_cancelled(api: Api) -> None:
    schedule_id = made(api, name="Sums")
    path = f"/schedules/{schedule_id}"
    post(api, f"{path}/pause", {"note": f"a rest {EVIL}"})
    assert of(api, schedule_id)["pauseNote"] == f"a rest {EVIL}"
    assert f"It is paused: a rest {EVIL}." in shown(api, path)
    assert "Sums%20is%20active" in said(post(api, f"{path}/resume", {}))
    assert said(post(api, f"{path}/reschedule", {}))
    run = post(api, f"{path}/run", {})
    [made_run] = api("GET", "/api/runs", params={"scheduleId": schedule_id}).json()["items"]
    assert run.headers["location"] == f"/runs/{made_run['id']}"
    assert "cancelled" in said(post(api, f"{path}/cancel", {}))
    again = post(api, f"{path}/pause", {})
    assert again.status_code == 409
    assert "cannot become paused" in again.text


def test_who_changed_what_is_told_to_admins(api: Api) -> None:
    schedule_id = made(api, priority=5)
    api("PATCH", f"/api/schedules/{schedule_id}", json={"priority": 7})
    text = re.sub(r"\s+", " ", shown(api, f"/schedules/{schedule_id}/changes"))
    assert "Edited a test" in text
    assert "Priority: 5 → 7" in text
    assert "Version:" not in text


def test_a_backfill_shows_what_it_would_do_and_then_does_it(api: Api, conn: make.Connection) -> None:
    schedule_id = made(api, cronExpression="0 * * * *", timezone="Asia/Kolkata")
    path = f"/schedules/{schedule_id}/backfill"
    last = make.now(conn).replace(minute=30, second=0, microsecond=0) - timedelta(hours=1)
    local = [f"{each + timedelta(hours=5, minutes=30):%Y-%m-%dT%H:%M}" for each in (last - timedelta(hours=2), last)]

    page = api("GET", path, params={"from": local[0], "to": local[1]})

    assert "Make 3 runs" in page.text
    assert api("GET", "/api/runs", params={"scheduleId": schedule_id}).json()["items"] == []
    form = {name: value for name, value in fields_in(page.text, "Make").items() if name in ("from", "to")}
    assert "3%20runs%20are%20made" in said(post(api, path, form))
    again = api("GET", path, params={"from": local[0], "to": local[1]}).text
    assert "Each slot of the span has its run." in again
    assert "No%20run%20is%20made" in said(post(api, path, form))
    # One that is refused keeps its span.
    over = post(api, path, form | {"to": "2999-01-01T00:00:00Z"})
    assert over.status_code == 422
    assert [local_of(form["from"], "Asia/Kolkata"), "2999-01-01T05:30:00"] == [
        value for name, value in sent_by(over.text, "Show") if name in ("from", "to")
    ]


def test_a_span_that_cannot_be_backfilled_is_shown_with_its_reason(api: Api) -> None:
    path = f"/schedules/{made(api)}/backfill"
    for query, why in (
        ({"from": "2026-02-01T00:00", "to": "2020-01-01T00:00"}, "the span begins after its end"),
        ({"from": "soon", "to": "2020-01-01T00:00"}, "takes a time with its offset"),
        ({"from": "2020-01-01T00:00", "to": "2999-01-01T00:00"}, "ends in the future"),
    ):
        assert why in shown(api, f"{path}?from={query['from']}&to={query['to']}")
    refused = post(api, path, {"from": "2000-01-01T00:00:00Z", "to": "2000-01-01T00:00:00Z"})
    assert refused.status_code == 422
    assert "TOCSIN_RETENTION_DAYS" in refused.text


def test_the_kinds_lead_to_their_forms_and_rooms(api: Api) -> None:
    page = api("GET", "/schedules/new").text
    assert 'href="/schedules/new?kind=test.noop"' in page
    assert 'href="/alerts/new"' in page
    assert "kind=kpi.threshold" not in page
    # What is made elsewhere has no form here.
    assert 'href="/alerts/new"' in api("GET", "/schedules/new?kind=kpi.threshold").text
    assert json.dumps(page).count("kind=http.call") == 1
