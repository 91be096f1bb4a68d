"""A provider of identities on loopback: OpenID Connect's discovery, keys, authorization, token and userinfo endpoints.

It keeps to the protocol and insists on it: a code is good once, for its client, its redirect and its verifier. What a test
wants bent it says by an attribute.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

CLIENT_ID, CLIENT_SECRET = "tocsin", "s3cret/with:marks"
Reply = tuple[int, bytes]


class Code(NamedTuple):
    """What a code was given for."""

    redirect: str
    challenge: str
    nonce: str


class Key(NamedTuple):
    """A key that it signs with."""

    id: str
    algorithm: str
    private: PrivateKeyTypes

    @property
    def public(self) -> dict[str, Any]:
        """Its public half, as JWKS tells it."""
        algorithm: Any = jwt.get_algorithm_by_name(self.algorithm)
        found = json.loads(algorithm.to_jwk(self.private.public_key()))
        found.pop("key_ops", None)
        return {**found, "kid": self.id, "alg": self.algorithm, "use": "sig"}


def new_key(algorithm: str = "ES256", bits: int = 2048) -> Key:
    """A key that nobody has yet."""
    private: PrivateKeyTypes = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=bits)
    )
    return Key(secrets.token_hex(4), algorithm, private)


class IdentityProvider:
    """The provider; `user` is who is signed in at it, and says yes."""

    def __init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answers."""
                self._answer(b"")

            def do_POST(self) -> None:
                """Answers."""
                self._answer(self.rfile.read(int(self.headers["content-length"])))

            def _answer(self, body: bytes) -> None:
                parts = urlsplit(self.path)
                provider.asked.append(parts.path)
                bent = provider.bend.get(parts.path)
                status, content = (
                    bent()
                    if bent
                    else provider.answer(parts.path, dict(parse_qsl(parts.query)), body, dict(self.headers))
                )
                # Whoever asked may have gone.
                with suppress(ConnectionError):
                    self.send_response(status)
                    if status == 302:
                        self.send_header("Location", content.decode())
                        content = b""
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.forget()

    def forget(self) -> None:
        """Makes it what it was at first, with keys of its own."""
        self.user: dict[str, Any] = {"sub": "u-1", "email": "ann@example.com", "email_verified": True}
        self.in_token: tuple[str, ...] = ("email", "email_verified")
        self.document: dict[str, Any] = {}
        self.keys = [new_key()]
        self.published: list[dict[str, Any]] | None = None
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.bend: dict[str, Callable[[], Reply]] = {}
        self.codes: dict[str, Code] = {}
        self.tells_issuer = True
        self.takes_basic = True
        self.asked: list[str] = []

    def signed(self, claims: dict[str, Any], key: Key | None = None, **header: Any) -> str:
        """The claims as it signs them."""
        key = key or self.keys[0]
        return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.id, **header})  # type: ignore[arg-type]

    def answer(self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]) -> Reply:
        """What it answers when nothing is bent."""
        if path == "/.well-known/openid-configuration":
            return _json(self._document())
        if path == "/keys":
            return _json({"keys": [key.public for key in self.keys] if self.published is None else self.published})
        if path == "/authorize":
            return self._authorize(query)
        if path == "/token":
            return self._token(dict(parse_qsl(body.decode())), headers)
        if path == "/userinfo" and headers.get("Authorization") == "Bearer at":
            return _json(self.user)
        return 404, b""

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "authorization_response_iss_parameter_supported": self.tells_issuer,
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic" if self.takes_basic else "client_secret_post"
            ],
        } | self.document

    def _authorize(self, query: dict[str, str]) -> Reply:
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(query["scope"].split())
        code = secrets.token_urlsafe()
        self.codes[code] = Code(query["redirect_uri"], query["code_challenge"], query["nonce"])
        told = {"code": code, "state": query["state"]} | ({"iss": self.url} if self.tells_issuer else {})
        return 302, f"{query['redirect_uri']}?{urlencode(told)}".encode()

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> Reply:
        if self.takes_basic:
            shown = base64.b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()
            is_ours = shown == f"{CLIENT_ID}:{quote(CLIENT_SECRET, safe='')}" and "client_secret" not in form
        else:
            is_ours = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if not is_ours:
            return _json({"error": "invalid_client"}, 401)
        code = self.codes.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        if code is None or (code.redirect, code.challenge) != (form["redirect_uri"], challenge):
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": code.nonce}
        claims |= {name: value for name, value in self.user.items() if name == "sub" or name in self.in_token}
        return _json({"access_token": "at", "token_type": "Bearer", "id_token": self.sign(claims)})

    def start(self) -> None:
        """Listens."""
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Ends."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def silent(provider: IdentityProvider, path: str) -> Iterator[None]:
    """While it lasts the provider takes calls of the path and answers none."""
    is_over = Event()

    def wait() -> Reply:
        is_over.wait(30)
        return 503, b""

    provider.bend[path] = wait
    try:
        yield
    finally:
        is_over.set()


def place_of(address: str) -> str:
    """An address without its host."""
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def query_of(address: str) -> dict[str, str]:
    """What an address says after its path."""
    return dict(parse_qsl(urlsplit(address).query))


def _json(value: Any, status: int = 200) -> Reply:
    return status, json.dumps(value).encode()
