"""The first connection of a process: Postgres may come after it, as after a failover or a restart of everything."""

from collections.abc import Callable
from typing import TypeVar

from psycopg.errors import ReadOnlySqlTransaction

from db.pool import Connection, Database, Unavailable
from telemetry.log import Events

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
events = Events("database")

Found = TypeVar("Found")


def when_there(
    database: Database, name: str, ask: Callable[[Connection], Found], paused: Callable[[float], bool]
) -> Found | None:
    """What `ask` finds on a connection, however long Postgres is away; None once `paused` says that it is time to stop.

    A server that takes no writes yet, since it is being promoted, is away too. What else `ask` raises is raised.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            with database.connect(name) as conn:
                return ask(conn)
        except (Unavailable, ReadOnlySqlTransaction) as error:
            events.warning("database.away", error=str(error).strip(), next_try_in=pause)
        if paused(pause):
            return None
        pause = min(_LONGEST_PAUSE, pause * 2)
