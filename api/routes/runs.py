"""`/api/runs`: what was done, what is being done, and why."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import absence, calendars, holding, reasons, shapes
from api.paging import Cursor, Instant, Limit, Lower, Word, page, place_of, room
from api.problems import answers, good
from api.request import Asked, Change, Editor, Reader, answer
from db.pool import Connection
from scheduler import runs, schedules
from scheduler.runs import Artifact, Attempt, DeadLetter, Delivery, Line, Run, RunFilter, Step

router = APIRouter(tags=["runs"], responses=answers(400, 401, 403, 404, 422, 429, 503))

State = Literal["pending", "queued", "running", "succeeded", "dead", "cancelled", "skipped"]
Origin = Literal["schedule", "manual", "backfill", "child", "replay", "test", "system"]

RunOut = shapes.model_of(Run, "Run")
RunList = shapes.list_of(RunOut, "RunList")


RunDetail = shapes.model_of(
    Run,
    "RunDetail",
    attempts=(list[shapes.model_of(Attempt, "Attempt")], ...),  # type: ignore[misc]  # made while running
    steps=(list[shapes.model_of(Step, "Step")], ...),  # type: ignore[misc]
    logs=(list[shapes.model_of(Line, "LogLine")], ...),  # type: ignore[misc]
    deliveries=(list[shapes.model_of(Delivery, "Delivery")], ...),  # type: ignore[misc]
    deadLetters=(list[shapes.model_of(DeadLetter, "DeadLetter")], ...),  # type: ignore[misc]
    artifacts=(list[shapes.model_of(Artifact, "Artifact")], ...),  # type: ignore[misc]
    decision=(list[str], ...),
)
ArtifactList = shapes.list_of(shapes.model_of(Artifact, "Artifact"), "ArtifactList")


@router.get("/api/runs", responses=good(200, RunList))
def list_runs(
    asking: Reader,
    schedule_id: Annotated[UUID | None, Query(alias="scheduleId")] = None,
    state: Annotated[State | None, Lower, Query()] = None,
    kind: Annotated[Word | None, Query()] = None,
    origin: Annotated[Origin | None, Lower, Query()] = None,
    parent_run_id: Annotated[UUID | None, Query(alias="parentRunId")] = None,
    tag: Annotated[Word | None, Query(description="a tag of the schedule's")] = None,
    first_at: Annotated[Instant, Query(alias="from", description="slots at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="slots at this instant or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The runs, newest slot first."""
    before = place_of(cursor, "runs", asking.tenant)
    wanted = RunFilter(schedule_id, state, kind, origin, parent_run_id, tag, first_at, last_at)
    # A schedule's are found by one plan for all values: planning for its own takes ten times as long as its work.
    with asking.listing() if schedule_id is None else asking.reading() as conn:
        found = runs.list_all(conn, asking.tenant, wanted, before=before, limit=room(limit))
    return answer(page(found, limit, "runs", asking.tenant, lambda run: (run.slot_at, run.id), shapes.plain))


@router.get("/api/runs/{run_id}", responses=good(200, RunDetail))
def get_run(asking: Reader, run_id: UUID) -> Response:
    """One run with its attempts, steps, log lines, deliveries, dead letters and files, and why it is as it is."""
    with asking.reading() as conn:
        return answer(_detail(asking, conn, run_id))


@router.get("/api/runs/{run_id}/artifacts", responses=good(200, ArtifactList))
def list_artifacts(asking: Reader, run_id: UUID) -> Response:
    """The files that the run made, oldest first; all of them are one page."""
    with asking.reading() as conn:
        found = runs.artifacts_of(conn, asking.tenant, run_id)
    return answer({"items": [shapes.plain(each) for each in found], "nextCursor": None})


@router.post("/api/runs/{run_id}/cancel", responses=good(200, RunOut, 409))
def cancel_run(asking: Editor, run_id: UUID) -> Response:
    """Ends an open run; one that is running is asked to stop, and its worker decides."""

    def work(conn: Connection) -> Change:
        before = runs.get(conn, asking.tenant, run_id)
        return _moved("cancelled", before, runs.cancel(conn, asking.tenant, run_id))

    return asking.writing(work)


@router.post("/api/runs/{run_id}/retry", responses=good(200, RunOut, 409))
def retry_run(asking: Editor, run_id: UUID) -> Response:
    """Opens a dead run again; what it did and delivered is kept and not done twice."""

    def work(conn: Connection) -> Change:
        before = runs.get(conn, asking.tenant, run_id)
        return _moved("retried", before, runs.retry(conn, asking.tenant, run_id, by=asking.author.who))

    return asking.writing(work)


def _detail(asking: Asked, conn: Connection, run_id: UUID) -> dict[str, Any]:
    found = runs.show(conn, asking.tenant, run_id)
    shape = shapes.plain(found)
    run = shape.pop("run")
    schedule_id = found.run.schedule_id
    gate = schedules.gate_holder(conn, asking.tenant, schedule_id) if schedule_id else None
    holiday = calendars.holiday_of(conn, asking.tenant, found.run)
    held = holding.of_run(conn, asking.tenant, found.run)
    told = reasons.of_run(found, schedules.read_now(conn), gate, holiday, held=held)
    return {**run, **shape, "decision": [*told, *absence.of_run(conn, found.run)]}


def _moved(what: str, before: Run, after: Run) -> Change:
    shape = shapes.plain(after)
    return Change(f"run.{what}", ("run", after.id), shapes.moved_run(before), shapes.moved_run(after), shape)
