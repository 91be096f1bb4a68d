"""The verdict says sound of what was judged and is whole, and of nothing else."""

import json
from dataclasses import replace

import pytest

from proof.records import Fault, History, ScheduleMove, Version
from proof.verdict import judge
from tests.proof.breaks import a_mail_that_arrived_twice, a_slot_without_a_run, plain_history
from tests.proof.histories import EPOCH, MINUTE, definition, sound


@pytest.fixture(scope="module")
def whole() -> History:
    return sound(seed=3, schedules=6, slots=10)


def test_a_whole_history_is_sound(whole: History) -> None:
    verdict = judge(whole)
    assert verdict.is_sound, verdict.as_text()
    assert verdict.as_text().startswith("SOUND: 60 slots were due")


def test_an_empty_history_is_nothing_to_judge() -> None:
    verdict = judge(History())
    assert (verdict.word, verdict.is_sound) == ("nothing to judge", False)


@pytest.mark.parametrize("lists", [("starts", "sink"), ("versions", "schedule_moves"), ("runs", "run_moves")])
def test_a_history_without_its_witnesses_is_never_sound(whole: History, lists: tuple[str, ...]) -> None:
    robbed = replace(whole)
    for name in lists:
        setattr(robbed, name, ())
    assert not judge(robbed).is_sound


def test_a_history_of_skips_alone_has_no_witness_outside() -> None:
    history = sound(seed=3, schedules=1, slots=6)
    skips = [run for run in history.runs if run.state == "skipped"]
    moves = [move for move in history.run_moves if move.run == skips[0].run]
    slots = [skips[0]._replace(slot=EPOCH * 1000, skipped_until=(EPOCH + 5 * MINUTE) * 1000, skipped_count=6)]
    alone = replace(history, runs=slots, run_moves=moves, deliveries=(), delivery_moves=(), sink=(), starts=())
    assert judge(alone).word == "nothing to judge"


def test_a_schedule_that_the_oracle_cannot_read_leaves_the_verdict_open(whole: History) -> None:
    told = definition("t-red", "hashed") | {"interval_seconds": None, "interval_anchor": None, "cron": "H * * * *"}
    strange = Version("s-hashed", 1, EPOCH, told)
    made = ScheduleMove(10**9, EPOCH, "s-hashed", 1, "active", EPOCH, None, EPOCH)
    history = replace(whole, versions=[*whole.versions, strange], schedule_moves=[*whole.schedule_moves, made])
    verdict = judge(history)
    assert (verdict.word, verdict.unjudged) == ("not all judged", ["s-hashed"])


def test_what_is_lost_and_doubled_is_counted_by_its_name() -> None:
    plain = plain_history()
    lost, doubled = judge(a_slot_without_a_run(plain)), judge(a_mail_that_arrived_twice(plain))
    assert (lost.word, lost.figures.lost, lost.figures.doubled) == ("broken", 1, 0)
    assert (doubled.figures.deliveriesDoubled, doubled.figures.deliveriesLost) == (1, 0)


def test_second_copies_inside_the_window_are_counted_and_no_error(whole: History) -> None:
    copies = [event for event in whole.sink if event.sink == "smtp" and event.phase == "kept"]
    verdict = judge(whole)
    assert verdict.figures.insideWindow == len(copies) - len({(event.key, event.recipient) for event in copies}) > 0


def test_the_first_fifty_counter_examples_are_kept_and_all_are_counted(whole: History) -> None:
    late = [start._replace(at=start.at + 20) for start in whole.starts]
    finding = next(each for each in judge(replace(whole, starts=late, faults=[])).findings if each.invariant == "I13")
    assert len(finding.examples) == min(50, finding.count)
    assert finding.count == sum(run.origin == "schedule" and run.attempt > 0 for run in whole.runs)


def test_a_single_text_tells_the_word_the_figures_and_the_place(whole: History) -> None:
    text = judge(a_slot_without_a_run(plain_history())).as_text()
    assert text.startswith("BROKEN: ")
    for told in ("lost 1", "FAIL I1", "[seq ", "faults achieved: kill worker", "p99", "(seed 0)"):
        assert told in text


def test_the_verdict_is_plain_json(whole: History) -> None:
    told = json.loads(json.dumps(judge(whole).as_json()))
    assert told["isSound"] is True
    assert {"lost", "doubled", "deliveriesLost", "deliveriesDoubled", "insideWindow", "lagMs"} <= told["figures"].keys()
    assert told["figures"]["lagMs"]["all"]["p99"] > 0
    assert told["bounds"]["slots"] == pytest.approx(3 / 60)


def test_errors_leave_no_bound() -> None:
    assert judge(a_slot_without_a_run(plain_history())).bounds["slots"] is None


def test_faults_are_counted_as_achieved(whole: History) -> None:
    cut = [Fault(EPOCH, EPOCH + 1, "cut smtp", "w-1")] * 3
    assert judge(replace(whole, faults=[*whole.faults, *cut])).faults["cut smtp"] == 3


def test_lags_are_told_apart_by_faults(whole: History) -> None:
    lags = judge(replace(whole, faults=[Fault(EPOCH + MINUTE, EPOCH + MINUTE + 50, "cut smtp", "w-1")])).figures.lagMs
    phases = [lags[phase].runs for phase in ("outsideFaults", "afterFaults", "insideFaults")]
    assert sum(phases) == lags["all"].runs
    assert min(phases) > 0
