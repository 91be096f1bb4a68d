"""What a schedule does in a night when its zone's clock turns, as sentences in plain English. Pure."""

from datetime import datetime
from typing import Final

from scheduler.nights import is_touched
from scheduler.slots import Cron, Pattern, Recurrence, reading_of
from scheduler.turns import Turn

_IN_A_GAP: Final = {
    "end": "What is due in the hour that is left out fires once, at its end: {end} (dstGap is end).",
    "skip": "What is due in the hour that is left out does not fire that night (dstGap is skip).",
    "shift": "What is due in the hour that is left out fires as much later as the clock goes forward (dstGap is shift).",
}
_IN_A_FOLD: Final = {
    "first": "What is due in the hour that comes twice fires the first time (dstFold is first).",
    "second": "What is due in the hour that comes twice fires the second time (dstFold is second).",
    "both": "What is due in the hour that comes twice fires both times (dstFold is both).",
}


def explain_night(recurrence: Recurrence, turn: Turn, timezone: str) -> str:
    """What the clock does at the turn, and what becomes of the schedule's times."""
    before, after = turn.at + turn.before, turn.at + turn.after
    way = "forward" if after > before else "back"
    clock = f"The clock of {timezone} goes {way} from {_wall(before)} to {_wall(after)}."
    return f"{clock} {_effect(recurrence, turn, after)}"


def _effect(recurrence: Recurrence, turn: Turn, after: datetime) -> str:
    if not isinstance(recurrence, Cron | Pattern):
        return "It goes by elapsed time and takes no notice."
    reading = reading_of(recurrence)
    if reading.rule.is_wildcard:
        return "Its hour is any hour, so it goes on by elapsed time: nothing is left out and nothing comes twice."
    if not is_touched(reading, turn):
        return "None of its times falls into that hour, so it fires as on other days."
    if turn.after > turn.before:
        return _IN_A_GAP[recurrence.gap].format(end=_wall(after))
    return _IN_A_FOLD[recurrence.fold]


def _wall(wall: datetime) -> str:
    return f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"
