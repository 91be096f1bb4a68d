"""Each invariant lets sound histories pass, catches what breaks it alone, and agrees with its own sentence."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof import oracle
from proof.invariants import INVARIANTS
from proof.invariants.case import Case, Limits
from proof.invariants.same import same_outcomes
from proof.records import Fault, History, SinkEvent, Violation
from tests.proof.breaks import (
    BREAKS,
    Breaking,
    Plain,
    a_late_start,
    a_mail_that_never_arrived,
    a_slot_without_a_run,
    mutations,
    plain_history,
    the,
)
from tests.proof.brute import broken
from tests.proof.histories import sound


@pytest.fixture(scope="module")
def plain() -> Plain:
    return plain_history()


def found(history: History, limits: Limits | None = None) -> list[Violation]:
    case = Case(history, oracle.expected(history), limits or Limits())
    return [violation for check in INVARIANTS.values() for violation in check(case)]


def by_name(history: History) -> set[str]:
    return {violation.invariant for violation in found(history)}


@pytest.mark.parametrize("seed", range(20))
def test_sound_histories_pass(seed: int) -> None:
    assert found(sound(seed, schedules=5, slots=1 + seed % 10)) == []


@pytest.mark.parametrize(("invariant", "text", "breaking"), BREAKS, ids=[each[2].__name__ for each in BREAKS])
def test_each_invariant_catches_what_breaks_it_alone(
    plain: Plain, invariant: str, text: str, breaking: Breaking
) -> None:
    violations = found(breaking(plain))
    assert {violation.invariant for violation in violations} == {invariant}
    assert text in violations[0].text
    assert violations[0].subject
    assert len(violations) <= 2


def test_every_invariant_is_broken_by_some_mutation() -> None:
    assert {invariant for invariant, _, _ in BREAKS} == set(INVARIANTS)


def test_what_is_wrong_is_found_in_the_history(plain: Plain) -> None:
    [violation] = found(plain.moved("succeeded", leased_by="w-9"))
    first, last = (the(plain.moves, lambda m, s=state: m.state == s).seq for state in ("running", "succeeded"))  # type: ignore[misc]
    assert (violation.subject, violation.first_seq, violation.last_seq) == (plain.run.run, first, last)


def test_a_kind_that_owes_effects_is_held_to_them(plain: Plain) -> None:
    assert not found(plain.history, Limits(owed={"other": 1}))
    owing = found(plain.history, Limits(owed={"report": 3}))
    mailed = {mail.run for mail in plain.history.deliveries}
    silent = {run.run for run in plain.history.runs if run.state == "succeeded" and run.run not in mailed}
    assert {violation.subject for violation in owing} == silent


def test_a_late_start_is_excused_by_a_fault_as_long(plain: Plain) -> None:
    late = a_late_start(plain)
    began = plain.run.slot / 1000
    assert by_name(replace(late, faults=[Fault(began, began + 49, "stop", "w-1")])) == set()
    assert by_name(replace(late, faults=[Fault(began, began + 9, "stop", "w-1")])) == {"I13"}


def test_histories_of_one_plan_are_the_same_whenever_they_happened(plain: Plain) -> None:
    one, other = (Case(history, oracle.expected(history)) for history in (plain.history, sound(5, 8, 8)))
    assert list(same_outcomes(one, other)) == []


@pytest.mark.parametrize(("breaking", "count"), [(a_slot_without_a_run, 1), (a_mail_that_never_arrived, 2)])
def test_histories_that_end_otherwise_are_not_the_same(plain: Plain, breaking: Breaking, count: int) -> None:
    one, other = (Case(history, oracle.expected(history)) for history in (plain.history, breaking(plain)))
    assert len(list(same_outcomes(one, other))) == count


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), picks=st.lists(st.integers(0, 21), min_size=0, max_size=4))
def test_the_invariants_and_their_sentences_agree_on_any_history(seed: int, picks: list[int]) -> None:
    rng = Random(seed)
    history = sound(seed, schedules=2, slots=1 + seed % 7, every=1)
    for pick in picks:
        if history.runs and history.run_moves and history.delivery_moves and history.deliveries and history.sink:
            choices = list(mutations(rng, history))
            history = choices[pick % len(choices)]
    judged = {"I1", "I2", "I3", "I4", "I5", "I9", "I15"}
    assert by_name(history) & judged == broken(history, oracle.expected(history))


def test_a_call_that_has_another_key_at_each_try_is_a_double() -> None:
    history = sound()
    called = {event.key.partition(":")[0] for event in history.sink if event.sink == "http"}
    run = next(run for run in history.runs if run.run in called)
    first = next(event for event in history.sink if event.sink == "http" and event.key.startswith(run.run))
    again = [event._replace(key=f"{run.run}:again") for event in history.sink if event.key == first.key]

    def doubled(sink: list[SinkEvent], owed: int) -> list[str]:
        case = Case(replace(history, sink=sink), oracle.expected(history), Limits(owed={run.kind: owed}))
        return [found.subject for found in INVARIANTS["I9"](case)]

    most = max(len({e.key for e in history.sink if e.key.startswith(each.run)}) for each in history.runs) + max(
        sum(delivery.run == each.run for delivery in history.deliveries) for each in history.runs
    )
    assert doubled(list(history.sink), most) == []
    own = sum(delivery.run == run.run for delivery in history.deliveries) + 1
    assert run.run in doubled([*history.sink, *again], own)
