"""What the params of a schedule name beside what their kind can check alone: it is there when they are saved."""

from typing import Any
from uuid import UUID

from api.refusals import refuse
from db.pool import Connection
from db.query import Query
from workers.crew.book import NamedChannel
from workers.kind import Kind
from workers.kinds import crew_call

FIND_CHANNELS = Query("find_channels", NamedChannel)


def check_named(conn: Connection, tenant_id: UUID, kind: Kind, params: Any) -> None:
    """Passes when the channels that a crew's rule tells are the tenant's. Raises BadDefinition."""
    if kind.name != crew_call.KIND.name or params.rule is None or params.rule.notify is None:
        return
    named: list[str] = params.rule.notify.channels
    known = FIND_CHANNELS.all(conn, tenant_id=tenant_id, named=named) if named else []
    names = {each for row in known for each in (row.name, str(row.id))}
    for place, name in enumerate(named):
        if name not in names:
            raise refuse(f"params.rule.notify.channels.{place}", f"there is no channel {name}")
