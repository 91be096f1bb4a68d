"""`/api/limits`: how many runs are out at once and a minute: of the tenant, of a source, of a host."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import run_limits, shapes
from api.access import rank
from api.pages import Cursor, Limit, page, place_of, room
from api.problems import answers, good
from api.request import Asked, Change, Editor, Reader, answer, etag_of
from api.run_limits import TENANT
from db.pool import Connection

router = APIRouter(prefix="/api/limits", tags=["limits"], responses=answers(400, 401, 403, 404, 422, 429, 503))

LimitOut = shapes.model_of(run_limits.Limit, "Limit")
LimitList = shapes.list_of(LimitOut, "LimitList")
_COUNTED = frozenset({"running", "waiting"})

Name = Annotated[
    str,
    Field(
        max_length=300,
        description="`tenant` (an operator's to set), `source:ID` or `host:NAME`, with its port unless 80 or 443",
    ),
]
Places = Annotated[
    int, Field(strict=True, ge=0, le=1_000_000, description="runs that are released and not over; 0 holds all back")
]
Rate = Annotated[int, Field(strict=True, ge=1, le=1_000_000, description="runs released a minute, evenly")]


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class LimitIn(_Body):
    """A limit to be made: at least one of its two numbers."""

    name: Name
    max_running: Places | None = None
    max_per_minute: Rate | None = None


class LimitPatch(_Body):
    """What changes; null takes the number away."""

    max_running: Places | None = None
    max_per_minute: Rate | None = None


@router.get("", responses=good(200, LimitList))
def list_limits(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The limits, newest first, with what runs and waits under each."""
    before = place_of(cursor, "limits", asking.tenant)
    with asking.listing() as conn:
        rows = run_limits.list_all(conn, asking.tenant, before=before, limit=room(limit))
    return answer(page(rows, limit, "limits", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, LimitOut))
def create_limit(asking: Editor, body: LimitIn) -> Response:
    """Makes a limit; it holds for runs planned from now on."""
    _check_may_set(asking, body.name.strip())

    def work(conn: Connection) -> Change:
        made = run_limits.create(
            conn, asking.tenant, body.name, max_running=body.max_running, max_per_minute=body.max_per_minute
        )
        return _changed("created", None, made, status=201, location=f"/api/limits/{made.id}")

    return asking.writing(work)


@router.get("/{limit_id}", responses=good(200, LimitOut))
def get_limit(asking: Reader, limit_id: UUID) -> Response:
    """One limit."""
    with asking.reading() as conn:
        shape = shapes.plain(run_limits.get(conn, asking.tenant, limit_id))
    return answer(shape, etag=etag_of(shape, _COUNTED))


@router.patch("/{limit_id}", responses=good(200, LimitOut, 412))
def edit_limit(asking: Editor, limit_id: UUID, body: LimitPatch) -> Response:
    """Changes a limit; what is out already stays out."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, limit_id)
        after = run_limits.edit(conn, asking.tenant, limit_id, body.model_dump(exclude_unset=True))
        return _changed("edited", before, after)

    return asking.writing(work)


@router.delete("/{limit_id}", status_code=204, responses=answers(412))
def delete_limit(asking: Editor, limit_id: UUID) -> Response:
    """Takes a limit away; what waited under it goes on."""

    def work(conn: Connection) -> Change:
        before = _locked(asking, conn, limit_id)
        run_limits.delete(conn, asking.tenant, limit_id)
        return Change("limit.deleted", ("limit", limit_id), shapes.plain(before), None, status=204)

    return asking.writing(work)


def _locked(asking: Asked, conn: Connection, limit_id: UUID) -> run_limits.Limit:
    """The limit that the caller may change, as the caller read it. Raises HTTPException, NotFound, Stale."""
    row = run_limits.locked(conn, asking.tenant, limit_id)
    _check_may_set(asking, row.name)
    asking.check_match(etag_of(shapes.plain(row), _COUNTED))
    return row


def _check_may_set(asking: Asked, name: str) -> None:
    if name == TENANT and rank(asking.caller.role) < rank("operator"):
        raise HTTPException(403, "the limit of the tenant itself is the operator's to set")


def _changed(
    what: str,
    before: run_limits.Limit | None,
    after: run_limits.Limit,
    *,
    status: int = 200,
    location: str | None = None,
) -> Change:
    shape = shapes.plain(after)
    past = before and shapes.plain(before)
    return Change(f"limit.{what}", ("limit", after.id), past, shape, shape, status, location, etag_of(shape, _COUNTED))
