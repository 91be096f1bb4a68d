"""`/schedules/new` and `/schedules/{id}/edit`: a schedule told in a form that says at once what it means and when it fires."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi.responses import Response
from pydantic import ValidationError

from api import definitions, tenant_rules
from api.definitions import ScheduleIn
from api.pages import schedule_bodies
from api.pages.forms import Form, Typed, Values
from api.pages.page import EditorPage, Page, told
from api.pages.params_fields import ParamField, fields_of
from api.pages.rooms import names_of, with_chosen
from api.pages.route import pages
from api.pages.schedule import room_of
from api.pages.schedules import words_of
from api.problems import Refusal
from api.refusals import BadDefinition, of_model, of_recurrence
from api.routes import calendars, schedules
from api.routes.kinds import described
from api.routes.schedules import SchedulePatch
from config.environ import QUEUES
from config.zones import NAMES
from scheduler import ahead
from scheduler.ahead import Night
from scheduler.refusals import NotFound
from scheduler.slots import BadRecurrence, Slot
from workers.kind import Kind

router = pages("schedules")

_SHOWN: Final = 5
_NOBODY: Final = UUID(int=0)
_calendars: Final = names_of(calendars.list_calendars)
# What a schedule is that nobody has told anything yet.
_FRESH: Final = {
    "how": "cron", "cronExpression": "0 9 * * 1-5", "dstGap": "end", "dstFold": "first", "misfirePolicy": "once",
    "misfireGraceSeconds": "60", "misfireLimit": "1000", "overlapPolicy": "skip", "jitterSeconds": "0",
    "maxAttempts": "5", "backoff.baseSeconds": "10", "backoff.maxSeconds": "3600", "unknownDeliveryPolicy": "resend",
    "priority": "5",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What a form's timing means: in words, its next slots, the coming nights when its clock turns; or what is wrong."""

    words: str = ""
    slots: tuple[Slot, ...] = ()
    nights: tuple[Night, ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()


@router.get("/schedules/new")
def new_schedule(page: EditorPage, kind: str = "") -> Response:
    """The form for a schedule of `?kind=`; without one, the kinds to choose from."""
    found = page.asking.web.kinds.get(kind)
    if found is None or found.made_at:
        return _choice(page)
    with page.reading() as conn:
        zone = tenant_rules.default_timezone(conn, page.tenant)
    return _form(page, found, Values(_FRESH | {"timezone": zone}))


@router.post("/schedules/new")
def create_schedule(page: EditorPage, form: Typed) -> Response:
    """Makes a schedule."""
    kind = _kind(page, form["kind"])
    page.if_refused(lambda refusal: _form(page, kind, form.typed(), refusal))
    body = schedule_bodies.body_of(form, "UTC")
    made = told(schedules.create_schedule(page.asking, definitions.read_schedule({**body, "jobType": kind.name})))
    return page.done(f"/schedules/{made['id']}", f"The schedule {made['name']} is made.")


@router.post("/schedules/new/look")
def look_at_new(page: EditorPage, form: Typed) -> Response:
    """The form with what its timing means; nothing is made."""
    return _form(page, _kind(page, form["kind"]), form.typed())


@router.get("/schedules/{schedule_id}/edit")
def edit_form(page: EditorPage, schedule_id: UUID) -> Response:
    """The form with what the schedule is told now."""
    return _edit(page, schedule_id)


@router.post("/schedules/{schedule_id}/edit")
def edit_schedule(page: EditorPage, schedule_id: UUID, form: Typed) -> Response:
    """Changes what was changed in the form, if nobody else changed the schedule since it was shown."""
    page.if_refused(lambda refusal: _edit(page, schedule_id, form, refusal))
    patch = schedule_bodies.patch_of(form, _shown(form), form["timezone"])
    if not patch:
        return page.done(f"/schedules/{schedule_id}", "Nothing was changed.")
    body = Form([]).body(SchedulePatch, **patch)
    made = told(schedules.edit_schedule(page.read_as(form["etag"]), schedule_id, body))
    return page.done(f"/schedules/{schedule_id}", f"{made['name']} is changed.")


@router.post("/schedules/{schedule_id}/edit/look")
def look_at_edit(page: EditorPage, schedule_id: UUID, form: Typed) -> Response:
    """The form with what its timing would mean; nothing is changed."""
    return _edit(page, schedule_id, form)


def _choice(page: Page) -> Response:
    kinds = [(kind, room_of(kind.made_at)) for _, kind in sorted(page.asking.web.kinds.items())]
    return page.show(
        "schedules/kinds.html.j2", kinds=[(kind, room) for kind, room in kinds if room or not kind.made_at]
    )


def _kind(page: Page, name: str) -> Kind:
    found = page.asking.web.kinds.get(name)
    if found is None:
        raise NotFound(f"there is no kind {name}")
    return found


def _edit(page: Page, schedule_id: UUID, form: Form | None = None, refusal: Refusal | None = None) -> Response:
    answered = schedules.get_schedule(page.asking, schedule_id)
    shape = told(answered)
    kind = page.asking.web.kinds.get(shape["jobType"])
    fields = _fields(kind)
    now = Values(schedule_bodies.texts(shape, fields), status=shape["status"], pauseNote=shape["pauseNote"] or "")
    typed, etag, shown, since = now, answered.headers["etag"], now, []
    if form is not None:
        shown = Values(_shown(form))
        typed = Values(now | form.typed())
        if refusal is not None and refusal.status == 412:
            # What nobody touched here is as it is now; what was typed stays.
            kept = schedule_bodies.changed_groups(form, shown)
            typed = Values(now | {name: text for name, text in form.typed().items() if name.partition(".")[0] in kept})
            since = [(name, shown[name], text) for name, text in now.items() if shown[name] != text]
            shown = now
        else:
            etag = form["etag"]
    return _form(page, kind, typed, refusal, schedule=shape, etag=etag, shown=json.dumps(shown), since=since)


def _shown(form: Form) -> dict[str, str]:
    """What stood in the fields when the form was shown, as the form itself says."""
    try:
        found = json.loads(form["shown"])
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(text) for name, text in found.items()} if isinstance(found, dict) else {}


def _fields(kind: Kind | None) -> list[ParamField]:
    return [] if kind is None or kind.made_at else fields_of(described(kind).params)


def _form(
    page: Page,
    kind: Kind | None,
    typed: Values,
    refusal: Refusal | None = None,
    *,
    schedule: Mapping[str, Any] | None = None,
    **more: Any,
) -> Response:
    schedule_id = _NOBODY if schedule is None else UUID(schedule["id"])
    return page.show(
        "schedules/form.html.j2",
        **{"etag": "", "shown": "", "since": [], **more},
        kind=kind,
        fields=_fields(kind),
        typed=typed,
        refusal=refusal,
        schedule=schedule,
        seen=_look(page, typed, kind, schedule_id),
        day_of=_day_of,
        zones=sorted(NAMES),
        queues=QUEUES,
        calendars=with_chosen(_calendars(page), typed["calendarId"]),
    )


def _day_of(local: str) -> str:
    """The day of a slot by its own clock."""
    day = datetime.fromisoformat(local)
    return f"{day:%a} {day.day} {day:%b %Y}"


def _wrong(error: BadDefinition) -> Look:
    return Look(wrong=tuple((each.pointer, each.detail) for each in error.problems))


def _look(page: Page, typed: Values, kind: Kind | None, schedule_id: UUID) -> Look:
    """What the timing that was typed means."""
    any_kind = kind or next(iter(page.asking.web.kinds.values()))
    try:
        told_timing = schedule_bodies.body_of(schedule_bodies.timing_of(typed), "UTC")
        new = definitions.definition(
            ScheduleIn.model_validate({**told_timing, "jobType": any_kind.name}), any_kind, schedule_id
        )
        with page.reading() as conn:
            timing = ahead.timing_before(conn, page.tenant, new, schedule_id)
    except BadRecurrence as error:
        return _wrong(of_recurrence(error))
    except BadDefinition as error:
        return _wrong(error)
    except ValidationError as error:
        return _wrong(of_model(error))
    shown = _SHOWN if new.max_runs is None else min(_SHOWN, new.max_runs)
    nights = [night for night in timing.nights(2) if any(slot.dst for slot in night.slots)]
    words = words_of(new.cron, new.recurrence, new.interval_seconds, new.timezone, str(schedule_id))
    return Look(words, tuple(timing.next(shown)), tuple(nights))
