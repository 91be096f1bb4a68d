"""Sources: where kinds read. Secrets leave the address and are stored sealed; nothing shows them again."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

from pydantic import ValidationError

from api import tenant_rules
from api.refusals import of_model, refuse
from config.seal import Seal
from db.foreign import Refused, parse
from db.jsonb import Jsonb
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.sealed import password_place
from scheduler.refusals import NameTaken, NotFound, WrongState
from workers.http import BadUrl, check_url
from workers.sources import TYPES, SourceRefused, with_password
from workers.sources.duckdb_files import folder_of
from workers.sources.options import OPTIONS, HttpOptions

_FOREIGN_KEY = "23503"
_UNIQUE = "23505"
_LONGEST_SECRET = 10_000


class Locked(NamedTuple):
    """The row is the caller's."""

    id: UUID


class Source(NamedTuple):
    """A source as it is shown."""

    id: UUID
    name: str
    type: str
    url: str
    options: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    has_password: bool


INSERT = Query("insert_source", Source)
LIST = Query("list_sources", Source)
LOCK = Query("lock_source", Locked)
FIND = Query("find_source", Source)
UPDATE = Query("update_source")
DELETE = Query("delete_source")


def create_source(
    conn: Connection,
    tenant_id: UUID,
    name: str,
    type_name: str,
    url: str,
    seal: Seal,
    *,
    secret: str = "",
    options: Mapping[str, Any] | None = None,
    files: Path | None = None,
) -> Source:
    """The source made; nothing is connected. `files` is TOCSIN_FILES. Raises BadDefinition, NameTaken, SealError."""
    if type_name not in TYPES:
        raise refuse("type", f"takes {', '.join(TYPES)}")
    _check_name(name)
    public, found = address_of(type_name, url, secret, files)
    chosen = _options(type_name, options or {}, has_secret=bool(found))
    source_id = uuid4()
    tenant_rules.check_room(conn, tenant_id, "sources")
    made = INSERT.one(
        conn,
        id=source_id,
        tenant_id=tenant_id,
        name=name.strip(),
        type=type_name,
        url=public,
        options=Jsonb(chosen),
        sealed_password=seal.seal(found, password_place(tenant_id, source_id)) if found else None,
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
    conn: Connection,
    tenant_id: UUID,
    source_id: UUID,
    *,
    name: str | None = None,
    url: str | None = None,
    secret: str | None = None,
    options: Mapping[str, Any] | None = None,
    seal: Seal,
    files: Path | None = None,
) -> Source:
    """The source changed. Without a secret the stored one stays, if the address is of the same host and user.

    Raises NotFound, BadDefinition, NameTaken, SealError.
    """
    row = locked(conn, tenant_id, source_id)
    public, found = row.url, ""
    if url is not None or secret:
        public, found = address_of(row.type, row.url if url is None else url, secret or "", files)
    if row.has_password and not found and _origin(public) != _origin(row.url):
        # A stored secret goes nowhere else than where it was given for.
        what = "password" if row.type == "postgres" else "secret"
        raise refuse("url", f"takes the {what} again when the host, the port or the user changes")
    given = row.options if options is None else options
    chosen = _options(row.type, given, has_secret=bool(found) or row.has_password)
    _check_name(name or row.name)
    try:
        with transaction(conn):
            UPDATE.run(
                conn,
                tenant_id=tenant_id,
                id=source_id,
                name=(name or row.name).strip(),
                url=public,
                options=Jsonb(chosen),
                is_password_given=bool(found),
                sealed_password=seal.seal(found, password_place(tenant_id, source_id)) if found else None,
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


def _origin(url: str) -> tuple[str, str]:
    """Whom an address reaches. https instead of http is another, and so is the other way round."""
    parts = urlsplit(url)
    scheme = "postgresql" if parts.scheme == "postgres" else parts.scheme
    return scheme, parts.netloc.lower()


def _options(type_name: str, options: Mapping[str, Any], *, has_secret: bool) -> dict[str, Any]:
    """What the type takes, as it is stored: what was given alone. Raises BadDefinition."""
    try:
        found = OPTIONS[type_name].model_validate(dict(options))
    except ValidationError as error:
        raise of_model(error, "options") from None
    if isinstance(found, HttpOptions) and found.method == "GET" and found.body is not None:
        raise refuse("options.body", "goes with the method POST alone")
    if getattr(found, "user", None) is not None and getattr(found, "secret_header", None) is not None:
        raise refuse("options.secretHeader", "excludes a user")
    if getattr(found, "user", None) is not None and not has_secret:
        raise refuse("secret", "is required with a user, as its password")
    stored: dict[str, Any] = found.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return stored


def address_of(type_name: str, url: str, secret: str, files: Path | None) -> tuple[str, str]:
    """The address as it is stored, and the secret. Raises BadDefinition, whose text repeats neither."""
    if type_name == "postgres":
        if secret:
            raise refuse("secret", "is not taken by postgres: its password stands in the address")
        return _split(url)
    if type_name == "duckdb":
        if secret:
            raise refuse("secret", "is not taken by duckdb: its files need none")
        try:
            folder_of(url, files, "")
        except SourceRefused as error:
            raise refuse("url", str(error)) from None
        return url, ""
    if len(secret) > _LONGEST_SECRET or not secret.isascii() or not secret.isprintable():
        raise refuse("secret", f"takes one line of at most {_LONGEST_SECRET} printable ASCII characters")
    try:
        parts = urlsplit(check_url(url))
    except BadUrl as error:
        raise refuse("url", str(error)) from None
    if parts.fragment or "#" in url:
        raise refuse("url", "takes no #fragment")
    if type_name != "http" and (parts.query or "?" in url):
        raise refuse("url", f"takes the address of {type_name} without a query")
    return url, secret


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
