"""The check of `tocsin doctor` for what went wrong while there was nobody to tell."""

from datetime import datetime
from typing import NamedTuple

from db.jsonb import rfc3339
from db.pool import Connection
from db.query import Query
from tocsin.checks import Check

_NAMED = 20


class UntoldCircuit(NamedTuple):
    """An endpoint that gives no answer since an instant, and whose it is."""

    slug: str
    name: str
    open_since: datetime


LIST_UNTOLD = Query("list_untold_circuits", UntoldCircuit)


def of_circuits(conn: Connection) -> list[Check]:
    """A line for each endpoint of a crew that gives no answer while its tenant has nobody who could be told."""
    return [
        Check(
            "crews",
            "warn",
            f"the endpoint {each.name} of the tenant {each.slug} is open since {rfc3339(each.open_since)}, nobody could "
            "be told: it has neither a member nor noticesTo",
        )
        for each in LIST_UNTOLD.all(conn, room=_NAMED)
    ]
