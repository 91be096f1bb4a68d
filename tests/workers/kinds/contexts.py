"""Contexts as the runner makes them, with what a kind is given in a test."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel

from config.zones import zone
from workers.alert_book import AlertBook
from workers.branding import Branding
from workers.http import Client
from workers.kind import Context
from workers.sources import Source, SourceRefused

P = TypeVar("P", bound=BaseModel)
RUN = UUID("0192f0c1-0000-7000-8000-000000000001")
SCHEDULE = UUID("0192f0c1-0000-7000-8000-000000000002")
SLOT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


class Journal:
    """Remembers nothing, and knows the source and the alerts' book that a test gave it."""

    def __init__(self, source: Source | None = None, book: AlertBook | None = None) -> None:
        self._source = source
        self._book = book
        self.brand = Branding()

    def step(self, name: str, work: Callable[[], Any]) -> Any:  # noqa: ARG002 - the protocol
        return work()

    def log(self, message: str, fields: dict[str, Any]) -> None:
        pass

    def progress(self, fraction: float, note: str) -> None:
        pass

    def alerts(self) -> AlertBook:
        assert self._book is not None
        return self._book

    def source(self, name: str) -> Source:
        if self._source is None:
            raise SourceRefused(f"no source {name}")
        return self._source

    def unseal(self, sealed: str) -> str:
        return sealed.removeprefix("sealed:k:")

    def branding(self) -> Branding:
        return self.brand


def context(params: P, *, http: Client | None = None, journal: Journal | None = None, **overrides: Any) -> Context[P]:
    """The context of one attempt, with overrides."""
    fields: dict[str, Any] = {
        "tenant_id": UUID(int=7),
        "run_id": RUN,
        "slot_at": SLOT,
        "slot_local": SLOT.astimezone(zone("Europe/Paris")),
        "schedule_id": SCHEDULE,
        "schedule_name": "a schedule",
        "timezone": "Europe/Paris",
        "attempt": 1,
        "started_at": SLOT,
        "params": params,
        "mode": "live",
        "deadline": time.monotonic() + 30,
        "http": cast("Client", http),
        "journal": journal or Journal(),
    }
    return Context(**(fields | overrides))
