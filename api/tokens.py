"""API tokens: `toc_`, 32 random letters and digits, and a checksum of six, so that a mistyped one costs no lookup.

What is stored is the SHA-256 of the whole; with 190 random bits behind it nothing slower is needed.
"""

import hashlib
import secrets
import string
import zlib
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from api.refusals import refuse
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NotFound

PREFIX = "toc_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 32
_SUM_LENGTH = 6

Scope = Literal["read", "write", "admin", "operator"]


class Token(NamedTuple):
    """A token as it is shown: never the token itself."""

    id: UUID
    name: str
    scope: str
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_session: bool


class Found(NamedTuple):
    """A token that is good now, and whose it is; without a tenant it is an operator's.

    `subject`, `member_role`: of the member whose own it is; None where it is nobody's in particular.
    """

    id: UUID
    tenant_id: UUID | None
    tenant_slug: str | None
    tenant_status: str | None
    scope: str
    requests_per_minute: int | None
    is_touch_due: bool
    expires_at: datetime | None
    subject: str | None
    member_role: str | None
    is_session: bool


class Owner(NamedTuple):
    """Whose a token is; None is the operator."""

    id: UUID
    tenant_id: UUID | None


class Good(NamedTuple):
    """Whether any token is good."""

    is_there: bool


INSERT = Query("insert_token", Token)
LIST = Query("list_tokens", Token)
GET = Query("get_token", Token)
REVOKE = Query("revoke_token")
FIND = Query("find_token", Found)
TOUCH = Query("touch_token")
FIND_OWNER = Query("find_token_owner", Owner)
HAS_ANY = Query("has_token", Good)


def mint() -> str:
    """A fresh token."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_whole(token: str) -> bool:
    """True when the token's checksum fits: it may be one of ours."""
    text = token.removeprefix(PREFIX)
    if text == token or len(text) != _SECRET_LENGTH + _SUM_LENGTH or not text.isascii():
        return False
    return _checksum(text[:_SECRET_LENGTH]) == text[_SECRET_LENGTH:]


def hash_of(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def find(conn: Connection, token: str) -> Found | None:
    """Whose token it is; None when it is unknown, revoked or expired. Its last use is noted, to the minute."""
    found = FIND.one(conn, hash=hash_of(token))
    if found is not None and found.is_touch_due:
        TOUCH.run(conn, id=found.id)
    return found


def create(
    conn: Connection,
    tenant_id: UUID | None,
    name: str,
    scope: str,
    *,
    expires_at: datetime | None = None,
    created_by: str | None = None,
    member_id: UUID | None = None,
    is_session: bool = False,
) -> tuple[Token, str]:
    """The token made, and its text, which nothing shows again. Raises BadDefinition.

    A member's own may never more than the member, and nothing once they are disabled or gone.
    """
    allowed = ("operator",) if tenant_id is None else ("read", "write", "admin")
    if scope not in allowed:
        raise refuse("scope", f"takes {', '.join(allowed)}")
    if not name.strip() or not name.isprintable() or len(name) > 200:
        raise refuse("name", "takes one line of at most 200 printable characters")
    text = mint()
    made = INSERT.one(
        conn,
        tenant_id=tenant_id,
        name=name.strip(),
        scope=scope,
        hash=hash_of(text),
        created_by=created_by,
        expires_at=expires_at,
        member_id=member_id,
        is_session=is_session,
    )
    if made is None:
        raise RuntimeError("inserting a token gave no row")
    return made, text


def list_all(
    conn: Connection,
    tenant_id: UUID | None,
    *,
    before_at: datetime | None = None,
    before_id: UUID | None = None,
    limit: int = 100,
) -> list[Token]:
    """The tenant's tokens, or the operator's, newest first."""
    return LIST.all(conn, tenant_id=tenant_id, before_at=before_at, before_id=before_id, room=limit)


def get(conn: Connection, tenant_id: UUID | None, token_id: UUID) -> Token:
    """The token of that id. Raises NotFound."""
    found = GET.one(conn, tenant_id=tenant_id, id=token_id)
    if found is None:
        raise NotFound(f"there is no token {token_id}")
    return found


def revoke(conn: Connection, tenant_id: UUID | None, token_id: UUID) -> Token:
    """The token revoked: from now on it opens nothing. Raises NotFound."""
    REVOKE.run(conn, tenant_id=tenant_id, id=token_id)
    return get(conn, tenant_id, token_id)


def owner_of(conn: Connection, token_id: UUID) -> UUID | None:
    """The tenant whose token it is, None for the operator's; for who stands above the tenants. Raises NotFound."""
    found = FIND_OWNER.one(conn, id=token_id)
    if found is None:
        raise NotFound(f"there is no token {token_id}")
    return found.tenant_id


def is_any_good(conn: Connection) -> bool:
    """True when somebody has a token that opens something."""
    found = HAS_ANY.one(conn)
    return found is not None and found.is_there


def _checksum(secret: str) -> str:
    number = zlib.crc32(secret.encode())
    digits = ""
    while len(digits) < _SUM_LENGTH:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
