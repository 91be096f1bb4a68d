"""A browser's session: a cookie that is as good as the token behind it, and of no use to another site."""

from collections.abc import Callable
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Any

import pytest
from httpx2 import Response

from api import sessions
from api.sessions import COOKIE
from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient
from tests.api.test_jwts import claims_of, signed

OWN = {"Sec-Fetch-Site": "same-origin"}
CRON = {"jobType": "test.noop", "cronExpression": "0 9 * * 1"}


def cookie_of(answer: Response) -> str:
    """What the browser keeps."""
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE].value


def signed_in(api: Api) -> str:
    begun = api("POST", "/api/session")
    assert begun.status_code == 200, begun.text
    return cookie_of(begun)


def ask(
    api: Api, method: str, path: str, cookie: str, headers: dict[str, str] | None = None, **options: Any
) -> Response:
    """A request as the browser makes it, without the token."""
    answer: Response = api.web.request(
        method, path, headers={"Cookie": f"{COOKIE}={cookie}", **(headers or {})}, **options
    )
    return answer


def test_a_session_is_begun_with_a_token_and_asks_as_its_owner(api: Api) -> None:
    begun = api("POST", "/api/session")
    flags = begun.headers["set-cookie"].lower()
    for flag in ("httponly", "secure", "samesite=lax", "path=/", "max-age=43200"):
        assert flag in flags
    assert "domain" not in flags
    assert api.token not in begun.headers["set-cookie"] + begun.text

    shown = ask(api, "GET", "/api/session", cookie_of(begun)).json()
    assert shown == api("GET", "/api/session").json()
    assert shown["role"] == "admin"
    made = ask(api, "POST", "/api/schedules", cookie_of(begun), OWN, json=CRON)
    assert made.status_code == 201
    assert made.json()["createdBy"] == f"token:{api.made.id}"


def test_a_session_is_begun_by_nobody_without_a_token(api: Api) -> None:
    assert api.web.post("/api/session").status_code == 401
    assert ask(api, "POST", "/api/session", signed_in(api), OWN).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://testserver.evil.example"},
        {"Origin": "file://testserver"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {"Referer": "http://testserver/"},
    ],
)
def test_a_change_that_another_site_may_have_asked_for_is_refused(
    api: Api, conn: make.Connection, headers: dict[str, str]
) -> None:
    cookie = signed_in(api)
    for method, path in (("POST", "/api/schedules"), ("DELETE", "/api/session")):
        assert ask(api, method, path, cookie, headers, json=CRON).status_code == 403
    assert make.value(conn, "select count(*) from schedules") == 0
    assert ask(api, "GET", "/api/schedules", cookie, headers).status_code == 200


@pytest.mark.parametrize("headers", [OWN, {"Origin": "http://testserver"}, {"Origin": "http://TESTSERVER", **OWN}])
def test_the_sites_own_pages_may_change_things(api: Api, headers: dict[str, str]) -> None:
    assert ask(api, "POST", "/api/schedules", signed_in(api), headers, json=CRON).status_code == 201


def test_a_token_needs_no_origin_and_goes_before_the_cookie(api: Api, conn: make.Connection) -> None:
    reader = api.of_scope(conn, "read")
    both = {"Cookie": f"{COOKIE}={signed_in(reader)}"}
    assert api("GET", "/api/session", headers=both).json()["role"] == "admin"
    assert api("POST", "/api/schedules", headers=both, json=CRON).status_code == 201


def test_a_session_ends_with_its_token(api: Api, conn: make.Connection) -> None:
    other = api.of_scope(conn, "write")
    cookie = signed_in(other)
    assert ask(api, "GET", "/api/schedules", cookie).status_code == 200
    assert api("DELETE", f"/api/tokens/{other.made.id}").status_code == 204
    answers = [ask(api, "GET", "/api/schedules", cookie) for _ in range(40)]
    assert {each.status_code for each in answers} == {401}, "a page that was left open is no guesser"
    assert SimpleCookie(answers[0].headers["set-cookie"])[COOKIE]["max-age"] == "0", "no page could clear it"


def test_a_session_ends_after_its_hours(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SECONDS", -1)
    assert ask(api, "GET", "/api/schedules", signed_in(api)).status_code == 401


def test_a_session_says_when_its_token_ends_where_that_is_sooner(api: Api, conn: make.Connection) -> None:
    def ends(token: str) -> tuple[float, int]:
        """In how many seconds the session ends by the answer, and how long the browser keeps its cookie."""
        begun = api.web.post("/api/session", headers={"Authorization": f"Bearer {token}"})
        at = datetime.fromisoformat(begun.json()["expiresAt"])
        age = SimpleCookie(begun.headers["set-cookie"])[COOKIE]["max-age"]
        return (at - make.now(conn)).total_seconds(), int(age)

    tenant = make.value(conn, "select id from tenants")
    now = int(make.now(conn).timestamp())
    other = api.of_scope(conn, "read")
    conn.execute("update api_tokens set expires_at = now() + interval '1 hour' where id = %s", (other.made.id,))
    # A JWT is taken for a minute longer than it says, and so is its session.
    for token, seconds in (
        (api.token, 43200),
        (signed(claims_of(tenant)), 43200),
        (signed(claims_of(tenant, exp=now + 600)), 660),
        (signed(claims_of(tenant, exp=now - 30)), 30),
        (other.token, 3600),
    ):
        until, age = ends(token)
        assert seconds - 15 < until <= seconds + 1
        assert seconds - 15 < age <= seconds + 1


def test_signing_out_takes_the_cookie_away(api: Api) -> None:
    gone = ask(api, "DELETE", "/api/session", signed_in(api), OWN)
    assert gone.status_code == 204
    assert SimpleCookie(gone.headers["set-cookie"])[COOKIE]["max-age"] == "0"


BENDS: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[:-8],
    "changed": lambda text: "A" + text[1:],
    "no session": lambda _: "e30=",
    "no base64": lambda _: "\xe9",
}


@pytest.mark.parametrize("bend", BENDS)
def test_a_cookie_that_is_not_ours_is_nobodys(api: Api, bend: str) -> None:
    bent = BENDS[bend](signed_in(api))
    answer = api.web.get("/api/schedules", headers={b"Cookie": f"{COOKIE}={bent}".encode()})
    assert answer.status_code == 401


def test_without_a_key_nobody_signs_in_and_is_told_why(make_web: MakeWeb, database: str, conn: make.Connection) -> None:
    keyless: TestClient = make_web(database, secret_keys=())
    answer = Api(keyless, conn)("POST", "/api/session")
    assert answer.status_code == 409
    assert "TOCSIN_SECRET_KEYS" in answer.json()["detail"]
