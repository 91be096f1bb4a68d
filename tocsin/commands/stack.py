"""`tocsin apply` and `tocsin export`: what a tenant has, kept in files under review."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, retention_days, seal, tenant_id, who
from tocsin.terminal import agrees, cell, short, show_json, with_json, with_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.pool import Connection
    from tocsin.stack.document import Stack
    from tocsin.stack.plan import Step
    from tocsin.stack.sections import Means
    from tocsin.stack.told import Told
    from tocsin.stack.work import Result

_MARKS = {"create": "+", "change": "~", "delete": "-"}
_LONGEST = 100


class _Planned(Exception):
    """Ends the transaction of a plan, so that nothing of it stays."""


def add(commands: Any) -> None:
    """Adds the parsers."""
    apply = commands.add_parser("apply", help="make what is there what files say, as a whole or not at all")
    apply.add_argument(
        "-f", "--file", action="append", default=[], metavar="FILE", help="YAML or JSON, a folder of them, or -"
    )
    apply.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    apply.add_argument("--check", action="store_true", help="the same, with the exit status 1 when there is anything")
    apply.add_argument("--prune", action="store_true", help="delete what the stack had and its files no longer name")
    apply.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    apply.add_argument("--schema", action="store_true", help="print the files' JSON Schema, for editors, and end")
    apply.set_defaults(do=_apply)
    export = commands.add_parser("export", help="what is there, as a file for apply; without secrets")
    export.add_argument("-o", "--output", metavar="FILE", help="where to; standard output")
    export.add_argument("--stack", metavar="NAME", default="main", help="the name of the stack that it says; main")
    export.set_defaults(do=_export)
    for parser in (apply, export):
        with_tenant(parser)
        with_json(parser)


def _apply(args: argparse.Namespace) -> int:
    from tocsin.stack import work
    from tocsin.stack.document import read

    if args.schema:
        from tocsin.stack.schema import schema

        show_json(schema())
        return 0
    if not args.file:
        raise Complaint("takes -f FILE, which may be given again")
    stack = read(args.file)
    with opened() as conn:
        means, slug = _means(conn, args)
        checked = work.check(means, stack, work.ready(means, stack, prunes=args.prune).plan)
    is_plan = args.plan or args.check
    asks = not (is_plan or args.yes or args.is_json) and sys.stdin.isatty() and sys.stdout.isatty()
    if not (is_plan or args.yes or asks):
        raise Complaint("asks on a terminal alone; give --plan to look, or --yes to apply")
    found = _once(args, stack, checked, is_plan=is_plan or asks)
    _show(args, found, slug, is_applied=not (is_plan or asks))
    if asks and found.plan.steps:
        if not agrees("Apply?"):
            print("nothing was applied")
            return 1
        found = _once(args, stack, checked, expected=found)
        print("applied")
    elif asks:
        _once(args, stack, checked, expected=found)
    return 1 if args.check and found.plan.steps else 0


def _once(
    args: argparse.Namespace,
    stack: "Stack",
    checked: "set[tuple[str, str]]",
    *,
    is_plan: bool = False,
    expected: "Result | None" = None,
) -> "Result":
    """What came of it; of a plan all is taken back."""
    from tocsin.stack import work

    found: list[Result] = []
    try:
        with changing() as conn:
            means, slug = _means(conn, args)
            plan = None if expected is None else expected.plan
            found.append(work.apply(means, slug, stack, prunes=args.prune, checked=checked, expected=plan))
            _end(is_plan=is_plan)
    except _Planned:
        pass
    return found[0]


def _end(*, is_plan: bool) -> None:
    if is_plan:
        raise _Planned


def _export(args: argparse.Namespace) -> int:
    from tocsin.stack import text
    from tocsin.stack.export import export
    from tocsin.stack.work import survey

    with opened() as conn:
        means, _ = _means(conn, args)
        written = export(survey(means), means.kinds, args.stack)
    if args.is_json:
        [document] = text.read("export", written.encode())
        show_json(document.value)
    elif args.output is None:
        print(written, end="")
    else:
        try:
            Path(args.output).write_text(written)
        except OSError as error:
            raise Complaint(f"cannot write {args.output}: {error.strerror}") from None
    return 0


def _means(conn: "Connection", args: argparse.Namespace) -> "tuple[Means, str]":
    from api import crew_default, tenant_rules, tenants
    from config.environ import read
    from tocsin.stack.sections import Means
    from workers.kinds import load

    value = read(("TOCSIN_KINDS", "TOCSIN_FILES"))
    tenant = tenant_id(conn, args.tenant)
    means = Means(
        conn,
        tenant,
        tenant_rules.default_timezone(conn, tenant),
        seal(),
        load(value["TOCSIN_KINDS"]),
        retention_days(),
        value["TOCSIN_FILES"],
        who(),
        crew_default.url_of_setting(),
    )
    return means, args.tenant or tenants.DEFAULT


def _show(args: argparse.Namespace, found: "Result", tenant: str, *, is_applied: bool) -> None:
    if args.is_json:
        show_json(_shape(found, tenant, is_applied=is_applied))
        return
    for line in _lines(found, is_applied=is_applied):
        print(line)


def _shape(found: "Result", tenant: str, *, is_applied: bool) -> dict[str, Any]:
    def told(each: "Told") -> dict[str, Any]:
        return {**each._asdict(), "nextRunAt": found.times.get((each.section, each.name), (None, None))[1]}

    return {
        "tenant": tenant,
        "stack": found.stack,
        "applied": is_applied,
        "steps": [
            {
                "verb": step.verb,
                "section": step.section,
                "name": step.name,
                "fields": [{"field": each.field, "old": each.old, "new": each.new} for each in step.differences],
                "drift": step.drift and step.drift._asdict(),
                "nextRunAt": found.times.get((step.section, step.name), (None, None))[1],
            }
            for step in found.plan.steps
        ],
        "starts": [told(each) for each in found.starts],
        "stops": [told(each) for each in found.stops],
        "moved": [told(each) for each in found.moved],
        "left": [{"section": word, "name": name} for word, name in found.plan.left],
        "notes": list(found.plan.notes),
    }


def _lines(found: "Result", *, is_applied: bool) -> "Iterator[str]":
    for step in found.plan.steps:
        yield from _lines_of(found, step)
    if found.starts or found.stops or found.moved:
        yield "Who is told:"
    told = (("+", "starts", found.starts), ("-", "stops", found.stops), ("~", "now arrives elsewhere", found.moved))
    for mark, verb, those in told:
        for each in those:
            at = found.times.get((each.section, each.name), (None, None))[1]
            when = f", next {cell(at)}" if at is not None and mark != "-" else ""
            yield f"  {mark} {each.who} {verb}: {each.section} {each.name} ({each.how}{when})"
    for word, name in found.plan.left:
        yield f"  {word} {name} is no longer named and stays; --prune deletes it"
    for note in found.plan.notes:
        yield f"  {note}"
    if not found.plan.steps:
        yield "nothing to change"
        return
    counts = Counter[str](step.verb for step in found.plan.steps)
    words = ("created", "changed", "deleted") if is_applied else ("to create", "to change", "to delete")
    yield ", ".join(f"{counts[verb]} {word}" for verb, word in zip(_MARKS, words, strict=True))


def _lines_of(found: "Result", step: "Step") -> "Iterator[str]":
    drift = ""
    if step.drift is not None:
        how = step.drift.action.rpartition(".")[2]
        drift = f"  ({how} by {step.drift.name} on {cell(step.drift.at)}, since the last apply)"
    yield f"{_MARKS[step.verb]} {step.section} {step.name}{drift}"
    for each in step.differences:
        new = _said(each.new)
        yield f"    {each.field}: " + (new if step.verb == "create" else f"{_said(each.old)} → {new}")
    before, after = found.times.get((step.section, step.name), (None, None))
    if before != after:
        yield f"    next: {cell(after)}" if before is None else f"    next: {cell(before)} → {cell(after)}"


def _said(value: Any) -> str:
    """A value on one line, and not too long."""
    import json

    if value is None:
        return "-"
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), _LONGEST)
