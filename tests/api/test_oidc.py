"""Signing in with a provider: whom it names, truly, for us, here and now, as a member that we have; and nobody else."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx2 import Client, Response

from api import oidc
from api.app import create_app
from api.limits import Limit
from api.settings import Oidc
from api.state import WRONG_TOKENS
from db.migrate import register
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.api.conftest import Api, TestClient, settings_of, web_of_it
from tests.provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, Key, new_key, place_of, query_of, silent

OURS = "https://testserver"
OWN = {"Sec-Fetch-Site": "same-origin"}
CALLBACK = "/sign-in/oidc/callback"


@pytest.fixture(scope="module")
def provided() -> Iterator[IdentityProvider]:
    """One provider for the whole module."""
    found = IdentityProvider()
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def hosting_it(
    postgres: Postgres, template: str, redis_server: Redis, provided: IdentityProvider
) -> Iterator[TestClient]:
    """One web of many tenants, whose people sign in with that provider."""
    name = f"test_{uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with make.connect(url) as conn:
        register(conn)
    with ExitStack() as closing:
        settings = settings_of(
            url,
            redis_server.url,
            is_hosting=True,
            url=OURS,
            egress_allow=(ip_network("127.0.0.0/8"),),
            oidc=Oidc(provided.url, CLIENT_ID, CLIENT_SECRET),
        )
        yield closing.enter_context(TestClient(create_app(settings), base_url=OURS, follow_redirects=False))
    postgres.drop_database(name)


@pytest.fixture
def provider(provided: IdentityProvider) -> IdentityProvider:
    """The provider, which knows nobody of an earlier test."""
    provided.forget()
    provided.user = {"sub": f"u-{uuid4().hex}", "email": f"{uuid4().hex}@example.com", "email_verified": True}
    return provided


@pytest.fixture
def web(hosting_it: TestClient, provider: IdentityProvider) -> TestClient:
    """A browser at the web, without any cookie, which nobody has failed to sign in from."""
    found = web_of_it(hosting_it)
    found.wrong_tokens = Limit(WRONG_TOKENS)
    assert found.settings.oidc
    found.provider = oidc.Provider(found.settings.oidc, found.http, OURS)
    hosting_it.cookies.clear()
    return hosting_it


@pytest.fixture
def conn(hosting_it: TestClient) -> Iterator[make.Connection]:
    """A connection to its database."""
    with make.connect(web_of_it(hosting_it).settings.database.url) as found:
        yield found


def member(conn: make.Connection, tenant: UUID, **row: Any) -> UUID:
    """A member."""
    row = {"id": uuid4(), "tenant_id": tenant, "subject": f"s-{uuid4().hex}", "role": "editor", **row}
    make.insert(conn, "members", {"email": f"{uuid4().hex}@example.com", **row})
    return UUID(str(row["id"]))


@pytest.fixture
def ann(conn: make.Connection, provider: IdentityProvider) -> UUID:
    """A member of the address that the provider vouches for."""
    return member(conn, make.tenant(conn), email=provider.user["email"])


def way_back(web: TestClient, next_path: str = "/") -> str:
    """Where the provider leads whoever came to it from here."""
    left = web.get("/sign-in/oidc", params={"next": next_path})
    assert left.status_code == 303, left.text
    with Client() as elsewhere:
        found: str = elsewhere.get(left.headers["location"]).headers["location"]
    assert found.startswith(OURS + CALLBACK)
    return place_of(found)


def sign_in(web: TestClient) -> Response:
    back: Response = web.get(way_back(web), headers={"Sec-Fetch-Site": "cross-site"})
    return back


def is_nobody(web: TestClient) -> bool:
    return web.get("/api/session").status_code == 401


def whoami(web: TestClient) -> Any:
    return web.get("/api/session").json()


def test_a_member_signs_in_by_the_address_that_the_provider_verified(
    web: TestClient, conn: make.Connection, provider: IdentityProvider, ann: UUID
) -> None:
    provider.user["email"] = provider.user["email"].upper()
    back = web.get(way_back(web, "/runs?state=dead"))
    assert (back.status_code, back.headers["location"]) == (303, "/runs?state=dead")
    subject = make.value(conn, "select subject from members where id = %s", ann)
    assert whoami(web)["who"] == f"member:{subject}"
    assert whoami(web)["role"] == "editor"
    token = conn.execute(
        "select name, scope, is_session, expires_at - created_at < interval '12 hours 1 minute', created_by "
        "from api_tokens where member_id = %s",
        (ann,),
    ).fetchall()
    assert token == [(f"session of {subject}", "write", True, True, f"member:{subject}")]
    entries = "select who || ' ' || action || ' ' || (after ->> 'by') from audit_log where who = %s"
    assert make.value(conn, entries, f"member:{subject}") == f"member:{subject} session.begun provider"


def test_what_the_browser_carries_on_the_way_is_sealed_short_and_gone_at_the_end(web: TestClient, ann: UUID) -> None:
    left = web.get("/sign-in/oidc")
    carried = left.headers["set-cookie"]
    for flag in ("__Host-tocsin-going=", "HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"):
        assert flag in carried
    told = query_of(left.headers["location"])
    assert not [name for name in ("state", "nonce", "code_challenge") if told[name] in carried]
    assert left.headers["cache-control"] == "no-store"
    assert sign_in(web).status_code == 303
    assert [name for name in web.cookies if "going" in name] == []


def test_the_subject_is_looked_at_before_the_address(
    web: TestClient, conn: make.Connection, provider: IdentityProvider
) -> None:
    tenant = make.tenant(conn)
    member(conn, tenant, email=provider.user["email"], role="admin")
    member(conn, tenant, subject=provider.user["sub"], role="viewer")
    assert sign_in(web).status_code == 303
    assert whoami(web)["who"] == f"member:{provider.user['sub']}"


@pytest.mark.parametrize("said", [False, None, "true", 1])
def test_an_address_that_the_provider_did_not_verify_is_nobodys(
    web: TestClient, provider: IdentityProvider, ann: UUID, said: Any
) -> None:
    provider.user["email_verified"] = said
    page = sign_in(web)
    assert (page.status_code, is_nobody(web)) == (403, True)
    assert provider.user["email"] not in page.text


def test_what_the_token_leaves_out_is_taken_from_userinfo_of_the_same_person(
    web: TestClient, provider: IdentityProvider, ann: UUID
) -> None:
    provider.in_token = ()
    assert sign_in(web).status_code == 303
    web.cookies.clear()
    another = {**provider.user, "sub": "another"}
    provider.bend["/userinfo"] = lambda: (200, json.dumps(another).encode())
    assert (sign_in(web).status_code, is_nobody(web)) == (403, True)


def test_who_is_no_member_is_told_so_and_none_is_made(
    web: TestClient, conn: make.Connection, provider: IdentityProvider
) -> None:
    before = make.value(conn, "select count(*) from members")
    page = sign_in(web)
    assert page.status_code == 403
    assert "You are no member here." in page.text
    assert provider.user["email"] in page.text
    assert is_nobody(web)
    assert make.value(conn, "select count(*) from members") == before


def test_a_disabled_member_is_refused_at_once_and_a_session_ends_with_its_member(
    web: TestClient, conn: make.Connection, ann: UUID
) -> None:
    conn.execute("update members set disabled_at = now() where id = %s", (ann,))
    assert "disabled" in sign_in(web).text
    assert is_nobody(web)
    conn.execute("update members set disabled_at = null where id = %s", (ann,))
    assert sign_in(web).status_code == 303
    assert not is_nobody(web)
    conn.execute("update members set disabled_at = now() where id = %s", (ann,))
    assert is_nobody(web)


def test_a_session_of_a_member_who_is_gone_is_nobodys(web: TestClient, conn: make.Connection, ann: UUID) -> None:
    assert sign_in(web).status_code == 303
    conn.execute("delete from members where id = %s", (ann,))
    assert is_nobody(web)


def test_a_second_row_of_somebody_opens_nothing_that_the_first_one_shuts(
    web: TestClient, conn: make.Connection, provider: IdentityProvider, ann: UUID
) -> None:
    tenant = make.value(conn, "select tenant_id from members where id = %s", ann)
    second = member(conn, tenant, email=provider.user["email"], role="viewer")
    assert sign_in(web).status_code == 303
    assert whoami(web)["role"] == "viewer"
    conn.execute("update members set disabled_at = now() where id = %s", (second,))
    web.cookies.clear()
    assert sign_in(web).status_code == 403


def test_a_person_of_several_tenants_chooses_one_of_their_own(
    web: TestClient, conn: make.Connection, provider: IdentityProvider
) -> None:
    email = provider.user["email"]
    words = ("here", "there", "shut", "barred")
    tenants = {word: make.tenant(conn, name=f"The <{word}>") for word in words}
    for tenant in tenants.values():
        member(conn, tenant, email=email, role="viewer")
    slugs = {word: make.value(conn, "select slug from tenants where id = %s", tenants[word]) for word in tenants}
    foreign = make.value(conn, "select slug from tenants where id = %s", make.tenant(conn))
    conn.execute("update tenants set status = 'suspended' where id = %s", (tenants["shut"],))
    conn.execute("update members set disabled_at = now() where tenant_id = %s", (tenants["barred"],))
    page = sign_in(web)
    assert page.status_code == 200
    assert re.findall(r'name="tenant" value="([^"]+)"', page.text) == [slugs["here"], slugs["there"]]
    assert "The &lt;here&gt;" in page.text
    assert is_nobody(web)

    for slug in (foreign, slugs["shut"], slugs["barred"], "", "x" * 300):
        assert web.post("/sign-in/oidc", headers=OWN, data={"tenant": slug}).status_code == 403
    assert web.post("/sign-in/oidc", headers={"Origin": "null"}, data={"tenant": slugs["here"]}).status_code == 403
    assert is_nobody(web)
    chosen = web.post("/sign-in/oidc", headers=OWN, data={"tenant": slugs["there"]})
    assert (chosen.status_code, whoami(web)["tenant"]) == (303, slugs["there"])
    assert web.post("/sign-in/oidc", headers=OWN, data={"tenant": slugs["here"]}).status_code == 400


def test_without_hosting_the_default_tenants_members_alone_sign_in(
    web: TestClient, conn: make.Connection, provider: IdentityProvider, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = web_of_it(web)
    monkeypatch.setattr(found, "settings", replace(found.settings, is_hosting=False))
    assert "You are no member here." in sign_in(web).text
    default = make.value(conn, "select id from tenants where slug = 'default'")
    ours = member(conn, default, email=provider.user["email"], role="admin")
    assert sign_in(web).status_code == 303
    assert whoami(web) | {"who": ""} == {"who": "", "role": "admin", "tenant": "default"}
    conn.execute("update members set disabled_at = now() where id = %s", (ours,))
    assert is_nobody(web)


def encoded(claims: dict[str, Any], key: Any, algorithm: str, key_id: str) -> str:
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm, {"kid": key_id})


def hmac_of(claims: dict[str, Any], secret: bytes, key_id: str) -> str:
    """Signed by hand, as the library refuses to take a public key for a secret."""

    def text(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    head = text(json.dumps({"alg": "HS256", "typ": "JWT", "kid": key_id}).encode())
    signed = f"{head}.{text(json.dumps(claims).encode())}"
    return f"{signed}.{text(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def public_pem(key: Key) -> bytes:
    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


Bend = Callable[[IdentityProvider, dict[str, Any]], str]
WRONG: dict[str, Bend] = {
    "another nonce": lambda p, c: p.signed({**c, "nonce": "another"}),
    "no nonce": lambda p, c: p.signed(without(c, "nonce")),
    "a nonce that is no text": lambda p, c: p.signed({**c, "nonce": [c["nonce"]]}),
    "no algorithm": lambda p, c: encoded(c, None, "none", p.keys[0].id),
    "a public key as a secret": lambda p, c: hmac_of(c, public_pem(p.keys[0]), p.keys[0].id),
    "our own secret": lambda p, c: hmac_of(c, CLIENT_SECRET.encode(), p.keys[0].id),
    "another issuer": lambda p, c: p.signed({**c, "iss": "https://evil.example"}),
    "for another client": lambda p, c: p.signed({**c, "aud": "other"}),
    "for nobody": lambda p, c: p.signed(without(c, "aud")),
    "for us among others": lambda p, c: p.signed({**c, "aud": [CLIENT_ID, "other"]}),
    "asked for by another": lambda p, c: p.signed({**c, "azp": "other"}),
    "past": lambda p, c: p.signed({**c, "exp": c["iat"] - 61}),
    "without end": lambda p, c: p.signed(without(c, "exp")),
    "an end that is no number": lambda p, c: p.signed({**c, "exp": "soon"}),
    "to come": lambda p, c: p.signed({**c, "iat": c["iat"] + 90}),
    "of no instant": lambda p, c: p.signed(without(c, "iat")),
    "of nobody": lambda p, c: p.signed(without(c, "sub")),
    "of an empty subject": lambda p, c: p.signed({**c, "sub": ""}),
    "of a subject that is no text": lambda p, c: encoded({**c, "sub": 7}, p.keys[0].private, "ES256", p.keys[0].id),
    "another's key": lambda p, c: p.signed(c, new_key()._replace(id=p.keys[0].id)),
    "a key that nobody knows": lambda p, c: p.signed(c, new_key()),
    "a part that we must know": lambda p, c: p.signed(c, crit=["x"], x=1),
    "altered": lambda p, c: ".".join((p.signed(c).split(".")[0], p.signed({**c, "sub": "x"}).split(".")[1], "AAAA")),
    "no token": lambda _, __: "",
    "too long": lambda p, c: p.signed({**c, "x": "x" * 20_000}),
}  # fmt: skip


@pytest.mark.parametrize("bend", WRONG)
def test_a_token_that_is_not_the_providers_for_us_and_now_signs_nobody_in(
    web: TestClient, provider: IdentityProvider, ann: UUID, bend: str
) -> None:
    provider.sign = lambda claims: WRONG[bend](provider, claims)
    page = sign_in(web)
    assert (page.status_code, is_nobody(web)) == (403, True)
    assert "did not sign you in" in page.text
    provider.sign = provider.signed
    assert sign_in(web).status_code == 303, "the same person, by a good token"


def weak(provider: IdentityProvider) -> None:
    provider.keys = [new_key("RS256", 1024)]


def for_secrets(provider: IdentityProvider) -> None:
    provider.published = [{**provider.keys[0].public, "use": "enc"}]


def for_another_algorithm(provider: IdentityProvider) -> None:
    provider.published = [{**provider.keys[0].public, "alg": "ES384"}]


def of_two_that_are_called_alike(provider: IdentityProvider) -> None:
    provider.published = [provider.keys[0].public, {**new_key().public, "kid": provider.keys[0].id}]


def a_secret(provider: IdentityProvider) -> None:
    provider.sign = lambda claims: hmac_of(claims, b"x" * 32, "k")
    provider.published = [{"kty": "oct", "kid": "k", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"}]


def nonsense(provider: IdentityProvider) -> None:
    provider.published = [{"kty": "EC", "kid": provider.keys[0].id, "crv": "P-256", "x": "?", "y": 3}, 7]  # type: ignore[list-item]


@pytest.mark.filterwarnings("ignore:The RSA key is:Warning")
@pytest.mark.parametrize(
    "change", [weak, for_secrets, for_another_algorithm, of_two_that_are_called_alike, a_secret, nonsense]
)
def test_a_key_that_is_weak_or_for_something_else_verifies_nothing(
    web: TestClient, provider: IdentityProvider, ann: UUID, change: Callable[[IdentityProvider], None]
) -> None:
    change(provider)
    assert (sign_in(web).status_code, is_nobody(web)) == (403, True)


def by_rsa(provider: IdentityProvider) -> None:
    provider.keys = [new_key("RS256")]


def by_a_key_without_name(provider: IdentityProvider) -> None:
    provider.sign = lambda claims: jwt.encode(claims, provider.keys[0].private, "ES256")  # type: ignore[arg-type]


def for_two(provider: IdentityProvider) -> None:
    provider.sign = lambda claims: provider.signed({**claims, "aud": ["other", CLIENT_ID], "azp": CLIENT_ID})


def by_form(provider: IdentityProvider) -> None:
    provider.takes_basic = False


def without_its_name(provider: IdentityProvider) -> None:
    provider.tells_issuer = False


def with_a_slow_clock(provider: IdentityProvider) -> None:
    provider.sign = lambda claims: provider.signed({**claims, "iat": claims["iat"] - 50, "exp": claims["iat"] - 50})


@pytest.mark.parametrize(
    "change", [by_rsa, by_a_key_without_name, for_two, by_form, without_its_name, with_a_slow_clock]
)
def test_each_way_that_providers_have_is_understood(
    web: TestClient, provider: IdentityProvider, ann: UUID, change: Callable[[IdentityProvider], None]
) -> None:
    change(provider)
    assert sign_in(web).status_code == 303


def test_keys_rotate_between_two_sign_ins_and_one_that_was_taken_away_opens_nothing(
    web: TestClient, provider: IdentityProvider, ann: UUID
) -> None:
    old = provider.keys[0]
    assert sign_in(web).status_code == 303
    provider.keys = [new_key(), old]
    assert sign_in(web).status_code == 303
    provider.keys = provider.keys[:1]
    web.cookies.clear()
    provider.sign = lambda claims: provider.signed(claims, old)
    assert (sign_in(web).status_code, is_nobody(web)) == (403, True)


def test_a_code_is_good_once_also_for_who_kept_the_cookie(
    web: TestClient, provider: IdentityProvider, ann: UUID
) -> None:
    back = way_back(web)
    kept = dict(web.cookies)
    assert web.get(back).status_code == 303
    web.cookies.clear()
    assert web.get(back).status_code == 400, "the browser has no sign-in under way"
    web.cookies.update(kept)
    assert web.get(back).status_code == 403, "the provider takes no code twice"
    assert is_nobody(web)


def test_nobody_comes_back_for_somebody_else(web: TestClient, provider: IdentityProvider, ann: UUID) -> None:
    theirs = way_back(web)
    web.cookies.clear()
    assert web.get(theirs).status_code == 400
    ours = way_back(web)
    assert web.get(theirs).status_code == 403, "whoever began it was led to sign in as another"
    code, state = query_of(theirs)["code"], query_of(ours)["state"]
    for told in ({"code": code, "iss": provider.url}, {"state": "x", "code": code}, {"state": state}, {}):
        ours = way_back(web)
        assert web.get(CALLBACK, params=told).status_code == 403
    state = query_of(way_back(web))["state"]
    mixed = {"state": state, "code": code, "iss": provider.url}
    assert web.get(CALLBACK, params=mixed).status_code == 403, "the code was asked for with another verifier"
    assert is_nobody(web)


@pytest.mark.parametrize("named", ["https://evil.example", "", None])
def test_an_answer_of_another_provider_is_shown_to_none(
    web: TestClient, provider: IdentityProvider, ann: UUID, named: str | None
) -> None:
    told = query_of(way_back(web))
    told = without(told, "iss") if named is None else {**told, "iss": named}
    assert web.get(CALLBACK, params=told).status_code == 403
    assert "/token" not in provider.asked


def test_who_said_no_at_the_provider_is_not_signed_in(web: TestClient, provider: IdentityProvider, ann: UUID) -> None:
    told = without(query_of(way_back(web)), "code") | {"error": "access_denied", "error_description": "<b>no</b>"}
    page = web.get(CALLBACK, params=told)
    assert page.status_code == 403
    assert "<b>" not in page.text


def test_a_cookie_of_another_purpose_or_altered_is_none(web: TestClient, provider: IdentityProvider, ann: UUID) -> None:
    back = way_back(web)
    kept = dict(web.cookies)["__Host-tocsin-going"].strip('"')
    for bent in (kept[:-8], "A" + kept[1:], "e30=", ""):
        web.cookies.clear()
        assert web.get(back, headers={"Cookie": f"__Host-tocsin-going={bent}"}).status_code == 400
    choice = {"Cookie": f"__Host-tocsin-who={kept}", **OWN}
    assert web.post("/sign-in/oidc", headers=choice, data={"tenant": "default"}).status_code == 400


def test_what_the_browser_carries_is_good_for_ten_minutes(
    web: TestClient, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.sign_in._GOING_SECONDS", -1)
    left = web.get("/sign-in/oidc")
    cookie = left.headers["set-cookie"].partition(";")[0]
    with Client() as elsewhere:
        back = place_of(elsewhere.get(left.headers["location"]).headers["location"])
    assert web.get(back, headers={"Cookie": cookie}).status_code == 400


def test_who_fails_again_and_again_is_stopped(web: TestClient, provider: IdentityProvider, ann: UUID) -> None:
    # A few, so that none is forgiven meanwhile on a machine that is busy.
    web_of_it(web).wrong_tokens = Limit(3)
    for _ in range(3):
        way_back(web)
        assert web.get(CALLBACK, params={"state": "x", "code": "x"}).status_code == 403
    back = way_back(web)
    assert web.get(back).status_code == 429
    assert is_nobody(web)


ANSWERS: dict[str, tuple[int, bytes]] = {
    "an error": (500, b"{}"),
    "a page": (200, b"<html>"),
    "a list": (200, b"[]"),
    "too much": (200, b'{"x": "' + b"x" * 300_000 + b'"}'),
    "elsewhere": (302, b"http://127.0.0.1:1/"),
    "no text": (200, b"\xff\xfe{}"),
    "too deep": (200, b"[" * 100_000),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_answers_nonsense_signs_nobody_in_and_the_page_tells_nothing_of_the_inside(
    web: TestClient, provider: IdentityProvider, ann: UUID, path: str, answer: str
) -> None:
    provider.bend[path] = lambda: ANSWERS[answer]
    page = web.get("/sign-in/oidc") if path.startswith("/.well") else sign_in(web)
    assert (page.status_code, is_nobody(web)) == (502, True)
    assert provider.url not in page.text
    assert CLIENT_SECRET not in page.text


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_says_nothing_is_not_waited_for(
    web: TestClient, provider: IdentityProvider, ann: UUID, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "TIMEOUT_SECONDS", 0.2)
    with silent(provider, path):
        page = web.get("/sign-in/oidc") if path.startswith("/.well") else sign_in(web)
        assert page.status_code == 502


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://idp.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://user:hush@idp.example/"},
        {"authorization_endpoint": 7},
        {"authorization_endpoint": None},
    ],
)
def test_a_discovery_document_that_leads_elsewhere_is_refused(
    web: TestClient, provider: IdentityProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    assert web.get("/sign-in/oidc").status_code == 502


@pytest.mark.parametrize("place", ["token_endpoint", "jwks_uri"])
def test_an_address_of_the_inside_that_the_document_names_is_not_called(
    web: TestClient, provider: IdentityProvider, ann: UUID, place: str
) -> None:
    provider.document = {place: "https://10.0.0.1/latest/meta-data"}
    assert (sign_in(web).status_code, is_nobody(web)) == (502, True)


def test_where_the_provider_lives_is_asked_once_however_often_the_button_is_pressed(
    web: TestClient, provider: IdentityProvider
) -> None:
    for _ in range(5):
        assert web.get("/sign-in/oidc").status_code == 303
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_a_wrong_secret_is_the_operators_to_mend(
    web: TestClient, provider: IdentityProvider, ann: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    found = web_of_it(web)
    found.provider = oidc.Provider(Oidc(provider.url, CLIENT_ID, "wrong-and-hush"), found.http, OURS)
    assert sign_in(web).status_code == 502
    said = " ".join(str(getattr(record, "fields", "")) for record in caplog.records)
    assert "OIDC_CLIENT_SECRET" in said
    assert "hush" not in said


def test_the_page_offers_the_provider_and_carries_where_to_go(web: TestClient) -> None:
    page = web.get("/sign-in", params={"next": "/runs?state=dead&kind=http.call"}).text
    assert 'href="/sign-in/oidc?next=%2Fruns%3Fstate%3Ddead%26kind%3Dhttp.call"' in page
    assert "Sign in with 127.0.0.1" in page


def test_signing_out_revokes_what_was_minted(web: TestClient, conn: make.Connection, ann: UUID) -> None:
    assert sign_in(web).status_code == 303
    kept = dict(web.cookies)
    out = web.post("/sign-out", headers=OWN)
    assert (out.status_code, out.headers["location"], is_nobody(web)) == (303, "/sign-in", True)
    web.cookies.update(kept)
    assert is_nobody(web), "a copy of the cookie opens nothing either"
    assert make.value(conn, "select revoked_at is not null from api_tokens where member_id = %s", ann)


def test_an_admin_sees_sessions_among_the_tokens_and_ends_them(
    web: TestClient, conn: make.Connection, ann: UUID
) -> None:
    assert sign_in(web).status_code == 303
    admin = Api(web, conn, tenant=make.value(conn, "select tenant_id from members where id = %s", ann))
    (listed,) = [each for each in admin("GET", "/api/tokens").json()["items"] if each["isSession"]]
    assert admin("DELETE", f"/api/tokens/{listed['id']}").status_code == 204
    assert is_nobody(web)
