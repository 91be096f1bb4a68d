"""`/api/sources`: where kinds read. A secret goes in and never comes out."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, sources
from api.asked_sources import Means, asked, row_of
from api.definitions import Line, Time
from api.paging import Cursor, Limit, page, place_of, room
from api.problems import answers, good
from api.refusals import refuse
from api.request import Asked, Change, Editor, Reader, answer, etag_of
from api.sources import Source
from config.zones import BadZone, zone
from db.pool import Connection
from workers.journal import SourceRow
from workers.sources import (
    Grain,
    Holds,
    Question,
    RowCap,
    SourceRefused,
    SourceUnavailable,
    try_source,
)
from workers.sources.options import SourceType

router = APIRouter(prefix="/api/sources", tags=["sources"], responses=answers(400, 401, 403, 404, 422, 429, 503))

SourceOut = shapes.model_of(Source, "Source")
SourceList = shapes.list_of(SourceOut, "SourceList")
_TEST_SECONDS = 10.0
_PREVIEW_ROWS = 50

Url = Annotated[
    str,
    Field(
        max_length=2000,
        description="postgresql://user:password@host:5432/name, https://host/path, or file:///folder/ for duckdb; "
        "a password in it is never shown again",
    ),
]
Secret = Annotated[
    str,
    Field(max_length=10_000, description="Cube's API secret, a bearer token or a user's password; never shown again"),
]
Options = Annotated[
    dict[str, Any], Field(description="what the type takes besides; another name than those is refused")
]


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class SourceIn(_Body):
    """A source to be made."""

    name: Line
    type: SourceType = "postgres"
    url: Url
    secret: Secret | None = None
    options: Options | None = None


class SourcePatch(_Body):
    """What changes; without a secret the stored one stays, if host, port and user stay."""

    name: Line | None = None
    url: Url | None = None
    secret: Secret | None = None
    options: Options | None = None


class QueryIn(_Body):
    """One query, in the source's own words, and what it may depend on."""

    query: Annotated[str, Field(min_length=1, max_length=100_000)]
    slot_at: Annotated[Time | None, Field(description="what relative times count from; by default now")] = None
    start: Annotated[Time | None, Field(description="where a window begins, with `end`")] = None
    end: Annotated[Time | None, Field(description="where it ends; the instant itself is no part of it")] = None
    timezone: Annotated[str, Field(max_length=100)] = "UTC"
    grain: Grain | None = None
    context: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=1000)]],
        Field(max_length=50, description="the security context of whoever the answer is for"),
    ] = Field(default_factory=dict)


class Tested(BaseModel):
    """Whether the source answered, and what was wrong where it did not."""

    ok: bool
    error: str | None
    milliseconds: float | None


class ColumnOut(BaseModel):
    """A column, with the source's own name for its type, and what it holds."""

    name: str
    type: str
    holds: Holds


class Preview(BaseModel):
    """The first rows of the answer; values that JSON has no exact form for are strings."""

    columns: list[ColumnOut]
    rows: list[list[Any]]
    hasMore: bool  # noqa: N815  as the contract spells its names
    dataAsOf: str | None  # noqa: N815
    isStale: bool  # noqa: N815
    notes: list[str]
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
        made = sources.create_source(
            conn,
            asking.tenant,
            body.name,
            body.type,
            body.url,
            asking.web.seal,
            secret=body.secret or "",
            options=body.options,
            files=asking.web.settings.files,
        )
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
        after = sources.edit(
            conn,
            asking.tenant,
            source_id,
            name=body.name,
            url=body.url,
            secret=body.secret,
            options=body.options,
            seal=asking.web.seal,
            files=asking.web.settings.files,
        )
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
    """Connects and asks for as little as there is; what is wrong is told as the worker would meet it."""
    row = _row(asking, source_id)
    try:
        with asked(row, asking.tenant, _means(asking)) as source:
            milliseconds = try_source(source, row.now, _TEST_SECONDS)
    except (SourceRefused, SourceUnavailable) as error:
        return answer({"ok": False, "error": str(error), "milliseconds": None})
    return answer({"ok": True, "error": None, "milliseconds": round(milliseconds, 1)})


@router.post("/{source_id}/preview", responses=good(200, Preview, 409))
def preview_source(asking: Editor, source_id: UUID, body: QueryIn) -> Response:
    """The first 50 rows of a query."""
    has_more = False
    row = _row(asking, source_id)
    try:
        slot_at = row.now if body.slot_at is None else body.slot_at
        question = Question(body.query, slot_at, body.start, body.end, _zone(body.timezone), body.grain, body.context)
        with asked(row, asking.tenant, _means(asking)) as source:
            table = source.query(question, timeout_seconds=_TEST_SECONDS, row_cap=_PREVIEW_ROWS)
    except RowCap as error:
        table, has_more = error.table, True
    except SourceRefused as error:
        raise refuse("query", str(error)) from None
    except SourceUnavailable as error:
        raise HTTPException(503, str(error)) from None
    return answer(
        {
            "columns": [column._asdict() for column in table.columns],
            "rows": [[_cell(value) for value in each] for each in table.rows[:_PREVIEW_ROWS]],
            "hasMore": has_more,
            "dataAsOf": table.data_as_of,
            "isStale": table.is_stale,
            "notes": table.notes,
            "milliseconds": round(table.cost_ms, 1),
        }
    )


def _row(asking: Asked, source_id: UUID) -> SourceRow:
    """The source as it is stored. Raises NotFound."""
    with asking.reading() as conn:
        return row_of(conn, asking.tenant, source_id)


def _means(asking: Asked) -> Means:
    settings = asking.web.settings
    return Means(asking.web.seal, settings.egress_allow, settings.files)


def _zone(name: str) -> str:
    """The name of a zone that there is. Raises BadDefinition."""
    try:
        zone(name)
    except BadZone as error:
        raise refuse("timezone", str(error).removeprefix("timezone ")) from None
    return name


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
