"""The second wall where its role came after the tables: it is built by command, and is the wall that is built at once."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from db import walls
from db.migrate import build_walls, migrate
from db.pool import Database
from local.postgres import Postgres
from tests import make
from tests.sql import test_catalogue as catalogue
from tests.tocsin.conftest import Tocsin, bare
from tocsin import checks

__all__ = ["bare"]

POLICIES = """
    select c.relname, c.relrowsecurity, p.policyname, p.permissive, p.roles::text[], p.cmd, p.qual, p.with_check
    from pg_class as c left join pg_policies as p on p.tablename = c.relname
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    order by 1, 3
"""
GRANTS = """
    select 'table', c.relname::text, null, a.privilege_type, a.is_grantable
    from pg_class as c, aclexplode(c.relacl) as a where a.grantee = 'tocsin_api'::regrole
    union all
    select 'column', n.attrelid::regclass::text, n.attname, a.privilege_type, a.is_grantable
    from pg_attribute as n, aclexplode(n.attacl) as a where a.grantee = 'tocsin_api'::regrole
    union all
    select 'function', p.proname, null, a.privilege_type, a.is_grantable
    from pg_proc as p, aclexplode(p.proacl) as a where a.grantee = 'tocsin_api'::regrole
    union all
    select 'schema', n.nspname, null, a.privilege_type, a.is_grantable
    from pg_namespace as n, aclexplode(n.nspacl) as a where a.grantee = 'tocsin_api'::regrole
    order by 1, 2, 3, 4
"""
CHECKS: list[Callable[[make.Connection], None]] = [
    catalogue.test_every_tenants_table_is_behind_the_wall,
    catalogue.test_no_policy_opens_a_second_way_in,
    catalogue.test_the_owner_is_not_under_the_wall,
    catalogue.test_nobody_is_granted_anything_on_a_partition,
    catalogue.test_the_api_role_has_what_its_tenants_need_and_no_more,
    catalogue.test_the_api_role_is_nobody_beside_its_grants,
    catalogue.test_the_public_is_granted_no_table,
]


def wall(conn: make.Connection) -> tuple[list[Any], list[Any]]:
    """Every policy and every right of the API's role."""
    return conn.execute(POLICIES).fetchall(), conn.execute(GRANTS).fetchall()


class Kept(NamedTuple):
    """A migrated database whose owner may make no role: the owner's address, and a superuser's connection."""

    url: str
    conn: make.Connection


@pytest.fixture
def kept(make_postgres: Callable[..., Postgres]) -> Iterator[Kept]:
    """One on a server of its own, where nobody made the role."""
    server = make_postgres()
    with make.connect(server.url) as conn:
        conn.execute("create role keeper login nosuperuser nocreaterole password 'hush'")
        conn.execute("create database kept owner keeper")
    url = f"postgresql://keeper:hush@127.0.0.1:{server.port}/kept"
    migrate(Database.at(url))
    with make.connect(server.url_of("kept")) as conn:
        yield Kept(url, conn)


def doctor(url: str) -> checks.Check:
    """What the doctor says of the walls."""
    with make.connect(url) as conn:
        return next(check for check in checks.of_server(conn, make.now(conn)) if check.name == "walls")


def test_a_wall_that_is_built_later_is_the_wall_that_is_built_at_once(
    kept: Kept, database: str, bare: Tocsin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", kept.url)
    assert bare("migrate", "--json").json() == {"applied": [], "walled": []}
    alone = doctor(kept.url)
    assert alone.state == "warn"
    assert alone.detail.endswith(
        "`create role tocsin_api nologin` and `grant tocsin_api to keeper` by whoever may make roles, then `tocsin migrate`"
    )

    kept.conn.execute("create role tocsin_api nologin")
    assert doctor(kept.url).detail.endswith(
        "is `grant tocsin_api to keeper` by whoever may make roles, then `tocsin migrate`"
    )
    kept.conn.execute("grant tocsin_api to keeper")
    assert doctor(kept.url).detail.endswith("is `tocsin migrate`")

    walled = {name for (name,) in kept.conn.execute("select name from walls").fetchall()}
    assert set(bare("migrate", "--json").json()["walled"]) == walled
    assert doctor(kept.url).state == "ok"
    for check in CHECKS:
        check(kept.conn)
    with make.connect(database) as conn:
        assert wall(kept.conn) == wall(conn)
    assert bare("migrate").out == "nothing to apply: the schema is up to date\n"


def test_behind_a_wall_that_was_built_later_a_tenant_sees_its_own_rows_alone(kept: Kept) -> None:
    mine, _ = catalogue.seed(kept.conn)
    kept.conn.execute("create role tocsin_api nologin")
    kept.conn.execute("grant tocsin_api to keeper")
    build_walls(Database.at(kept.url))

    with make.connect(kept.url) as conn:
        assert make.value(conn, "select count(*) from schedules") == 2
        catalogue.tenant_of(conn, mine)
        for table in catalogue.SEEN:
            column = "id" if table == "tenants" else "tenant_id"
            assert {row[0] for row in conn.execute(f"select {column} from {table}").fetchall()} == {mine}


def test_an_owner_who_may_make_roles_by_now_builds_it_alone(kept: Kept) -> None:
    kept.conn.execute("alter role keeper createrole")
    build_walls(Database.at(kept.url))

    assert doctor(kept.url).state == "ok"


def test_a_wall_that_lacks_one_table_does_not_count_and_is_mended(conn: make.Connection, shared: str) -> None:
    before = wall(conn)
    conn.execute("drop policy tenant_wall on sources")
    conn.execute("revoke all on webhooks from tocsin_api")
    conn.execute("alter table runs disable row level security")
    assert not walls.has_wall(conn)

    assert build_walls(Database.at(shared)) == ["runs", "sources", "webhooks"]
    assert walls.has_wall(conn)
    assert wall(conn) == before
    assert build_walls(Database.at(shared)) == []


def test_every_table_of_a_tenant_has_its_rights_written_down(schema: make.Connection) -> None:
    of_tenants = {name for (name,) in schema.execute("select name from tables_of_tenants()").fetchall()}

    assert {name for (name,) in schema.execute("select name from walls").fetchall()} == (
        # The view shows what the walls of its tables let through.
        of_tenants | {"processes", "tenants", "report_executions"}
    )
