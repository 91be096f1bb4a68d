"""What is printed on a terminal, and what in a pipe."""

import base64
import os
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin
from tests.tocsin.test_runs import _dead
from tocsin import terminal

ID = "019a200e-c091-7c19-9f54-05372ecde5b5"


class Screen(StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("widths", "kept", "room", "found"),
    [
        ([10, 20], [False, False], 40, [10, 20]),
        ([10, 20], [False, False], 22, [10, 10]),
        ([36, 50, 30], [True, False, False], 80, [36, 20, 20]),
        # Nothing is made so narrow that it says nothing, and an id is whole: such a line is broken by the terminal.
        ([36, 30], [True, False], 40, [36, 8]),
        ([5, 6], [False, False], 3, [5, 6]),
    ],
)
def test_the_widest_columns_give_way(widths: list[int], kept: list[bool], room: int, found: list[int]) -> None:
    assert terminal.fitting(widths, kept, room) == found


def test_a_table_is_as_wide_as_the_terminal_and_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(ID, "a name " * 12, "an error " * 20)]
    for screen, is_cut in ((Screen(), True), (StringIO(), False)):
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "stdout", screen)
        terminal.show_table(("ID", "NAME", "ERROR"), rows, "none")
        lines = screen.getvalue().splitlines()
        assert (max(map(len, lines)) <= 80) == is_cut
        assert ("…" in lines[1]) == is_cut
        assert ID in lines[1]


def test_a_bar_is_drawn_on_a_terminal_and_none_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for screen in (Screen(), StringIO()):
        monkeypatch.setattr(sys, "stderr", screen)
        assert list(terminal.counted([1, 2, 3], "things")) == [1, 2, 3]
        assert ("░" in screen.getvalue()) == screen.isatty()
        assert screen.getvalue().endswith("\r\x1b[K") == screen.isatty()


def test_what_takes_long_shows_how_far_it_is(
    tocsin: Tocsin, conn: make.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    (tmp_path / "crontab").write_text("0 9 * * * /bin/true\n")
    (tmp_path / "stack.yaml").write_text("calendars: [{name: closed}]")
    params = '{"url": "https://app.example.com/x", "secret": "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g="}'
    tocsin("schedules", "create", "http.call", "--name", "x", "--cron", "@daily", "--params", params)
    old = os.environ["TOCSIN_SECRET_KEYS"]
    monkeypatch.setenv("TOCSIN_SECRET_KEYS", f"{base64.b64encode(bytes(32)).decode()},{old}")
    for words, argv in (
        ("secrets 1 of ", ("keys", "rotate")),
        ("migrations 0 of ", ("migrate",)),
        ("entries 0 of 1", ("import", "crontab", str(tmp_path / "crontab"), "--url", "https://app.example.com/x")),
        ("steps 0 of 1", ("apply", "-f", str(tmp_path / "stack.yaml"), "--yes")),
    ):
        screen.truncate(0)
        answer = tocsin(*argv)
        assert answer.status == 0, screen.getvalue()
        assert words in screen.getvalue()
        assert screen.getvalue().endswith("\r\x1b[K")


def test_all_dead_letters_are_replayed_or_those_of_one_schedule(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = [
        tocsin("schedules", "create", "test.noop", "--name", name, "--cron", "@daily", "--json").json()
        for name in ("daily", "other")
    ]
    runs = [_dead(conn, schedule)[0] for schedule in (made[0], made[0], made[1])]
    assert "goes with --all" in tocsin("dead", "replay", str(runs[0]), "--schedule", "daily").complaint()
    done = tocsin("dead", "replay", "--all", "--schedule", "daily", "--json").json()
    assert set(done["runIds"]) == {str(run) for run in runs[:2]}
    assert done["hasMore"] is False
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    answer = tocsin("dead", "replay", "--all")
    assert answer.out == "1 runs are open again\n"
    assert "0 of 1" in answer.err
    assert make.value(conn, "select count(*) from dead_letters where state = 'open'") == 0
    assert make.value(conn, "select count(*) from audit_log where action = 'dead_letter.replayed'") == 3
    assert tocsin("dead", "replay", "--all", "--json").json()["runIds"] == []


def test_chaos_says_its_lines_above_a_bar_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.commands import chaos

    for screen in (Screen(), StringIO()):
        monkeypatch.setattr(sys, "stderr", screen)
        chaos._teller(60.0)("worker.kill")
        assert "worker.kill\n" in screen.getvalue()
        assert ("of the faults' time" in screen.getvalue()) == screen.isatty()


@pytest.mark.parametrize(("said", "status", "runs"), [("y\n", 0, 3), ("\n", 1, 0), ("", 1, 0)])
def test_what_cannot_be_undone_asks_on_a_terminal(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch, said: str, status: int, runs: int
) -> None:
    tocsin("schedules", "create", "test.noop", "--name", "x", "--every", "86400")
    now = make.now(conn)
    conn.execute("update schedules set interval_anchor = date_trunc('day', now()) - interval '100 days'")
    span = ("--from", f"{now - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}", "--to", f"{now:%Y-%m-%dT%H:%M:%SZ}")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for argv, question in ((("backfill", "x", *span), "Make them? [y/N]"), (("cancel", "x"), "Cancel it? [y/N]")):
        monkeypatch.setattr(sys, "stdin", Screen(said))
        answer = tocsin("schedules", *argv)
        assert (answer.status, question in answer.out, "nothing was done" in answer.out) == (status, True, status == 1)
    assert make.value(conn, "select count(*) from runs") == runs
    assert make.value(conn, "select status from schedules") == ("active" if status else "cancelled")
    assert tocsin("schedules", "cancel", "x", "--yes").status == (0 if status else 1)
