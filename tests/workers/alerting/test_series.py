from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.workers.alerting.made import MADRID
from workers.alerting.periods import Grain, ago, begin, shifted
from workers.alerting.series import WHOLE, Graph, name_of, number_of, read

DAY = Graph("v", "d", (), "day", MADRID)


@pytest.mark.parametrize(
    ("cell", "figure"),
    [
        (3, Decimal(3)),
        (0.1, Decimal("0.1")),
        ("12.50", Decimal("12.50")),
        (" -1e3 ", Decimal(-1000)),
        (None, None),
        (float("nan"), None),
        ("NaN", None),
        (True, "the value is no number but bool"),
        ("n/a", "the value is no number but the text 'n/a'"),
        (date(2026, 1, 1), "the value is no number but date"),
        (float("inf"), "the value is inf, which is too large or too small to compare"),
        ("1e999999999", "the value is 1e999999999, which is too large or too small to compare"),
    ],
)
def test_each_cell_comes_to_a_figure_to_none_or_to_what_is_the_matter(cell: Any, figure: Any) -> None:
    assert number_of(cell) == figure


def test_rows_come_in_any_order_and_each_segment_has_its_own_series() -> None:
    rows = [("2026-01-02", "b", "n", 2), ("2026-01-01", "b", "n", 1), ("2026-01-01", None, "s/w", 5)]
    reading = read(["D", "shop", "side", "V"], rows, Graph("v", "d", ("shop", "side"), "day"), None)
    assert list(reading.series) == ["b / n", "(none) / s\\/w"]
    assert reading.series["b / n"].values == [Decimal(1), Decimal(2)]


def test_a_segment_of_one_column_is_named_as_it_is() -> None:
    assert [name_of([part]) for part in ("a/b", None, "", 7)] == ["a/b", "(none)", "(empty)", "7"]


def test_a_period_that_came_twice_is_a_problem_of_that_period_alone() -> None:
    rows = [("2026-01-01", 1), ("2026-01-02", 2), ("2026-01-01", 1)]
    series = read(["d", "v"], rows, DAY, None).series[WHOLE]
    assert series.values == [None, 2]
    assert series.problems == {datetime(2025, 12, 31, 23, tzinfo=UTC): "there are two rows for 2025-12-31T23:00:00Z"}


def test_two_rows_without_a_time_are_no_figure() -> None:
    series = read(["v"], [(1,), (2,)], Graph(), None).series[WHOLE]
    assert list(series.problems.values()) == ["there is more than one row"]


@pytest.mark.parametrize("cell", [None, "yesterday", 20260101, "9999-12-31"])
def test_a_row_whose_time_cannot_be_read_is_left_out_with_a_note(cell: Any) -> None:
    reading = read(["d", "v"], [(cell, 1), ("2026-01-01", 2)], DAY, None)
    assert reading.series[WHOLE].values == [Decimal(2)]
    assert reading.notes == ("1 rows have no time that can be read, and were left out",)


def test_a_column_that_the_table_lacks_is_named() -> None:
    assert read(["d", "w"], [], DAY, None).problem == "the table has no column 'v'; it has d, w"
    assert read([], [], Graph(), None).problem == "the table has no column for the figure"


def test_without_a_name_the_figure_is_the_column_value_or_the_first_that_is_no_other() -> None:
    graph = Graph(None, "d", ("s",), "day", MADRID)
    assert read(["d", "s", "n", "Value"], [("2026-01-01", "a", 1, 2)], graph, None).series["a"].values == [Decimal(2)]
    assert read(["s", "d", "n"], [("a", "2026-01-01", 1)], graph, None).series["a"].values == [Decimal(1)]


def test_an_hour_that_came_twice_is_two_periods_and_one_that_never_was_is_the_next() -> None:
    graph = Graph("v", "d", (), "hour", MADRID)
    rows = [("2026-10-25T02:00", 1), ("2026-10-25T02:00", 2), ("2026-10-25T03:00", 3), ("2027-03-28T02:00", 4)]
    series = read(["d", "v"], rows, graph, None).series[WHOLE]
    nights = [datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in (0, 1, 2)]
    assert series.starts == [*nights, datetime(2027, 3, 28, 1, tzinfo=UTC)]
    assert not series.problems


def test_an_instant_with_a_zone_falls_into_the_local_period() -> None:
    rows = [(datetime(2026, 1, 1, 23, 30, tzinfo=UTC), 1)]
    assert read(["d", "v"], rows, DAY, None).series[WHOLE].starts == [datetime(2026, 1, 1, 23, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("grain", "start", "length"),
    [
        ("hour", "2026-10-25T02:00:00+01:00", 1),
        ("day", "2026-10-25T00:00:00+02:00", 25),
        ("week", "2026-10-19T00:00:00+02:00", 7 * 24 + 1),
        ("month", "2026-10-01T00:00:00+02:00", 31 * 24 + 1),
        ("quarter", "2026-10-01T00:00:00+02:00", 92 * 24 + 1),
        ("year", "2026-01-01T00:00:00+01:00", 365 * 24),
    ],
)
def test_a_period_is_as_long_as_the_clock_makes_it(grain: Grain, start: str, length: int) -> None:
    begins = begin(datetime.fromisoformat("2026-10-25T02:40:00+01:00"), grain, MADRID)
    assert begins == datetime.fromisoformat(start)
    after = shifted(begins, grain, MADRID, 1)
    assert (after - begins).total_seconds() == length * 3600
    assert shifted(after, grain, MADRID, -1) == begins


@pytest.mark.parametrize(
    ("step", "grain", "from_", "to"),
    [
        ("month", "day", "2026-03-31", "2026-02-28"),
        ("year", "day", "2024-02-29", "2023-02-28"),
        ("week", "day", "2026-03-31", "2026-03-24"),
        ("year", "week", "2026-11-16", "2025-11-10"),
        ("month", "month", "2026-01-01", "2025-12-01"),
    ],
)
def test_the_same_period_a_season_ago(step: Any, grain: Grain, from_: str, to: str) -> None:
    zone = ZoneInfo("UTC")
    start = begin(datetime.fromisoformat(from_).replace(tzinfo=UTC), grain, zone)
    assert ago(start, step, 1, grain, zone) == datetime.fromisoformat(to).replace(tzinfo=UTC)


@pytest.mark.parametrize("ends", ["ab", "\x00\x01", "\ud800\udfff", "é\ud83d"])
def test_a_name_that_cannot_be_kept_as_it_is_becomes_one_that_can_and_stays_its_own(ends: str) -> None:
    stem = "x" * (500 if ends == "ab" else 3)
    names = [name_of([stem + end]) for end in ends]
    assert names == [name_of([name]) for name in names]
    assert len(set(names)) == 2
    assert all(len(name) <= 200 and "\x00" not in name and name.encode() for name in names)


def test_a_name_of_200_characters_stays_whole() -> None:
    assert name_of(["é" * 200]) == "é" * 200
