"""What holds of every page: who may see it, whose rows it shows, and what it answers who may not."""

import re
from urllib.parse import quote

import pytest

from tests import make
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS
from tests.api.test_sessions import ask, signed_in
from tests.pages.table import FILES, FRAMES, OPEN, OURS, PAGES, STREAMS, made, names_in, page_routes

READ = sorted(page for page in PAGES if page.startswith("GET "))
SEEN = sorted(set(READ) - FRAMES - FILES)
DONE = sorted(page for page in PAGES if page.startswith("POST "))
OF_A_TENANT = [
    page for page in (*READ, *DONE) if names_in(page) and page not in OURS and PAGES[page].role != "operator"
]
BELOW = {"editor": "read", "admin": "write", "operator": "admin"}
SCOPES = {"viewer": "read", "editor": "write", "admin": "admin", "operator": "operator"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_every_page_stands_in_the_table() -> None:
    assert set(page_routes()) == set(PAGES) | OPEN | STREAMS


@pytest.mark.parametrize("page", [*READ, *DONE])
def test_who_is_not_signed_in_is_led_there(two: Two, page: str) -> None:
    path = made(two.conn, page, two.a.tenant)
    answer = two.web.request(page.split(maxsplit=1)[0], path, follow_redirects=False)
    assert answer.status_code == 303
    wanted = path if page.startswith("GET") else "/"
    assert answer.headers["location"] == f"/sign-in?next={quote(wanted)}"


@pytest.mark.parametrize("page", SEEN)
def test_a_page_is_shown_to_its_role(two: Two, page: str) -> None:
    reader = two.a.of_scope(two.conn, SCOPES[PAGES[page].role])
    answer = reader("GET", made(two.conn, page, two.a.tenant))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert len(re.findall("<h1", answer.text)) == 1
    assert re.search(r"<title>\S.* · Tocsin</title>", answer.text)


@pytest.mark.parametrize("page", sorted(FRAMES))
def test_what_is_framed_runs_nothing_and_is_of_no_origin(two: Two, page: str) -> None:
    answer = two.a("GET", made(two.conn, page, two.a.tenant))
    assert answer.status_code == 200, answer.text
    policy = [each.strip() for each in answer.headers["content-security-policy"].split(";")]
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'self'"} <= set(policy)
    assert not [each for each in policy if each.startswith("script-src")]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("page", [page for page in (*READ, *DONE) if PAGES[page].role != "viewer"])
def test_a_page_is_refused_to_lower_roles(two: Two, page: str) -> None:
    reader = two.a.of_scope(two.conn, BELOW[PAGES[page].role])
    answer = reader(page.split(maxsplit=1)[0], made(two.conn, page, two.a.tenant), data=dict(PAGES[page].form))
    assert answer.status_code == 403
    assert f"needs the role {PAGES[page].role}" in answer.text
    assert "<h1>Forbidden</h1>" in answer.text


@pytest.mark.parametrize("page", OF_A_TENANT)
def test_what_another_tenant_has_is_not_there(two: Two, page: str) -> None:
    answer = two.b(page.split(maxsplit=1)[0], made(two.conn, page, two.a.tenant, "theirs"), data=dict(PAGES[page].form))
    assert answer.status_code == 404
    assert "theirs" not in answer.text


@pytest.mark.parametrize("page", [page for page in SEEN if not names_in(page) and PAGES[page].role != "operator"])
def test_a_list_shows_nothing_of_another_tenant(two: Two, page: str) -> None:
    for name in ("schedule_id", "run_id", "delivery_id", "alert_id", "source_id", "silence_id"):
        ROWS[name](two.conn, two.a.tenant, "theirs")
    answer = two.b("GET", page.split()[1])
    assert answer.status_code == 200
    assert "theirs" not in answer.text


@pytest.mark.parametrize("page", DONE)
def test_another_site_changes_nothing_with_a_browsers_session(api: Api, conn: make.Connection, page: str) -> None:
    path = made(conn, page, api.tenant)
    cookie = signed_in(api)
    told = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", **FORM}
    answer = ask(api, "POST", path, cookie, told, data=dict(PAGES[page].form))
    assert answer.status_code == 403
    assert "this site" in answer.text


def test_a_file_is_kept_by_the_browser_for_good_under_the_name_of_its_content(api: Api) -> None:
    page = api("GET", "/").text
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    answer = api.web.get(style)
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert api.web.get(style, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert api.web.get(style.split("?")[0]).headers["cache-control"] == "no-cache"
    for wrong in ("/static/none.css", "/static/../app.py", "/static/%2e%2e/app.py"):
        assert api.web.get(wrong).status_code == 404
