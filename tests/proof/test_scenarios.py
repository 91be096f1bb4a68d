"""Every scenario of the proof in short: what must hold holds; figures of time are for a quiet machine and longer runs."""

import json
from typing import Any

import pytest

from proof.chaos.faults import left_out
from proof.records import Fault, History, Run, RunMove, Start
from proof.scenarios import rates, samples
from proof.scenarios.__main__ import main
from proof.scenarios.drain import burnt_attempts
from proof.scenarios.kills import Kill, waits, wrong_attempts
from proof.scenarios.recover import ATTACKS
from proof.scenarios.report import Goal, Part
from proof.scenarios.samples import Sample, Table
from proof.scenarios.soak import unbounded

SOUND = {
    "slots lost", "starts doubled", "deliveries lost or doubled", "counter-examples to any invariant",
    "sound by the judge, with nothing open at the end",
}  # fmt: skip
FIRST = ("crash",)
SHORT = ("--lease=2", "--rate=10", "--baseline-seconds=2")
NO_LOSS = {
    "runs that never went on", "runs marked dead or cancelled", "runs with a wrong count of attempts",
    "runs with an attempt burnt", "processes that did not exit", "exits with a status other than 0",
    "slots whose state or effects differ (I17)", "sound without losses", "false successes",
    "effects without a durable intent", "immune processes that ended", "tables whose dead rows are not bounded",
}  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """The parts of a scenario, sound each, whatever the time that things took."""
    status = main([*words, "--json"])
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert status == (0 if found["isMet"] else 1)
    for part in found["parts"]:
        goals = {goal["what"]: goal for goal in part["goals"]}
        assert goals.keys() >= SOUND
        broken = [goal for what, goal in goals.items() if what in SOUND | NO_LOSS and not goal["isMet"]]
        assert not broken, f"{broken}\n{part['figures']}\n{said.err}"
        assert part["figures"]["slots"] > 0
    parts: list[dict[str, Any]] = found["parts"]
    return parts


@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=[] if name in FIRST else pytest.mark.long) for name in ATTACKS]
)
def test_under_load_each_fault_of_the_public_benchmark_loses_and_doubles_nothing(
    capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    times = ["--settle-seconds=1", "--baseline-seconds=3", "--fault-seconds=4", "--every=2", "--after-seconds=5"]
    (part,) = run(capsys, "recover", f"--only={fault}", "--rate=20", "--lease=1", *times)
    assert part["figures"]["before"] > 0


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_what_killed_workers_had_goes_on_and_burns_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = run(
        capsys, "resume", "--only=workers", "--count=3", "--every=4", "--lease=2", "--work-seconds=1", "--rate=10"
    )
    assert part["figures"]["kills"] == 3
    assert part["figures"]["begun"]["count"] > 0


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_lost_tickers_lose_no_slot(capsys: pytest.CaptureFixture[str]) -> None:
    parts = run(capsys, "resume", "--only=tickers", "--tickers=1", "--away-seconds=5", *SHORT)
    assert [part["figures"]["losses"] for part in parts] == [1, 1]


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_losses_of_redis_the_outcomes_are_the_same_as_without(capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = run(capsys, "resume", "--only=redis", "--losses=2", *SHORT)
    assert part["figures"]["losses"] == 2


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_without_redis_every_slot_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = run(capsys, "resume", "--only=outage", "--minutes=0.15", *SHORT)
    assert part["figures"]["slotsOfTheOutage"] > 50


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_drained_groups_burn_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = run(capsys, "drain", "--count=4", "--cuts=0", "--rate=10", "--work-seconds=1", "--lease=5")
    assert part["figures"]["statuses"] == {"ticker 0": 4, "worker 0": 4}


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("name", "fault"), [("full", "postgres.disk_full"), ("sync", "postgres.sync_error")])
def test_a_failing_disk_makes_nothing_false(capsys: pytest.CaptureFixture[str], name: str, fault: str) -> None:
    for why, names in left_out().items():
        if fault in names:
            pytest.skip(why)
    (part,) = run(capsys, "disk", f"--only={name}", "--count=1", "--every=4", "--lease=1", "--rate=10")
    assert part["figures"]["faults"] == {fault: 1}


@pytest.mark.long
@pytest.mark.race
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_soak_samples_and_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    names = "worker.kill,ticker.kill,redis.flushall,postgres.backends_end"
    (part,) = run(capsys, "soak", "--hours=0.006", "--every=2", "--rate=10", "--lease=1", f"--faults={names}")
    figures = part["figures"]
    assert len(figures["samples"]) >= 5
    assert {told["processes"] for told in figures["memory"].values()} == {1}
    assert sum(figures["faults"].values()) > 1


def test_a_goal_that_was_not_measured_is_not_met() -> None:
    assert not Goal("seconds", None, "<=", 5).is_met
    assert Goal("seconds", 5.0, "<=", 5).is_met
    assert not Goal("lost", 1, "=", 0).is_met
    assert not Part("nothing", [], {}).is_met


def test_a_rate_is_back_with_the_first_whole_window_that_has_it() -> None:
    even = [number / 10 for number in range(100)]
    with_a_gap = [at for at in even if not 3.0 <= at < 5.0]
    assert rates.rate(even, 2, 8) == pytest.approx(10)
    assert rates.seconds_until_back(even, 3, 10, 9.8) == 0.0
    assert rates.seconds_until_back(with_a_gap, 3, 10, 9.8) == pytest.approx(2.0)
    assert rates.seconds_until_back(with_a_gap, 3, 4.9, 9.8) is None


def test_what_a_killed_worker_had_is_told_apart() -> None:
    def moves(run: str, *told: tuple[float, str, str | None, int]) -> list[RunMove]:
        return [
            RunMove(round(at * 100), at, run, 0, "update", state, fence, 1, process, None, None)
            for at, state, process, fence in told
        ]

    history = History(
        run_moves=[
            *moves("begun", (1, "queued", None, 1), (2, "running", "doomed", 2), (30, "running", "other", 4)),
            *moves("leased", (1, "queued", None, 1), (9.9, "running", "doomed", 2), (28, "running", "other", 4)),
            *moves("fetched", (9, "queued", None, 1), (12, "running", "other", 2)),
            *moves("rung", (9, "queued", None, 1), (11, "running", "other", 2)),
            *moves("others", (1, "queued", None, 1), (2, "running", "other", 2)),
            *moves("gone", (9, "queued", None, 1)),
        ],
        starts=[
            Start(2.1, "begun", 0, "s", 1, 7),
            Start(30.1, "begun", 0, "s", 1, 8),
            Start(28.1, "leased", 0, "s", 1, 8),
            Start(12.1, "fetched", 0, "s", 1, 8),
            Start(11.1, "rung", 0, "s", 1, 8),
            Start(2.1, "others", 0, "s", 1, 8),
        ],
    )
    found = waits(history, [Kill(10.0, "doomed", 7, frozenset({"fetched"}))])
    assert found.begun == pytest.approx([20.1])
    assert found.leased == pytest.approx([18.1])
    assert found.fetched == pytest.approx([2.1])
    assert found.rung == pytest.approx([1.1])
    assert found.missing == ["gone"]


def a_run(attempt: int, finished_at: float | None = 9.0) -> Run:
    return Run(
        "r", 0, "t", "s", 1, "k", "schedule", "succeeded" if finished_at else "running", None, 2, attempt, 5,
        0.0, 1.0, finished_at, None, None, 0.0,
    )  # fmt: skip


def test_the_first_kill_of_a_run_costs_no_attempt_and_the_second_does() -> None:
    def history(attempt: int) -> History:
        told = ((1.0, "running", "a", 2), (20.0, "pending", None, 3), (21.0, "running", "b", 4))
        moves = [
            RunMove(number, at, "r", 0, "update", state, fence, 1, process, None, None)
            for number, (at, state, process, fence) in enumerate(told)
        ]
        return History(runs=[a_run(attempt)], run_moves=moves)

    kills = [Kill(2.0, "a", 1, frozenset()), Kill(22.0, "b", 2, frozenset())]
    assert wrong_attempts(history(1), kills[:1]) == []
    assert wrong_attempts(history(2), kills[:1])
    assert wrong_attempts(history(2), kills) == []
    assert burnt_attempts(history(1)) == []
    assert burnt_attempts(history(2))


def test_growth_is_told_of_one_process_alone_and_dead_rows_by_what_they_should_be() -> None:
    def look(second: int, pid: int = 1) -> Sample:
        tables = {"runs": Table(100 * second, 1000, 10_000_000), "processes": Table(0, 5, 100_000)}
        return Sample(second, {("worker-1", pid): 100 + second // 4}, tables, 5)

    looks = [look(second) for second in range(40)]
    assert samples.growth(looks, "worker-1")["growthPercent"] == pytest.approx(8, abs=1)
    assert samples.growth([*looks, look(40, pid=2)], "worker-1")["growthPercent"] is None
    assert unbounded(samples.dead_rows(looks)) == []
    flood = [sample._replace(tables={"runs": Table(4000 * number, 1000, 1)}) for number, sample in enumerate(looks)]
    assert unbounded(samples.dead_rows(flood)) == ["runs"]


def test_lags_are_of_first_starts_and_of_the_schedules_named() -> None:
    history = History(
        starts=[Start(1.5, "a", 1000, "s", 1, 1), Start(3.0, "a", 1000, "s", 2, 1), Start(2.2, "b", 2000, "t", 1, 1)],
        faults=[Fault(0, 1, "x", "y")],
    )
    assert rates.lags(history) == [(1.0, 0.5), (2.0, pytest.approx(0.2))]
    assert rates.lags(history, "other") == []


def test_the_command_names_what_it_does_not_know() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["earthquake"])
    assert ended.value.code == 2
