"""The commands that operators are told to give, on the pages that they open at night: each can be given as it stands."""

import argparse
import re
import shlex

import psycopg
import pytest
import yaml

from api.app import openapi
from tests.docs.test_docs import DOCS, ROOT, _commands
from tocsin.command import parser

PAGES = ("runbook.md", "backup.md", "upgrading.md", "postgres.md")
NAMED = set(_commands(parser(), "tocsin"))


def spans(page: str) -> list[str]:
    """The code within the page's lines, and its indented lines without the shell's prompt and what they answered."""
    text = (DOCS / page).read_text()
    indented = [
        line.strip().removeprefix("$ ") for line in text.splitlines() if re.match(r" {4,}(\$ )?(tocsin|psql) ", line)
    ]
    return re.findall(r"`([^`\n]+)`", text) + [line.partition("  #")[0] for line in indented]


def commands(page: str) -> list[str]:
    """Ours, also those behind a platform's; a bare name is spoken of and not given."""
    found = [
        re.sub(r"^(heroku run|kubectl exec .* --|docker compose .* exec \w+) (?=tocsin )", "", span)
        for span in spans(page)
    ]
    return sorted({each for each in found if each.startswith("tocsin ") and each not in NAMED - {"tocsin doctor"}})


def statements(page: str) -> list[str]:
    return [
        found[1]
        for span in spans(page)
        if (found := re.search(r'psql (?:"\$DATABASE_URL"|-U tocsin) -c "(.*)"$', span))
    ]


COMMANDS = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {command}" for page, command in COMMANDS])
def test_the_command_is_one_that_the_parser_takes(page: str, command: str) -> None:
    found: argparse.Namespace = parser().parse_args(shlex.split(command)[1:])
    assert callable(found.do)


def test_the_runbook_gives_commands_and_every_page_is_read() -> None:
    assert len(commands("runbook.md")) > 12
    assert all(spans(page) for page in PAGES)
    assert len(statements("runbook.md")) > 5
    assert statements("postgres.md")


def test_each_statement_runs(database: str) -> None:
    with psycopg.connect(database) as conn:
        for page in PAGES:
            for statement in statements(page):
                conn.execute(statement.encode())
        conn.rollback()


def test_no_statement_is_given_in_another_form() -> None:
    for page in (*PAGES, "troubleshooting.md"):
        given = [
            span for span in spans(page) if re.search(r"psql .*-c ", span) and not span.startswith("heroku pg:psql")
        ]
        assert [span for span in given if not re.search(r'psql ("\$DATABASE_URL"|-U tocsin) -c ".*"$', span)] == []


def test_each_call_of_the_api_is_one_that_there_is() -> None:
    there = {f"{verb.upper()} {path}" for path, verbs in openapi()["paths"].items() for verb in verbs}
    for page in PAGES:
        text = "\n".join(spans(page))
        calls = re.findall(r"^((?:GET|POST|DELETE) /\S+)$", text, re.MULTILINE)
        asked = [f"GET {path}" for path in re.findall(r"curl .*\$TOCSIN_URL(/\S+)", text)]
        paths = {re.sub(r"\{\w+\}", "{}", each) for each in there}
        assert {re.sub(r"\{\w+\}", "{}", each) for each in calls + asked} - paths == set(), page


def test_each_event_that_a_log_is_searched_for_is_one_that_is_told() -> None:
    told = "\n".join(
        file.read_text() for room in ("api", "scheduler", "workers") for file in (ROOT / room).rglob("*.py")
    )
    searched = re.findall(r"-e ([a-z_]+\.[a-z_]+)", (DOCS / "runbook.md").read_text())
    assert len(searched) >= 2
    assert [event for event in searched if f'"{event}"' not in told] == []


def test_each_alert_says_where_its_command_is_given() -> None:
    text = (DOCS / "runbook.md").read_text()
    looks = re.findall(r"^\*\*First look\.\*\* (.*)$", text, re.MULTILINE)
    assert len(looks) == text.count("\n## Tocsin")
    assert [look for look in looks if not look.startswith("([where](#where-to-give-it)) `")] == []


def of_platforms() -> list[str]:
    """What the pages give to platforms' own programs."""
    found = [span for page in ("runbook.md", "troubleshooting.md") for span in spans(page)]
    return [span for span in found if re.match(r"(heroku (run|logs)|kubectl (exec|logs)|docker compose) ", span)]


def test_what_a_platform_is_told_names_processes_that_it_has() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    procfile = re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), re.MULTILINE)
    assert len(of_platforms()) > 8
    for span in of_platforms():
        match span.split():
            case ["heroku", "logs", "-p", process, "-n", number]:
                assert process in procfile
                assert number.isdecimal()
            case ["heroku", "run", "tocsin", *_]:
                pass
            case ["kubectl", "exec" | "logs", target, *_] if target.startswith("deploy/"):
                assert target in ("deploy/bell-web", "deploy/bell-ticker")
            case ["kubectl", "logs", "-l", labels, "--since=1h", "--tail=-1"]:
                assert set(re.findall(r"(\S+?)=", labels.replace(",", " "))) <= {
                    "app.kubernetes.io/instance",
                    "app.kubernetes.io/component",
                }
            case ["docker", "compose", "--file", "deploy/compose.yaml", "exec", service, *_]:
                assert service in services
            case ["docker", "compose", "--file", "deploy/compose.yaml", "logs", *_, service]:
                assert service in services
            case _:
                pytest.fail(f"nothing knows {span}")


def test_the_runbook_asks_the_api_for_nothing_that_a_command_tells() -> None:
    assert not re.findall(r"curl[^`]*/api/", (DOCS / "runbook.md").read_text())
