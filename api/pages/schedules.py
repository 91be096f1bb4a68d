"""`/schedules`: what is to be done and when, with each one's latest runs; many are paused and resumed at once."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import HTTPException
from fastapi.responses import Response

from api.pages import look
from api.pages.forms import Form, Typed
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.route import pages
from api.paging import MOST, Limit, Word
from api.routes import schedules
from api.routes.schedules import PauseIn
from scheduler import runs
from scheduler.pattern_words import explain_pattern
from scheduler.refusals import NotFound, WrongState
from scheduler.schedules import read_now
from scheduler.words import explain

router = pages("schedules")

STATUSES: Final = ("active", "paused", "failed", "completed", "cancelled")
FILTERS: Final = ("kind", "status", "tag", "search")
MOST_AT_ONCE: Final = 1000
_STRIP = 20


@router.get("/schedules")
def list_schedules(
    page: ViewerPage,
    kind: Word | None = None,
    status: schedules.Status = None,
    tag: Word | None = None,
    search: Word | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Response:
    """The schedules, newest first."""
    found = told(
        schedules.list_schedules(
            page.asking, kind=kind, status=status, tag=tag, search=search, limit=limit, cursor=cursor
        )
    )
    rows = found["items"]
    with page.reading() as conn:
        now = read_now(conn)
        latest = runs.latest(conn, page.tenant, [UUID(row["id"]) for row in rows], _STRIP)
    return page.show(
        "schedules/list.html.j2",
        found=found,
        strips={str(each): cells for each, cells in latest.items()},
        when=when_of,
        now=now,
        kinds=sorted(page.asking.web.kinds),
        statuses=STATUSES,
        is_filtered=any(page.query[name] for name in FILTERS),
    )


@router.post("/schedules/bulk")
def change_many(page: EditorPage, form: Typed) -> Response:
    """Pauses or resumes the schedules that were ticked, or all that the filters leave; each by itself."""
    doing = _DOINGS.get(form["do"])
    if doing is None:
        raise HTTPException(400, "a herd is paused or resumed")
    filters = {name: form[name] for name in FILTERS if form[name]}
    ids, has_more = _matching(page, filters, doing) if form["every"] == "yes" else (_ticked(form), False)
    pause = PauseIn.model_validate({"note": form["note"].strip() or None}) if form["do"] == "pause" else None
    refused = _change_each(page, ids, pause)
    done = len(ids) - len(refused)
    said = f"{done} {'schedule is' if done == 1 else 'schedules are'} {doing.done}."
    if has_more:
        said += f" There are more: {MOST_AT_ONCE} at a time."
    if not refused:
        return page.done(look.address("/schedules", filters), said if ids else "No schedule was ticked.")
    return page.show(
        "schedules/refused.html.j2", sentence=said, refused=refused, back=look.address("/schedules", filters)
    )


class Doing(NamedTuple):
    """A change of many: which statuses it is for, and what they are then."""

    statuses: tuple[str, ...]
    done: str


_DOINGS: Final = {"pause": Doing(("active",), "paused"), "resume": Doing(("paused", "failed"), "resumed")}


class Kept(NamedTuple):
    """A schedule that a change of many left as it was, and why."""

    id: UUID
    why: str


def _change_each(page: Page, ids: Sequence[UUID], pause: PauseIn | None) -> list[Kept]:
    """Those that could not be changed; each of the others is."""
    kept = []
    for each in ids:
        try:
            if pause is None:
                schedules.resume_schedule(page.asking, each)
            else:
                schedules.pause_schedule(page.asking, each, pause)
        except (WrongState, NotFound) as error:
            kept.append(Kept(each, str(error)))
    return kept


def _ticked(form: Form) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(each) for each in form.all("id")))[:MOST_AT_ONCE]
    except ValueError:
        raise HTTPException(400, "a schedule has an id") from None


def _matching(page: Page, filters: Mapping[str, Any], doing: Doing) -> tuple[list[UUID], bool]:
    """The ids of the schedules that the filters leave and the change is for, and whether there are more of them."""
    found: list[UUID] = []
    for status in doing.statuses:
        if filters.get("status", status) != status:
            continue
        cursor = None
        while len(found) <= MOST_AT_ONCE:
            wanted = {**filters, "status": status}
            part = told(schedules.list_schedules(page.asking, limit=MOST, cursor=cursor, **wanted))
            found += [UUID(row["id"]) for row in part["items"]]
            cursor = part["nextCursor"]
            if cursor is None:
                break
    return found[:MOST_AT_ONCE], len(found) > MOST_AT_ONCE


def when_of(shape: Mapping[str, Any]) -> str:
    """When the schedule fires, in plain words."""
    return words_of(
        shape["cronExpression"], shape["recurrence"], shape["intervalSeconds"], shape["timezone"], shape["id"]
    )


def words_of(
    cron: str | None, recurrence: Mapping[str, Any] | None, interval: int | None, timezone: str, schedule_id: str
) -> str:
    """When what recurs so fires, in plain words."""
    if cron is not None:
        return _explained(cron, timezone, schedule_id if "H" in cron.upper() else "")
    if recurrence is not None:
        return explain_pattern(recurrence, timezone)
    return "Once" if interval is None else f"Every {look.span(interval)}"


@lru_cache(maxsize=4096)
def _explained(expression: str, timezone: str, hash_id: str) -> str:
    # A herd has few expressions.
    return explain(expression, timezone, hash_id)
