"""The page of attacks against the tests: every row is there, and names tests that exist or says why it has none."""

import re

import pytest

from tests.docs.test_docs import DOCS, ROOT, rows
from tests.museum.test_museum import claims_in

ROWS = {row[0]: row[1:] for row in rows(DOCS / "attacks.md")}
GROUPS = {
    "A": range(1, 32),
    "T": range(1, 14),
    "S": range(1, 16),
    "I": range(14, 18),
    "J": range(1, 8),
    "H": range(1, 8),
    "R": (1, 2, 5, 8, 9),
    "K": range(1, 11),
    "W": range(1, 9),
    "L": range(1, 14),
    "E": range(1, 5),
    "C": range(1, 9),
    "F": range(1, 5),
}
# What has no test: not built, built otherwise, or measured instead.
WITHOUT = {"T12"}


def test_every_row_is_on_the_page_in_order() -> None:
    assert list(ROWS) == [f"{letter}{number}" for letter, numbers in GROUPS.items() for number in numbers]


@pytest.mark.parametrize("number", ROWS)
def test_a_row_says_what_is_answered_and_names_tests_that_exist(number: str) -> None:
    tried, answer, shown = ROWS[number]
    assert tried
    assert answer
    tests = re.findall(r"`(tests/[^`]+::[^`]+)`", shown)
    for test in tests:
        assert test in claims_in(ROOT / test.partition("::")[0]), f"{test} does not exist"
    assert shown.startswith("`tests/") == (number not in WITHOUT)
    assert len(shown) > 30
