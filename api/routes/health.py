"""`/healthz` the process lives · `/readyz` it can serve · `/metrics` what it and the whole system count."""

import socket
from typing import Annotated, Literal, Protocol, cast
from urllib.parse import urlsplit

import redis
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from api.access import MetricsReader
from api.state import Web, web_of
from config.tls import redis_options
from db import migrate
from db.live import connected
from db.pool import Pool, Unavailable
from telemetry import exporter

router = APIRouter(tags=["health"])

_PATIENCE_SECONDS = 3.0


class Alive(BaseModel):
    """The process lives."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """What readiness found. A broker that is away is degraded: work is found in Postgres until it is back."""

    status: Literal["ready", "unready"]
    database: Literal["ok", "unreachable", "not_migrated"]
    broker: Literal["ok", "degraded"]
    reason: str = ""


@router.get("/healthz")
async def get_health() -> Alive:
    """The process is alive; asks neither Postgres nor the broker."""
    return Alive()


@router.get("/readyz", responses={200: {"model": Ready}, 503: {"model": Ready}}, response_model_exclude_defaults=True)
def get_readiness(web: Annotated[Web, Depends(web_of)]) -> Response:
    """200 once Postgres answers and holds this release's schema; 503 with the reason otherwise."""
    database, reason = _database(web.pool)
    is_ready = database == "ok"
    found = Ready(
        status="ready" if is_ready else "unready",
        database=database,
        broker="ok" if broker_answers(web.settings.broker_url) else "degraded",
        reason=reason,
    )
    return JSONResponse(found.model_dump(exclude_defaults=True), 200 if is_ready else 503)


@router.get("/metrics", dependencies=[MetricsReader], response_class=PlainTextResponse)
def get_metrics(web: Annotated[Web, Depends(web_of)]) -> Response:
    """This process's metrics and the system's gauges, in Prometheus's text format."""
    return Response(exporter.page([web.gauges]), media_type=CONTENT_TYPE_LATEST)


def _database(pool: Pool) -> tuple[Literal["ok", "unreachable", "not_migrated"], str]:
    try:
        with connected(pool, _PATIENCE_SECONDS) as conn:
            migrate.check(conn)
    except migrate.SchemaError as error:
        return "not_migrated", str(error)
    except Unavailable:
        return "unreachable", "the database does not answer"
    return "ok", ""


class _Pinged(Protocol):
    def ping(self) -> bool: ...

    def close(self) -> None: ...


def broker_answers(url: str) -> bool:
    """True when the broker takes a connection (and, as a Redis, answers PING)."""
    parts = urlsplit(url)
    if parts.scheme in ("redis", "rediss"):
        client = cast(
            _Pinged,
            redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=None, **redis_options(url)),
        )
        try:
            return client.ping()
        except redis.RedisError:
            return False
        finally:
            client.close()
    port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    try:
        with socket.create_connection((parts.hostname or "localhost", port), timeout=1):
            return True
    except OSError:
        return False
