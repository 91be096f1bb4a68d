"""Users: whom crews are asked about. Made one by one, in bulk, out of a CSV file, or out of a query of a source."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from api.nouns import Id, Noun
from api.refusals import of_model, refuse
from db.pool import Connection
from db.query import Query, literal
from scheduler.refusals import NameTaken, NotFound
from workers.sources.table import Table

MOST_AT_ONCE = 1000
MOST_IMPORTED = 10_000
MOST_AT_HAND = 1_000_000
COLUMNS = ("uid", "context", "goal", "segment", "priority", "active")
_TRUE, _FALSE = frozenset({"true", "t", "yes", "1", ""}), frozenset({"false", "f", "no", "0"})


class User(NamedTuple):
    """A user; whoever has neither context nor goal is asked about by no crew."""

    id: UUID
    uid: str
    context: str | None
    goal: str | None
    segment: str | None
    priority: int
    active: bool
    created_at: datetime
    updated_at: datetime


class Imported(NamedTuple):
    """How many users are new and how many changed; the others were so already."""

    created: int
    updated: int


LIST = Query("list_users", User)
FIND = Query("find_user", User)
LOCK = Query("lock_user", Id)
INSERT = Query("insert_user", Id)
UPDATE = Query("update_user")
DELETE = Query("delete_user")
UPSERT = Query("upsert_users", Imported)
USERS: Noun[User] = Noun("user", "/api/users", LIST, LOCK, DELETE, filters=("segment", "active"))


def _kept(text: str) -> str:
    if "\0" in text:
        raise ValueError("takes text without the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("takes valid text") from None
    return text


def _named(text: str) -> str:
    if not text.isprintable() or "/" in text or text != text.strip():
        raise ValueError("takes printable characters without a slash, and none that is blank at either end")
    return text


Long = Annotated[str, AfterValidator(_kept), Field(max_length=100_000)]
Uid = Annotated[str, AfterValidator(_named), Field(min_length=1, max_length=255)]
Segment = Annotated[str, AfterValidator(_named), Field(min_length=1, max_length=200)]
Priority = Annotated[int, Field(strict=True, ge=0, le=9, description="0 is asked about first, 9 last")]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class UserIn(_Body):
    """A user to be made."""

    uid: Uid
    context: Long | None = None
    goal: Long | None = None
    segment: Segment | None = None
    priority: Priority = 5
    active: Annotated[bool, Field(strict=True)] = True


class UserPatch(_Body):
    """What changes; null takes away what may be missing."""

    context: Long | None = None
    goal: Long | None = None
    segment: Segment | None = None
    priority: Priority | None = None
    active: Annotated[bool, Field(strict=True)] | None = None


class UsersIn(_Body):
    """Users to be made, or to be made like this where they are there."""

    users: Annotated[list[UserIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


_MAY_BE_NULL = frozenset({"context", "goal", "segment"})


def named(conn: Connection, tenant_id: UUID, uid: str) -> User:
    """The tenant's user of that uid. Raises NotFound."""
    found = None if "\0" in uid else FIND.one(conn, tenant_id=tenant_id, uid=uid)
    if found is None:
        raise NotFound(f"there is no user {uid[:255]}")
    return found


def create(conn: Connection, tenant_id: UUID, body: UserIn) -> User:
    """The user made. Raises NameTaken."""
    made = INSERT.one(conn, tenant_id=tenant_id, **body.model_dump())
    if made is None:
        raise NameTaken(f"there is a user {body.uid!r} already; change that one")
    return USERS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: User, patch: UserPatch) -> User:
    """The user with the fields of the patch changed; the caller holds them."""
    given = patch.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
    columns = {name: getattr(row, name) for name in UserPatch.model_fields} | changes
    UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **columns)
    return USERS.get(conn, tenant_id, row.id)


def upsert(conn: Connection, tenant_id: UUID, users: Sequence[UserIn]) -> Imported:
    """How many of these were made and how many changed; each is as it is given here. Raises BadDefinition."""
    seen: set[str] = set()
    for place, user in enumerate(users):
        if user.uid in seen:
            raise refuse(f"users.{place}.uid", "is there twice")
        seen.add(user.uid)
    created = updated = 0
    for start in range(0, len(users), MOST_AT_ONCE):
        some = users[start : start + MOST_AT_ONCE]
        done = UPSERT.one(
            conn,
            tenant_id=tenant_id,
            uids=literal(each.uid for each in some),
            contexts=literal(each.context for each in some),
            goals=literal(each.goal for each in some),
            segments=literal(each.segment for each in some),
            priorities=[each.priority for each in some],
            actives=[each.active for each in some],
        )
        created += done.created if done else 0
        updated += done.updated if done else 0
    return Imported(created, updated)


def read_csv(content: bytes, most: int = MOST_IMPORTED) -> list[UserIn]:
    """The users of a CSV file, whose first line names the columns. Raises BadDefinition, which names the line."""
    try:
        text = content.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse("body", f"takes a CSV file in UTF-8: {error}") from None
    if not lines:
        raise refuse("body", "takes a CSV file whose first line names its columns")
    names = [name.strip().lower() for name in lines[0]]
    return _read(names, [line for line in lines[1:] if line], "line", 2, most)


def read_table(table: Table) -> list[UserIn]:
    """The users of a query's answer. Raises BadDefinition, which names the row."""
    return _read([column.name.lower() for column in table.columns], table.rows, "row", 1)


def _read(
    names: Sequence[str], rows: Iterable[Sequence[Any]], word: str, first: int, most: int = MOST_IMPORTED
) -> list[UserIn]:
    unknown = sorted(set(names) - set(COLUMNS))
    if unknown or "uid" not in names or len(set(names)) < len(names):
        raise refuse("columns", f"takes uid and any of {', '.join(COLUMNS[1:])}, each once")
    users: list[UserIn] = []
    for number, row in enumerate(rows, first):
        if len(users) == most:
            raise refuse("body", f"takes at most {most} users at a time")
        if len(row) != len(names):
            raise refuse(f"{word} {number}", f"takes {len(names)} values")
        users.append(_user(dict(zip(names, row, strict=True)), f"{word} {number}"))
    return users


def _user(given: Mapping[str, Any], place: str) -> UserIn:
    """The user of a row; what is blank in it is not given. Raises BadDefinition."""
    shown = {name: str(value).strip() for name, value in given.items() if value is not None}
    found: dict[str, Any] = {name: value for name, value in shown.items() if value}
    active = shown.get("active", "").lower()
    if active not in _TRUE | _FALSE:
        raise refuse(f"{place}.active", "takes true or false")
    found["active"] = active not in _FALSE
    if "priority" in found:
        if not found["priority"].isascii() or not found["priority"].isdecimal() or len(found["priority"]) > 1:
            raise refuse(f"{place}.priority", "takes a number from 0 to 9")
        found["priority"] = int(found["priority"])
    try:
        return UserIn.model_validate(found)
    except ValidationError as error:
        raise of_model(error, place) from None
