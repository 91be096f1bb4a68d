"""Errors as `application/problem+json`: what went wrong, in one sentence, under the status that says whose fault it is."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from db.pool import DatabaseError
from telemetry.log import Events

events = Events("web")


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: object) -> JSONResponse:
    """The response to a request that failed."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers, "application/problem+json")


def answer_problems(app: FastAPI) -> None:
    """Makes every error of `app` a problem; a database that is away is 503 and no traceback."""

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

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
