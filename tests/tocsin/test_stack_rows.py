"""Every field of every noun goes from a file to the database and back, is changed by a file, and is then as it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import recipes
from tests import make
from tests.tocsin.conftest import KEY, Tocsin
from tests.tocsin.stacks import FULL, PLAIN
from tocsin.stack import text
from tocsin.stack.document import SECTIONS

Write = Callable[[str], str]
SECRETS = {
    "PASSWORD": "hush1",
    "TOKEN": "hush2",
    "BOT": "xoxb-123456789-hush",
    "PLAIN": "plain",
    "SIGNING": "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g=",
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the variables of the stacks are."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a file, and returns where."""

    def write(content: str) -> str:
        file = tmp_path / "stack.yaml"
        file.write_text(content)
        return str(file)

    return write


def steps(tocsin: Tocsin, file: str, *more: str) -> list[dict[str, Any]]:
    answer = tocsin("apply", "-f", file, "--json", *(more or ("--plan",)))
    assert answer.status == 0, answer.err
    assert "hush" not in answer.out
    found: list[dict[str, Any]] = answer.json()["steps"]
    return found


def test_the_full_stack_says_every_field_of_every_noun() -> None:
    [document] = text.read("full", FULL.encode())
    said = {word: {name for row in rows for name in row} for word, rows in document.value.items()}
    assert said == {word: set(section.takes) for word, section in SECTIONS.items()}


def test_every_field_is_made_changed_and_exported_as_it_is(
    tocsin: Tocsin, conn: make.Connection, written: Write
) -> None:
    for content in (FULL, PLAIN):
        file = written(content)
        assert {step["verb"] for step in steps(tocsin, file, "--yes")} == {"create" if content is FULL else "change"}
        assert steps(tocsin, file) == []
        exported = tocsin("export").out
        assert "hush" not in exported
        assert steps(tocsin, written(exported)) == []
        assert tocsin("export").out == exported
    assert "hush" not in str(conn.execute("select before, after from audit_log").fetchall())
    assert tocsin("audit", "verify").status == 0


def test_what_the_demo_makes_is_exported_and_applied_without_a_change(
    tocsin: Tocsin, database: str, written: Write
) -> None:
    place = recipes.Place(database, database, KEY, "http://127.0.0.1:1/hook", SECRETS["SIGNING"])
    recipes.sow(place, every_seconds=3600)
    exported = tocsin("export").out
    assert "hush" not in exported
    assert steps(tocsin, written(exported)) == []
    assert len(text.read("x", exported.encode())[0].value["schedules"]) == 2
