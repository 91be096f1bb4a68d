"""What every table must have: its tenant, its wall, keys that hold the tenant, and nothing open beside the walls."""

import re
from pathlib import Path

import psycopg
import pytest

from db.migrate import MIGRATIONS
from db.query import QUERIES
from tests import make

TABLES = """
    select c.oid::regclass::text as name from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
"""
HISTORY = {"run_history", "delivery_history", "schedule_history"}
OF_NO_TENANT = {
    "audit_heads": "a trigger's own, which writes as the owner",
    "installation": "one row, the database itself",
    "processes": "serve every tenant",
    "schema_migrations": "the schema itself",
    "tenants": "its own id is the tenant",
    "walls": "the schema's, what the API's role may do",
} | dict.fromkeys(HISTORY, "is the operator's, whom no wall stops")
# Rows without a tenant are the operator's: no wall opens to them.
ALSO_THE_OPERATORS = {"api_tokens", "audit_log", "idempotent_answers"}
STATEMENTS = sorted(QUERIES.glob("*.sql"))
KEPT_FROM_THE_API = {"installation", "schema_migrations", "audit_heads", "walls"} | HISTORY


def tables(conn: make.Connection) -> set[str]:
    """The tables, partitions left out."""
    return {name for (name,) in conn.execute(TABLES).fetchall()}


def test_every_table_names_its_tenant_or_stands_in_the_list_of_those_that_have_none(schema: make.Connection) -> None:
    with_tenant = {
        name
        for (name,) in schema.execute(
            "select attrelid::regclass::text from pg_attribute as a inner join pg_class as c on c.oid = a.attrelid "
            "where a.attname = 'tenant_id' and a.attnotnull and a.atttypid = 'uuid'::regtype "
            "and c.relkind in ('r', 'p') and not c.relispartition"
        ).fetchall()
    }

    assert tables(schema) - with_tenant == set(OF_NO_TENANT) | ALSO_THE_OPERATORS


def test_every_tenants_table_is_behind_the_wall(schema: make.Connection) -> None:
    walled = {
        name
        for (name,) in schema.execute(
            "select c.oid::regclass::text from pg_class as c inner join pg_policy as p on p.polrelid = c.oid "
            "where c.relrowsecurity and p.polcmd = '*' and p.polpermissive and p.polroles = array['tocsin_api'::regrole::oid] "
            "and pg_get_expr(p.polqual, p.polrelid) like '%tocsin.tenant%' "
            "and (p.polwithcheck is not null or c.relname = 'tenants')"
        ).fetchall()
    }

    assert walled == tables(schema) - (set(OF_NO_TENANT) - {"tenants"})


def test_no_policy_opens_a_second_way_in(schema: make.Connection) -> None:
    assert schema.execute("select polrelid::regclass from pg_policy group by 1 having count(*) > 1").fetchall() == []


def test_the_owner_is_not_under_the_wall(schema: make.Connection) -> None:
    assert make.value(schema, "select count(*) from pg_class where relforcerowsecurity") == 0


def test_nobody_is_granted_anything_on_a_partition(schema: make.Connection) -> None:
    granted = schema.execute(
        "select c.relname, a.grantee::regrole::text from pg_class as c, aclexplode(c.relacl) as a "
        "where c.relispartition and a.grantee <> c.relowner"
    ).fetchall()

    assert granted == []


def test_the_api_role_has_what_its_tenants_need_and_no_more(schema: make.Connection) -> None:
    rights = dict(
        schema.execute(
            "select c.oid::regclass::text, array_agg(a.privilege_type order by a.privilege_type)::text[] "
            "from pg_class as c, aclexplode(c.relacl) as a "
            "where a.grantee = 'tocsin_api'::regrole and c.relkind in ('r', 'p') group by 1"
        ).fetchall()
    )

    assert set(rights) == tables(schema) - KEPT_FROM_THE_API
    assert rights["processes"] == rights["tenants"] == ["SELECT"]
    every = ["DELETE", "INSERT", "SELECT", "UPDATE"]
    assert all(set(each) <= set(every) for each in rights.values())


def test_the_api_role_is_nobody_beside_its_grants(schema: make.Connection) -> None:
    assert (
        schema.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin from pg_roles "
            "where rolname = 'tocsin_api'"
        ).fetchone()
        == (False,) * 6
    )
    assert make.value(schema, "select count(*) from pg_auth_members where member = 'tocsin_api'::regrole") == 0
    assert (
        make.value(schema, "select count(*) from pg_shdepend where refobjid = 'tocsin_api'::regrole and deptype = 'o'")
        == 0
    )


DEFINERS = """
    select p.oid::regprocedure::text as name, coalesce(array_to_string(p.proconfig, ' '), '') as settings,
        p.prorettype = 'trigger'::regtype as is_trigger, has_function_privilege('public', p.oid, 'execute') as is_public
    from pg_proc as p where p.prosecdef and p.pronamespace = 'public'::regnamespace
"""


def test_what_runs_as_the_owner_looks_nowhere_but_where_the_owner_put_it(schema: make.Connection) -> None:
    found = schema.execute(DEFINERS).fetchall()

    assert [name for name, settings, *_ in found if "search_path=public, pg_temp" not in settings] == []
    assert {name for name, _, is_trigger, _ in found if not is_trigger} == {
        "make_partitions(timestamp with time zone,timestamp with time zone)"
    }
    # A trigger's function cannot be called.
    assert [name for name, _, is_trigger, is_public in found if is_public and not is_trigger] == []


def test_a_function_of_the_owners_without_its_search_path_is_found(conn: make.Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("create function loose() returns trigger language plpgsql security definer as 'begin end'")

        with pytest.raises(AssertionError, match="loose"):
            test_what_runs_as_the_owner_looks_nowhere_but_where_the_owner_put_it(conn)


def test_no_view_shows_what_its_owner_sees(schema: make.Connection) -> None:
    loose = schema.execute(
        "select c.relname from pg_class as c where c.relkind in ('v', 'm') and c.relnamespace = 'public'::regnamespace "
        "and not coalesce('security_invoker=true' = any(c.reloptions), false)"
    ).fetchall()

    assert loose == []


def test_a_role_and_a_tenant_are_only_ever_set_for_one_transaction() -> None:
    settings = {
        file.name: re.findall(r"set_config\([^()]*(?:\([^()]*\)[^()]*)*\)", file.read_text()) for file in STATEMENTS
    }
    for_longer = [(name, each) for name, found in settings.items() for each in found if not each.endswith(", true)")]
    in_code = [
        str(file)
        for room in ("api", "db", "scheduler", "workers", "tocsin")
        for file in (MIGRATIONS.parents[1] / room).rglob("*.py")
        # What it sets, it sets in the databases of tenants.
        if file.name != "foreign.py"
        and re.search(r"set (local |session )?role|set_config\(|tocsin\.tenant", file.read_text(), re.IGNORECASE)
    ]

    assert for_longer == []
    assert len(settings["enter_tenant.sql"]) == 3
    assert in_code == [], "enter_tenant.sql is the one place that does"


def test_the_public_is_granted_no_table(schema: make.Connection) -> None:
    assert (
        make.value(
            schema,
            "select count(*) from pg_class as c, aclexplode(c.relacl) as a where a.grantee = 0 "
            "and c.relnamespace = 'public'::regnamespace",
        )
        == 0
    )


def test_a_reference_between_tenants_tables_holds_the_tenant(schema: make.Connection) -> None:
    loose = schema.execute(
        """
        select k.conrelid::regclass::text, k.conname from pg_constraint as k
        where k.contype = 'f' and k.confrelid <> 'tenants'::regclass and not exists (
            select from unnest(k.conkey, k.confkey) as pair (here, there)
            inner join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = pair.here
            inner join pg_attribute as b on b.attrelid = k.confrelid and b.attnum = pair.there
            where a.attname = 'tenant_id' and b.attname = 'tenant_id'
        )
        """
    ).fetchall()

    assert loose == []


def test_nothing_refers_to_runs(schema: make.Connection) -> None:
    # A foreign key to a partitioned table makes dropping its partitions fail.
    assert (
        make.value(schema, "select count(*) from pg_constraint where contype = 'f' and confrelid = 'runs'::regclass")
        == 0
    )


def test_what_belongs_to_a_run_is_parted_like_runs(schema: make.Connection) -> None:
    parted = {
        name
        for (name,) in schema.execute(
            "select partrelid::regclass::text from pg_partitioned_table where partstrat = 'r' and partdefid = 0"
        ).fetchall()
    }
    of_a_run = {
        name
        for (name,) in schema.execute(
            "select c.relname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid "
            "where a.attname = 'slot_at' and c.relkind in ('r', 'p') and not c.relispartition"
        ).fetchall()
    }

    listed = make.value(schema, "select partitioned_tables()")
    assert parted == set(listed)
    # An alert's state says which run found it, and outlives that run.
    # What an alert knows, and when it moved, outlives the runs that found it so; so does what an owner was told.
    assert of_a_run - parted == {"alert_events", "alert_states", "cancelled_crews", "crew_responses", "troubles"}


def test_each_week_has_a_partition_of_each_table(schema: make.Connection) -> None:
    weeks = dict(
        schema.execute(
            "select i.inhparent::regclass::text, array_agg(right(c.relname, 8) order by c.relname) from pg_inherits as i "
            "inner join pg_class as c on c.oid = i.inhrelid and c.relkind = 'r' group by 1"
        ).fetchall()
    )

    assert len(set(map(tuple, weeks.values()))) == 1
    assert len(next(iter(weeks.values()))) >= 5


def test_no_state_is_an_enum(schema: make.Connection) -> None:
    # Enums are not leakproof, and under row-level security their indexes are not used.
    assert (
        make.value(schema, "select count(*) from pg_type where typtype = 'e' and typnamespace = 'public'::regnamespace")
        == 0
    )


def test_a_new_table_without_tenant_or_wall_is_found(conn: make.Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("create table forgotten (id uuid primary key)")
        conn.execute("create table unwalled (id uuid primary key, tenant_id uuid not null)")

        with pytest.raises(AssertionError, match="forgotten"):
            test_every_table_names_its_tenant_or_stands_in_the_list_of_those_that_have_none(conn)
        with pytest.raises(AssertionError, match="unwalled"):
            test_every_tenants_table_is_behind_the_wall(conn)


DOC = Path(__file__).resolve().parents[2] / "docs" / "error-codes.md"


def test_the_error_codes_are_documented() -> None:
    raised = {
        code for file in MIGRATIONS.glob("*.sql") for code in re.findall(r"errcode = '(TC\d{3})'", file.read_text())
    }
    told = set(re.findall(r"^\| `(TC\d{3})` \|", DOC.read_text(), re.MULTILINE))

    assert raised == told
    assert raised


def tenant_of(conn: make.Connection, tenant_id: object) -> make.Connection:
    """The connection, from now on the API's of that tenant."""
    conn.execute("set role tocsin_api")
    conn.execute("select set_config('tocsin.tenant', %s, false)", (str(tenant_id or ""),))
    return conn


def seed(conn: make.Connection) -> tuple[object, object]:
    """Two tenants with a schedule, a run and a delivery each."""
    tenants = []
    for _ in range(2):
        tenant = make.tenant(conn)
        schedule = make.schedule(conn, tenant)
        slot = make.now(conn)
        run = make.run(conn, tenant, schedule_id=schedule, slot_at=slot)
        make.delivery(conn, tenant, run, slot)
        tenants.append(tenant)
    return tenants[0], tenants[1]


SEEN = ("tenants", "schedules", "schedule_versions", "runs", "deliveries", "delivery_bodies")


@pytest.mark.parametrize("table", SEEN)
def test_the_api_sees_its_own_tenant_only(conn: make.Connection, table: str) -> None:
    mine, _ = seed(conn)
    tenant_of(conn, mine)

    column = "id" if table == "tenants" else "tenant_id"
    assert {row[0] for row in conn.execute(f"select {column} from {table}").fetchall()} == {mine}


@pytest.mark.parametrize("table", SEEN)
@pytest.mark.parametrize("is_emptied", [True, False])
def test_the_api_without_a_tenant_sees_nothing(conn: make.Connection, table: str, is_emptied: bool) -> None:
    seed(conn)
    conn.execute("set role tocsin_api")
    if is_emptied:
        conn.execute("select set_config('tocsin.tenant', '', false)")

    assert conn.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_the_api_writes_for_its_own_tenant_only(conn: make.Connection) -> None:
    mine, other = seed(conn)
    tenant_of(conn, mine)

    assert conn.execute("update schedules set name = 'x' where tenant_id = %s", (other,)).rowcount == 0
    assert conn.execute("delete from schedules where tenant_id = %s", (other,)).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(
            "insert into schedules (id, tenant_id, kind, name, scheduled_at) values (gen_random_uuid(), %s, 'k', 'n', date_trunc('milliseconds', now()))",
            (other,),
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("update schedules set tenant_id = %s", (other,))


def test_the_api_goes_round_no_wall_through_a_partition(conn: make.Connection) -> None:
    mine, _ = seed(conn)
    part = make.value(
        conn, "select inhrelid::regclass::text from pg_inherits where inhparent = 'runs'::regclass limit 1"
    )
    tenant_of(conn, mine)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(f"select * from {part}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select drop_partitions(now() + interval '1 year')")


def test_a_schedule_of_one_tenant_refers_to_nothing_of_another(conn: make.Connection) -> None:
    mine, other = seed(conn)
    schedule = make.value(conn, "select id from schedules where tenant_id = %s", mine)

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        conn.execute("insert into schedule_gates (schedule_id, tenant_id) values (%s, %s)", (schedule, other))
