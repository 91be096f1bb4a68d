import sys
import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workers.sources.asking import END, SLOT, START, ask, opened
from workers.sources import RowCap, SourceRefused, SourceUnavailable, Table, try_source

SALES = "day,region,amount\n2026-11-19,north,1.5\n2026-11-20,south,2\n"
WRITTEN = datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of folders: acme's with three files, another tenant's with one."""
    own, other = tmp_path / "acme" / "sales", tmp_path / "other"
    own.mkdir(parents=True)
    other.mkdir()
    (own / "sales.csv").write_text(SALES)
    (own / "lines.json").write_text('[{"id": 1, "tags": ["a"]}]')
    (other / "secret.csv").write_text("word\nhush\n")
    with duckdb.connect() as conn:
        target = own / "my orders.parquet"
        conn.execute(f"copy (select 7::decimal(9,2) as total, timestamptz '2026-11-20 10:00+01' as at) to '{target}'")
    import os

    for path in own.iterdir():
        os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return tmp_path


def _ask(files: Path, query: str, url: str = "file:///sales/", **question: Any) -> Table:
    reach = {name: question.pop(name) for name in ("is_cancelled", "observe") if name in question}
    with opened("duckdb", url, files=files, **reach) as source:
        return ask(source, query, **question)


def test_a_file_is_a_table_by_its_name_and_as_old_as_it_was_written(files: Path) -> None:
    table = _ask(
        files, "select region, sum(amount)::decimal(9,2) as total, max(day) as day from sales group by 1 order by 1"
    )
    assert [(column.name, column.type, column.holds) for column in table.columns] == [
        ("region", "VARCHAR", "text"),
        ("total", "DECIMAL(9,2)", "number"),
        ("day", "DATE", "date"),
    ]
    assert table.rows == [
        ("north", Decimal("1.50"), date(2026, 11, 19)),
        ("south", Decimal("2.00"), date(2026, 11, 20)),
    ]
    assert table.data_as_of == WRITTEN
    assert table.cost_ms > 0


def test_parquet_and_json_are_read_and_instants_are_aware(files: Path) -> None:
    [row] = _ask(files, 'select o.total, o.at, l.tags, o.at is null as x from "my orders" as o, lines as l').rows
    assert row == (Decimal("7.00"), datetime(2026, 11, 20, 9, tzinfo=UTC), ["a"], False)


def test_parameters_are_values_and_days_begin_in_the_questions_zone(files: Path) -> None:
    evil = "x'; drop view sales; --"
    sql = """
        select $slot as slot, date_trunc('day', $slot) as day, $context_who as who, '$slot' as quoted, $timezone as zone,
            count(*) as n from sales where day >= $start::date and day < $end::date -- $nothing
    """
    [row] = _ask(files, sql, start=START, end=END, timezone="Europe/Madrid", context={"who": evil}).rows
    assert row == (SLOT, datetime(2026, 11, 20, 23, tzinfo=UTC), evil, "$slot", "Europe/Madrid", 2), (
        "the 20th is in, by the days of Madrid"
    )


OUTSIDE = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from glob('/*')",
    "select * from read_csv('{other}/secret.csv')",
    "select * from read_csv('{own}/../../other/secret.csv')",
    "select * from read_csv('https://example.com/x.csv')",
    "select * from read_parquet('s3://bucket/x.parquet')",
    "select * from query('copy (select 1) to ''{own}/w.csv''')",
    "select * from enable_logging(storage='file', storage_path='{own}')",
    "select getenv('HOME')",
    "select * from duckdb_secrets()",
    "copy (select 1) to '{own}/w.csv'",
    "copy (select 1) to '/tmp/never.csv'",
    "copy sales from '/etc/passwd'",
    "export database '{own}/w'",
    "attach '{own}/w.db'",
    "attach '/tmp/never.db'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set memory_limit = '100GB'",
    "reset lock_configuration",
    "pragma database_list",
    "call pragma_version()",
    "create table w as select 1",
    "create or replace view sales as select 1",
    "create secret s (type s3)",
    "insert into sales values (1)",
    "explain analyze select 1",
    "prepare p as select 1",
    "checkpoint",
    "use w",
    "select 1; select 2",
    "pivot sales on region using sum(amount)",
    "",
    "-- nothing",
    "selec 1",
    "select $1",
    "select * from no_such_table",
]


@pytest.mark.parametrize("sql", OUTSIDE)
def test_nothing_is_reached_or_written_beside_the_folder(files: Path, sql: str) -> None:
    own, other = files / "acme" / "sales", files / "other"
    before = sorted(path.name for path in own.iterdir())
    with pytest.raises(SourceRefused) as caught:
        _ask(files, sql.format(own=own, other=other))
    assert "hush" not in str(caught.value)
    assert sorted(path.name for path in own.iterdir()) == before


def test_a_link_that_leads_out_shuts_the_folder(files: Path) -> None:
    (files / "acme" / "sales" / "link.csv").symlink_to(files / "other" / "secret.csv")
    with pytest.raises(SourceRefused, match="leads out of it"):
        _ask(files, "select 1")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("file:///../other/", r"neither \.\."),
        ("file:///%2e%2e/other/", r"neither \.\."),
        ("file://elsewhere/sales/", "file:///"),
        ("/etc", "file:///"),
        ("file:///x?y=1", "file:///"),
        ("file:///no such/", "no such folder"),
    ],
)
def test_an_address_that_is_no_folder_below_the_tenants_own_is_refused(files: Path, url: str, word: str) -> None:
    with pytest.raises(SourceRefused, match=word):
        _ask(files, "select 1", url)


def test_without_the_setting_or_the_library_it_is_refused_by_name(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceRefused, match="TOCSIN_FILES"), opened("duckdb", "file:///sales/"):
        pass
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(SourceRefused, match=r"tocsin\[duckdb\]"):
        _ask(files, "select 1")


def test_a_long_query_ends_at_the_deadline_and_when_its_run_is_cancelled(files: Path) -> None:
    forever = "select count(*) from range(100000000000) a, range(100000) b where hash(a.range + b.range) = 7"
    started = time.monotonic()
    with pytest.raises(SourceUnavailable, match="deadline"):
        _ask(files, forever, seconds=0.3)
    cancelled = threading.Event()
    timer = threading.Timer(0.2, cancelled.set)
    timer.start()
    with pytest.raises(SourceUnavailable, match="cancelled"):
        _ask(files, forever, seconds=30, is_cancelled=cancelled.is_set)
    timer.join()
    assert time.monotonic() - started < 10


def test_rows_bytes_and_memory_have_their_ends(files: Path) -> None:
    with pytest.raises(RowCap) as caught:
        _ask(files, "select * from range(100000000000)", row_cap=2)
    assert caught.value.table.rows == [(0,), (1,), (2,)]
    with pytest.raises(SourceRefused, match="bytes"):
        _ask(files, "select repeat('x', 1000000) from range(100)")
    with pytest.raises(SourceRefused, match="256 MB of memory"):
        _ask(files, "select count(distinct range) from range(100000000)")


def test_a_test_asks_for_nothing_but_the_folder(files: Path) -> None:
    with opened("duckdb", "file:///sales", files=files) as source:
        assert try_source(source, SLOT, 5) > 0
