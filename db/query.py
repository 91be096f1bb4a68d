"""Statements of sql/queries: one a file, loaded once, prepared and answered as rows of a named class."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, LiteralString, NamedTuple, TypeVar, overload

from psycopg import Connection, Cursor
from psycopg.rows import args_row

QUERIES = Path(__file__).resolve().parent.parent / "sql" / "queries"

Row = TypeVar("Row", bound=NamedTuple)


class Query(Generic[Row]):
    """The statement in sql/queries/`name`.sql; `row` is a NamedTuple in the order of its columns."""

    @overload
    def __init__(self: "Query[Any]", name: str) -> None: ...
    @overload
    def __init__(self, name: str, row: Callable[..., Row]) -> None: ...
    def __init__(self, name: str, row: Callable[..., Row] | None = None) -> None:
        self.name = name
        self.row = row
        self.text: LiteralString = (QUERIES / f"{name}.sql").read_text()

    def all(self, conn: Connection[Any], /, **params: Any) -> list[Row]:
        """Every row that the statement returns."""
        with self._execute(conn, params) as cursor:
            return cursor.fetchall()

    def one(self, conn: Connection[Any], /, **params: Any) -> Row | None:
        """The first row that the statement returns, or None."""
        with self._execute(conn, params) as cursor:
            return cursor.fetchone()

    def run(self, conn: Connection[Any], /, **params: Any) -> int:
        """The number of rows that the statement wrote."""
        with conn.execute(self.text, params, prepare=_prepare(conn)) as cursor:
            return cursor.rowcount

    def _execute(self, conn: Connection[Any], params: dict[str, Any]) -> Cursor[Row]:
        if self.row is None:
            raise TypeError(f"{self.name} returns no rows")
        cursor = conn.cursor(binary=True, row_factory=args_row(self.row))
        return cursor.execute(self.text, params, prepare=_prepare(conn))


def _prepare(conn: Connection[Any]) -> bool | None:
    """True where statements may be prepared: at once, since planning one anew costs more than the work of a small one."""
    return None if conn.prepare_threshold is None else True
