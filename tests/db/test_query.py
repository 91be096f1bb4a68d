"""Queries: how a statement's parameters are numbered, and what an array literal holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.jsonb import dumps, loads
from db.query import Query, literal, numbered
from tests import make


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1", ("select 1", ())),
        ("select %(b)s, %(a)s::int, %(b)s", ("select $1, $2::int, $1", ("b", "a"))),
        ("select '50%%', %(a)s", ("select '50%', $1", ("a",))),
    ],
)
def test_each_name_has_one_number(text: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert numbered(text) == expected


def test_a_parameter_that_is_missing_is_named(empty_database: str) -> None:
    with make.connect(empty_database) as conn, pytest.raises(KeyError, match="tenant_id"):
        Query("get_source").run(conn, name="x")


def test_an_array_literal_is_the_array_in_postgres(empty_database: str) -> None:
    words = ["", "NULL", "null", None, "a b", '"', "\\", '\\"', "{a,b}", "',;", "\n\t", "é☃😀", '{"a": "\\u0000"}']
    with make.connect(empty_database) as conn:
        assert conn.execute("select %s::text[]", (literal(words),)).fetchone() == (words,)
        assert conn.execute("select %s::text[]", (literal([]),)).fetchone() == ([],)
        assert conn.execute("select %s::float8[]", (literal([1.5, None, 0]),)).fetchone() == ([1.5, None, 0.0],)


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert loads(dumps(value)) == value
    assert loads(dumps(value).encode()) == value
