"""Conversations of one run with a model on loopback, whose steps a test can look at and keep."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from db.jsonb import dumps, loads
from local.model_server import ModelServer
from tests.workers.kinds.contexts import SLOT, Answering, Book, Journal, context
from tests.workers.wire import LOOPBACK
from workers.chat.conversation import SPARE_SECONDS, Conversation
from workers.chat.endpoint import SETTINGS, Endpoint
from workers.chat.model import Model
from workers.chat.outcome import Limits
from workers.graphs import Graph
from workers.http import Client
from workers.sources import Column, Source, Table

PROTOCOLS = ("openai", "anthropic")
KEY = "sk-a-key-of-ours"
QUICK = Limits(pause_seconds=0.01, seconds=20, idle_seconds=5)
WEEK = Table(
    (Column("day", "date", "date"), Column("city", "text", "text"), Column("value", "numeric", "number")),
    [
        (SLOT.date(), "Lyon", Decimal("1250.50")),
        (SLOT.date(), "Oslo", Decimal(300)),
    ],
    SLOT,
    1.0,
)


class Nothing(BaseModel):
    """No params."""


class Steps(Journal):
    """A journal that keeps steps as Postgres does: as JSON, once."""

    def __init__(self, source: Source, kept: dict[str, str] | None = None) -> None:
        super().__init__(source)
        self.kept = {} if kept is None else kept

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        if name not in self.kept:
            self.kept[name] = dumps(work())
        return loads(self.kept[name])


def graph(name: str = "Revenue", id: int = 6, **more: Any) -> Graph:
    """A graph by day and city."""
    fields: dict[str, Any] = {
        "name": name,
        "unit": "EUR",
        "time_dimension": "day",
        "grain": "day",
        "value_column": "value",
    }
    [made] = Book(**(fields | {"segment_by": ["city"], "id": UUID(int=id)} | more)).graphs(None, None)
    return made


def endpoint(url: str, prices: str | None = None) -> Endpoint:
    """The endpoint that settings name."""
    found = Endpoint.of(
        dict(zip(SETTINGS, (url, "gpt-test", KEY, prices and tuple(map(Decimal, prices.split(",")))), strict=True))
    )
    assert found is not None
    return found


@contextmanager
def talk(
    server: ModelServer,
    protocol: str = "openai",
    *,
    limits: Limits = QUICK,
    graphs: Sequence[Graph] | None = None,
    source: Source | None = None,
    kept: dict[str, str] | None = None,
    prices: str | None = None,
    reader: Mapping[str, str] | None = None,
    **more: Any,
) -> Iterator[Conversation]:
    """A conversation with the server in that protocol; what `kept` holds, an earlier attempt has kept."""
    with closing(Client(allowed=LOOPBACK)) as http:
        made = endpoint(server.url if protocol == "openai" else server.anthropic_url, prices)
        journal = Steps(source or Answering(WEEK), kept)
        ctx = context(Nothing(), journal=journal, **({"deadline": time.monotonic() + SPARE_SECONDS + 60} | more))
        yield Conversation(
            ctx, Model(made, http, LOOPBACK), [graph()] if graphs is None else graphs, context=reader, limits=limits
        )
