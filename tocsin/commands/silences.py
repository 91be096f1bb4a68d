"""`tocsin silences`: spans in which nobody is told, of one alert or of all."""

import argparse
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.complaints import Complaint
from tocsin.installation import changing, record, tenant_id
from tocsin.listed import Listed, finish, verbs_of

if TYPE_CHECKING:
    from uuid import UUID

    from api.nouns import Noun
    from api.silences import Silence
    from db.pool import Connection


def add(commands: Any) -> None:
    """Adds the parsers."""
    verbs = verbs_of(commands, "silences", "spans in which nobody is told")
    _SILENCES.add(verbs, "list", "create")
    end = verbs.add_parser("end", help="end one now: what still fires is told at its next check")
    end.add_argument("which", metavar="SILENCE", help="its id, or the name of one that is not over")
    end.set_defaults(do=_end)
    finish(verbs)


def _end(args: argparse.Namespace) -> int:
    from api import silences
    from scheduler import schedules

    with changing() as conn:
        tenant, noun = tenant_id(conn, args.tenant), silences.SILENCES
        now = schedules.read_now(conn)
        row = noun.locked(conn, tenant, _found(noun.list_all(conn, tenant), args.which, now))
        past = noun.shown(row)
        if row.starts_at > now:
            noun.delete(conn, tenant, row.id)
            record(conn, tenant, "silence.deleted", ("silence", row.id), past)
            return _SILENCES.said(args, row, f"took the silence {row.name} back; it had not begun")
        after = silences.edit(conn, tenant, row, silences.SilencePatch(ends_at=now))
        record(conn, tenant, "silence.edited", ("silence", row.id), past, noun.shown(after))
    return _SILENCES.said(args, after, f"ended the silence {after.name}")


def _found(rows: "list[Silence]", which: str, now: Any) -> "UUID":
    """The id of the silence that is meant. Raises Complaint, NotFound."""
    from scheduler.refusals import NotFound

    found = [each for each in rows if str(each.id) == which or (each.name == which and each.ends_at > now)]
    if not found:
        raise NotFound(f"there is no silence {which} that is not over")
    if len(found) > 1:
        raise Complaint(f"{len(found)} silences are named {which}: give the id of one")
    return found[0].id


def _noun() -> "Noun[Silence]":
    from api.silences import SILENCES

    return SILENCES


def _make(conn: "Connection", tenant: "UUID", body: dict[str, Any]) -> "Silence":
    from api import silences
    from tocsin.installation import who

    return silences.create(conn, tenant, bodies.read(silences.SilenceIn, body), created_by=who())


_COLUMNS = {
    "ID": "id", "NAME": "name", "ALERT": "alertId", "SEGMENT": "segment", "FROM": "startsAt", "UNTIL": "endsAt",
    "ACTIVE": "isActive",
}  # fmt: skip
_SILENCES = Listed("silences", "silence", _noun, _make, _COLUMNS)
