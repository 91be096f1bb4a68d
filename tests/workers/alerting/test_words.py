"""Figures as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.alerting.words import rough
from workers.formats.numbers import Style, number


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
    ("value", "shown"),
    [
        ("13231.2987", "€13,231"),
        ("-13231.96", "-€13,232"),
        ("99999.96", "€100,000"),
        ("13231.3", "€13,231.30"),
        ("1323.1349", "€1,323.13"),
        ("0.5", "€0.50"),
    ],
)
def test_a_rounded_figure_claims_no_cents_that_it_does_not_know(value: str, shown: str) -> None:
    assert rough(Decimal(value), Style("€")) == shown
