"""The fan-out of a crew: who has a call is found by the key of that call, whatever the statistics say."""

from db.query import QUERIES
from tests import make
from tests.crew import endpoint, users


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
