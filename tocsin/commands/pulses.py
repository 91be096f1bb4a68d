"""`tocsin pulses`: reports that are written by a prompt on a schedule, and what became of them."""

import argparse
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.installation import changing, opened, record, tenant_id
from tocsin.listed import Listed, finish, verbs_of
from tocsin.terminal import show_json, show_table, with_limit

if TYPE_CHECKING:
    from uuid import UUID

    from api.nouns import Noun
    from api.pulses import Pulse
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "pulses", "reports that are written by a prompt on a schedule")
    _PULSES.add(verbs, "list", "show", "create", "delete")
    edit = verbs.add_parser("edit", help="change the fields that are named")
    publish = verbs.add_parser("publish", help="make a job for now; what is not finished is cancelled with it")
    preview = verbs.add_parser("preview", help="write the report now and send it to nobody")
    jobs = verbs.add_parser("jobs", help="its jobs, newest first")
    for parser, do in ((edit, _edit), (publish, _publish), (preview, _preview), (jobs, _jobs)):
        parser.add_argument("which", metavar="PULSE", help="its id or its name")
        parser.set_defaults(do=do)
    edit.add_argument("body", metavar="JSON|@FILE", help="what the API takes; names do in place of ids")
    with_limit(jobs)
    finish(verbs)


def _edit(args: argparse.Namespace) -> int:
    from api import pulses
    from api.pulse_bodies import PulsePatch

    with changing() as conn:
        tenant, noun = tenant_id(conn, args.tenant), _noun()
        patch = bodies.read(PulsePatch, bodies.with_ids(conn, tenant, bodies.given(args.body)))
        row = noun.locked(conn, tenant, noun.named(conn, tenant, args.which).id)
        after = pulses.edit(conn, tenant, row, patch)
        record(conn, tenant, "pulse.edited", ("pulse", row.id), noun.shown(row), noun.shown(after))
    return _PULSES.said(args, after, f"changed the pulse {after.name}")


def _publish(args: argparse.Namespace) -> int:
    from api import pulse_jobs

    return _made(args, "published", pulse_jobs.publish)


def _preview(args: argparse.Namespace) -> int:
    from api import pulse_jobs

    return _made(args, "previewed", pulse_jobs.preview)


def _made(args: argparse.Namespace, what: str, make: Any) -> int:
    from tocsin.installation import who

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _noun().named(conn, tenant, args.which)
        job_id = make(conn, tenant, row.id, triggered_by=who())
        record(conn, tenant, f"pulse.{what}", ("pulse", row.id), None, {"jobId": job_id})
    if args.is_json:
        show_json({"jobId": job_id})
    else:
        print(f"made the job {job_id}; `tocsin runs watch {job_id}` follows it")
    return 0


def _jobs(args: argparse.Namespace) -> int:
    from api import pulse_jobs

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _noun().named(conn, tenant, args.which)
        found = [pulse_jobs.shown(each) for each in pulse_jobs.list_all(conn, tenant, row.id, limit=args.limit)]
    if args.is_json:
        show_json(found)
    else:
        fields = ("id", "state", "result", "emailSent", "createdAt", "error")
        rows = [[each[name] for name in fields] for each in found]
        show_table(("ID", "STATE", "RESULT", "SENT", "MADE", "ERROR"), rows, "no jobs yet")
    return 0


def _noun() -> "Noun[Pulse]":
    from api.pulses import PULSES

    return PULSES


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "Pulse":
    from api import pulses
    from api.pulse_bodies import PulseIn
    from tocsin.installation import retention_days, who

    wanted = bodies.read(PulseIn, body)
    return pulses.create(conn, tenant, wanted, retention_days=retention_days(), created_by=who())


def _retire(conn: "Connection", tenant: "UUID", row: "Pulse") -> None:
    from api import pulses

    pulses.retire(conn, tenant, row)


_COLUMNS = {"ID": "id", "NAME": "name", "CRON": "cron", "ENABLED": "enabled", "NEXT": "nextRunAt", "LAST": "lastRunAt"}
_PULSES = Listed("pulses", "pulse", _noun, _make, _COLUMNS, _retire)
