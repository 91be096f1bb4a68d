"""One schedule of each kind that shows what the kind does, on the sample data. A new kind gets a line in RECIPES."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from api import sources, tenants
from api.definitions import create_schedule, read_schedule
from config.seal import Seal
from db.pool import Database
from local import dataset
from local.machine import Machine
from scheduler import schedules
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
class Recipe:
    """A kind's schedule: its name and params, and what comes of its runs when all goes well."""

    name: str
    params: Callable[[Place], dict[str, Any]]
    deliveries: int = 0
    calls_each_run: bool = False


class Sown(NamedTuple):
    """A schedule that was made."""

    kind: str
    schedule_id: UUID


def _manufacturing(_place: Place) -> dict[str, Any]:
    return {
        "alertName": "US factory employment against January 2006",
        "recipients": ["operations@acme.example", "board@acme.example"],
        "source": SOURCE,
        "query": MANUFACTURING.strip(),
        "condition": "LESS_THAN",
        "thresholdValue": "90",
        "unit": "%",
    }


def _figures_are_in(place: Place) -> dict[str, Any]:
    return {
        "url": place.receiver_url,
        "secret": place.webhook_secret,
        "body": {"text": "the employment figures are in", "table": f"{dataset.SCHEMA}.{dataset.TABLE}"},
    }


RECIPES: dict[str, Recipe] = {
    "http.call": Recipe("tell the warehouse", _figures_are_in, calls_each_run=True),
    # Two recipients and one crossing: the first run mails both, the second finds it still firing and mails nobody.
    "kpi.threshold": Recipe("watch manufacturing", _manufacturing, deliveries=2),
}


def missing_recipes() -> list[str]:
    """The kinds that nobody wrote a recipe for."""
    return sorted(set(KINDS) - set(RECIPES))


def load_figures(own_database_url: str) -> int:
    """Fills the tenant's own database with the sample data; returns its number of rows."""
    with psycopg.connect(own_database_url) as conn:
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
            body = {
                "jobType": kind,
                "jobPayload": recipe.params(place),
                "name": recipe.name,
                "intervalSeconds": every_seconds,
                "maxRuns": max_runs,
                # A slow machine shall delay a run, not skip it.
                "overlapPolicy": "queue",
            }
            made = create_schedule(
                conn, tenant.id, read_schedule(body), kinds=KINDS, seal=seal, retention_days=_RETENTION_DAYS
            )
            sown.append(Sown(kind, made.id))
    return sown
