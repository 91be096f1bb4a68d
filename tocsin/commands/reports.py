"""`tocsin reports` and `tocsin report-definitions`: what is reported, when, in which formats, and what became of it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, retention_days, seal, tenant_id, who
from tocsin.listed import Listed, finish, verbs_of
from tocsin.terminal import between, show_facts, show_json, show_table, with_limit

if TYPE_CHECKING:
    from uuid import UUID

    from api.asked_sources import Means
    from api.nouns import Noun
    from api.report_definitions import ReportDefinition
    from api.scheduled_reports import ScheduledReport
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers of both."""
    _add_reports(commands)
    _add_definitions(commands)


def _add_reports(commands: Any) -> None:
    verbs = verbs_of(commands, "reports", "reports that are made when their time has come")
    _REPORTS.add(verbs, "list", "show", "create", "delete")
    edit = verbs.add_parser("edit", help="change one; status ACTIVE starts again what was stopped")
    edit.add_argument("which", metavar="REPORT", help="its id or its name")
    edit.add_argument("body", metavar="JSON|@FILE", help="what changes")
    edit.set_defaults(do=_edit)
    for word, do, about in (
        ("run", _run, "make one for now"),
        ("preview", _preview, "what one would be now; nothing is kept and nobody is told"),
        ("executions", _executions, "what became of each making of one, newest first"),
        ("stats", _stats, "how many, how many succeeded, how long they took, the largest file"),
    ):
        parser = verbs.add_parser(word, help=about)
        parser.add_argument("which", metavar="REPORT", help="its id or its name")
        parser.set_defaults(do=do)
        if word == "preview":
            parser.add_argument("--html", metavar="FILE", help="write the page of the mail")
        if word == "executions":
            with_limit(parser)
        if word == "stats":
            parser.add_argument("--days", type=between(1, 366), default=30, metavar="N", help="of the last N; 30")
    examples = verbs.add_parser(
        "examples", help="make the examples workspace-activity and channel-analytics on a source"
    )
    examples.add_argument("source", metavar="SOURCE", help="one with the sample tables of docs/exports.md")
    examples.set_defaults(do=_examples)
    finish(verbs)


def _add_definitions(commands: Any) -> None:
    verbs = verbs_of(commands, "report-definitions", "what reports ask, in versions")
    _DEFINITIONS.add(verbs, "list", "show", "create", "delete")
    edit = verbs.add_parser("edit", help="change one; the next executions run the new version")
    edit.set_defaults(do=_edit_definition)
    versions = verbs.add_parser("versions", help="what each version said, newest first")
    versions.set_defaults(do=_versions)
    preview = verbs.add_parser("preview", help="what one gives now; nothing is kept and nobody is told")
    preview.add_argument("--parameters", metavar="JSON|@FILE", default="{}", help="values of its parameters")
    preview.add_argument("--tz", metavar="ZONE", default="UTC", help="the zone of relative dates; UTC")
    preview.add_argument("--html", metavar="FILE", help="write the page")
    preview.set_defaults(do=_preview_definition)
    for parser in (edit, versions, preview):
        parser.add_argument("which", metavar="DEFINITION", help="its id or its name")
    edit.add_argument("body", metavar="JSON|@FILE", help="what changes; null takes a field away")
    finish(verbs)


def _edit(args: argparse.Namespace) -> int:
    from api import scheduled_reports
    from api.scheduled_report_bodies import ScheduledReportPatch

    noun, given = _reports(), bodies.given(args.body)
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = noun.named(conn, tenant, args.which)
        patch = bodies.read(ScheduledReportPatch, bodies.with_ids(conn, tenant, given))
        says = scheduled_reports.says_of(conn, tenant, patch.report_type or row.report_type)
    scheduled_reports.check_words(patch, says)
    with changing() as conn:
        row = noun.locked(conn, tenant, row.id)
        after = scheduled_reports.edit(conn, tenant, row, patch)
        record(
            conn, tenant, "scheduled_report.edited", ("scheduled_report", row.id), noun.shown(row), noun.shown(after)
        )
    return _REPORTS.said(args, after, f"changed the report {after.name}, now {noun.shown(after)['status']}")


def _run(args: argparse.Namespace) -> int:
    from scheduler import asked

    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _reports().named(conn, tenant, args.which)
        made = {"executionId": asked.run_now(conn, tenant, row.schedule_id, triggered_by=who())}
        record(conn, tenant, "scheduled_report.run", ("scheduled_report", row.id), None, made)
    show_json(made) if args.is_json else print(f"made the execution {made['executionId']} of {row.name}")
    return 0


def _preview(args: argparse.Namespace) -> int:
    from api import report_previews
    from scheduler import schedules

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _reports().named(conn, tenant, args.which)
        wanted = report_previews.of_report(conn, tenant, row, schedules.read_now(conn))
    return _show_preview(args, report_previews.show(wanted, _means()))


def _preview_definition(args: argparse.Namespace) -> int:
    from api import report_previews
    from config.zones import zone
    from scheduler import schedules

    parameters = bodies.given(args.parameters)
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _definitions().named(conn, tenant, args.which)
        now = schedules.read_now(conn)
        wanted = report_previews.of_definition(conn, tenant, row.id, parameters, zone(args.tz).key, now)
    return _show_preview(args, report_previews.show(wanted, _means()))


def _show_preview(args: argparse.Namespace, found: dict[str, Any]) -> int:
    if args.html is not None:
        try:
            Path(args.html).write_text(found["html"])
        except OSError as error:
            raise Complaint(f"--html: cannot write {args.html}: {error.strerror}") from None
    if args.is_json:
        show_json(found)
    else:
        print(f"Subject: {found['subject']}\n\n{found['text']}")
    return 0


def _executions(args: argparse.Namespace) -> int:
    from api import artifacts, report_executions
    from config.environ import read

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _reports().named(conn, tenant, args.which)
        rows = report_executions.list_all(conn, tenant, row.schedule_id, limit=args.limit)
    links = artifacts.links_of(read(("TOCSIN_URL",))["TOCSIN_URL"], seal(), tenant)
    found = [report_executions.shown(each, links) for each in rows]
    if args.is_json:
        show_json(found)
    else:
        fields = ("id", "scheduledFor", "status", "progress", "recordCount", "duration", "emailSent", "error")
        table = [[each[field] for field in fields] for each in found]
        names = ("ID", "SLOT", "STATUS", "PROGRESS", "ROWS", "MS", "MAILED", "WHY")
        show_table(names, table, "it was not made yet")
    return 0


def _stats(args: argparse.Namespace) -> int:
    from api import report_executions

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        found = report_executions.measure(conn, tenant, _reports().named(conn, tenant, args.which), args.days)
    show_json(found) if args.is_json else show_facts(found)
    return 0


def _examples(args: argparse.Namespace) -> int:
    from api import report_definitions
    from tocsin import report_examples

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        source_id = bodies.with_ids(conn, tenant, {"source": args.source})["sourceId"]
    made = []
    wanteds = [bodies.read(report_definitions.ReportDefinitionIn, each) for each in report_examples.bodies(source_id)]
    for wanted in wanteds:
        report_definitions.check_words(wanted)
    with changing() as conn:
        for wanted in wanteds:
            row = report_definitions.create(conn, tenant, wanted, created_by=who())
            shape = report_definitions.shown(row)
            record(conn, tenant, "report_definition.created", ("report_definition", row.id), None, shape)
            made.append(shape)
    show_json(made) if args.is_json else print(f"made {', '.join(each['name'] for each in made)}")
    return 0


def _edit_definition(args: argparse.Namespace) -> int:
    from api import report_definitions

    noun, given = _definitions(), bodies.given(args.body)
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = noun.named(conn, tenant, args.which)
        patch = bodies.read(report_definitions.ReportDefinitionPatch, bodies.with_ids(conn, tenant, given))
    report_definitions.check_words(report_definitions.patched(row, patch))
    with changing() as conn:
        row = noun.locked(conn, tenant, row.id)
        after = report_definitions.edit(conn, tenant, row, report_definitions.patched(row, patch))
        shapes = (noun.shown(row), noun.shown(after))
        record(conn, tenant, "report_definition.edited", ("report_definition", row.id), *shapes)
    return _DEFINITIONS.said(args, after, f"changed the report definition {after.name}, now version {after.version}")


def _versions(args: argparse.Namespace) -> int:
    from api import report_definitions

    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _definitions().named(conn, tenant, args.which)
        found = [report_definitions.version_shown(each) for each in report_definitions.versions(conn, tenant, row.id)]
    if args.is_json:
        show_json(found)
    else:
        rows = [(each["version"], each["createdAt"], each["name"], len(each["parameters"])) for each in found]
        show_table(("VERSION", "MADE", "NAME", "PARAMETERS"), rows, "")
    return 0


def _means() -> "Means":
    from api.asked_sources import Means
    from config.environ import read
    from config.seal import Seal

    value = read(("TOCSIN_SECRET_KEYS", "TOCSIN_EGRESS_ALLOW", "TOCSIN_FILES"))
    return Means(Seal(value["TOCSIN_SECRET_KEYS"]), value["TOCSIN_EGRESS_ALLOW"], value["TOCSIN_FILES"])


def _reports() -> "Noun[ScheduledReport]":
    from api.scheduled_reports import SCHEDULED_REPORTS

    return SCHEDULED_REPORTS


def _definitions() -> "Noun[ReportDefinition]":
    from api.report_definitions import DEFINITIONS

    return DEFINITIONS


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "ScheduledReport":
    from api import scheduled_reports
    from api.scheduled_report_bodies import ScheduledReportIn

    wanted = bodies.read(ScheduledReportIn, body)
    return scheduled_reports.create(conn, tenant, wanted, retention_days=retention_days(), created_by=who())


def _make_definition(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "ReportDefinition":
    from api import report_definitions

    wanted = bodies.read(report_definitions.ReportDefinitionIn, body)
    return report_definitions.create(conn, tenant, wanted, created_by=who())


def _check(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> None:
    from api import scheduled_reports
    from api.scheduled_report_bodies import ScheduledReportIn

    wanted = bodies.read(ScheduledReportIn, body)
    scheduled_reports.check_words(wanted, scheduled_reports.says_of(conn, tenant, wanted.report_type))


def _check_definition(_conn: "Connection", _tenant: "UUID", body: dict[str, Any]) -> None:
    from api import report_definitions

    report_definitions.check_words(bodies.read(report_definitions.ReportDefinitionIn, body))


def _retire(conn: "Connection", tenant: "UUID", row: "ScheduledReport") -> None:
    from api import scheduled_reports

    scheduled_reports.retire(conn, tenant, row)


_REPORTS = Listed(
    "reports",
    "report",
    _reports,
    _make,
    {"ID": "id", "NAME": "name", "TYPE": "reportType", "STATUS": "status", "NEXT": "nextRun", "LAST": "lastRunStatus"},
    _retire,
    before_create=_check,
)
_DEFINITIONS = Listed(
    "report-definitions",
    "report definition",
    _definitions,
    _make_definition,
    {"ID": "id", "NAME": "name", "VERSION": "version", "DESCRIPTION": "description"},
    before_create=_check_definition,
)
