"""Tenant JWTs, as Supabase signs them: HS256 and nothing else, whatever the token says of itself.

The tenant comes from `app_metadata` alone, which users can't edit; `user_metadata` is theirs and is not looked at. One
that is minted here has a scope there as well, and opens what is of that scope and nothing else.
"""

import base64
import binascii
import json
from datetime import datetime
from typing import Any, NamedTuple

import jwt

_LONGEST = 8192
_LEEWAY_SECONDS = 60
_AUDIENCE = "authenticated"
_NEVER = 2**53
_ROLES = ("viewer", "editor", "admin")
MINTED_SECONDS = 60
TICK = "pulse.tick"
"""The scope of a token that may tick its tenant's pulses."""


class BadToken(Exception):
    """The token is refused; why is for no one but the test."""


class Claims(NamedTuple):
    """Who the token speaks of, whose tenant they are of, and the role that it gives them where they are no member.

    `until` is when it is taken no more, in seconds since 1970. `scope`: all that it opens; None for a person's token.
    """

    subject: str
    tenant: str
    role: str
    until: float
    scope: str | None = None


class WrongRole(Exception):
    """The token is good, but for no person: a service key is refused from outside."""


def read(token: str, secret: str) -> Claims:
    """The claims of a good token. Raises BadToken, WrongRole.

    `aud` takes the one text `authenticated`, no list; `exp` is required; instants may be a minute off.
    """
    claims = _decoded(token, secret)
    for name in ("exp", "nbf", "iat"):
        _check_instant(name, claims.get(name))
    if claims["aud"] != _AUDIENCE:
        raise BadToken("aud")
    if claims.get("role", _AUDIENCE) != _AUDIENCE:
        raise WrongRole("this token is not a person's")
    given = claims.get("app_metadata")
    metadata = given if isinstance(given, dict) else {}
    subject, tenant = claims["sub"], metadata.get("tenant_id") or metadata.get("tenant")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200 or not subject.isprintable():
        raise BadToken("sub")
    if not isinstance(tenant, str) or not 0 < len(tenant) <= 100 or not tenant.isprintable():
        raise BadToken("app_metadata")
    role = metadata.get("role")
    scope = metadata.get("scope")
    return Claims(
        subject,
        tenant,
        role if role in _ROLES else "viewer",
        claims["exp"] + _LEEWAY_SECONDS,
        None if scope is None else str(scope),
    )


def mint(tenant: str, scope: str, secret: str, now: datetime) -> str:
    """A token of a minute that opens of the tenant what is of the scope, and nothing else."""
    issued = int(now.timestamp())
    claims = {
        "sub": f"tocsin:{scope}",
        "aud": _AUDIENCE,
        "role": _AUDIENCE,
        "iat": issued,
        "exp": issued + MINTED_SECONDS,
        "app_metadata": {"tenant_id": tenant, "scope": scope},
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def _decoded(token: str, secret: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(token) > _LONGEST or len(parts) != 3 or not token.isascii():
        raise BadToken("form")
    for content in [_content_of(part) for part in parts][:2]:
        _refuse_repeated_names(content)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=_AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "aud"]},
        )
    except (jwt.PyJWTError, ValueError, OverflowError, TypeError, RecursionError) as error:
        raise BadToken(type(error).__name__) from None
    return claims


def _content_of(part: str) -> bytes:
    """What the part says, if it is written in the one way that there is: no padding, no foreign letters, no odd bits."""
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    except binascii.Error:
        raise BadToken("form") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode():
        raise BadToken("form")
    return content


def _refuse_repeated_names(content: bytes) -> None:
    """Two readers may take another one of two values under one name."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BadToken("repeated names")
        return found

    try:
        # As text, and in UTF-8: of bytes the reader would guess the encoding.
        json.loads(content.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise BadToken("form") from None


def _check_instant(name: str, value: Any) -> None:
    if value is None and name != "exp":
        return
    # Comparing is what no number is too large for, and what is not a number fails.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _NEVER:
        raise BadToken(name)
