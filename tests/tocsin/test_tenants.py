"""Tenants, people and tokens by command: what is made works, and what is erased is gone, and nothing else with it."""

import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api import sign_in_links, tokens
from config.seal import Seal
from db import sealed
from db.ids import slot_of
from db.store import Owner, Store, key_of, sha256_of
from tests import make
from tests.alerts import make_alert
from tests.tocsin.conftest import KEY, Tocsin

SECRET = "whsec_Y2FuYXJ5"
CALL = json.dumps({"url": "https://example.com/hook", "secret": SECRET})
FIGURE = {"alertName": "figure", "recipients": ["a@example.com"], "source": "own", "query": "select 1"} | {
    "condition": "LESS_THAN",
    "thresholdValue": 0,
    "checkCron": "@daily",
}


def fill(tocsin: Tocsin, conn: make.Connection, slug: str) -> UUID:
    """A tenant with something in as many tables as commands and rows by hand can fill."""
    ours = ("--tenant", slug)
    for argv in (
        ("tenants", "create", slug),
        ("sources", "create", "own", "--url", "postgresql://bob:canary-hush@db.example.com/x", *ours),
        ("schedules", "create", "http.call", "--name", "calls", "--every", "3600", "--params", CALL, *ours),
        ("schedules", "run", "calls", *ours),
        ("members", "create", "ann", "--email", "ann@example.com", *ours),
        ("tokens", "create", "--scope", "admin", *ours),
    ):
        assert tocsin(*argv).status == 0, argv
    tenant = make.value(conn, "select id from tenants where slug = %s", slug)
    make_alert(conn, tenant, FIGURE)
    assert tocsin("schedules", "pause", "figure", *ours).status == 0
    slot = make.now(conn)
    make.delivery(conn, tenant, make.run(conn, tenant, slot_at=slot), slot)
    return UUID(str(tenant))


def counts(conn: make.Connection, tenant: UUID) -> dict[str, int]:
    """The rows of the tenant in each table that has any."""
    names = conn.execute("select name from tables_of_tenants() order by name").fetchall()
    found = {name: make.value(conn, f"select count(*) from {name} where tenant_id = %s", tenant) for (name,) in names}
    return {name: count for name, count in found.items() if count}


def test_a_tenant_that_is_deleted_is_gone_whole_and_its_neighbour_untouched(
    tocsin: Tocsin, conn: make.Connection
) -> None:
    gone, stays = fill(tocsin, conn, "acme"), fill(tocsin, conn, "globex")
    before = counts(conn, stays)
    its = counts(conn, gone)
    assert set(its) > {
        "audit_log",
        "api_tokens",
        "deliveries",
        "kpi_thresholds",
        "members",
        "runs",
        "schedule_versions",
    }

    assert "say it again with --yes" in tocsin("tenants", "delete", "acme").complaint()
    assert counts(conn, gone) == its
    assert tocsin("tenants", "delete", "acme", "--yes", "--json").json() == {"slug": "acme", "rows": its}

    assert counts(conn, gone) == {}
    assert make.value(conn, "select count(*) from tenants where id = %s", gone) == 0
    assert make.value(conn, "select count(*) from audit_heads where chain = %s", gone) == 0
    assert counts(conn, stays) == before
    erased = conn.execute(
        "select tenant_id, subject_id, before ->> 'slug' from audit_log where action = 'tenant.erased'"
    ).fetchall()
    assert erased == [(None, str(gone), "acme")]
    assert tocsin("audit", "verify").status == 0
    assert "there is no tenant" in tocsin("tenants", "delete", "acme", "--yes").complaint()


def test_an_erasure_that_loses_a_deadlock_begins_anew(tocsin: Tocsin, conn: make.Connection, database: str) -> None:
    tenant = fill(tocsin, conn, "acme")
    # The first to look is the one that gives up: the erasure, and not the other.
    conn.execute(f"alter database {database.rpartition('/')[2]} set deadlock_timeout to '50ms'")
    with ThreadPoolExecutor(1) as threads, make.connect(database) as other, make.connect(database) as looking:
        other.execute("set deadlock_timeout to '1h'")
        with other.transaction():
            other.execute("select from runs where tenant_id = %s for update", (tenant,))
            erasing = threads.submit(tocsin, "tenants", "delete", "acme", "--yes")
            while not make.value(looking, "select exists (select from pg_locks where not granted)"):
                assert not erasing.done(), erasing.result()
            # The erasure holds the schedules and waits for the runs: this returns once it lost.
            other.execute("select from schedules where tenant_id = %s for update", (tenant,))
        answer = erasing.result(30)

    assert (answer.status, answer.err) == (0, "")
    assert counts(conn, tenant) == {}


def test_an_erasure_that_always_loses_says_so_and_nothing_is_gone(tocsin: Tocsin, conn: make.Connection) -> None:
    tenant = fill(tocsin, conn, "acme")
    before = counts(conn, tenant)
    conn.execute("create sequence tries")
    conn.execute(
        "create function lose() returns trigger language plpgsql as $$ begin "
        "perform nextval('tries'); raise exception 'deadlock detected' using errcode = '40P01'; end $$"
    )
    conn.execute("create trigger lose before delete on tenants for each row execute function lose()")

    assert "lost 5 times to who held its rows, and nothing is gone" in (
        tocsin("tenants", "delete", "acme", "--yes").complaint()
    )
    assert make.value(conn, "select last_value from tries") == 5
    assert counts(conn, tenant) == before


def test_nobody_erases_the_audit_log_without_erasing_the_tenant(tocsin: Tocsin, conn: make.Connection) -> None:
    tenant = fill(tocsin, conn, "acme")
    conn.execute("select erase_tenant(%s)", (make.tenant(conn),))
    with pytest.raises(Exception, match="only added to"):
        conn.execute("delete from audit_log where tenant_id = %s", (tenant,))


def test_an_export_holds_every_row_and_no_secret(tocsin: Tocsin, conn: make.Connection, tmp_path: Path) -> None:
    tenant = fill(tocsin, conn, "acme")
    fill(tocsin, conn, "globex")
    its = counts(conn, tenant)
    file = tmp_path / "acme.jsonl"
    told = tocsin("tenants", "export", "acme", "-o", str(file), "--json").json()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert told["rows"] == {"tenants": 1, **its}
    assert {row["table"]: sum(each["table"] == row["table"] for each in rows) for row in rows} == told["rows"]
    assert {row["row"].get("tenant_id") or row["row"]["id"] for row in rows} == {str(tenant)}
    text = file.read_text()
    assert "ann@example.com" in text
    for secret in ("sealed:", "canary", SECRET, "Y2FuYXJ5", '"hash": "\\\\x', '"api_tokens","row":{"hash"'):
        assert secret not in text
    assert not [row for row in rows if row["table"] == "api_tokens" and "hash" in row["row"]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is there already" in tocsin("tenants", "export", "acme", "-o", str(file)).complaint()
    nowhere = str(tmp_path / "no" / "file")
    assert "cannot write" in tocsin("tenants", "export", "acme", "-o", nowhere).complaint()
    other = tmp_path / "other"
    assert "there is no tenant" in tocsin("tenants", "export", "none", "-o", str(other)).complaint()
    assert not other.exists()


@pytest.fixture
def kept(
    tocsin: Tocsin, conn: make.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[str, str]]:
    """Makes a file of the tenant acme; answers its id and its key."""
    monkeypatch.setenv("ARTIFACT_URL", f"file://{tmp_path}/store")
    tocsin("tenants", "create", "acme")
    tenant = make.value(conn, "select id from tenants where slug = 'acme'")

    def make_one(content: bytes, **row: Any) -> tuple[str, str]:
        run = make.run(conn, tenant, state="succeeded")
        (tmp_path / "made").write_bytes(content)
        digest = sha256_of(tmp_path / "made")
        key = key_of(Owner(make.value(conn, "select id from installation"), tenant, run, 1), digest)
        Store(f"file://{tmp_path}/store").put(key, tmp_path / "made")
        return str(make.artifact(conn, tenant, run, slot_of(run), key=key, sha256=digest, **row)), key

    return make_one


def test_an_export_has_the_files_too_where_they_are_wanted(
    tocsin: Tocsin, kept: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    contents = {kept(content, name="..")[0]: content for content in (b"a,b", os.urandom(2_000_000))}
    (gone, key), (other, its_key) = kept(b"gone"), kept(b"other")
    (tmp_path / "store" / key).unlink()
    (tmp_path / "store" / its_key).write_bytes(b"else")
    file, folder = tmp_path / "rows", tmp_path / "files"
    to = ("-o", str(file), "--files", str(folder))
    told = tocsin("tenants", "export", "acme", *to, "--json").json()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    assert set(told["missing"]) == {gone, other}
    assert told["rows"]["artifacts"] == 4
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())] == [0o700, 0o600, 0o600]
    # What is there already is not touched, and half an export is none.
    file.unlink()
    assert f"{folder} is there already" in tocsin("tenants", "export", "acme", *to).complaint()
    assert (file.exists(), len(list(folder.iterdir()))) == (False, 2)


def test_half_an_export_of_files_is_none(
    tocsin: Tocsin, kept: Callable[..., tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(b"a,b")

    def refused(*_: object) -> None:
        raise OSError("not today")

    to = ("-o", str(tmp_path / "rows"), "--files", str(tmp_path / "files"))
    with monkeypatch.context() as patch:
        patch.setattr("obstore.get", refused)
        assert "not today" in tocsin("tenants", "export", "acme", *to).complaint()
    monkeypatch.delenv("ARTIFACT_URL")
    assert "ARTIFACT_URL is not set" in tocsin("tenants", "export", "acme", *to).complaint()
    assert not (tmp_path / "rows").exists()
    assert not (tmp_path / "files").exists()


def test_settings_are_set_one_by_one_and_refused_by_name(tocsin: Tocsin) -> None:
    tocsin("tenants", "create", "acme")
    changes = ("name=Acme Ltd", "defaultTimezone=Europe/Paris", "quotas.schedules=5", 'recipientDomains=["a.example"]')
    assert tocsin("tenants", "set", "acme", *changes, "--json").json()["name"] == "Acme Ltd"
    tocsin("tenants", "set", "acme", "quotas.members=2")
    shown = tocsin("tenants", "show", "acme", "--json").json()["settings"]
    assert shown["quotas"] == {"schedules": 5, "members": 2}
    assert (shown["defaultTimezone"], shown["recipientDomains"]) == ("Europe/Paris", ["a.example"])
    for bad, said in (
        ("defaultTimezone=Mars/Olympus", "settings.defaultTimezone: takes an IANA name"),
        ("colour=red", "settings.colour: is not a field of this"),
        ("branding.color=red", "settings.branding.color: takes a colour as #rrggbb"),
        ("quotas.schedules=-1", "settings.quotas.schedules: "),
        ("name=", "name: takes one line"),
        ("suspend", "takes NAME=VALUE"),
    ):
        assert said in tocsin("tenants", "set", "acme", bad).complaint()
    assert tocsin("tenants", "show", "acme", "--json").json()["settings"] == shown


def test_a_suspended_tenant_is_reinstated_as_it_was(tocsin: Tocsin, conn: make.Connection) -> None:
    fill(tocsin, conn, "acme")
    assert tocsin("tenants", "suspend", "acme", "--json").json()["status"] == "suspended"
    assert make.value(conn, "select count(*) from schedules where status = 'active'") == 0
    assert "suspended already" in tocsin("tenants", "suspend", "acme").complaint()
    assert tocsin("tenants", "reinstate", "acme", "--json").json()["status"] == "active"
    assert dict(conn.execute("select name, status from schedules").fetchall()) == {
        "calls": "active",
        "figure": "paused",
    }


def test_a_token_is_printed_once_opens_what_it_says_and_nothing_once_revoked(
    tocsin: Tocsin, conn: make.Connection
) -> None:
    tocsin("tenants", "create", "acme")
    text = tocsin("tokens", "create", "--tenant", "acme", "--scope", "write", "--name", "ci").out.strip()
    assert tokens.is_whole(text)
    found = tokens.find(conn, text)
    assert found
    assert (found.tenant_slug, found.scope) == ("acme", "write")
    (listed,) = tocsin("tokens", "list", "--tenant", "acme", "--json").json()
    assert (listed["id"], listed["name"]) == (str(found.id), "ci")
    assert text not in tocsin("tokens", "list", "--tenant", "acme").out
    assert tocsin("tokens", "revoke", listed["id"], "--json").json()["revokedAt"]
    assert tokens.find(conn, text) is None
    assert text not in tocsin("tokens", "revoke", text).complaint()
    assert "there is no token" in tocsin("tokens", "revoke", str(UUID(int=1))).complaint()


def test_an_operators_token_stands_above_the_tenants(tocsin: Tocsin, conn: make.Connection) -> None:
    made = tocsin("tokens", "create", "--operator", "--expires", "2999-01-01T00:00:00Z", "--json").json()
    found = tokens.find(conn, made["token"])
    assert found
    assert (found.tenant_id, found.scope) == (None, "operator")
    assert [each["id"] for each in tocsin("tokens", "list", "--operator", "--json").json()] == [made["id"]]
    assert tocsin("tokens", "list", "--json").json() == []
    assert "not both" in tocsin("tokens", "create", "--operator", "--tenant", "default").complaint()
    assert tocsin("tokens", "create", "--operator", "--scope", "read").status == 2
    assert tocsin("tokens", "create").status == 2


def test_a_person_who_is_erased_leaves_a_pseudonym(tocsin: Tocsin, conn: make.Connection) -> None:
    made = tocsin("members", "create", "auth0|17", "--email", "ann@example.com", "--name", "Ann Example", "--json")
    assert made.json()["email"] == "ann@example.com"
    assert "already" in tocsin("members", "create", "auth0|17", "--email", "b@example.com").complaint()
    assert "email: " in tocsin("members", "create", "x", "--email", "nobody").complaint()
    assert tocsin("members", "disable", "auth0|17", "--json").json()["disabledAt"]
    tocsin("members", "erase", made.json()["id"])
    assert tocsin("members", "list", "--json").json() == []
    kept = str(conn.execute("select a::text from audit_log as a").fetchall())
    assert kept.count("auth0|17") >= 3
    assert "ann@example.com" not in kept
    assert "Ann Example" not in kept
    assert "there is no member" in tocsin("members", "erase", "auth0|17").complaint()


def test_a_rotation_by_command_says_what_is_left(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tocsin, conn, "acme")
    new = tocsin("keys", "generate", "--json").json()["key"]
    old_id, new_id = Seal((KEY,)).key_ids[0], Seal((new,)).key_ids[0]
    count = sum(sealed.count_by_key(conn).values())

    def secrets() -> Any:
        checks = tocsin("doctor", "--json").json()["checks"]
        return next(check for check in checks if check["name"] == "secrets")

    monkeypatch.setenv("TOCSIN_SECRET_KEYS", new)
    lost = tocsin("keys", "rotate", "--json")
    assert (lost.status, lost.json()["remaining"]) == (1, {old_id: count})
    assert (secrets()["state"], old_id in secrets()["detail"]) == ("fail", True)

    monkeypatch.setenv("TOCSIN_SECRET_KEYS", f"{new},{KEY}")
    assert secrets()["state"] == "warn"
    done = tocsin("keys", "rotate", "--json")
    assert (done.status, done.json()) == (0, {"newestKey": new_id, "rewrapped": count, "remaining": {}})
    monkeypatch.setenv("TOCSIN_SECRET_KEYS", new)
    assert secrets()["state"] == "ok"
    assert "0 brought under" in tocsin("keys", "rotate").out
    monkeypatch.delenv("TOCSIN_SECRET_KEYS")
    assert "TOCSIN_SECRET_KEYS is not set" in tocsin("keys", "rotate").complaint()


def test_a_link_is_printed_once_signs_its_member_in_and_is_stored_nowhere(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "TOCSIN_URL is not set" in tocsin("tokens", "link").complaint()
    monkeypatch.setenv("TOCSIN_URL", "https://tocsin.example.com/")
    tocsin("tenants", "create", "acme")
    tocsin("members", "create", "ann", "--email", "Ann@example.com", "--role", "editor", "--tenant", "acme")
    url = tocsin("tokens", "link", "--tenant", "acme", "--member", "ann@example.com").out.strip()
    assert url.startswith("https://tocsin.example.com/sign-in/")
    code = url.rpartition("/")[2]
    found = sign_in_links.FIND.one(conn, hash=sha256(code.encode()).digest())
    assert found
    assert (found.subject, found.scope, found.is_open) == ("ann", "write", True)
    for table in ("sign_in_links", "audit_log"):
        assert code not in str(conn.execute(f"select to_jsonb(t)::text from {table} as t").fetchall())

    made = tocsin("tokens", "link", "--tenant", "acme", "--role", "viewer", "--minutes", "5", "--json").json()
    assert (made["role"], made["member"], set(made) >= {"id", "url", "expiresAt"}) == ("viewer", None, True)
    assert make.value(conn, "select expires_at - created_at = '5 min' from sign_in_links where id = %s", made["id"])
    bare = tocsin("tokens", "link", "--json").json()
    assert (bare["role"], bare["scope"]) == ("admin", "admin")

    assert "there is no member 'bob'" in tocsin("tokens", "link", "--tenant", "acme", "--member", "bob").complaint()
    tocsin("members", "disable", "ann", "--tenant", "acme")
    assert "is disabled" in tocsin("tokens", "link", "--tenant", "acme", "--member", "ann").complaint()
    assert tocsin("tokens", "link", "--minutes", "0").status == 2
