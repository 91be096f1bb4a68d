"""Sources: where kinds read. The password leaves the address and is stored sealed; nothing shows it again."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

from api import tenant_rules
from api.refusals import refuse
from config.seal import Seal
from db.foreign import Refused, parse
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.sealed import password_place
from scheduler.refusals import NameTaken, NotFound, WrongState
from workers.journal import with_password

TYPES = ("postgres",)
_FOREIGN_KEY = "23503"
_UNIQUE = "23505"


class Locked(NamedTuple):
    """The row is the caller's."""

    id: UUID


class Source(NamedTuple):
    """A source as it is shown."""

    id: UUID
    name: str
    type: str
    url: str
    created_at: datetime
    updated_at: datetime
    has_password: bool


INSERT = Query("insert_source", Source)
LIST = Query("list_sources", Source)
LOCK = Query("lock_source", Locked)
FIND = Query("find_source", Source)
UPDATE = Query("update_source")
DELETE = Query("delete_source")


def create_source(conn: Connection, tenant_id: UUID, name: str, type_name: str, url: str, seal: Seal) -> Source:
    """The source made; nothing is connected. Raises BadDefinition, NameTaken, SealError."""
    if type_name not in TYPES:
        raise refuse("type", f"takes {', '.join(TYPES)}")
    _check_name(name)
    public, password = _split(url)
    source_id = uuid4()
    tenant_rules.check_room(conn, tenant_id, "sources")
    made = INSERT.one(
        conn,
        id=source_id,
        tenant_id=tenant_id,
        name=name.strip(),
        type=type_name,
        url=public,
        sealed_password=seal.seal(password, password_place(tenant_id, source_id)) if password else None,
    )
    if made is None:
        raise NameTaken(f"there is a source named {name!r} already")
    return made


def list_all(
    conn: Connection,
    tenant_id: UUID,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 1000,
) -> list[Source]:
    """The tenant's sources, newest first."""
    return LIST.all(conn, tenant_id=tenant_id, before_at=before[0], before_id=before[1], room=limit)


def locked(conn: Connection, tenant_id: UUID, source_id: UUID) -> Source:
    """The tenant's source, locked for the caller's transaction. Raises NotFound."""
    LOCK.one(conn, tenant_id=tenant_id, id=source_id)
    return get(conn, tenant_id, source_id)


def get(conn: Connection, tenant_id: UUID, source_id: UUID) -> Source:
    """The tenant's source. Raises NotFound."""
    found = FIND.one(conn, tenant_id=tenant_id, id=source_id)
    if found is None:
        raise NotFound(f"there is no source {source_id}")
    return found


def edit(
    conn: Connection, tenant_id: UUID, source_id: UUID, *, name: str | None, url: str | None, seal: Seal
) -> Source:
    """The source changed. An address without a password keeps the one that is stored, if it is of the same host and user.

    Raises NotFound, BadDefinition, NameTaken, SealError.
    """
    row = locked(conn, tenant_id, source_id)
    public, password = (row.url, "") if url is None else _split(url)
    if row.has_password and not password and urlsplit(public).netloc != urlsplit(row.url).netloc:
        # A stored password goes nowhere else than where it was given for.
        raise refuse("url", "takes the password again when the host, the port or the user changes")
    _check_name(name or row.name)
    try:
        with transaction(conn):
            UPDATE.run(
                conn,
                tenant_id=tenant_id,
                id=source_id,
                name=(name or row.name).strip(),
                url=public,
                is_password_given=bool(password),
                sealed_password=seal.seal(password, password_place(tenant_id, source_id)) if password else None,
            )
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise NameTaken(f"there is a source named {name!r} already") from None
    return get(conn, tenant_id, source_id)


def delete(conn: Connection, tenant_id: UUID, source_id: UUID) -> Source:
    """The source as it was before it was deleted. Raises NotFound, and WrongState while something reads it."""
    row = locked(conn, tenant_id, source_id)
    try:
        with transaction(conn):
            DELETE.run(conn, tenant_id=tenant_id, id=source_id)
    except DatabaseError as error:
        if error.sqlstate != _FOREIGN_KEY:
            raise
        raise WrongState(f"alerts read the source {row.name!r}; delete them first") from None
    return row


def _check_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or len(name) > 200:
        raise refuse("name", "takes one line of at most 200 printable characters")


def _split(url: str) -> tuple[str, str]:
    """The address without its password, and the password. Raises BadDefinition, whose text repeats neither."""
    try:
        server = parse(url)
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        public = parts._replace(netloc=f"{user.partition(':')[0]}@{host}" if user else host).geturl()
        password = unquote(parts.password or "")
        is_split = parse(public).password == "" and parse(with_password(public, password)).password == server.password
    except Refused as error:
        raise refuse("url", str(error)) from None
    except ValueError:
        is_split, public, password = False, "", ""
    if not is_split:
        raise refuse("url", "takes postgresql://user:password@host:5432/name, with the password before the @")
    return public, password
