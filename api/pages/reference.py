"""`/docs`: the API's reference, made of this process's own OpenAPI document; no script and no file of anybody else is loaded."""

from functools import lru_cache
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import Response

from api import reference
from api.pages.page import ViewerPage
from api.pages.route import pages
from api.reference import Reference

router = pages("reference")
_EXAMPLE = "list_schedules"


@router.get("/docs")
def list_operations(page: ViewerPage, search: Annotated[str, Query(max_length=200)] = "") -> Response:
    """How to call the API, and every operation by its noun, or those that have all words of the search."""
    operations = _read(page.request.app)
    nouns = reference.by_noun(operations, search)
    url = page.asking.web.settings.url or str(page.request.base_url).rstrip("/")
    return page.show("reference/list.html.j2", nouns=nouns, search=search, url=url, example=operations[_EXAMPLE])


@router.get("/docs/{operation_id}")
def show_operation(page: ViewerPage, operation_id: str) -> Response:
    """What one operation takes and answers, and a line that calls it."""
    found = _read(page.request.app).get(operation_id)
    if found is None:
        raise HTTPException(404, "the API has no operation of that name")
    return page.show("reference/one.html.j2", operation=found)


@lru_cache(maxsize=1)
def _read(app: FastAPI) -> Reference:
    """The application's operations; a process has but one application, whose document does not change."""
    return reference.read(app.openapi())
