"""`tocsin crew`: the endpoints that are asked about users, and the crew that asks them."""

import argparse
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, retention_days, seal, tenant_id, who
from tocsin.listed import Listed, finish, verbs_of
from tocsin.terminal import show_facts, show_json

if TYPE_CHECKING:
    from uuid import UUID

    from api.crew_endpoints import CrewEndpoint
    from api.crew_scheduler import Means
    from api.nouns import Noun
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "crew", "the endpoints that are asked about users, and the crew that asks them")
    _ENDPOINTS.add(verbs, "list", "show", "create", "delete")
    start = verbs.add_parser("start", help="run the tenant's crew by itself; again: at another interval")
    start.add_argument(
        "--minutes", type=int, metavar="N", help="how often; CREW_SCHEDULER_INTERVAL_MINUTES, or as before"
    )
    for word, about in (
        ("stop", "stop it, with all its calls"),
        ("status", "whether it runs by itself, how often, and what it asks"),
        ("run-now", "have it run once, now"),
    ):
        verbs.add_parser(word, help=about)
    verbs.choices["status"].set_defaults(do=_status)
    for word in ("start", "stop", "run-now"):
        verbs.choices[word].set_defaults(do=_move, action=word, minutes=None)
    finish(verbs)


def _noun() -> "Noun[CrewEndpoint]":
    from api.crew_endpoints import ENDPOINTS

    return ENDPOINTS


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "CrewEndpoint":
    from api import crew_endpoints

    return crew_endpoints.create(conn, tenant, bodies.read(crew_endpoints.CrewEndpointIn, body), seal())


def _status(args: argparse.Namespace) -> int:
    from api import crew_scheduler

    with opened() as conn:
        found = crew_scheduler.show(conn, tenant_id(conn, args.tenant), _means())
    show_json(found) if args.is_json else show_facts(found)
    return 0


def _move(args: argparse.Namespace) -> int:
    from api import crew_scheduler
    from api.crew_scheduler import MOST_MINUTES, Mover

    if args.minutes is not None and not 1 <= args.minutes <= MOST_MINUTES:
        raise Complaint(f"--minutes takes a number from 1 to {MOST_MINUTES}")
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        moved = crew_scheduler.move(Mover(tenant, who()), conn, _means(), args.action, args.minutes)
        record(conn, tenant, moved.action, ("crew", tenant), moved.before, moved.after)
    show_json(moved.after) if args.is_json else show_facts(moved.after)
    return 0


def _means() -> "Means":
    from api.crew_default import url_of_setting
    from api.crew_scheduler import Means
    from config.environ import read

    minutes = read(("CREW_SCHEDULER_INTERVAL_MINUTES",))["CREW_SCHEDULER_INTERVAL_MINUTES"]
    return Means(url_of_setting(), minutes, seal(), retention_days())


_ENDPOINTS = Listed(
    "crew endpoints",
    "endpoint",
    _noun,
    _make,
    {
        "ID": "id",
        "NAME": "name",
        "URL": "url",
        "CONCURRENCY": "concurrency",
        "SEGMENTS": "segments",
        "OPEN SINCE": "circuitOpenSince",
    },
)
