"""`/tokens`: what programs show; each is seen once, when it is made."""

from uuid import UUID

from fastapi.responses import Response

from api.pages.page import Page
from api.pages.rooms import Field, Room, Shape, routes
from api.routes import tokens
from api.routes.tokens import TokenIn

_SCOPES = [("read", "read: a viewer's"), ("write", "write: an editor's"), ("admin", "admin: an admin's")]


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
    listed=tokens.list_tokens,
    got=tokens.get_token,
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
