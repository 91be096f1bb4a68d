"""`tocsin deliveries`: each message to each recipient, what became of it, and how one is sent anew."""

import argparse
from typing import Any

from tocsin.installation import changing, opened, record, run_id, tenant_id
from tocsin.terminal import short, show_json, show_row, show_table, with_json, with_limit, with_tenant

STATES = ("pending", "sending", "sent", "failed", "unknown", "suppressed", "bounced")


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = commands.add_parser("deliveries", help="messages to recipients").add_subparsers(
        metavar="VERB", required=True
    )
    listing = verbs.add_parser("list", help="the tenant's deliveries, newest slot first")
    listing.add_argument("--state", choices=STATES)
    listing.add_argument("--channel", metavar="CHANNEL", help="such as email or slack")
    listing.add_argument("--recipient", metavar="ADDRESS", help="of this one alone")
    listing.add_argument("--run", metavar="RUN", help="of one run")
    with_limit(listing)
    listing.set_defaults(do=_list)
    resend = verbs.add_parser("resend", help="send a settled one anew, with the bytes of the first time")
    resend.add_argument("delivery", metavar="DELIVERY", help="its id")
    resend.add_argument("--force", action="store_true", help="also one that was sent")
    resend.set_defaults(do=_resend)
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)


def _list(args: argparse.Namespace) -> int:
    from api import shapes
    from scheduler import deliveries

    of_run = run_id(args.run) if args.run else None
    wanted = deliveries.DeliveryFilter(args.state, args.channel, args.recipient, of_run)
    with opened() as conn:
        found = deliveries.list_all(conn, tenant_id(conn, args.tenant), wanted, limit=args.limit)
    if args.is_json:
        show_json([shapes.plain(each) for each in found])
    else:
        rows = [
            (
                each.id,
                each.slot_at,
                each.channel,
                each.recipient_name or each.recipient,
                each.state,
                each.attempts,
                short(each.error),
            )
            for each in found
        ]
        show_table(("ID", "SLOT", "CHANNEL", "RECIPIENT", "STATE", "ATTEMPTS", "WHY"), rows, "no deliveries")
    return 0


def _resend(args: argparse.Namespace) -> int:
    from scheduler import deliveries

    delivery_id = run_id(args.delivery)
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        before = deliveries.get(conn, tenant, delivery_id)
        after = deliveries.resend(conn, tenant, delivery_id, is_forced=args.force)
        states = ({"state": before.state}, {"state": after.state, "force": args.force})
        record(conn, tenant, "delivery.resent", ("delivery", after.id), *states)
    return show_row(args, after, f"the message to {after.recipient_name or after.recipient} is sent anew")
