"""Figures as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.formats.numbers import number


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
