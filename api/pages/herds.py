"""`/schedules/bulk`: many schedules are paused or resumed, once it was shown what becomes of which."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import HTTPException
from fastapi.responses import Response

from api.pages import look
from api.pages.forms import Form, Typed, read_as
from api.pages.page import EditorPage, Page, told
from api.pages.route import pages
from api.pages.schedules import FILTERS
from api.paging import MOST
from api.problems import Refusal
from api.routes import schedules
from api.routes.schedules import PauseIn
from scheduler.refusals import NotFound, WrongState

router = pages("schedules")

MOST_AT_ONCE: Final = 1000
_DONE: Final = {"pause": "paused", "resume": "resumed"}
# Which statuses a change is for, and which only when that is said: what failed needs mending before it goes on.
_FOR: Final = {"pause": ("active", ""), "resume": ("paused", "failed")}
# What is looked for where nothing was ticked: what changes, and what somebody should know of before.
_LOOKED_FOR: Final = {"pause": ("active", "paused"), "resume": ("paused", "failed")}


class Herd(NamedTuple):
    """What would become of many: those that change, those that change only when it is said, and those that stay."""

    changing: Sequence[Mapping[str, Any]]
    failed: Sequence[Mapping[str, Any]]
    staying: Sequence[tuple[str, int]]
    notes: Sequence[tuple[str, int]]
    has_more: bool


class Kept(NamedTuple):
    """A schedule that a change of many left as it was, and why."""

    id: UUID
    why: str


@router.post("/schedules/bulk/ask")
def ask_first(page: EditorPage, form: Typed) -> Response:
    """What would become of the schedules that were ticked, or of all that the filters leave; nothing is done."""
    return _ask(page, form, _weighed(page, form))


@router.post("/schedules/bulk")
def change_many(page: EditorPage, form: Typed) -> Response:
    """Pauses or resumes the schedules that the page before named; each by itself."""
    verb = _verb(form)
    ids = _ids(form, "id") + (_ids(form, "failedId") if form["failed"] == "yes" else [])
    page.if_refused(lambda refusal: _ask(page, form, _herd(verb, _named(page, ids), has_more=False), refusal))
    pause = read_as(PauseIn, {"note": form["note"].strip() or None}) if verb == "pause" else None
    back = look.address("/schedules", _filters(form))
    refused = _change_each(page, ids, pause)
    done = len(ids) - len(refused)
    said = f"{done} {'schedule is' if done == 1 else 'schedules are'} {_DONE[verb]}."
    if not refused:
        return page.done(back, said if ids else f"No schedule is {_DONE[verb]}: none was ticked.")
    return page.show("schedules/refused.html.j2", sentence=said, refused=refused, back=back)


def _ask(page: Page, form: Form, herd: Herd, refusal: Refusal | None = None) -> Response:
    return page.show(
        "schedules/herd.html.j2",
        verb=_verb(form),
        herd=herd,
        is_every=form["every"] == "yes",
        filters=_filters(form),
        note=form["note"],
        back=look.address("/schedules", _filters(form)),
        refusal=refusal,
        most=MOST_AT_ONCE,
    )


def _verb(form: Form) -> str:
    if form["do"] not in _FOR:
        raise HTTPException(400, "a herd is paused or resumed")
    return form["do"]


def _filters(form: Form) -> dict[str, str]:
    return {name: form[name] for name in FILTERS if form[name]}


def _weighed(page: Page, form: Form) -> Herd:
    verb = _verb(form)
    if form["every"] != "yes":
        return _herd(verb, _named(page, _ids(form, "id")), has_more=False)
    found = [_matching(page, _filters(form), status) for status in _LOOKED_FOR[verb]]
    rows = [row for rows in found for row in rows[:MOST_AT_ONCE]]
    return _herd(verb, rows, has_more=len(found[0]) > MOST_AT_ONCE)


def _herd(verb: str, rows: Sequence[Mapping[str, Any]], *, has_more: bool) -> Herd:
    plainly, when_said = _FOR[verb]
    rested = [row["pauseNote"] or "" for row in rows if row["status"] == "paused"]
    return Herd(
        [row for row in rows if row["status"] == plainly],
        [row for row in rows if row["status"] == when_said],
        Counter(row["status"] for row in rows if row["status"] not in (plainly, when_said)).most_common(),
        Counter(rested).most_common(),
        has_more,
    )


def _ids(form: Form, name: str) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(each) for each in form.all(name)))[:MOST_AT_ONCE]
    except ValueError:
        raise HTTPException(400, "a schedule has an id") from None


def _named(page: Page, ids: Sequence[UUID]) -> list[Mapping[str, Any]]:
    """The schedules of these ids; one that is gone is left out."""
    found: list[Mapping[str, Any]] = []
    for each in ids:
        try:
            found.append(told(schedules.get_schedule(page.asking, each)))
        except NotFound:
            continue
    return found


def _matching(page: Page, filters: Mapping[str, Any], status: str) -> list[Mapping[str, Any]]:
    """The schedules of a status that the filters leave, some more at most than are changed at once."""
    found: list[Mapping[str, Any]] = []
    cursor = None
    while filters.get("status", status) == status and len(found) <= MOST_AT_ONCE:
        wanted = {**filters, "status": status}
        part = told(schedules.list_schedules(page.asking, limit=MOST, cursor=cursor, **wanted))
        found += part["items"]
        cursor = part["nextCursor"]
        if cursor is None:
            break
    return found


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
