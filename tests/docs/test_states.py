"""docs/states.md against the checks and the guards of the database."""

import re
from pathlib import Path

import psycopg
import pytest

from tests.docs.test_docs import DOCS, names, rows

PAGE = DOCS / "states.md"
MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "sql" / "migrations"
CHECKED = {
    "Runs": ("runs", "state"),
    "Deliveries": ("deliveries", "state"),
    "Schedules": ("schedules", "status"),
    "Dead letters": ("dead_letters", "state"),
    "Webhooks": ("webhooks", "status"),
    "Alerts": ("alert_states", "state"),
}
GUARDS = {"Runs": "guard_run", "Deliveries": "guard_delivery"}
ACTORS = {"ticker", "worker", "command", "nobody now"}


@pytest.mark.parametrize("heading", CHECKED)
def test_the_states_are_those_that_the_database_allows(heading: str, database: str) -> None:
    table, column = CHECKED[heading]
    described = {names(row[:1])[0] for row in rows(PAGE, heading) if len(row) == 2}
    with psycopg.connect(database) as conn:
        checks = conn.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'c'",
            (table,),
        ).fetchall()
    found = [text for (text,) in checks if f"(({column} = ANY" in text]
    assert len(found) == 1
    assert set(re.findall(r"'([a-z_]+)'::text", found[0])) == described


@pytest.mark.parametrize("heading", GUARDS)
def test_the_moves_are_those_that_the_guard_passes(heading: str, database: str) -> None:
    moves = [row for row in rows(PAGE, heading) if len(row) == 4]
    described = {tuple(names(row[:2])) for row in moves}
    with psycopg.connect(database) as conn:
        found = conn.execute("select prosrc from pg_proc where proname = %s", (GUARDS[heading],)).fetchone()
    assert found
    passed = set()
    for old, new in re.findall(r"when '(\w+)' then new\.state (?:in \(([^)]*)\)|= '\w+')", found[0]):
        passed |= {(old, each) for each in re.findall(r"'(\w+)'", new)}
    passed |= set(re.findall(r"when '(\w+)' then new\.state = '(\w+)'", found[0]))
    assert described == passed
    assert not [row for row in moves if not (set(row[2].split(", ")) <= ACTORS and row[3])]
