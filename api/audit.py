"""The audit log: one entry a change, in the transaction of the change, chained so that a changed one is found."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from db.jsonb import Jsonb
from db.pool import Connection
from db.query import Query


class Author(NamedTuple):
    """Who changes something: a token, a member or whoever gives a command; and by which request from where."""

    who: str
    address: str | None = None
    request_id: str | None = None


class Entry(NamedTuple):
    """An entry as it is shown."""

    number: int
    at: datetime
    who: str
    action: str
    subject_type: str
    subject_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    request_id: str | None
    hash: str


class Broken(NamedTuple):
    """The first broken place of a chain; `tenant` is None for the operator's chain and for one whose tenant is gone."""

    chain: UUID
    tenant: str | None
    number: int
    problem: str


class Size(NamedTuple):
    """How much there is."""

    entries: int
    chains: int


class Applied(NamedTuple):
    """The last time that a stack was applied: the entry's number, and which rows the stack had then."""

    number: int
    stack: str
    after: dict[str, Any]


class Touched(NamedTuple):
    """Who changed something last, and how."""

    subject_type: str
    subject_id: str
    action: str
    who: str
    at: datetime
    number: int


INSERT = Query("insert_audit")
LIST = Query("list_audit", Entry)
CHECK = Query("check_audit", Broken)
COUNT = Query("count_audit", Size)
LIST_STACKS = Query("list_stacks", Applied)
LIST_TOUCHED = Query("list_touched", Touched)


def record(
    conn: Connection,
    tenant_id: UUID | None,
    author: Author,
    action: str,
    subject: tuple[str, object],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds an entry; the shapes given hold no secrets. `subject` is what was changed: its type and its id."""
    INSERT.run(
        conn,
        tenant_id=tenant_id,
        who=author.who,
        action=action,
        subject_type=subject[0],
        subject_id=str(subject[1]),
        before=None if before is None else Jsonb(before),
        after=None if after is None else Jsonb(after),
        address=author.address,
        request_id=author.request_id,
    )


def list_all(
    conn: Connection,
    tenant_id: UUID | None,
    *,
    before: int | None = None,
    subject_type: str | None = None,
    subject_id: str | None = None,
    who: str | None = None,
    limit: int = 100,
) -> list[Entry]:
    """The tenant's entries, or the operator's, newest first."""
    return LIST.all(
        conn,
        tenant_id=tenant_id,
        before=before,
        subject_type=subject_type,
        subject_id=subject_id,
        who=who,
        room=limit,
    )


def verify(conn: Connection) -> tuple[Size, list[Broken]]:
    """How much was looked at, and the first broken place of each chain that is broken."""
    size = COUNT.one(conn)
    if size is None:
        raise RuntimeError("counting the audit log gave no row")
    return size, CHECK.all(conn)
