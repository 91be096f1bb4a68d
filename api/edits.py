"""Schedules as people and programs change them: the fields given are laid over what is stored, and the whole is checked."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic.alias_generators import to_camel

from api.definitions import ScheduleIn, read_params, read_schedule, sealed_params
from api.named import check_named
from api.recurrences import told
from api.refusals import of_recurrence, refuse
from api.shapes import MASK
from config.seal import Place, Seal, is_sealed
from db.pool import Connection
from db.sealed import params_place
from scheduler import schedules
from scheduler.definition import Schedule, definition_of
from scheduler.slots import BadRecurrence
from workers.kind import Kind


def edit_schedule(
    conn: Connection,
    tenant_id: UUID,
    schedule_id: UUID,
    patch: Mapping[str, Any],
    *,
    kinds: Mapping[str, Kind],
    seal: Seal,
) -> Schedule:
    """The schedule with the fields of `patch` changed, the others left; what is checked is the whole that comes out.

    A secret that comes back as it is shown, `***`, is kept. Raises what `create_schedule` raises, NotFound, WrongState.
    """
    row = schedules.locked(conn, tenant_id, schedule_id)
    kind = kinds.get(row.kind)
    if patch.get("jobType", row.kind) != row.kind:
        raise refuse("jobType", "does not change; make another schedule")
    body = read_schedule(_patched(row, patch))
    if kind is not None and kind.is_gated_only and body.overlap_policy == "allow":
        raise refuse("overlapPolicy", f"takes skip, queue or cancel_running: {kind.name} keeps state between its runs")
    columns = {ScheduleIn.model_fields[name].alias: name for name in ScheduleIn.model_fields}
    changes = _columns_of(body, {name for alias, name in columns.items() if alias in patch})
    if "jobPayload" in patch:
        changes |= _patched_params(conn, row, patch["jobPayload"], kind, seal)
    try:
        return schedules.edit(conn, tenant_id, schedule_id, changes)
    except BadRecurrence as error:
        raise of_recurrence(error) from None


_COLUMN_OF = {"cron_expression": "cron"}
_RECURRENCES = ("cronExpression", "intervalSeconds", "scheduledAt", "recurrence")


def _patched(row: Schedule, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The body that would make the schedule as it is, with the patch laid over it; a new way to recur takes the old off."""
    stored = definition_of(row)
    whole: dict[str, Any] = {"jobType": row.kind, "jobPayload": {}}
    for name, field in ScheduleIn.model_fields.items():
        if name not in ("job_type", "job_payload"):
            whole[field.alias or name] = getattr(stored, _COLUMN_OF.get(name, name))
    whole["tags"] = list(stored.tags)
    if any(patch.get(name) is not None for name in _RECURRENCES):
        whole |= dict.fromkeys((*_RECURRENCES, "intervalAnchor"))
    return {**whole, **patch}


def _columns_of(body: ScheduleIn, names: set[str]) -> dict[str, Any]:
    """The values of these fields as the columns take them."""
    found = {_COLUMN_OF.get(name, name): getattr(body, name) for name in names - {"job_type", "job_payload"}}
    if "recurrence" in found:
        found["recurrence"] = told(body.recurrence)
    if "backoff" in found:
        found["backoff"] = body.backoff.model_dump(by_alias=True)
    if "tags" in found:
        found["tags"] = tuple(body.tags)
    for name in ("name", "timeout_seconds", "queue"):
        if name in found and found[name] is None:
            raise refuse(to_camel(name), "takes a value")
    return found


def _patched_params(conn: Connection, row: Schedule, payload: Any, kind: Kind | None, seal: Seal) -> dict[str, Any]:
    """The columns that follow from the params."""
    if kind is None:
        raise refuse("jobPayload", f"there is no kind {row.kind!r} here that could check it")
    if kind.made_at:
        raise refuse("jobPayload", f"is changed at {kind.made_at}, with all that belongs to it")
    place = params_place(row.tenant_id, row.id)
    params = read_params(kind, whole := _unmasked(payload, row.params, seal, place))
    check_named(conn, row.tenant_id, kind, params)
    if whole != payload and _origin(whole) != _origin(row.params):
        # A stored secret goes nowhere else than where it was given for.
        raise refuse("params.url", "takes the secrets again when the host or the port changes")
    return {"params": sealed_params(kind, params, seal, place), "uses": tuple(kind.uses(params))}


def _origin(params: Mapping[str, Any]) -> tuple[str, str]:
    """Where the params' secrets are sent to."""
    parts = urlsplit(str(params.get("url", "")))
    return parts.scheme, parts.netloc.lower()


def _unmasked(given: Any, stored: Any, seal: Seal, place: Place) -> Any:
    """What was given, with the secret that is stored in the place of each mask."""
    if isinstance(given, dict) and isinstance(stored, dict):
        return {name: _unmasked(value, stored.get(name), seal, place) for name, value in given.items()}
    if given == MASK and isinstance(stored, str) and is_sealed(stored):
        return seal.open(stored, place)
    return given
