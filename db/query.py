"""Statements of sql/queries: one a file, loaded once, prepared and answered as rows of a named class."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, overload

from psycopg import Connection, RawCursor, RawServerCursor, adapters
from psycopg.rows import args_row

from db.arrays import ArrayDumper
from db.pool import is_pooled

QUERIES = Path(__file__).resolve().parent.parent / "sql" / "queries"

# Arrays go in binary: as text an id costs 3.6 us, an instant 8.7 and a word 1.8, each 0.8 in binary (measured).
adapters.register_dumper(list, ArrayDumper)

Row = TypeVar("Row", bound=NamedTuple)


class Query(Generic[Row]):
    """The statement in sql/queries/`name`.sql; `row` is a NamedTuple in the order of its columns.

    Its parameters are numbered here: psycopg would look for their names at each call of a statement longer than 4,096
    characters (measured: 0.2 ms a call).
    """

    @overload
    def __init__(self: "Query[Any]", name: str) -> None: ...
    @overload
    def __init__(self, name: str, row: Callable[..., Row]) -> None: ...
    def __init__(self, name: str, row: Callable[..., Row] | None = None) -> None:
        self.name = name
        self.row = row
        self.text, self.params = numbered((QUERIES / f"{name}.sql").read_text())
        self._bytes = self.text.encode()

    def all(self, conn: Connection[Any], /, **params: Any) -> list[Row]:
        """Every row that the statement returns."""
        with self._rows(conn, params) as cursor:
            return cursor.fetchall()

    def one(self, conn: Connection[Any], /, **params: Any) -> Row | None:
        """The first row that the statement returns, or None."""
        with self._rows(conn, params) as cursor:
            return cursor.fetchone()

    def each(self, conn: Connection[Any], /, **params: Any) -> Iterator[Row]:
        """The rows one by one, a few hundred of them at a time, within the caller's transaction."""
        if self.row is None:
            raise TypeError(f"{self.name} returns no rows")
        with RawServerCursor(conn, self.name, row_factory=args_row(self.row)) as cursor:
            cursor.execute(self._bytes, [params[name] for name in self.params], binary=True)
            yield from cursor

    def run(self, conn: Connection[Any], /, **params: Any) -> int:
        """The number of rows that the statement wrote."""
        with self._execute(RawCursor(conn), params) as cursor:
            return cursor.rowcount

    def _rows(self, conn: Connection[Any], params: dict[str, Any]) -> RawCursor[Row]:
        if self.row is None:
            raise TypeError(f"{self.name} returns no rows")
        return self._execute(RawCursor(conn, row_factory=args_row(self.row)), params)

    def _execute(self, cursor: RawCursor[Any], params: dict[str, Any]) -> RawCursor[Any]:
        values = [params[name] for name in self.params]
        # Prepared at once where it may be: planning a small statement anew costs more than its work.
        prepare = None if is_pooled(cursor.connection) else True
        return cursor.execute(self._bytes, values, prepare=prepare, binary=True)


def literal(values: Iterable[object]) -> str:
    """The values as the text of an array, for a parameter that the statement casts; None is null.

    A tenth of what a list costs (0.08 us a value): for statements of the hot path that carry many words and nulls.
    """
    return "{" + ",".join(["NULL" if value is None else _quoted(str(value)) for value in values]) + "}"


def bare(words: Iterable[str]) -> str:
    """The same of words that need no quotes: ids, instants and numbers."""
    return "{" + ",".join(words) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """The statement with $1, $2 … in place of %(name)s, and the names in that order."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return re.sub(r"%\((\w+)\)[sb]", place, text).replace("%%", "%"), tuple(names)
