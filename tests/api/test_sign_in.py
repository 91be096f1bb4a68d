"""Signing in by link and by token, and out: looking changes nothing, a link is good once, and nobody is led elsewhere."""

import html
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from httpx2 import Response

from api import sign_in_links
from api.limits import Limit
from api.own_path import own_path
from api.settings import Settings
from config.environ import BadSetting
from tests import make
from tests.api.conftest import KEY, Api, MakeWeb, TestClient, web_of_it
from tests.api.test_jwts import claims_of, signed

OURS = "https://testserver"
OWN = {"Sec-Fetch-Site": "same-origin"}
FOREIGN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
]


@pytest.fixture
def browser(host: TestClient) -> Iterator[TestClient]:
    """A browser without any cookie, at the module's web."""
    return TestClient(host.app, base_url=OURS, follow_redirects=False)  # type: ignore[return-value]


@pytest.fixture
def tenant(owner: make.Connection) -> UUID:
    """A tenant whose name has to be escaped."""
    return make.tenant(owner, name="<b>Acme</b>")


def member(owner: make.Connection, tenant: UUID, role: str = "admin") -> UUID:
    """A member."""
    row = {"id": uuid4(), "tenant_id": tenant, "subject": f"s-{uuid4().hex}", "role": role}
    make.insert(owner, "members", {**row, "email": "ann@example.com"})
    return UUID(str(row["id"]))


def link(owner: make.Connection, tenant: UUID, scope: str = "admin", member_id: UUID | None = None) -> str:
    return sign_in_links.create(owner, tenant, scope, "command:x", minutes=15, member_id=member_id)[1]


def press(browser: TestClient, path: str, headers: dict[str, str] = OWN, **form: str) -> Response:
    """A form that is sent."""
    answer: Response = browser.post(path, headers=headers, data=form)
    return answer


def whoami(browser: TestClient) -> Any:
    answer = browser.get("/api/session")
    return answer.json() if answer.status_code == 200 else answer.status_code


def of_links(owner: make.Connection, tenant: UUID) -> tuple[Any, ...]:
    return tuple(
        make.value(owner, statement, tenant)
        for statement in (
            "select count(*) from sign_in_links where tenant_id = %s and used_at is not null",
            "select count(*) from api_tokens where tenant_id = %s and is_session",
            "select count(*) from audit_log where tenant_id = %s and action = 'session.begun'",
        )
    )


def test_looking_at_a_link_changes_nothing_and_the_button_signs_in_once(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    path = link(owner, tenant, "write")
    assert [browser.get(path).status_code for _ in range(3)] == [200] * 3
    page = browser.get(path)
    assert "&lt;b&gt;Acme&lt;/b&gt;" in page.text
    assert "editor, for twelve hours" in page.text
    assert "set-cookie" not in page.headers
    assert of_links(owner, tenant) == (0, 0, 0)
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]

    done = press(browser, path)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert of_links(owner, tenant) == (1, 1, 1)
    assert whoami(browser)["role"] == "editor"
    browser.cookies.clear()
    assert press(browser, path).status_code == 410
    assert browser.get(path).status_code == 410
    assert (whoami(browser), of_links(owner, tenant)) == (401, (1, 1, 1))


def test_of_two_who_press_at_once_one_is_signed_in(browser: TestClient, owner: make.Connection, tenant: UUID) -> None:
    path = link(owner, tenant)
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: press(browser, path).status_code, range(8)))
    assert sorted(answers) == [303, *[410] * 7]
    assert of_links(owner, tenant) == (1, 1, 1)


@pytest.mark.parametrize("headers", FOREIGN)
def test_no_other_site_signs_anybody_in_or_out(
    browser: TestClient, owner: make.Connection, tenant: UUID, headers: dict[str, str]
) -> None:
    path = link(owner, tenant)
    assert press(browser, path, headers).status_code == 403
    assert press(browser, "/sign-in", headers, token=Api(browser, owner).token).status_code == 403
    assert (whoami(browser), of_links(owner, tenant)) == (401, (0, 0, 0))
    assert press(browser, path).status_code == 303
    assert press(browser, "/sign-out", headers).status_code == 403
    assert whoami(browser)["role"] == "admin"


def test_a_code_is_stored_as_a_hash_alone_and_a_guess_opens_nothing(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    path = link(owner, tenant)
    code = path.rpartition("/")[2]
    assert len(code) == 43
    rows = owner.execute("select to_jsonb(l)::text from sign_in_links as l").fetchall()
    assert code not in str(rows)
    for wrong in (code[:-1], code + "A", code.swapcase(), "x", "%00", "é" * 43, "A" * 43):
        assert browser.get(f"/sign-in/{wrong}").status_code == 404
        assert press(browser, f"/sign-in/{wrong}").status_code == 404
    assert of_links(owner, tenant) == (0, 0, 0)


def test_a_link_that_is_too_old_or_of_a_tenant_or_member_that_is_shut_out_opens_nothing(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    ann = member(owner, tenant)
    path = link(owner, tenant, member_id=ann)
    for change, back, status in (
        ("update sign_in_links set expires_at = now()", "update sign_in_links set expires_at = now() + '1 m'", 410),
        ("update members set disabled_at = now()", "update members set disabled_at = null", 403),
        ("update tenants set status = 'suspended'", "update tenants set status = 'active'", 403),
    ):
        where = " where id = %s" if "tenants" in change else " where tenant_id = %s"
        owner.execute(change + where, (tenant,))
        assert (browser.get(path).status_code, press(browser, path).status_code) == (status, status)
        owner.execute(back + where, (tenant,))
    assert press(browser, path).status_code == 303
    owner.execute("delete from members where id = %s", (ann,))
    assert browser.get(path).status_code == 404


def test_a_members_session_is_theirs_and_never_may_more_than_they_may_now(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    ann = member(owner, tenant, "admin")
    subject = make.value(owner, "select subject from members where id = %s", ann)
    path = link(owner, tenant, "admin", ann)
    assert "ann@example.com" in browser.get(path).text
    assert press(browser, path).status_code == 303
    assert whoami(browser)["who"] == f"member:{subject}"
    assert browser.get("/api/tokens").status_code == 200
    owner.execute("update members set role = 'viewer' where id = %s", (ann,))
    assert whoami(browser)["role"] == "viewer"
    assert browser.get("/api/tokens").status_code == 403
    owner.execute("update members set disabled_at = now() where id = %s", (ann,))
    assert whoami(browser) == 401


def test_a_link_may_less_than_its_member_and_a_raised_member_no_more_than_the_link(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    ann = member(owner, tenant, "editor")
    path = link(owner, tenant, "read", ann)
    assert "viewer, for twelve hours" in browser.get(path).text
    assert press(browser, path).status_code == 303
    owner.execute("update members set role = 'admin' where id = %s", (ann,))
    assert whoami(browser)["role"] == "viewer"


def test_who_signs_in_is_in_the_audit_log_and_no_code_or_token_is(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    path = link(owner, tenant, "admin", member(owner, tenant))
    assert press(browser, path).status_code == 303
    assert press(browser, "/sign-out").status_code == 303
    rows = owner.execute(
        "select who, action, subject_type, before::text, after::text, address from audit_log where tenant_id = %s "
        "order by number",
        (tenant,),
    ).fetchall()
    assert [(row[0].partition(":")[0], *row[1:3]) for row in rows] == [
        ("member", "session.begun", "token"),
        ("member", "session.ended", "token"),
    ]
    assert all(row[5] for row in rows)
    assert path.rpartition("/")[2] not in str(rows)
    assert "toc_" not in str(rows)
    assert "hash" not in str(rows)


def test_old_links_go_when_a_new_one_is_made(owner: make.Connection, tenant: UUID) -> None:
    link(owner, tenant)
    owner.execute("update sign_in_links set expires_at = now() - interval '25 hours' where tenant_id = %s", (tenant,))
    link(owner, tenant)
    assert make.value(owner, "select count(*) from sign_in_links where tenant_id = %s", tenant) == 1


def test_a_token_that_is_pasted_signs_in_as_whoever_has_it(browser: TestClient, owner: make.Connection) -> None:
    api = Api(browser, owner, "write")
    done = press(browser, "/sign-in", token=f" {api.token}\r\n", next="/runs")
    assert (done.status_code, done.headers["location"]) == (303, "/runs")
    assert api.token not in done.headers["set-cookie"]
    assert whoami(browser)["who"] == f"token:{api.made.id}"
    browser.cookies.clear()
    slug = make.value(owner, "select slug from tenants where id = %s", api.tenant)
    assert press(browser, "/sign-in", token=signed(claims_of(slug))).status_code == 303
    assert whoami(browser)["tenant"] == slug


def test_a_wrong_token_is_told_on_the_page_and_repeated_nowhere(browser: TestClient, owner: make.Connection) -> None:
    api = Api(browser, owner)
    assert api("DELETE", f"/api/tokens/{api.made.id}").status_code == 204
    for wrong in (api.token, "hush-hush", "<script>", "", "é"):
        page = press(browser, "/sign-in", token=wrong, next="/runs")
        assert page.status_code == 401
        assert "This token is not valid." in page.text
        assert 'value="/runs"' in page.text
        assert not wrong or wrong not in page.text
        assert page.headers["content-type"].startswith("text/html")
    assert whoami(browser) == 401


def test_who_guesses_at_the_page_is_stopped_and_good_tokens_are_not(
    browser: TestClient, owner: make.Connection
) -> None:
    api = Api(browser, owner)
    assert api("GET", "/api/session").status_code == 200
    # A few, so that none is forgiven meanwhile on a machine that is busy.
    web_of_it(browser).wrong_tokens = Limit(3)
    for _ in range(3):
        assert press(browser, "/sign-in", token="x").status_code == 401
    page = press(browser, "/sign-in", token="x")
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    assert "Wait a minute" in page.text
    assert press(browser, "/sign-in", token=api.token).status_code == 303


def test_a_token_of_a_suspended_tenant_or_for_something_else_signs_nobody_in(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    slug = make.value(owner, "select slug from tenants where id = %s", tenant)
    minted = claims_of(slug)
    minted["app_metadata"]["scope"] = "pulse.tick"
    assert press(browser, "/sign-in", token=signed(minted)).status_code == 403
    owner.execute("update tenants set status = 'suspended' where id = %s", (tenant,))
    page = press(browser, "/sign-in", token=Api(browser, owner, tenant=tenant).token)
    assert (page.status_code, "This tenant is suspended." in page.text) == (403, True)
    assert whoami(browser) == 401


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https:", "https://evil.example", "https:evil.example",
    "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "evil.example",
    "///evil.example", "/ /evil.example", "", "?x", "#x", "/x\r\nSet-Cookie: a=b", "/é", "/" + "x" * 1001,
    "//[", "/\x00/evil.example", "/\u2028/evil.example",
]  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_nobody_is_led_to_another_site(browser: TestClient, owner: make.Connection, tenant: UUID, wanted: str) -> None:
    assert own_path(wanted) == "/"
    page = browser.get(f"/sign-in?{urlencode({'next': wanted})}")
    assert re.findall(r'name="next" value="([^"]*)"', page.text) == ["/"]
    done = press(browser, link(owner, tenant), next=wanted)
    assert (done.status_code, done.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    "wanted", ["/", "/runs?state=dead&kind=http.call#x", "/a//b", "/?u=https://x.example", '/"><b>']
)
def test_everybody_is_led_where_they_wanted_to_go_here(
    browser: TestClient, owner: make.Connection, tenant: UUID, wanted: str
) -> None:
    path = link(owner, tenant)
    page = browser.get(f"{path}?{urlencode({'next': wanted})}")
    (carried,) = re.findall(r'name="next" value="([^"]*)"', page.text)
    assert html.unescape(carried) == wanted
    assert "<b>" not in page.text
    assert (
        press(browser, path, next=wanted)
        .headers["location"]
        .replace("%22", '"')
        .replace("%3E", ">")
        .replace("%3C", "<")
        == wanted
    )


def test_signing_out_revokes_what_was_minted_and_leaves_a_pasted_token_good(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    api = Api(browser, owner, tenant=tenant)
    press(browser, "/sign-in", token=api.token)
    out = press(browser, "/sign-out")
    assert (out.status_code, out.headers["location"], whoami(browser)) == (303, "/sign-in", 401)
    assert api("GET", "/api/session").status_code == 200
    assert press(browser, "/sign-out").status_code == 303, "who is signed out already is so again"

    for method, path in (("POST", "/sign-out"), ("DELETE", "/api/session")):
        browser.cookies.clear()
        press(browser, link(owner, tenant))
        kept = dict(browser.cookies)
        assert browser.request(method, path, headers=OWN).status_code in (303, 204)
        assert whoami(browser) == 401
        browser.cookies.update(kept)
        assert whoami(browser) == 401, "a copy of the cookie opens nothing either"


def test_a_session_is_listed_with_the_tokens_and_revoked_like_one(
    browser: TestClient, owner: make.Connection, tenant: UUID
) -> None:
    press(browser, link(owner, tenant))
    (listed,) = browser.get("/api/tokens").json()["items"]
    assert (listed["name"], listed["isSession"], listed["createdBy"]) == ("session by link", True, "command:x")
    assert browser.delete(f"/api/tokens/{listed['id']}", headers=OWN).status_code == 204
    assert whoami(browser) == 401


def test_without_a_key_or_a_provider_the_page_says_what_is_missing(
    browser: TestClient, make_web: MakeWeb, database: str
) -> None:
    assert "/sign-in/oidc" not in browser.get("/sign-in").text
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback"):
        assert browser.get(path).status_code in (400, 404)
    keyless = make_web(database, secret_keys=())
    for page in (keyless.get("/sign-in"), keyless.post("/sign-in", headers=OWN, data={"token": "x"})):
        assert (page.status_code, "TOCSIN_SECRET_KEYS" in page.text) == (409, True)


def test_a_form_that_is_none_is_no_bug_of_ours(browser: TestClient) -> None:
    for content in (b"\xff\xfe", b"token=%FF%00", b"&" * 1000, b"next=//evil", b"{}"):
        assert browser.post("/sign-in", headers=OWN, content=content).status_code == 401
    assert browser.post("/sign-in", headers=OWN, content=b"token=" + b"x" * 30_000).status_code == 413


OIDC = {
    "OIDC_ISSUER": "https://idp.example.com/realms/us",
    "OIDC_CLIENT_ID": "tocsin",
    "OIDC_CLIENT_SECRET": "hush",
    "TOCSIN_URL": "https://tocsin.example.com",
    "TOCSIN_SECRET_KEYS": KEY,
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of a web with a provider."""
    for name, text in {**OIDC, "DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x"}.items():
        monkeypatch.setenv(name, text)
    return monkeypatch


def test_the_provider_is_set_whole_or_not_at_all(environ: pytest.MonkeyPatch) -> None:
    found = Settings.from_environ()
    assert found.oidc
    assert found.oidc.issuer == OIDC["OIDC_ISSUER"]
    assert "hush" not in repr(found)
    for name in OIDC:
        with environ.context() as without:
            without.delenv(name)
            with pytest.raises(BadSetting, match=f"^{name} is not set"):
                Settings.from_environ()
    for name in OIDC:
        if name.startswith("OIDC_"):
            environ.delenv(name)
    assert Settings.from_environ().oidc is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OIDC_ISSUER", "http://idp.example.com"),
        ("OIDC_ISSUER", "http://127.0.0.1.example.com"),
        ("OIDC_ISSUER", "idp.example.com"),
        ("OIDC_ISSUER", "https://user@idp.example.com"),
        ("OIDC_ISSUER", "https://idp.example.com/?x"),
        ("OIDC_CLIENT_ID", "two words"),
        ("OIDC_CLIENT_SECRET", "hush\n"),
    ],
)
def test_a_provider_that_cannot_be_used_stops_the_start(environ: pytest.MonkeyPatch, name: str, text: str) -> None:
    environ.setenv(name, text)
    with pytest.raises(BadSetting, match=f"^{name} takes ") as refused:
        Settings.from_environ()
    assert "hush" not in str(refused.value)


def test_this_machines_own_provider_may_speak_plain_http(environ: pytest.MonkeyPatch) -> None:
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]"):
        environ.setenv("OIDC_ISSUER", f"http://{host}")
        assert Settings.from_environ().oidc
