"""`/dead-letters`: what failed for good, by what it died of; many are replayed or discarded once their effect was shown."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.definitions import Time
from api.pages import people
from api.pages.forms import Typed
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.route import pages
from api.paging import Cursor, Instant, Lower, Word
from api.problems import Refusal
from api.routes import dead_letters, runs
from api.routes.dead_letters import MOST_AT_ONCE, Cause, LettersIn, OfRun, OfSchedule, Pattern, State
from scheduler.schedules import read_now

router = pages("dead-letters")
STATES = ("open", "replayed", "discarded")
CAUSES = ("rejected", "attempts_exhausted", "expired")
_HERE = "/dead-letters"
Verb = Literal["replay", "discard"]
Ticked = Annotated[list[UUID] | None, Query(alias="letterIds", max_length=MOST_AT_ONCE)]


@router.get("/dead-letters")
def list_groups(
    page: ViewerPage,
    schedule_id: OfSchedule = None,
    parent_run_id: OfRun = None,
    kind: Word | None = None,
    cause: Annotated[Cause | None, Lower] = None,
    first_at: Annotated[Instant, Query(alias="from")] = None,
    last_at: Annotated[Instant, Query(alias="to")] = None,
) -> Response:
    """The open dead letters by what they died of."""
    found = told(
        dead_letters.group_dead_letters(page.asking, schedule_id, parent_run_id, kind, cause, first_at, last_at)
    )
    return _show(page, "groups", found=found)


@router.get("/dead-letters/list")
def list_letters(
    page: ViewerPage,
    state: Annotated[State, Lower] = "open",
    schedule_id: OfSchedule = None,
    parent_run_id: OfRun = None,
    kind: Word | None = None,
    cause: Annotated[Cause | None, Lower] = None,
    error: Annotated[Pattern | None, Query()] = None,
    first_at: Annotated[Instant, Query(alias="from")] = None,
    last_at: Annotated[Instant, Query(alias="to")] = None,
    cursor: Cursor = None,
) -> Response:
    """The dead letters of a state or a group, newest first."""
    wanted = (state, schedule_id, parent_run_id, kind, cause, error, first_at, last_at)
    found = told(dead_letters.list_dead_letters(page.asking, *wanted, cursor=cursor))
    return _show(page, "list", found=found, state=state)


@router.get("/dead-letters/replay")
@router.get("/dead-letters/discard")
def ask_first(
    page: EditorPage,
    letter_ids: Ticked = None,
    ticked: Literal["yes"] | None = None,
    schedule_id: OfSchedule = None,
    parent_run_id: OfRun = None,
    kind: Word | None = None,
    cause: Annotated[Cause | None, Lower] = None,
    error: Annotated[Pattern | None, Query()] = None,
    first: Annotated[Time | None, Query(alias="from")] = None,
    last: Annotated[Time | None, Query(alias="to")] = None,
) -> Response:
    """What would become of the letters, before anything does."""
    with page.reading() as conn:
        now = read_now(conn)
    # Of boxes none of which is ticked nothing is sent, and that is not a filter which all letters pass.
    if ticked and letter_ids is None:
        letter_ids = []
    # Those that die from now on are not among what is shown, so they are not among what is done.
    wanted = LettersIn(
        letter_ids=letter_ids,
        schedule_id=schedule_id,
        parent_run_id=parent_run_id,
        kind=kind,
        cause=cause,
        error=error,
        first=first,
        last=last or now,
    )
    return _ask(page, wanted)


@router.post("/dead-letters/replay")
def replay_letters(page: EditorPage, form: Typed) -> Response:
    """Opens the runs again that the page before told of."""
    wanted = form.body(LettersIn)
    page.if_refused(lambda refusal: _ask(page, wanted, refusal))
    made = told(dead_letters.replay_dead_letters(page.asking, wanted))
    return page.done(_HERE, f"{_runs(len(made['runIds']))} open again.{_more(made)}")


@router.post("/dead-letters/discard")
def discard_letters(page: EditorPage, form: Typed) -> Response:
    """Settles the letters that the page before told of."""
    wanted = form.body(LettersIn)
    page.if_refused(lambda refusal: _ask(page, wanted, refusal))
    made = told(dead_letters.discard_dead_letters(page.asking, wanted))
    count = len(made["letterIds"])
    said = "One dead letter is discarded" if count == 1 else f"{count} dead letters are discarded"
    return page.done(_HERE, f"{said}.{_more(made)}")


@router.get("/dead-letters/{letter_id}")
def show_letter(page: ViewerPage, letter_id: UUID) -> Response:
    """One dead letter, by its id or its run's."""
    letter = told(dead_letters.get_dead_letter(page.asking, letter_id))
    run = people.in_run(page.asking, told(runs.get_run(page.asking, UUID(letter["runId"]))))
    return _show(page, "one", letter=letter, run=run)


def _ask(page: Page, wanted: LettersIn, refusal: Refusal | None = None) -> Response:
    verb: Verb = "replay" if page.request.url.path.endswith("replay") else "discard"
    effect = told(dead_letters.weigh_dead_letters(page.asking, wanted))
    return _show(page, "ask", verb=verb, wanted=wanted, effect=effect, fields=_fields(wanted), refusal=refusal)


def _fields(wanted: LettersIn) -> list[tuple[str, Any]]:
    """The hidden fields that ask for the same letters again; a pattern goes as JSON, as nothing of it may change."""
    fields: list[tuple[str, Any]] = [("letterIds:list", each) for each in wanted.letter_ids or ()]
    fields += [
        ("scheduleId", wanted.schedule_id),
        ("parentRunId", wanted.parent_run_id),
        ("kind", wanted.kind),
        ("cause", wanted.cause),
        ("error:json", json.dumps(wanted.error) if wanted.error is not None else None),
        ("from", wanted.first.isoformat() if wanted.first else None),
        ("to", wanted.last.isoformat() if wanted.last else None),
    ]
    return [(name, value) for name, value in fields if value is not None]


def _show(page: Page, template: str, **values: Any) -> Response:
    with page.reading() as conn:
        now = read_now(conn)
    kinds = sorted(page.asking.web.kinds)
    return page.show(f"dead_letters/{template}.html.j2", now=now, kinds=kinds, causes=CAUSES, states=STATES, **values)


def _runs(count: int) -> str:
    return "One run is" if count == 1 else f"{count} runs are"


def _more(made: dict[str, Any]) -> str:
    return " There are more: ask again for them." if made["hasMore"] else ""
