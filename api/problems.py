"""Errors as `application/problem+json`: what went wrong, in one sentence, under the status that says whose fault it is."""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from api.refusals import BadDefinition, Busy, Stale, detail_of
from config.seal import SealError
from db.pool import BadValue, DatabaseError, Unavailable
from scheduler.refusals import BadSpan, NameTaken, NotFound, WrongState
from telemetry import errors
from telemetry.log import Events

events = Events("web")

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field at fault."""

    pointer: str = Field(description="the field, as a JSON pointer into the body, or the name of a parameter")
    detail: str = Field(description="what it takes")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = Field(None, description="each field at fault")


class Refusal(NamedTuple):
    """A problem as a page shows it. `errors` are the reasons by field, in dotted names: `threshold.checkCron`."""

    status: int
    title: str
    detail: str
    errors: dict[str, str]


async def refusal_of(request: Request, error: Exception) -> tuple[Refusal, dict[str, str]]:
    """The error as the API would tell it, and the headers that go with it. Raises the error when nothing tells it."""
    handlers = request.app.exception_handlers
    handler = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
    if handler is None:
        raise error
    answered = await handler(request, error)
    told = json.loads(answered.body)
    errors = {each["pointer"].strip("/").replace("/", "."): each["detail"] for each in told.get("errors") or ()}
    headers = {name: value for name, value in answered.headers.items() if not name.startswith("content-")}
    return Refusal(answered.status_code, told["title"], told["detail"], errors), headers


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: object) -> JSONResponse:
    """The response to a request that failed."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an endpoint may answer, as OpenAPI describes them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def good(status: int, model: Any, *problems: int) -> dict[int | str, dict[str, Any]]:
    """The answer of an endpoint when all went well, and the problems that are its own."""
    return {status: {"model": model}, **answers(*problems)}


def makes(model: Any) -> dict[int | str, dict[str, Any]]:
    """The answers of an endpoint that makes something: that it is made, and under `Tocsin-Plan` what would be."""
    told = {"model": model, "description": "What would be made, under Tocsin-Plan: nothing is."}
    return {201: {"model": model}, 200: told}


def answer_problems(app: FastAPI, routes: Sequence[APIRoute] = ()) -> None:
    """Makes every error of `app` a problem; a database that is away is 503 and no traceback.

    A method that a path does not have is answered with those of the `routes` that it has.
    """

    # What the router raises, and what is raised for a body that can't be read, is the parent class of FastAPI's own.
    @app.exception_handler(StarletteHTTPException)
    async def refused(request: Request, error: StarletteHTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(request.url.path, routes)) or headers.get("Allow", "")
        return problem(error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_of_request(each) for each in error.errors()]
        return problem(422, "the request is malformed", errors=errors)

    @app.exception_handler(BadDefinition)
    async def bad(_request: Request, error: BadDefinition) -> JSONResponse:
        errors = [{"pointer": _pointer(each.pointer), "detail": each.detail} for each in error.problems]
        return problem(422, "the request cannot be done as it is", errors=errors)

    for kind, answered in _ANSWERS.items():
        app.add_exception_handler(kind, answered)

    @app.exception_handler(DatabaseError)
    async def database(request: Request, error: DatabaseError) -> JSONResponse:
        if isinstance(error, Unavailable):
            events.warning("request.failed", request_id=request.state.request_id, error=str(error).strip())
            return problem(503, "the database does not answer", headers={"Retry-After": "1"})
        if isinstance(error, BadValue):
            return problem(422, "a value of this request can't be stored")
        raise error

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        request_id = request.scope.get("state", {}).get("request_id", "")
        events.error("request.raised", request_id=request_id, path=request.url.path, error=type(error).__name__)
        errors.raised(error, request_id=request_id)
        # This answer alone does not come by the doorway.
        return problem(
            500, f"this is a bug of ours; the log knows it as {request_id}", headers={"X-Request-Id": request_id}
        )


def _methods(path: str, routes: Sequence[APIRoute]) -> list[str]:
    """The methods of the first path that fits: the router itself would tell those of one function alone."""
    first = next((route.path for route in routes if route.path_regex.match(path)), None)
    return sorted({method for route in routes if route.path == first for method in route.methods or ()})


def _of_request(found: Any) -> dict[str, str]:
    place, *path = found["loc"]
    if found["type"] == "json_invalid":
        return {"pointer": "", "detail": "takes JSON"}
    pointer = _pointer(".".join(map(str, path))) if place == "body" else str(path[-1]) if path else str(place)
    return {"pointer": pointer, "detail": detail_of(found["type"], found["msg"])}


def _pointer(path: str) -> str:
    """A dotted path of a definition as a JSON pointer into the body."""
    if not path or path == "body":
        return ""
    first, *rest = path.split(".")
    return "/" + "/".join(["jobPayload" if first == "params" else first, *rest])


async def _not_found(_request: Request, _error: Exception) -> JSONResponse:
    # The same for what another tenant has and for what nobody has.
    return problem(404, "there is nothing of that id")


async def _wrong_state(_request: Request, error: Exception) -> JSONResponse:
    return problem(409, str(error))


async def _name_taken(_request: Request, error: Exception) -> JSONResponse:
    return problem(422, "the request cannot be done as it is", errors=[{"pointer": "/name", "detail": str(error)}])


async def _bad_span(_request: Request, error: Exception) -> JSONResponse:
    return problem(422, "the request cannot be done as it is", errors=[{"pointer": "/from", "detail": str(error)}])


async def _stale(_request: Request, error: Exception) -> JSONResponse:
    return problem(412, str(error))


async def _no_key(_request: Request, error: Exception) -> JSONResponse:
    return problem(503, f"secrets can't be kept here: {error}")


async def _busy(_request: Request, error: Exception) -> JSONResponse:
    return problem(503, str(error), headers={"Retry-After": "1"})


_ANSWERS: dict[type[Exception], Callable[[Request, Exception], Any]] = {
    NotFound: _not_found,
    WrongState: _wrong_state,
    NameTaken: _name_taken,
    BadSpan: _bad_span,
    Stale: _stale,
    Busy: _busy,
    SealError: _no_key,
}
