"""Files that runs keep: made once however often a run is tried, under its fence, and refused by name where none can be."""

import hashlib
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from db.ids import slot_of
from db.pool import Database
from db.store import Owner, Store, StoreUnavailable, owner_of
from tests import make
from workers.artifacts import Artifact, New, NoStore, Shelf, keep, read
from workers.rows import Leased

CSV = New("a.csv", "text/csv; charset=utf-8", "csv", 3)


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    with make.connect(database) as found:
        yield found


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(Store(f"file://{tmp_path}/files"), "https://tocsin.example.com/", (b"k" * 32,))


def leased(conn: make.Connection, **row: Any) -> Leased:
    tenant = make.tenant(conn)
    run = make.run(conn, tenant, state="running", **row)
    slot_at = slot_of(run)
    values: dict[str, Any] = dict.fromkeys(Leased._fields)
    values |= {"id": run, "slot_at": slot_at, "tenant_id": tenant, "fence": 1, "started_at": slot_at.astimezone(UTC)}
    return Leased(**values)


def kept(database: str, run: Leased, shelf: Shelf, content: Any, new: New = CSV) -> Artifact | None:
    with Database.at(database).open_pool("test", 1) as pool:
        return keep(pool, run, shelf, new, content)


def files(shelf: Shelf) -> list[str]:
    assert shelf.store
    return [key for keys in shelf.store.each("") for key in keys]


def test_a_file_is_kept_with_its_facts_and_a_link(database: str, conn: make.Connection, shelf: Shelf) -> None:
    run = leased(conn)
    found = kept(database, run, shelf, b"a,b\r\n1,2\r\n")
    assert found
    assert (found.name, found.format, found.size_bytes, found.record_count) == ("a.csv", "csv", 10, 3)
    assert found.sha256 == hashlib.sha256(b"a,b\r\n1,2\r\n").hexdigest()
    assert found.link.startswith("https://tocsin.example.com/f/")
    [key] = files(shelf)
    installation: UUID = make.value(conn, "select id from installation")
    assert owner_of(key) == Owner(installation, run.tenant_id, run.id, 1)
    assert make.value(conn, "select key from artifacts") == key


def test_a_retry_gets_what_is_stored_and_makes_nothing(database: str, conn: make.Connection, shelf: Shelf) -> None:
    run = leased(conn)
    first = kept(database, run, shelf, b"the first")
    conn.execute("set session_replication_role to replica")
    conn.execute("update runs set fence = 2 where id = %s", (run.id,))

    def never() -> bytes:
        raise AssertionError("it was made again")

    again = run._replace(fence=2)
    assert kept(database, again, shelf, never) == first
    with Database.at(database).open_pool("test", 1) as pool:
        assert read(pool, again, shelf, "a.csv") == b"the first"
        with pytest.raises(LookupError):
            read(pool, again, shelf, "b.csv")
    assert len(files(shelf)) == 1


def test_a_run_that_was_taken_away_keeps_nothing(database: str, conn: make.Connection, shelf: Shelf) -> None:
    assert kept(database, leased(conn)._replace(fence=0), shelf, b"late") is None
    assert make.value(conn, "select count(*) from artifacts") == 0


def test_files_of_one_content_are_one_for_each_name(
    database: str, conn: make.Connection, shelf: Shelf, tmp_path: Path
) -> None:
    run = leased(conn)
    (tmp_path / "made").write_bytes(b"same")
    first = kept(database, run, shelf, tmp_path / "made")
    second = kept(database, run, shelf, lambda: tmp_path / "made", CSV._replace(name="b.csv"))
    assert first
    assert second
    assert first.id != second.id
    assert len(files(shelf)) == 1
    assert (tmp_path / "made").exists(), "what a kind made is its own"


@pytest.mark.parametrize(
    "new",
    [
        CSV._replace(name=""),
        CSV._replace(name="../a.csv"),
        CSV._replace(name="a\\b"),
        CSV._replace(name="a\r\nX: y"),
        CSV._replace(name="a" * 201),
        CSV._replace(name="a\N{RIGHT-TO-LEFT OVERRIDE}vsc.exe"),
        CSV._replace(name="a\ud800"),
        CSV._replace(content_type="text/html\r\nX: y"),
        CSV._replace(content_type="text"),
        CSV._replace(format="C S V"),
    ],
)
def test_a_name_or_a_type_that_is_none_is_refused(database: str, conn: make.Connection, shelf: Shelf, new: New) -> None:
    with pytest.raises(ValueError, match=r"takes|no type"):
        kept(database, leased(conn), shelf, b"x", new)
    assert files(shelf) == []


def test_without_a_store_it_says_which_setting_is_missing(database: str, conn: make.Connection) -> None:
    with pytest.raises(NoStore, match="ARTIFACT_URL"):
        kept(database, leased(conn), Shelf(), b"x")


def test_a_store_that_is_away_leaves_no_row(database: str, conn: make.Connection, shelf: Shelf, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.rmdir()
    folder.write_text("no folder any more")
    with pytest.raises(StoreUnavailable):
        kept(database, leased(conn), shelf, b"x")
    assert make.value(conn, "select count(*) from artifacts") == 0


def test_no_link_is_made_without_an_address_or_a_key(database: str, conn: make.Connection, shelf: Shelf) -> None:
    run = leased(conn)
    for lacking in (Shelf(shelf.store, None, shelf.link_keys), Shelf(shelf.store, shelf.url)):
        found = kept(database, run, lacking, b"x")
        assert found
        assert found.link == ""
