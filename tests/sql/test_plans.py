"""The plans of the statements on tables with rows in several partitions: pruned, and by the index that they name."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import pytest

from db.query import QUERIES
from tests import make
from tests.sql.statements import describe, numbered

FILL: LiteralString = """
    set session_replication_role to replica;
    select make_partitions(now() - interval '35 days', now() + interval '7 days');
    insert into tenants (id, slug, name) values ('00000000-0000-7000-8000-000000000001', 'many', 'Many');
    insert into processes (id, role, host, pid, version, leased_until)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'worker', 'h', 1, '0', now() + interval '1 hour'
    from generate_series(1, 20) as n;
    insert into schedules (id, tenant_id, kind, name, interval_seconds, interval_anchor, next_fire_at, status)
    select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001', 'k',
        's' || n, 60, date_trunc('second', now()), case when n % 100 = 0 then null else now() + make_interval(secs => n) end, 'active'
    from generate_series(1, 20000) as n;
    insert into schedule_versions (
        schedule_id, version, tenant_id, params, name, timezone, timeout_seconds, unknown_delivery_policy, definition
    )
    select id, version, tenant_id, '{}', name, timezone, 300, 'resend', '{}' from schedules;
    insert into schedule_gates (schedule_id, tenant_id) select id, tenant_id from schedules;
    insert into runs (id, slot_at, tenant_id, schedule_id, schedule_version, kind, queue, origin, state, fence,
        available_at, released_at, finished_at, leased_by)
    select
        (lpad(to_hex((extract(epoch from slot) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8'
            || lpad(to_hex(n), 15, '0'))::uuid,
        slot, '00000000-0000-7000-8000-000000000001',
        ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 1, 'k', 'default', 'schedule',
        case when n % 200 = 0 then 'queued' when n % 200 = 1 then 'running' when n % 200 = 2 then 'pending'
             when n % 200 = 3 then 'dead' else 'succeeded' end, 5,
        case when n % 400 = 2 then 'infinity' else slot end, case when n % 200 <> 2 then slot end,
        case when n % 200 > 2 then slot end,
        case when n % 200 = 1
            then ('00000000-0000-4000-8000-' || lpad((1 + n % 19)::text, 12, '0'))::uuid end
    from generate_series(1, 20000) as n,
        lateral (select date_trunc('milliseconds', now()) - make_interval(secs => n * 140) as slot) as s;
    insert into deliveries (id, slot_at, tenant_id, run_id, channel, recipient, recipient_type, body_number, state, leased_by)
    select id, slot_at, tenant_id, id, 'email', 'a@example.com', 'to', 0,
        case state when 'queued' then 'pending' when 'running' then 'sending' else 'sent' end, leased_by from runs;
    insert into delivery_bodies (run_id, slot_at, tenant_id, number, message_id, content)
    select id, slot_at, tenant_id, 0, '<x>', 'x' from runs;
    insert into run_steps (run_id, slot_at, tenant_id, name, fence) select id, slot_at, tenant_id, 'a', 1 from runs;
    insert into artifacts (id, run_id, slot_at, tenant_id, fence, name, format, content_type, size_bytes, sha256, key)
    select id, id, slot_at, tenant_id, 5, 'a', 'csv', 'text/csv', 1, repeat('a', 64),
        '00000000-0000-4000-8000-000000000001/' || tenant_id || '/' || id || '/5/' || repeat('a', 64) from runs;
    set session_replication_role to origin;
    vacuum analyze;
"""


@pytest.fixture(scope="module")
def filled(shared: str) -> Iterator[make.Connection]:
    """A database with 20,000 schedules and runs over five weeks."""
    with make.connect(shared) as conn:
        for statement in FILL.split(";")[:-1]:
            conn.execute(statement)
        # What the server does once a statement has been repeated: one plan for all values, so it must prune at the start.
        conn.execute("set plan_cache_mode to force_generic_plan")
        # Over partitions of a few thousand rows reading all of them is as good; what counts is that an index can serve.
        for method in ("seqscan", "hashjoin", "mergejoin"):
            conn.execute(f"set enable_{method} to off")
        conn.prepare_threshold = None
        yield conn


def plan_of(conn: make.Connection, name: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of the statement's generic plan that ran for these parameters; what it wrote is rolled back."""
    types = describe(conn, name).params
    text, names = numbered((QUERIES / f"{name}.sql").read_text())
    assert set(names) == set(params), f"{name} takes {sorted(names)}"
    declared = f" ({', '.join(types[each] for each in names)})" if names else ""
    values = ", ".join(f"{_literal(conn, params[each])}::{types[each]}" for each in names)
    conn.execute(f"prepare planned{declared} as {text}")
    try:
        # Analyzed, since most partitions are pruned while it runs, lookup by lookup.
        asked = f"explain (analyze, format json) execute planned{f' ({values})' if names else ''}"
        with conn.transaction(force_rollback=True):
            row = conn.execute(asked).fetchone()
    finally:
        conn.execute("deallocate planned")
    assert row
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return list(_nodes(found[0]["Plan"]))


def _literal(conn: make.Connection, value: Any) -> str:
    row = conn.execute("select quote_nullable(%s::text)", (_text(value),)).fetchone()
    assert row
    return str(row[0])


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return "{" + ",".join("null" if each is None else json.dumps(str(each)) for each in value) + "}"
    return value if value is None else str(value)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node["Actual Loops"] == 0:
        return
    yield node
    for child in node.get("Plans", []):
        # Whether another run waits at a freed gate is asked of every week, in an index that holds only those that wait.
        if child.get("Parent Relationship") != "SubPlan":
            yield from _nodes(child)


def partitions(conn: make.Connection, nodes: list[dict[str, Any]], parent: str = "runs") -> set[str]:
    """The partitions of the parent that the plan reads."""
    of_parent = {
        name
        for (name,) in conn.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent = %s::regclass", (parent,)
        ).fetchall()
    }
    # A writing node names every partition that it might write to; what is read is what takes time.
    return {
        node["Relation Name"] for node in nodes if node["Node Type"] != "ModifyTable" and "Relation Name" in node
    } & of_parent


def indexes(conn: make.Connection, nodes: list[dict[str, Any]]) -> set[str]:
    """The indexes that the plan uses; a partition's by the name of its parent's."""
    parents = dict(
        conn.execute("select inhrelid::regclass::text, inhparent::regclass::text from pg_inherits").fetchall()
    )
    return {parents.get(node["Index Name"], node["Index Name"]) for node in nodes if "Index Name" in node}


def scanned_whole(nodes: list[dict[str, Any]]) -> set[str]:
    """The tables that the plan reads from end to end."""
    return {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}


@pytest.fixture(scope="module")
def some(filled: make.Connection) -> dict[str, Any]:
    """A run with all that statements ask about it."""
    row = filled.execute(
        "select id, slot_at, tenant_id, schedule_id, fence from runs where state = 'running' order by slot_at limit 1"
    ).fetchone()
    assert row
    return dict(zip(("id", "slot_at", "tenant_id", "schedule_id", "fence"), row, strict=True))


def lookups(some: dict[str, Any]) -> dict[str, dict[str, Any]]:
    run = {"run_id": some["id"], "slot_at": some["slot_at"], "fence": some["fence"]}
    pointers = {"ids": [some["id"]], "slots": [some["slot_at"]]}
    given = pointers | {"low": some["slot_at"], "high": some["slot_at"]}
    process = "00000000-0000-4000-8000-000000000001"
    delivery = {"id": some["id"], "slot_at": some["slot_at"], "fence": some["fence"]}
    return {
        "start_runs": pointers | {"fences": [5], "process_id": process, "lead": 0},
        "release_runs": pointers | {"fences": [some["fence"]], "process_id": UUID(int=1), "reason": "r", "delay": 0},
        "get_step": {"run_id": some["id"], "slot_at": some["slot_at"], "name": "a"},
        "find_kept_artifact": {"run_id": some["id"], "slot_at": some["slot_at"], "name": "a"},
        "find_orphans": {
            "keys": ["k"], "tenant_ids": [some["id"]], "run_ids": [some["id"]], "slots": [some["slot_at"]],
            "fences": [some["fence"]],
        },
        "insert_step": run | {"name": "b", "result": "{}"},
        "insert_log": run | {"id": some["id"], "message": "m", "fields": "{}"},
        "set_progress": run | {"progress": "{}"},
        "start_deliveries": given | {"process_id": process},
        "hand_over_delivery": delivery | {"process_id": process},
        "finish_delivery": delivery | {"state": "sent", "error": "", "provider_message_id": "", "retry_after": None, "is_waiting": False},
        "finish_runs": pointers | {
            "fences": [some["fence"]], "states": ["succeeded"], "reasons": [None], "outcomes": ["{}"], "errors": [None], "delays": [None],
            "attempt_outcomes": ["done"], "tracebacks": [None], "causes": [None], "process_id": process,
            "body_runs": [], "body_numbers": [], "message_ids": [], "contents": [], "delivery_ids": [],
            "delivery_runs": [], "channels": [], "recipients": [], "recipient_types": [], "delivery_bodies": [],
            "delivery_states": [], "delivery_errors": [], "unknown_policies": [], "alert_ids": [], "alert_runs": [],
            "segments": [], "alert_states": [], "alert_values": [], "alert_since": [],
            "alert_memories": [], "move_alerts": [], "move_runs": [], "move_segments": [], "move_slots": [],
            "moved_from": [], "moved_to": [], "move_values": [], "move_reasons": [],
            "answer_runs": [], "answer_uids": [], "answer_contexts": [], "answer_goals": [], "answers": [],
            "answer_endpoints": [], "answer_errors": [], "answer_excerpts": [], "answer_matches": [],
            "answer_latencies": [],
            "answer_rule_errors": [],
        },
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(lookups({"id": 0, "slot_at": 0, "fence": 0})))
def test_a_lookup_by_id_reads_one_partition(filled: make.Connection, some: dict[str, Any], name: str) -> None:
    nodes = plan_of(filled, name, lookups(some)[name])

    for parent in ("runs", "deliveries", "delivery_bodies", "run_steps", "artifacts"):
        assert len(partitions(filled, nodes, parent)) <= 1, f"{name} reads several partitions of {parent}"
    assert any(partitions(filled, nodes, parent) for parent in ("runs", "deliveries", "run_steps", "artifacts"))
    assert scanned_whole(nodes) <= {"processes"}


CLAIMS: dict[str, tuple[str, dict[str, Any]]] = {
    "claim_due_schedules": (
        "schedules_due",
        {"low": "1970-01-01T00:00Z", "low_id": UUID(int=0), "batch": 1000, "retention_days": 90, "ahead": 20},
    ),
    "next_due_seconds": ("schedules_due", {}),
    "complete_schedules": ("schedules_ending", {"after": UUID(int=0)}),
    "find_stale_runs": ("runs_released", {"queues": ["default"], "age": 1, "room": 8}),
    "release_due_runs": ("runs_pending", {"batch": 1000}),
    "find_waiting_schedules": ("runs_waiting", {}),
    "list_cancel_requests": ("runs_cancel_asked", {"process_id": "00000000-0000-4000-8000-000000000001"}),
    "find_stale_deliveries": ("deliveries_pending", {"age": 1, "room": 8}),
    "reap_runs": ("runs_released", {}),
    "reap_deliveries": ("deliveries_sending", {}),
    "record_last_runs": ("runs_finished", {"since": "2999-01-01T00:00Z"}),
    "fail_reports": ("runs_finished", {"since": "2999-01-01T00:00Z"}),
}


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_claim_goes_by_its_index(filled: make.Connection, name: str) -> None:
    index, params = CLAIMS[name]
    nodes = plan_of(filled, name, params)

    assert index in indexes(filled, nodes), nodes


def test_the_gauges_read_what_is_open_and_nothing_that_is_over(filled: make.Connection) -> None:
    nodes = plan_of(filled, "measure_system", {})

    for parent in ("runs", "deliveries", "dead_letters"):
        assert scanned_whole(nodes) & partitions(filled, nodes, parent) == set()
    assert {"runs_released", "runs_pending", "deliveries_pending", "deliveries_sending"} <= indexes(filled, nodes)
    assert sum(node["Actual Rows"] for node in nodes if node["Node Type"] == "Index Scan") < 2000, nodes


def test_the_executions_of_a_report_are_read_by_its_schedule_and_not_by_all_that_its_tenant_runs(
    filled: make.Connection, some: dict[str, Any]
) -> None:
    whose = {"tenant_id": some["tenant_id"], "schedule_id": some["schedule_id"], "id": None, "slot_at": None}
    nodes = plan_of(filled, "list_report_executions", whose | {"before_at": None, "before_id": None, "room": 50})

    assert {"runs_one_per_slot", "runs_on_demand"} <= indexes(filled, nodes), nodes


def test_the_latest_runs_are_read_by_their_schedules_and_not_by_all_that_their_tenant_runs(
    filled: make.Connection, some: dict[str, Any]
) -> None:
    asked = {"tenant_id": some["tenant_id"], "schedule_ids": [some["schedule_id"]], "room": 20}
    nodes = plan_of(filled, "list_latest_runs", asked)

    assert {"runs_one_per_slot", "runs_on_demand"} <= indexes(filled, nodes), nodes
    assert scanned_whole(nodes) == set()


@pytest.mark.parametrize("name", ["list_runs_of_schedule", "list_pulse_jobs"])
def test_a_schedules_runs_are_read_by_it_and_not_by_all_that_its_tenant_runs(
    filled: make.Connection, some: dict[str, Any], name: str
) -> None:
    asked = {"tenant_id": some["tenant_id"], "schedule_id": some["schedule_id"], "before_at": None, "before_id": None}
    filters = dict.fromkeys(("first_at", "last_at", "state", "kind", "origin", "parent_run_id", "tag"))
    nodes = plan_of(filled, name, asked | {"room": 50} | (filters if name == "list_runs_of_schedule" else {}))

    used = indexes(filled, nodes)
    assert {"runs_one_per_slot", "runs_on_demand"} <= used, nodes
    assert "runs_of_tenant" not in used
    assert scanned_whole(nodes) == set()


@pytest.mark.parametrize("name", ["list_deliveries_of_runs", "weigh_replay"])
def test_what_runs_of_a_herd_sent_is_read_without_the_rest_of_the_herd(
    filled: make.Connection, some: dict[str, Any], name: str
) -> None:
    at, room = some["slot_at"], 40
    with filled.transaction(force_rollback=True):
        filled.execute("set local session_replication_role to replica")
        filled.execute(
            "insert into deliveries"
            " (id, slot_at, tenant_id, run_id, channel, recipient, recipient_type, body_number, state)"
            " select gen_random_uuid(), %s, %s, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'email',"
            " 'a@example.com', 'to', 0, 'sent' from generate_series(1, 4000) as n",
            (at, some["tenant_id"]),
        )
        filled.execute("analyze deliveries")
        of = {
            "tenant_id": some["tenant_id"],
            "run_ids": [UUID(f"00000000-0000-7000-8000-{n:012}") for n in range(room)],
        }
        if name == "weigh_replay":
            filled.execute("set local plan_cache_mode to force_custom_plan")  # as it asks to be planned
            of |= {"first_at": at, "last_at": at, "schedule_ids": [some["schedule_id"]]}
        else:
            of |= {"slots": [at] * room, "room": 500}
        nodes = plan_of(filled, name, of)
    used = {index for index in indexes(filled, nodes) if index.startswith("deliveries")}
    assert used == {"deliveries_one_per_recipient"}, nodes
    assert len(partitions(filled, nodes, "deliveries")) == 1


def test_the_deliveries_of_a_run_are_read_out_of_its_slots_week(filled: make.Connection, some: dict[str, Any]) -> None:
    filters = dict.fromkeys(("state", "channel", "recipient", "before_at", "before_id"))
    at = {"first_at": some["slot_at"], "last_at": some["slot_at"]}
    asked = {"tenant_id": some["tenant_id"], "run_id": some["id"], "room": 50, **at, **filters}
    nodes = plan_of(filled, "list_deliveries_of_tenant", asked)

    assert len(partitions(filled, nodes, "deliveries")) == 1
    assert scanned_whole(nodes) == set()


def test_what_a_page_shows_of_a_day_is_read_by_when_it_was_made_and_of_alerts_by_their_schedules(
    filled: make.Connection, some: dict[str, Any]
) -> None:
    of = {"tenant_id": some["tenant_id"]}
    nodes = plan_of(filled, "count_deliveries", of | {"room": 3000})
    assert indexes(filled, nodes) == {"deliveries_made"}, nodes
    alert = {
        "id": some["id"],
        "schedule_id": some["schedule_id"],
        "alert_name": "low",
        "alert_type": "threshold",
        **of,
        "graph_id": some["id"],
    }
    with filled.transaction(force_rollback=True):
        filled.execute("set local session_replication_role to replica")
        make.insert(filled, "kpi_alerts", alert | {"recipients": []})
        nodes = plan_of(filled, "list_unchecked_alerts", of | {"ids": [some["id"]]})
    assert "runs_one_per_slot" in indexes(filled, nodes), nodes


@pytest.mark.parametrize("asked", ["subject_id", "who"])
def test_what_became_of_one_thing_and_what_one_person_did_is_read_alone(
    filled: make.Connection, some: dict[str, Any], asked: str
) -> None:
    with filled.transaction(force_rollback=True):
        filled.execute("set local session_replication_role to replica")
        filled.execute(
            "insert into audit_log (chain, number, tenant_id, at, who, action, subject_type, subject_id, previous, hash)"
            " select t, n, t, now(), 'w' || n %% 500, 'edit', 'schedule', 's' || n %% 500, '', ''"
            " from generate_series(1, 5000) as n, cast(%s as uuid) as t",
            (some["tenant_id"],),
        )
        filled.execute("analyze audit_log")
        filled.execute("set local plan_cache_mode to force_custom_plan")  # as a list with filters is read
        of: dict[str, Any] = {"tenant_id": some["tenant_id"], "before": None, "room": 50}
        of |= {"subject_type": None, "subject_id": None, "who": None, asked: "s7" if asked == "subject_id" else "w7"}
        nodes = plan_of(filled, "list_audit", of)
    assert indexes(filled, nodes) == {"audit_log_of_subject" if asked == "subject_id" else "audit_log_of_person"}, nodes


def test_an_alerts_checks_and_their_messages_are_read_by_its_schedule_and_its_runs(
    filled: make.Connection, some: dict[str, Any]
) -> None:
    of = {"tenant_id": some["tenant_id"]}
    asked = {"schedule_id": some["schedule_id"], "segment": "", "since": some["slot_at"], "room": 2000}
    nodes = plan_of(filled, "list_alert_checks", of | asked)
    assert indexes(filled, nodes) == {"runs_one_per_slot", "runs_on_demand"}, nodes
    assert scanned_whole(nodes) == set()

    told = {"run_ids": [some["id"]], "slots": [some["slot_at"]], "room": 500}
    nodes = plan_of(filled, "list_deliveries_of_runs", of | told)
    # Where a slot has one run, either leads to its messages alone.
    assert indexes(filled, nodes) & {"deliveries_one_per_recipient", "deliveries_of_tenant"}, nodes
    assert scanned_whole(nodes) == set()


def test_the_slots_that_have_their_run_are_read_by_their_schedule(
    filled: make.Connection, some: dict[str, Any]
) -> None:
    asked = {"tenant_id": some["tenant_id"], "schedule_id": some["schedule_id"]}
    span = {"first_at": some["slot_at"] - timedelta(hours=1), "last_at": some["slot_at"]}
    nodes = plan_of(filled, "list_taken_slots", asked | span)

    assert "runs_one_per_slot" in indexes(filled, nodes), nodes
    assert len(partitions(filled, nodes)) == 1


def test_the_claim_reads_on_from_where_the_last_one_ended(filled: make.Connection) -> None:
    low = make.now(filled) - timedelta(seconds=5)
    nodes = plan_of(
        filled,
        "claim_due_schedules",
        {"low": low, "low_id": UUID(int=9), "batch": 1000, "retention_days": 90, "ahead": 20},
    )
    conditions = [node["Index Cond"] for node in nodes if node.get("Index Name") == "schedules_due"]

    assert conditions
    assert all("next_fire_at <= (now() + " in each and "ROW(next_fire_at, id) > ROW(" in each for each in conditions)
