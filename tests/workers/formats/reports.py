"""Reports for the tests of formats."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from workers.branding import Branding
from workers.formats.report import Chart, Column, Headline, Report, Section

ZONE = ZoneInfo("Europe/Madrid")
SLOT = datetime(2026, 11, 2, 8, 0, tzinfo=ZONE)
DAY = Column("day", "date", "Day")
REVENUE = Column("revenue", "number", "Revenue", "€", decimals=2)
HOSTILE = (
    '#eval("1+1")',
    '#read("/etc/passwd")',
    "] #panic() [",
    "$ x^2 $ \\",
    "*bold* _it_ @ref <label> // gone /* gone */",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
)


def days(values: Iterable[Decimal | None]) -> list[tuple[date, Decimal | None]]:
    return [(date(2026, 10, 1) + timedelta(days=at), value) for at, value in enumerate(values)]


def report(*sections: Section, **fields: Any) -> Report:
    return Report(fields.pop("title", "Sales of October"), fields.pop("slot", SLOT), sections or (sales(),), **fields)


def sales(rows: Iterable[Any] | None = None, **fields: Any) -> Section:
    given: dict[str, Any] = {
        "description": "Paid orders.",
        "chart": Chart("line", "day", ("revenue",)),
        "headline": Headline(Decimal("1234.5"), REVENUE, Decimal(1000), "on the day before", "up"),
    }
    found = rows if rows is not None else days(Decimal(at) for at in range(31))
    return Section(fields.pop("name", "Revenue"), fields.pop("columns", (DAY, REVENUE)), found, **(given | fields))


def table(columns: tuple[Column, ...], rows: Iterable[Any], name: str = "Table") -> Section:
    return Section(name, columns, rows)


BRAND = Branding("A & B <Co>", "#ffd400", "First line\nSecond line")
