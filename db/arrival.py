"""The first connection of a process: Postgres may come after it, as after a failover or a restart of everything."""

import time
from collections.abc import Callable
from typing import TypeVar

from psycopg.errors import ReadOnlySqlTransaction

from config import honcho
from db.migrate import SchemaError
from db.pool import Connection, Database, Unavailable
from telemetry.log import Events

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
# Of a schema that honcho's `release` is making. Elsewhere the release comes first, and a process that lives without its
# schema would take the place of an old one that has it.
_SCHEMA_SECONDS, _SCHEMA_PAUSE = 60.0, 1.0
events = Events("database")

Found = TypeVar("Found")


def when_there(
    database: Database, name: str, ask: Callable[[Connection], Found], paused: Callable[[float], bool]
) -> Found | None:
    """What `ask` finds on a connection, however long Postgres is away; None once `paused` says that it is time to stop.

    A server that takes no writes yet, since it is being promoted, is away too. What else `ask` raises is raised; under
    honcho a SchemaError only once it has held for a minute.
    """
    pause = _FIRST_PAUSE
    unfit_until: float | None = None
    while True:
        try:
            with database.connect(name) as conn:
                return ask(conn)
        except (Unavailable, ReadOnlySqlTransaction) as error:
            events.warning("database.away", error=str(error).strip(), next_try_in=pause)
        except SchemaError as error:
            unfit_until = unfit_until or time.monotonic() + _SCHEMA_SECONDS
            if not honcho.starts_all() or time.monotonic() > unfit_until:
                raise
            pause = min(pause, _SCHEMA_PAUSE)
            events.info("schema.awaited", why=str(error), next_try_in=pause)
        if paused(pause):
            return None
        pause = min(_LONGEST_PAUSE, pause * 2)
