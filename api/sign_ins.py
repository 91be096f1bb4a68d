"""Signing in and out: a person's session is an API token of its own, minted for it, which signing out revokes.

So a session is listed with the tokens, ends by its hours, by its revocation or with its member, and never may more than
the member may now.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from fastapi import Request

from api import audit, sessions, shapes, tokens
from api.access import PATIENCE_SECONDS
from api.addresses import address_of
from api.audit import Author
from api.state import Web
from db.live import connected
from db.pool import Connection
from db.query import Query
from db.walls import within
from scheduler.schedules import read_now

SCOPES = {"viewer": "read", "editor": "write", "admin": "admin"}
"""The scope of the token that a member of a role is given."""


class Person(NamedTuple):
    """A person as a member of one tenant."""

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    tenant_status: str
    id: UUID
    subject: str
    email: str
    role: str
    is_disabled: bool


class Who(NamedTuple):
    """Whose session it becomes: a member, by id and subject; without one whoever `created_by` made a link for."""

    tenant_id: UUID
    scope: str
    member_id: UUID | None
    subject: str | None
    created_by: str


class Begun(NamedTuple):
    """A token that was minted for a session, and when it ends, in seconds since 1970."""

    token: str
    ends: float


FIND_PEOPLE = Query("find_people", Person)


def people(conn: Connection, tenant_id: UUID | None, *, subject: str, email: str | None) -> list[Person]:
    """The person in each tenant that they are a member of, or in the one named; the disabled and suspended too."""
    return FIND_PEOPLE.all(conn, tenant_id=tenant_id, subject=subject, email=email)


def who_is(person: Person) -> Who:
    """The member, with all that they may."""
    return Who(person.tenant_id, SCOPES[person.role], person.id, person.subject, f"member:{person.subject}")


def begin(conn: Connection, who: Who, author: Author, by: str) -> Begun:
    """The token of a session that begins, and its audit entry; `by` says how they signed in. Comes last in its transaction."""
    ends_at = read_now(conn) + timedelta(seconds=sessions.SECONDS)
    made, text = tokens.create(
        conn,
        who.tenant_id,
        f"session by {by}" if who.subject is None else f"session of {who.subject}"[:200],
        who.scope,
        expires_at=ends_at,
        created_by=who.created_by,
        member_id=who.member_id,
        is_session=True,
    )
    shape = shapes.plain(made)
    audit.record(conn, who.tenant_id, author, "session.begun", ("token", made.id), None, {**shape, "by": by})
    return Begun(text, ends_at.timestamp())


def begin_as(web: Web, person: Person, request: Request) -> Begun:
    """The session of a member whom the provider named."""
    with (
        connected(web.pool, PATIENCE_SECONDS) as conn,
        within(conn, person.tenant_id, is_walled=web.is_walled(conn)),
    ):
        return begin(conn, who_is(person), author_of(request, f"member:{person.subject}"), "provider")


def end(web: Web, request: Request) -> None:
    """Revokes the token of the request's session where it was minted for it; one that was pasted stays good.

    Raises HTTPException for what another site may have asked for.
    """
    token = sessions.token_of(request, web.seal)
    if token is None or not tokens.is_whole(token):
        return
    with connected(web.pool, PATIENCE_SECONDS) as conn:
        found = tokens.find(conn, token)
        if found is None or found.tenant_id is None or not found.is_session:
            return
        who = f"token:{found.id}" if found.subject is None else f"member:{found.subject}"
        with within(conn, found.tenant_id, is_walled=web.is_walled(conn)):
            before = tokens.get(conn, found.tenant_id, found.id)
            after = tokens.revoke(conn, found.tenant_id, found.id)
            shown = shapes.plain(before), shapes.plain(after)
            audit.record(conn, found.tenant_id, author_of(request, who), "session.ended", ("token", found.id), *shown)
    web.forget(tokens.hash_of(token))


def author_of(request: Request, who: str) -> Author:
    """Who signs in or out, and from where."""
    return Author(who, address_of(request), request.state.request_id)
