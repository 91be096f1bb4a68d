"""The page of templates against the code: each purpose, filter and test is told as it is."""

import pytest

from tests.docs.test_docs import DOCS, names, rows
from workers.kinds.purposes import PURPOSES, paths_of
from workers.templating.shown import FILTERS, TESTS

PAGE = DOCS / "templates.md"


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_name_of_a_purpose_is_told_as_it_is(purpose: str) -> None:
    sorts: dict[str, str] = {}
    for made in PURPOSES[purpose].samples().values():
        sorts |= {path: sort for path, sort in paths_of(made.context).items() if sort != "nothing"}
    told = {names(row[:1])[0]: row[1:] for row in rows(PAGE, f"`{purpose}`")}
    assert told == {path: [sorts[path], said] for path, said in PURPOSES[purpose].fields.items()}
    assert f"Samples: {', '.join(f'`{name}`' for name in PURPOSES[purpose].samples())}." in PAGE.read_text()


def test_every_filter_and_test_is_told() -> None:
    assert names([row[0] for row in rows(PAGE, "The language")]) == [*FILTERS]
    assert f"Tests: {', '.join(f'`{name}`' for name in TESTS)}." in PAGE.read_text()
