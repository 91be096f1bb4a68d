"""A tenant JWT lets in whom it speaks of, and nobody by any of the ways in which JWTs have been forged or bent."""

import base64
import hmac
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx2 import Response

from api import jwts
from tests import make
from tests.api.conftest import JWT_SECRET, TestClient

HS256 = {"alg": "HS256", "typ": "JWT"}
SENT = 1_800_000_000
RSA = rsa.generate_private_key(65537, 2048).public_key()
EC = ec.generate_private_key(ec.SECP256R1()).public_key()
PEMS = [key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode() for key in (RSA, EC)]


def coded(content: bytes | str | dict[str, Any]) -> str:
    """A part of a JWT."""
    if isinstance(content, dict):
        content = json.dumps(content)
    return base64.urlsafe_b64encode(content.encode() if isinstance(content, str) else content).rstrip(b"=").decode()


def signed(
    claims: dict[str, Any] | str, header: dict[str, Any] | str = HS256, secret: str = JWT_SECRET, hash: str = "sha256"
) -> str:
    """A JWT with a true signature of the secret, whatever its header and its claims are."""
    text = f"{coded(header)}.{coded(claims)}"
    return f"{text}.{coded(hmac.digest(secret.encode(), text.encode(), hash))}"


def claims_of(tenant: object, /, **more: Any) -> dict[str, Any]:
    """Good claims, for a long time; a claim that is given as None is left out."""
    whole = {
        "sub": "ada",
        "aud": "authenticated",
        "role": "authenticated",
        "exp": 2**33,
        "app_metadata": {"tenant_id": str(tenant)},
    }
    return {name: value for name, value in {**whole, **more}.items() if value is not None}


def ask(web: TestClient, token: str, method: str = "GET", path: str = "/api/tenant", **options: Any) -> Response:
    answer: Response = web.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)
    return answer


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> int:
    """The instant at which tokens are read."""
    from datetime import UTC, datetime, tzinfo

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(SENT, tz or UTC)

    monkeypatch.setattr("jwt.api_jwt.datetime", Clock)
    return SENT


def refused(token: str) -> bool:
    try:
        jwts.read(token, JWT_SECRET)
    except jwts.BadToken:
        return True
    return False


def test_a_good_token_is_read() -> None:
    assert jwts.read(signed(claims_of("acme")), JWT_SECRET) == jwts.Claims("ada", "acme", "viewer", 2**33 + 60)


@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "NONE", "", None, "HS384", "HS512", "RS256", "ES256", ["HS256"]], ids=repr
)
def test_the_algorithm_is_ours_and_not_the_tokens(alg: object) -> None:
    hash = {"HS384": "sha384", "HS512": "sha512"}.get(str(alg), "sha256")
    token = signed(claims_of("acme"), {"alg": alg, "typ": "JWT"}, hash=hash)
    assert refused(token)
    assert refused(token.rpartition(".")[0] + ".")
    assert not refused(signed(claims_of("acme"), hash="sha256"))


@pytest.mark.parametrize("pem", PEMS, ids=["rsa", "ec"])
@pytest.mark.parametrize("alg", ["HS256", "RS256", "ES256"])
def test_a_public_key_is_no_secret(pem: str, alg: str) -> None:
    token = signed(claims_of("acme"), {"alg": alg}, secret=pem)
    assert refused(token)
    # Not even where somebody took it for the secret.
    with pytest.raises(jwts.BadToken):
        jwts.read(token, pem)


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c", "kid"])
@pytest.mark.parametrize(
    "value",
    ["../../dev/null", "' OR 1=1--", "http://127.0.0.1:1/keys", "/dev/zero", "k" * 6000],
    ids=lambda value: value[:12],
)
def test_a_key_that_the_token_names_is_not_looked_for(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_args: object, **_options: object) -> None:
        raise AssertionError("something was opened")

    for place in ("socket.socket.connect", "socket.getaddrinfo", "builtins.open", "io.open"):
        monkeypatch.setattr(place, touched)
    header = HS256 | {name: {"kty": "oct", "k": coded("own")} if name == "jwk" else value}
    assert refused(signed(claims_of("acme"), header, secret="own"))
    assert refused(signed(claims_of("acme"), header, secret=""))


@pytest.mark.parametrize(
    "instants",
    [
        {"exp": None},
        {"exp": SENT - 61},
        {"exp": SENT - 60},
        {"nbf": SENT + 61},
        {"iat": SENT + 61},
        {"exp": str(SENT + 600)},
        {"exp": f"{SENT}.5"},
        {"exp": True},
        {"exp": [SENT + 600]},
        {"exp": {}},
        {"exp": -1},
        {"exp": 10**400},
        {"exp": 1e300},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": "soon"},
        {"nbf": -1},
        {"iat": -1},
        {"iat": float("nan")},
    ],
    ids=lambda instants: str(instants)[:30],
)
def test_instants_are_numbers_and_a_minute_off_at_most(at: int, instants: dict[str, Any]) -> None:
    assert refused(signed(claims_of("acme", **({"exp": at + 600} | instants))))


def test_an_exp_that_no_number_holds_is_refused() -> None:
    text = json.dumps(claims_of("acme", exp=1))
    for number in ("1e400", "-1e400", "1" * 5000):
        assert refused(signed(text.replace('"exp": 1', f'"exp": {number}')))


@pytest.mark.parametrize(
    "instants", [{"exp": SENT - 59}, {"nbf": SENT + 59}, {"iat": SENT + 59}, {"exp": SENT + 0.5}], ids=str
)
def test_a_minute_off_is_let_pass(at: int, instants: dict[str, Any]) -> None:
    assert not refused(signed(claims_of("acme", **({"exp": at + 600} | instants))))


@pytest.mark.parametrize(
    "aud", [None, "anon", "", "Authenticated", ["authenticated"], ["anon", "authenticated"], {}, 7], ids=repr
)
def test_the_audience_is_one_text(aud: object) -> None:
    assert refused(signed(claims_of("acme", aud=aud)))


def test_another_projects_token_is_refused() -> None:
    other = {"iss": "https://other.supabase.co/auth/v1"}
    assert refused(signed(claims_of("acme", **other), secret="the secret of another project, as long"))


@pytest.mark.parametrize("sub", [None, "", 7, "a\nb", "a" * 201, "\ud800", ["ada"]], ids=ascii)
def test_a_subject_is_one_short_line(sub: object) -> None:
    assert refused(signed(claims_of("acme", sub=sub)))


@pytest.mark.parametrize(
    "claims",
    [
        '{"sub": "ada", "sub": "eve", ',
        '{"app_metadata": {"tenant_id": "b"}, "sub": "ada", ',
        '{"sub": "ada", "deep": [{"a": 1, "a": 2}], ',
    ],
)
def test_a_name_given_twice_is_refused(claims: str) -> None:
    rest = '"aud": "authenticated", "exp": 8589934592, "app_metadata": {"tenant_id": "a"}}'
    assert refused(signed(claims + rest))
    assert refused(signed(claims_of("acme"), '{"alg": "none", "alg": "HS256"}'))


def test_there_is_one_way_to_write_a_token() -> None:
    good = signed(claims_of("acme"))
    head, body, signature = good.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    odd = signature[:-1] + last[last.index(signature[-1]) ^ 1]
    assert not refused(good)
    for other in (
        f"{head}=.{body}.{signature}",
        f"{head}.{body}=.{signature}",
        f"{head}.{body}.{signature}=",
        f"{head}.{body}.{signature}==",
        f"{head}.{body}.{signature[:9]}!{signature[9:]}",
        f"{head}.{body}.{signature[:9]}\n{signature[9:]}",
        f"{head}.{body}.{signature[:-1]}",
        f"{head}.{body}.{odd}",
        f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}!",
        f" {good}",
        f"{good}.",
        f"{good}.{body}",
        f"{good}.{body}.{signature}",
        f"{head}.{body}",
        f"{head}..{signature}",
        f"{head}.{coded('[1]')}.{signature}",
        "..",
        "",
        "é.é.é",
    ):
        assert refused(other), other


@pytest.mark.parametrize(
    "claims",
    ["[]", "7", "null", "{", "[" * 4000, '{"a":' * 1200, "\x00", "\ufeff{}"],
    ids=lambda claims: ascii(claims)[:9],
)
def test_claims_that_are_no_object_are_refused(claims: str) -> None:
    assert refused(signed(claims))


def test_a_long_token_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.jwts._content_of", None)
    monkeypatch.setattr("jwt.decode", None)
    assert refused(signed(claims_of("acme", padding="x" * 50_000)))
    assert refused("." * 8_192)


def test_forged_tokens_are_answered_alike_and_good_ones_let_in(host: TestClient, owner: make.Connection) -> None:
    tenant = make.tenant(owner)
    good = signed(claims_of(tenant))
    forged = [
        signed(claims_of(tenant), {"alg": "none"}),
        signed(claims_of(tenant), secret=PEMS[0]),
        signed(claims_of(tenant, exp=1)),
        signed(claims_of(tenant, aud="anon")),
        signed(claims_of(uuid4())),
        signed(claims_of("no-such-tenant")),
        good + ".x",
        good[:-4] + "AAAA",
        "x" * 20_000,
        "not-a-token",
    ]
    answers = [ask(host, token) for token in forged]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert all(answer.headers["WWW-Authenticate"] == "Bearer" for answer in answers)
    assert ask(host, "x" * 65_536).status_code == 431
    assert ask(host, good).json()["id"] == str(tenant)


def test_what_a_user_may_edit_names_no_tenant(host: TestClient, owner: make.Connection) -> None:
    own, other = make.tenant(owner), make.tenant(owner)
    bent = {"user_metadata": {"tenant_id": str(other), "role": "admin"}, "tenant_id": str(other), "tenant": str(other)}
    answer = ask(host, signed(claims_of(own, **bent)))
    assert answer.json()["id"] == str(own)
    assert ask(host, signed(claims_of(own, **bent)), "GET", "/api/members").status_code == 403
    assert ask(host, signed(claims_of("", app_metadata=None, **bent))).status_code == 401
    assert ask(host, signed(claims_of("", **bent, app_metadata=[str(other)]))).status_code == 401


@pytest.mark.parametrize("role", ["service_role", "anon", "supabase_admin", "", 7, ["authenticated"]], ids=repr)
def test_a_key_that_is_no_persons_is_forbidden(host: TestClient, owner: make.Connection, role: object) -> None:
    answer = ask(host, signed(claims_of(make.tenant(owner), role=role)))
    assert answer.status_code == 403


def test_a_tenants_slug_that_looks_like_anothers_id_opens_nothing_of_it(
    host: TestClient, owner: make.Connection
) -> None:
    own = uuid4()
    make.tenant(owner, slug=str(own))
    make.tenant(owner, id=own)
    for text in (str(own), str(own).upper()):
        assert ask(host, signed(claims_of(text))).json()["id"] == str(own)


def test_the_role_is_the_members_and_a_disabled_one_is_let_in_nowhere(host: TestClient, owner: make.Connection) -> None:
    tenant = make.tenant(owner)
    token = signed(claims_of(tenant, app_metadata={"tenant_id": str(tenant), "role": "admin"}))
    assert ask(host, token, "GET", "/api/members").status_code == 200

    member = _member(owner, tenant, "editor")
    assert ask(host, token, "GET", "/api/members").status_code == 403
    assert ask(host, token, "GET", "/api/schedules").status_code == 200

    owner.execute("update members set disabled_at = now() where id = %s", (member,))
    for method, path in (("GET", "/api/schedules"), ("POST", "/api/schedules"), ("GET", "/api/tenant")):
        answer = ask(host, token, method, path)
        assert answer.status_code == 403
        assert answer.json()["detail"] == "this member is disabled"


def test_a_role_beyond_a_tenants_is_none(host: TestClient, owner: make.Connection) -> None:
    tenant = make.tenant(owner)
    for role in ("operator", "owner", ["admin"], {"admin": True}, 3):
        token = signed(claims_of(tenant, app_metadata={"tenant_id": str(tenant), "role": role}))
        assert ask(host, token, "GET", "/api/tenants").status_code == 403
        assert ask(host, token, "GET", "/api/members").status_code == 403


def test_without_a_secret_no_jwt_is_good(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from tests.api.conftest import web_of_it

    tenant, web = make.tenant(owner), web_of_it(host)
    monkeypatch.setattr(web, "settings", replace(web.settings, jwt_secret=None))
    for secret in (JWT_SECRET, "", "None"):
        assert ask(host, signed(claims_of(tenant), secret=secret)).status_code == 401


def test_a_suspended_tenants_people_stay_outside(host: TestClient, owner: make.Connection) -> None:
    tenant = make.tenant(owner, status="suspended")
    assert ask(host, signed(claims_of(tenant))).status_code == 403


def _member(conn: make.Connection, tenant: UUID, role: str) -> UUID:
    member = uuid4()
    row = {"id": member, "tenant_id": tenant, "subject": "ada", "email": "ada@example.com", "role": role}
    make.insert(conn, "members", row)
    return member
