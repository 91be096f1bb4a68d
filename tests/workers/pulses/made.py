"""An evidence as a run gathers it: a course of days, one of months by segment, names, percentages, one row."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from workers.graphs import Graph
from workers.pulses.evidence import Evidence, gather
from workers.reporting import Part, part_of
from workers.sources import Table
from workers.sources.table import Column, Holds

SLOT = datetime(2026, 10, 15, 8, 0, tzinfo=ZoneInfo("Europe/Madrid"))
# 1 to 14 October; the newest is 12.0% above the day before.
REVENUE = [
    "10250",
    "9980.5",
    "11020",
    "10875.25",
    "12340",
    "8790",
    "8450.75",
    "10500",
    "10120",
    "11250",
    "11030",
    "12800",
    "11020.5",
    "12345.67",
]
ORDERS = [410, 399, 441, 435, 494, 352, 338, 420, 405, 450, 441, 512, 441, 494]
REGIONS = [("North", 4321, 3900), ("South", 2468, 2750), ("East", 1357, 1300), ("Model 3", 999, 870)]
MONTHS = [(date(2026, 7, 1), 120, 80), (date(2026, 8, 1), 130, 95), (date(2026, 9, 1), 150, 90)]
CONVERSION = ["0.0312", "0.0325", "0.0351", "0.0298"]


def graph(name: str, **fields: Any) -> Graph:
    given: dict[str, Any] = {
        "unit": "", "format": "plain", "decimals": None, "value_column": None, "time_dimension": None, "grain": None,
        "segment_by": [], "version": 1, "is_failing": False,
    }  # fmt: skip
    return Graph(UUID(int=1), name, UUID(int=2), "select", **(given | fields))


def table(columns: Sequence[tuple[str, Holds]], rows: Sequence[tuple[Any, ...]]) -> Table:
    found = [tuple(Decimal(str(value)) if isinstance(value, float) else value for value in row) for row in rows]
    return Table(
        tuple(Column(name, holds, holds) for name, holds in columns), found, datetime(2026, 10, 15, tzinfo=UTC), 1.0
    )


def part(of: Graph, columns: Sequence[tuple[str, Holds]], rows: Sequence[tuple[Any, ...]]) -> Part:
    made = part_of(of, table(columns, rows), "Europe/Madrid")
    assert isinstance(made, Part), made
    return made


def days(values: Sequence[Any], first: date = date(2026, 10, 1)) -> list[tuple[date, Decimal]]:
    return [(first + timedelta(days=at), Decimal(str(value))) for at, value in enumerate(values)]


DAYS: list[tuple[str, Literal["date", "number"]]] = [("day", "date"), ("value", "number")]


def parts() -> list[Part]:
    daily = {"time_dimension": "day", "grain": "day"}
    return [
        part(graph("Revenue", unit="€", decimals=2, **daily), DAYS, days(REVENUE)),
        part(graph("Orders", unit="orders", **daily), DAYS, days(ORDERS)),
        part(
            graph("Sales by region", value_column="units", segment_by=["region"]),
            [("region", "text"), ("units", "number")],
            [(name, Decimal(now)) for name, now, _ in REGIONS],
        ),
        part(
            graph("Signups", value_column="signups", time_dimension="month", grain="month", segment_by=["plan"]),
            [("month", "date"), ("plan", "text"), ("signups", "number")],
            [(month, plan, Decimal(value)) for month, free, paid in MONTHS for plan, value in (("Free", free), ("Paid", paid))],
        ),
        part(
            graph("Conversion", format="percent", decimals=2, **daily),
            DAYS,
            days(CONVERSION, date(2026, 10, 11)),
        ),
        part(graph("Refunds", value_column="refunds", unit="€"), [("refunds", "number"), ("profit", "number")],
             [(Decimal("731.4"), Decimal(-520))]),
    ]  # fmt: skip


def evidence() -> Evidence:
    return gather(SLOT, parts())
