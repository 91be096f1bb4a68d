"""`/api/suppressions`: whom the tenant mails no more; a DELETE subscribes them again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, suppressions
from api.paging import Cursor, Limit, page, place_of, room
from api.problems import answers, good
from api.request import Change, Editor, Reader, answer, etag_of
from api.suppressions import Reason
from db.pool import Connection

router = APIRouter(
    prefix="/api/suppressions", tags=["suppressions"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)

SuppressionOut = shapes.model_of(suppressions.Suppression, "Suppression")
SuppressionList = shapes.list_of(SuppressionOut, "SuppressionList")


class SuppressionIn(BaseModel):
    """A suppression to be made by hand."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    recipient: Annotated[str, Field(max_length=254, description="one plain e-mail address")]
    schedule_id: Annotated[
        UUID | None, Field(description="mails of this schedule alone; null: all of the tenant's")
    ] = None
    note: Annotated[str | None, Field(max_length=500, description="why, for whoever reads it later")] = None


@router.get("", responses=good(200, SuppressionList))
def list_suppressions(
    asking: Reader,
    recipient: Annotated[str | None, Query(max_length=254, description="of this address alone, in any case")] = None,
    reason: Annotated[Reason | None, Query(description="for this reason alone")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who is mailed no more, newest first."""
    before = place_of(cursor, "suppressions", asking.tenant)
    with asking.listing() as conn:
        rows = suppressions.list_all(
            conn, asking.tenant, recipient=recipient, reason=reason, before=before, limit=room(limit)
        )
    return answer(page(rows, limit, "suppressions", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, SuppressionOut))
def create_suppression(asking: Editor, body: SuppressionIn) -> Response:
    """Mails an address no more; what waits for it is not sent."""

    def work(conn: Connection) -> Change:
        made = suppressions.create(
            conn, asking.tenant, body.recipient, schedule_id=body.schedule_id, source="api", note=body.note
        )
        shape = shapes.plain(made)
        where = f"/api/suppressions/{made.id}"
        kept = suppressions.told(made)
        return Change("suppression.created", ("suppression", made.id), None, kept, shape, 201, where, etag_of(shape))

    return asking.writing(work)


@router.get("/{suppression_id}", responses=good(200, SuppressionOut))
def get_suppression(asking: Reader, suppression_id: UUID) -> Response:
    """One suppression."""
    with asking.reading() as conn:
        shape = shapes.plain(suppressions.get(conn, asking.tenant, suppression_id))
    return answer(shape, etag=etag_of(shape))


@router.delete("/{suppression_id}", status_code=204, responses=answers(412))
def delete_suppression(asking: Editor, suppression_id: UUID) -> Response:
    """Mails the address again; what was suppressed meanwhile stays so until it is resent."""

    def work(conn: Connection) -> Change:
        asking.check_match(etag_of(shapes.plain(suppressions.get(conn, asking.tenant, suppression_id))))
        gone = suppressions.told(suppressions.delete(conn, asking.tenant, suppression_id))
        return Change("suppression.deleted", ("suppression", suppression_id), gone, None, status=204)

    return asking.writing(work)
