import json
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from bench.__main__ import main
from bench.claim import expressions
from bench.result import EVERY_PEER, Goal, Result, table
from scheduler.slots import Cron, next_slot


def test_a_result_tells_ours_the_peers_and_the_median_of_the_pairs_ratios() -> None:
    found = Result("x", "s", "lower", [1.0, 2.0, 9.0], {"peer": [4.0, 4.0, 90.0]}, [Goal(2, "peer")]).as_json()
    told = {name: found[name] for name in ("name", "unit", "better", "tocsin", "peers", "ratios", "isMet")}
    assert told == {
        "name": "x",
        "unit": "s",
        "better": "lower",
        "tocsin": 2.0,
        "peers": {"peer": 4.0},
        "ratios": {"peer": 0.25},
        "isMet": True,
    }
    assert found["machine"]
    assert "commit" in found


@pytest.mark.parametrize(
    ("better", "ours", "goal", "is_met"),
    [
        ("higher", 5.0, Goal(4), True),
        ("higher", 3.0, Goal(4), False),
        ("lower", 3.0, Goal(4), True),
        ("lower", 5.0, Goal(4), False),
        ("higher", 5.0, Goal(0.5, "peer"), True),
        ("lower", 5.0, Goal(4, "peer"), False),
        ("lower", 5.0, Goal(2, EVERY_PEER), True),
        ("lower", 5.0, Goal(4, EVERY_PEER), False),
        ("lower", 5.0, None, None),
    ],
)
def test_a_goal_is_met_in_the_direction_that_is_better(
    better: Literal["lower", "higher"], ours: float, goal: Goal | None, is_met: bool | None
) -> None:
    assert Result("x", "s", better, [ours], {"peer": [10.0]}, [goal] if goal else []).is_met is is_met


def test_every_peer_means_the_best_of_them() -> None:
    result = Result("x", "s", "lower", [2.0], {"slow": [8.0], "fast": [1.0]}, [Goal(1, EVERY_PEER), Goal(4, "slow")])
    assert [result.meets(goal) for goal in result.goals] == [False, True]
    assert result.is_met is False


def test_the_table_names_every_figure_and_every_peer() -> None:
    text = table(
        [Result("x", "s", "lower", [1.0], {"peer": [4.0]}, [Goal(5, "peer")]), Result("y", "MB", "lower", [2.0])]
    )
    assert all(word in text for word in ("x", "y", "peer", "4.00x", "MISSED"))


def test_a_peer_that_did_not_get_through_or_was_not_measured_says_so() -> None:
    result = Result(
        "x", "s", "lower", [1.0], {"slow": [90.0]}, [Goal(1, EVERY_PEER)], {}, {"slow": "not done"}, {"away": "no node"}
    )
    lines = table([result]).splitlines()
    assert [line for line in lines if "slow" in line and ">90.0" in line and ">90.00x" in line and "not done" in line]
    assert [line for line in lines if "away" in line and "not measured: no node" in line]
    assert result.as_json()["notDone"] == {"slow": "not done"}
    assert result.as_json()["absent"] == {"away": "no node"}


def test_expressions_differ_and_all_have_their_slot_now_and_none_within_the_day() -> None:
    slot = datetime(2026, 11, 22, 3, 17, tzinfo=UTC)
    found = [Cron(expression, "UTC") for expression in expressions(slot, 500)]
    assert len(set(found)) == 500
    assert {next_slot(cron, slot - timedelta(seconds=1)) for cron in found} == {slot}
    assert all((later := next_slot(cron, slot)) and later >= slot + timedelta(days=1) for cron in found)


@pytest.mark.slow
def test_benches_run_and_answer_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claim", "ring", "--n", "50", "--reps", "1", "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert [result["name"] for result in found] == ["claim.one_expression", "claim.500_expressions", "ring"]
    for result in found:
        assert {"name", "unit", "better", "tocsin", "peers", "ratios", "machine", "commit"} <= result.keys()
        assert result["tocsin"] > 0
        assert result["peers"].keys() == result["ratios"].keys()


def test_an_unknown_bench_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nonsense"])
    assert "claim, tickers, rows, dead_rows, ring, herd, flood, fairness, lag, idle" in capsys.readouterr().err
