"""A rotation brings every stored secret under the newest key, beside whatever else is done, and no place is forgotten."""

import base64
from collections.abc import Iterator
from uuid import UUID

import pytest

from api.definitions import create_schedule, read_schedule
from api.edits import edit_schedule
from api.refusals import BadDefinition
from api.sources import create_source
from config.environ import BadSetting
from config.seal import Seal, SealError
from db import sealed
from db.pool import Connection, Database
from scheduler import schedules
from tests import make
from workers.kinds import KINDS

OLD, NEW, OTHER = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n", b"x"))
SECRET = "whsec_" + base64.b64encode(b"canary-4711").decode()


@pytest.fixture
def conn(database: str) -> Iterator[Connection]:
    with Database.at(database).connect("test") as found:
        yield found


def a_schedule(conn: Connection, tenant: UUID, seal: Seal, name: str = "calls") -> UUID:
    payload = {
        "url": "https://example.com/hook",
        "headers": {"Authorization": "Bearer canary-4711", "X-Team": "blue"},
        "secret": SECRET,
        # A number that Python's floats cannot hold, and a text that only looks as if it were sealed.
        "body": {"big": 12345678901234567890123, "text": 'say "sealed:' + "0" * 16 + ':AAAA:AAAA"'},
    }
    body = read_schedule({"jobType": "http.call", "name": name, "intervalSeconds": 3600, "jobPayload": payload})
    return create_schedule(conn, tenant, body, kinds=KINDS, seal=seal, retention_days=90).id


def a_source(conn: Connection, tenant: UUID, seal: Seal) -> UUID:
    return create_source(conn, tenant, "own", "postgres", "postgresql://bob:canary-4711@db.example.com/x", seal).id


def edited(conn: Connection, tenant: UUID, schedule: UUID, seal: Seal, url: str = "https://example.com/new") -> None:
    payload = {"url": url, "headers": {"Authorization": "***"}, "secret": "***"}
    edit_schedule(conn, tenant, schedule, {"jobPayload": payload}, kinds=KINDS, seal=seal)


def test_every_column_with_sealed_text_is_in_the_list(conn: Connection) -> None:
    seal = Seal((OLD,))
    tenant = make.tenant(conn)
    a_source(conn, tenant, seal)
    edited(conn, tenant, a_schedule(conn, tenant, seal), seal)
    columns = conn.execute(
        "select c.oid::regclass::text, a.attname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid "
        "where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition "
        "and a.attnum > 0 and not a.attisdropped and a.atttypid in ('text'::regtype, 'jsonb'::regtype, 'bytea'::regtype)"
    ).fetchall()
    holding = {
        (table, column)
        for table, column in columns
        if column.startswith("sealed_")
        or make.value(conn, f"select count(*) from {table} where {column}::text ~ '^\"?sealed:|[:,\\[] ?\"sealed:'")
    }
    assert holding == {(each.table, each.column) for each in sealed.COLUMNS}


def test_after_a_rotation_the_old_key_opens_nothing_and_the_new_one_everything(conn: Connection) -> None:
    old, new = Seal((OLD,)), Seal((NEW, OLD))
    tenant = make.tenant(conn)
    source, schedule = a_source(conn, tenant, old), a_schedule(conn, tenant, old)
    edited(conn, tenant, schedule, old)
    before = make.value(conn, "select version from schedules")
    history = make.value(conn, "select count(*) from schedule_history")
    body = make.value(conn, "select params ->> 'body' from schedule_versions where version = 1")
    assert sealed.count_by_key(conn) == {old.key_ids[0]: 7}

    done = sealed.rotate(conn, new)

    assert done.remaining == {}
    assert sealed.count_by_key(conn) == {new.key_ids[0]: 7}
    assert make.value(conn, "select version from schedules") == before
    assert make.value(conn, "select count(*) from schedule_versions") == 2
    assert make.value(conn, "select count(*) from schedule_history") == history
    assert make.value(conn, "select params ->> 'body' from schedule_versions where version = 1") == body
    assert make.value(
        conn,
        "select s.params = v.params from schedules as s inner join schedule_versions as v "
        "on v.schedule_id = s.id and v.version = s.version",
    )
    password = make.value(conn, "select sealed_password from sources")
    place = sealed.password_place(tenant, source)
    assert Seal((NEW,)).open(password, place) == "canary-4711"
    for statement in ("select params from schedules", "select params from schedule_versions where version = 1"):
        params = make.value(conn, statement)
        assert Seal((NEW,)).open(params["secret"], sealed.params_place(tenant, schedule)) == SECRET
    with pytest.raises(SealError):
        old.open(password, place)
    assert sealed.rotate(conn, new).rewrapped == 0


def test_a_masked_secret_is_kept_but_never_for_another_host(conn: Connection) -> None:
    seal = Seal((OLD,))
    tenant = make.tenant(conn)
    schedule = a_schedule(conn, tenant, seal)
    edited(conn, tenant, schedule, seal)
    kept = schedules.get(conn, tenant, str(schedule)).params
    assert seal.open(kept["secret"], sealed.params_place(tenant, schedule)) == SECRET
    for url in ("https://elsewhere.example/hook", "http://example.com/hook", "https://example.com:8443/hook"):
        with pytest.raises(BadDefinition, match="takes the secrets again"):
            edited(conn, tenant, schedule, seal, url)
    assert schedules.get(conn, tenant, str(schedule)).params == kept


def test_more_rows_than_a_batch_are_all_moved(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_BATCH", 2)
    tenant = make.tenant(conn)
    for number in range(5):
        edited(conn, tenant, a_schedule(conn, tenant, Seal((OLD,)), f"s{number}"), Seal((OLD,)))
    assert sealed.rotate(conn, Seal((NEW, OLD))).remaining == {}
    assert set(sealed.count_by_key(conn)) == set(Seal((NEW,)).key_ids)


def test_what_somebody_holds_or_changed_meanwhile_is_left_as_it_is_and_counted(conn: Connection, database: str) -> None:
    tenant = make.tenant(conn)
    source = a_source(conn, tenant, Seal((OLD,)))
    column = sealed.COLUMNS[0]
    rows = column.listing.all(conn, after_id=UUID(int=0), after_version=0, room=10)
    newer = Seal((OLD,)).seal("changed meanwhile", sealed.password_place(tenant, source))
    conn.execute("update sources set sealed_password = %s", (newer,))
    assert sealed._rewrap(conn, column, rows, Seal((NEW, OLD))) == 0
    assert make.value(conn, "select sealed_password from sources") == newer

    with make.connect(database) as holder, holder.transaction():
        holder.execute("select from sources for update")
        assert sealed.rotate(conn, Seal((NEW, OLD))).remaining == {Seal((OLD,)).key_ids[0]: 1}
    assert sealed.rotate(conn, Seal((NEW, OLD))).remaining == {}


def test_a_definition_that_changes_under_the_settings_cover_is_a_new_version_nevertheless(conn: Connection) -> None:
    schedule = make.schedule(conn, make.tenant(conn))
    with conn.transaction():
        conn.execute("select set_config('tocsin.rewrapping', 'on', true)")
        conn.execute("update schedules set name = 'other', params = '{\"a\": 1}' where id = %s", (schedule,))
    assert make.value(conn, "select version from schedules where id = %s", schedule) == 2


def test_a_key_that_is_missing_is_named_by_its_id_alone(conn: Connection) -> None:
    a_source(conn, make.tenant(conn), Seal((OLD,)))
    sealed.check(conn, Seal((NEW, OLD)))
    for keys in ((), (OTHER,)):
        with pytest.raises(BadSetting) as refused:
            sealed.check(conn, Seal(keys))
        assert Seal((OLD,)).key_ids[0] in str(refused.value)
        assert OLD not in str(refused.value)
        assert OTHER not in str(refused.value)
    assert sealed.rotate(conn, Seal((OTHER,))).remaining == {Seal((OLD,)).key_ids[0]: 1}


def test_a_run_reads_its_secret_while_its_schedule_moves_to_another_key(conn: Connection) -> None:
    # A worker that leased before the rotation holds the old wrap, one that leases after it the new one: both open.
    old, both = Seal((OLD,)), Seal((NEW, OLD))
    tenant = make.tenant(conn)
    schedule = a_schedule(conn, tenant, old)
    before = schedules.get(conn, tenant, str(schedule)).params["secret"]
    sealed.rotate(conn, both)
    after = schedules.get(conn, tenant, str(schedule)).params["secret"]
    place = sealed.params_place(tenant, schedule)
    assert before != after
    assert both.open(before, place) == both.open(after, place) == SECRET
