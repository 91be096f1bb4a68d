"""`/api/limits`: how many runs are out at once and a minute: of the tenant, of a source, of a host."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import run_limits, shapes
from api.access import rank
from api.paging import Cursor, Limit
from api.problems import answers, good
from api.request import Asked, Editor, Reader
from api.run_limits import LIMITS, TENANT
from db.pool import Connection
from scheduler import schedules

router = APIRouter(prefix="/api/limits", tags=["limits"], responses=answers(400, 401, 403, 404, 422, 429, 503))

LimitOut = shapes.model_of(run_limits.Limit, "Limit")
LimitList = shapes.list_of(LimitOut, "LimitList")

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
    return LIMITS.answer_list(asking, limit, cursor)


@router.post("", status_code=201, responses=good(201, LimitOut))
def create_limit(asking: Editor, body: LimitIn) -> Response:
    """Makes a limit; it holds for runs planned from now on."""
    _check_may_set(asking, body.name.strip())
    return LIMITS.create(asking, lambda conn: run_limits.create(conn, asking.tenant, **body.model_dump()))


@router.get("/{limit_id}", responses=good(200, LimitOut))
def get_limit(asking: Reader, limit_id: UUID) -> Response:
    """One limit."""
    return LIMITS.answer_one(asking, limit_id)


@router.patch("/{limit_id}", responses=good(200, LimitOut, 412))
def edit_limit(asking: Editor, limit_id: UUID, body: LimitPatch) -> Response:
    """Changes a limit; what is out already stays out."""

    def change(conn: Connection, before: run_limits.Limit) -> run_limits.Limit:
        _check_may_set(asking, before.name)
        return run_limits.edit(conn, asking.tenant, limit_id, body.model_dump(exclude_unset=True))

    return LIMITS.edit(asking, limit_id, change)


@router.delete("/{limit_id}", status_code=204, responses=answers(412))
def delete_limit(asking: Editor, limit_id: UUID) -> Response:
    """Takes a limit away; what waited under it goes on."""

    def check(row: run_limits.Limit) -> None:
        _check_may_set(asking, row.name)

    return LIMITS.remove(asking, limit_id, check, then=schedules.wake)


def _check_may_set(asking: Asked, name: str) -> None:
    if name == TENANT and rank(asking.caller.role) < rank("operator"):
        raise HTTPException(403, "the limit of the tenant itself is the operator's to set")
