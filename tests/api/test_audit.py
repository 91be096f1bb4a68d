"""Each change leaves one entry, which nobody takes back; and a chain that was tampered with says where."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from api import audit
from api.app import openapi
from api.audit import Author, Broken
from config.environ import BadSetting
from config.seal import Place, Seal, SealError
from db.ids import id_at
from tests import make
from tests.api.conftest import KEY, Api, MakeWeb, TestClient, web_of_it

CANARY = "canary-4711"
CANARY_KEY = "whsec_Y2FuYXJ5LTQ3MTEtY2FuYXJ5LTQ3MTE="
OPERATOR = UUID(int=0)


class World:
    """A tenant with its admin and an operator, and one of everything that a request can be about."""

    def __init__(self, web: TestClient, conn: make.Connection) -> None:
        self.conn = conn
        self.admin = Api(web, conn)
        self.operator = Api(web, conn, "operator")
        self.tenant = self.admin.tenant or uuid4()

    def slug(self) -> str:
        return str(make.value(self.conn, "select slug from tenants where id = %s", self.tenant))

    def suspended(self) -> str:
        self.conn.execute("update tenants set status = 'suspended' where id = %s", (self.tenant,))
        return self.slug()

    def schedule(self, **more: Any) -> UUID:
        return make.schedule(self.conn, self.tenant, interval_seconds=60, **more)

    def paused(self) -> UUID:
        return self.schedule(status="paused", next_fire_at=None)

    def run(self, **row: Any) -> UUID:
        return make.run(self.conn, self.tenant, schedule_id=self.schedule(), schedule_version=1, **row)

    def dead_run(self) -> UUID:
        slot = make.now(self.conn)
        run = self.run(state="dead", slot_at=slot, fence=4, attempt=1)
        of_run = {"run_id": run, "slot_at": slot, "tenant_id": self.tenant, "fence": 4, "kind": "test.noop"}
        make.insert(self.conn, "dead_letters", of_run | {"id": id_at(slot), "cause": "rejected", "attempts": 1})
        return run

    def delivery(self) -> UUID:
        slot = make.now(self.conn)
        run = self.run(state="succeeded", slot_at=slot)
        return make.delivery(self.conn, self.tenant, run, slot, state="failed")

    def source(self) -> UUID:
        body = {"name": f"n{uuid4().hex[:8]}", "url": f"postgresql://reader:{CANARY}@db.example.com/x"}
        return UUID(self.admin("POST", "/api/sources", json=body).json()["id"])

    def webhook(self) -> UUID:
        body = {"name": uuid4().hex, "url": f"https://example.com/{CANARY}", "events": ["run.dead"]}
        return UUID(self.admin("POST", "/api/webhooks", json=body).json()["id"])

    def disabled(self) -> UUID:
        webhook = self.webhook()
        self.conn.execute("update webhooks set status = 'disabled', disabled_reason = 'gone' where id = %s", (webhook,))
        return webhook

    def channel(self) -> UUID:
        body = {"name": uuid4().hex, "type": "slack", "credential": f"https://127.0.0.1:1/{CANARY}"}
        return UUID(self.admin("POST", "/api/channels", json=body).json()["id"])

    def limit(self) -> UUID:
        body = {"name": f"host:{uuid4().hex[:8]}.example", "maxRunning": 3}
        return UUID(self.admin("POST", "/api/limits", json=body).json()["id"])

    def calendar(self) -> UUID:
        body = {"name": uuid4().hex, "country": "DE"}
        return UUID(self.admin("POST", "/api/calendars", json=body).json()["id"])

    def graph(self) -> UUID:
        body = {"name": uuid4().hex, "sourceId": str(self.source()), "query": "select 1"}
        return UUID(self.admin("POST", "/api/graphs", json=body).json()["id"])

    def new_graph(self) -> dict[str, Any]:
        return {"name": "seen", "sourceId": str(self.source()), "query": "select 1"}

    def new_alert(self) -> dict[str, Any]:
        threshold = {"condition": "EQUAL", "thresholdValue": 1}
        return {
            "alertName": "seen",
            "recipients": ["ada@example.com"],
            "graphId": str(self.graph()),
            "threshold": threshold,
        }

    def alert(self) -> UUID:
        body = self.new_alert() | {"alertName": uuid4().hex}
        return UUID(self.admin("POST", "/api/kpi-alerts", json=body).json()["id"])

    def firing(self) -> UUID:
        alert_id, now = self.alert(), make.now(self.conn)
        row = {"alert_id": alert_id, "tenant_id": self.tenant, "segment": "", "state": "firing"}
        row |= {"since": now, "slot_at": now, "run_id": uuid4()}
        make.insert(self.conn, "alert_states", row)
        return alert_id

    def pulse(self) -> UUID:
        body = {"name": uuid4().hex, "prompt": "what is new?", "cron": "0 9 * * 1"}
        return UUID(self.admin("POST", "/api/pulse", json=body).json()["id"])

    def dashboard(self) -> UUID:
        body = {"name": uuid4().hex, "graphIds": [str(self.graph())]}
        return UUID(self.admin("POST", "/api/dashboards", json=body).json()["id"])

    def new_dashboard(self) -> dict[str, Any]:
        return {"name": "seen", "graphIds": [str(self.graph())]}

    def template(self) -> UUID:
        body = {"name": uuid4().hex, "purpose": "kpi.threshold", "subject": "Look"}
        return UUID(self.admin("POST", "/api/templates", json=body).json()["id"])

    def definition(self) -> UUID:
        body = {"name": uuid4().hex, "graphId": str(self.graph())}
        return UUID(self.admin("POST", "/api/report-definitions", json=body).json()["id"])

    def new_report(self) -> dict[str, Any]:
        row = self.admin("GET", f"/api/report-definitions/{self.definition()}").json()
        return {"name": "seen", "reportType": row["name"], "cronExpression": "0 8 * * 1", "exportFormats": ["csv"]}

    def report(self) -> UUID:
        body = self.new_report() | {"name": uuid4().hex}
        return UUID(self.admin("POST", "/api/scheduled-reports", json=body).json()["id"])

    def silence(self) -> UUID:
        body = {"name": uuid4().hex, "startsAt": (LAST + timedelta(days=1)).isoformat(), "durationSeconds": 60}
        return UUID(self.admin("POST", "/api/silences", json=body).json()["id"])

    def suppression(self) -> UUID:
        body = {"recipient": f"{uuid4().hex}@example.com"}
        return UUID(self.admin("POST", "/api/suppressions", json=body).json()["id"])

    def member(self) -> UUID:
        body = {"subject": uuid4().hex, "email": "ada@example.com"}
        return UUID(self.admin("POST", "/api/members", json=body).json()["id"])

    def token(self) -> UUID:
        return self.admin.of_scope(self.conn, "read").made.id

    def user(self) -> str:
        uid = uuid4().hex
        assert self.admin("POST", "/api/users", json={"uid": uid, "goal": "to grow"}).status_code == 201
        return uid

    def endpoint(self) -> UUID:
        body = {"name": uuid4().hex, "url": "https://example.com/crew", "headers": {"Authorization": CANARY}}
        return UUID(self.admin("POST", "/api/crew-endpoints", json=body).json()["id"])

    def new_response(self) -> dict[str, Any]:
        return {"userUid": self.user(), "responseData": {"plan": "seen"}}

    def response(self) -> UUID:
        return UUID(self.admin("POST", "/api/crew-responses", json=self.new_response()).json()["id"])

    def from_source(self) -> dict[str, Any]:
        return {"sourceId": str(self.source()), "query": "select 1"}

    def nothing(self) -> str:
        return ""


class Write(NamedTuple):
    """A request that changes something: what it is about, its body, and the entry that it leaves."""

    action: str
    of: Callable[[World], object]
    body: dict[str, Any] | Callable[[World], dict[str, Any]] | None = None
    has: str = "after"
    is_operators: bool = False


CALL = {"url": "https://example.com/hook", "secret": CANARY_KEY, "headers": {"Authorization": CANARY}}
LAST = datetime.now(UTC)
SPAN = {"from": (LAST - timedelta(hours=1)).isoformat(), "to": LAST.isoformat()}
CALLED = {"jobType": "http.call", "jobPayload": CALL, "intervalSeconds": 60, "tags": ["seen"]}
TOLD = {"name": "seen", "url": f"https://example.com/{CANARY}", "events": ["run.dead"]}
SOURCE = {"name": "seen", "url": f"postgresql://reader:{CANARY}@db.example.com/x"}
MEMBER = {"subject": "seen", "email": "ada@example.com"}

# Every route that changes something; another one belongs in here, or in READS where it stores nothing.
WRITES: dict[tuple[str, str], Write] = {
    ("post", "/api/schedules"): Write("schedule.created", World.nothing, CALLED),
    ("patch", "/api/schedules/{schedule_id}"): Write(
        "schedule.edited", World.schedule, {"name": "seen"}, "before after"
    ),
    ("delete", "/api/schedules/{schedule_id}"): Write("schedule.cancelled", World.schedule, None, "before after"),
    ("post", "/api/schedules/{schedule_id}/pause"): Write(
        "schedule.paused", World.schedule, {"note": "seen"}, "before after"
    ),
    ("post", "/api/schedules/{schedule_id}/resume"): Write("schedule.resumed", World.paused, None, "before after"),
    ("post", "/api/schedules/{schedule_id}/reschedule"): Write(
        "schedule.rescheduled", World.schedule, None, "before after"
    ),
    ("post", "/api/schedules/{schedule_id}/run"): Write("schedule.run", World.schedule),
    ("post", "/api/schedules/{schedule_id}/backfill"): Write("schedule.backfilled", World.schedule, SPAN),
    ("post", "/api/runs/{run_id}/cancel"): Write("run.cancelled", World.run, None, "before after"),
    ("post", "/api/runs/{run_id}/retry"): Write("run.retried", World.dead_run, None, "before after"),
    ("post", "/api/dead-letters/replay"): Write("dead_letter.replayed", World.dead_run, {"limit": 5}),
    ("post", "/api/dead-letters/discard"): Write("dead_letter.discarded", World.dead_run, {"limit": 5}),
    ("post", "/api/dead-letters/{letter_id}/replay"): Write(
        "dead_letter.replayed", World.dead_run, None, "before after"
    ),
    ("delete", "/api/dead-letters/{letter_id}"): Write("dead_letter.discarded", World.dead_run, None, "before after"),
    ("post", "/api/deliveries/{delivery_id}/resend"): Write("delivery.resent", World.delivery, {}, "before after"),
    ("post", "/api/sources"): Write("source.created", World.nothing, SOURCE),
    ("patch", "/api/sources/{source_id}"): Write("source.edited", World.source, SOURCE, "before after"),
    ("delete", "/api/sources/{source_id}"): Write("source.deleted", World.source, None, "before"),
    ("post", "/api/users"): Write("user.created", World.nothing, {"uid": "seen", "goal": "to grow"}),
    ("post", "/api/users/bulk"): Write("user.imported", World.nothing, {"users": [{"uid": "seen too"}]}),
    ("patch", "/api/users/{uid}"): Write("user.edited", World.user, {"goal": "seen"}, "before after"),
    ("delete", "/api/users/{uid}"): Write("user.deleted", World.user, None, "before"),
    ("post", "/api/crew-endpoints"): Write(
        "crew_endpoint.created", World.nothing, {"name": "seen", "url": "https://example.com", "headers": {"X": CANARY}}
    ),
    ("patch", "/api/crew-endpoints/{endpoint_id}"): Write(
        "crew_endpoint.edited", World.endpoint, {"headers": {"X": CANARY}}, "before after"
    ),
    ("delete", "/api/crew-endpoints/{endpoint_id}"): Write("crew_endpoint.deleted", World.endpoint, None, "before"),
    ("post", "/api/crew-responses"): Write("crew_response.created", World.nothing, World.new_response),
    ("delete", "/api/crew-responses/{response_id}"): Write("crew_response.deleted", World.response, None, "before"),
    ("post", "/api/scheduler"): Write("crew.stopped", World.nothing, {"action": "stop"}, "before after"),
    ("post", "/api/limits"): Write("limit.created", World.nothing, {"name": "host:seen.example", "maxRunning": 3}),
    ("patch", "/api/limits/{limit_id}"): Write("limit.edited", World.limit, {"maxPerMinute": 5}, "before after"),
    ("delete", "/api/limits/{limit_id}"): Write("limit.deleted", World.limit, None, "before"),
    ("post", "/api/calendars"): Write("calendar.created", World.nothing, {"name": "a year", "country": "DE"}),
    ("patch", "/api/calendars/{calendar_id}"): Write(
        "calendar.edited", World.calendar, {"subdivision": "BY"}, "before after"
    ),
    ("delete", "/api/calendars/{calendar_id}"): Write("calendar.deleted", World.calendar, None, "before"),
    ("post", "/api/graphs"): Write("graph.created", World.nothing, World.new_graph),
    ("patch", "/api/graphs/{graph_id}"): Write("graph.edited", World.graph, {"unit": "€"}, "before after"),
    ("delete", "/api/graphs/{graph_id}"): Write("graph.deleted", World.graph, None, "before"),
    ("post", "/api/kpi-alerts"): Write("kpi_alert.created", World.nothing, World.new_alert),
    ("patch", "/api/kpi-alerts/{alert_id}"): Write(
        "kpi_alert.edited", World.alert, {"description": "seen"}, "before after"
    ),
    ("post", "/api/kpi-alerts/{alert_id}/acknowledge"): Write("kpi_alert.acknowledged", World.firing, {}, "after"),
    ("post", "/api/kpi-alerts/{alert_id}/snooze"): Write("kpi_alert.snoozed", World.alert, {}, "after"),
    ("delete", "/api/kpi-alerts/{alert_id}"): Write("kpi_alert.deleted", World.alert, None, "before"),
    ("post", "/api/pulse"): Write(
        "pulse.created", World.nothing, {"name": "seen", "prompt": "what is new?", "cron": "0 9 * * 1"}
    ),
    ("put", "/api/pulse/{pulse_id}"): Write("pulse.edited", World.pulse, {"description": "seen"}, "before after"),
    ("delete", "/api/pulse/{pulse_id}"): Write("pulse.deleted", World.pulse, None, "before"),
    ("post", "/api/pulse/{pulse_id}/publish"): Write("pulse.published", World.pulse),
    ("post", "/api/pulse/{pulse_id}/preview"): Write("pulse.previewed", World.pulse),
    ("post", "/api/pulse-job/cleanup"): Write("pulse_job.canceled", World.nothing),
    ("post", "/api/dashboards"): Write("dashboard.created", World.nothing, World.new_dashboard),
    ("patch", "/api/dashboards/{dashboard_id}"): Write(
        "dashboard.edited", World.dashboard, {"description": "seen"}, "before after"
    ),
    ("delete", "/api/dashboards/{dashboard_id}"): Write("dashboard.deleted", World.dashboard, None, "before"),
    ("post", "/api/templates"): Write(
        "template.created", World.nothing, {"name": "seen", "purpose": "kpi.schedule", "subject": "Look"}
    ),
    ("patch", "/api/templates/{template_id}"): Write(
        "template.edited", World.template, {"text": "seen"}, "before after"
    ),
    ("delete", "/api/templates/{template_id}"): Write("template.deleted", World.template, None, "before"),
    ("post", "/api/channels"): Write(
        "channel.created",
        World.nothing,
        {"name": "seen", "type": "teams", "credential": f"https://example.com/{CANARY}"},
    ),
    ("patch", "/api/channels/{channel_id}"): Write("channel.edited", World.channel, {"name": "seen"}, "before after"),
    ("delete", "/api/channels/{channel_id}"): Write("channel.deleted", World.channel, None, "before"),
    ("post", "/api/report-definitions"): Write(
        "report_definition.created", World.nothing, lambda world: {"name": "seen", "graphId": str(world.graph())}
    ),
    ("patch", "/api/report-definitions/{definition_id}"): Write(
        "report_definition.edited", World.definition, {"description": "seen"}, "before after"
    ),
    ("delete", "/api/report-definitions/{definition_id}"): Write(
        "report_definition.deleted", World.definition, None, "before"
    ),
    ("post", "/api/scheduled-reports"): Write("scheduled_report.created", World.nothing, World.new_report),
    ("patch", "/api/scheduled-reports/{report_id}"): Write(
        "scheduled_report.edited", World.report, {"description": "seen"}, "before after"
    ),
    ("delete", "/api/scheduled-reports/{report_id}"): Write("scheduled_report.deleted", World.report, None, "before"),
    ("post", "/api/scheduled-reports/{report_id}/run"): Write("scheduled_report.run", World.report),
    ("post", "/api/silences"): Write("silence.created", World.nothing, {"name": "seen", "durationSeconds": 60}),
    ("patch", "/api/silences/{silence_id}"): Write("silence.edited", World.silence, {"name": "seen"}, "before after"),
    ("delete", "/api/silences/{silence_id}"): Write("silence.deleted", World.silence, None, "before"),
    ("post", "/api/suppressions"): Write("suppression.created", World.nothing, {"recipient": "seen@example.com"}),
    ("delete", "/api/suppressions/{suppression_id}"): Write("suppression.deleted", World.suppression, None, "before"),
    ("post", "/api/members"): Write("member.created", World.nothing, MEMBER),
    ("patch", "/api/members/{member_id}"): Write("member.edited", World.member, {"isDisabled": True}, "before after"),
    ("delete", "/api/members/{member_id}"): Write("member.deleted", World.member, None, "before"),
    ("post", "/api/webhooks"): Write("webhook.created", World.nothing, TOLD),
    ("patch", "/api/webhooks/{webhook_id}"): Write("webhook.edited", World.webhook, TOLD, "before after"),
    ("delete", "/api/webhooks/{webhook_id}"): Write("webhook.deleted", World.webhook, None, "before"),
    ("post", "/api/webhooks/{webhook_id}/rotate"): Write("webhook.rotated", World.webhook, None, "before after"),
    ("post", "/api/webhooks/{webhook_id}/enable"): Write("webhook.enabled", World.disabled, None, "before after"),
    ("post", "/api/webhooks/{webhook_id}/test"): Write("webhook.tested", World.webhook),
    ("post", "/api/tokens"): Write("token.created", World.nothing, {"name": "seen", "scope": "read"}),
    ("delete", "/api/tokens/{token_id}"): Write("token.revoked", World.token, None, "before after"),
    ("patch", "/api/tenant"): Write("tenant.edited", World.nothing, {"name": "seen"}, "before after"),
    ("post", "/api/tenants"): Write(
        "tenant.created", World.nothing, {"slug": f"t-{uuid4().hex[:8]}"}, "after", is_operators=True
    ),
    ("patch", "/api/tenants/{slug}"): Write(
        "tenant.edited", World.slug, {"name": "seen"}, "before after", is_operators=True
    ),
    ("post", "/api/tenants/{slug}/suspend"): Write(
        "tenant.suspended", World.slug, None, "before after", is_operators=True
    ),
    ("post", "/api/tenants/{slug}/reinstate"): Write(
        "tenant.reinstated", World.suspended, None, "before after", is_operators=True
    ),
}
# These store nothing.
READS = {
    ("post", "/api/session"): {},
    ("delete", "/api/session"): {},
    ("post", "/api/cron/preview"): {"cronExpression": "0 9 * * *"},
    ("post", "/api/dead-letters/effect"): {},
    ("post", "/api/sources/{source_id}/test"): {},
    ("post", "/api/sources/{source_id}/preview"): {"query": "select 1"},
    ("post", "/api/kpi-alerts/backtest"): {
        "graphId": "00000000-0000-4000-8000-000000000000",
        "threshold": {"condition": "EQUAL", "thresholdValue": 1},
    },
    ("post", "/api/kpi-alerts/{alert_id}/test"): {},
    ("post", "/api/report-definitions/{definition_id}/preview"): {},
    ("post", "/api/scheduled-reports/{report_id}/preview"): {},
    ("post", "/api/templates/preview"): {"purpose": "kpi.threshold", "subject": "seen"},
    ("post", "/api/channels/{channel_id}/test"): {},
    ("post", "/api/users/import"): {},
    ("post", "/api/users/import-source"): {"sourceId": "00000000-0000-4000-8000-000000000000", "query": "select 1"},
    ("post", "/api/pulse/tick"): {},
    ("post", "/api/pulse/dispatch-ticks"): {},
    ("post", "/api/pulse-job/{job_id}/run"): {},
}


def address(path: str, of: object) -> str:
    """The path about that thing."""
    head, _, rest = path.partition("{")
    return head + str(of) + rest.partition("}")[2] if rest else path


def count(conn: make.Connection) -> int:
    return int(make.value(conn, "select count(*) from audit_log"))


def test_every_route_that_is_no_get_is_in_the_table() -> None:
    routes = {(method, path) for path, verbs in openapi()["paths"].items() for method in verbs if method != "get"}
    assert routes == WRITES.keys() | READS.keys()
    assert not WRITES.keys() & READS.keys()


@pytest.mark.parametrize("route", WRITES, ids=" ".join)
def test_a_write_leaves_exactly_one_entry(host: TestClient, owner: make.Connection, route: tuple[str, str]) -> None:
    method, path = route
    write = WRITES[route]
    world = World(host, owner)
    asking = world.operator if write.is_operators else world.admin
    body = write.body(world) if callable(write.body) else write.body
    place, before = address(path, write.of(world)), count(owner)

    answer = asking(method.upper(), place, json=body, headers={"X-Request-Id": f"r-{write.action}"})

    assert answer.is_success, answer.text
    assert count(owner) == before + 1
    chain = OPERATOR if write.is_operators else world.tenant
    (row, *entry) = owner.execute(
        "select to_jsonb(a)::text, tenant_id, who, action, address, request_id, subject_type, before, after "
        "from audit_log as a where chain = %s order by number desc limit 1",
        (chain,),
    ).fetchone() or ("",)
    subject_type = write.action.partition(".")[0]
    tenant = None if write.is_operators else world.tenant
    who = f"token:{asking.made.id}"
    assert entry[:6] == [tenant, who, write.action, "testclient", f"r-{write.action}", subject_type]
    assert [name for name, value in zip(("before", "after"), entry[6:], strict=True) if value] == write.has.split()
    for secret in (CANARY, CANARY_KEY, asking.token, "sealed:", "toc_"):
        assert secret not in row
    # Asked again without a change, or about what is not there: nothing is added.
    assert asking(method.upper(), address(path, uuid4()), json={"no": "such field"}).status_code >= 400
    assert count(owner) == before + 1


def test_what_stores_nothing_leaves_no_entry(host: TestClient, owner: make.Connection) -> None:
    world = World(host, owner)
    ids = {"alert_id": world.alert(), "channel_id": world.channel()}
    ids |= {"definition_id": world.definition(), "report_id": world.report()}
    ids["job_id"] = world.admin("POST", f"/api/pulse/{world.pulse()}/publish").json()["jobId"]
    source = world.source()
    before = count(owner)
    for (method, path), body in READS.items():
        of = next((found for name, found in ids.items() if name in path), source)
        asking = world.operator if path.endswith("/dispatch-ticks") else world.admin
        assert asking(method.upper(), address(path, of), json=body).status_code in (200, 204, 409, 415, 422, 503), path
    assert count(owner) == before


def test_who_reads_the_log_reads_their_own(host: TestClient, owner: make.Connection) -> None:
    world, other = World(host, owner), World(host, owner)
    for each in (world, other):
        for _ in range(3):
            each.member()
    shown = world.admin("GET", "/api/audit-log?limit=2").json()
    rest = world.admin("GET", f"/api/audit-log?cursor={shown['nextCursor']}").json()
    assert [each["number"] for each in shown["items"] + rest["items"]] == [3, 2, 1]
    assert {each["who"] for each in shown["items"]} == {f"token:{world.admin.made.id}"}
    assert world.admin("GET", f"/api/audit-log?who=token:{other.admin.made.id}").json()["items"] == []
    assert world.admin.of_scope(owner, "write")("GET", "/api/audit-log").status_code == 403
    assert world.admin("GET", "/api/audit-log/operator").status_code == 403


@pytest.fixture
def conn(hosting: TestClient) -> Iterator[make.Connection]:
    """A connection of the owner whose every change is undone."""
    with (
        make.connect(web_of_it(hosting).settings.database.url) as found,
        found.transaction(force_rollback=True),
    ):
        yield found


@pytest.fixture
def chain(conn: make.Connection) -> UUID:
    """A tenant whose chain has five entries, beside whole ones of another and of the operator."""
    tenant, other = make.tenant(conn), make.tenant(conn)
    size, _ = audit.verify(conn)
    for number in range(5):
        for each in (tenant, other, None):
            audit.record(conn, each, Author("a test"), "thing.made", ("thing", number), None, {"number": number})
    assert audit.verify(conn)[0].entries == size.entries + 15
    assert audit.verify(conn)[1] == []
    return tenant


def tamper(conn: make.Connection, statement: str, *params: object) -> None:
    """Does what only the owner can, who can also look away from the guards."""
    conn.execute("set local session_replication_role to replica")
    assert conn.execute(statement, params).rowcount > 0
    conn.execute("set local session_replication_role to origin")


def as_api(conn: make.Connection, tenant: UUID, work: Callable[[], object]) -> None:
    """Does it behind the wall of the tenant, and pretends to erase it."""
    with conn.transaction():
        conn.execute(
            "select set_config('role', 'tocsin_api', true), set_config('tocsin.tenant', %(id)s, true), "
            "set_config('tocsin.erasing', %(id)s, true)",
            {"id": str(tenant)},
        )
        work()
        conn.execute("select set_config('role', 'none', true)")


@pytest.mark.parametrize(
    "change",
    [
        """after = '{"number": 7}'""",
        "after = null",
        """before = '{}'""",
        "who = 'nobody'",
        "action = 'thing.kept'",
        "subject_id = '9'",
        "subject_type = 'other'",
        "at = at + interval '1 microsecond'",
        "address = '127.0.0.1'",
        "request_id = ''",
        "previous = ''",
        "hash = sha256('x')",
        "tenant_id = null, chain = '00000000-0000-0000-0000-000000000000', number = 1000000",
    ],
    ids=str,
)
def test_an_altered_entry_is_named(conn: make.Connection, chain: UUID, change: str) -> None:
    number = 5 if "chain" in change else 3
    tamper(conn, f"update audit_log set {change} where chain = %s and number = %s", chain, number)
    _size, broken = audit.verify(conn)
    if "chain" in change:
        assert {each.chain for each in broken} == {chain, OPERATOR}
    else:
        slug = make.value(conn, "select slug from tenants where id = %s", chain)
        assert broken == [Broken(chain, slug, 3, "altered")]


def test_an_altered_entry_with_a_fresh_hash_breaks_the_one_after_it(conn: make.Connection, chain: UUID) -> None:
    tamper(conn, "update audit_log set who = 'nobody' where chain = %s and number = 3", chain)
    tamper(conn, "update audit_log as a set hash = audit_hash(a) where chain = %s and number = 3", chain)
    [broken] = audit.verify(conn)[1]
    assert (broken.number, broken.problem) == (4, "does not follow the entry before it")


@pytest.mark.parametrize(
    ("deleted", "number", "problem"),
    [
        ("number = 3", 4, "an entry before it is missing"),
        ("number = 1", 2, "an entry before it is missing"),
        ("number in (2, 3, 4)", 5, "an entry before it is missing"),
        ("number = 5", 5, "the end of the chain is missing"),
        ("number > 2", 5, "the end of the chain is missing"),
        ("true", 5, "the end of the chain is missing"),
    ],
)
def test_a_missing_entry_is_named(conn: make.Connection, chain: UUID, deleted: str, number: int, problem: str) -> None:
    tamper(conn, f"delete from audit_log where chain = %s and {deleted}", chain)
    [broken] = audit.verify(conn)[1]
    assert (broken.chain, broken.number, broken.problem) == (chain, number, problem)


@pytest.mark.parametrize(
    "change",
    [
        "delete from audit_heads where chain = %s",
        (
            "update audit_heads as h set number = 3, hash = a.hash from audit_log as a "
            "where h.chain = %s and a.chain = h.chain and a.number = 3"
        ),
    ],
    ids=["gone", "set back"],
)
def test_a_head_that_is_gone_or_set_back_is_named(conn: make.Connection, chain: UUID, change: str) -> None:
    tamper(conn, change, chain)
    [broken] = audit.verify(conn)[1]
    assert (broken.chain, broken.number, broken.problem) == (chain, 5, "its head does not know of it")


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set who = 'nobody'",
        "delete from audit_log",
        "truncate audit_log",
        "update audit_heads set number = 0",
        "delete from audit_heads",
        "insert into audit_heads (chain, number, hash) values (gen_random_uuid(), 0, '')",
        "alter table audit_log disable trigger all",
        "set local session_replication_role to replica",
    ],
)
def test_the_apis_role_takes_no_entry_back(conn: make.Connection, chain: UUID, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_api(conn, chain, lambda: conn.execute(statement))
    assert audit.verify(conn)[1] == []


def test_the_apis_role_writes_into_no_other_chain(conn: make.Connection, chain: UUID) -> None:
    def write(tenant: UUID | None) -> None:
        as_api(conn, chain, lambda: audit.record(conn, tenant, Author("a test"), "thing.made", ("thing", 1)))

    for other in (make.tenant(conn), None):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            write(other)
    write(chain)
    assert audit.verify(conn)[1] == []


@pytest.mark.parametrize(
    "statement", ["update audit_log set who = 'nobody'", "delete from audit_log", "truncate audit_log"]
)
def test_the_owner_takes_no_entry_back_by_mistake(conn: make.Connection, chain: UUID, statement: str) -> None:
    with pytest.raises(psycopg.Error, match="is only added to"), conn.transaction():
        conn.execute(statement)
    assert audit.verify(conn)[1] == []


def test_a_key_that_is_none_stops_the_web_at_start(make_web: MakeWeb, database: str) -> None:
    for key in (CANARY, "aHVzaA==", KEY[:-4]):
        with pytest.raises(BadSetting) as caught:
            make_web(database, secret_keys=(KEY, key))
        assert str(caught.value).startswith("TOCSIN_SECRET_KEYS takes keys of 32 bytes in base64")
        assert key not in str(caught.value)


def test_a_key_that_is_missing_is_named_by_its_id_alone(host: TestClient, owner: make.Connection) -> None:
    world = World(host, owner)
    source, web = world.source(), web_of_it(host)
    sealed = make.value(owner, "select sealed_password from sources where id = %s", source)
    seal, web.seal = web.seal, Seal(("eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=",))
    try:
        answer = world.admin("POST", f"/api/sources/{source}/test")
    finally:
        web.seal = seal
    assert answer.status_code == 503
    assert answer.json()["detail"].endswith(
        f"TOCSIN_SECRET_KEYS lacks the key {sealed.split(':')[1]}, which sealed this secret"
    )
    for secret in (CANARY, KEY, sealed):
        assert secret not in answer.text
    with pytest.raises(SealError):
        web.seal.open(sealed, Place(uuid4(), "sources", uuid4(), "sealed_password"))


def test_without_a_key_a_secret_is_refused_and_nothing_is_left(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = Api(host, owner)
    monkeypatch.setattr(web_of_it(host), "seal", Seal(()))
    for path, body in (("/api/sources", SOURCE), ("/api/schedules", CALLED)):
        answer = admin("POST", path, json=body, headers={"Idempotency-Key": path})
        assert answer.status_code == 503
        assert CANARY not in answer.text
    for table in ("sources", "schedules", "audit_log", "idempotent_answers"):
        count = f"select count(*) from {table} where tenant_id = %s"
        assert make.value(owner, count, admin.tenant) == 0
