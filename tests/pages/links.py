"""What links of pages ask for, and whether the page that each leads to reads it."""

import inspect
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Match

from api.pages.all_pages import PAGE_ROOMS

ROUTES = [route for room in PAGE_ROOMS for route in room.router.routes if isinstance(route, APIRoute)]
SIGN_IN = "/sign-in"
# A form is filled beforehand with whatever of its fields the address names.
FILLED = {"/graphs/new": {"sourceId"}}


def within(dependant: Dependant) -> Iterator[Dependant]:
    """What a route asks for, and what that asks for."""
    yield dependant
    for each in dependant.dependencies:
        yield from within(each)


def unread(link: str) -> set[str]:
    """The names in a link's query that the page which it leads to does not read."""
    parts = urlsplit(link)
    names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    scope = {"type": "http", "method": "GET", "path": parts.path, "headers": []}
    if not names or parts.path.startswith(SIGN_IN):
        return set()
    route = next((each for each in ROUTES if each.matches(scope)[0] is Match.FULL), None)
    assert route is not None, f"{link} leads nowhere"
    told = {field.alias for each in within(route.dependant) for field in each.query_params}
    source = inspect.getsource(inspect.getmodule(route.endpoint))  # type: ignore[arg-type]  # one of our own
    taken = set(re.findall(r'page\.query\["(\w+)"\]', source))
    return names - told - taken - FILLED.get(parts.path, set())
