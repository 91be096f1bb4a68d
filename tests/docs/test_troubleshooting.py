"""docs/troubleshooting.md: each question has one command that can be given."""

import argparse
import re
import shlex

import psycopg
import pytest

from tests.docs.test_docs import DOCS, names, rows
from tocsin.command import parser

PAGE = DOCS / "troubleshooting.md"
ROWS = rows(PAGE)
COMMANDS = sorted(set(names([row[1] for row in ROWS])))
STATEMENTS = [command for command in COMMANDS if command.startswith("psql ")]
# Logs are the platforms' to show; tests/docs/test_given.py holds these.
OF_PLATFORMS = [
    command for command in COMMANDS if command.startswith(("heroku logs ", "kubectl logs ", "docker compose "))
]


def test_each_question_has_one_command_and_an_answer() -> None:
    assert len(ROWS) > 30
    assert not [row for row in ROWS if len(row) != 3 or not row[0].endswith("?") or not row[2]]


@pytest.fixture(scope="module")
def taken() -> argparse.ArgumentParser:
    return parser()


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {*STATEMENTS, *OF_PLATFORMS}))
def test_the_command_is_one_that_the_parser_takes(taken: argparse.ArgumentParser, command: str) -> None:
    program, *words = shlex.split(command)
    assert program == "tocsin"
    assert callable(taken.parse_args(words).do)


def test_the_statements_run_and_find_the_guards(database: str) -> None:
    found = [re.fullmatch(r'psql "\$DATABASE_URL" -c "(.*)"', statement) for statement in STATEMENTS]
    with psycopg.connect(database) as conn:
        tables = [conn.execute(each[1].encode()).fetchall() for each in found if each]
    assert len(tables) == len(STATEMENTS) == 2
    guards = next(table for table in tables if table)
    assert {"runs", "deliveries", "schedules"} <= {guarded for guarded, *_ in guards}
    assert {enabled for *_, enabled in guards} == {"O"}
