"""`/tokens`: what programs show; each is seen once, when it is made."""

from collections.abc import Sequence
from uuid import UUID

from fastapi.responses import Response

from api.pages import people
from api.pages.page import Page, told
from api.pages.rooms import Field, Room, Shape, routes
from api.request import Asked, answer
from api.routes import tokens
from api.routes.tokens import TokenIn

_SCOPES = [("read", "read: a viewer's"), ("write", "write: an editor's"), ("admin", "admin: an admin's")]


def _listed(asking: Asked, cursor: str | None = None) -> Response:
    """The tokens with the names of who made them."""
    found = told(tokens.list_tokens(asking, cursor=cursor))
    return answer(found | {"items": _named(asking, found["items"])})


def _got(asking: Asked, token_id: UUID) -> Response:
    return answer(_named(asking, [told(tokens.get_token(asking, token_id))])[0])


def _named(asking: Asked, rows: Sequence[Shape]) -> list[Shape]:
    names = people.of(asking, [row["createdBy"] for row in rows])
    return [row | {"createdBy": names.get(row["createdBy"], row["createdBy"])} for row in rows]


def _shown_once(page: Page, made: Shape) -> Response:
    return ROOM.page_of(page, UUID(made["id"]), token=made["token"])


ROOM = Room(
    path="/tokens",
    title="Tokens",
    one="token",
    note="What programs and sessions show. Each is seen once, when it is made.",
    empty="A token lets a program in: the command line, a deployment, a script.",
    columns={
        "Name": "name",
        "Scope": "scope",
        "Made by": "createdBy",
        "Last used": "lastUsedAt",
        "Ends": "expiresAt",
        "Revoked": "revokedAt",
    },
    listed=_listed,
    got=_got,
    made=tokens.create_token,
    taken=TokenIn,
    deleted=tokens.revoke_token,
    delete_word="Revoke",
    delete_ask="Revoke this token? What shows it is let in no more.",
    reads="admin",
    writes="admin",
    show="tokens/one.html.j2",
    after_made=_shown_once,
    fields=(
        Field("name", "Name", required=True, hint="What shows it."),
        Field("scope", "Scope", "choice", choices=_SCOPES),
        Field(
            "expiresAt",
            "Ends",
            hint="Such as 2027-01-01T00:00:00Z; blank is never.",
            placeholder="2027-01-01T00:00:00Z",
        ),
    ),
)
router = routes(ROOM)
