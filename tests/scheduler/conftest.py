"""A ticker turned by hand."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.scheduler.ticking import Hand


@pytest.fixture
def hand(database: str) -> Iterator[Hand]:
    """A database of the test's own with a ticker that turns when the test says so."""
    with closing(Hand(database)) as hand:
        yield hand
