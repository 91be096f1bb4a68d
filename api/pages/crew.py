"""`/crew`: the default crew, whom it asks about whom, how far its runs are, and the calls that died."""

from typing import Any
from uuid import UUID

from fastapi.responses import Response

from api.pages.forms import Typed
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.rooms import Shape
from api.pages.route import pages
from api.paging import Cursor
from api.problems import Refusal
from api.routes import crew_endpoints, crew_scheduler, dead_letters, runs
from api.routes.crew_scheduler import CrewAction
from scheduler import runs as run_rows
from scheduler.refusals import NotFound, WrongState
from scheduler.schedules import read_now

_RUNS = 10
_LETTERS = 25
_OPEN = frozenset({"pending", "queued", "running"})

router = pages("crew")


@router.get("/crew")
def show_crew(page: ViewerPage) -> Response:
    """How the crew stands."""
    return _crew(page)


@router.post("/crew/start")
def start_crew(page: EditorPage, form: Typed) -> Response:
    """Starts the default crew, or has it run at another interval."""
    page.if_refused(lambda refusal: _crew(page, refusal, form["intervalMinutes"]))
    crew_scheduler.move_crew_scheduler(page.asking, form.body(CrewAction, action="start"))
    return page.done("/crew", "The crew runs by itself.")


@router.post("/crew/stop")
def stop_crew(page: EditorPage) -> Response:
    """Stops the default crew with all its calls."""
    page.if_refused(lambda refusal: _crew(page, refusal))
    crew_scheduler.move_crew_scheduler(page.asking, CrewAction(action="stop"))
    return page.done("/crew", "The crew is stopped, with its calls.")


@router.post("/crew/run")
def run_crew(page: EditorPage) -> Response:
    """Has the default crew run now."""
    page.if_refused(lambda refusal: _crew(page, refusal))
    crew_scheduler.move_crew_scheduler(page.asking, CrewAction(action="run-now"))
    return page.done("/crew", "The crew asks about everybody now.")


@router.get("/crew/dead-letters")
def list_letters(page: ViewerPage, cursor: Cursor = None) -> Response:
    """The calls that died, each with its user."""
    found = told(dead_letters.list_dead_letters(page.asking, kind="crew.ask", limit=_LETTERS, cursor=cursor))
    with page.reading() as conn:
        now = read_now(conn)
        users = {each["id"]: _user_of(conn, page.tenant, each) for each in found["items"]}
    return page.show("crew/letters.html.j2", found=found, users=users, now=now)


@router.post("/crew/dead-letters/{letter_id}/replay")
def replay_letter(page: EditorPage, letter_id: UUID) -> Response:
    """Asks about a user again; by the letter's id or its run's."""
    run = told(dead_letters.replay_dead_letter(page.asking, letter_id))
    return page.done(f"/runs/{run['id']}", f"{run['itemKey'] or 'It'} is asked about again.")


def _crew(page: Page, refusal: Refusal | None = None, minutes: str = "") -> Response:
    found = told(runs.list_runs(page.asking, kind="crew.call", limit=_RUNS))
    with page.reading() as conn:
        now = read_now(conn)
    stands, why = _status(page)
    return page.show(
        "crew/crew.html.j2",
        stands=stands,
        why=why,
        minutes=minutes,
        refusal=refusal,
        endpoints=told(crew_endpoints.list_crew_endpoints(page.asking, limit=100))["items"],
        runs=found["items"],
        is_open=any(each["state"] in _OPEN for each in found["items"]),
        now=now,
    )


def _status(page: Page) -> tuple[Shape | None, str]:
    """How the default crew stands, or why it can't be said: another schedule has its name."""
    try:
        return told(crew_scheduler.get_crew_scheduler(page.asking)), ""
    except WrongState as error:
        return None, str(error)


def _user_of(conn: Any, tenant_id: UUID, letter: Shape) -> str | None:
    """The user whom a dead call was about; None where its run is no more."""
    try:
        return run_rows.get(conn, tenant_id, UUID(letter["runId"])).item_key
    except NotFound:
        return None
