"""`/api/crew-responses`: what endpoints answered about users."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import create_model

from api import crew_responses, shapes
from api.crew_responses import CrewResponse, CrewResponseFilter, CrewResponseIn
from api.definitions import read_time
from api.paging import MOST, Limit, Word
from api.problems import answers, good
from api.refusals import refuse
from api.request import Change, Editor, Reader, answer, etag_of
from db.pool import Connection

router = APIRouter(prefix="/api/crew-responses", tags=["crew"], responses=answers(400, 401, 403, 404, 422, 429, 503))

CrewResponseOut = shapes.model_of(CrewResponse, "CrewResponse")
CrewResponseList = create_model(
    "CrewResponseList",
    __doc__="Some of the responses, and how many there are.",
    items=(list[CrewResponseOut], ...),  # type: ignore[valid-type]  # made while running
    total=(int, ...),
    limit=(int, ...),
    offset=(int, ...),
)
When = Annotated[
    str | None,
    Query(max_length=100, description="a time with its offset, or a date, which is all of that day in UTC"),
]


@router.get("", responses=good(200, CrewResponseList))
def list_crew_responses(
    asking: Reader,
    user_uid: Annotated[Word | None, Query(alias="userUid", max_length=255)] = None,
    limit: Limit = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="how many are passed over")] = 0,
    start_date: Annotated[When, Query(alias="startDate")] = None,
    end_date: Annotated[When, Query(alias="endDate")] = None,
    path: Annotated[Word | None, Query(description="a place in the answer, such as `plan.status` or `steps.0`")] = None,
    equals: Annotated[Word | None, Query(description="what stands there, as text")] = None,
    matched: Annotated[bool | None, Query(description="whether the schedule's rule found something in it")] = None,
) -> Response:
    """The responses, newest first."""
    if (path is None) != (equals is None):
        raise refuse("equals" if equals is None else "path", "is needed too: path and equals go together")
    wanted = CrewResponseFilter(
        user_uid,
        _instant("startDate", start_date, timedelta()),
        _instant("endDate", end_date, timedelta(days=1, microseconds=-1)),
        None if path is None else path.split("."),
        equals,
        matched,
    )
    most = min(limit, MOST)
    with asking.listing() as conn:
        rows, total = crew_responses.list_all(conn, asking.tenant, wanted, limit=most, offset=offset)
    return answer({"items": [shapes.plain(row) for row in rows], "total": total, "limit": most, "offset": offset})


@router.post("", status_code=201, responses=good(201, CrewResponseOut))
def create_crew_response(asking: Editor, body: CrewResponseIn) -> Response:
    """Keeps a response that no crew brought."""

    def work(conn: Connection) -> Change:
        shape = shapes.plain(crew_responses.create(conn, asking.tenant, body))
        place = f"/api/crew-responses/{shape['id']}"
        subject = ("crew_response", shape["id"])
        return Change("crew_response.created", subject, None, _told(shape), shape, 201, place, etag_of(shape))

    return asking.writing(work)


@router.get("/{response_id}", responses=good(200, CrewResponseOut))
def get_crew_response(asking: Reader, response_id: UUID) -> Response:
    """One response."""
    with asking.reading() as conn:
        shape = shapes.plain(crew_responses.get(conn, asking.tenant, response_id))
    return answer(shape, etag=etag_of(shape))


@router.delete("/{response_id}", status_code=204, responses=answers(412))
def delete_crew_response(asking: Editor, response_id: UUID) -> Response:
    """Deletes a response."""

    def work(conn: Connection) -> Change:
        asking.check_match(etag_of(shapes.plain(crew_responses.get(conn, asking.tenant, response_id))))
        shape = shapes.plain(crew_responses.delete(conn, asking.tenant, response_id))
        return Change("crew_response.deleted", ("crew_response", response_id), _told(shape), None, status=204)

    return asking.writing(work)


def _told(shape: dict[str, Any]) -> dict[str, Any]:
    """What the audit log keeps of a response: not what it says of the user, which goes when they do."""
    return {name: shape[name] for name in ("id", "userUid", "status", "createdAt")}


def _instant(name: str, text: str | None, rest: timedelta) -> datetime | None:
    """The instant that a parameter names; of a bare date its beginning in UTC, and `rest` on. Raises BadDefinition."""
    if text is None:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) + rest
        return read_time(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise refuse(name, "takes a date, or a time with its offset, such as 2026-03-29T01:00:00Z") from None
