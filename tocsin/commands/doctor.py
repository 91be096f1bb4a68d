"""`tocsin doctor`: whether this installation can do its work, and what to mend."""

import argparse
from typing import TYPE_CHECKING, Any

from tocsin.installation import record
from tocsin.terminal import show_json, with_json

if TYPE_CHECKING:
    from db.pool import Connection
    from scheduler.restored import Stake
    from tocsin.checks import Check


def add(commands: Any) -> None:
    """Adds the parser."""
    doctor = commands.add_parser("doctor", help="check settings, database, broker, files, clocks, zones and processes")
    copied = doctor.add_mutually_exclusive_group()
    copied.add_argument("--adopt", action="store_true", help="make this copied database an installation of its own")
    copied.add_argument(
        "--moved",
        action="store_true",
        help="make it the installation that it was: the database was moved or restored here, and the other is no more",
    )
    work = doctor.add_mutually_exclusive_group()
    work.add_argument(
        "--pass-over",
        action="store_true",
        help="with either: what is open in the copy is cancelled, and schedules go on after now",
    )
    work.add_argument(
        "--repeat",
        action="store_true",
        help="with either: what is open or due in the copy is done, also if its original has done it since",
    )
    with_json(doctor)
    doctor.set_defaults(do=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from tocsin import checks, probe
    from tocsin.complaints import Complaint

    if (args.pass_over or args.repeat) and not (args.adopt or args.moved):
        raise Complaint("--pass-over and --repeat go with --adopt or --moved")
    found = checks.of_settings()
    told = {check.detail for check in found}
    # An unknown setting stops everything, and is told once.
    found += [
        check for check in (checks.of_broker(), probe.of_store(), *_of_database(args)) if check.detail not in told
    ]
    is_ok = all(check.state != "fail" for check in found)
    if args.is_json:
        show_json({"ok": is_ok, "checks": [check._asdict() for check in found]})
    else:
        width = max(len(check.name) for check in found)
        for check in found:
            print(f"{check.state.ljust(4)}  {check.name.ljust(width)}  {check.detail}")
    return 0 if is_ok else 1


def _of_database(args: argparse.Namespace) -> "list[Check]":
    """The checks that need the database; one that says why when it does not answer."""
    from datetime import UTC, datetime

    from config.environ import BadSetting
    from db.pool import Database, DatabaseError
    from tocsin import checks, complaints, untold

    try:
        database = Database.from_environ()
        with database.connect("doctor") as conn:
            here = datetime.now(UTC)  # noqa: TID251  it is this clock that is compared
            found = [*checks.of_server(conn, here), checks.of_listening(database), checks.of_schema(conn)]
            if found[-1].state == "ok":
                refused = _make_live(conn, args) if args.adopt or args.moved else None
                # Before a copy is live nobody works in it, and its processes are started after.
                is_begun = not (args.adopt or args.moved or checks.is_held(conn))
                found += [refused or checks.of_installation(conn), checks.of_secrets(conn)]
                found += checks.of_work(conn, is_begun=is_begun)
                found += untold.of_circuits(conn)
            return [*found, checks.of_zones(conn, here)]
    except BadSetting as error:
        return [checks.Check("database", "fail", str(error))]
    except DatabaseError as error:
        return [checks.Check("database", "fail", complaints.of_database(error))]


def _make_live(conn: "Connection", args: argparse.Namespace) -> "Check | None":
    """Ends the holding of a copy. A failed check instead where it is not said, or not safe, what becomes of its work."""
    from db import migrate
    from db.pool import transaction
    from scheduler import restored
    from tocsin import checks

    at_stake = restored.stake(conn)
    is_foreign = migrate.is_foreign(conn)
    if is_foreign and any(at_stake) and not (args.pass_over or args.repeat):
        return checks.Check("installation", "fail", _what_is_at_stake(at_stake))
    if args.pass_over and not is_foreign and checks.count_living(conn):
        return checks.Check("installation", "fail", "processes live here, so nothing was passed over; stop them first")
    with transaction(conn):
        passed = restored.pass_over(conn)._asdict() if args.pass_over else None
        migrate.move(conn) if args.moved else migrate.adopt(conn)
        done = "moved" if args.moved else "adopted"
        record(conn, None, f"installation.{done}", ("installation", "this"), after=passed and {"passedOver": passed})
    return None


def _what_is_at_stake(found: "Stake") -> str:
    return (
        f"this copy is held as before: open runs {found.runs}, unsettled deliveries {found.deliveries}, schedules due "
        f"{found.schedules}; the original may have seen to them since. Add --pass-over to leave them undone, or --repeat"
    )
