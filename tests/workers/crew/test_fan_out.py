"""The fan-out of a crew: who has a call is found by the key of that call, and the calls are released as they are made."""

from typing import Any

from db.pool import Database
from db.query import QUERIES
from tests import make
from tests.crew import endpoint, users
from workers.crew.book import CrewBook
from workers.rows import Leased


def test_each_user_is_looked_up_by_the_key_of_their_call_also_where_nothing_is_known_of_the_tables(
    database: str,
) -> None:
    with make.connect(database) as conn:
        tenant = make.tenant(conn)
        users(conn, tenant, 3000)
        endpoint(conn, tenant, "https://crew.example.com")
        slot = make.now(conn)
        run = make.run(conn, tenant, kind="crew.call", state="running", fence=1, attempt=1, slot_at=slot)
        page = {
            "run_id": run,
            "slot_at": slot,
            "fence": 1,
            "place": 0,
            "room": 1000,
            "segments": None,
            "endpoints": None,
        }
        text = (QUERIES / "insert_crew_runs.sql").read_text()
        plans = []
        for uid in ("", "user-000999", "user-001999"):
            given = page | {"after_priority": 5 if uid else -1, "after_uid": uid}
            plans.append("\n".join(line for (line,) in conn.execute(f"explain (analyze, costs off) {text}", given)))
        made = conn.execute("select count(*) from runs where parent_run_id = %s", (run,)).fetchone()
    assert made == (3000,)
    for plan in plans:
        # A join would read all calls of the crew for each user, once it is thought that there are few.
        assert "Anti Join" not in plan, plan
        assert "(item_key = w.uid)" in plan, plan


def test_a_page_of_calls_wakes_who_releases_them_and_one_without_wakes_nobody(database: str) -> None:
    with make.connect(database) as conn, make.connect(database) as listener:
        tenant = make.tenant(conn)
        users(conn, tenant, 30)
        endpoint(conn, tenant, "https://crew.example.com")
        slot = make.now(conn)
        run = make.run(conn, tenant, kind="crew.call", state="running", fence=1, attempt=1, slot_at=slot)
        values: dict[str, Any] = dict.fromkeys(Leased._fields)
        leased = Leased(**values | {"id": run, "slot_at": slot, "tenant_id": tenant, "fence": 1})
        listener.execute("listen tocsin")
        with Database.at(database).open_pool("test", 1) as pool:
            book = CrewBook(pool, leased)

            def page() -> int:
                return book.make_calls((-1, ""), 0, 20, segments=None, endpoints=None).made

            assert [page(), page(), page()] == [20, 10, 0]
        told = [note.channel for note in listener.notifies(timeout=5, stop_after=2)]
        assert [*told, *(note.channel for note in listener.notifies(timeout=0))] == ["tocsin"] * 2
