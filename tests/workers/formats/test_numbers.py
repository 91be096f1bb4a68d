from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.formats.numbers import Style, axis_labels, decimal, nice_ticks, number, rounded, with_unit


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1", "1"),
        ("1.500", "1.5"),
        ("1E+3", "1,000"),
        ("1234567.891", "1,234,567.891"),
        ("-9876543210", "-9,876,543,210"),
        ("42.333333333333333333", "42.333333"),
        ("0.00000012345678", "0.000000123457"),
        ("1E-30", "0." + "0" * 29 + "1"),
        ("1E+5000", "1.000000E+5000"),
        ("100", "100"),
    ],
)
def test_a_number_is_written_as_people_write_it(value: str, shown: str) -> None:
    assert number(Decimal(value)) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_written_shortly(value: Decimal) -> None:
    assert 0 < len(number(value)) <= 120


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("", "-12.5"),
        ("%", "-12.5%"),
        ("€", "-€12.50"),
        ("days", "-12.5\N{NO-BREAK SPACE}days"),
        ("EUR", "-12.5\N{NO-BREAK SPACE}EUR"),
    ],
)
def test_a_unit_stands_where_it_is_expected(unit: str, shown: str) -> None:
    assert with_unit(Decimal("-12.5"), Style(unit)) == shown


@pytest.mark.parametrize(
    ("value", "style", "shown"),
    [
        ("1234.5", Style("€", 0), "€1,235"),
        ("1234.5", Style("€", 1), "€1,234.5"),
        ("0.1234", Style("", 1, "percent"), "12.3%"),
        ("0.1234", Style("", None, "percent"), "12.34%"),
        ("7503.5", Style("", None, "duration"), "2 h 5 min 3.5 s"),
        ("7200", Style("", 0, "duration"), "2 h"),
        ("-90061", Style("", 0, "duration"), "-1 d 1 h 1 min 1 s"),
        ("0", Style("", None, "duration"), "0 s"),
        ("1234567", Style("", 1, "bytes"), "1.2 MB"),
        ("999", Style("", None, "bytes"), "999 B"),
        ("1E+30", Style("", None, "bytes"), "1,000,000,000,000,000,000,000,000,000,000"),
    ],
)
def test_a_figure_is_written_as_its_graph_says(value: str, style: Style, shown: str) -> None:
    assert with_unit(Decimal(value), style).replace("\N{NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        ("1234.5", 2, "1,234.50"),
        ("1234.5", 0, "1,235"),
        ("-2.5", 0, "-3"),
        ("-0.001", 2, "0.00"),
        ("-0.006", 2, "-0.01"),
        ("1234.5", None, "1,234.5"),
        ("1E+50", 2, "1.000000E+50"),
    ],
)
def test_a_column_has_the_decimals_it_asks_for(value: str, decimals: int | None, shown: str) -> None:
    assert rounded(Decimal(value), decimals) == shown


@pytest.mark.parametrize("value", [True, None, "5", float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert decimal(value) is None


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels"),
    [
        (0, 9, "", ["0", "2", "4", "6", "8", "10"]),
        (129_000, 143_000, "", ["125k", "130k", "135k", "140k", "145k"]),
        (129_000, 143_000, "thousand", ["125,000", "130,000", "135,000", "140,000", "145,000"]),
        (-3, 12, "%", ["-5%", "0%", "5%", "10%", "15%"]),
        (0, 2_400_000, "€", ["€0", "€0.5M", "€1M", "€1.5M", "€2M", "€2.5M"]),
        (0, 0, "", ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (5, 5, "", ["4.4", "4.6", "4.8", "5", "5.2", "5.4", "5.6"]),
    ],
)
def test_an_axis_has_a_handful_of_round_numbers(low: float, high: float, unit: str, labels: list[str]) -> None:
    assert axis_labels(nice_ticks(low, high), unit) == labels


@settings(max_examples=60)
@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15))
def test_ticks_hold_the_figures_between_them(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    ticks = nice_ticks(low, high)
    assert float(ticks[0]) <= low <= high <= float(ticks[-1])
    assert 2 <= len(ticks) <= 9
    assert all(before < after for before, after in pairwise(ticks))
