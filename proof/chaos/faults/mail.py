"""Faults of the way to the mail server."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from proof.chaos.world import World

_ACCEPTED = re.compile(rb"250 kept")


@contextmanager
def answer_lost(world: World, chance: random.Random) -> Iterator[str]:
    """Mails are kept, and their 250 is lost: the acknowledgement window."""
    before = world.mail_way.cuts
    world.mail_way.cut_before_reply = _ACCEPTED
    time.sleep(chance.uniform(0.5, 2.0))
    world.mail_way.cut_before_reply = None
    yield f"{world.mail_way.cuts - before} answers"


@contextmanager
def away(world: World, chance: random.Random) -> Iterator[str]:
    """The mail server is away: what would have been sent has to be tried again."""
    world.mail_way.hold(refuses=True)
    count = world.mail_way.reset_all()
    yield f"{count} connections"
    time.sleep(chance.uniform(1.0, 3.0))
    world.mail_way.release()
