"""`/api/sources`: the databases that kinds read. A password goes in and never comes out."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, sources
from api.definitions import Line
from api.pages import Cursor, Limit, page, place_of, room
from api.problems import answers, good
from api.refusals import refuse
from api.request import Asked, Change, Editor, Reader, answer, etag_of
from api.sources import Source
from db.pool import Connection
from db.sealed import password_place
from workers.journal import GET_SOURCE, with_password
from workers.sources import RowCap, SourceRefused, SourceUnavailable, Table, open_source

router = APIRouter(prefix="/api/sources", tags=["sources"], responses=answers(400, 401, 403, 404, 422, 429, 503))

SourceOut = shapes.model_of(Source, "Source")
SourceList = shapes.list_of(SourceOut, "SourceList")
_TEST_SECONDS = 10.0
_PREVIEW_ROWS = 50

Url = Annotated[
    str,
    Field(max_length=2000, description="postgresql://user:password@host:5432/name; the password is never shown again"),
]


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class SourceIn(_Body):
    """A source to be made."""

    name: Line
    type: Literal["postgres"] = "postgres"
    url: Url


class SourcePatch(_Body):
    """What changes; an address without a password keeps the stored one, if host, port and user stay."""

    name: Line | None = None
    url: Url | None = None


class QueryIn(_Body):
    """One statement that reads."""

    query: Annotated[str, Field(min_length=1, max_length=100_000)]


class Tested(BaseModel):
    """Whether the source answered, and what was wrong where it did not."""

    ok: bool
    error: str | None
    milliseconds: float | None


class ColumnOut(BaseModel):
    """A column, with the source's own name for its type."""

    name: str
    type: str


class Preview(BaseModel):
    """The first rows of the answer; values that JSON has no exact form for are strings."""

    columns: list[ColumnOut]
    rows: list[list[Any]]
    hasMore: bool  # noqa: N815  as the contract spells its names
    dataAsOf: str | None  # noqa: N815
    milliseconds: float


@router.get("", responses=good(200, SourceList))
def list_sources(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The sources, newest first."""
    before = place_of(cursor, "sources", asking.tenant)
    with asking.listing() as conn:
        rows = sources.list_all(conn, asking.tenant, before=before, limit=room(limit))
    return answer(page(rows, limit, "sources", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, SourceOut))
def create_source(asking: Editor, body: SourceIn) -> Response:
    """Makes a source; nothing is connected yet."""

    def work(conn: Connection) -> Change:
        made = sources.create_source(conn, asking.tenant, body.name, body.type, body.url, asking.web.seal)
        return _changed("created", None, made, status=201, location=f"/api/sources/{made.id}")

    return asking.writing(work)


@router.get("/{source_id}", responses=good(200, SourceOut))
def get_source(asking: Reader, source_id: UUID) -> Response:
    """One source."""
    with asking.reading() as conn:
        shape = shapes.plain(sources.get(conn, asking.tenant, source_id))
    return answer(shape, etag=etag_of(shape))


@router.patch("/{source_id}", responses=good(200, SourceOut, 412))
def edit_source(asking: Editor, source_id: UUID, body: SourcePatch) -> Response:
    """Changes a source."""

    def work(conn: Connection) -> Change:
        before = sources.locked(conn, asking.tenant, source_id)
        asking.check_match(etag_of(shapes.plain(before)))
        after = sources.edit(conn, asking.tenant, source_id, name=body.name, url=body.url, seal=asking.web.seal)
        return _changed("edited", before, after)

    return asking.writing(work)


@router.delete("/{source_id}", status_code=204, responses=answers(409, 412))
def delete_source(asking: Editor, source_id: UUID) -> Response:
    """Deletes a source that nothing reads."""

    def work(conn: Connection) -> Change:
        asking.check_match(etag_of(shapes.plain(sources.locked(conn, asking.tenant, source_id))))
        before = sources.delete(conn, asking.tenant, source_id)
        return Change("source.deleted", ("source", source_id), shapes.plain(before), None, status=204)

    return asking.writing(work)


@router.post("/{source_id}/test", responses=good(200, Tested))
def test_source(asking: Editor, source_id: UUID) -> Response:
    """Connects and asks for one row; what is wrong is told as the worker would meet it."""
    try:
        table = _read(asking, source_id, "select 1")
    except (SourceRefused, SourceUnavailable) as error:
        return answer({"ok": False, "error": str(error), "milliseconds": None})
    return answer({"ok": True, "error": None, "milliseconds": round(table.cost_ms, 1)})


@router.post("/{source_id}/preview", responses=good(200, Preview, 409))
def preview_source(asking: Editor, source_id: UUID, body: QueryIn) -> Response:
    """The first 50 rows of a query."""
    has_more = False
    try:
        table = _read(asking, source_id, body.query)
    except RowCap as error:
        table, has_more = error.table, True
    except SourceRefused as error:
        raise refuse("query", str(error)) from None
    except SourceUnavailable as error:
        raise HTTPException(503, str(error)) from None
    return answer(
        {
            "columns": [column._asdict() for column in table.columns],
            "rows": [[_cell(value) for value in row] for row in table.rows[:_PREVIEW_ROWS]],
            "hasMore": has_more,
            "dataAsOf": table.data_as_of,
            "milliseconds": round(table.cost_ms, 1),
        }
    )


def _read(asking: Asked, source_id: UUID, query: str) -> Table:
    """The answer of the source. Raises NotFound, SourceRefused, SourceUnavailable, RowCap, SealError."""
    with asking.reading() as conn:
        sources.get(conn, asking.tenant, source_id)
        row = GET_SOURCE.one(conn, tenant_id=asking.tenant, name=str(source_id))
    if row is None:
        raise SourceRefused("the source was deleted meanwhile")
    url = row.url
    if row.sealed_password is not None:
        url = with_password(url, asking.web.seal.open(row.sealed_password, password_place(asking.tenant, row.id)))
    source = open_source(row.type, url, allowed=asking.web.settings.egress_allow)
    return source.query(query, timeout_seconds=_TEST_SECONDS, row_cap=_PREVIEW_ROWS)


def _cell(value: Any) -> Any:
    """A value as JSON shows it; what JSON has no form for is text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _changed(
    what: str, before: Source | None, after: Source, *, status: int = 200, location: str | None = None
) -> Change:
    shape = shapes.plain(after)
    past = before and shapes.plain(before)
    return Change(f"source.{what}", ("source", after.id), past, shape, shape, status, location, etag_of(shape))
