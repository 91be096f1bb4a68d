"""Where a page leads, or what it says, when it can't be shown as it was asked for."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from fastapi import HTTPException

from api.app import create_app
from api.pages.file_views import first_rows
from db.pool import Database
from tests import make
from tests.api.conftest import Api, TestClient, Two, web_of_it
from tests.api.test_sessions import ask, signed_in
from tests.pages.forms import sent_by

HTMX = {"HX-Request": "true", "HX-Current-URL": "https://testserver/runs?state=dead"}
# Of our own page, as a browser says it.
OWN = {"Sec-Fetch-Site": "same-origin"}
TYPED = {"name": "Ours & <theirs>", "prompt": "what is new?\nand why?", "cron": "0 9 * * 2"}
GONE = {"Cookie": "__Host-tocsin-tenant=gone"}


@pytest.fixture(scope="module")
def hosting(shared: tuple[TestClient, make.Connection]) -> Iterator[TestClient]:
    """The same database, of many tenants."""
    settings = replace(web_of_it(shared[0]).settings, is_hosting=True)
    with TestClient(create_app(settings)) as web:
        yield web


def test_a_part_of_a_page_whose_session_has_ended_leads_the_whole_page_to_sign_in(two: Two) -> None:
    answer = two.web.get("/runs", headers=HTMX, follow_redirects=False)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == f"/sign-in?next={quote('/runs?state=dead')}"
    assert answer.text == ""


def test_a_form_that_is_being_typed_is_led_nowhere(two: Two) -> None:
    answer = two.web.post("/schedules/new/look", data=TYPED, headers=HTMX | OWN, follow_redirects=False)
    assert answer.status_code == 401
    assert "hx-redirect" not in answer.headers
    assert answer.text == ""


def test_a_form_that_is_sent_after_its_session_ended_is_kept_and_sent_again(two: Two) -> None:
    first, later = two.a.of_scope(two.conn, "write"), signed_in(two.a)
    cookie = signed_in(first)
    two.a("DELETE", f"/api/tokens/{first.made.id}")
    kept = ask(two.a, "POST", "/pulses/new?then=preview", cookie, OWN, data=TYPED, follow_redirects=False)
    assert kept.status_code == 401
    assert "Not saved yet." in kept.text
    assert 'href="/sign-in?next=/" target="_blank"' in kept.text
    assert 'action="/pulses/new?then=preview"' in kept.text
    assert dict(sent_by(kept.text, "Send it again")) == TYPED
    assert TYPED["name"] not in kept.text
    assert two.a("GET", "/api/pulse").json() == []
    again = ask(
        two.a, "POST", "/pulses/new", later, OWN, data=dict(sent_by(kept.text, "Send it again")), follow_redirects=False
    )
    assert again.status_code == 303
    [pulse] = two.a("GET", "/api/pulse").json()
    assert (pulse["name"], pulse["prompt"]) == (TYPED["name"], TYPED["prompt"])


def test_what_another_site_typed_is_not_kept(two: Two) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        answer = two.web.post("/pulses/new", data=TYPED, headers=headers, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.text == ""


def test_a_form_is_kept_while_too_much_is_asked_or_the_database_is_away(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status in (429, 503):

        def refuse(*_args: object, _status: int = status, **_more: object) -> None:
            raise HTTPException(_status, "not now", {"Retry-After": "7"})

        monkeypatch.setattr("api.pages.page.admitted", refuse)
        answer = two.web.post("/pulses/new", data=TYPED, headers=OWN)
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
        assert dict(sent_by(answer.text, "Send it again")) == TYPED


def test_a_session_that_was_revoked_is_taken_from_the_browser_as_its_page_is_led_away(two: Two) -> None:
    cookie = signed_in(two.a)
    two.a.of_scope(two.conn, "admin")("DELETE", f"/api/tokens/{two.a.made.id}")
    answer = ask(two.a, "GET", "/runs", cookie, HTMX, follow_redirects=False)
    assert answer.status_code == 401
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_an_operator_of_no_tenant_or_one_that_is_gone_is_led_to_the_tenants(hosting: TestClient, two: Two) -> None:
    operator = Api(hosting, two.conn, "operator")
    for path in ("/", "/settings", "/audit-log", "/members"):
        for cookie in ({}, GONE):
            answer = operator("GET", path, headers=cookie, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/tenants")
    assert operator("GET", "/tenants", headers=GONE).status_code == 200


def test_without_hosting_the_tenant_of_other_days_is_nobodys(two: Two) -> None:
    operator = Api(two.web, two.conn, "operator")
    assert operator("GET", "/", headers=GONE).status_code == 200


def test_a_page_says_names_as_they_are(two: Two) -> None:
    answer = two.a("GET", "/runs", headers={"Authorization": "Bearer toc_x"}, follow_redirects=False)
    assert answer.status_code == 303
    refused = two.a("POST", "/sources/new", json={})
    assert "A form takes application/x-www-form-urlencoded or multipart/form-data." in refused.text
    answer = two.a.of_scope(two.conn, "read")("GET", "/members")
    assert "This needs the role admin; yours is viewer." in answer.text


def test_what_is_nowhere_is_a_page_to_a_browser_and_a_problem_to_a_program(two: Two) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml"}
    answer = two.web.get("/nowhere", headers=browser)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Not Found</h1>" in answer.text
    for path, headers in (("/nowhere", {"Accept": "*/*"}), ("/api/nowhere", browser)):
        answer = two.web.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_the_name_of_a_field_is_bounded(two: Two) -> None:
    refused = two.a("POST", "/settings", data={"a." * 200_000: "x"})
    assert refused.status_code == 400
    assert "takes at most 300 characters" in refused.text


@pytest.mark.long
def test_while_the_database_is_away_a_page_says_so(hosting: TestClient, two: Two) -> None:
    away = replace(web_of_it(hosting).settings, database=Database.at("postgresql://nobody@127.0.0.1:1/x"))
    with TestClient(create_app(away)) as web:
        for path in ("/", f"/sign-in/{'a' * 43}"):
            answer = web.get(path, headers={"Authorization": f"Bearer {two.a.token}"})
            assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
            assert "The database does not answer." in answer.text


def test_a_table_whose_field_never_ends_is_shown_so_far() -> None:
    rows, has_more = first_rows('a,b\n1,2\n"' + "x" * 150_000)
    assert rows == [["a", "b"], ["1", "2"]]
    assert has_more
    # Only a line's end ends a row.
    assert first_rows("a\x0bb,c\u2028d\r\n1,2\n") == ([["a\x0bb", "c\u2028d"], ["1", "2"]], False)
