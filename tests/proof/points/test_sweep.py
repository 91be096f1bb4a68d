"""A worker killed at its Nth system call of a run, for some N: every run ends once. `sweep` asks every N."""

import pytest

from tests.proof.points import sweep
from tests.proof.points.place import Place

pytestmark = pytest.mark.race

_STEP = {"mail": 23, "call": 19, "work": 19}
_SECONDS = 4.0


@pytest.mark.parametrize("kind", sorted(sweep.MAKERS))
def test_a_worker_killed_at_any_call_of_a_run_loses_and_doubles_nothing(
    place: Place, own_database: str, kind: str
) -> None:
    if (reason := sweep.why_not()) is not None:
        pytest.skip(reason)
    sweep.prepare(place, own_database)

    found = sweep.sweep(place, kind, step=_STEP[kind], seconds=_SECONDS)

    assert found.hits
    verdict = place.judge()
    assert verdict.is_sound, verdict.as_text()
    assert sum(verdict.faults.values()) == len(found.hits)
