"""`/api/dead-letters`: runs that died, waiting for somebody to replay or discard them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes
from api.definitions import Line, Time
from api.paging import Cursor, Instant, Limit, Lower, Word, page, place_of, room
from api.problems import answers, good
from api.request import Change, Editor, Reader, answer
from api.routes.runs import RunOut
from db.pool import Connection
from db.walls import plan_each, plan_once
from scheduler import dead
from scheduler.dead import DeadGroup, LetterFilter
from scheduler.runs import DeadLetter

router = APIRouter(
    prefix="/api/dead-letters", tags=["dead letters"], responses=answers(400, 401, 403, 404, 422, 429, 503)
)

State = Literal["open", "replayed", "discarded"]
Cause = Literal["rejected", "attempts_exhausted", "expired"]
OfSchedule = Annotated[UUID | None, Query(alias="scheduleId", description="of its runs and of what these made")]
OfRun = Annotated[UUID | None, Query(alias="parentRunId", description="of what this run made")]
MOST_AT_ONCE = 1000
MOST_GROUPS = 100

LetterOut = shapes.model_of(DeadLetter, "DeadLetter")
LetterList = shapes.list_of(LetterOut, "DeadLetterList")
GroupOut = shapes.model_of(DeadGroup, "DeadGroup")


def _one_text(text: str) -> str:
    """A pattern as errors have it: any text that Postgres keeps."""
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("takes valid text without the character NUL")
    return text


Pattern = Annotated[str, AfterValidator(_one_text), Field(max_length=200)]


class LettersIn(BaseModel):
    """Which open dead letters: those that the list shows for the same filters, at most `limit` of them, newest first."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    letter_ids: Annotated[list[UUID], Field(max_length=MOST_AT_ONCE)] | None = None
    schedule_id: UUID | None = None
    parent_run_id: UUID | None = None
    kind: Line | None = None
    cause: Annotated[Cause | None, Lower] = None
    error: Pattern | None = None
    first: Time | None = Field(None, alias="from")
    last: Time | None = Field(None, alias="to")
    limit: Annotated[int, Field(strict=True, ge=1, le=MOST_AT_ONCE)] = MOST_AT_ONCE

    def found(self, conn: Connection, tenant_id: UUID) -> tuple[list[DeadLetter], bool]:
        """The letters in the order in which their runs are locked, and whether more fit the filters."""
        wanted = LetterFilter(
            "open",
            self.schedule_id,
            self.parent_run_id,
            self.kind,
            self.cause,
            self.error,
            self.letter_ids,
            self.first,
            self.last,
        )
        plan_each(conn)
        letters = dead.list_all(conn, tenant_id, wanted, limit=self.limit + 1)
        plan_once(conn)
        return sorted(letters[: self.limit], key=lambda each: each.run_id), len(letters) > self.limit

    def told(self) -> dict[str, Any]:
        """The filters, as the audit log keeps them."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Replayed(BaseModel):
    """The runs that are open again, and whether more letters fit the filters."""

    runIds: list[UUID]  # noqa: N815  as the contract names it
    hasMore: bool  # noqa: N815


class Discarded(BaseModel):
    """The letters that are settled, and whether more fit the filters."""

    letterIds: list[UUID]  # noqa: N815  as the contract names such
    hasMore: bool  # noqa: N815


class DeadGroups(BaseModel):
    """The groups, the largest first, and whether there are others or older letters that were not looked at."""

    items: list[GroupOut]  # type: ignore[valid-type]  # a model made of a row
    hasMore: bool  # noqa: N815


class Effect(BaseModel):
    """What a replay would do, or a discard would leave undone."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    letters: int
    schedules: int
    delivered: int
    recipients: int
    paused: int
    cancelled: int
    oldest_slot_at: datetime | None
    newest_slot_at: datetime | None
    has_more: bool


@router.get("", responses=good(200, LetterList))
def list_dead_letters(
    asking: Reader,
    state: Annotated[State, Lower, Query()] = "open",
    schedule_id: OfSchedule = None,
    parent_run_id: OfRun = None,
    kind: Annotated[Word | None, Query()] = None,
    cause: Annotated[Cause | None, Lower, Query()] = None,
    error: Annotated[Pattern | None, Query(description="a group's `error`")] = None,
    first_at: Annotated[Instant, Query(alias="from", description="died at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="died at this instant or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The dead letters in a state, newest first."""
    before = place_of(cursor, "dead-letters", asking.tenant)
    wanted = LetterFilter(state, schedule_id, parent_run_id, kind, cause, error, None, first_at, last_at)
    with asking.listing() as conn:
        found = dead.list_all(conn, asking.tenant, wanted, before=before, limit=room(limit))
    return answer(
        page(found, limit, "dead-letters", asking.tenant, lambda letter: (letter.created_at, letter.id), shapes.plain)
    )


@router.get("/groups", responses=good(200, DeadGroups))
def group_dead_letters(
    asking: Reader,
    schedule_id: OfSchedule = None,
    parent_run_id: OfRun = None,
    kind: Annotated[Word | None, Query()] = None,
    cause: Annotated[Cause | None, Lower, Query()] = None,
    first_at: Annotated[Instant, Query(alias="from", description="died at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="died at this instant or earlier")] = None,
) -> Response:
    """The newest 10,000 open dead letters by kind, cause and error; numbers and ids in an error make no difference."""
    wanted = LetterFilter("open", schedule_id, parent_run_id, kind, cause, None, None, first_at, last_at)
    with asking.listing() as conn:
        found = dead.groups(conn, asking.tenant, wanted, limit=MOST_GROUPS + 1)
    shown = found[:MOST_GROUPS]
    has_more = len(found) > MOST_GROUPS or sum(each.letters for each in shown) >= dead.MOST_GROUPED
    return answer({"items": [shapes.plain(each) for each in shown], "hasMore": has_more})


@router.post("/effect", responses=good(200, Effect))
def weigh_dead_letters(asking: Reader, body: LettersIn) -> Response:
    """What a replay of many dead letters would do, or a discard would leave undone; nothing is changed."""
    with asking.reading() as conn:
        letters, has_more = body.found(conn, asking.tenant)
        plan_each(conn)
        met = dead.weigh(conn, asking.tenant, letters)
    slots = sorted(each.slot_at for each in letters)
    effect = Effect(
        letters=len(letters),
        schedules=len({each.schedule_id for each in letters if each.schedule_id}),
        **met._asdict(),
        oldest_slot_at=slots[0] if slots else None,
        newest_slot_at=slots[-1] if slots else None,
        has_more=has_more,
    )
    return answer(effect.model_dump(by_alias=True))


@router.post("/replay", status_code=202, responses=good(202, Replayed, 409))
def replay_dead_letters(asking: Editor, body: LettersIn) -> Response:
    """Opens the runs of many dead letters again, all of them or none; ask again while there are more."""

    def work(conn: Connection) -> Change:
        letters, has_more = body.found(conn, asking.tenant)
        made = [dead.replay(conn, asking.tenant, each.id, by=asking.author.who).id for each in letters]
        shape = {"runIds": made, "hasMore": has_more}
        return Change("dead_letter.replayed", ("dead_letter", "*"), None, {**body.told(), **shape}, shape, 202)

    return asking.writing(work)


@router.post("/discard", responses=good(200, Discarded, 409))
def discard_dead_letters(asking: Editor, body: LettersIn) -> Response:
    """Settles many dead letters without a replay, all of them or none; ask again while there are more."""

    def work(conn: Connection) -> Change:
        letters, has_more = body.found(conn, asking.tenant)
        made = [dead.discard(conn, asking.tenant, each.id, by=asking.author.who).id for each in letters]
        shape = {"letterIds": made, "hasMore": has_more}
        return Change("dead_letter.discarded", ("dead_letter", "*"), None, {**body.told(), **shape}, shape)

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
