"""`/api/dead-letters`: runs that died, waiting for somebody to replay or discard them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes
from api.definitions import Line, Time
from api.paging import Cursor, Instant, Limit, Lower, Word, page, place_of, room
from api.problems import answers, good
from api.request import Change, Editor, Reader, answer
from api.routes.runs import RunOut
from db.pool import Connection
from scheduler import dead
from scheduler.dead import LetterFilter
from scheduler.runs import DeadLetter

router = APIRouter(
    prefix="/api/dead-letters", tags=["dead letters"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)

State = Literal["open", "replayed", "discarded"]
Cause = Literal["rejected", "attempts_exhausted", "expired"]
MOST_REPLAYED = 1000

LetterOut = shapes.model_of(DeadLetter, "DeadLetter")
LetterList = shapes.list_of(LetterOut, "DeadLetterList")


class ReplayIn(BaseModel):
    """Which open dead letters: those that the list shows for the same filters, at most `limit` of them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    schedule_id: UUID | None = None
    kind: Line | None = None
    cause: Annotated[Cause | None, Lower] = None
    first: Time | None = Field(None, alias="from")
    last: Time | None = Field(None, alias="to")
    limit: Annotated[int, Field(strict=True, ge=1, le=MOST_REPLAYED)] = MOST_REPLAYED


class Replayed(BaseModel):
    """The runs that are open again, and whether more letters fit the filters."""

    runIds: list[UUID]  # noqa: N815  as the contract names it
    hasMore: bool  # noqa: N815


@router.get("", responses=good(200, LetterList))
def list_dead_letters(
    asking: Reader,
    state: Annotated[State, Lower, Query()] = "open",
    schedule_id: Annotated[UUID | None, Query(alias="scheduleId")] = None,
    kind: Annotated[Word | None, Query()] = None,
    cause: Annotated[Cause | None, Lower, Query()] = None,
    first_at: Annotated[Instant, Query(alias="from", description="died at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="died at this instant or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The dead letters in a state, newest first."""
    before = place_of(cursor, "dead-letters", asking.tenant)
    wanted = LetterFilter(state, schedule_id, kind, cause, first_at, last_at)
    with asking.listing() as conn:
        found = dead.list_all(conn, asking.tenant, wanted, before=before, limit=room(limit))
    return answer(
        page(found, limit, "dead-letters", asking.tenant, lambda letter: (letter.created_at, letter.id), shapes.plain)
    )


@router.post("/replay", status_code=202, responses=good(202, Replayed))
def replay_dead_letters(asking: Editor, body: ReplayIn) -> Response:
    """Opens the runs of many dead letters again, all of them or none; ask again while there are more."""

    def work(conn: Connection) -> Change:
        wanted = LetterFilter("open", body.schedule_id, body.kind, body.cause, body.first, body.last)
        letters = dead.list_all(conn, asking.tenant, wanted, limit=body.limit + 1)
        made = [dead.replay(conn, asking.tenant, each.id, by=asking.author.who).id for each in letters[: body.limit]]
        shape = {"runIds": made, "hasMore": len(letters) > body.limit}
        filters = body.model_dump(mode="json", by_alias=True, exclude_none=True)
        return Change("dead_letter.replayed", ("dead_letter", "*"), None, {**filters, **shape}, shape, 202)

    return asking.writing(work)


@router.get("/{letter_id}", responses=good(200, LetterOut))
def get_dead_letter(asking: Reader, letter_id: UUID) -> Response:
    """One dead letter, by its id or its run's."""
    with asking.reading() as conn:
        return answer(shapes.plain(dead.get(conn, asking.tenant, letter_id)))


@router.post("/{letter_id}/replay", responses=good(200, RunOut, 409))
def replay_dead_letter(asking: Editor, letter_id: UUID) -> Response:
    """Opens its run again; what was done and delivered is not done twice."""

    def work(conn: Connection) -> Change:
        letter = dead.get(conn, asking.tenant, letter_id)
        run = dead.replay(conn, asking.tenant, letter_id, by=asking.author.who)
        return Change(
            "dead_letter.replayed",
            ("dead_letter", letter.id),
            {"state": letter.state},
            {"runId": run.id},
            shapes.plain(run),
        )

    return asking.writing(work)


@router.delete("/{letter_id}", status_code=204, responses=answers(409))
def discard_dead_letter(asking: Editor, letter_id: UUID) -> Response:
    """Settles it without a replay; its run stays dead."""

    def work(conn: Connection) -> Change:
        letter = dead.discard(conn, asking.tenant, letter_id, by=asking.author.who)
        after: dict[str, Any] = {"state": letter.state}
        return Change("dead_letter.discarded", ("dead_letter", letter.id), {"state": "open"}, after, status=204)

    return asking.writing(work)
