"""A model of Redis: messages delivered, late, doubled, out of order, lost, or read once more from an old dump."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

from proof.simulator.world import World

Pointers = list[tuple[UUID, int]]
Deliver = Callable[[str, Pointers], None]

_DUMPED = 64


class Redis:
    """What the relay rings; `deliver` is told the queue and the pointers of each message that arrives."""

    def __init__(self, world: World, deliver: Deliver) -> None:
        self._world = world
        self._deliver = deliver
        self._dump: deque[tuple[str, Pointers]] = deque(maxlen=_DUMPED)
        self._era = 0
        self.is_away = False
        self.is_calm = False
        self.lost = 0

    def ring(self, packs: Sequence[tuple[str, bytes, str]]) -> None:
        """Takes the messages. Raises ConnectionError while it is away."""
        if self.is_away:
            raise ConnectionError("the broker is away")
        for queue, message, _ in packs:
            self._take(queue, [(UUID(id_), fence) for id_, fence in json.loads(message)["args"][1]])

    def flush(self) -> None:
        """Everything that was not delivered yet is lost."""
        self._era += 1

    def restore(self) -> None:
        """An old dump comes back: what was delivered long ago is delivered again, in some order."""
        self._era += 1
        old = list(self._dump)
        self._world.rng.shuffle(old)
        for queue, pointers in old:
            self._send(queue, pointers, self._world.rng.uniform(0, 2))

    def _take(self, queue: str, pointers: Pointers) -> None:
        self._dump.append((queue, pointers))
        draw = 1.0 if self.is_calm else self._world.rng.random()
        if draw < 0.01:
            self.lost += 1
            return
        if draw < 0.02:
            self._send(queue, pointers, self._world.rng.uniform(0, 30))
        late = self._world.rng.uniform(0.0005, 0.005) if draw > 0.04 else self._world.rng.uniform(0, 10)
        self._send(queue, pointers, late)

    def _send(self, queue: str, pointers: Pointers, seconds: float) -> None:
        era = self._era

        def arrive() -> None:
            if era == self._era:
                self._deliver(queue, pointers)

        self._world.after(seconds, arrive)
