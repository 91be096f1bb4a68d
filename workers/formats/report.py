"""A report as every format reads it: what it says, whose it is, and its sections with their rows."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from workers.branding import Branding
from workers.formats.numbers import NO_BREAK_SPACE, Style, decimal, fraction, percentage, rounded, with_unit

Row = Sequence[Any]
# No text of a report is longer: a page is no place for it, and a sheet's cell takes 32,767.
LONGEST_TEXT = 32_000
# What joins and parts letters; marks that turn the direction of a text are not among them.
UNSEEN = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{SOFT HYPHEN}" + NO_BREAK_SPACE)
# A change of more says no more than that.
MOST_PERCENT = 1_000
UNBRANDED = Branding()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `type` says what its values are, `format` how a number is meant; `percent` takes 0.05 for 5%."""

    name: str
    type: Literal["text", "number", "date", "instant", "boolean"] = "text"
    label: str = ""
    unit: str = ""
    format: Literal["plain", "percent", "month", "year"] = "plain"
    decimals: int | None = None

    @property
    def heading(self) -> str:
        """What stands above the column: its label, or its name without underscores."""
        return self.label or self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Headline:
    """The one number of a section, and the one it is compared with; `better` says which way is good."""

    value: Decimal | None
    column: Column
    before: Decimal | None = None
    before_label: str = ""
    better: Literal["up", "down", ""] = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a section draws: `x` and `y` name columns; x is a time, a number or a text."""

    kind: Literal["line", "bars"]
    x: str
    y: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One graph. `rows` is read once a rendering: a list, or whatever gives a fresh iterator each time it is asked."""

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]
    description: str = ""
    chart: Chart | None = None
    headline: Headline | None = None

    def place(self, name: str) -> int:
        """The place of a column. Raises ValueError when the section has none of that name."""
        for place, column in enumerate(self.columns):
            if column.name == name:
                return place
        raise ValueError(f"chart takes the name of a column of {self.name!r}, which {name!r} is not")


@dataclass(frozen=True, slots=True)
class Report:
    """What is rendered. `slot` is the slot's instant in the report's own zone, `link` where all of it can be seen."""

    title: str
    slot: datetime
    sections: tuple[Section, ...]
    subtitle: str = ""
    data_as_of: datetime | None = None
    notes: tuple[str, ...] = ()
    brand: Branding = UNBRANDED
    link: str = ""

    @property
    def zone(self) -> str:
        """The name of the zone that all times of the report are in."""
        return str(self.slot.tzinfo)

    def local(self, instant: datetime) -> datetime:
        """The same instant in the report's zone; a time without a zone is taken as it stands."""
        return instant.astimezone(self.slot.tzinfo) if instant.tzinfo else instant

    def filename(self, ending: str) -> str:
        """The file's name: the title in plain letters, and the slot's date."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower()
        name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")
        return f"{name or 'report'}-{self.slot:%Y-%m-%d}.{ending}"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that was made, in the folder that the caller gave; `rows` are those written, of all sections."""

    filename: str
    content_type: str
    path: Path
    rows: int


class MissingExtra(RuntimeError):
    """A format needs a package that is not installed."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f"{what} needs the extra {extra}: install tocsin[{extra}]")


def spoken(local: datetime) -> str:
    """Return an instant as a report says it: `Tue 1 Dec 2015, 08:00`."""
    return f"{local:%a} {spoken_date(local)}, {local:%H:%M}"


def spoken_date(day: date) -> str:
    """Return a day as a report says it: `1 Dec 2015`."""
    return f"{day.day} {day:%b} {day.year}"


def unit_of(column: Column) -> str:
    """Return the unit that a column's numbers bear."""
    return column.unit or ("%" if column.format == "percent" else "")


def figure(value: Decimal, column: Column) -> str:
    """Return a number in its column's format, with its unit."""
    return with_unit(value, Style(column.unit, column.decimals, "percent" if column.format == "percent" else "number"))


def shown(value: Any, column: Column, report: Report) -> str:
    """Return a value of a row as people read it, without the unit, which the heading has; empty for NULL."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    found = decimal(value) if column.type != "text" else None
    if found is not None:
        return rounded(fraction(found, is_percent=column.format == "percent"), column.decimals)
    if isinstance(value, datetime):
        local = report.local(value)
        if column.type == "date":
            return _day(local.date(), column)
        return f"{local:%Y-%m-%d %H:%M}" if not local.second else f"{local:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return _day(value, column)
    return plain(str(value))


def _day(day: date, column: Column) -> str:
    if column.format == "month":
        return f"{day:%b} {day.year}"
    return str(day.year) if column.format == "year" else day.isoformat()


def heading_of(column: Column) -> str:
    """Return a column's heading with the unit of its numbers."""
    unit = unit_of(column)
    return f"{column.heading} ({unit})" if unit and column.type == "number" else column.heading


def plain(text: str) -> str:
    """Return a text without what no page can show, or what would turn others round: a space stands for each."""
    if text.isprintable():
        return text[:LONGEST_TEXT]
    return "".join(sign if sign.isprintable() or sign in UNSEEN else " " for sign in text[:LONGEST_TEXT])


def change(headline: Headline) -> tuple[str, str]:
    """Return how a headline changed and its tone: `▲ 1.2%`, and good, bad or even; empty with nothing to compare.

    The change is in percent of what was before; where that is zero there is no percentage, and the difference is told.
    """
    value, before, column = headline.value, headline.before, headline.column
    if value is None or before is None:
        return "", "even"
    difference = value - before
    if not difference:
        return "no change", "even"
    is_up = difference > 0
    if column.format == "percent":
        amount = f"{rounded(abs(difference) * 100, column.decimals)} points"
    elif before:
        percent = abs(difference / before) * 100
        amount = percentage(percent) if percent <= MOST_PERCENT else f"over {MOST_PERCENT:,}%"
    else:
        amount = figure(abs(difference), column)
    way = "up" if is_up else "down"
    tone = "even" if not headline.better else "good" if headline.better == way else "bad"
    return f"{'▲' if is_up else '▼'} {amount}", tone
