"""Users: whom crews are asked about. Made one by one or many at once; `user_imports` reads them out of files and sources."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.nouns import Id, Noun
from api.refusals import refuse
from db.pool import Connection
from db.query import Query, literal
from scheduler.refusals import NotFound

MOST_AT_ONCE = 1000
COLUMNS = ("uid", "context", "goal", "segment", "priority", "active")


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


class Held(NamedTuple):
    """The wait for another import is over."""

    held: str


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
HOLD = Query("hold_user_imports", Held)
UPSERT = Query("upsert_users", Imported)
USERS: Noun[User] = Noun(
    "user",
    "/api/users",
    LIST,
    LOCK,
    DELETE,
    filters=("segment", "active"),
    # Whoever deletes a user means the text about them too, and the audit log stays.
    personal=frozenset({"context", "goal"}),
)


def _kept(text: str) -> str | None:
    """The text; blanks alone are nothing, whatever door they come by."""
    if "\0" in text:
        raise ValueError("takes text without the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("takes valid text") from None
    return text if text.strip() else None


def _named(text: str) -> str:
    if not text.isprintable() or "/" in text or text != text.strip():
        raise ValueError("takes printable characters without a slash, and none that is blank at either end")
    return text


Long = Annotated[str, Field(max_length=100_000, description="blanks alone are nothing"), AfterValidator(_kept)]
Uid = Annotated[str, AfterValidator(_named), Field(min_length=1, max_length=255)]
Segment = Annotated[str, AfterValidator(_named), Field(min_length=1, max_length=200)]
Priority = Annotated[int, Field(strict=True, ge=0, le=9, description="0 is asked about first, 9 last")]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class UserIn(_Body):
    """A user to be made; of one who is there already, a field that is not given stays as it is."""

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
    """Users to be made, or to be changed to this where they are there: in the fields that are given."""

    users: Annotated[list[UserIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


_MAY_BE_NULL = frozenset({"context", "goal", "segment"})


def named(conn: Connection, tenant_id: UUID, uid: str) -> User:
    """The tenant's user of that uid. Raises NotFound."""
    found = None if "\0" in uid else FIND.one(conn, tenant_id=tenant_id, uid=uid)
    if found is None:
        raise NotFound(f"there is no user {uid[:255]}")
    return found


def create(conn: Connection, tenant_id: UUID, body: UserIn) -> User:
    """The user made. Raises BadDefinition for a uid that is taken."""
    made = INSERT.one(conn, tenant_id=tenant_id, **body.model_dump())
    if made is None:
        raise refuse("uid", f"there is a user {body.uid!r} already; change that one")
    return USERS.get(conn, tenant_id, made.id)


def edit(conn: Connection, tenant_id: UUID, row: User, patch: UserPatch) -> User:
    """The user with the fields of the patch changed; the caller holds them."""
    given = patch.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
    columns = {name: getattr(row, name) for name in UserPatch.model_fields} | changes
    UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **columns)
    return USERS.get(conn, tenant_id, row.id)


def upsert(conn: Connection, tenant_id: UUID, users: Sequence[UserIn]) -> Imported:
    """How many of these were made and how many changed; of whom is there, what was not given stays. Raises BadDefinition."""
    seen: set[str] = set()
    for place, user in enumerate(users):
        if user.uid in seen:
            raise refuse(f"users.{place}.uid", "is there twice")
        seen.add(user.uid)
    hold(conn, tenant_id)
    return write(conn, tenant_id, users)


def hold(conn: Connection, tenant_id: UUID) -> None:
    """Passes once no other import of the tenant is under way, until the transaction ends: two would wait for each other."""
    HOLD.one(conn, tenant_id=tenant_id)


def write(conn: Connection, tenant_id: UUID, users: Iterable[UserIn]) -> Imported:
    """The same of users who are there once each; the caller holds the imports."""
    created = updated = 0
    for fields, of_these in groupby(users, lambda user: frozenset(user.model_fields_set)):
        while some := list(islice(of_these, MOST_AT_ONCE)):
            done = UPSERT.one(
                conn,
                tenant_id=tenant_id,
                uids=literal(each.uid for each in some),
                contexts=literal(each.context for each in some),
                goals=literal(each.goal for each in some),
                segments=literal(each.segment for each in some),
                priorities=[each.priority for each in some],
                actives=[each.active for each in some],
                **{f"has_{name}": name in fields for name in COLUMNS[1:]},
            )
            created += done.created if done else 0
            updated += done.updated if done else 0
    return Imported(created, updated)
