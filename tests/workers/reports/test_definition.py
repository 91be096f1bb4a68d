"""Relative dates count from the slot in its zone, and parameters are values of their type or refused by name."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from config.zones import zone
from workers.reports.definition import BadParameter, Parameter, as_named, names_of, resolved
from workers.reports.spans import BadDate, day_of, span_of

PARIS = zone("Europe/Paris")
# A Monday, at half past midnight in Paris and still Sunday in UTC; the clock turned the day before.
SLOT = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("yesterday", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("last_full_week", "2026-03-22T23:00", "2026-03-29T22:00"),
        ("Last_Full_Month", "2026-01-31T23:00", "2026-02-28T23:00"),
        ("last_full_quarter", "2025-09-30T22:00", "2025-12-31T23:00"),
        ("month_to_date", "2026-02-28T23:00", "2026-03-29T22:30"),
        ("week_to_date", "2026-03-29T22:00", "2026-03-29T22:30"),
        ("last_7_days", "2026-03-22T23:00", "2026-03-29T22:00"),
        ("2026-03-29/2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
    ],
)
def test_a_span_is_of_whole_local_days_counted_from_the_slot(word: str, start: str, end: str) -> None:
    found = span_of(word, SLOT, PARIS)
    assert [each.astimezone(UTC).isoformat()[:16] for each in found] == [start, end]


def test_a_span_at_its_very_start_is_still_one() -> None:
    found = span_of("today", datetime(2026, 3, 29, 22, 0, tzinfo=UTC), PARIS)
    assert found.start < found.end


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("today", "2026-03-30"),
        ("yesterday", "2026-03-29"),
        ("30_days_ago", "2026-02-28"),
        ("first_day_of_month", "2026-03-01"),
        ("last_day_of_last_month", "2026-02-28"),
        ("last_day_of_quarter", "2026-03-31"),
        ("2024-02-29", "2024-02-29"),
    ],
)
def test_a_date_is_the_local_one(word: str, day: str) -> None:
    assert day_of(word, SLOT, PARIS) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "word", ["", "now()", "last_0_days", "last_full_day", "2026-02-02/2026-01-01", "2026-02-30", "x"]
)
def test_what_is_no_date_is_refused(word: str) -> None:
    with pytest.raises(BadDate, match="takes"):
        span_of(word, SLOT, PARIS)
    with pytest.raises(BadDate, match="takes"):
        day_of(word, SLOT, PARIS)


EVERY = [
    Parameter(name="who", default="ann"),
    Parameter(name="most", type="integer", default=5),
    Parameter(name="share", type="number", default="0.10"),
    Parameter(name="is_open", type="boolean", default=True),
    Parameter(name="since", type="date", default="yesterday"),
    Parameter(name="week", type="period", default="last_full_week"),
    Parameter(name="region", type="choice", choices=["north", "south"], default="north"),
]


def test_parameters_are_values_of_their_types_and_a_period_is_two() -> None:
    found = as_named(resolved(EVERY, {"most": "7", "region": "south"}, SLOT, PARIS))
    assert set(found) == names_of(EVERY)
    assert (found["who"], found["most"], found["share"], found["is_open"]) == ("ann", 7, Decimal("0.10"), True)
    assert (found["since"], found["region"]) == (date(2026, 3, 29), "south")
    assert found["week_start"] == datetime(2026, 3, 22, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("who", "a\nb"),
        ("most", 1.5),
        ("most", True),
        ("most", 2**63),
        ("share", "nan"),
        ("share", "many"),
        ("is_open", "perhaps"),
        ("since", 5),
        ("week", "x"),
        ("region", "west"),
        ("nobody", 1),
    ],
)
def test_a_value_that_is_none_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(BadParameter) as refused:
        resolved(EVERY, {name: value}, SLOT, PARIS)
    assert refused.value.name == name


def test_a_parameter_without_a_default_has_to_be_given() -> None:
    with pytest.raises(BadParameter, match="required"):
        resolved([Parameter(name="who")], {}, SLOT, PARIS)
