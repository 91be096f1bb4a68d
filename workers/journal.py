"""What a run writes and reads while it runs: every write says its fence, and is refused once that has moved on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from config.seal import Seal, SealError
from db.ids import id_at
from db.jsonb import Jsonb
from db.pool import Pool
from db.query import Query
from db.sealed import params_place, password_place, webhook_secret_place, webhook_url_place
from telemetry import metrics, traces
from workers import artifacts
from workers.alert_book import RunAlertBook
from workers.artifacts import Artifact, Content, New, Shelf
from workers.branding import Branding
from workers.chat.budget import ModelRules
from workers.chat.endpoint import Endpoint
from workers.chat.model import Model
from workers.crew.book import CrewBook
from workers.crew.caller import Caller
from workers.graphs import Graph
from workers.http import Client
from workers.kind import FailedDelivery, Owner, Webhook
from workers.reports.book import RunReportBook
from workers.rows import Leased, Value
from workers.sources import Reach, Source, SourceRefused, Stored, open_source
from workers.sources.flight import Shared
from workers.steps import check_step


class SourceRow(NamedTuple):
    """A tenant's source as it is stored, with the tenant's slug and Postgres's time."""

    id: UUID
    type: str
    url: str
    sealed_password: str | None
    options: dict[str, Any]
    updated_at: datetime
    tenant: str
    now: datetime


class WebhookRow(NamedTuple):
    """A tenant's webhook as it is stored."""

    name: str
    status: str
    sealed_url: str
    sealed_secret: str
    has_old_secret: bool


GET_STEP = Query("get_step", Value)
INSERT_STEP = Query("insert_step", Value)
INSERT_LOG = Query("insert_log")
SET_PROGRESS = Query("set_progress")
GET_SOURCE = Query("get_source", SourceRow)
LIST_GRAPHS = Query("list_graphs_of_tenant", Graph)
FIND_LAST = Query("find_last_pulse", Value)
GET_MODEL_RULES = Query("get_model_rules", ModelRules)
SPEND = Query("spend_on_model")
GET_BRANDING = Query("get_branding", Branding)
OPEN_WEBHOOK = Query("open_webhook", WebhookRow)
DISABLE_WEBHOOK = Query("disable_webhook", Value)
LIST_OWNERS = Query("list_owners", Owner)
LIST_FAILED = Query("list_failed_deliveries", FailedDelivery)


class RunTakenAway(RuntimeError):
    """The run belongs to another attempt now; whatever this one does is void."""


@dataclass(slots=True)
class RunJournal:
    """The journal of one leased run."""

    pool: Pool
    leased: Leased
    seal: Seal
    egress_allow: tuple[IPv4Network | IPv6Network, ...]
    is_cancelled: Callable[[], bool]
    http: Client
    files: Path | None
    process_id: UUID
    shelf: Shelf
    chatbot: Endpoint | None = None
    # Those that TOCSIN_RECIPIENT_DOMAINS names; none: every one.
    recipient_domains: tuple[str, ...] = ()
    caller: Caller | None = None

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """The stored result of the step; without one, does the work and stores what it returned.

        Raises ValueError when the result is larger than 256 KiB of JSON, RunTakenAway when the run was taken away.
        """
        stored = self.find_step(name)
        if stored is not None:
            return stored[0]
        with traces.step("step", name=name):
            return self.keep_step(name, work())

    def find_step(self, name: str) -> tuple[Any] | None:
        """The stored result of the step, alone in a tuple; None while there is none."""
        with self.pool.connection() as conn:
            stored = GET_STEP.one(conn, name=name, **self._run())
        return None if stored is None else (stored.value,)

    def keep_step(self, name: str, result: Any) -> Any:
        """The stored result of the step: this one, unless another was quicker. Raises as `step` does."""
        check_step(name, result)
        with self.pool.connection() as conn:
            kept = INSERT_STEP.one(conn, name=name, result=Jsonb(result), **self._run())
        if kept is None:
            raise RunTakenAway(f"step {name}: the run belongs to another attempt")
        return kept.value

    def log(self, message: str, fields: dict[str, Any]) -> None:
        """Keeps a line, at most 10,000 characters of it."""
        with self.pool.connection() as conn:
            INSERT_LOG.run(
                conn,
                id=id_at(self.leased.slot_at),
                message=message[:10_000].replace("\x00", ""),
                fields=Jsonb(fields),
                **self._run(),
            )

    def progress(self, fraction: float, note: str) -> None:
        """Shows the fraction (kept within 0 and 1) and the note on the run."""
        shown = {"fraction": round(min(1.0, max(0.0, fraction)), 4), "note": note[:500].replace("\x00", "")}
        with self.pool.connection() as conn:
            SET_PROGRESS.run(conn, progress=Jsonb(shown), **self._run())

    def keep(self, new: New, content: Content) -> Artifact:
        """The file of that name that the run has kept; without one, keeps this one. Raises as artifacts.keep does."""
        kept = artifacts.keep(self.pool, self.leased, self.shelf, new, content)
        if kept is None:
            raise RunTakenAway(f"file {new.name}: the run belongs to another attempt")
        return kept

    def read_kept(self, name: str) -> bytes:
        """The bytes of a file that the run has kept. Raises LookupError when it has none of that name."""
        return artifacts.read(self.pool, self.leased, self.shelf, name)

    def source(self, name: str) -> Source:
        """The tenant's source with that name or id. Raises SourceRefused when there is none."""
        with self.pool.connection() as conn:
            row = GET_SOURCE.one(conn, tenant_id=self.leased.tenant_id, name=name)
        if row is None:
            raise SourceRefused(f"there is no source {name!r}")
        reach = Reach(self.http, self.egress_allow, self.files, self.is_cancelled, _observe)
        stored = opened(row, self.leased.tenant_id, self.seal)
        return Shared(
            open_source(stored, reach),
            self.pool,
            self.leased.tenant_id,
            row.id,
            self.process_id,
            row.type,
            row.updated_at.isoformat(),
            is_cancelled=self.is_cancelled,
            observe=_observe,
        )

    def unseal(self, sealed: str) -> str:
        """The secret sealed in the schedule's params."""
        if self.leased.schedule_id is None:
            raise SealError("a run without a schedule has no sealed params")
        return self.seal.open(sealed, params_place(self.leased.tenant_id, self.leased.schedule_id))

    def branding(self) -> Branding:
        """How the tenant's mail looks now."""
        with self.pool.connection() as conn:
            return GET_BRANDING.one(conn, tenant_id=self.leased.tenant_id) or Branding()

    def alerts(self) -> RunAlertBook:
        """What a run of an alert knows and reports."""
        return RunAlertBook(self.pool, self.leased)

    def graphs(self, ids: Sequence[UUID] | None = None) -> list[Graph]:
        """The tenant's graphs by name, at most 200; of these ids, those that are there."""
        wanted = None if ids is None else list(ids)
        with self.pool.connection() as conn:
            return LIST_GRAPHS.all(conn, tenant_id=self.leased.tenant_id, ids=wanted)

    def last_sent(self) -> Mapping[str, Any] | None:
        """The record of the schedule's last run before this slot that sent a report; None for the first."""
        leased = self.leased
        place = {"tenant_id": leased.tenant_id, "schedule_id": leased.schedule_id, "slot_at": leased.slot_at}
        with self.pool.connection() as conn:
            found = FIND_LAST.one(conn, **place)
        return None if found is None else found.value

    def model(self) -> Model | None:
        """The model that writes; None where CHATBOT_URL is not set."""
        return None if self.chatbot is None else Model(self.chatbot, self.http, self.egress_allow)

    def model_rules(self) -> ModelRules:
        """What the tenant's runs may take of models, what they took today, and where their texts may lead."""
        with self.pool.connection() as conn:
            found = GET_MODEL_RULES.one(conn, tenant_id=self.leased.tenant_id) or ModelRules([])
        own = [self.shelf.url] if self.shelf.url else []
        return found._replace(link_origins=[*own, *found.link_origins])

    def spend_on_model(self, tokens: int, dollars: Decimal | None) -> None:
        """Counts a turn of the model among what the tenant took today."""
        with self.pool.connection() as conn:
            SPEND.run(conn, tenant_id=self.leased.tenant_id, tokens=tokens, dollars=dollars or Decimal())

    def reports(self) -> RunReportBook:
        """What a run of an exported report reads."""
        return RunReportBook(self.pool, self.leased.tenant_id)

    def webhook(self, webhook_id: UUID) -> Webhook | None:
        """The tenant's webhook with that id, opened; None once it was deleted. Raises SealError."""
        with self.pool.connection() as conn:
            row = OPEN_WEBHOOK.one(conn, tenant_id=self.leased.tenant_id, id=webhook_id)
        return row and open_webhook(row, self.leased.tenant_id, webhook_id, self.seal)

    def disable_webhook(self, webhook_id: UUID, reason: str, *, subject: str, text: str) -> None:
        """Disables the webhook, unless it is or the run was taken away; the admins are told in a run of its own."""
        with self.pool.connection() as conn:
            DISABLE_WEBHOOK.one(conn, webhook_id=webhook_id, reason=reason, subject=subject, text=text, **self._run())

    def crew(self) -> CrewBook:
        """What a run that fans out over users reads and writes."""
        return CrewBook(self.pool, self.leased)

    def crew_caller(self) -> Caller:
        """What a call about a user is made with."""
        if self.caller is None:
            raise RuntimeError("no calls are made here")
        return self.caller

    def owners(
        self, schedule_id: UUID | None, source_id: UUID | None = None, graph_id: UUID | None = None
    ) -> list[Owner]:
        """Who is told of a schedule: whoever made it, else the tenant's `noticesTo`, else its admins; at most a hundred.

        Of a source or a graph also whoever made an active alert on it.
        """
        about = {"schedule_id": schedule_id, "source_id": source_id, "graph_id": graph_id}
        with self.pool.connection() as conn:
            return LIST_OWNERS.all(conn, tenant_id=self.leased.tenant_id, domains=list(self.recipient_domains), **about)

    def failed_deliveries(self, run_id: UUID, slot_at: datetime) -> list[FailedDelivery]:
        """The deliveries of another run that failed for good or came back, the first fifty."""
        with self.pool.connection() as conn:
            return LIST_FAILED.all(conn, tenant_id=self.leased.tenant_id, run_id=run_id, slot_at=slot_at)

    def _run(self) -> dict[str, Any]:
        leased = self.leased
        return {"run_id": leased.id, "slot_at": leased.slot_at, "fence": leased.fence}


def opened(row: SourceRow, tenant_id: UUID, seal: Seal) -> Stored:
    """The stored source with its secret opened. Raises SealError."""
    sealed = row.sealed_password
    secret = "" if sealed is None else seal.open(sealed, password_place(tenant_id, row.id))
    return Stored(row.type, row.url, row.now, secret, row.options, row.tenant)


def _observe(source_type: str, outcome: str, seconds: float) -> None:
    metrics.source_seconds.labels(source_type, outcome).observe(seconds)
    traces.took("source", seconds, type=source_type, outcome=outcome)


def open_webhook(row: WebhookRow, tenant_id: UUID, webhook_id: UUID, seal: Seal) -> Webhook:
    """The webhook with the secrets that sign now: the new one, and the old one while it still does. Raises SealError."""
    secrets = seal.open(row.sealed_secret, webhook_secret_place(tenant_id, webhook_id)).split()
    return Webhook(
        row.name,
        row.status == "active",
        seal.open(row.sealed_url, webhook_url_place(tenant_id, webhook_id)),
        " ".join(secrets if row.has_old_secret else secrets[:1]),
    )
