"""kill, stop and SIGTERM at every named point: history and the witnesses outside stay sound."""

import random
from collections.abc import Sequence

import pytest

from tests import make
from tests.proof.points.place import Place
from tests.proof.points.points import DELIVERY, DRAINS, RUN, TICKER, ZOMBIES, Action, Point

pytestmark = pytest.mark.race

_SOME = ("after_lease", "before_finish", "after_intent", "after_dot", "deliver_before_finish")
"""Those of F18, F31, F23, F26 and F27; by command all."""
_GROUPS: dict[str, tuple[Action, Sequence[Point]]] = {
    "kill-ticker": ("kill", TICKER),
    "kill-run": ("kill", RUN),
    "kill-delivery": ("kill", DELIVERY),
    "stop": ("stop", [point for point in ZOMBIES if point.name in _SOME]),
    "term": ("term", [point for point in DRAINS if point.name in _SOME]),
}


@pytest.mark.parametrize(("action", "points"), _GROUPS.values(), ids=list(_GROUPS))
def test_processes_that_meet_these_points_lose_and_double_nothing(
    place: Place, action: Action, points: Sequence[Point]
) -> None:
    place.start("ticker", wait=False)
    place.start("worker", wait=False)

    for point in points:
        nth = point.draw(random.Random(point.name))
        assert place.strike(point.role, point.name, nth, action, point.kinds), f"nobody met {point.name} {nth} times"

    place.until_over()
    verdict = place.judge()
    assert verdict.is_sound, verdict.as_text()
    assert verdict.faults == {f"{action} at {point.name}": 1 for point in points}
    if action == "term":
        assert make.value(place.conn, "select count(*) from run_attempts where outcome = 'expired'") == 0
