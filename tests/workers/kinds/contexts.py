"""Contexts as the runner makes them, with what a kind is given in a test."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from pydantic import BaseModel

from config.zones import zone
from workers.alert_book import AlertBook
from workers.alerting.chart import Point
from workers.alerting.machine import StateRow
from workers.alerting.notify import Facts, Silence
from workers.artifacts import Artifact, Content, New, NoStore
from workers.branding import Branding
from workers.graphs import Graph
from workers.http import Client
from workers.kind import Context
from workers.sources import Question, Source, SourceRefused, Table
from workers.templating.template import Template

P = TypeVar("P", bound=BaseModel)
GRAPH, SOURCE = UUID(int=6), UUID(int=8)
RUN = UUID("0192f0c1-0000-7000-8000-000000000001")
SCHEDULE = UUID("0192f0c1-0000-7000-8000-000000000002")
SLOT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


class Book:
    """The book of one alert: its graph, what it remembers, what was missed; and whether anybody was told of the source."""

    def __init__(self, states: Mapping[str, StateRow] | None = None, **graph: Any) -> None:
        fields: dict[str, Any] = {
            "id": GRAPH,
            "name": "Seats",
            "source_id": SOURCE,
            "query": "select 1",
            "unit": "",
            "format": "number",
            "decimals": None,
            "value_column": None,
            "time_dimension": None,
            "grain": None,
            "segment_by": [],
            "version": 3,
            "is_failing": False,
        }
        self.is_there = True
        self._graph = Graph(**(fields | graph))
        self._states = states or {}
        self.missed: list[datetime] = []
        self.silences: list[Silence] = []
        self.told: list[str] = []
        self.checked: dict[str, list[Point]] = {}
        self.kept: dict[str, Any] = {}
        self.all_graphs: list[Graph] = []
        self.templates: dict[UUID, Template] = {}
        self.members: dict[str, list[str]] = {}

    def graph(self, graph_id: UUID) -> Graph | None:
        return self._graph if self.is_there and graph_id == GRAPH else None

    def rule_version(self) -> int:
        return 7

    def graphs(self, graph_id: UUID | None, dashboard_id: UUID | None) -> list[Graph]:  # noqa: ARG002 - the protocol
        return [*self.all_graphs] or [self._graph]

    def memory(self, alert_id: UUID) -> Mapping[str, Any]:  # noqa: ARG002 - the protocol
        return self.kept

    def states(self, alert_id: UUID) -> Mapping[str, StateRow]:  # noqa: ARG002 - the protocol
        return self._states

    def facts(self, alert_id: UUID, at: datetime) -> Facts:  # noqa: ARG002 - the protocol
        return Facts(alert_id=str(alert_id), silences=self.silences)

    def unchecked(self, since: datetime) -> list[datetime]:
        return [slot for slot in self.missed if slot > since]

    def checks(self, segment: str) -> list[Point]:
        return self.checked.get(segment, [])

    def trouble(self, graph: Graph, why: str, *, is_away: bool) -> None:
        self.told.append(f"{graph.source_id if is_away else graph.id} fails: {why}")

    def settled(self, graph: Graph) -> None:
        if graph.is_failing:
            self.told.append(f"{graph.source_id} answers")

    def tell(self, key: str, subject: str, text: str) -> None:  # noqa: ARG002 - the protocol
        self.told.append(subject)

    def tell_once(self, which: UUID, version: int, subject: str, text: str) -> None:  # noqa: ARG002 - the protocol
        self.told.append(subject)

    def template(self, template_id: UUID) -> Template | None:
        return self.templates.get(template_id)

    def members_of(self, role: str) -> list[str]:
        return self.members.get(role, [])


class Answering:
    """A source that gives one table, or one error, to every question, and keeps what it was asked."""

    def __init__(self, answer: Table | Exception) -> None:
        self._answer = answer
        self.asked: list[Question] = []

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:  # noqa: ARG002 - a source's signature
        self.asked.append(question)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Journal:
    """Remembers nothing, and knows the source and the alerts' book that a test gave it."""

    def __init__(self, source: Source | None = None, book: AlertBook | None = None) -> None:
        self._source = source
        self._book = book
        self.brand = Branding()
        self.files: dict[str, bytes] | None = None

    def step(self, name: str, work: Callable[[], Any]) -> Any:  # noqa: ARG002 - the protocol
        return work()

    def find_step(self, name: str) -> tuple[Any] | None:  # noqa: ARG002 - the protocol
        return None

    def keep_step(self, name: str, result: Any) -> Any:  # noqa: ARG002 - the protocol
        return result

    def keep(self, new: New, content: Content) -> Artifact:
        if self.files is None:
            raise NoStore
        made = content() if callable(content) else content
        stored = made.read_bytes() if isinstance(made, Path) else made
        self.files[new.name] = stored
        link = f"https://tocsin.example.com/f/{len(self.files)}"
        return Artifact(uuid4(), new.name, new.format, new.content_type, len(stored), "", new.record_count, link)

    def read_kept(self, name: str) -> bytes:
        raise LookupError(name)

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
