"""One schedule of each kind that shows what the kind does, on the sample data. A new kind gets a line in RECIPES."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from api import (
    crew_endpoints,
    dashboards,
    graphs,
    kpi_alerts,
    pulses,
    report_definitions,
    scheduled_reports,
    sources,
    tenants,
    users,
)
from api.crew_endpoints import CrewEndpointIn
from api.dashboards import DashboardIn
from api.definitions import create_schedule, read_schedule
from api.edits import edit_schedule
from api.graphs import GraphIn
from api.kpi_alert_bodies import KpiAlertIn
from api.pulse_bodies import PulseIn
from api.report_definitions import ReportDefinitionIn
from api.scheduled_report_bodies import ScheduledReportIn
from api.users import UsersIn
from config.seal import Seal
from db.pool import Connection, Database
from local import activities, dataset
from local.machine import Machine
from local.receiver import CREW_PATH
from scheduler import schedules
from tocsin import report_examples
from workers.kinds import KINDS

SOURCE = "acme"
RUNS = 2
"""How many slots each kind runs in the demo: the second shows what a kind does when nothing is new."""
_RETENTION_DAYS = 90

MANUFACTURING = """
select round(100 * latest.manufacturing / base.manufacturing, 2) as value
from demo.demo_us_employment as latest, demo.demo_us_employment as base
where base.month = date '2006-01-01'
order by latest.month desc
limit 1
"""


NONFARM = "select month, nonfarm as value from demo.demo_us_employment order by month"
FACTORIES = "select month, manufacturing as value from demo.demo_us_employment order by month"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the recipes' schedules are made, and what they reach from there."""

    database_url: str
    own_database_url: str
    secret_key: str
    receiver_url: str
    webhook_secret: str

    @classmethod
    def of(cls, machine: Machine) -> "Place":
        """The place that a started machine is."""
        return cls(
            machine.database_url,
            machine.own_database_url,
            machine.secret_key,
            machine.receiver.url,
            machine.webhook_secret,
        )


@dataclass(frozen=True, slots=True)
class Making:
    """Who makes a recipe's schedule, and how it recurs."""

    conn: Connection
    tenant: UUID
    place: Place
    seal: Seal
    timing: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A kind's schedule: its name, who makes it, and what comes of its runs when all goes well."""

    name: str
    make: Callable[[Making], UUID]
    deliveries: int = 0
    calls_each_run: bool = False


class Sown(NamedTuple):
    """A schedule that was made."""

    kind: str
    schedule_id: UUID


def _watch_manufacturing(making: Making) -> UUID:
    source = next(each for each in sources.list_all(making.conn, making.tenant) if each.name == SOURCE)
    asked = {"sourceId": source.id, "query": MANUFACTURING.strip(), "unit": "%"}
    graph = graphs.create(
        making.conn, making.tenant, GraphIn.model_validate({"name": "US factory employment", **asked})
    )
    alert = {
        "alertName": WATCHED,
        "recipients": ["operations@acme.example", "board@acme.example"],
        "graphId": graph.id,
        "threshold": {"condition": "LESS_THAN", "thresholdValue": "90"},
    }
    body = KpiAlertIn.model_validate(alert)
    made = kpi_alerts.create(making.conn, making.tenant, body, retention_days=_RETENTION_DAYS)
    edit_schedule(making.conn, making.tenant, made.schedule_id, making.timing, kinds=KINDS, seal=making.seal)
    return made.schedule_id


def _tell_the_warehouse(making: Making) -> UUID:
    call = {
        "url": making.place.receiver_url,
        "secret": making.place.webhook_secret,
        "body": {"text": "the employment figures are in", "table": f"{dataset.SCHEMA}.{dataset.TABLE}"},
    }
    body = read_schedule({"jobType": "http.call", "jobPayload": call, "name": TOLD, **making.timing})
    made = create_schedule(
        making.conn, making.tenant, body, kinds=KINDS, seal=making.seal, retention_days=_RETENTION_DAYS
    )
    return made.id


def _send_the_dashboard(making: Making) -> UUID:
    source = next(each for each in sources.list_all(making.conn, making.tenant) if each.name == SOURCE)
    found = []
    for name, query in (("Jobs outside farming", NONFARM), ("Jobs in manufacturing", FACTORIES)):
        asked = {
            "name": name,
            "sourceId": source.id,
            "query": query,
            "unit": "thousand",
            "timeDimension": "month",
            "grain": "month",
        }
        found.append(graphs.create(making.conn, making.tenant, GraphIn.model_validate(asked)).id)
    shown = DashboardIn.model_validate({"name": "Employment", "graphIds": found})
    dashboard = dashboards.create(making.conn, making.tenant, shown)
    alert = {
        "alertName": SENT,
        "alertType": "schedule",
        "recipients": ["board@acme.example"],
        "dashboardId": dashboard.id,
        "schedule": {
            "cron": "0 8 * * 1",
            "attachmentType": "pdf",
            "gatingCondition": {"expression": "jobs_outside_farming > 100000 && rows > 0"},
        },
    }
    body = KpiAlertIn.model_validate(alert)
    made = kpi_alerts.create(making.conn, making.tenant, body, retention_days=_RETENTION_DAYS)
    edit_schedule(making.conn, making.tenant, made.schedule_id, making.timing, kinds=KINDS, seal=making.seal)
    return made.schedule_id


def _write_the_pulse(making: Making) -> UUID:
    source = next(each for each in sources.list_all(making.conn, making.tenant) if each.name == SOURCE)
    asked = {"name": "Jobs in factories", "sourceId": source.id, "query": FACTORIES, "unit": "thousand"}
    shown = GraphIn.model_validate({**asked, "timeDimension": "month", "grain": "month"})
    graph = graphs.create(making.conn, making.tenant, shown)
    pulse = {
        "name": WRITTEN,
        "description": "What the factories tell of the economy",
        "prompt": "How many jobs are there in manufacturing, and how did that change in the last month?",
        "cron": "0 8 * * 1",
        "cronTimezone": "America/New_York",
        "recipients": ["board@acme.example"],
        "graphIds": [graph.id],
        "attachment": "pdf",
    }
    made = pulses.create(making.conn, making.tenant, PulseIn.model_validate(pulse), retention_days=_RETENTION_DAYS)
    edit_schedule(making.conn, making.tenant, made.id, making.timing, kinds=KINDS, seal=making.seal)
    return made.id


def _export_the_activity(making: Making) -> UUID:
    source = next(each for each in sources.list_all(making.conn, making.tenant) if each.name == SOURCE)
    for definition in report_examples.bodies(source.id):
        report_definitions.create(making.conn, making.tenant, ReportDefinitionIn.model_validate(definition))
    report = {
        "name": EXPORTED,
        "reportType": "workspace-activity",
        "cronExpression": "0 8 * * 1",
        "exportFormats": ["pdf", "csv", "json", "excel", "html"],
        "emailEnabled": True,
        "emailRecipients": ["board@acme.example"],
        "emailIncludePreview": True,
    }
    body = ScheduledReportIn.model_validate(report)
    made = scheduled_reports.create(making.conn, making.tenant, body, retention_days=_RETENTION_DAYS)
    edit_schedule(making.conn, making.tenant, made.schedule_id, making.timing, kinds=KINDS, seal=making.seal)
    return made.schedule_id


EXPORTED = "Last week in the workspace"


def _plan_for_the_customers(making: Making) -> UUID:
    asked = {"name": "planner", "url": making.place.receiver_url.replace("/hook", CREW_PATH)}
    crew_endpoints.create(making.conn, making.tenant, CrewEndpointIn.model_validate(asked), making.seal)
    customers = [
        {"uid": f"customer-{number}", "context": context, "goal": goal, "priority": number}
        for number, (context, goal) in enumerate(_CUSTOMERS)
    ]
    users.upsert(making.conn, making.tenant, UsersIn.model_validate({"users": customers}).users)
    body = read_schedule({"jobType": "crew.call", "name": PLANNED, **making.timing})
    made = create_schedule(
        making.conn, making.tenant, body, kinds=KINDS, seal=making.seal, retention_days=_RETENTION_DAYS
    )
    return made.id


_CUSTOMERS = (
    ("a bakery with two shops", "fewer loaves thrown away"),
    ("a bicycle repair shop", "customers in winter"),
    ("a small press for poetry", "a second printing"),
)
PLANNED = "plans for our customers"
SENT = "Employment in the United States"
WATCHED = "US factory employment against January 2006"
TOLD = "tell the warehouse"
WRITTEN = "Factory jobs in words"
RECIPES: dict[str, Recipe] = {
    "crew.call": Recipe(PLANNED, _plan_for_the_customers),
    "http.call": Recipe(TOLD, _tell_the_warehouse, calls_each_run=True),
    # Two recipients and one crossing: the first run mails both, the second finds it still firing and mails nobody.
    "kpi.threshold": Recipe(WATCHED, _watch_manufacturing, deliveries=2),
    "kpi.schedule": Recipe(SENT, _send_the_dashboard, deliveries=RUNS),
    "pulse.report": Recipe(WRITTEN, _write_the_pulse, deliveries=RUNS),
    "report.export": Recipe(EXPORTED, _export_the_activity, deliveries=RUNS),
}


def missing_recipes() -> list[str]:
    """The kinds that nobody wrote a recipe for."""
    return sorted(set(KINDS) - set(RECIPES))


def load_figures(own_database_url: str) -> int:
    """Fills the tenant's own database with the sample data; returns how many months of employment they are."""
    with psycopg.connect(own_database_url) as conn:
        [today] = conn.execute("select (now() at time zone 'UTC')::date").fetchone() or ()
        activities.load(conn, today)
        return dataset.load(conn)


def sow(place: Place, *, every_seconds: int, max_runs: int | None = None) -> list[Sown]:
    """One schedule of each kind with a recipe, in the default tenant; those that are there already are left alone."""
    seal = Seal((place.secret_key,))
    sown = []
    with Database.at(place.database_url).connect("sow") as conn:
        tenant = tenants.default(conn)
        if not any(source.name == SOURCE for source in sources.list_all(conn, tenant.id)):
            sources.create_source(conn, tenant.id, SOURCE, "postgres", place.own_database_url, seal)
        there = {schedule.name for schedule in schedules.list_all(conn, tenant.id, limit=1000)}
        for kind, recipe in RECIPES.items():
            if recipe.name in there:
                continue
            # A slow machine shall delay a run, not skip it.
            timing = {"intervalSeconds": every_seconds, "maxRuns": max_runs, "overlapPolicy": "queue"}
            sown.append(Sown(kind, recipe.make(Making(conn, tenant.id, place, seal, timing))))
    return sown
