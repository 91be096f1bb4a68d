"""Sessions of a browser: a cookie that holds the caller's own token, sealed, so that it is good as long as the token is.

Nothing is stored: revoking the token, disabling the member or suspending the tenant ends its sessions at once.
"""

import base64
import binascii
import json
import time
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import HTTPException, Request
from fastapi.responses import Response

from config.seal import Place, Seal, SealError

# The prefix has the browser keep it to this host, to TLS and to the whole of it.
COOKIE: Final = "__Host-tocsin"
SECONDS: Final = 12 * 3600
_LONGEST = 3800
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NOBODYS = UUID(int=0)
_PLACE = Place(_NOBODYS, "sessions", _NOBODYS, "cookie")


class _Session(NamedTuple):
    """What the cookie holds; `until` is in seconds since 1970."""

    token: str
    until: int


def begin(response: Response, seal: Seal, token: str, token_ends: float) -> int:
    """Gives the browser a session of whoever has the token; answers when it ends, in seconds since 1970.

    That is with the token, or before it. Raises SealError where there is no key, and HTTPException for a token that no cookie can hold.
    """
    now = int(_now())
    until = int(min(now + SECONDS, token_ends))
    sealed = seal.seal(json.dumps(_Session(token, until)), _PLACE)
    value = base64.urlsafe_b64encode(sealed.encode()).decode()
    if len(value) > _LONGEST:
        raise HTTPException(413, "the token is too long for a session cookie; sign in with an API token")
    response.set_cookie(COOKIE, value, until - now, path="/", secure=True, httponly=True, samesite="lax")
    return until


def gone() -> str:
    """The header `Set-Cookie` that takes the session away from the browser."""
    carrier = Response()
    carrier.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return carrier.headers["set-cookie"]


def token_of(request: Request, seal: Seal) -> str | None:
    """The token of the request's session; None where there is none, or one that is over or not of ours.

    Raises HTTPException for a change that another site may have asked for.
    """
    value = request.cookies.get(COOKIE)
    if value is None:
        return None
    if request.method not in _SAFE:
        check_site(request)
    try:
        session = _Session(*json.loads(seal.open(base64.urlsafe_b64decode(value).decode(), _PLACE)))
    except (SealError, binascii.Error, ValueError, TypeError):
        return None
    return session.token if session.until > _now() else None


def check_site(request: Request) -> None:
    """Passes what this site's own pages asked for, as the browser says it. Raises HTTPException.

    Source: Fetch Metadata (`Sec-Fetch-Site`), and `Origin` for browsers without it; a page can set neither.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if not (_is_own(origin, request) if site is None else site == "same-origin"):
        raise HTTPException(403, "with a session cookie a change must come from this site's own pages")


def _now() -> float:
    return time.time()  # noqa: TID251  the web's own clock, by which a JWT ends too


def _is_own(origin: str, request: Request) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == request.headers.get("host", "").lower()
