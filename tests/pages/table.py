"""Every page of the dashboard: who may see it, and what its form needs. Claims about all pages walk this table."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from fastapi.routing import APIRoute

from api.app import PAGE_ROOMS
from tests import make
from tests.api.tenanted import ROWS


class PageRow(NamedTuple):
    """A page: the least role that may ask for it, the fields of its form, and how the row in its path is made."""

    role: str = "viewer"
    form: Mapping[str, str] = {}
    row: Mapping[str, Any] = {}


# What anybody may ask for.
OPEN = {
    "GET /static/{name:path}",
}

# What is no page: it says to pages that something changed.
STREAMS = {"GET /events"}

PAGES: dict[str, PageRow] = {
    "GET /": PageRow(),
    "GET /silences": PageRow(),
    "GET /silences/new": PageRow("editor"),
    "POST /silences/new": PageRow("editor", {"name": "Works", "durationSeconds:number": "3600"}),
    "POST /silences/{silence_id}/end": PageRow("editor"),
    "POST /silences/{silence_id}/delete": PageRow("editor"),
}


def page_routes() -> Iterator[str]:
    """The pages that the application has, as `METHOD /path`."""
    for room in PAGE_ROOMS:
        for route in room.router.routes:
            if isinstance(route, APIRoute):
                yield from (f"{method} {route.path}" for method in route.methods or ())


def names_in(page: str) -> list[str]:
    """The names in a page's path."""
    return [part[1:-1] for part in page.split("/") if part.startswith("{")]


def made(conn: make.Connection, page: str, tenant_id: UUID | None, word: str = "own") -> str:
    """The page's path with the id of a new row of the tenant's in it; its texts hold the word."""
    path = page.split(" ", 1)[1]
    assert tenant_id is not None
    for name in names_in(page):
        path = path.replace("{" + name + "}", ROWS[name](conn, tenant_id, word, **PAGES[page].row))
    return path
