"""`/schedules/{id}/backfill`: the runs that slots of the past lack: first what it would do, then it is done."""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi.responses import Response

from api.definitions import read_time
from api.pages.forms import Form, Typed, Values
from api.pages.page import EditorPage, Page, told
from api.pages.route import pages
from api.pages.times import local_of, with_offset
from api.problems import Refusal
from api.routes import schedules
from api.routes.schedules import BackfillIn
from db.jsonb import rfc3339
from scheduler import asked
from scheduler.asked import Backfill
from scheduler.refusals import BadSpan
from scheduler.schedules import read_now

router = pages("schedules")

_A_DAY = timedelta(days=1)


@router.get("/schedules/{schedule_id}/backfill")
def preview_backfill(page: EditorPage, schedule_id: UUID) -> Response:
    """The span that is asked for, and what a backfill of it would do; nothing is done."""
    typed = Values({name: page.query[name] for name in ("from", "to")})
    if not typed["from"] or not typed["to"]:
        return _form(page, schedule_id, typed)
    try:
        shape = told(schedules.get_schedule(page.asking, schedule_id))
        first, last = (_read(name, typed[name], shape["timezone"]) for name in ("from", "to"))
        with page.reading() as conn:
            found = asked.preview_backfill(
                conn,
                page.tenant,
                schedule_id,
                first,
                last,
                retention_days=page.asking.web.settings.retention_days,
            )
    except _BadTime as error:
        return _form(page, schedule_id, typed, _refusal(error.field, str(error)))
    except BadSpan as error:
        return _form(page, schedule_id, typed, _refusal("from", str(error)))
    return _form(page, schedule_id, typed, found=found, span=(rfc3339(first), rfc3339(last)))


@router.post("/schedules/{schedule_id}/backfill")
def backfill_schedule(page: EditorPage, schedule_id: UUID, form: Typed) -> Response:
    """Makes the runs."""
    page.if_refused(lambda refusal: _form(page, schedule_id, _typed_of(page, schedule_id, form), refusal))
    made = len(told(schedules.backfill_schedule(page.asking, schedule_id, form.body(BackfillIn)))["runIds"])
    said = (
        "No run is made: each slot has its own."
        if not made
        else f"{made} {'run is' if made == 1 else 'runs are'} made."
    )
    return page.done(f"/schedules/{schedule_id}", said)


def _typed_of(page: Page, schedule_id: UUID, form: Form) -> Values:
    """The span of the page before as its fields say it; what is no time stays as it is."""
    timezone = told(schedules.get_schedule(page.asking, schedule_id))["timezone"]
    typed = Values()
    for name in ("from", "to"):
        try:
            typed[name] = local_of(form[name] or None, timezone)
        except ValueError:
            typed[name] = form[name]
    return typed


class _BadTime(ValueError):
    """What was typed is no time."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


def _read(field: str, text: str, timezone: str) -> datetime:
    try:
        return read_time(with_offset(text, timezone))
    except ValueError as error:
        raise _BadTime(field, str(error)) from None


def _refusal(field: str, why: str) -> Refusal:
    return Refusal(422, "", why, {field: why})


def _form(
    page: Page,
    schedule_id: UUID,
    typed: Values,
    refusal: Refusal | None = None,
    found: Backfill | None = None,
    span: tuple[str, str] = ("", ""),
) -> Response:
    shape = told(schedules.get_schedule(page.asking, schedule_id))
    with page.reading() as conn:
        now = read_now(conn).replace(second=0, microsecond=0)
    timezone = shape["timezone"]
    shown = Values({"from": local_of((now - _A_DAY).isoformat(), timezone), "to": local_of(now.isoformat(), timezone)})
    return page.show(
        "schedules/backfill.html.j2",
        schedule=shape,
        typed=shown | {name: text for name, text in typed.items() if text},
        refusal=refusal,
        found=found,
        span=span,
        most=asked.MOST_BACKFILLED,
    )
