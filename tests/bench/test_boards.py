"""The pictures of the Grafana dashboards in the docs: of the boards as they are, drawn so that they can be read."""

import json
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.boards import _LETTER, BOARDS, Box, _legend, _top
from tests.system import ROOT

FILES = sorted(BOARDS.glob("*.json"))


def drawn(board: Path) -> str:
    return (ROOT / "docs" / "img" / f"{board.stem}.svg").read_text()


def test_there_are_boards_and_a_picture_of_each_in_the_docs() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert len(FILES) == 3
    assert all(f"(img/{board.stem}.svg)" in page for board in FILES)


@pytest.mark.parametrize("board", FILES, ids=lambda board: board.stem)
def test_the_picture_holds_each_panel_by_its_title(board: Path) -> None:
    panels: list[Any] = json.loads(board.read_text())["panels"]
    told = drawn(board)
    missing = [panel["title"] for panel in panels if f">{escape(panel['title'])}<" not in told]
    assert not missing, "draw it again: make boards"
    assert told.count('class="title"') == len(panels)


def test_the_picture_is_of_a_system_at_work_whose_mail_goes_out() -> None:
    deliveries = next(board for board in FILES if board.stem == "tocsin-deliveries")
    assert ">email sent<" in drawn(deliveries)
    assert all(drawn(board).count("nothing in this span") <= 1 for board in FILES)
    assert not [board.stem for board in FILES if "e+0" in drawn(board)]


def test_no_name_of_a_legend_runs_into_the_next_or_out_of_its_panel() -> None:
    box = Box(100, 0, 352, 184)
    placed = list(_legend([f"kpi.threshold {'x' * length}" for length in range(9)], box))
    assert len({row for _, row, _ in placed}) > 1
    for (x, row, name), (following, its_row, _) in pairwise(placed):
        assert its_row == row + 1 or following >= x + 12 + _LETTER * len(name)
    assert all(x + 12 + _LETTER * len(name) <= box.x + box.width for x, _, name in placed)


@pytest.mark.parametrize(
    ("most", "unit", "top"),
    [
        (0, "s", 1),
        (0.0, "short", 2),
        (0.00097, "ops", 0.001),
        (0.0021, "s", 0.004),
        (1, "short", 2),
        (43, "short", 50),
        (1000, "short", 1000),
        (0.31, "percentunit", 0.4),
    ],
)
def test_an_axis_ends_at_a_round_number(most: float, unit: str, top: float) -> None:
    assert _top(most, unit) == pytest.approx(top)
