"""Days on which nothing fires: a country's holidays and a tenant's own. Pure, and never asks the clock.

The countries' come from the library `holidays`, which is loaded when the first of them is asked for and not before:
see docs/decisions/0021-calendars.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from config.zones import zone
from scheduler.turns import stretches

# Up to which the library knows them.
LAST_YEAR_OF_HOLIDAYS: Final = 2100

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)


class UnknownPlace(ValueError):
    """A country or a part of it whose holidays are not known; `field` names which, the text what it takes."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


class Span(NamedTuple):
    """The instants in (`after`, `until`], on all of which the calendar is closed, or on none."""

    after: datetime
    until: datetime
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a calendar: the public holidays of a country, or of a part of it, and its own."""

    country: str | None = None
    subdivision: str | None = None
    own: frozenset[date] = frozenset()

    def has(self, day: date) -> bool:
        """Whether the day is one of them. Raises UnknownPlace."""
        if day in self.own:
            return True
        return self.country is not None and day in country_days(self.country, self.subdivision, day.year)


@dataclass(frozen=True, slots=True)
class Closed:
    """The days of a calendar on the wall clock of a zone. All instants are aware and UTC."""

    days: Days
    timezone: str

    def holds(self, instant: datetime) -> bool:
        """Whether the instant's local date is a day of the calendar."""
        return self.days.has(instant.astimezone(zone(self.timezone)).date())

    def end_of_date(self, instant: datetime) -> datetime:
        """The first instant after this one whose local date is another.

        A date may begin after midnight, come back for an hour when the clock is put back over midnight, or be left out.
        """
        at = instant.astimezone(UTC).replace(tzinfo=None)
        for stretch in stretches(self.timezone, at):
            local = max(at, stretch.opening.at) + stretch.offset
            midnight = datetime.combine(local.date() + _DAY, datetime.min.time()) - stretch.offset
            if midnight < stretch.closing.at:
                return midnight.replace(tzinfo=UTC)
            if (stretch.closing.at + stretch.closing.after).date() != local.date():
                return stretch.closing.at.replace(tzinfo=UTC)
        raise RuntimeError("a zone's stretches have no end")

    def spans(self, after: datetime, until: datetime) -> Iterator[Span]:
        """(after, until] in spans that are closed or not, by turns, oldest first."""
        while after < until:
            end = after + _TICK
            is_closed = self.holds(end)
            while end <= until and self.holds(end) == is_closed:
                end = self.end_of_date(end)
            last = min(end - _TICK, until)
            yield Span(after, last, is_closed)
            after = last


def check_place(country: str | None, subdivision: str | None) -> None:
    """Passes a place whose holidays are known. Raises UnknownPlace, which says what it takes."""
    if country is None:
        if subdivision is not None:
            raise UnknownPlace("subdivision", "takes a part of a country: give the country too")
        return
    from holidays.registry import COUNTRIES

    if country not in {codes[1] for codes in COUNTRIES.values()}:
        raise UnknownPlace("country", "takes the ISO 3166 code of a country whose holidays are known, such as DE")
    known = _class_of(country).subdivisions
    if subdivision is not None and subdivision not in known:
        takes = f"takes one of {', '.join(known)}" if known else f"takes nothing: no parts of {country} are known"
        raise UnknownPlace("subdivision", takes)


# A search for the next day that is open may look through a century of one country.
@lru_cache(maxsize=1024)
def country_days(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """The public holidays of a year and their names, in English where the library has them so. Raises UnknownPlace."""
    check_place(country, subdivision)
    found = _class_of(country)
    language = "en_US" if "en_US" in found.supported_languages else None
    return dict(found(subdiv=subdivision, years=year, expand=False, language=language))


def _class_of(country: str) -> Any:
    import holidays

    return getattr(holidays, country)
