"""What a fault is."""

import contextlib
import random
from collections.abc import Callable

from proof.chaos.seats import Seat
from proof.chaos.world import World

Attack = Callable[[World, random.Random], contextlib.AbstractContextManager[str]]
"""Entered it is done, and gives its target; left it is healed."""


def a_seat(world: World, chance: random.Random, role: str) -> Seat:
    """One whose process has started, where there is one: what still boots holds nothing."""
    seats = [seat for seat in world.seats if seat.role == role]
    return chance.choice([seat for seat in seats if seat.is_up()] or seats)
