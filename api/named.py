"""What the params of a schedule name beside what their kind can check alone: it is there when they are saved."""

from typing import Any, NamedTuple
from uuid import UUID

from api.refusals import BadDefinition, Problem
from db.pool import Connection
from db.query import Query
from workers.crew.book import NamedChannel
from workers.kind import Kind
from workers.kinds import crew_call


class NamedEndpoint(NamedTuple):
    """An endpoint of the tenant's."""

    id: UUID
    name: str


FIND_CHANNELS = Query("find_channels", NamedChannel)
FIND_ENDPOINTS = Query("find_crew_endpoints", NamedEndpoint)


def check_named(conn: Connection, tenant_id: UUID, kind: Kind, params: Any) -> None:
    """Passes when the endpoints that a crew asks and the channels that its rule tells are the tenant's.

    Raises BadDefinition naming each that is not.
    """
    if kind.name != crew_call.KIND.name:
        return
    endpoints: list[str] = params.endpoints or []
    channels: list[str] = params.rule.notify.channels if params.rule and params.rule.notify else []
    missing = [
        Problem(f"{place}.{number}", f"there is no {what} {name}")
        for what, place, named, find in (
            ("crew endpoint", "params.endpoints", endpoints, FIND_ENDPOINTS),
            ("channel", "params.rule.notify.channels", channels, FIND_CHANNELS),
        )
        for number, name in _missing(conn, tenant_id, named, find)
    ]
    if missing:
        raise BadDefinition(missing)


def _missing(conn: Connection, tenant_id: UUID, named: list[str], find: Query[Any]) -> list[tuple[int, str]]:
    """Those that are neither a name nor an id of what is there, with their places."""
    known = find.all(conn, tenant_id=tenant_id, named=named) if named else []
    names = {each for row in known for each in (row.name, str(row.id))}
    return [(number, name) for number, name in enumerate(named) if name not in names]
