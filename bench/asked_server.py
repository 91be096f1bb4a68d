"""`python -m bench.asked_server unwalled|bare`: what `asked` measures beside the API."""

import sys
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from api import app
from api.settings import Settings
from api.state import Web
from bench.stage import value
from db.jsonb import dumps


def main() -> None:
    settings = Settings.from_environ()
    if sys.argv[1] == "unwalled":
        Web.is_walled = lambda _web, _conn: False  # type: ignore[method-assign, assignment]  # the first wall alone
        served = app.create_app(settings)
    else:
        served = bare(settings.database.url)
    uvicorn.run(served, host="127.0.0.1", port=settings.port, log_level="warning", access_log=False)


class Body(BaseModel):
    """A schedule as a bare endpoint takes it."""

    jobType: str  # noqa: N815  as it is sent
    intervalSeconds: int  # noqa: N815
    name: str


def bare(url: str) -> FastAPI:
    """Endpoints that run one statement each."""
    served = FastAPI()
    pool = ConnectionPool(url, min_size=4, max_size=16, kwargs={"autocommit": True})
    with pool.connection() as conn:
        tenant = value(conn, "select id from tenants order by slug limit 1 offset 100")

    @served.get("/api/runs")
    def list_runs(limit: int) -> Response:
        with pool.connection() as conn:
            statement = "select * from runs where tenant_id = %s order by slot_at desc, id desc limit %s"
            rows = conn.cursor(row_factory=dict_row).execute(statement, (tenant, limit)).fetchall()
        return Response(dumps({"items": rows}), media_type="application/json")

    @served.get("/api/runs/{run_id}")
    def get_run(run_id: str, _request: Request) -> Response:
        slot = int(run_id.replace("-", "")[:12], 16) / 1000
        with pool.connection() as conn:
            statement = "select * from runs where id = %s and slot_at = to_timestamp(%s)"
            row = conn.cursor(row_factory=dict_row).execute(statement, (run_id, slot)).fetchone()
        return Response(dumps(row), media_type="application/json")

    @served.post("/api/schedules", status_code=201)
    def create(body: Body) -> Response:
        with pool.connection() as conn:
            made = value(
                conn,
                "insert into schedules (id, tenant_id, kind, name, interval_seconds, interval_anchor, next_fire_at, "
                "status) values (%s, %s, %s, %s, %s, date_trunc('second', now()), now() + interval '1 hour', 'active') "
                "returning id",
                uuid4(),
                tenant,
                body.jobType,
                body.name,
                body.intervalSeconds,
            )
        return JSONResponse({"id": str(made)}, 201)

    return served


if __name__ == "__main__":
    main()
