"""The judge is judged: of fourteen planted bugs it finds each, and of none it finds nothing."""

import sys
import time
from typing import NamedTuple

import pytest

from local.postgres import NO_FLUSH
from proof.chaos.plan import Scale
from proof.chaos.run import Outcome, run
from proof.chaos.world import Setup
from tests.proof.bugs.catalogue import BUGS

pytestmark = [pytest.mark.race, pytest.mark.slow, pytest.mark.timeout(300)]

SCHEDULES = 40
SECONDS = 5.0
SEEDS = (1, 2, 3)
CONTROL = "none"


class Row(NamedTuple):
    """What was found of a bug by the seed that found it, or by the last; and how long that took in all."""

    name: str
    seed: int
    outcome: Outcome
    seconds: float

    @property
    def found(self) -> dict[str, int]:
        """How many counter-examples each invariant has that has some."""
        return {finding.invariant: finding.count for finding in self.outcome.verdict.findings if finding.count}

    def __str__(self) -> str:
        told = " ".join(f"{invariant} x{count}" for invariant, count in self.found.items()) or "sound"
        return f"{self.name:<5}{BUGS[self.name].claim:<46}{told:<36}seed {self.seed}  {self.seconds:5.1f} s"


def hunt(name: str) -> Row:
    """Runs chaos with the bug in each process, under one seed after the other until it shows."""
    began = time.monotonic()
    seeds = list(SEEDS)
    while True:
        seed = seeds.pop(0)
        row = Row(name, seed, chaos(name, seed), time.monotonic() - began)
        sys.stdout.write(f"{row}\n")
        if name == CONTROL or BUGS[name].seen_by & row.found.keys() or not seeds:
            return row


def chaos(name: str, seed: int) -> Outcome:
    """A short run of chaos with the bug in each process."""
    bug = BUGS[name]
    setup = Setup(
        lease_seconds=1.0,
        mail_delay_ms=bug.mail_delay_ms,
        launcher=("-m", "tests.proof.bugs", name),
        postgres_settings={**NO_FLUSH, **bug.postgres},
        prepare=bug.prepare,
        head_start_seconds=6.0,
        patience_seconds=bug.patience_seconds,
    )
    return run(Scale(SCHEDULES, SECONDS, seed), setup, script=bug.script)


# Hunted when they are asked for: what is left has one bug of planning, one of leases and one of mails; and that each
# invariant sees its breach, tests/proof/test_invariants.py shows without a run.
AT_LENGTH = {"B12", "B2", "B3", "B4", "B6", "B7", "B8", "B9", "B10", "B11", "B13", "B14"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] if name in AT_LENGTH else []) for name in BUGS if name != CONTROL],
)
def test_the_judge_finds_the_bug(name: str) -> None:
    row = hunt(name)

    assert BUGS[name].seen_by & row.found.keys(), row
    assert row.outcome.verdict.word == "broken"
    assert row.outcome.history.starts


@pytest.mark.parametrize("name", [CONTROL])
def test_the_judge_finds_nothing_where_no_bug_is_planted(name: str) -> None:
    row = hunt(name)

    assert row.outcome.is_sound, row.outcome.verdict.as_text()
