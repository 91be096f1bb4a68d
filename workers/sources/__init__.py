"""Sources: each turns a tenant's question into a Table, read-only, with a deadline and caps on rows and bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from workers.addresses import IPNetwork
from workers.http import Client
from workers.sources.calling import Caller, authorization
from workers.sources.cube import Cube
from workers.sources.duckdb_files import DuckDB, folder_of
from workers.sources.http_json import HttpJson
from workers.sources.options import OPTIONS, TYPES, CubeOptions, HttpOptions, Options, PrometheusOptions
from workers.sources.postgres import Postgres
from workers.sources.prometheus import Prometheus
from workers.sources.table import (
    Column,
    Grain,
    Holds,
    Observe,
    Question,
    RowCap,
    Source,
    SourceRefused,
    SourceUnavailable,
    Stream,
    Table,
    streamed,
)

__all__ = [
    "TYPES",
    "Column",
    "Grain",
    "Holds",
    "Postgres",
    "Question",
    "Reach",
    "RowCap",
    "Source",
    "SourceRefused",
    "SourceUnavailable",
    "Stored",
    "Stream",
    "Table",
    "open_source",
    "streamed",
    "try_source",
    "with_password",
]


@dataclass(frozen=True, slots=True)
class Stored:
    """A source as it is stored, its secret opened, beside its tenant's slug and Postgres's time as it was read."""

    type: str
    url: str
    now: datetime
    secret: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    tenant: str = "default"


@dataclass(frozen=True, slots=True)
class Reach:
    """What this process may reach, and who looks on."""

    http: Client
    allowed: Sequence[IPNetwork] = ()
    files: Path | None = None
    is_cancelled: Callable[[], bool] = lambda: False
    observe: Observe | None = None


def open_source(stored: Stored, reach: Reach) -> Source:
    """Return the source; nothing is connected yet. Raises SourceRefused for a type or options not known here."""
    if stored.type not in OPTIONS:
        raise SourceRefused(f"no source of the type {stored.type!r} here; the types are: {', '.join(TYPES)}")
    try:
        options = OPTIONS[stored.type].model_validate(dict(stored.options))
    except ValidationError:
        raise SourceRefused("the source's options are not those of its type; save it again") from None
    if stored.type == "postgres":
        url = with_password(stored.url, stored.secret) if stored.secret else stored.url
        return Postgres(url, allowed=reach.allowed, is_cancelled=reach.is_cancelled, observe=reach.observe)
    if stored.type == "duckdb":
        folder = folder_of(stored.url, reach.files, stored.tenant)
        return DuckDB(folder, is_cancelled=reach.is_cancelled, observe=reach.observe)
    return _behind_http(stored, reach, options)


# The least that each type can be asked.
_LEAST: dict[type, str] = {Postgres: "select 1", DuckDB: "select 1", Prometheus: "vector(1)", HttpJson: "`1`"}


def try_source(source: Source, now: datetime, timeout_seconds: float) -> float:
    """Return how many milliseconds the source takes for the least question. Raises SourceUnavailable, SourceRefused."""
    if isinstance(source, Cube):
        return source.try_token(timeout_seconds)
    question = Question(_LEAST[type(source)], now, now - timedelta(days=1), now)
    return source.query(question, timeout_seconds=timeout_seconds, row_cap=1).cost_ms


def _behind_http(stored: Stored, reach: Reach, options: Options) -> Source:
    caller = Caller(stored.type, reach.http, reach.allowed, stored.secret, reach.is_cancelled)
    match options:
        case CubeOptions():
            return Cube(stored.url, caller, options.security_context, stored.now, reach.observe)
        case PrometheusOptions():
            return Prometheus(stored.url, caller, authorization(stored.secret, options.user), reach.observe)
        case HttpOptions():
            shown = authorization(stored.secret, options.user)
            if options.secret_header is not None and stored.secret:
                shown = {options.secret_header: stored.secret}
            return HttpJson(
                stored.url,
                caller,
                {**options.headers, **shown},
                method=options.method,
                body=options.body,
                data_as_of=options.data_as_of,
                observe=reach.observe,
            )
        case _:
            raise TypeError(f"{stored.type} has no source")


def with_password(url: str, password: str) -> str:
    """Return the address with the password in it."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()
