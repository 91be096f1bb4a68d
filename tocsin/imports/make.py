"""What an import found, made into schedules: each by its name once, however often it is imported."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from tocsin.imports.found import Found, Untold
from tocsin.installation import record, retention_days, seal, who

if TYPE_CHECKING:
    from db.pool import Connection
    from scheduler.definition import Schedule
    from workers.kind import Kind

_COMPARED = {
    "jobType": "kind",
    "cronExpression": "cron",
    "intervalSeconds": "interval_seconds",
    "timezone": "timezone",
    "maxRuns": "max_runs",
}


class Target(NamedTuple):
    """What is called instead: for a task that matches a pattern of `kinds` that kind, for all others `url` by http.call."""

    url: str | None = None
    params: Mapping[str, Any] = {}
    kinds: Mapping[str, Mapping[str, Any]] = {}


class Became(NamedTuple):
    """What became of an entry: `made`, `there` already, or `left`; with the schedule, or the reason."""

    entry: Found
    what: str
    schedule: "Schedule | None" = None
    why: str = ""
    body: Mapping[str, Any] = {}


def make_all(
    conn: "Connection",
    tenant_id: UUID,
    entries: Sequence[Found],
    target: Target,
    origin: str,
    kinds: "Mapping[str, Kind]",
) -> Iterator[Became]:
    """What becomes of each entry, made in the caller's transaction, with an audit entry for each schedule made."""
    from scheduler import schedules
    from scheduler.refusals import NotFound

    for entry in entries:
        try:
            body = body_of(entry, target, origin)
        except Untold as error:
            yield Became(entry, "left", why=str(error))
            continue
        try:
            there = schedules.get(conn, tenant_id, entry.name)
        except NotFound:
            yield _made(conn, tenant_id, entry, body, kinds)
        else:
            yield Became(entry, "there", there, _otherwise(there, body), body)


def _made(
    conn: "Connection", tenant_id: UUID, entry: Found, body: Mapping[str, Any], kinds: "Mapping[str, Kind]"
) -> Became:
    from api import crew_default
    from api.definitions import create_schedule, read_schedule
    from api.refusals import BadDefinition
    from api.shapes import schedule as shown
    from db.pool import transaction
    from scheduler import schedules
    from scheduler.refusals import NameTaken

    try:
        with transaction(conn):
            made = create_schedule(
                conn,
                tenant_id,
                read_schedule(body),
                kinds=kinds,
                seal=seal(),
                retention_days=retention_days(),
                created_by=who(),
                crew_url=crew_default.url_of_setting(),
            )
            if entry.is_paused:
                made = schedules.pause(conn, tenant_id, made.id, "it was disabled where it came from")
    except (BadDefinition, NameTaken) as error:
        return Became(entry, "left", why=" ".join(str(error).split()))
    record(conn, tenant_id, "schedule.created", ("schedule", made.id), None, shown(made))
    return Became(entry, "made", made, body=body)


def body_of(entry: Found, target: Target, origin: str) -> dict[str, Any]:
    """The body that makes the entry's schedule. Raises Untold."""
    if entry.why_not:
        raise Untold(entry.why_not)
    kind, params = _work_of(entry, target)
    metadata = {"importedFrom": origin}
    return {"name": entry.name, "jobType": kind, "jobPayload": params, "metadata": metadata, **entry.when}


def _work_of(entry: Found, target: Target) -> tuple[str, dict[str, Any]]:
    """The kind and its params. Raises Untold."""
    for pattern, row in target.kinds.items():
        if fnmatchcase(entry.task, pattern) or fnmatchcase(entry.name, pattern):
            names = list(row.get("args", ()))
            if len(entry.args) > len(names):
                raise Untold(f'its positional arguments have no names: give "args" beside the kind of {pattern!r}')
            by_place = dict(zip(names, entry.args, strict=False))
            return str(row["kind"]), {**by_place, **entry.params, **row.get("params", {})}
    if target.url is None:
        raise Untold("no row of --kind-of matches it, and there is no --url to call")
    filled = {"{name}": entry.name, "{task}": entry.task}
    url = target.url
    for place, value in filled.items():
        url = url.replace(place, quote(value, safe=""))
    return "http.call", {"url": url, "body": dict(entry.told), **target.params}


def _otherwise(there: "Schedule", body: Mapping[str, Any]) -> str:
    """In what the schedule that is there differs from what would be made."""
    if there.status == "cancelled":
        return "it was cancelled here"
    fields = [name for name, column in _COMPARED.items() if name in body and getattr(there, column) != body[name]]
    return f"differs in {', '.join(fields)}, and is left as it is" if fields else ""
