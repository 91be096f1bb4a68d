"""`/runs`: what was done and what is being done; a run's page says why it is as it is, and has the buttons that mend it."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api import artifacts as files
from api import holding
from api.charts import run_way
from api.pages import file_views, people
from api.pages.forms import Typed
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.route import pages
from api.paging import Cursor, Instant, Word
from api.routes import alert_events, artifacts, deliveries, runs
from api.routes.runs import Origin, State
from scheduler.refusals import NotFound, WrongState
from scheduler.schedules import read_now

router = pages("runs")
STATES = ("pending", "queued", "running", "succeeded", "dead", "cancelled", "skipped")
ORIGINS = ("schedule", "manual", "backfill", "child", "replay", "test", "system")
OPEN = frozenset({"pending", "queued", "running"})
# Which states of a delivery each button sends again: what did not arrive, and what may have arrived.
UNSENT: Final = {"unsent": ("failed", "bounced"), "unknown": ("unknown",)}
_CHILDREN = 20
_EVENTS = 25


@router.get("/runs")
def list_runs(
    page: ViewerPage,
    schedule_id: Annotated[UUID | None, Query(alias="scheduleId")] = None,
    state: State | None = None,
    kind: Word | None = None,
    origin: Origin | None = None,
    parent_run_id: Annotated[UUID | None, Query(alias="parentRunId")] = None,
    tag: Word | None = None,
    first_at: Annotated[Instant, Query(alias="from")] = None,
    last_at: Annotated[Instant, Query(alias="to")] = None,
    cursor: Cursor = None,
) -> Response:
    """The runs, newest slot first."""
    wanted = (schedule_id, state, kind, origin, parent_run_id, tag, first_at, last_at)
    found = told(runs.list_runs(page.asking, *wanted, cursor=cursor))
    with page.reading() as conn:
        now = read_now(conn)
    kinds = sorted(page.asking.web.kinds)
    return page.show("runs/list.html.j2", found=found, kinds=kinds, states=STATES, origins=ORIGINS, now=now)


@router.get("/runs/{run_id}")
def show_run(page: ViewerPage, run_id: UUID) -> Response:
    """One run."""
    run = people.in_run(page.asking, told(runs.get_run(page.asking, run_id)))
    children = told(runs.list_runs(page.asking, parent_run_id=run_id, limit=_CHILDREN))
    events = told(alert_events.list_alert_events(page.asking, run_id=run_id, limit=_EVENTS))
    with page.reading() as conn:
        now = read_now(conn)
        limits = holding.named(conn, page.tenant, run["limitedBy"] or [])
    return page.show(
        "runs/one.html.j2",
        run=run,
        limits=limits,
        events=events,
        children=children,
        way=run_way.draw(run, now),
        views={each["id"]: file_views.way_of(each["format"]) for each in run["artifacts"]},
        is_open=run["state"] in OPEN or any(each["state"] in ("pending", "sending") for each in run["deliveries"]),
        again={
            which: [each for each in run["deliveries"] if each["state"] in states] for which, states in UNSENT.items()
        },
        now=now,
    )


@router.post("/runs/{run_id}/cancel")
def cancel_run(page: EditorPage, run_id: UUID) -> Response:
    """Ends an open run, or asks its worker to."""
    run = told(runs.cancel_run(page.asking, run_id))
    said = "The run is cancelled." if run["state"] == "cancelled" else "Its worker is asked to stop."
    return page.done(f"/runs/{run_id}", said)


@router.post("/runs/{run_id}/retry")
def retry_run(page: EditorPage, run_id: UUID) -> Response:
    """Opens a dead run again."""
    runs.retry_run(page.asking, run_id)
    return page.done(f"/runs/{run_id}", "The run is open again; nobody who was served is served twice.")


@router.post("/runs/{run_id}/resend")
def resend_unsent(page: EditorPage, run_id: UUID, form: Typed) -> Response:
    """Sends again what did not arrive, or what may have arrived where the form says so; nothing else."""
    states = UNSENT["unknown" if form["which"] == "unknown" else "unsent"]
    run = told(runs.get_run(page.asking, run_id))
    sent = sum(_is_resent(page, UUID(each["id"])) for each in run["deliveries"] if each["state"] in states)
    return page.done(f"/runs/{run_id}", f"{sent} of {len(run['deliveries'])} messages are sent again.")


def _is_resent(page: Page, delivery_id: UUID) -> bool:
    """True when it is sent again; one that somebody else has sent meanwhile keeps none of the others back."""
    try:
        deliveries.resend_delivery(page.asking, delivery_id)
    except (WrongState, NotFound):
        return False
    return True


@router.get("/artifacts/{artifact_id}/view")
def view_artifact(page: ViewerPage, artifact_id: UUID) -> Response:
    """A file within a page: as a picture, a document, or its first rows."""
    with page.reading() as conn:
        file = files.get(conn, page.tenant, artifact_id)
    return file_views.view(page, file)


@router.get("/artifacts/{artifact_id}/download")
def download_artifact(page: ViewerPage, artifact_id: UUID) -> Response:
    """A file, to be saved."""
    return artifacts.download_artifact(page.asking, artifact_id)
