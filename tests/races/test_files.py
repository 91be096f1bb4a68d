"""kill -9 between a file, its row and the end of its run: one file, the one that was first written down, and no other."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from db.store import Store
from scheduler.sweep import sweep
from tests.races.traces import lines
from tests.system import System, until

pytestmark = pytest.mark.race


@pytest.mark.parametrize(
    ("point", "made", "orphans"), [("after_file", 2, 1), ("after_artifact", 1, 0), ("before_finish", 1, 0)]
)
def test_a_worker_killed_while_it_keeps_a_file(
    make_system: Callable[..., System], trace: Path, tmp_path: Path, point: str, made: int, orphans: int
) -> None:
    url = f"file://{tmp_path}/files"
    system = make_system(ARTIFACT_URL=url)
    doomed = system.worker(FAULT=f"{point}:1:kill")
    system.ticker(wait=False)
    system.schedule(kind="test.keep", params={"file": str(trace), "bad": 0})
    assert doomed.wait(30) == -signal.SIGKILL, doomed.log()

    system.worker(wait=False)

    system.until_states(30, succeeded=1)
    assert len(lines(trace, "made")) == made
    text, key = system.conn.execute(
        "select r.outcome ->> 'text', a.key from artifacts as a inner join runs as r on r.id = a.run_id"
    ).fetchall()[0]
    store = Store(url)
    assert b"".join(store.read(key)).decode() == text
    assert sweep(system.conn, store) == orphans
    assert [found for keys in store.each("") for found in keys] == [key]


def test_what_becomes_of_runs_whose_store_is_not_set_or_away(
    make_system: Callable[..., System], trace: Path, tmp_path: Path
) -> None:
    bare = make_system()
    bare.ticker(wait=False)
    worker = bare.worker()
    bare.schedule(kind="test.keep", params={"file": str(trace), "bad": 0})
    bare.until_states(30, dead=1)
    assert "ARTIFACT_URL is not set" in bare.value("select error from runs")
    assert worker.stop() == 0

    (tmp_path / "files").mkdir()
    bare.conn.execute("delete from runs")
    bare.worker(ARTIFACT_URL=f"file://{tmp_path}/files")
    (tmp_path / "files").rmdir()
    (tmp_path / "files").write_text("no folder any more")
    bare.schedule(
        kind="test.keep", params={"file": str(trace), "bad": 0}, backoff={"baseSeconds": 0.01, "maxSeconds": 0.02}
    )
    until(lambda: bare.value("select count(*) from run_attempts where outcome = 'later'"), why=bare.logs)
    (tmp_path / "files").unlink()
    bare.until_states(30, succeeded=1)
