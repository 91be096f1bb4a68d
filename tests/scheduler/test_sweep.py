"""The sweep: what no run has goes, and nothing else does."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import scheduler.sweep
from db.pool import Database
from db.store import Owner, Store, key_of, sha256_of
from scheduler.sweep import Sweep, sweep
from tests import make
from tests.system import until


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"file://{tmp_path}/files")


@pytest.fixture
def conn(database: str) -> Iterator[make.Connection]:
    with make.connect(database) as found:
        yield found


class Shelf:
    """A tenant's files."""

    def __init__(self, conn: make.Connection, store: Store, folder: Path) -> None:
        self.conn, self.store, self._folder = conn, store, folder
        self.tenant = make.tenant(conn)
        self.installation: UUID = make.value(conn, "select id from installation")

    def put(self, run: UUID, fence: int = 1, *, installation: UUID | None = None) -> str:
        path = self._folder / "made"
        path.write_text(f"{run} {fence}")
        key = key_of(Owner(installation or self.installation, self.tenant, run, fence), sha256_of(path))
        self.store.put(key, path)
        return key

    def put_with_row(self, run: UUID) -> str:
        key = self.put(run)
        slot_at = make.value(self.conn, "select slot_at from runs where id = %s", run)
        make.artifact(self.conn, self.tenant, run, slot_at, key=key, sha256=key[-64:])
        return key

    def all(self) -> set[str]:
        return {key for keys in self.store.each("") for key in keys}


@pytest.fixture
def shelf(conn: make.Connection, store: Store, tmp_path: Path) -> Shelf:
    return Shelf(conn, store, tmp_path)


def test_files_with_a_row_and_those_of_a_run_at_work_stay_and_the_rest_goes(shelf: Shelf) -> None:
    conn = shelf.conn
    done = make.run(conn, shelf.tenant, state="succeeded")
    running = make.run(conn, shelf.tenant, state="running", fence=4)
    stay = {shelf.put_with_row(done), shelf.put(running, 4)}
    # A crash before the row; an attempt that was taken away; a run that is no more.
    for run, fence in ((done, 2), (running, 3), (make.run(conn, shelf.tenant, state="pending", fence=2), 1)):
        shelf.put(run, fence)

    assert sweep(conn, shelf.store) == 3
    assert shelf.all() == stay
    assert sweep(conn, shelf.store) == 0


def test_another_installations_files_and_what_is_no_file_of_ours_stay(shelf: Shelf, tmp_path: Path) -> None:
    run = make.run(shelf.conn, shelf.tenant, state="succeeded")
    theirs = shelf.put(run, installation=uuid4())
    strange = tmp_path / "files" / str(shelf.installation) / "notes.txt"
    strange.parent.mkdir()
    strange.write_text("somebody's own")
    # Its run's id is none, so nobody can say what became of the run; nor of one in the year 10889.
    shelf.put(uuid4())
    shelf.put(UUID("ffffffff-ffff-7000-8000-000000000000"))

    assert sweep(shelf.conn, shelf.store) == 0
    assert theirs in shelf.all()
    assert strange.read_text() == "somebody's own"


def test_a_run_that_nobody_knows_is_the_original_s_where_this_is_a_copy(shelf: Shelf) -> None:
    """A copy of the whole server has the original's installation and store, and none of the runs that came since."""
    conn = shelf.conn
    conn.execute("delete from runs where id = %s", (since := make.run(conn, shelf.tenant, state="succeeded"),))
    file = shelf.put(since)
    shelf.tenant = uuid4()
    new_tenants = shelf.put(since)

    assert sweep(conn, shelf.store) == 0
    assert shelf.all() == {file, new_tenants}


def test_files_go_after_the_weeks_of_their_runs(shelf: Shelf) -> None:
    conn = shelf.conn
    old = make.now(conn) - timedelta(days=120)
    conn.execute("select make_partitions(%s, %s)", (old, old))
    shelf.put_with_row(make.run(conn, shelf.tenant, state="succeeded", slot_at=old))
    young = shelf.put_with_row(make.run(conn, shelf.tenant, state="succeeded"))
    assert sweep(conn, shelf.store) == 0

    assert make.value(conn, "select drop_partitions(now() - interval '90 days')")

    assert sweep(conn, shelf.store) == 1
    assert shelf.all() == {young}
    assert make.value(conn, "select count(*) from artifacts") == 1


def test_a_row_that_is_being_written_holds_its_file(shelf: Shelf, database: str) -> None:
    run = make.run(shelf.conn, shelf.tenant, state="running", fence=1)
    with make.connect(database) as writer, writer.transaction():
        key = shelf.put(run)
        slot_at = make.value(shelf.conn, "select slot_at from runs where id = %s", run)
        writer.execute("select from runs where id = %s for share", (run,))
        make.artifact(writer, shelf.tenant, run, slot_at, key=key, sha256=key[-64:])
        assert sweep(shelf.conn, shelf.store) == 0
    shelf.conn.execute(
        "update runs set state = 'succeeded', written_fence = fence, finished_at = now() where id = %s", (run,)
    )
    assert sweep(shelf.conn, shelf.store) == 0
    assert shelf.all() == {key}


def test_a_sweep_outlives_whatever_one_look_fails_with(
    shelf: Shelf, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler.sweep, "_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(scheduler.sweep, "_EVERY_SECONDS", 0.0)
    orphan = shelf.put(make.run(shelf.conn, shelf.tenant, state="succeeded"))
    looks = iter([ValueError("a bug of ours"), OSError("the disk"), None])

    def look(store: Store, prefix: str, before: float) -> int:
        if error := next(looks, None):
            raise error
        return 0

    monkeypatch.setattr(Store, "forget_unfinished", look)
    sweeping = Sweep(Database.at(database), shelf.store)
    sweeping.start()
    try:
        until(lambda: orphan not in shelf.all())
    finally:
        sweeping.stop()
