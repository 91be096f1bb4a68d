"""Runs a kind without a database or a worker: what it returns for given params, and what it logged meanwhile."""

import asyncio
import hashlib
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.zones import zone
from db.ids import id_at
from workers.artifacts import Artifact, Content, New
from workers.branding import Branding
from workers.http import Client
from workers.kind import Context, Journal, Kind
from workers.outcome import Outcome
from workers.sources import Source, SourceRefused

A_SLOT = datetime(2026, 1, 1, 9, tzinfo=UTC)


@dataclass(slots=True)
class Notes:
    """A journal in memory: what the kind logged and how far it said it was; steps and files are kept from attempt to attempt."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    brand: Branding = field(default_factory=Branding)
    steps: dict[str, Any] = field(default_factory=dict)
    files: dict[str, tuple[Artifact, bytes]] = field(default_factory=dict)
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    shown: list[tuple[float, str]] = field(default_factory=list)

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """The kept result, doing the work the first time."""
        if name not in self.steps:
            self.steps[name] = work()
        return self.steps[name]

    def keep(self, new: New, content: Content) -> Artifact:
        """The kept file, keeping this one the first time. Raises ValueError."""
        if new.checked().name not in self.files:
            made = content() if callable(content) else content
            stored = made.read_bytes() if isinstance(made, Path) else made
            digest = hashlib.sha256(stored).hexdigest()
            kept = Artifact(uuid4(), new.name, new.format, new.content_type, len(stored), digest, new.record_count)
            self.files[new.name] = (kept, stored)
        return self.files[new.name][0]

    def read_kept(self, name: str) -> bytes:
        """The bytes of the kept file. Raises LookupError."""
        return self.files[name][1]

    def log(self, message: str, fields: dict[str, Any]) -> None:
        """Keeps the line."""
        self.lines.append((message, fields))

    def progress(self, fraction: float, note: str) -> None:
        """Keeps how far it is."""
        self.shown.append((fraction, note))

    def source(self, name: str) -> Source:
        """The source given under that name. Raises SourceRefused."""
        if name not in self.sources:
            raise SourceRefused(f"there is no source {name!r}")
        return self.sources[name]

    def unseal(self, sealed: str) -> str:
        """The text as it is: nothing is sealed here."""
        return sealed

    def branding(self) -> Branding:
        """The branding given, by default none."""
        return self.brand


def run_kind(
    kind: Kind,
    params: Mapping[str, Any],
    *,
    slot_at: datetime = A_SLOT,
    timezone: str = "UTC",
    attempt: int = 1,
    mode: str = "live",
    journal: Journal | None = None,
    http: Client | None = None,
) -> Outcome:
    """The outcome of one attempt of `kind`, which ran for real; `params` are validated as at save.

    `slot_at` is aware. Give `Notes` as the journal to see what was logged, or to give it sources. Outgoing calls go
    through `http`, by default a client that reaches public addresses alone. Raises pydantic's ValidationError, and
    whatever the kind raises.
    """
    owned = Client(allowed=()) if http is None else None
    context: Context[Any] = Context(
        tenant_id=uuid4(),
        run_id=id_at(slot_at),
        slot_at=slot_at,
        slot_local=slot_at.astimezone(zone(timezone)),
        schedule_id=uuid4(),
        schedule_name=kind.name,
        timezone=timezone,
        attempt=attempt,
        started_at=slot_at,
        params=kind.Params.model_validate(params),
        mode=mode,
        deadline=time.monotonic() + kind.timeout_seconds,
        http=http or owned,  # type: ignore[arg-type]  # one of the two is there
        journal=journal or Notes(),
    )
    try:
        found = kind.run(context)
        return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found
    finally:
        if owned is not None:
            owned.close()


async def _awaited(outcome: Any) -> Outcome:
    found: Outcome = await outcome
    return found
