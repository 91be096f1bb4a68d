"""A second, slow reading of cron in a zone, minute by minute; it shares the zone data with scheduler/ and no more."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from config.zones import zone

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Fields:
    """An expression together with the numbers that it means; None is a bare `*`. Weekdays count from Sunday = 0."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None

    def names(self, wall: datetime) -> bool:
        """Whether the expression names this wall-clock minute."""
        if wall.minute not in self.minutes or wall.hour not in self.hours:
            return False
        if self.months is not None and wall.month not in self.months:
            return False
        on_day = self.days is None or wall.day in self.days
        on_weekday = self.weekdays is None or wall.isoweekday() % 7 in self.weekdays
        if self.days is None or self.weekdays is None:
            return on_day and on_weekday
        return on_day or on_weekday


def expected(fields: Fields, timezone: str, gap: str, fold: str, after: datetime, until: datetime) -> list[datetime]:
    """The slots in (after, until], by asking every wall-clock minute of two days more on either side."""
    found: set[datetime] = set()
    wall = after.replace(tzinfo=None, second=0, microsecond=0) - timedelta(days=2)
    while wall <= until.replace(tzinfo=None) + timedelta(days=2):
        if fields.names(wall):
            found |= _instants(wall, timezone, gap, fold, is_wildcard=fields.text.split()[1].startswith("*"))
        wall += MINUTE
    return sorted(instant for instant in found if after < instant <= until)


def _instants(wall: datetime, timezone: str, gap: str, fold: str, *, is_wildcard: bool) -> set[datetime]:
    early = wall.replace(tzinfo=zone(timezone), fold=0)
    late = wall.replace(tzinfo=zone(timezone), fold=1)
    kind = night(wall, timezone)
    if kind == "overlap" and (is_wildcard or fold == "both"):
        return {early.astimezone(UTC), late.astimezone(UTC)}
    if kind != "gap":
        return {(late if kind == "overlap" and fold == "second" else early).astimezone(UTC)}
    if is_wildcard or gap == "skip":
        return set()
    if gap == "shift":
        # fold=0 reads a swallowed time with the offset from before the gap.
        return {early.astimezone(UTC)}
    while night(wall, timezone) == "gap":
        wall += MINUTE
    return {wall.replace(tzinfo=zone(timezone)).astimezone(UTC)}


def night(wall: datetime, timezone: str) -> Literal["gap", "overlap"] | None:
    """What the zone does at a wall-clock time, by PEP 495's comparison of its two readings."""
    early = wall.replace(tzinfo=zone(timezone), fold=0).utcoffset()
    late = wall.replace(tzinfo=zone(timezone), fold=1).utcoffset()
    assert early is not None
    assert late is not None
    return None if early == late else "gap" if early < late else "overlap"
