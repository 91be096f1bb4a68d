"""`/crew`: the default crew, whom it asks about whom, how far its runs are, and the calls that died."""

from uuid import UUID

from fastapi.responses import Response

from api import shapes
from api.pages.forms import Typed
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.rooms import Shape
from api.pages.route import pages
from api.paging import Cursor
from api.problems import Refusal
from api.routes import crew_endpoints, crew_scheduler, dead_letters, schedules
from api.routes.crew_scheduler import CrewAction
from db.pool import Connection
from scheduler import runs
from scheduler.refusals import WrongState
from scheduler.schedules import read_now

_RUNS, _CREWS = 10, 50
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
    return page.show("crew/letters.html.j2", found=found, now=now)


@router.post("/crew/dead-letters/{letter_id}/replay")
def replay_letter(page: EditorPage, letter_id: UUID) -> Response:
    """Asks about a user again; by the letter's id or its run's."""
    run = told(dead_letters.replay_dead_letter(page.asking, letter_id))
    return page.done(f"/runs/{run['id']}", f"{run['itemKey'] or 'It'} is asked about again.")


def _crew(page: Page, refusal: Refusal | None = None, minutes: str = "") -> Response:
    crews = told(schedules.list_schedules(page.asking, kind="crew.call", limit=_CREWS))["items"]
    with page.reading() as conn:
        now = read_now(conn)
        found = _last_runs(conn, page.tenant, [UUID(each["id"]) for each in crews])
    stands, why = _status(page)
    return page.show(
        "crew/crew.html.j2",
        stands=stands,
        why=why,
        minutes=minutes,
        refusal=refusal,
        endpoints=told(crew_endpoints.list_crew_endpoints(page.asking, limit=100))["items"],
        crews=crews,
        runs=found,
        is_open=any(each["state"] in _OPEN for each in found),
        now=now,
    )


def _last_runs(conn: Connection, tenant_id: UUID, crew_ids: list[UUID]) -> list[Shape]:
    """The newest runs of these crews; a list by kind would read past each of their calls."""
    found = [each for some in runs.latest(conn, tenant_id, crew_ids, _RUNS).values() for each in some]
    newest = sorted(found, key=lambda each: each.slot_at, reverse=True)[:_RUNS]
    return [shapes.plain(runs.get(conn, tenant_id, each.id)) for each in newest]


def _status(page: Page) -> tuple[Shape | None, str]:
    """How the default crew stands, or why it can't be said: another schedule has its name."""
    try:
        return told(crew_scheduler.get_crew_scheduler(page.asking)), ""
    except WrongState as error:
        return None, str(error)
