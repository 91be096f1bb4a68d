"""Arrays are written as psycopg writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.array import ListBinaryDumper

from db.arrays import ArrayDumper

PARIS = ZoneInfo("Europe/Paris")
TWICE = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)


def written(dumper: type[ListBinaryDumper], items: list[Any]) -> tuple[int, bytes]:
    """The array's type and bytes."""
    made = dumper(list, Transformer()).upgrade(items, PyFormat.BINARY)
    return made.oid, bytes(made.dump(items) or b"")


instants = st.datetimes(timezones=st.just(UTC)) | st.datetimes(timezones=st.just(PARIS))


@given(
    st.lists(st.uuids())
    | st.lists(st.uuids() | st.none(), min_size=1)
    | st.lists(instants)
    | st.lists(instants | st.none(), min_size=1)
    | st.lists(st.integers(0, 9))
    | st.lists(st.text().filter(lambda text: "\x00" not in text))
)
def test_a_list_is_written_as_psycopg_writes_it(items: list[Any]) -> None:
    assert written(ArrayDumper, items) == written(ListBinaryDumper, items)


@pytest.mark.parametrize(
    "items",
    [
        [datetime(2026, 1, 1, tzinfo=UTC)] * 3,
        [datetime(2026, 1, 1, tzinfo=UTC), None],
        [TWICE, TWICE.replace(fold=1)],
        [TWICE.astimezone(UTC), TWICE, TWICE.replace(fold=1)],
        [UUID(int=0), UUID(int=2**128 - 1), UUID(int=0)],
        [UUID(int=1), None],
        [[UUID(int=1)], [UUID(int=2)]],
        [datetime(9999, 12, 31, tzinfo=UTC) - timedelta(microseconds=1)],
    ],
)
def test_these_too(items: list[Any]) -> None:
    assert written(ArrayDumper, items) == written(ListBinaryDumper, items)
