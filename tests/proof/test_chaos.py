"""A whole Tocsin under faults, judged: the short run of what `tocsin chaos` does for an hour."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from proof.chaos.plan import Scale
from proof.chaos.run import Outcome, run
from proof.chaos.world import Setup
from proof.timeline import draw

pytestmark = pytest.mark.race
# A loaded machine may be slow, and that is no matter here.
LATE_SECONDS = 30.0


def chaos(schedules: int, seconds: float, names: set[str] | None = None) -> Outcome:
    """A run with a new seed, which is told."""
    seed = random.randrange(1, 10**9)
    sys.stdout.write(f"chaos: seed {seed}\n")
    return run(Scale(schedules, seconds, seed), Setup(lease_seconds=1.0, late_seconds=LATE_SECONDS), names)


@pytest.mark.timeout(240)
def test_nothing_is_lost_or_doubled_under_every_fault() -> None:
    outcome = chaos(80, 28)

    assert outcome.is_sound, outcome.verdict.as_text()
    assert outcome.verdict.figures.slots > 280
    assert sum(outcome.verdict.faults.values()) >= 6
    # One green and one red square stand in the legend.
    picture = draw(outcome.history, outcome.verdict)
    assert picture.count('class="ok"') > 100
    assert picture.count('class="lost"') == 1


@pytest.mark.long
@pytest.mark.timeout(120)
def test_redis_may_be_lost_again_and_again() -> None:
    outcome = chaos(60, 15, {"redis.flushall", "redis.shutdown", "redis.old_dump", "redis.full", "redis.read_only"})

    assert outcome.is_sound, outcome.verdict.as_text()
    # What a run that came late ran into may be skipped, where its schedule says so.
    assert set(outcome.verdict.states) <= {"succeeded", "skipped"}


@pytest.mark.timeout(120)
def test_the_command_answers_with_one_document_and_its_exit_status_is_the_verdict(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tocsin", "chaos", "--schedules=20", "--minutes=0.1", "--seed=4", "--json"]
    done = subprocess.run(
        [*command, "--faults=none", f"--folder={tmp_path}"], capture_output=True, text=True, timeout=100, check=False
    )

    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "sound"), done.stdout
    assert set(found) >= {
        "seed", "schedules", "slots", "faults", "lost", "doubled", "deliveriesLost", "deliveriesDoubled", "insideWindow",
        "lagMs", "verdict",
    }  # fmt: skip
    assert found["slots"] > 0
    assert (found["lost"], found["doubled"], found["faults"]) == (0, 0, {})
    assert (tmp_path / "timeline.svg").read_text().startswith("<svg")


def test_a_folder_with_something_in_it_and_an_unknown_fault_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    for option, word in ((f"--folder={tmp_path}", "empty folder"), ("--faults=earthquake", "there is no earthquake")):
        command = [sys.executable, "-m", "tocsin", "chaos", option]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert word in done.stderr
        assert len(done.stderr.splitlines()) == 1
