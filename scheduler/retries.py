"""The retry budget of an endpoint: how many attempts after the first may go to it, of all workers together; pure.

Each first attempt puts a fifth of an attempt into it, each further one takes one out. What is in it comes closer to ten as
time passes, by two thirds a minute: so a minute's further attempts are a fifth of its calls, and ten of them go in any case.
Source: the retry budgets of Google's SRE book ("Handling Overload") and of Finagle.
"""

import math
from datetime import datetime

SHARE = 0.2
FLOOR = 10.0
_SPAN_SECONDS = 60.0
_LONGEST_WAIT = 60.0


def left(before: float | None, at: datetime | None, now: datetime) -> float:
    """What is in a budget now in which there was so much then; None: nothing was ever taken."""
    if before is None or at is None:
        return FLOOR
    faded = math.exp(-max(0.0, (now - at).total_seconds()) / _SPAN_SECONDS)
    return FLOOR + (before - FLOOR) * faded


def wait_seconds(place: int) -> float:
    """How long the one at this place, from 0 on, of those for whom nothing is left waits before it asks again."""
    return min(_LONGEST_WAIT, _SPAN_SECONDS / FLOOR * (place + 1))
