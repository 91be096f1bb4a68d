"""Members: the people of a tenant who own and watch. A person's JWT finds its member by its subject."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, tenant_rules
from api.definitions import Line
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NameTaken, NotFound
from workers.channels.email import mailbox

Role = Literal["viewer", "editor", "admin"]


class Locked(NamedTuple):
    """The row is the caller's."""

    id: UUID


class Member(NamedTuple):
    """A member's row."""

    id: UUID
    subject: str
    email: str
    name: str | None
    role: str
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_member", Member)
LIST = Query("list_members", Member)
LOCK = Query("lock_member", Locked)
GET = Query("get_member", Member)
UPDATE = Query("update_member")
DELETE = Query("delete_member")


Email = Annotated[str, Field(max_length=320), AfterValidator(mailbox)]
_Role = Annotated[Role, BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)]


class MemberIn(BaseModel):
    """A member to be made: the subject of their JWT, their address and what they may."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    subject: Line
    email: Email
    name: Line | None = None
    role: _Role = "viewer"


class MemberPatch(BaseModel):
    """What changes of a member; fields that are not named stay."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    email: Email | None = None
    name: Line | None = None
    role: _Role | None = None
    is_disabled: bool | None = Field(None, description="a disabled member is let in nowhere")


def create(conn: Connection, tenant_id: UUID, body: MemberIn) -> Member:
    """The member made. Raises NameTaken, and BadDefinition when the tenant has as many as it may."""
    tenant_rules.check_room(conn, tenant_id, "members")
    made = INSERT.one(conn, tenant_id=tenant_id, **body.model_dump())
    if made is None:
        raise NameTaken("there is a member of that subject already")
    return made


def list_all(
    conn: Connection,
    tenant_id: UUID,
    *,
    role: str | None = None,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[Member]:
    """The tenant's members, newest first."""
    return LIST.all(conn, tenant_id=tenant_id, role=role, before_at=before[0], before_id=before[1], room=limit)


def locked(conn: Connection, tenant_id: UUID, member_id: UUID) -> Member:
    """The tenant's member, locked for the caller's transaction. Raises NotFound."""
    LOCK.one(conn, tenant_id=tenant_id, id=member_id)
    return get(conn, tenant_id, member_id)


def get(conn: Connection, tenant_id: UUID, member_id: UUID) -> Member:
    """The tenant's member. Raises NotFound."""
    found = GET.one(conn, tenant_id=tenant_id, id=member_id)
    if found is None:
        raise NotFound(f"there is no member {member_id}")
    return found


def edit(conn: Connection, tenant_id: UUID, member_id: UUID, patch: MemberPatch) -> Member:
    """The member with the fields of the patch changed. Raises NotFound."""
    row = locked(conn, tenant_id, member_id)
    given = patch.model_dump(exclude_unset=True)
    UPDATE.run(
        conn,
        tenant_id=tenant_id,
        id=member_id,
        email=given.get("email") or row.email,
        name=given.get("name", row.name),
        role=given.get("role") or row.role,
        is_disabled=row.disabled_at is not None if patch.is_disabled is None else patch.is_disabled,
    )
    return get(conn, tenant_id, member_id)


def audited(row: Member) -> dict[str, Any]:
    """A member as the audit log keeps it, from which nothing is erased: by its subject, without name and address."""
    return shapes.plain(row) | {"email": shapes.MASK, "name": row.name and shapes.MASK}


def delete(conn: Connection, tenant_id: UUID, member_id: UUID) -> Member:
    """The member as it was before it was deleted. Raises NotFound."""
    row = locked(conn, tenant_id, member_id)
    DELETE.run(conn, tenant_id=tenant_id, id=member_id)
    return row
