"""What a tenant keeps a list of, such as graphs and limits: rows that are listed, read, locked, changed and deleted alike.

A noun's own module says what its rows are and how one is made and edited; its routes are a line each on top of this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from fastapi.responses import Response

from api import shapes
from api.paging import page, place_of, room
from api.request import Asked, Change, answer, etag_of
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from scheduler.refusals import NotFound, WrongState

_FOREIGN_KEY = "23503"


Row = TypeVar("Row", bound=Any)


class Id(NamedTuple):
    """The id of a row that was written or locked."""

    id: UUID


@dataclass(frozen=True)
class Noun(Generic[Row]):
    """One kind of row. `listed` takes tenant_id, id (null: all), before_at, before_id and room, newest first.

    `filters` are what it takes besides, null for all. `kept_because`: why a row isn't deleted while others name it, with `{name}` in it. `volatile` are the shown fields that the
    engine counts, which are no part of a row's version; `shown` is a row as the outside sees it,
    `more` what an answer about one row alone has beside that. `is_planned_once` where a list takes longer to plan for
    its own filters than to read by one plan for all. `personal` are the shown fields of which the audit log,
    which outlives the row, says only that they changed.
    """

    one: str
    path: str
    listed: Query[Row]
    locks: Query[Id]
    deletes: Query[Any]
    kept_because: str = ""
    filters: tuple[str, ...] = ()
    volatile: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    is_planned_once: bool = False
    shown: Callable[[Row], dict[str, Any]] = shapes.plain
    more: Callable[[Connection, UUID, Row], dict[str, Any]] = lambda *_: {}

    def list_all(
        self,
        conn: Connection,
        tenant_id: UUID,
        *,
        before: tuple[datetime | None, UUID | None] = (None, None),
        limit: int = 1000,
        **wanted: Any,
    ) -> list[Row]:
        """The tenant's rows, newest first; of its filters, `wanted` are those that are given."""
        place = {"before_at": before[0], "before_id": before[1], "room": limit}
        return self.listed.all(conn, tenant_id=tenant_id, id=None, **place, **dict.fromkeys(self.filters) | wanted)

    def get(self, conn: Connection, tenant_id: UUID, row_id: UUID) -> Row:
        """The tenant's row. Raises NotFound."""
        nothing = dict.fromkeys(("before_at", "before_id", *self.filters))
        found = self.listed.one(conn, tenant_id=tenant_id, id=row_id, room=1, **nothing)
        if found is None:
            raise NotFound(f"there is no {self.one} {row_id}")
        return found

    def named(self, conn: Connection, tenant_id: UUID, id_or_name: str) -> Row:
        """The tenant's row of that id or name. Raises NotFound."""
        for each in self.list_all(conn, tenant_id):
            if id_or_name in (each.name, str(each.id)):
                return each
        raise NotFound(f"there is no {self.one} {id_or_name}")

    def locked(self, conn: Connection, tenant_id: UUID, row_id: UUID) -> Row:
        """The tenant's row, locked for the caller's transaction. Raises NotFound."""
        self.locks.one(conn, tenant_id=tenant_id, id=row_id)
        return self.get(conn, tenant_id, row_id)

    def delete(self, conn: Connection, tenant_id: UUID, row_id: UUID) -> Row:
        """The row as it was before it was deleted. Raises NotFound, and WrongState while others name it."""
        row = self.locked(conn, tenant_id, row_id)
        try:
            with transaction(conn):
                self.deletes.run(conn, tenant_id=tenant_id, id=row_id)
        except DatabaseError as error:
            if error.sqlstate != _FOREIGN_KEY or not self.kept_because:
                raise
            raise WrongState(self.kept_because.format(name=row.name)) from None
        return row

    def answer_list(self, asking: Asked, limit: int, cursor: str | None, **wanted: Any) -> Response:
        """A page of the rows."""
        listing = self.path.rpartition("/")[2]
        before = place_of(cursor, listing, asking.tenant)
        with asking.reading() if self.is_planned_once else asking.listing() as conn:
            rows = self.list_all(conn, asking.tenant, before=before, limit=room(limit), **wanted)
        return answer(page(rows, limit, listing, asking.tenant, lambda row: (row.created_at, row.id), self.shown))

    def answer_one(self, asking: Asked, row_id: UUID) -> Response:
        """One row, with its version."""
        with asking.reading() as conn:
            row = self.get(conn, asking.tenant, row_id)
            shape = self.shown(row)
            more = self.more(conn, asking.tenant, row)
        return answer(shape | more, etag=self.version(shape))

    def as_read(self, asking: Asked, conn: Connection, row_id: UUID) -> Row:
        """The row, locked, if it is as the caller read it. Raises NotFound, Stale."""
        row = self.locked(conn, asking.tenant, row_id)
        asking.check_match(self.version(self.shown(row)))
        return row

    def create(self, asking: Asked, make: Callable[[Connection], Row]) -> Response:
        """The answer to a row made."""

        def work(conn: Connection) -> Change:
            made = make(conn)
            shape = self.shown(made)
            place = f"{self.path}/{made.id}"
            body = shape | self.more(conn, asking.tenant, made)
            return self._change("created", made, None, shape, body=body, status=201, location=place)

        return asking.writing(work)

    def edit(self, asking: Asked, row_id: UUID, change: Callable[[Connection, Row], Row]) -> Response:
        """The answer to a row changed by `change`, which is given it as it was, locked."""

        def work(conn: Connection) -> Change:
            before = self.as_read(asking, conn, row_id)
            after = change(conn, before)
            shape = self.shown(after)
            body = shape | self.more(conn, asking.tenant, after)
            return self._change("edited", before, self.shown(before), shape, body=body)

        return asking.writing(work)

    def remove(
        self,
        asking: Asked,
        row_id: UUID,
        check: Callable[[Row], None] = lambda _: None,
        *,
        first: Callable[[Connection, Row], None] = lambda *_: None,
        then: Callable[[Connection], None] = lambda _: None,
    ) -> Response:
        """The answer to a row deleted, once `check` let it go; `first` and `then` do what comes before and after."""

        def work(conn: Connection) -> Change:
            row = self.as_read(asking, conn, row_id)
            check(row)
            first(conn, row)
            self.delete(conn, asking.tenant, row_id)
            then(conn)
            return self._change("deleted", row, self.shown(row), None, status=204)

        return asking.writing(work)

    def version(self, shape: dict[str, Any]) -> str:
        """The ETag of a row as it is shown."""
        return etag_of(shape, self.volatile)

    def audited(
        self, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """What the audit log keeps of a row as it was and as it is."""
        was, became = (
            None if shape is None else {name: value for name, value in shape.items() if name not in self.personal}
            for shape in (before, after)
        )
        if before is not None and after is not None and became is not None and self.personal:
            became["changed"] = sorted(name for name in before if before[name] != after[name] and name != "updatedAt")
        return was, became

    def _change(
        self, what: str, row: Row, before: dict[str, Any] | None, after: dict[str, Any] | None, **how: Any
    ) -> Change:
        etag = None if after is None else self.version(after)
        return Change(f"{self.one}.{what}", (self.one, row.id), *self.audited(before, after), etag=etag, **how)
