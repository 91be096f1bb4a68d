"""The named points by the process that passes them, and what is done there."""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from tests.proof.points.place import MIXED

Action = Literal["kill", "stop", "term"]


class Point(NamedTuple):
    """A named point: who passes it, where it lies in the catalogue, and the largest pass at which it is hit."""

    name: str
    role: str
    faults: str
    most: int = 5
    kinds: Sequence[str] = MIXED

    def draw(self, chance: random.Random) -> int:
        """The pass to hit it at."""
        return chance.randint(1, self.most)


TICKER = (
    Point("after_claim", "ticker", "F01", 3),
    Point("before_commit", "ticker", "F02", 3),
    Point("after_commit", "ticker", "F04", 3),
    Point("before_ring", "ticker", "F04", 3),
    Point("after_ring", "ticker", "F06", 3),
)
RUN = (
    Point("after_fetch", "worker", "F16", 8),
    Point("before_lease", "worker", "F16", 4),
    Point("after_lease", "worker", "F18", 4),
    Point("before_ack", "worker", "F33", 8),
    Point("in_run", "worker", "F18", 8),
    Point("before_finish", "worker", "F31 F40", 4),
    Point("after_finish", "worker", "F31 F33", 4),
    Point("after_intent", "worker", "F23", 4),
)
DELIVERY = (
    Point("deliver_after_lease", "worker", "F23 F30", 6, ("chaos.mail",)),
    Point("before_data", "worker", "F24", 6, ("chaos.mail",)),
    Point("before_dot", "worker", "F25", 6, ("chaos.mail",)),
    Point("after_dot", "worker", "F26", 6, ("chaos.mail",)),
    Point("deliver_before_finish", "worker", "F27", 6, ("chaos.mail",)),
)
POINTS = (*TICKER, *RUN, *DELIVERY)
ZOMBIES = tuple(point for point in (*RUN, *DELIVERY) if point.name != "after_fetch")
"""Where a worker stops for longer than its lease, and goes on (F34)."""
DRAINS = tuple(point for point in (*RUN, *DELIVERY) if point.name not in ("after_fetch", "before_lease"))
"""Where a worker is asked to stop (F36)."""
HITS: tuple[tuple[Point, Action], ...] = (
    *((point, "kill") for point in POINTS),
    *((point, "stop") for point in ZOMBIES),
    *((point, "term") for point in DRAINS),
)
"""Every point with everything that is done at it."""
