"""`/api/members`: the people of a tenant, and what each may."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import members, shapes
from api.members import Member, MemberIn, MemberPatch, Role
from api.paging import Cursor, Limit, Lower, page, place_of, room
from api.problems import answers, good
from api.request import Admin, AdminReader, Change, answer, etag_of
from db.pool import Connection

router = APIRouter(prefix="/api/members", tags=["members"], responses=answers(400, 401, 403, 404, 422, 429, 503))

MemberOut = shapes.model_of(Member, "Member")
MemberList = shapes.list_of(MemberOut, "MemberList")


@router.get("", responses=good(200, MemberList))
def list_members(
    asking: AdminReader,
    role: Annotated[Role | None, Lower, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The members, newest first."""
    before = place_of(cursor, "members", asking.tenant)
    with asking.listing() as conn:
        rows = members.list_all(conn, asking.tenant, role=role, before=before, limit=room(limit))
    return answer(page(rows, limit, "members", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, MemberOut))
def create_member(asking: Admin, body: MemberIn) -> Response:
    """Makes a member; from now on a JWT of that subject has this role."""

    def work(conn: Connection) -> Change:
        made = members.create(conn, asking.tenant, body)
        return _changed("created", None, made, status=201, location=f"/api/members/{made.id}")

    return asking.writing(work)


@router.get("/{member_id}", responses=good(200, MemberOut))
def get_member(asking: AdminReader, member_id: UUID) -> Response:
    """One member."""
    with asking.reading() as conn:
        shape = shapes.plain(members.get(conn, asking.tenant, member_id))
    return answer(shape, etag=etag_of(shape))


@router.patch("/{member_id}", responses=good(200, MemberOut, 412))
def edit_member(asking: Admin, member_id: UUID, body: MemberPatch) -> Response:
    """Changes a member; one that is disabled is let in nowhere."""

    def work(conn: Connection) -> Change:
        before = members.locked(conn, asking.tenant, member_id)
        asking.check_match(etag_of(shapes.plain(before)))
        return _changed("edited", before, members.edit(conn, asking.tenant, member_id, body))

    return asking.writing(work)


@router.delete("/{member_id}", status_code=204, responses=answers(412))
def delete_member(asking: Admin, member_id: UUID) -> Response:
    """Deletes a member; the audit log keeps what they did under their subject."""

    def work(conn: Connection) -> Change:
        asking.check_match(etag_of(shapes.plain(members.locked(conn, asking.tenant, member_id))))
        before = members.delete(conn, asking.tenant, member_id)
        return Change("member.deleted", ("member", member_id), members.audited(before), None, status=204)

    return asking.writing(work)


def _changed(
    what: str, before: Member | None, after: Member, *, status: int = 200, location: str | None = None
) -> Change:
    shape = shapes.plain(after)
    past = before and members.audited(before)
    kept = members.audited(after)
    return Change(f"member.{what}", ("member", after.id), past, kept, shape, status, location, etag_of(shape))
