"""`tocsin audit`: whether the record of who changed what is whole."""

import argparse
from typing import Any

from tocsin.installation import opened
from tocsin.terminal import show_json, with_json


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("audit", help="the audit log").add_subparsers(metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="look for entries that were altered, left out or cut off; exit status 1")
    with_json(verify)
    verify.set_defaults(do=_verify)


def _verify(args: argparse.Namespace) -> int:
    from api import audit

    with opened() as conn:
        size, broken = audit.verify(conn)
    if args.is_json:
        show_json({"ok": not broken, **size._asdict(), "broken": [each._asdict() for each in broken]})
    else:
        for each in broken:
            whose = each.tenant or ("the operator" if each.chain.int == 0 else f"the chain {each.chain}")
            print(f"broken: entry {each.number} of {whose}: {each.problem}")
        if not broken:
            print(f"{size.entries} entries in {size.chains} chains, none broken")
    return 1 if broken else 0
