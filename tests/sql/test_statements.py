"""Every statement against the real schema, and against the class of its rows."""

import re
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from db.query import QUERIES
from tests import make
from tests.sql.statements import NAMES, declared, describe, head

PYTHON_OF = {
    "uuid": UUID,
    "text": str,
    "boolean": bool,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "double precision": float,
    "numeric": Decimal,
    "timestamp with time zone": datetime,
    "date": date,
    "bytea": bytes,
    "text[]": list,
    "uuid[]": list,
    "jsonb": dict,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_understood_by_postgres(schema: make.Connection, name: str) -> None:
    described = describe(schema, name)

    assert "unknown" not in described.params.values()


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_says_first_what_it_does(name: str) -> None:
    assert re.match(r"[A-Z].{15,}", head(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_one_statement_in_lower_case(name: str) -> None:
    text = re.sub(r"--.*", "", (QUERIES / f"{name}.sql").read_text())
    code = re.sub(r"'[^']*'", "''", text)

    assert ";" not in code.rstrip().rstrip(";")
    assert not re.search(r"[A-Z]", re.sub(r"%\(\w+\)", "", code))
    assert not any("%(" in literal for literal in re.findall(r"'[^']*'", text)), "a parameter inside quotes"


def test_each_statement_is_used_and_each_query_has_its_statement() -> None:
    assert sorted(declared()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_of_a_statement_are_the_fields_of_its_row(schema: make.Connection, name: str) -> None:
    columns = describe(schema, name).columns
    for module, query in declared().get(name, []):
        if query.row is None:
            assert columns == {}, f"{module} throws the columns of {name} away"
            continue
        row: Any = query.row
        assert list(columns) == list(row._fields), f"{module}: {row.__name__} has not the columns of {name}"
        hints = typing.get_type_hints(row)
        for field, column_type in columns.items():
            assert _holds(hints[field], column_type), f"{module}: {row.__name__}.{field} is a {column_type}"


def _holds(hint: Any, column_type: str) -> bool:
    """Whether a field with this annotation may hold a value of that column."""
    if hint in (Any, object):
        return True
    choices = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    plain = [typing.get_origin(choice) or choice for choice in choices]
    if typing.Literal in plain:
        return column_type == "text"
    if column_type == "jsonb" and list in plain:
        return True
    return PYTHON_OF[column_type] in plain or Any in choices
