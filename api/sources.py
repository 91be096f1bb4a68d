"""Sources: where kinds read. The password leaves the address and is stored sealed; nothing shows it again."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

from api.refusals import refuse
from config.seal import Seal
from db.foreign import Refused, parse
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NameTaken
from workers.journal import with_password

TYPES = ("postgres",)


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


def create_source(conn: Connection, tenant_id: UUID, name: str, type_name: str, url: str, seal: Seal) -> Source:
    """The source made; nothing is connected. Raises BadDefinition, NameTaken, SealError."""
    if type_name not in TYPES:
        raise refuse("type", f"takes {', '.join(TYPES)}")
    if not name.strip() or not name.isprintable() or len(name) > 200:
        raise refuse("name", "takes one line of at most 200 printable characters")
    public, password = _split(url)
    source_id = uuid4()
    made = INSERT.one(
        conn,
        id=source_id,
        tenant_id=tenant_id,
        name=name.strip(),
        type=type_name,
        url=public,
        sealed_password=seal.seal(password, f"{tenant_id}:sources:{source_id}") if password else None,
    )
    if made is None:
        raise NameTaken(f"there is a source named {name!r} already")
    return made


def list_all(conn: Connection, tenant_id: UUID) -> list[Source]:
    """The tenant's sources by name."""
    return LIST.all(conn, tenant_id=tenant_id)


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
