"""`tocsin cron`: what an expression says and when it fires; needs no database."""

import argparse
from typing import Any

from tocsin.complaints import Complaint
from tocsin.terminal import between, show_json, show_table, with_json


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("cron", help="explain an expression, show when it fires").add_subparsers(
        metavar="VERB", required=True
    )
    explain = verbs.add_parser("explain", help="the expression in plain words")
    following = verbs.add_parser("next", help="when it fires next")
    for parser in (explain, following):
        parser.add_argument("expression", metavar="EXPR")
        parser.add_argument("--tz", default="UTC", metavar="ZONE", help="an IANA name such as Europe/Paris (UTC)")
        with_json(parser)
    following.add_argument("--from", dest="after", metavar="TIME", help="slots after this time (now)")
    following.add_argument("--count", type=between(1, 1000), default=5, metavar="N", help="so many (5)")
    following.add_argument("--gap", default="end", metavar="POLICY", help="a time that the clock skips: end|skip|shift")
    following.add_argument(
        "--fold", default="first", metavar="POLICY", help="a time that comes twice: first|second|both"
    )
    explain.set_defaults(do=_explain)
    following.set_defaults(do=_next)


def _explain(args: argparse.Namespace) -> int:
    from scheduler.words import explain

    words = explain(args.expression, args.tz)
    if args.is_json:
        show_json({"expression": args.expression, "timezone": args.tz, "words": words})
    else:
        print(words)
    return 0


def _next(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler.slots import Cron, check, preview

    recurrence = Cron(args.expression, args.tz, args.gap, args.fold)
    check(recurrence)
    found = preview(recurrence, _after(args.after), args.count)
    if args.is_json:
        show_json(shapes.slots(found))
    else:
        rows = [(slot.at, slot.local, slot.dst) for slot in found]
        show_table(("AT", "LOCAL", "DST"), rows, "it does not fire any more")
    return 0


def _after(text: str | None) -> Any:
    """The instant to look from: the one given, or now by this machine, for there is no database to ask."""
    from api.definitions import read_time

    if text is None:
        from datetime import UTC, datetime

        return datetime.now(UTC)  # noqa: TID251  a preview without a database, good to look at only
    try:
        return read_time(text)
    except ValueError as error:
        raise Complaint(f"--from: {error}") from None
