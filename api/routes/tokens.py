"""`/api/tokens`: API tokens, shown in full once, when they are made."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, tokens
from api.definitions import Line, Time
from api.paging import Cursor, Limit, page, place_of, room
from api.problems import answers, good
from api.refusals import refuse
from api.request import Admin, AdminReader, Change, answer
from api.tokens import Token
from db.pool import Connection
from scheduler.schedules import read_now

router = APIRouter(prefix="/api/tokens", tags=["tokens"], responses=answers(400, 401, 403, 404, 422, 429, 503))

TokenOut = shapes.model_of(Token, "Token")
TokenList = shapes.list_of(TokenOut, "TokenList")
MadeToken = shapes.model_of(
    Token, "MadeToken", token=(str | None, Field(description="the token itself: it is shown here and never again"))
)


class TokenIn(BaseModel):
    """A token to be made: `read` is a viewer's, `write` an editor's, `admin` an admin's."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    name: Line
    scope: Literal["read", "write", "admin"]
    expires_at: Time | None = None


@router.get("", responses=good(200, TokenList))
def list_tokens(asking: AdminReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The tenant's tokens, newest first, those that were revoked too."""
    before = place_of(cursor, "tokens", asking.tenant)
    with asking.listing() as conn:
        rows = tokens.list_all(conn, asking.tenant, before_at=before.at, before_id=before.id, limit=room(limit))
    return answer(page(rows, limit, "tokens", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, MadeToken))
def create_token(asking: Admin, body: TokenIn) -> Response:
    """Makes a token. Repeated under its Idempotency-Key, the answer is the same without the token."""

    def work(conn: Connection) -> Change:
        if body.expires_at is not None and body.expires_at <= read_now(conn):
            raise refuse("expiresAt", "takes a time to come")
        made, text = tokens.create(
            conn, asking.tenant, body.name, body.scope, expires_at=body.expires_at, created_by=asking.author.who
        )
        shape = shapes.plain(made)
        return Change(
            "token.created",
            ("token", made.id),
            None,
            shape,
            {**shape, "token": text},
            201,
            f"/api/tokens/{made.id}",
            kept={**shape, "token": None},
        )

    return asking.writing(work)


@router.get("/{token_id}", responses=good(200, TokenOut))
def get_token(asking: AdminReader, token_id: UUID) -> Response:
    """One token, never its text."""
    with asking.reading() as conn:
        return answer(shapes.plain(tokens.get(conn, asking.tenant, token_id)))


@router.delete("/{token_id}", status_code=204)
def revoke_token(asking: Admin, token_id: UUID) -> Response:
    """Revokes a token: from now on it opens nothing."""

    def work(conn: Connection) -> Change:
        before = tokens.get(conn, asking.tenant, token_id)
        after = tokens.revoke(conn, asking.tenant, token_id)
        return Change("token.revoked", ("token", token_id), shapes.plain(before), shapes.plain(after), status=204)

    return asking.writing(work)
