"""What a run's page shows and does: its story, its way, its files, and resending what did not arrive."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.charts import run_way
from api.pages.file_views import first_rows
from api.pages.look import ends, sentence
from tests import make
from tests.api.conftest import Api
from tests.api.tenanted import ROWS
from tests.pages.test_rooms import EVIL, place_of, post, said

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def run_of(**changed: object) -> dict[str, object]:
    """A run as the API shows it: late by a second, tried twice, and told to two."""
    told = {"channel": "email", "recipientName": None, "createdAt": at(9)}
    return {
        "slotAt": at(0),
        "startedAt": at(5),
        "finishedAt": at(9),
        "state": "succeeded",
        "attempt": 2,
        "attempts": [
            {"attempt": 1, "outcome": "raised", "startedAt": at(1), "finishedAt": at(3)},
            {"attempt": 2, "outcome": "done", "startedAt": at(5), "finishedAt": at(9)},
        ],
        "steps": [],
        "deliveries": [
            {**told, "recipient": "a@example.com", "state": "sent", "sentAt": at(10)},
            {**told, "recipient": "b@example.com", "state": "failed", "sentAt": None},
            {**told, "recipient": "c@example.com", "state": "pending", "sentAt": None},
        ],
        **changed,
    }


def test_the_way_of_a_run_shows_its_wait_its_attempts_and_its_messages_by_time() -> None:
    drawn = run_way.draw(run_of(), NOON + timedelta(seconds=60))
    bars = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="(\d+)" width="([\d.]+)"[^>]*><title>([^<]+)', drawn)
    assert [(bar[0], bar[4]) for bar in bars] == [
        ("wait", "1 s from its slot to its start"),
        ("bad", "attempt 1: raised after 2 s"),
        ("good", "attempt 2: done after 4 s"),
        ("good", "email to a@example.com: sent"),
        ("bad", "email to b@example.com: failed"),
    ]
    # Ten seconds are as wide as the line: 904.
    assert [round(float(bar[3]) / 90.4) for bar in bars] == [1, 2, 4, 1, 0]
    assert [bar[2] for bar in bars] == ["3", "29", "29", "55", "55"]
    assert "+10 s</text>" in drawn


def test_a_run_that_waits_or_runs_is_drawn_up_to_now() -> None:
    waiting = run_of(state="pending", startedAt=None, finishedAt=None, attempts=[], deliveries=[])
    assert "1 min from its slot to its start" in run_way.draw(waiting, NOON + timedelta(seconds=60))
    ahead = run_way.draw(waiting, NOON - timedelta(seconds=60))
    assert 'class="wait"' in ahead
    running = run_of(state="running", finishedAt=None, attempts=[], deliveries=[])
    assert "attempt 2: running" in run_way.draw(running, NOON + timedelta(seconds=60))


def test_instants_in_a_sentence_are_shown_as_people_read_them_and_the_rest_is_text() -> None:
    shown = sentence(f"It failed at 2026-11-23T12:00:05.250Z: {EVIL}.")
    assert shown == (
        'It failed at <time datetime="2026-11-23T12:00:05.250Z">23 Nov 2026, 12:00:05 UTC</time>: '
        "&lt;script&gt;alert(1)&lt;/script&gt;."
    )


def test_the_first_rows_of_a_table_are_those_of_its_file() -> None:
    text = "name,value\n" + "".join(f'"row {n}, with a comma",{n}\n' for n in range(80))
    rows, has_more = first_rows(text)
    assert rows[:2] == [["name", "value"], ["row 0, with a comma", "0"]]
    assert len(rows) == 51
    assert has_more
    assert first_rows("a\n1\n") == ([["a"], ["1"]], False)


def test_what_did_not_arrive_is_sent_again_and_nothing_else(api: Api, conn: make.Connection) -> None:
    assert api.tenant is not None
    run_id = UUID(ROWS["run_id"](conn, api.tenant, "own", state="succeeded", attempt=1))
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    states = {"a": "sent", "b": "failed", "c": "bounced", "d": "unknown", "e": "suppressed", "f": "pending"}
    for name, state in states.items():
        make.delivery(conn, api.tenant, run_id, slot_at, recipient=f"{name}@example.com", state=state)
    page = api("GET", f"/runs/{run_id}").text
    assert "Send what did not arrive again (2)" in page
    # What may have left is asked for by itself, and the question says what it may do.
    assert "Send what may have arrived again (1)" in page
    asked = dict(re.findall(r'data-ask="Send (\d) messages? again\? ([^"]*)"', page))
    assert "gets a second one" in asked["1"]
    assert "nobody who got theirs is sent another" in asked["2"]
    answer = post(api, f"/runs/{run_id}/resend")
    assert place_of(answer) == f"/runs/{run_id}"
    assert said(answer) == "2 of 6 messages are sent again."
    moved = states | {"b": "pending", "c": "pending"}
    assert _states(conn, run_id) == moved
    assert said(post(api, f"/runs/{run_id}/resend", which="unknown")) == "1 of 6 messages are sent again."
    assert _states(conn, run_id) == moved | {"d": "pending"}
    assert "Send what" not in api("GET", f"/runs/{run_id}").text


def _states(conn: make.Connection, run_id: UUID) -> dict[str, str]:
    """Each of the run's deliveries, by the first letter of its recipient."""
    found = conn.execute("select left(recipient, 1), state from deliveries where run_id = %s", [run_id]).fetchall()
    return dict(found)


def test_a_message_that_may_have_arrived_is_sent_again_with_a_warning(api: Api, conn: make.Connection) -> None:
    for state, warned in (("unknown", True), ("failed", False)):
        delivery_id = ROWS["delivery_id"](conn, api.tenant, "own", state=state)
        page = api("GET", f"/deliveries/{delivery_id}").text
        assert "Send again" in page
        assert ("may have got it" in page) is warned


def test_one_that_was_sent_is_sent_again_only_when_it_is_asked_for_by_force(api: Api, conn: make.Connection) -> None:
    delivery_id = ROWS["delivery_id"](conn, api.tenant, "own", state="sent")
    refused = post(api, f"/deliveries/{delivery_id}/resend")
    assert refused.status_code == 409
    assert "the delivery was sent" in refused.text.lower()
    assert place_of(post(api, f"/deliveries/{delivery_id}/resend", force="yes")) == f"/deliveries/{delivery_id}"


def test_a_dead_run_is_opened_again_from_its_page(api: Api, conn: make.Connection) -> None:
    run_id = ROWS["run_id"](conn, api.tenant, "own", state="dead", attempt=1, error=EVIL)
    page = api("GET", f"/runs/{run_id}").text
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Try again" in page
    assert place_of(post(api, f"/runs/{run_id}/retry")) == f"/runs/{run_id}"
    assert make.value(conn, "select state from runs where id = %s", run_id) == "pending"


def test_runs_are_found_by_what_the_form_asks(api: Api, conn: make.Connection) -> None:
    dead = ROWS["run_id"](conn, api.tenant, "own", state="dead", attempt=1)
    done = ROWS["run_id"](conn, api.tenant, "own", state="succeeded", attempt=1)
    shown = api("GET", "/runs?state=dead&kind=&origin=&tag=&from=&to=").text
    assert f"/runs/{dead}" in shown
    assert f"/runs/{done}" not in shown
    assert "No run is like that" in api("GET", "/runs?state=cancelled").text
    assert api("GET", "/runs?state=asleep").status_code == 422


def test_the_list_tells_an_error_as_it_is_with_its_end_and_a_reason_as_words(api: Api, conn: make.Connection) -> None:
    error = f"asking https://example.com/some_path: {'x' * 300} column is_new does not exist"
    ROWS["run_id"](conn, api.tenant, "own", state="dead", attempt=1, error=error)
    ROWS["run_id"](conn, api.tenant, "own", state="skipped", reason="overlap_skip")
    # What it met before is not why it was left undone.
    ROWS["run_id"](conn, api.tenant, "own", state="cancelled", reason="schedule_cancelled", error="busy once")
    page = api("GET", "/runs").text
    assert f'<span title="{error}">asking https://example.com/some_path: xxx' in page
    assert "xxx column is_new does not exist</span>" in page
    assert "overlap skip" in page
    assert "schedule cancelled" in page.lower()
    assert "busy once" not in page
    assert [len(ends(text, 200)) <= 200 for text in (error, "short", "y" * 201)] == [True] * 3
    assert ends("z" * 200, 200) == "z" * 200
