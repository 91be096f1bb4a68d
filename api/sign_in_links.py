"""Links to sign in by: a code of 256 bits that is good once and for some minutes, and is stored as its hash alone."""

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from fastapi import Request

from api import sign_ins
from api.access import PATIENCE_SECONDS
from api.sign_ins import Begun, Who
from api.state import Web
from db.live import connected
from db.pool import Connection
from db.query import Query
from db.walls import within

_CODE_LENGTH = 43


class Link(NamedTuple):
    """A link as it is shown: never its code."""

    id: UUID
    scope: str
    created_by: str
    created_at: datetime
    expires_at: datetime


class Found(NamedTuple):
    """A link that somebody followed, and the member whom it is for, where it is for one."""

    id: UUID
    tenant_id: UUID
    scope: str
    created_by: str
    is_open: bool
    tenant_name: str
    tenant_status: str
    member_id: UUID | None
    subject: str | None
    email: str | None
    member_role: str | None
    is_disabled: bool


class Used(NamedTuple):
    """The link is the caller's, and nobody's any more."""

    id: UUID


class Unknown(Exception):
    """The link is none of ours."""


class Over(Exception):
    """The link was used already, or is too old."""


class Shut(Exception):
    """Whom the link is for is let in no more; the message says why."""


INSERT = Query("insert_sign_in_link", Link)
FIND = Query("find_sign_in_link", Found)
USE = Query("use_sign_in_link", Used)


def create(
    conn: Connection, tenant_id: UUID, scope: str, created_by: str, *, minutes: int, member_id: UUID | None = None
) -> tuple[Link, str]:
    """The link made, and its path, which nothing shows again."""
    code = secrets.token_urlsafe(32)
    made = INSERT.one(
        conn,
        tenant_id=tenant_id,
        hash=_hash_of(code),
        member_id=member_id,
        scope=scope,
        created_by=created_by,
        minutes=minutes,
    )
    if made is None:
        raise RuntimeError("inserting a link gave no row")
    return made, f"/sign-in/{code}"


def offered(web: Web, code: str) -> Found:
    """The link of that code, which is open; changes nothing. Raises Unknown, Over, Shut."""
    with connected(web.pool, PATIENCE_SECONDS) as conn:
        return _offered(conn, code)


def use(web: Web, code: str, request: Request) -> Begun:
    """The session that the link begins; of two who use it at once one is too late. Raises Unknown, Over, Shut."""
    with connected(web.pool, PATIENCE_SECONDS) as conn:
        link = _offered(conn, code)
        with within(conn, link.tenant_id, is_walled=web.is_walled(conn)):
            if USE.one(conn, tenant_id=link.tenant_id, id=link.id) is None:
                raise Over
            by_member = link.subject is not None
            who = Who(
                link.tenant_id,
                link.scope,
                link.member_id,
                link.subject,
                f"member:{link.subject}" if by_member else link.created_by,
            )
            author = sign_ins.author_of(request, who.created_by if by_member else f"link:{link.id}")
            return sign_ins.begin(conn, who, author, "link")


def _offered(conn: Connection, code: str) -> Found:
    if len(code) != _CODE_LENGTH or not code.isascii():
        raise Unknown
    link = FIND.one(conn, hash=_hash_of(code))
    if link is None:
        raise Unknown
    if not link.is_open:
        raise Over
    if link.tenant_status != "active":
        raise Shut("This tenant is suspended.")
    if link.is_disabled:
        raise Shut("This member is disabled.")
    return link


def _hash_of(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
