"""`/api/silences`: spans in which nobody is told, of one alert or of all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import shapes, silences
from api.paging import Cursor, Limit
from api.problems import answers, good
from api.request import Editor, Reader
from api.silences import SILENCES, Silence, SilenceIn, SilencePatch
from db.pool import Connection
from scheduler import schedules

router = APIRouter(prefix="/api/silences", tags=["silences"], responses=answers(400, 401, 403, 404, 422, 429, 503))

SilenceOut = shapes.model_of(Silence, "Silence")
SilenceList = shapes.list_of(SilenceOut, "SilenceList")


@router.get("", responses=good(200, SilenceList))
def list_silences(
    asking: Reader,
    is_active: Annotated[
        bool | None, Query(alias="isActive", description="true: those that hold now; false: planned and past ones")
    ] = None,
    alert_id: Annotated[UUID | None, Query(alias="alertId", description="of this alert alone")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The silences, newest first, past ones too."""
    return SILENCES.answer_list(asking, limit, cursor, is_active=is_active, alert_id=alert_id)


@router.post("", status_code=201, responses=good(201, SilenceOut))
def create_silence(asking: Editor, body: SilenceIn) -> Response:
    """Tells nobody for a span; what still fires at its end is told then."""

    def make(conn: Connection) -> Silence:
        return silences.create(conn, asking.tenant, body, created_by=asking.author.who)

    return SILENCES.create(asking, make)


@router.get("/{silence_id}", responses=good(200, SilenceOut))
def get_silence(asking: Reader, silence_id: UUID) -> Response:
    """One silence."""
    return SILENCES.answer_one(asking, silence_id)


@router.patch("/{silence_id}", responses=good(200, SilenceOut, 409, 412))
def edit_silence(asking: Editor, silence_id: UUID, body: SilencePatch) -> Response:
    """Renames a silence or moves its end, to now too; one that is over stays as it was."""
    return SILENCES.edit(asking, silence_id, lambda conn, row: silences.edit(conn, asking.tenant, row, body))


@router.delete("/{silence_id}", status_code=204, responses=answers(409, 412))
def delete_silence(asking: Editor, silence_id: UUID) -> Response:
    """Deletes a silence that has not begun; one that has is history."""

    def check(conn: Connection, row: Silence) -> None:
        silences.check_not_begun(row, schedules.read_now(conn))

    return SILENCES.remove(asking, silence_id, first=check)
