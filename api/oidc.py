"""The provider that people sign in with: OpenID Connect's authorization code flow with PKCE, through the guarded client.

What the provider publishes is asked for at each sign-in, its keys too, so a key that it rotated is known at once and one
that it took away opens nothing; where it lives is kept for some minutes, since anybody may press the button.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from api import id_tokens
from api.settings import Oidc
from config.environ import is_loopback
from workers.addresses import Forbidden
from workers.http import BadUrl, Client, HttpError, check_url

TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 200_000
_KNOWN_SECONDS = 300.0
_FORM = "application/x-www-form-urlencoded"


class ProviderError(Exception):
    """The provider gave no usable answer; the message tells the operator which, and holds nothing secret."""


class Refused(Exception):
    """Whoever came back did not sign in here and now; the message is for the log."""


class Going(NamedTuple):
    """What is kept of somebody who is sent to the provider, so that nobody else comes back for them."""

    state: str
    nonce: str
    verifier: str


class Identity(NamedTuple):
    """Who the provider says they are; `email` is None unless it says that it verified it."""

    subject: str
    email: str | None


class Known(NamedTuple):
    """What the provider publishes of itself, and until when we believe it, by the monotonic clock."""

    document: Mapping[str, Any]
    until: float


class Provider:
    """The provider of OIDC_ISSUER; any thread may use it."""

    def __init__(self, settings: Oidc, http: Client, own_url: str) -> None:
        self._settings = settings
        self._http = http
        self._back = own_url.rstrip("/") + "/sign-in/oidc/callback"
        self._known: Known | None = None

    @property
    def name(self) -> str:
        """What people know it by: its host."""
        return urlsplit(self._settings.issuer).hostname or self._settings.issuer

    def leave(self) -> tuple[str, Going]:
        """Where to send somebody who wants to sign in, and what to keep of them. Raises ProviderError."""
        going = Going(*(secrets.token_urlsafe(32) for _ in Going._fields))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(going.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._back,
            "scope": "openid email",
            "state": going.state,
            "nonce": going.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        place = self._place("authorization_endpoint")
        return place + ("&" if "?" in place else "?") + urlencode(asked), going

    def come_back(self, going: Going, told: Mapping[str, str]) -> Identity:
        """Who came back with what the provider told them to bring. Raises ProviderError, Refused."""
        if not hmac.compare_digest(told.get("state", "").encode(), going.state.encode()):
            raise Refused("the state is another one's")
        document = self._document()
        issuer = told.get("iss")
        is_named = document.get("authorization_response_iss_parameter_supported") is True
        # Source: RFC 9207. A code of another provider is not shown to ours, nor ours to another.
        if issuer != document["issuer"] and (issuer is not None or is_named):
            raise Refused("the answer is another provider's")
        if "code" not in told:
            raise Refused("the provider signed nobody in")
        given = self._exchange(told["code"], going.verifier)
        try:
            claims = id_tokens.read(
                str(given.get("id_token", "")),
                self._keys(),
                issuer=document["issuer"],
                client_id=self._settings.client_id,
                nonce=going.nonce,
            )
        except id_tokens.BadIdToken as error:
            raise Refused(f"the ID token is refused for {error}") from None
        if "email" not in claims and "userinfo_endpoint" in document:
            claims = self._told_of_user(str(given.get("access_token", "")), claims)
        email = claims.get("email")
        is_verified = claims.get("email_verified") is True and isinstance(email, str) and 0 < len(email) <= 320
        return Identity(claims["sub"], email if is_verified else None)

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code. Raises ProviderError, and Refused for a code that is none or was used."""
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        ours = self._settings.client_id, self._settings.client_secret
        ways = self._document().get("token_endpoint_auth_methods_supported")
        if not isinstance(ways, list) or "client_secret_basic" in ways:
            shown = ":".join(quote(each, safe="") for each in ours)
            headers["Authorization"] = "Basic " + base64.b64encode(shown.encode()).decode()
        else:
            asked |= {"client_id": ours[0], "client_secret": ours[1]}
        place = self._place("token_endpoint")
        status, answer = self._ask("POST", place, headers=headers, content=urlencode(asked).encode())
        if status == 400 and answer.get("error") == "invalid_grant":
            raise Refused("the provider does not know the code, or not any more")
        if status != 200:
            raise ProviderError(
                f"its token endpoint answered {status}: are OIDC_CLIENT_ID and OIDC_CLIENT_SECRET right?"
            )
        return answer

    def _told_of_user(self, access_token: str, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims with those that the provider tells apart from the token; of nobody else than the token's."""
        if not access_token.isascii() or not access_token.isprintable():
            raise ProviderError("its access token can't be sent")
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        status, answer = self._ask("GET", self._place("userinfo_endpoint"), headers=headers)
        if status != 200:
            raise ProviderError(f"its userinfo endpoint answered {status}")
        if answer.get("sub") != claims["sub"]:
            raise Refused("userinfo is another one's")
        return claims | {name: answer.get(name) for name in ("email", "email_verified")}

    def _keys(self) -> list[Mapping[str, Any]]:
        status, answer = self._ask("GET", self._place("jwks_uri"))
        keys = answer.get("keys")
        if status != 200 or not isinstance(keys, list):
            raise ProviderError(f"its keys can't be read (it answered {status})")
        return [key for key in keys if isinstance(key, dict)]

    def _place(self, name: str) -> str:
        """One of the addresses that it publishes. Raises ProviderError."""
        found = self._document().get(name)
        try:
            url = check_url(found) if isinstance(found, str) else ""
        except BadUrl as error:
            raise ProviderError(f"its {name} is no address: {error}") from None
        parts = urlsplit(url)
        is_own = urlsplit(self._settings.issuer).scheme == "http" and is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not is_own:
            raise ProviderError(f"its {name} is not https")
        return url

    def _document(self) -> Mapping[str, Any]:
        """What it publishes of itself. Raises ProviderError."""
        known = self._known
        if known is not None and time.monotonic() < known.until:
            return known.document
        issuer = self._settings.issuer.rstrip("/")
        status, document = self._ask("GET", issuer + "/.well-known/openid-configuration")
        if status != 200:
            raise ProviderError(f"its discovery document answered {status}")
        named = document.get("issuer")
        # One stroke at the end is the commonest slip in OIDC_ISSUER; it leads to the same document.
        if not isinstance(named, str) or named.rstrip("/") != issuer:
            raise ProviderError("its discovery document is another issuer's: OIDC_ISSUER takes what it says there")
        self._known = Known(document, time.monotonic() + _KNOWN_SECONDS)
        return document

    def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object that it answers. Raises ProviderError."""
        try:
            answer = self._http.request(
                method, url, timeout_seconds=TIMEOUT_SECONDS, max_bytes=_MOST_BYTES, kind="oidc", **options
            )
            body = json.loads(answer.content.decode()) if answer.content else {}
        except (HttpError, Forbidden) as error:
            raise ProviderError(str(error)) from None
        except (ValueError, RecursionError):
            raise ProviderError("it answered with something else than JSON") from None
        if not isinstance(body, dict):
            raise ProviderError("it answered with something else than a JSON object")
        return answer.status, body
