"""Limits by command: made, changed, listed and taken away, each time with an entry in the audit log."""

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin


def actions(conn: make.Connection) -> list[str]:
    return [row[0] for row in conn.execute("select action from audit_log order by number").fetchall()]


def test_a_limit_is_set_changed_listed_and_deleted(tocsin: Tocsin, conn: make.Connection) -> None:
    made = tocsin("limits", "set", "tenant", "--max-running", "5")
    assert (made.status, made.out.strip()) == (0, "tenant: 5 at once")
    changed = tocsin("limits", "set", "tenant", "--max-running", "none", "--max-per-minute", "60")
    assert changed.out.strip() == "tenant: any number at once, 60 a minute"
    assert tocsin("limits", "set", "host:API.example.com", "--max-running", "2").status == 0
    listed = tocsin("limits", "list").out.splitlines()
    assert [line.split()[0] for line in listed] == ["NAME", "host:api.example.com", "tenant"]
    [first, second] = tocsin("limits", "list", "--json").json()
    assert (first["maxRunning"], second["maxPerMinute"], second["waiting"]) == (2, 60, 0)
    assert tocsin("limits", "delete", "tenant").status == 0
    assert actions(conn) == ["limit.created", "limit.edited", "limit.created", "limit.deleted"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("set", "tenant"), "give --max-running, --max-per-minute or both"),
        (("set", "tenant", "--max-running", "-1"), "--max-running takes 0 to 1000000, got -1"),
        (("set", "tenant", "--max-per-minute", "0"), "--max-per-minute takes 1 to 1000000, got 0"),
        (("set", "tenant", "--max-running", "none"), "takes a number where maxPerMinute has none"),
        (("set", "moon", "--max-running", "1"), "takes tenant, source:ID or host:NAME"),
        (("delete", "tenant"), "there is no limit tenant"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    tocsin: Tocsin, conn: make.Connection, argv: tuple[str, ...], said: str
) -> None:
    answer = tocsin("limits", *argv)
    assert answer.status != 0
    assert said in answer.err
    assert make.value(conn, "select count(*) from limits") == 0
    assert actions(conn) == []
