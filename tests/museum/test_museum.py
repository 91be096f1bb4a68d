"""The museum's page against the tests: all forty are there, each with tests that exist, and each test is named."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.test_docs import DOCS, ROOT, rows

PAGE = DOCS / "museum.md"
BUGS = {int(row[0]): row for row in rows(PAGE)}
MOST_WORDS = 12


def claims_in(file: Path) -> set[str]:
    """The tests that a file holds, as the page names them."""
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    return {f"{file.relative_to(ROOT)}::{each.name}" for each in functions if each.name.startswith("test_")}


def named(number: int) -> list[str]:
    """The tests that the page names for a bug."""
    return re.findall(r"`(tests/[^`]+)`", BUGS[number][4])


def test_all_forty_are_on_the_page_in_order() -> None:
    assert [int(row[0]) for row in rows(PAGE)] == list(range(1, 41))


@pytest.mark.parametrize("number", range(1, 41))
def test_a_bug_has_its_link_its_answer_and_tests_that_exist(number: int) -> None:
    _, link, wrong, answer, _ = BUGS[number]
    assert re.search(r"\]\(https://", link)
    assert 0 < len(wrong.split()) <= MOST_WORDS
    assert answer
    assert named(number)
    for test in named(number):
        assert test in claims_in(ROOT / test.partition("::")[0]), f"{test} does not exist"


def test_each_test_of_the_museum_is_on_the_page() -> None:
    on_page = {test for number in BUGS for test in named(number)}
    there = {
        test
        for file in sorted(Path(__file__).parent.glob("test_*.py"))
        if file != Path(__file__)
        for test in claims_in(file)
    }
    assert there <= on_page
