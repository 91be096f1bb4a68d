"""Errors as `application/problem+json`: what went wrong, in one sentence, under the status that says whose fault it is."""

from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from db.pool import DatabaseError
from telemetry.log import Events

events = Events("web")


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: object) -> JSONResponse:
    """The response to a request that failed."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers, "application/problem+json")


def answer_problems(app: FastAPI) -> None:
    """Makes every error of `app` a problem; a database that is away is 503 and no traceback."""

    async def refused(_request: Request, error: Exception) -> JSONResponse:
        # What the router raises for 404 and 405 is the parent class of FastAPI's own, with the same fields.
        found = cast(HTTPException, error)
        return problem(found.status_code, str(found.detail), headers=dict(found.headers or {}))

    for which in (HTTPException, 404, 405):
        app.add_exception_handler(which, refused)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"pointer": "/" + "/".join(map(str, each["loc"][1:])), "detail": each["msg"]} for each in error.errors()
        ]
        return problem(422, "the request is malformed", errors=errors)

    @app.exception_handler(DatabaseError)
    async def away(_request: Request, error: DatabaseError) -> JSONResponse:
        events.warning("request.failed", error=str(error).strip())
        return problem(503, "the database does not answer", headers={"Retry-After": "1"})
