"""`tocsin alerts`: who is told when a figure crosses its threshold, what that would have told, and why it did or did not."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, tenant_id, who
from tocsin.listed import Listed, finish, verbs_of
from tocsin.terminal import between, show_facts, show_json, show_table, with_limit

if TYPE_CHECKING:
    from uuid import UUID

    from api.alert_actions import Acted
    from api.asked_sources import Means
    from api.kpi_alert_rows import KpiAlert
    from api.nouns import Noun
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "alerts", "who is told when a figure crosses its threshold, and why")
    _ALERTS.add(verbs, "list", "show", "create", "delete")
    test = verbs.add_parser("test", help="what a check would decide now; nothing is stored and nobody is told")
    test.set_defaults(do=_test)
    backtest = verbs.add_parser("backtest", help="what an alert, or a new one, would have told")
    backtest.add_argument("what", metavar="ALERT|@FILE", help="an alert, or @ and a file with graph and threshold")
    backtest.add_argument("--from", dest="first", metavar="TIME", help="the last 90 days if not given")
    backtest.add_argument("--to", dest="last", metavar="TIME", help="now if not given")
    backtest.add_argument(
        "--wanted", type=between(0, 1000), metavar="N", help="suggest a threshold that tells no more messages than this"
    )
    backtest.add_argument("--plot", metavar="FILE.svg", help="write the picture of the busiest segment")
    backtest.set_defaults(do=_backtest)
    why = verbs.add_parser("why", help="why somebody did or did not get a message")
    why.add_argument("--at", metavar="TIME", help="the last check by then; now if not given")
    why.add_argument("--recipient", metavar="ADDRESS", help="asks about this one's messages")
    why.set_defaults(do=_why)
    history = verbs.add_parser("history", help="the moves of an alert's states, newest first")
    history.add_argument("--segment", metavar="NAME", help="of one segment")
    with_limit(history)
    history.set_defaults(do=_history)
    acknowledge = verbs.add_parser("acknowledge", help="its reminders stop until its firing is over")
    acknowledge.add_argument("--segment", metavar="NAME", help="of one segment's firing; of all if not given")
    acknowledge.set_defaults(do=_acknowledge)
    snooze = verbs.add_parser("snooze", help="nobody is told for a while; what fires still is told then")
    snooze.add_argument("--seconds", type=between(60, 30 * 86400), metavar="N", help="for how long; a day if not given")
    snooze.set_defaults(do=_snooze)
    for parser in (test, why, history, acknowledge, snooze):
        parser.add_argument("which", metavar="ALERT", help="its id or its name")
    finish(verbs)


def _test(args: argparse.Namespace) -> int:
    from api import alert_checks
    from scheduler import schedules

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        now = schedules.read_now(conn)
        trial = alert_checks.trial_of(conn, tenant, _noun().named(conn, tenant, args.which), now)
    found, is_checked = alert_checks.try_alert(trial, _means(), now)
    if args.is_json:
        show_json(found)
    else:
        print(found["sentence"])
        if len(found["segments"]) > 1:
            rows = [(each["segment"], each["outcome"], each["value"], each["sentence"]) for each in found["segments"]]
            show_table(("SEGMENT", "OUTCOME", "VALUE", "WHY"), rows, "")
    return 0 if is_checked else 1


def _backtest(args: argparse.Namespace) -> int:
    from api import alert_checks, kpi_alert_rows
    from scheduler import schedules
    from workers.sources import SourceUnavailable

    options = {"from": args.first, "to": args.last, "wantedMessages": args.wanted}
    given = {name: value for name, value in options.items() if value is not None}
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        if args.what.startswith(("@", "{")):
            asked = bodies.with_ids(conn, tenant, bodies.given(args.what))
        else:
            row = _noun().named(conn, tenant, args.what)
            asked = {"graphId": row.graph_id, "threshold": kpi_alert_rows.threshold_of(row)}
        body = bodies.read(alert_checks.BacktestIn, {**asked, **given})
        now = schedules.read_now(conn)
        what = alert_checks.backtest_of(conn, tenant, body)
    try:
        found = alert_checks.run_backtest(what, _means(), body, now)
    except SourceUnavailable as error:
        raise Complaint(str(error)) from None
    if args.plot is not None:
        _draw(args.plot, found["plots"])
    if args.is_json:
        show_json(found)
    else:
        _show_backtest(found)
    return 0


def _draw(file: str, plots: list[dict[str, Any]]) -> None:
    if not plots:
        raise Complaint("--plot: there is no segment to draw")
    try:
        Path(file).write_text(plots[0]["svg"])
    except OSError as error:
        raise Complaint(f"--plot: cannot write {file}: {error.strerror}") from None


def _show_backtest(found: dict[str, Any]) -> None:
    names = ("from", "to", "checks", "messages", "notifications", "fired", "resolved", "longestFiring", "outcomes")
    show_facts({name: found[name] for name in names})
    rows = [(each["at"], each["segment"], each["outcome"], each["sentence"]) for each in found["notices"]]
    show_table(("AT", "SEGMENT", "OUTCOME", "WHY"), rows, "it would have told nobody")
    for note in found["notes"]:
        print(note)
    if found["suggestion"] is not None:
        print(found["suggestion"]["sentence"])


def _why(args: argparse.Namespace) -> int:
    from api import alert_checks
    from scheduler import schedules

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        at = bodies.instant("--at", args.at) if args.at is not None else schedules.read_now(conn)
        row = _noun().named(conn, tenant, args.which)
        found = alert_checks.why(conn, tenant, row, at, args.recipient)
    if args.is_json:
        show_json(found)
    else:
        print("\n".join(_sentences(found)))
    return 0


def _sentences(found: dict[str, Any]) -> list[str]:
    from db.jsonb import rfc3339

    head = "" if found["slotAt"] is None else f"The check of {rfc3339(found['slotAt'])} (run {found['runId']}): "
    said = [f"{head}{found['sentence']}"]
    for each in found["deliveries"]:
        at = "" if each["sentAt"] is None else f" at {rfc3339(each['sentAt'])}"
        said.append(
            f"The message to {each['recipient']} ({each['by']}) is {each['state']}{at}" + _because(each["error"])
        )
    return said


def _because(error: str | None) -> str:
    return "" if error is None else f": {error}"


def _history(args: argparse.Namespace) -> int:
    from api import kpi_alert_rows, shapes

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _noun().named(conn, tenant, args.which)
        found = kpi_alert_rows.moves(conn, tenant, row.id, args.segment, limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [
            (each.slot_at, each.segment, each.previous_state, each.state, each.value, each.reason) for each in found
        ]
        show_table(("SLOT", "SEGMENT", "FROM", "TO", "VALUE", "WHY"), rows, "its states have not moved yet")
    return 0


def _acknowledge(args: argparse.Namespace) -> int:
    from api import alert_actions

    body = bodies.read(alert_actions.AcknowledgeIn, {"segment": args.segment})
    whose = "" if args.segment is None else f" of {args.segment}"
    return _acted(args, partial(alert_actions.acknowledged, body=body), f"its reminders{whose} stop until it is over")


def _snooze(args: argparse.Namespace) -> int:
    from api import alert_actions

    body = bodies.read(alert_actions.SnoozeIn, {} if args.seconds is None else {"seconds": args.seconds})
    return _acted(args, partial(alert_actions.snoozed, body=body), "nobody is told until")


def _acted(args: argparse.Namespace, act: Callable[..., "Acted"], said: str) -> int:
    """Does it by the alert's name or id and says so, with the end that it has."""
    from api import alert_actions
    from db.jsonb import rfc3339

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _noun().named(conn, tenant, args.which)
        made = act(conn, tenant, row, by=who())
        change = alert_actions.change_of(row.id, made)
        record(conn, tenant, change.action, change.subject, None, change.after)
    if args.is_json:
        show_json(change.body)
    else:
        print(f"the alert {row.name}: {said}" + ("" if made.until is None else f" {rfc3339(made.until)}"))
    return 0


def _means() -> "Means":
    from api.asked_sources import Means
    from config.environ import read
    from config.seal import Seal

    value = read(("TOCSIN_SECRET_KEYS", "TOCSIN_EGRESS_ALLOW", "TOCSIN_FILES"))
    return Means(Seal(value["TOCSIN_SECRET_KEYS"]), value["TOCSIN_EGRESS_ALLOW"], value["TOCSIN_FILES"])


def _noun() -> "Noun[KpiAlert]":
    from api.kpi_alerts import KPI_ALERTS

    return KPI_ALERTS


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "KpiAlert":
    from api import kpi_alerts
    from api.kpi_alert_bodies import KpiAlertIn
    from tocsin.installation import retention_days

    wanted = bodies.read(KpiAlertIn, body)
    return kpi_alerts.create(conn, tenant, wanted, retention_days=retention_days(), created_by=who())


def _retire(conn: "Connection", tenant: "UUID", row: "KpiAlert") -> None:
    from api import kpi_alerts

    kpi_alerts.retire(conn, tenant, row)


_COLUMNS = {"ID": "id", "NAME": "alertName", "STATE": "state", "STATUS": "status", "NEXT": "nextRunAt"}
_ALERTS = Listed("alerts", "alert", _noun, _make, _COLUMNS, _retire)
