"""Crews: the default crew's buttons, users out of CSV text, answers as trees, and calls that are made again."""

from html import unescape
from typing import Any
from uuid import UUID

from httpx2 import Response

from api.pages import json_tree
from db.ids import id_at
from db.jsonb import Jsonb
from tests import make
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS, user
from tests.pages.test_rooms import EVIL, place_of, post, said


def died(two: Two) -> tuple[str, str]:
    """A user about whom a call died, and the run of it."""
    tenant = two.a.tenant
    assert tenant
    uid = user(two.conn, tenant, "own")
    run_id = make.run(two.conn, tenant, kind="crew.ask", state="dead", item_key=uid, attempt=1)
    slot_at = make.value(two.conn, "select slot_at from runs where id = %s", run_id)
    of = {"run_id": run_id, "slot_at": slot_at, "tenant_id": tenant}
    letter = {"id": id_at(slot_at), "kind": "crew.ask", "cause": "rejected", "error": "it said no"}
    make.insert(two.conn, "dead_letters", {**of, **letter, "attempts": 1, "fence": 1})
    kept = {"user_uid": uid, "status": "failed", "error": "it said no", "response_data": Jsonb(None)}
    make.insert(two.conn, "crew_responses", {**of, **kept})
    return uid, str(run_id)


def answered(api: Api, uid: str, data: Any) -> str:
    """The id of an answer about a user."""
    kept = api("POST", "/api/crew-responses", json={"userUid": uid, "responseData": data})
    assert kept.status_code == 201, kept.text
    return str(kept.json()["id"])


def test_the_default_crew_is_started_run_and_stopped(two: Two) -> None:
    refused = post(two.a, "/crew/start", **{"intervalMinutes:number": "5"})
    assert refused.status_code == 409
    assert "there is no endpoint to ask" in refused.text
    ROWS["endpoint_id"](two.conn, two.a.tenant, "own")
    assert place_of(post(two.a, "/crew/start", **{"intervalMinutes:number": "5"})) == "/crew"
    assert "every 5 min" in two.a("GET", "/crew").text
    assert place_of(post(two.a, "/crew/run")) == "/crew"
    page = two.a("GET", "/crew").text
    assert 'hx-trigger="every 2s"' in page
    assert place_of(post(two.a, "/crew/stop")) == "/crew"
    assert "stopped" in two.a("GET", "/crew").text
    assert two.a("GET", "/api/scheduler").json()["isRunning"] is False


def test_users_come_out_of_csv_text_all_of_them_or_none(api: Api) -> None:
    wrong = post(api, "/crew/users/import", csv="uid,priority\nann,2\nben,high")
    assert wrong.status_code == 422
    assert "line 3.priority" in wrong.text
    assert "ben,high" in wrong.text
    done = post(api, "/crew/users/import", csv="uid,goal\r\nann,more sleep\r\nb&n,tea")
    assert place_of(done) == "/crew/users"
    assert said(done) == "2 users are new, 0 changed."
    page = api("GET", "/crew/users").text
    assert "more sleep" in page
    assert 'href="/crew/users/b%26n"' in page
    found = api("GET", "/crew/users?uid=b%26n", follow_redirects=False)
    assert place_of(found) == "/crew/users/b%26n"
    assert "There is no user nobody" in api("GET", "/crew/users?uid=nobody").text


def test_users_come_out_of_a_file_that_was_chosen(api: Api) -> None:
    page = api("GET", "/crew/users/import").text
    assert 'enctype="multipart/form-data"' in page
    assert 'type="file"' in page
    assert "at most 10\u202f000 users and 2.0 MB" in page

    def sent(file: tuple[str, bytes], lines: str) -> Response:
        # As a browser does: with a part that has no name where no file was chosen.
        return api("POST", "/crew/users/import", files={"file": file}, data={"csv": lines}, follow_redirects=False)

    assert said(sent(("users.csv", "uid;goal\r\nann;gr\u00fcn\r\n".encode()), "")) == "1 users are new, 0 changed."
    assert said(sent(("", b""), "uid\tgoal\r\nben\ttea\r\n")) == "1 users are new, 0 changed."
    assert api("GET", "/api/users/ann").json()["goal"] == "gr\u00fcn"
    both = sent(("users.csv", b"uid\ncy"), "uid\r\ndee")
    assert both.status_code == 422
    assert "takes lines where no file is chosen" in both.text
    assert "dee</textarea>" in both.text
    assert "in UTF-8" in sent(("users.xlsx", b"PK\x03\x04\xff"), "").text
    assert "whose first line names its columns" in sent(("", b""), "").text


def test_a_user_is_edited_and_deactivated(api: Api) -> None:
    post(api, "/crew/users/new", uid="ann", goal="more sleep")
    assert (
        place_of(post(api, "/crew/users/ann/edit", **{"goal:clear": "", "segment:clear": "trial"})) == "/crew/users/ann"
    )
    assert place_of(post(api, "/crew/users/ann/deactivate")) == "/crew/users/ann"
    found = api("GET", "/api/users/ann").json()
    assert (found["goal"], found["segment"], found["active"]) == (None, "trial", False)
    assert "asked about by no crew" in api("GET", "/crew/users/ann").text


def test_a_call_that_died_is_made_again_from_its_users_page(two: Two) -> None:
    uid, run_id = died(two)
    assert uid in two.a("GET", "/crew/dead-letters").text
    page = two.a("GET", f"/crew/users/{uid}").text
    assert f'action="/crew/dead-letters/{run_id}/replay"' in page
    assert "it said no" in page
    assert place_of(post(two.a, f"/crew/dead-letters/{run_id}/replay")) == f"/runs/{run_id}"
    assert "/replay" not in two.a("GET", f"/crew/users/{uid}").text
    assert make.value(two.conn, "select state from runs where id = %s", UUID(run_id)) != "dead"


def test_answers_are_found_by_what_stands_at_a_place(two: Two) -> None:
    uid = user(two.conn, two.a.tenant, "own")  # type: ignore[arg-type]  # a tenant's
    done, late = (answered(two.a, uid, {"plan": {"status": each}}) for each in ("done", "late"))
    page = two.a("GET", "/crew/answers").text
    assert '<a class="value text" href="/crew/answers?path=plan.status&amp;equals=done"' in page
    page = two.a("GET", "/crew/answers?path=plan.status&equals=done").text
    assert done in page
    assert late not in page
    assert two.a("GET", "/crew/answers?path=plan").status_code == 422
    assert done not in two.a("GET", "/crew/answers?endDate=2020-01-01").text


def test_a_long_answer_is_cut_until_all_of_it_is_asked_for(two: Two) -> None:
    uid = user(two.conn, two.a.tenant, "own")  # type: ignore[arg-type]  # a tenant's
    answer_id = answered(two.a, uid, {"items": [f"item {at}" for at in range(900)]})
    page = two.a("GET", f"/crew/answers/{answer_id}").text
    assert "Show all" in page
    assert page.count('href="/crew/answers?path=items.') < 400
    page = two.a("GET", f"/crew/answers/{answer_id}?all=true").text
    assert "Show all" not in page
    assert page.count('href="/crew/answers?path=items.') == 900


def test_a_tree_shows_what_it_is_given_as_text() -> None:
    value: dict[str, Any] = {EVIL: [EVIL, None, True, 3, {}], "long": "x" * 500}
    found = json_tree.draw(value, finds="/crew/answers")
    assert "<script" not in found.html
    assert found.left_out == 0
    # As a key and as a value, and in the titles of the three that lead to their like.
    assert unescape(found.html).count(EVIL) == 5
    assert '<details class="long"><summary>' in found.html
    assert found.html.count("<details") == found.html.count("</details>") == 3


def test_a_tree_counts_what_it_leaves_out() -> None:
    found = json_tree.draw({"a": [1, 2, 3], "b": {"c": 1}}, most=3)
    # a, its first two items; then its third, b and c are left out.
    assert found.left_out == 3


def test_an_answer_is_text_wherever_it_is_shown(two: Two) -> None:
    uid = user(two.conn, two.a.tenant, EVIL.replace("/", ""))  # type: ignore[arg-type]  # a tenant's
    answer_id = answered(two.a, uid, {EVIL: EVIL})
    for path in ("/crew/answers", f"/crew/answers/{answer_id}", f"/crew/users/{uid}", "/crew/users"):
        page = two.a("GET", path).text
        assert "<script>" not in page, path


def test_a_crews_runs_tell_how_many_were_answered(two: Two) -> None:
    tenant = two.a.tenant
    assert tenant
    schedule_id = make.schedule(two.conn, tenant, kind="crew.call", name="our plans", interval_seconds=3600)
    came = {"users": 1234, "called": 1234, "answered": 1230, "failed": 4, "skipped": 0, "durationMs": 2500}
    row = {"schedule_id": schedule_id, "kind": "crew.call"}
    make.run(two.conn, tenant, **row, state="succeeded", outcome=Jsonb(came))
    running = {"state": "running", "progress": Jsonb({"fraction": 0.25, "note": "300 of 1200 users"})}
    make.run(two.conn, tenant, **row, **running)
    page = two.a("GET", "/crew").text
    assert "our plans" in page
    assert "1\u202f230" in page
    assert '<progress value="25" max="100">' in page
    assert "300 of 1200 users" in page
