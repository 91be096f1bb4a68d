"""`/sources`: where figures come from; a source is tested and asked from its own page."""

from uuid import UUID

from fastapi.responses import Response

from api.pages.forms import Typed
from api.pages.page import EditorPage, told
from api.pages.rooms import Field, Room, routes
from api.routes import sources
from api.routes.sources import QueryIn, SourceIn, SourcePatch
from workers.sources.options import TYPES

ROOM = Room(
    path="/sources",
    title="Sources",
    one="source",
    note="Databases and services that alerts and reports read. A secret goes in and never comes out.",
    empty="A source is where figures come from: a Postgres database, Cube, Prometheus, an HTTP API, or files by DuckDB. "
    "Make one, test it, then make a graph of a query.",
    columns={"Name": "name", "Type": "type", "Address": "url", "Since": "createdAt"},
    listed=sources.list_sources,
    got=sources.get_source,
    made=sources.create_source,
    taken=SourceIn,
    edited=sources.edit_source,
    patched=SourcePatch,
    deleted=sources.delete_source,
    show="sources/one.html.j2",
    fields=(
        Field("name", "Name", required=True),
        Field("type", "Type", "choice", choices=[(each, each) for each in TYPES], once=True),
        Field(
            "url",
            "Address",
            required=True,
            placeholder="postgresql://user:password@host:5432/name",
            hint="Or https://host/path, or file:///folder/ for duckdb. A password in it is never shown again.",
        ),
        Field("secret", "Secret", "secret", "Cube's API secret, a bearer token or a user's password."),
        Field("options", "Options", "object", "What the type takes besides, as JSON."),
    ),
)
router = routes(ROOM)


@router.post("/sources/{source_id}/test")
def test_source(page: EditorPage, source_id: UUID) -> Response:
    """Connects, and says how it went."""
    return ROOM.page_of(page, source_id, tested=told(sources.test_source(page.asking, source_id)))


@router.post("/sources/{source_id}/preview")
def preview_source(page: EditorPage, source_id: UUID, form: Typed) -> Response:
    """The first rows of a query."""
    page.if_refused(lambda refusal: ROOM.page_of(page, source_id, asked=form["query"], refusal=refusal))
    preview = told(sources.preview_source(page.asking, source_id, form.body(QueryIn)))
    return ROOM.page_of(page, source_id, asked=form["query"], preview=preview)
