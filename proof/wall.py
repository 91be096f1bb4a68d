"""Cron expressions as instants: cronsim reads the fields over a plain calendar, and PEP 495's `fold` leads to UTC."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from config.zones import BadZone, zone

_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PLAIN_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_SECOND = timedelta(seconds=1)
_FIVE = 5
_DAY = timedelta(days=1)
# Wall clock, without a zone: any midnight does.
_A_MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001
_MARGIN = 3 * 86_400


class NotJudged(ValueError):
    """The oracle can't read a recurrence, so that its slots are neither right nor wrong by it."""


class _Face(NamedTuple):
    """The wall-clock times that an expression names: `times`, in seconds of the day, on the days of any of `days`."""

    days: tuple[str, ...]
    times: tuple[int, ...]
    is_wildcard: bool


@lru_cache(maxsize=16384)
def _face(expression: str) -> _Face:
    text = expression.strip().lower()
    fields = _NICKNAMES.get(text, text).split()
    if len(fields) == _FIVE:
        fields = ["0", *fields]
    if len(fields) != _FIVE + 1:
        raise NotJudged(f"cron {expression!r} has {len(fields)} fields")
    *clock, dom, month, dow = fields
    dom, dow = "*" if dom == "?" else dom, "*" if dow == "?" else ",".join(map(_weekdays, dow.split(",")))
    try:
        CronSim(" ".join((*clock, dom, "*", dow)), _A_MIDNIGHT)
        CronSim(f"0 0 1 {month} *", _A_MIDNIGHT)
        day = CronSim(" ".join((*clock, "* * *")), _A_MIDNIGHT - _SECOND)
        times = tuple((at - _A_MIDNIGHT) // _SECOND for at in takewhile(lambda at: at < _A_MIDNIGHT + _DAY, day))
    except CronSimError as error:
        raise NotJudged(f"cron {expression!r} is more than cronsim reads: {error}") from error
    # cronsim joins the day fields by "and" as soon as one begins with a star; two that both restrict are joined by "or".
    is_either = dom != "*" and dow != "*"
    days = (f"{dom} {month} *", f"* {month} {dow}") if is_either else (f"{dom} {month} {dow}",)
    return _Face(days, times, is_wildcard=clock[-1].startswith("*"))


def _weekdays(item: str) -> str:
    """An item of the weekdays as cronsim writes it: 5L for l5, a single day before #, a week from sun (0) to sun (7)."""
    if item.startswith("l"):
        return f"{item[1:]}L"
    days, mark, rest = item.partition("#") if "#" in item else item.partition("/")
    first, dash, last = days.partition("-")
    if not dash:
        # cronsim's week ends on day 7, ours on Saturday: 1/2 is no Sunday.
        return f"{first}-6/{rest}" if mark == "/" and first != "*" else item
    last = "7" if last == "sun" else last
    if mark != "#":
        return f"{first}-{last}{mark}{rest}"
    low, high = (str(_WEEKDAYS.index(day)) if day in _WEEKDAYS else day for day in (first, last))
    if not (low.isdigit() and high.isdigit()):
        raise NotJudged(f"cron weekdays {item!r} are no range")
    return ",".join(f"{day}#{rest}" for day in range(int(low), int(high) + 1))


def _days(face: _Face, first: date, last: date) -> list[date]:
    """The days in [first, last] on which the face has its times."""
    if face.days == ("* * *",):
        return [first + place * _DAY for place in range((last - first).days + 1)]
    found: set[date] = set()
    for one in face.days:
        try:
            midnights = CronSim(f"0 0 {one}", datetime.combine(first, time()) - _SECOND)
        except CronSimError:
            # All its fields were read already: a 30th of February that stands beside a weekday.
            continue
        found.update(at.date() for at in takewhile(lambda at: at.date() <= last, midnights))
    return sorted(found)


def cron_seconds(definition: Mapping[str, Any], low: int, high: int) -> list[int]:
    """The slots in [low, high], in seconds since 1970."""
    face = _face(definition["cron"])
    try:
        where = zone(definition.get("timezone") or "UTC")
    except BadZone as error:
        raise NotJudged(str(error)) from error
    nights = _Nights(where, definition.get("dst_gap") or "end", definition.get("dst_fold") or "first", face.is_wildcard)
    found: set[int] = set()
    # The widest gap is a day, and no zone is farther than a day from UTC.
    for day in _days(face, *((_PLAIN_EPOCH + timedelta(seconds=at)).date() for at in (low - _MARGIN, high + _MARGIN))):
        midnight = datetime.combine(day, time())
        offset = nights.offset_of_day(midnight)
        if offset is not None:
            base = (midnight - _PLAIN_EPOCH - offset) // _SECOND
            times = face.times[bisect_left(face.times, low - base) : bisect_right(face.times, high - base)]
            found.update(base + at for at in times)
            continue
        for at in face.times:
            instants = nights.instants(midnight + timedelta(seconds=at))
            found.update((one - _PLAIN_EPOCH) // _SECOND for one in instants)
    return sorted(at for at in found if low <= at <= high)


class _Nights(NamedTuple):
    """How wall-clock times become instants (naive UTC) of a zone."""

    where: ZoneInfo
    gap: str
    fold: str
    is_wildcard: bool

    def offset_of_day(self, midnight: datetime) -> timedelta | None:
        """The offset that holds all day long; None on a day on which the clock turns."""
        ends = (midnight, midnight + _DAY)
        offsets = {_offset(self.where, at, fold) for at in ends for fold in (0, 1)}
        return offsets.pop() if len(offsets) == 1 else None

    def instants(self, wall: datetime) -> list[datetime]:
        """The instants that stand for a wall-clock time by the declared rule."""
        early, late = wall - _offset(self.where, wall, 0), wall - _offset(self.where, wall, 1)
        if early == late:
            return [early]
        if early < late:
            if self.is_wildcard or self.fold == "both":
                return [early, late]
            return [late if self.fold == "second" else early]
        # In a gap fold=0 goes on with the offset from before it, and so is the later instant.
        if self.is_wildcard or self.gap == "skip":
            return []
        return [early if self.gap == "shift" else _turn(self.where, late, early)]


def _turn(where: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The instant in (low, high], naive UTC, at which the zone's clock turns."""
    before = low.replace(tzinfo=UTC).astimezone(where).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if middle.replace(tzinfo=UTC).astimezone(where).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def _offset(where: ZoneInfo, wall: datetime, fold: int) -> timedelta:
    return wall.replace(tzinfo=where, fold=fold).utcoffset() or timedelta(0)
