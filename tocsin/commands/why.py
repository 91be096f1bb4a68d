"""`tocsin why`: what a run or a schedule is, how it came to that, and what happens next, in sentences."""

import argparse
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tocsin.installation import opened, tenant_id
from tocsin.terminal import show_json, with_json, with_tenant

if TYPE_CHECKING:
    from db.pool import Connection

_LATEST = 3
_VERSION_OF_RUNS = 7


def add(commands: Any) -> None:
    """Adds the parser."""
    why = commands.add_parser("why", help="why a run or a schedule is what it is, and what happens next")
    why.add_argument("what", metavar="RUN-OR-SCHEDULE", help="the id of a run or dead letter, or a schedule")
    with_tenant(why)
    with_json(why)
    why.set_defaults(do=_why)


def _why(args: argparse.Namespace) -> int:
    from api import reasons
    from config.environ import read
    from db.migrate import is_foreign

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        found, absent = _of_run(conn, tenant, args.what) or _of_schedule(conn, tenant, args.what)
        # Of what is held no process has a row, alive as it may be.
        held = reasons.of_hold(is_foreign(conn), read(("TOCSIN_MODE",))["TOCSIN_MODE"])
    found["sentences"] += held or absent
    if args.is_json:
        show_json(found)
    else:
        print("\n".join(found["sentences"]))
    return 0


def _of_run(conn: "Connection", tenant: UUID, what: str) -> tuple[dict[str, Any], list[str]] | None:
    """The story of the run with that id or of the dead letter's, and who it lacks; None when it is none."""
    from api import absence, calendars, holding, reasons
    from scheduler import dead, runs, schedules
    from scheduler.refusals import NotFound

    try:
        found = UUID(what)
    except ValueError:
        return None
    if found.version != _VERSION_OF_RUNS:
        return None
    try:
        history = runs.show(conn, tenant, found)
    except NotFound:
        history = runs.show(conn, tenant, dead.get(conn, tenant, found).run_id)
    run = history.run
    gate = schedules.gate_holder(conn, tenant, run.schedule_id) if run.schedule_id else None
    holiday = calendars.holiday_of(conn, tenant, run)
    held = holding.of_run(conn, tenant, run)
    sentences = reasons.of_run(history, schedules.read_now(conn), gate, holiday, held=held)
    return {"runId": run.id, "state": run.state, "sentences": sentences}, absence.of_run(conn, run)


def _of_schedule(conn: "Connection", tenant: UUID, what: str) -> tuple[dict[str, Any], list[str]]:
    """The story of the schedule with its newest runs and those that are open, and who it lacks."""
    from api import absence, reasons
    from scheduler import runs, schedules

    row = schedules.get(conn, tenant, what)
    latest = runs.list_all(conn, tenant, runs.RunFilter(schedule_id=row.id), limit=_LATEST)
    # What is open longest holds up the others.
    known = {run.id for run in latest}
    opened = [run_id for run_id in schedules.open_runs(conn, tenant, row.id) if run_id not in known][:_LATEST]
    told = [*latest, *(runs.get(conn, tenant, run_id) for run_id in opened)]
    sentences = reasons.of_schedule(row, told, schedules.read_now(conn))
    return {"scheduleId": row.id, "state": row.status, "sentences": sentences}, absence.of_schedule(conn, row)
