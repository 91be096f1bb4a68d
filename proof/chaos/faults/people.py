"""What people do while all that goes on."""

import contextlib
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from db.pool import Database
from proof.chaos.world import World
from scheduler import schedules
from scheduler.refusals import NotFound, WrongState


@contextmanager
def person(world: World, chance: random.Random) -> Iterator[str]:
    """Somebody edits, or pauses and resumes, a schedule."""
    schedule = chance.choice(world.schedules)
    with Database.at(world.url).connect("chaos") as conn:
        with contextlib.suppress(NotFound, WrongState):
            row = schedules.get(conn, world.tenant, schedule)
            if row.status != "active" or chance.random() < 0.5:
                schedules.edit(conn, world.tenant, schedule, {"max_attempts": min(100, row.max_attempts + 1)})
                if row.interval_seconds:
                    schedules.edit(conn, world.tenant, schedule, {"interval_seconds": row.interval_seconds + 1})
            else:
                schedules.pause(conn, world.tenant, schedule, "chaos")
                time.sleep(chance.uniform(0, 1.0))
                schedules.resume(conn, world.tenant, schedule)
        yield str(schedule)
