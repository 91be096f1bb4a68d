"""Faults of the network between the far seats and the servers: by a proxy, and on the cable itself."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from proof.chaos.faults.attack import Attack
from proof.chaos.world import World

COMMIT = re.compile(rb"(?i)\bcommit\b")
FINISH = re.compile(rb"(?i)update runs as r")
_WAYS = {"from": (True, False), "to": (False, True), "from and to": (True, True)}


@contextmanager
def partition(world: World, chance: random.Random) -> Iterator[str]:
    """The far ticker and worker reach neither Postgres nor the broker, or one of them, for longer than a lease."""
    links = {"postgres": [world.far_postgres], world.setup.broker: [world.far_broker]}
    links["both"] = [world.far_postgres, world.far_broker]
    name = chance.choice(sorted(links))
    for proxy in links[name]:
        proxy.hold(refuses=chance.random() < 0.5)
    yield f"the far seats from {name}"
    time.sleep(chance.uniform(0.5, 2.0) * world.setup.lease_seconds)
    for proxy in links[name]:
        proxy.release()


def cut(pattern: re.Pattern[bytes]) -> Attack:
    """Answers to such requests of the far seats are lost, the connection with them, for a second or two."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        before = world.far_postgres.cuts
        world.far_postgres.cut_after = pattern
        time.sleep(chance.uniform(0.5, 2.0))
        world.far_postgres.cut_after = None
        yield f"{world.far_postgres.cuts - before} answers"

    return fault


@contextmanager
def resets(world: World, _chance: random.Random) -> Iterator[str]:
    """Every connection that goes by a proxy is reset."""
    count = world.far_postgres.reset_all() + world.far_broker.reset_all() + world.mail_way.reset_all()
    yield f"{count} connections"


@contextmanager
def unplugged(world: World, chance: random.Random) -> Iterator[str]:
    """The cable of the far ticker and worker is out for longer than a lease: what is sent then is lost in silence."""
    assert world.link
    seconds = chance.uniform(1.2, 3.0) * world.setup.lease_seconds
    try:
        state = world.link.unplug()
        yield f"the far seats for {seconds:.1f} s: {state}"
        time.sleep(seconds)
    finally:
        world.link.heal()


@contextmanager
def blackhole(world: World, chance: random.Random) -> Iterator[str]:
    """What the far seats send, or what is sent to them, or both, is dropped for longer than a lease."""
    assert world.link
    name, (requests, answers) = chance.choice(sorted(_WAYS.items()))
    try:
        world.link.lose(requests=requests, answers=answers)
        time.sleep(chance.uniform(1.2, 3.0) * world.setup.lease_seconds)
        dropped = world.link.dropped()
    finally:
        world.link.heal()
    yield f"{dropped} packets {name} the far seats"
