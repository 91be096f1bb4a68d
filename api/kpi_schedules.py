"""When a scheduled alert is sent, under which conditions and as what: the part of an alert that is its schedule's."""

from collections.abc import Mapping
from datetime import date
from re import fullmatch
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from api import timings
from api.definitions import Words
from api.refusals import refuse
from db.jsonb import Jsonb
from workers.gating import Gate, problem_of
from workers.kinds.report_options import AttachmentType, Options

Frequency = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]


def _day(value: Any) -> Any:
    """A day as a recurrence takes it: a number also where it is written as text, as the column keeps it."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return int(word) if fullmatch("-?[0-9]{1,2}", word) else word


class KpiSchedule(Options):
    """When it is sent: by `frequencyInterval` with hour, minute and days, or by `cron`; and what it waits for and sends."""

    timezone: str | None = Field(None, description="of its slots and its periods; the tenant's if left out")
    cron: str | None = Field(None, description="in place of frequencyInterval")
    interval_seconds: timings.IntervalSeconds = None
    interval_anchor: timings.IntervalAnchor = None
    scheduled_at: timings.ScheduledAt = None
    recurrence: timings.Recurrence = None
    frequency_interval: Annotated[Frequency, Words] | None = None
    schedule_hour: Annotated[int, Field(strict=True, ge=0, le=23)] | None = None
    schedule_minute: Annotated[int, Field(strict=True, ge=0, le=59)] | None = None
    selected_days: Annotated[
        list[Annotated[int | str, BeforeValidator(_day)]],
        Field(max_length=62, description="`mon`, 1 to 31, `last day`, `first business day`, `second fri`"),
    ] = Field(default_factory=list)
    start: Annotated[
        date | None,
        Field(alias="from", description="a date in the first period that counts, where some are passed over"),
    ] = None
    gating_condition: Gate | None = None
    attachment_type: Annotated[AttachmentType, Words] = "none"


COLUMNS = (
    "frequency_interval",
    "schedule_hour",
    "schedule_minute",
    "selected_days",
    "gating_condition",
    "attachment_type",
)
"""What has a column of its own; the rest of `Options` is one."""
OF_FREQUENCY = ("frequencyInterval", "scheduleHour", "scheduleMinute", "selectedDays", "every", "shift", "from")
"""What tells a recurrence by `frequencyInterval`."""
_OF_TIMING = ("timezone", "cron", "start", *timings.BESIDE)


def timing_of(body: KpiSchedule) -> dict[str, Any]:
    """How the schedule recurs, as the schedule's own body takes it. Raises BadDefinition."""
    ways: dict[str, Any] = {
        "frequencyInterval": body.frequency_interval,
        "cron": body.cron,
        "intervalSeconds": body.interval_seconds,
    }
    ways |= {"scheduledAt": body.scheduled_at, "recurrence": body.recurrence}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        takes = f"takes exactly one of {', '.join(list(ways)[:-1])} and {list(ways)[-1]}"
        raise refuse("schedule.frequencyInterval", takes)
    if body.frequency_interval is not None:
        return {"recurrence": recurrence_of(body.model_dump(mode="json", by_alias=True))}
    beside = {"scheduleHour": body.schedule_hour, "scheduleMinute": body.schedule_minute}
    for name, value in (beside | {"selectedDays": body.selected_days or None, "from": body.start}).items():
        if value is not None:
            raise refuse(f"schedule.{name}", f"goes with frequencyInterval, and not with {given[0]}")
    return timings.timing_of(body, "cron", body.cron, "schedule.")


def recurrence_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """The recurrence that `frequencyInterval` tells with what stands beside it."""
    told: dict[str, Any] = {
        "every": part.get("frequencyInterval"),
        "interval": part.get("every"),
        "from": part.get("from"),
    }
    told |= {"hour": part.get("scheduleHour"), "minute": part.get("scheduleMinute"), "shift": part.get("shift")}
    told |= {"days": [_day(each) for each in part.get("selectedDays") or ()] or None}
    return {name: value for name, value in told.items() if value is not None}


def columns_of(body: KpiSchedule) -> dict[str, Any]:
    """The schedule's part as its columns hold it; what is at its default stays out of the JSON."""
    own = {*COLUMNS, *_OF_TIMING}
    options = body.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=own)
    gate = body.gating_condition
    return {
        "frequency_interval": body.frequency_interval,
        "schedule_hour": body.schedule_hour,
        "schedule_minute": body.schedule_minute,
        "selected_days": [str(day) for day in body.selected_days],
        "gating_condition": gate and Jsonb(gate.model_dump(mode="json", by_alias=True, exclude_defaults=True)),
        "attachment_type": body.attachment_type,
        "options": Jsonb(options),
    }


def check_gate(body: KpiSchedule, names: list[str]) -> None:
    """Passes a gate that fits graphs of these names. Raises BadDefinition."""
    if body.gating_condition is None:
        return
    problem = problem_of(body.gating_condition, names)
    if problem is not None:
        raise refuse("schedule.gatingCondition", problem)


def check_audiences(body: KpiSchedule, recipients: list[str]) -> None:
    """Passes audiences of which each address has one context and one spelling. Raises BadDefinition."""
    spelled = {address.casefold(): address for address in recipients}
    placed: dict[str, int] = {}
    for number, audience in enumerate(body.audiences):
        pointer = f"schedule.audiences.{number}.recipients"
        for place, address in enumerate(audience.recipients):
            folded = address.casefold()
            if placed.setdefault(folded, number) != number:
                raise refuse(pointer, f"takes an address of no other audience: {place} is in {placed[folded]} too")
            if spelled.setdefault(folded, address) != address:
                raise refuse(pointer, f"takes one spelling of an address: {place} is spelled otherwise before")
