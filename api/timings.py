"""When something with a schedule of its own recurs: by an expression or, beside it, as schedules themselves do. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_camel

from api.definitions import Time
from api.recurrences import RecurrenceIn, told
from api.refusals import refuse
from db.ids import to_milliseconds
from scheduler import slots
from scheduler.recurrence import pattern, whole
from scheduler.slots import BadRecurrence

BESIDE = ("interval_seconds", "interval_anchor", "scheduled_at", "recurrence")
"""What a body takes beside its expression; `interval_anchor` is no way to recur by itself."""
NAMES = tuple(to_camel(name) for name in BESIDE)
WAYS = frozenset({*NAMES} - {"intervalAnchor"})
_ANY_DAY = date(1970, 1, 1)


def _seconds(value: int) -> int:
    try:
        slots.check(slots.Interval(value, datetime(1970, 1, 1, tzinfo=UTC)))
    except BadRecurrence as error:
        raise ValueError(error.reason) from None
    return value


IntervalSeconds = Annotated[
    Annotated[int, Field(strict=True), AfterValidator(_seconds)] | None,
    Field(description="in place of an expression: each so many seconds from `intervalAnchor`"),
]
IntervalAnchor = Annotated[
    Time | None, Field(description="what `intervalSeconds` is counted from; the moment of saving if left out")
]
ScheduledAt = Annotated[Time | None, Field(description="in place of an expression: once, at this time")]
Recurrence = Annotated[
    RecurrenceIn | None, Field(description="in place of an expression: what none tells, as schedules take it")
]


def shown(row: Any) -> dict[str, Any]:
    """What stands beside the expression, as the outside sees it."""
    return {to_camel(name): getattr(row, name) for name in BESIDE}


def timing_of(body: Any, expression: str, cron: str | None, pointer: str = "") -> dict[str, Any]:
    """How the schedule recurs, as the schedule's own body takes it; `expression` is what this one calls its cron.

    Raises BadDefinition.
    """
    ways = {
        "cron_expression": cron,
        "interval_seconds": body.interval_seconds,
        "scheduled_at": body.scheduled_at,
        "recurrence": told(body.recurrence),
    }
    found: dict[str, Any] = {name: value for name, value in ways.items() if value is not None}
    if len(found) != 1:
        detail = f"takes exactly one of {expression}, intervalSeconds, scheduledAt and recurrence"
        raise refuse(pointer + expression, detail)
    if body.interval_anchor is not None:
        if body.interval_seconds is None:
            raise refuse(f"{pointer}intervalAnchor", "goes with intervalSeconds")
        found["interval_anchor"] = body.interval_anchor
    return found


def changes(row: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What an edit of the schedule takes, so that it recurs as is wanted; nothing where it does.

    What is named and the same plans nothing anew: a slot that is due now would be passed over.
    """
    return {} if _is_so(row, wanted) else {to_camel(name): value for name, value in wanted.items()}


def is_same(have: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    """Whether a recurrence is the stored one, with what it leaves open as it is there."""
    if have is None:
        return False
    try:
        found = whole(wanted, _ANY_DAY)
    except BadRecurrence:
        return False
    if wanted.get("from") is None and "from" in have:
        found["from"] = have["from"]
    return bool(found == have)


def recurrence_of(timing: Mapping[str, Any], timezone: str, first: datetime) -> slots.Recurrence:
    """What a timing comes to; an interval without an anchor is counted from `first`. Raises BadRecurrence."""
    if "cron_expression" in timing:
        return slots.Cron(timing["cron_expression"], timezone)
    if "recurrence" in timing:
        return pattern(timing["recurrence"], timezone)
    if "scheduled_at" in timing:
        return slots.Once(timing["scheduled_at"])
    return slots.Interval(timing["interval_seconds"], timing.get("interval_anchor") or first)


def laid_over(body: Mapping[str, Any], given: Mapping[str, Any], expression: str) -> dict[str, Any]:
    """The body with what is given; a way to recur takes the place of the one that was there."""
    ways = WAYS | {expression}
    gone = ways | {"intervalAnchor"} if any(given.get(name) is not None for name in ways) else frozenset()
    return {name: value for name, value in body.items() if name not in gone} | dict(given)


def _is_so(row: Any, wanted: Mapping[str, Any]) -> bool:
    if "cron_expression" in wanted:
        return bool(row.cron == wanted["cron_expression"])
    if "recurrence" in wanted:
        return is_same(row.recurrence, wanted["recurrence"])
    if "scheduled_at" in wanted:
        return bool(row.scheduled_at == to_milliseconds(wanted["scheduled_at"]))
    anchor = wanted.get("interval_anchor")
    is_anchored = anchor is None or row.interval_anchor == to_milliseconds(anchor)
    return bool(is_anchored and row.interval_seconds == wanted["interval_seconds"])
