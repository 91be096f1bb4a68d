"""The section of schedules: those whose kind has no section of its own. Whether one is paused is left as it is."""

from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from api import definitions, edits, shapes
from api.definitions import ScheduleIn
from api.refusals import refuse
from config.seal import is_sealed
from db.sealed import params_place
from scheduler import schedules
from scheduler.definition import Schedule
from scheduler.recurrence import whole as whole_recurrence
from scheduler.schedules import ScheduleFilter
from scheduler.slots import BadRecurrence
from tocsin.stack.names import Fields
from tocsin.stack.sections import ANOTHER, MASK, MOST, Means, Section, Settling
from workers.kind import Kind

_OPEN = ("active", "paused", "failed")


def is_over(row: Any) -> str | None:
    """Why a row can be made no other any more; None while it can."""
    if row.status != "cancelled":
        return None
    return "is cancelled for good; delete it, or give this one another name, and it is made anew"


def _schedules(means: Means) -> list[Schedule]:
    kinds = [name for name, kind in means.kinds.items() if not kind.made_at]
    wanted = [ScheduleFilter(kind=name) for name in kinds]
    return [row for each in wanted for row in schedules.list_all(means.conn, means.tenant, each, limit=MOST)]


def _schedule_body(row: Schedule) -> Fields:
    shown = shapes.schedule(row)
    return {str(each.alias): shown[str(each.alias)] for each in ScheduleIn.model_fields.values()}


def _tidy_schedule(fields: Fields) -> None:
    told = fields.get("recurrence")
    if told:
        given = {name: value for name, value in told.items() if value is not None}
        with suppress(BadRecurrence, TypeError, ValueError):
            # What is left open is what it becomes; but for the date that periods are counted from.
            filled = whole_recurrence(given, date(1970, 1, 1))
            fields["recurrence"] = filled if "from" in given else {**filled, "from": None}


def _kind(means: Means, name: str) -> Kind:
    kind = means.kinds.get(name)
    if kind is None:
        raise refuse("jobType", f"there is no kind {name!r} here; the kinds are {', '.join(sorted(means.kinds))}")
    if kind.made_at:
        raise refuse("jobType", f"schedules of {name} are made at {kind.made_at}, which has a section of its own")
    return kind


def _settle_schedule(at: Settling) -> None:
    wanted, kind = at.wanted, _kind(at.means, at.wanted["jobType"])
    if at.written.get("timezone") is None:
        wanted["timezone"] = at.means.timezone
    if wanted["timeoutSeconds"] is None:
        wanted["timeoutSeconds"] = kind.timeout_seconds
    wanted["queue"] = wanted["queue"] or kind.queue
    keep_from(wanted.get("recurrence"), at.have and at.have.says.get("recurrence"), ("every", "interval"))
    wanted["jobPayload"] = _payload(at, kind)


def keep_from(wanted: Any, have: Any, names: tuple[str, ...]) -> None:
    """Periods that are passed over go on being counted from where they were, unless a file says from where."""
    if wanted and have and wanted.get("from") is None and all(wanted.get(name) == have.get(name) for name in names):
        wanted["from"] = have.get("from")


def _payload(at: Settling, kind: Kind) -> Fields:
    """The params that are wanted, with a mask for each secret that is the stored one."""
    given = at.written.get("jobPayload") or {}
    if at.have is None:
        params = definitions.read_params(kind, given)
        return definitions.with_secrets(kind, params.model_dump(mode="json", by_alias=True), lambda _: MASK)
    stored: Fields = at.have.row.params
    opened = _opened(stored, at.means, at.have.row.id)
    params = definitions.read_params(kind, _filled(given, at.have.says["jobPayload"], opened))
    secrets = set(_texts(opened)) - set(_texts(stored))
    found = params.model_dump(mode="json", by_alias=True)
    return definitions.with_secrets(kind, found, lambda text: MASK if text in secrets else ANOTHER)


def _opened(value: Any, means: Means, schedule_id: UUID) -> Any:
    if isinstance(value, dict):
        return {name: _opened(each, means, schedule_id) for name, each in value.items()}
    if isinstance(value, str) and is_sealed(value):
        return means.seal.open(value, params_place(means.tenant, schedule_id))
    return value


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _filled(given: Any, masked: Any, put: Any) -> Any:
    """What is given, and in each place that it does not name and where a secret is stored, what is put there."""
    if not isinstance(given, dict) or not isinstance(masked, dict):
        return given
    found = {}
    for name in [*given, *(each for each in masked if each not in given)]:
        kept = put.get(name) if isinstance(put, dict) else put
        if name in given:
            found[name] = kept if given[name] == MASK else _filled(given[name], masked.get(name), kept)
        elif masked[name] == MASK:
            found[name] = kept
        elif isinstance(masked[name], dict) and MASK in masked[name].values():
            found[name] = _filled({}, masked[name], kept)
    return found


def _make_schedule(means: Means, body: Fields) -> Schedule:
    return definitions.create_schedule(
        means.conn,
        means.tenant,
        definitions.read_schedule(body),
        kinds=means.kinds,
        seal=means.seal,
        retention_days=means.retention_days,
        created_by=means.who,
        crew_url=means.crew_url,
    )


def _edit_schedule(means: Means, row: Schedule, changes: Fields, whole: Fields) -> Schedule:
    patch = dict(changes)
    if "jobPayload" in patch:
        # The masks are opened where it is checked that a secret goes nowhere else.
        patch["jobPayload"] = _filled(whole.get("jobPayload") or {}, shapes.schedule(row)["jobPayload"], MASK)
    return edits.edit_schedule(means.conn, means.tenant, row.id, patch, kinds=means.kinds, seal=means.seal)


def _cancel_schedule(means: Means, row: Schedule) -> None:
    """Cancels it, and lets its name be taken again."""
    if row.status in _OPEN:
        gone = f"{row.name[:170]} (deleted {str(row.id)[:8]})"
        schedules.edit(means.conn, means.tenant, row.id, {"name": gone})
        schedules.cancel(means.conn, means.tenant, row.id)


SCHEDULES = Section(
    "schedules",
    "schedule",
    ScheduleIn,
    rows=_schedules,
    lock=lambda means, row_id: schedules.locked(means.conn, means.tenant, row_id),
    create=_make_schedule,
    change=_edit_schedule,
    delete=_cancel_schedule,
    body_of=_schedule_body,
    shown=shapes.schedule,
    fixed=("jobType",),
    left=("intervalAnchor",),
    always=("timezone",),
    tidy=_tidy_schedule,
    settle=_settle_schedule,
    over=is_over,
    schedule_of=lambda row: row.id,
)
