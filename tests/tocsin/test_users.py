"""`tocsin users import`: from a file or from a source, and only what these hold is changed."""

from pathlib import Path

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin


def test_users_come_from_a_source_and_a_file_changes_its_own_columns_alone(
    tocsin: Tocsin, conn: make.Connection, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOCSIN_EGRESS_ALLOW", "127.0.0.0/8")
    conn.execute("create table customers as select 'c' || n as uid, 'to grow' as goal from generate_series(1, 1500) n")
    tocsin("sources", "create", "shop", "--url", database)
    asked = ("users", "import", "--source", "shop", "--query")
    assert tocsin(*asked, "select uid, goal from customers", "--json").json() == {"created": 1500, "updated": 0}
    file = tmp_path / "some.csv"
    file.write_text("uid,priority\nc7,1\n")
    assert tocsin("users", "import", str(file)).out == "0 are new and 1 changed\n"
    shown = tocsin("users", "show", "c7", "--json").json()
    assert (shown["goal"], shown["priority"]) == ("to grow", 1)
    for argv, said in (
        ((), "takes either FILE, or --source NAME with --query QUERY"),
        ((str(file), "--source", "shop", "--query", "x"), "takes either FILE"),
        (("--source", "shop"), "takes either FILE"),
        (("--source", "none", "--query", "x"), "there is no source none"),
        (("--source", "shop", "--query", "select 1 as colour"), "columns: takes uid"),
        (("--source", "shop", "--query", "select nothing"), "does not exist"),
    ):
        assert said in tocsin("users", "import", *argv).complaint(), argv
    tocsin("users", "delete", "c8")
    assert make.value(conn, "select count(*) from audit_log where before::text like '%%grow%%'") == 0
