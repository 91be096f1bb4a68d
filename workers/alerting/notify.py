"""When people are told: repeats, escalation, quiet hours; and the facts from outside that hold a notice back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from workers.alerting.fields import Number, Positive, Seconds, Timezone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_WINDOWS = 20
DAYS_AHEAD = 15

_SHAPE = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Window(BaseModel):
    """From a time on the wall to the next time on the wall that is `until`; the weekday is the one on which it begins."""

    model_config = _SHAPE

    begins: time = Field(alias="from")
    until: time
    weekdays: list[Weekday] = Field(default_factory=lambda: list(WEEKDAYS), min_length=1, max_length=7)

    @model_validator(mode="after")
    def _is_on_the_wall(self) -> Self:
        if self.begins.tzinfo or self.until.tzinfo:
            raise ValueError("from and until take a time without a zone, such as 22:00")
        return self


class QuietHours(BaseModel):
    """Windows in which nobody is told; what falls inside waits until the window ends."""

    model_config = _SHAPE

    timezone: Timezone
    windows: list[Window] = Field(min_length=1, max_length=MAX_WINDOWS)

    @model_validator(mode="after")
    def _ends_at_some_time(self) -> Self:
        if end_of_quiet(self, datetime(2026, 1, 5, tzinfo=UTC)) is None:
            raise ValueError("windows takes windows that leave some time of the week free")
        return self


class Notify(BaseModel):
    """Who is told when. Without any of it: once when it fires, once when it is back."""

    model_config = _SHAPE

    repeat_seconds: Annotated[Seconds, Field(ge=60)] | None = Field(None, description="once more while it lasts")
    escalate_by_percent: Positive | None = Field(None, description="once more when it is worse by this than last told")
    escalate_at: list[Number] = Field(default_factory=list, max_length=10, description="once more beyond each of these")
    resolved: bool = True
    min_seconds_between_notices: Seconds = 0
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told from `begins` to before `until`; of one alert or of all, of the segments that match `segment`.

    `segment` may hold `*` and `?`, as in names of files.
    """

    begins: datetime
    until: datetime
    alert_id: str | None = None
    segment: str = "*"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was decided outside the policy, as it stands at a slot.

    `acknowledged` gives the instant by segment, of `*` for all of them; it holds for the firing in which it falls.
    """

    alert_id: str | None = None
    silences: Sequence[Silence] = ()
    snoozed_until: datetime | None = None
    acknowledged: tuple[tuple[str, datetime], ...] = ()
    gated: str = ""

    def silenced_until(self, segment: str, slot: datetime) -> datetime | None:
        """Return the end of the silences and of the snooze that hold at the slot, None where there are none."""
        ends = [silence.until for silence in self.silences if self._falls_under(silence, segment, slot)]
        if self.snoozed_until is not None and slot < self.snoozed_until:
            ends.append(self.snoozed_until)
        return max(ends, default=None)

    def is_acknowledged(self, segment: str, since: datetime) -> bool:
        """Return whether somebody acknowledged the segment's firing that began at `since`."""
        return any(name in ("*", segment) and at >= since for name, at in self.acknowledged)

    def _falls_under(self, silence: Silence, segment: str, slot: datetime) -> bool:
        if not silence.begins <= slot < silence.until:
            return False
        is_of_alert = silence.alert_id is None or silence.alert_id == self.alert_id
        return is_of_alert and fnmatchcase(segment, silence.segment)


def end_of_quiet(hours: QuietHours, instant: datetime) -> datetime | None:
    """Return when the quiet that holds at an instant ends; the instant itself where it is not quiet; None for never.

    A time that the clock left out is as much later as it turned, and one that came twice is the first of the two.
    """
    zone = ZoneInfo(hours.timezone)
    end, last = instant, instant + timedelta(days=DAYS_AHEAD)
    while end <= last:
        further = _end_of_windows(hours.windows, end, zone)
        if further == end:
            return end
        end = further
    return None


def _end_of_windows(windows: Sequence[Window], instant: datetime, zone: ZoneInfo) -> datetime:
    today = instant.astimezone(zone).date()
    ends = [instant]
    for window in windows:
        for day in (today - timedelta(days=1), today):
            if WEEKDAYS[day.weekday()] not in window.weekdays:
                continue
            last_day = day + timedelta(days=1 if window.until <= window.begins else 0)
            begins = datetime.combine(day, window.begins, zone).astimezone(UTC)
            until = datetime.combine(last_day, window.until, zone).astimezone(UTC)
            if begins <= instant < until:
                ends.append(until)
    return max(ends)
