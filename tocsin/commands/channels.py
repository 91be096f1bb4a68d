"""`tocsin channels`: where a tenant is told beside mail."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.complaints import Complaint
from tocsin.installation import changing, opened, record, seal, tenant_id
from tocsin.listed import Listed, finish, verbs_of
from tocsin.terminal import show_json

if TYPE_CHECKING:
    from uuid import UUID

    from api.channels import Channel
    from api.nouns import Noun
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "channels", "chats, pagers and webhooks that are told beside mail")
    _CHANNELS.add(verbs, "list", "show", "create", "delete")
    edit = verbs.add_parser("edit", help="change one; without a credential the stored one stays")
    edit.add_argument("which", metavar="CHANNEL", help="its id or its name")
    edit.add_argument("body", metavar="JSON|@FILE", help="what the API takes")
    edit.set_defaults(do=_edit)
    test = verbs.add_parser("test", help="send one message now, and say what the far side answered")
    test.add_argument("which", metavar="CHANNEL", help="its id or its name")
    test.set_defaults(do=_test)
    for parser in (verbs.choices["create"], edit):
        parser.add_argument(
            "--credential", metavar="TEXT", help="in place of the body's; - reads a line of standard input"
        )
    create = verbs.choices["create"]
    create.set_defaults(do=_create)
    finish(verbs)


def _noun() -> "Noun[Channel]":
    from api.channels import CHANNELS

    return CHANNELS


def _body(args: argparse.Namespace) -> dict[str, Any]:
    """The body with the credential that is given beside it: on the command line whoever lists processes sees it."""
    body = bodies.given(args.body)
    if args.credential is not None:
        body["credential"] = sys.stdin.readline().strip() if args.credential == "-" else args.credential
    return body


def _create(args: argparse.Namespace) -> int:
    with changing() as conn:
        tenant = tenant_id(conn, args.tenant)
        made = _make(conn, tenant, _body(args))
        record(conn, tenant, "channel.created", ("channel", made.id), None, _noun().shown(made))
    return _CHANNELS.said(args, made, f"made the channel {made.name} ({made.id})")


def _edit(args: argparse.Namespace) -> int:
    from api import channels

    with changing() as conn:
        tenant, noun = tenant_id(conn, args.tenant), _noun()
        before = noun.locked(conn, tenant, noun.named(conn, tenant, args.which).id)
        after = channels.edit(conn, tenant, before, bodies.read(channels.ChannelPatch, _body(args)), seal())
        record(conn, tenant, "channel.edited", ("channel", after.id), noun.shown(before), noun.shown(after))
    return _CHANNELS.said(args, after, f"changed the channel {after.name}")


def _test(args: argparse.Namespace) -> int:
    from contextlib import closing

    from api import channels
    from config.environ import read
    from scheduler import schedules
    from workers.http import Client

    value = read(("TOCSIN_MODE", "TOCSIN_EGRESS_ALLOW"))
    if value["TOCSIN_MODE"] != "live":
        raise Complaint(f"TOCSIN_MODE is {value['TOCSIN_MODE']}: nothing is sent")
    with opened() as conn:
        tenant = tenant_id(conn, args.tenant)
        row = _noun().named(conn, tenant, args.which)
        adapter, account = channels.account_of(conn, tenant, row, seal())
        now = schedules.read_now(conn)
    with closing(Client(allowed=value["TOCSIN_EGRESS_ALLOW"])) as client:
        receipt = channels.try_channel(adapter, account, row, client, now)
    said = {"ok": receipt.state == "sent", "state": receipt.state, "error": receipt.error or None}
    if args.is_json:
        show_json(said | {"providerMessageId": receipt.provider_message_id or None})
    else:
        print(f"the channel {row.name} took it" if said["ok"] else f"{receipt.state}: {receipt.error}")
    return 0 if said["ok"] else 1


def _check(conn: "Connection", tenant: "UUID", row: "Channel") -> None:
    from api import channels

    channels.check_untold(conn, tenant, row)


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "Channel":
    from api import channels

    return channels.create(conn, tenant, bodies.read(channels.ChannelIn, body), seal())


_COLUMNS = {"ID": "id", "NAME": "name", "TYPE": "type", "CALLED AT": "origin"}
_CHANNELS = Listed("channels", "channel", _noun, _make, _COLUMNS, _check)
