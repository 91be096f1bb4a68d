"""Who did something, as people call them: history keeps a token's id, whose name says more."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query

_BY_PROGRAM = "token:"
_BY_MEMBER = "member:"


class TokenName(NamedTuple):
    """What a token is called."""

    id: UUID
    name: str


LIST = Query("list_token_names", TokenName)


def named(conn: Connection, tenant_id: UUID | None, whos: Iterable[str]) -> dict[str, str]:
    """The names of these; whose token is gone, or is an operator's in a tenant's history, is not among them."""
    known = set(whos)
    tokens = {who: token_id for who in known if (token_id := _token_in(who)) is not None}
    names: dict[UUID, str] = {}
    if tokens:
        names = {row.id: row.name for row in LIST.all(conn, tenant_id=tenant_id, ids=[*tokens.values()])}
    found = {who: f"{names[token_id]} (token)" for who, token_id in tokens.items() if token_id in names}
    return found | {who: who.removeprefix(_BY_MEMBER) for who in known if who.startswith(_BY_MEMBER)}


def _token_in(who: str) -> UUID | None:
    if not who.startswith(_BY_PROGRAM):
        return None
    try:
        return UUID(who.removeprefix(_BY_PROGRAM))
    except ValueError:
        return None
