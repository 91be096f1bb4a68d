"""The tables of django-celery-beat: as `manage.py dumpdata django_celery_beat` writes them, or read from their database.

A database is read by five plain selects in a read-only session; nothing is written to it.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tocsin.complaints import Complaint
from tocsin.imports import celery_times
from tocsin.imports.found import Found, Untold, named_apart, seconds_of

APP = "django_celery_beat"
_WAYS = ("crontab", "interval", "clocked", "solar")
_PERIODS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1, "microseconds": 1e-6}
_COLUMNS = {
    "periodictask": "*",
    "crontabschedule": "id, minute, hour, day_of_week, day_of_month, month_of_year, timezone",
    "intervalschedule": "id, every, period",
    "clockedschedule": "id, clocked_time",
    "solarschedule": "id, event, latitude, longitude",
}

Rows = dict[str, dict[Any, dict[str, Any]]]


def read_dump(text: str) -> list[Found]:
    """Every task of a dump. Raises Complaint."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Complaint(f"takes the JSON that dumpdata writes, but this is no JSON: {error}") from None
    rows: Rows = {model: {} for model in _COLUMNS}
    for each in listed if isinstance(listed, list) else []:
        model = str(each.get("model", "")).removeprefix(f"{APP}.") if isinstance(each, dict) else ""
        if model in rows:
            rows[model][each.get("pk")] = _fields(each)
    if not rows["periodictask"]:
        raise Complaint(f"holds no {APP}.periodictask: write it with `manage.py dumpdata {APP}`")
    return list(named_apart(_tasks(rows)))


def _fields(each: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an object in a dump. Raises Complaint."""
    found = each.get("fields")
    if not isinstance(found, dict) or (each["model"] == f"{APP}.periodictask" and not {"name", "task"} <= found.keys()):
        raise Complaint(f"holds {each['model']} {each.get('pk')} without its fields: dump it again")
    return found


def read_database(url: str) -> list[Found]:
    """Every task in the database at a postgresql:// or sqlite:/// address. Raises Complaint."""
    if url.startswith("sqlite:///"):
        rows = _of_sqlite(Path(url.removeprefix("sqlite://")))
    elif url.startswith(("postgres://", "postgresql://")):
        rows = _of_postgres(url)
    else:
        raise Complaint(
            f"--database takes postgresql:// or sqlite:///; of another one take a file of `manage.py dumpdata {APP}`"
        )
    return list(named_apart(_tasks(rows)))


def _of_sqlite(file: Path) -> Rows:
    if not file.is_file():
        raise Complaint(f"there is no file {file}")
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as conn:
        conn.row_factory = sqlite3.Row
        try:
            return {
                # Both names are of the dict above.
                model: _keyed([dict(row) for row in conn.execute(f"select {columns} from {APP}_{model}")])  # noqa: S608
                for model, columns in _COLUMNS.items()
            }
        except sqlite3.Error as error:
            raise Complaint(f"cannot read {file}: {error}") from None


def _of_postgres(url: str) -> Rows:
    import socket

    from db import foreign

    found: Rows = {}
    try:
        server = foreign.parse(url)
        at = sorted({str(each[4][0]) for each in socket.getaddrinfo(server.host, server.port)})
        for model in _COLUMNS:
            limits = foreign.Limits(time.monotonic() + 30, 100_000, 50_000_000)
            # As JSON, so that each column comes as JSON has it, whatever release made the table.
            statement = f"select to_jsonb(t)::text from {APP}_{model} as t"  # noqa: S608  both names are above
            answer = foreign.read(foreign.Asked(server, statement, (), at, needs_tls=False), limits=limits)
            found[model] = _keyed([json.loads(row[0]) for row in answer.rows])
    except (foreign.Refused, foreign.Unavailable, OSError) as error:
        raise Complaint(f"--database: {error}") from None
    return found


def _keyed(rows: Sequence[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """The rows by their id, with the names that a dump has."""
    return {row["id"]: {name.removesuffix("_id"): value for name, value in row.items() if name != "id"} for row in rows}


def _tasks(rows: Rows) -> Iterator[Found]:
    for key, task in sorted(rows["periodictask"].items(), key=lambda each: str(each[0]).zfill(20)):
        if task["task"].startswith("celery.backend_cleanup"):
            continue  # Celery's own, which beat makes anew at each start
        found = Found(str(task["name"]), f"task {key}", str(task["task"]))
        try:
            yield _read(found, task, rows)
        except Untold as error:
            yield Found(found.name, found.place, found.task, why_not=str(error))


def _read(found: Found, task: Mapping[str, Any], rows: Rows) -> Found:
    args, kwargs = _json(task, "args", []), _json(task, "kwargs", {})
    headers = _json(task, "headers", {})
    told = {"task": found.task, "args": args, "kwargs": kwargs} | ({"headers": headers} if headers else {})
    return Found(
        found.name,
        found.place,
        found.task,
        _when(task, rows) | _span(task),
        told,
        tuple(args),
        kwargs,
        tuple(_notes(task)),
        is_paused=not task.get("enabled", True),
    )


def _when(task: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """The fields that say when. Raises Untold."""
    ways = [way for way in _WAYS if task.get(way) is not None]
    if len(ways) != 1:
        raise Untold("it has no schedule" if not ways else f"it has several schedules: {', '.join(ways)}")
    row = rows[f"{ways[0]}schedule"].get(task[ways[0]])
    if row is None:
        raise Untold(f"its {ways[0]} schedule {task[ways[0]]} is not among what was read")
    match ways[0]:
        case "crontab":
            return celery_times.crontab(row) | {"timezone": str(row.get("timezone") or "UTC")}
        case "interval":
            every = float(row["every"]) * _PERIODS.get(row["period"], 0)
            return {"intervalSeconds": seconds_of(every, f"every {row['every']} {row['period']}")}
        case "clocked":
            return {"scheduledAt": _instant(row["clocked_time"])}
    raise Untold("the sun's times are none of a schedule here; take a fixed time, or a kind that waits for the sun")


def _span(task: Mapping[str, Any]) -> dict[str, Any]:
    """How long and how often it goes on."""
    found: dict[str, Any] = {}
    if task.get("one_off") and task.get("clocked") is None:
        found["maxRuns"] = 1
    if task.get("start_time"):
        found["startsAt"] = _instant(task["start_time"])
    if task.get("expires"):
        found["endsAt"] = _instant(task["expires"])
    if task.get("expire_seconds") is not None:
        found |= {"misfirePolicy": "skip", "misfireGraceSeconds": int(task["expire_seconds"])}
    return found


def _notes(task: Mapping[str, Any]) -> Iterator[str]:
    if task.get("queue"):
        yield f"its queue {task['queue']} is Celery's; http.call has the queue calls, a kind of yours its own"
    for name in ("exchange", "routing_key", "priority"):
        if task.get(name) is not None and task[name] != "":
            yield f"its {name} is not carried over"
    if task.get("interval") is not None:
        yield "its interval counts from when it is made here"


def _json(task: Mapping[str, Any], name: str, default: Any) -> Any:
    """The JSON that a column holds as text. Raises Untold."""
    text = task.get(name) or None
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        raise Untold(f"its {name} are no JSON: {str(text)[:60]}") from None
    value = default if value is None else value
    if not isinstance(value, type(default)):
        raise Untold(f"its {name} are no JSON {'object' if default == {} else 'array'}")
    return value


def _instant(text: Any) -> str:
    """An instant as the API takes it; one without a zone is UTC, as Django stores it. Raises Untold."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Untold(f"{text} is no time") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
