"""The model of docs/capacity.md: what a load needs, from what a run costs."""

import re
from dataclasses import replace

import pytest

from bench.model import Costs, Load, herd_seconds_on, main, need
from tests.docs.test_docs import DOCS

LOAD = Load(schedules=1_000_000, per_day=86.4, at_once=0.1, peak=1.0)


def test_a_load_needs_what_its_runs_cost_together() -> None:
    costs = Costs(ticker=20, worker=100, postgres=200, run_bytes=1000, schedule_bytes=2000)
    found = need(LOAD, costs, share=0.5, postgres_cores=4)
    assert found.runs_per_second == pytest.approx(1000)
    assert found.workers == 2
    assert found.ticking == pytest.approx(1000 * 116e-6 / 1.53)
    assert found.postgres_cores == pytest.approx(0.4)
    assert found.schedule_gigabytes == pytest.approx(2)
    # Ninety days lie in fourteen weeks at most.
    assert found.history_gigabytes == pytest.approx(86.4e6 * 14 * 7 * 1000 / 1e9)
    assert found.herd_seconds == pytest.approx(100_000 * 50e-6)


def test_what_the_kind_takes_is_beside_it() -> None:
    found = need(replace(LOAD, kind_cpu_seconds=0.01, kind_seconds=2.0), Costs(worker=0.0))
    assert found.workers == 20
    assert found.at_once == 2000


def test_twice_the_schedules_need_twice_as_much() -> None:
    once, twice = (need(replace(LOAD, schedules=count), Costs()) for count in (1_000_000, 2_000_000))
    for name in (
        "runs_per_second",
        "ticking",
        "postgres_cores",
        "schedule_gigabytes",
        "history_gigabytes",
        "herd_seconds",
    ):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name))


def test_the_model_agrees_with_the_herd_that_the_benchmarks_tell() -> None:
    told = herd_seconds_on(2, 10_000, Costs())
    found = re.search(r"\| the same, last finished \| ([\d.]+) s", (DOCS / "benchmarks.md").read_text())
    herd = re.search(r"\| herd of 10,000, last began \| ([\d.]+) s", (DOCS / "benchmarks.md").read_text())
    assert found
    assert herd
    # A third of what a run costs Postgres is spent before the instant, which the model does not know.
    assert float(found[1]) / told == pytest.approx(0.6, abs=0.1)
    assert float(herd[1]) < told


def test_the_page_shows_what_the_model_prints(capsys: pytest.CaptureFixture[str]) -> None:
    page = (DOCS / "capacity.md").read_text()
    shown = re.findall(r"^    \$ python -m bench\.model (.*)\n((?:    .+\n)+)", page, re.MULTILINE)
    assert shown
    for words, text in shown:
        main(words.split())
        assert capsys.readouterr().out.splitlines() == [line[4:] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", ""),
        ("--per-day 288", "8 of them, or fewer runs: two tickers claim 13,190 a second at most"),
        ("--per-day 24 --postgres-cores 2", "2 of them, or 4 cores of Postgres, which has 2"),
        ("--per-day 288 --installations 2", "each of 2 installations: 8 of them"),
        # Where both are too small, the one that is so by more.
        (
            "--per-day 288 --postgres-cores 2",
            "20 of them, or fewer runs: 2 cores of Postgres carry 5,000 a second at most",
        ),
    ],
)
def test_what_one_installation_does_not_carry_is_said_with_what_would(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    main(words.split())
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("too much for " if said else "herd of ")
    assert said in last
    many = re.search(r": (\d+) of them", last)
    if many:
        main([*words.split(), "--installations", many[1]])
        assert "too much" not in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--schedules", "--retention", "--postgres-cores", "--installations"])
def test_a_count_below_one_is_refused_by_its_name(capsys: pytest.CaptureFixture[str], option: str) -> None:
    for text in ("0", "-1", "some"):
        with pytest.raises(SystemExit) as ended:
            main([f"{option}={text}"])
        assert ended.value.code == 2
        assert f"argument {option}: takes a whole number from 1" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--per-day=-1"])
    assert "argument --per-day: takes a number from 0" in capsys.readouterr().err
