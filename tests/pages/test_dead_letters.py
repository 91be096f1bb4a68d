"""The room of the dead letters: grouped by cause, and nothing is done to many of them before its effect was shown."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from api import tokens
from db.ids import id_at
from tests import make
from tests.api.conftest import Api, Two

EVIL = "<script>alert(1)</script>"


def dead(conn: make.Connection, api: Api, error: str | None, *, schedule_id: UUID | None = None, **row: Any) -> UUID:
    """A dead run of the tenant's with its open letter: the run's id."""
    assert api.tenant
    slot = make.now(conn)
    run = make.run(conn, api.tenant, schedule_id=schedule_id, state="dead", slot_at=slot, fence=4, attempt=1)
    of_run = {"run_id": run, "slot_at": slot, "tenant_id": api.tenant, "schedule_id": schedule_id, "error": error}
    letter = {"id": id_at(slot), "kind": "test.noop", "cause": "rejected", "attempts": 1, "fence": 4, **of_run, **row}
    make.insert(conn, "dead_letters", letter)
    return run


def state(conn: make.Connection, run: UUID) -> tuple[str, str]:
    """The states of the run and of its letter."""
    return (
        str(make.value(conn, "select state from runs where id = %s", run)),
        str(make.value(conn, "select state from dead_letters where run_id = %s", run)),
    )


def groups(api: Api, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("GET", "/api/dead-letters/groups", params=filters).json()["items"]
    return found


def hidden(page: str) -> list[tuple[str, str]]:
    """The hidden fields of the page's form, as a browser sends them."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return [(name, value.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")) for name, value in found]


def press(api: Api, path: str, page: str) -> str:
    """Sends the form of a page that asks first; what the next page says."""
    form = {"content": urlencode(hidden(page)), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    answer = api("POST", path, follow_redirects=False, **form)
    assert answer.status_code == 303, answer.text
    said = answer.cookies["__Host-tocsin-said"]
    return api("GET", "/dead-letters", headers={"Cookie": f"__Host-tocsin-said={said}"}).text


def test_errors_that_differ_in_numbers_and_ids_alone_are_one_group(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    one, other = (make.schedule(conn, api.tenant, interval_seconds=60) for _ in range(2))
    for schedule, text in (
        (one, "HTTP 503 from 10.0.0.7:8080 after 31 ms, call 6f1c9a52-3c1e-4f5a-8f7e-0c9f6d2a7b11"),
        (one, "HTTP 500 from 10.0.0.8:80 after 9 ms,\n call ABCDEFAB-cdef-abcd-efab-cdefabcdefab"),
        (other, "HTTP 503 from 10.2.0.7 after 3.5 ms, call 01a2076d-5ce2-7efd-90f8-7539c03e507b"),
        (other, "HTTP 503 from nowhere"),
    ):
        dead(conn, api, text, schedule_id=schedule)
    dead(conn, api, "HTTP 503 from nowhere", cause="expired")
    for error in (None, "", " "):
        dead(conn, api, error)
    found = {(each["error"], each["cause"]): (each["letters"], each["schedules"]) for each in groups(api)}
    assert found == {
        ("HTTP # from # after # ms, call #", "rejected"): (3, 2),
        ("HTTP # from nowhere", "rejected"): (1, 1),
        ("HTTP # from nowhere", "expired"): (1, 0),
        ("-", "rejected"): (3, 0),
    }
    newest = {each["error"]: each["exampleError"] for each in groups(api, cause="rejected")}
    assert newest["HTTP # from # after # ms, call #"] == (
        "HTTP 503 from 10.2.0.7 after 3.5 ms, call 01a2076d-5ce2-7efd-90f8-7539c03e507b"
    )
    listed = api("GET", "/api/dead-letters", params={"error": "HTTP # from # after # ms, call #"}).json()["items"]
    assert len(listed) == 3
    assert [each["letters"] for each in groups(api, cause="expired")] == [1]
    assert groups(api, scheduleId=str(one))[0]["letters"] == 2


def test_an_error_of_any_signs_and_length_has_a_pattern_that_finds_it(api: Api, conn: make.Connection) -> None:
    errors = ["größer als 5 €", "a\tb\x1bc", "\u202e 7", "x" * 5000, "9" * 5000, "% _ \\ '", '{"a": "b1"}', "\u00a0"]
    for error in errors:
        dead(conn, api, error)
    found = groups(api)
    assert sum(each["letters"] for each in found) == len(errors)
    for each in found:
        asked = {"error": each["error"], "limit": 9}
        effect = api("POST", "/api/dead-letters/effect", json=asked)
        assert effect.json()["letters"] == each["letters"], each
        page = api("GET", "/dead-letters/discard", params={"error": each["error"]})
        assert page.status_code == 200, each
        assert json.loads(dict(hidden(page.text))["error:json"].replace("&#39;", "'")) == each["error"]


def test_the_effect_is_shown_before_anything_is_done(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    paused = make.schedule(conn, api.tenant, interval_seconds=60, status="paused", next_fire_at=None)
    lively = make.schedule(conn, api.tenant, interval_seconds=60)
    runs = [dead(conn, api, f"refused {n}", schedule_id=each) for n, each in enumerate((paused, lively, lively))]
    slot = make.value(conn, "select slot_at from runs where id = %s", runs[1])
    for recipient, sent in (("a@example.com", "sent"), ("b@example.com", "sent"), ("c@example.com", "failed")):
        make.delivery(conn, api.tenant, runs[1], slot, recipient=recipient, state=sent)
    page = api("GET", "/dead-letters/replay", params={"kind": "test.noop", "error": "refused #"}).text
    assert "3 runs are opened again, of 2 schedules" in page
    assert "1 of them has already delivered to 2 recipients, who are not served again" in page
    assert "1 is of a paused schedule and runs all the same" in page
    assert {state(conn, run) for run in runs} == {("dead", "open")}
    later = dead(conn, api, "refused 9", schedule_id=lively)

    assert "3 runs are open again." in press(api, "/dead-letters/replay", page)
    assert [state(conn, run) for run in runs] == [("pending", "replayed")] * 3
    assert state(conn, later) == ("dead", "open"), "it died after the effect was shown"
    sent_states = "select count(*) from deliveries where run_id = %s and state = 'sent'"
    assert make.value(conn, sent_states, runs[1]) == 2


def test_a_group_is_discarded_and_nothing_else(api: Api, conn: make.Connection) -> None:
    those = [dead(conn, api, f"gone {n}") for n in range(2)]
    other = dead(conn, api, "something else")
    page = api("GET", "/dead-letters/discard", params={"error": "gone #"}).text
    assert "2 dead letters are settled" in page
    assert "2 dead letters are discarded." in press(api, "/dead-letters/discard", page)
    assert [state(conn, run) for run in those] == [("dead", "discarded")] * 2
    assert state(conn, other) == ("dead", "open")
    listed = api("GET", "/dead-letters/list", params={"state": "discarded"}).text
    assert "gone 0" in listed
    assert "something else" not in listed


def test_those_that_are_ticked_are_done_and_without_a_tick_none(api: Api, conn: make.Connection) -> None:
    ticked, left = [dead(conn, api, "a") for _ in range(2)], dead(conn, api, "a")
    listed = api("GET", "/dead-letters/list").text
    assert len(re.findall('type="checkbox" name="letterIds"', listed)) == 3
    letters = [str(make.value(conn, "select id from dead_letters where run_id = %s", run)) for run in ticked]
    page = api("GET", "/dead-letters/replay", params={"ticked": "yes", "letterIds": letters}).text
    assert "2 runs are opened again" in page
    assert "2 runs are open again." in press(api, "/dead-letters/replay", page)
    assert [state(conn, run)[1] for run in (*ticked, left)] == ["replayed", "replayed", "open"]
    for verb in ("replay", "discard"):
        assert f"There is nothing to {verb}" in api("GET", f"/dead-letters/{verb}", params={"ticked": "yes"}).text


def test_many_are_done_or_none(api: Api, conn: make.Connection) -> None:
    runs = [dead(conn, api, "x", created_at=make.now(conn) - timedelta(hours=n)) for n in range(3)]
    conn.execute("update runs set fence = 5, written_fence = null where id = %s", (runs[2],))
    refused = api("POST", "/api/dead-letters/replay", json={"error": "x"})
    assert refused.status_code == 409
    assert {state(conn, run) for run in runs} == {("dead", "open")}
    answer = api("POST", "/api/dead-letters/discard", json={"error": "x", "limit": 2}).json()
    assert (len(answer["letterIds"]), answer["hasMore"]) == (2, True)
    assert [state(conn, run)[1] for run in runs] == ["discarded", "discarded", "open"], "the newest first"


def test_what_an_error_says_is_text(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    schedule = make.schedule(conn, api.tenant, name=f"s {EVIL}", interval_seconds=60)
    run = dead(conn, api, EVIL, schedule_id=schedule)
    for path in (
        "/dead-letters",
        "/dead-letters/list",
        "/dead-letters/list?error=%3Cscript%3Ealert(%23)%3C/script%3E",
        "/dead-letters/replay?error=%3Cscript%3Ealert(%23)%3C/script%3E",
        f"/dead-letters/{run}",
    ):
        shown = api("GET", path).text
        assert EVIL not in shown
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown, path


def test_whoever_asked_for_the_run_is_called_by_name(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    run = dead(conn, api, "it broke")
    found = tokens.create(conn, api.tenant, "the nightly job", "write")[0]
    conn.execute("update runs set triggered_by = %s where id = %s", (f"token:{found.id}", run))
    for path in (f"/dead-letters/{run}", f"/runs/{run}"):
        shown = api("GET", path).text
        assert "the nightly job (token)" in shown
        assert f"token:{found.id}" not in shown


def test_a_viewer_is_offered_no_change(two: Two) -> None:
    run = dead(two.conn, two.a, "x")
    viewer = two.a.of_scope(two.conn, "read")
    for path in ("/dead-letters", "/dead-letters/list", f"/dead-letters/{run}"):
        shown = viewer("GET", path).text
        assert "Replay" not in shown
        assert "Discard" not in shown
        assert "checkbox" not in shown


def test_another_tenants_letters_are_in_no_group_and_no_change_reaches_them(two: Two) -> None:
    theirs = dead(two.conn, two.b, "theirs 1")
    letter = str(make.value(two.conn, "select id from dead_letters where run_id = %s", theirs))
    assert groups(two.a) == []
    for body in ({}, {"letterIds": [letter]}, {"error": "theirs #"}):
        assert two.a("POST", "/api/dead-letters/effect", json=body).json()["letters"] == 0
        assert two.a("POST", "/api/dead-letters/discard", json=body).json() == {"letterIds": [], "hasMore": False}
    assert state(two.conn, theirs) == ("dead", "open")


def test_letters_of_a_crews_calls_name_their_user_and_crew_and_are_found_by_both(
    api: Api, conn: make.Connection
) -> None:
    assert api.tenant
    ours, theirs = (make.schedule(conn, api.tenant, name=name, kind="crew.call") for name in ("ours", "theirs"))
    crews, calls = [], []
    for crew, uids in ((ours, ("ann", "ben")), (ours, ("cid",)), (theirs, ("ann",))):
        run = make.run(conn, api.tenant, schedule_id=crew, kind="crew.call", state="succeeded", attempt=1)
        slot = make.value(conn, "select slot_at from runs where id = %s", run)
        crews.append(str(run))
        for uid in uids:
            row = {"parent_run_id": run, "item_key": uid, "slot_at": slot, "kind": "crew.ask", "state": "dead"}
            call = make.run(conn, api.tenant, **row, id=id_at(slot), fence=1, attempt=1)
            letter = {"id": id_at(slot), "run_id": call, "slot_at": slot, "tenant_id": api.tenant, "kind": "crew.ask"}
            told = {"cause": "rejected", "error": "it said no", "attempts": 1, "fence": 1}
            make.insert(conn, "dead_letters", letter | told)
            calls.append(call)
    dead(conn, api, "of no crew")
    other = dead(conn, api, "its own", schedule_id=ours)

    found = {each["runId"]: each for each in api("GET", "/api/dead-letters").json()["items"]}
    ours_first = [found[str(each)] for each in calls]
    named = [(each["itemKey"], each["parentRunId"], each["scheduleName"]) for each in ours_first]
    assert named == [
        ("ann", crews[0], "ours"),
        ("ben", crews[0], "ours"),
        ("cid", crews[1], "ours"),
        ("ann", crews[2], "theirs"),
    ]
    shown = api("GET", f"/api/dead-letters/{calls[1]}").json()
    assert (shown["itemKey"], shown["scheduleId"]) == ("ben", str(ours))

    def listed(**filters: Any) -> set[str]:
        return {each["runId"] for each in api("GET", "/api/dead-letters", params=filters).json()["items"]}

    assert listed(scheduleId=ours) == {str(each) for each in (*calls[:3], other)}
    assert listed(parentRunId=crews[0]) == {str(each) for each in calls[:2]}
    [group] = groups(api, scheduleId=ours, kind="crew.ask")
    assert (group["letters"], group["schedules"], group["exampleScheduleName"]) == (3, 1, "ours")
    assert group["exampleItemKey"] in {"ann", "ben", "cid"}
    assert [each["letters"] for each in groups(api, parentRunId=crews[0])] == [2]

    page = api("GET", "/dead-letters/list", params={"parentRunId": crews[0]}).text
    assert "ours · ben" in page
    assert 'href="/crew/users/ben"' in api("GET", f"/dead-letters/{calls[1]}").text
    assert "theirs</a>" in api("GET", "/crew/dead-letters").text
    asks = api("GET", "/dead-letters/replay", params={"parentRunId": crews[0]}).text
    assert "2 runs are opened again, of 1 schedule" in asks
    assert "2 runs are open again." in press(api, "/dead-letters/replay", asks)
    assert [state(conn, call)[1] for call in calls] == ["replayed", "replayed", "open", "open"]
    settled = api("POST", "/api/dead-letters/discard", json={"scheduleId": str(ours), "kind": "crew.ask"}).json()
    assert len(settled["letterIds"]) == 1
    assert [state(conn, call)[1] for call in calls] == ["replayed", "replayed", "discarded", "open"]
    assert state(conn, other) == ("dead", "open")
