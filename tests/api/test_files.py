"""Files: downloaded by their tenant, and by a link that opens one of them for a time."""

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from api import leaving
from api.audit import Author
from api.limits import Limit
from config.seal import Seal
from db.ids import slot_of
from db.pool import Database, transaction
from db.store import Owner, Store, key_of
from tests import make
from tests.api import tenanted
from tests.api.conftest import KEY, Api, MakeWeb, TestClient, web_of_it
from workers import artifact_links

SIGNS = Seal((KEY,)).derived(artifact_links.PURPOSE)[0]
# What a browser would run, if it were shown.
CONTENT = b"<script>alert(1)</script>"


class File(NamedTuple):
    """A file of a tenant's."""

    api: Api
    conn: make.Connection
    store: Store
    id: UUID
    run: UUID

    def link(self, *, key: bytes = SIGNS, tenant: UUID | None = None, until: datetime | None = None) -> str:
        whose = tenant or self.api.tenant
        assert whose
        until = until or make.now(self.conn) + timedelta(days=1)
        return artifact_links.link("http://x", key, whose, self.id, until).removeprefix("http://x")


@pytest.fixture
def web(make_web: MakeWeb, database: str, tmp_path: Path) -> TestClient:
    return make_web(database, artifact_url=f"file://{tmp_path}/files")


@pytest.fixture
def file(web: TestClient, api: Api, conn: make.Connection, tmp_path: Path) -> File:
    return kept(web, api, conn, tmp_path)


def kept(web: TestClient, api: Api, conn: make.Connection, folder: Path, of: Any = None, **row: Any) -> File:
    assert api.tenant
    store = web_of_it(web).store
    assert store
    run = make.run(conn, api.tenant, state="succeeded", **of or {})
    (folder / "made").write_bytes(CONTENT)
    digest = sha256(CONTENT).hexdigest()
    key = key_of(Owner(make.value(conn, "select id from installation"), api.tenant, run, 1), digest)
    store.put(key, folder / "made")
    row = {"key": key, "sha256": digest, "size_bytes": len(CONTENT), "name": 'an "ünlike" one.html'} | row
    row |= {"content_type": "text/html; charset=utf-8", "format": "html"}
    return File(api, conn, store, make.artifact(conn, api.tenant, run, slot_of(run), **row), run)


def test_a_run_lists_its_files_and_they_are_saved_and_never_shown(file: File, web: TestClient) -> None:
    [listed] = file.api("GET", f"/api/runs/{file.run}/artifacts").json()["items"]
    assert file.api("GET", f"/api/runs/{file.run}").json()["artifacts"] == [listed]
    assert (listed["id"], listed["sizeBytes"], listed["recordCount"]) == (str(file.id), len(CONTENT), 1)
    assert "key" not in listed
    assert "fence" not in listed
    for answer in (file.api("GET", f"/api/artifacts/{file.id}/download"), web.get(file.link())):
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["Content-Length"] == str(len(CONTENT))
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=\"an __nlike_ one.html\"; filename*=UTF-8''an%20%22%C3%BCnlike%22%20one.html"
        )


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("a.svg", "image/svg+xml"), ("a.xhtml", "application/xhtml+xml"), ("a.xml", "text/xml"), ("a.html", "text/html")],
)
def test_no_browser_runs_what_a_link_opens(
    api: Api, web: TestClient, conn: make.Connection, tmp_path: Path, name: str, content_type: str
) -> None:
    file = kept(web, api, conn, tmp_path, name=name)
    conn.execute("update artifacts set content_type = %s where id = %s", (content_type, file.id))
    answer = web.get(file.link())
    assert answer.headers["Content-Type"].partition(";")[0] == content_type
    # `sandbox` without `allow-scripts` and `allow-same-origin`, once: no second policy loosens it or stands in its place.
    assert answer.headers.get_list("Content-Security-Policy") == ["sandbox; default-src 'none'"]
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_link_opens_its_own_file_for_its_own_time_and_nothing_else(file: File, web: TestClient) -> None:
    good = file.link()
    assert web.get(good).status_code == 200
    assert web.get(file.link(until=make.now(file.conn) - timedelta(minutes=1))).status_code == 410
    other = UUID(int=file.id.int ^ 1)
    forged = {
        "signed by nobody": file.link(key=b"x" * 32),
        "signed for another tenant": file.link(tenant=make.tenant(file.conn)),
        "of another file": file._replace(id=other).link(),
        "cut": good[:-1],
        "longer": good + "A",
        "no link": "/f/..%2f..%2fetc%2fpasswd",
        "of an action": "/f/" + "A" * 72,
    }
    # One letter of each part of it: the version, the file, the instant, the signature.
    for place in (3, 10, 30, 60):
        letter = "B" if good[place] != "B" else "C"
        forged[f"letter {place}"] = good[:place] + letter + good[place + 1 :]
    web_of_it(web).wrong_tokens = Limit(1000)
    answers = {what: web.get(link) for what, link in forged.items()}
    assert {what: answer.status_code for what, answer in answers.items()} == dict.fromkeys(forged, 404)
    assert all(CONTENT not in answer.content for answer in answers.values())
    assert web.get("/f/").status_code == 404
    assert web.get("/f").status_code == 404
    assert web.post(good).status_code == 405


def test_nobody_downloads_another_tenants_file(file: File, web: TestClient) -> None:
    other = Api(web, file.conn)
    assert other("GET", f"/api/artifacts/{file.id}/download").status_code == 404
    assert other("GET", f"/api/runs/{file.run}/artifacts").status_code == 404
    assert web.get(f"/api/artifacts/{file.id}/download").status_code == 401


def test_an_executions_files_are_linked_for_a_day_for_who_has_no_login(
    make_web: MakeWeb, database: str, conn: make.Connection, tmp_path: Path
) -> None:
    web = make_web(database, artifact_url=f"file://{tmp_path}/files", url="http://x/")
    api = Api(web, conn)
    assert api.tenant
    report = tenanted.export(conn, api.tenant, "alfa")
    schedule = make.value(conn, "select schedule_id from scheduled_reports where id = %s", report)
    file = kept(web, api, conn, tmp_path, of={"schedule_id": schedule, "kind": "report.export"})
    place = f"/api/report-executions/{file.run}"
    shown = file.api("GET", place).json()
    [listed] = file.api("GET", f"/api/scheduled-reports/{report}/executions").json()["items"]
    assert shown["fileUrl"] == shown["files"][0]["fileUrl"]
    for each in (shown, listed):
        link = each["fileUrl"].removeprefix("http://x")
        answer = web.get(link)
        assert (answer.status_code, answer.content, "/f/" in link) == (200, CONTENT, True)
        claim = artifact_links.read(link.removeprefix("/f/"))
        assert claim is not None
        assert timedelta(hours=23) < claim.expires_at - make.now(conn) <= timedelta(days=1)
    # Of another tenant, too old, or asked for by who may not.
    assert web.get(file.link(tenant=make.tenant(conn))).status_code == 404
    assert web.get(file.link(until=make.now(conn) - timedelta(seconds=2))).status_code == 410
    assert Api(web, conn)("GET", place).status_code == 404
    assert web.get(place).status_code == 401
    # Without an address of ours there is no link, but the path that takes a token.
    plain = Api(make_web(database), conn, tenant=file.api.tenant)("GET", place).json()
    assert plain["fileUrl"] == f"{place}/download?format=html"


def test_who_guesses_links_is_stopped_and_who_has_one_is_not(file: File, web: TestClient) -> None:
    wrong = file.link(key=b"x" * 32)
    found = [web.get(wrong).status_code for _ in range(31)]
    assert found == [404] * 30 + [429]
    assert web.get(file.link()).status_code == 200
    web_of_it(web).per_caller = Limit(2)
    assert [web.get(file.link()).status_code for _ in range(3)] == [200, 200, 429]
    assert "Retry-After" in web.get(file.link()).headers


def test_a_tenant_that_is_suspended_or_erased_has_no_link_and_an_erased_one_no_file(
    file: File, web: TestClient, tmp_path: Path, database: str
) -> None:
    link, tenant = file.link(), file.api.tenant
    assert tenant
    beside = kept(web, Api(web, file.conn), file.conn, tmp_path)
    file.conn.execute("update tenants set status = 'suspended' where id = %s", (tenant,))
    assert web.get(link).status_code == 404

    slug = make.value(file.conn, "select slug from tenants where id = %s", tenant)
    with Database.at(database).connect("test") as conn:
        with transaction(conn):
            exported = [row.content for row in leaving.export(conn, slug) if row.name == "artifacts"]
        gone = leaving.erase(conn, slug, Author("system", None, None), file.store)
    assert [row["name"] for row in exported] == ['an "ünlike" one.html']
    assert gone["artifacts"] == 1
    assert web.get(link).status_code == 404
    [left] = [key for keys in file.store.each("") for key in keys]
    assert str(beside.api.tenant) in left


def test_a_file_that_is_no_more_in_the_store_is_gone(file: File, web: TestClient) -> None:
    file.store.delete([make.value(file.conn, "select key from artifacts")])
    assert file.api("GET", f"/api/artifacts/{file.id}/download").status_code == 410
    assert web.get(file.link()).status_code == 410


def test_without_a_store_the_web_says_so(file: File, web: TestClient) -> None:
    web_of_it(web).store = None
    answer = file.api("GET", f"/api/artifacts/{file.id}/download")
    assert (answer.status_code, "ARTIFACT_URL" in answer.json()["detail"]) == (503, True)


def test_a_copy_of_a_database_erases_no_file_of_the_originals(file: File, database: str) -> None:
    file.conn.execute("update installation set fingerprint = 'elsewhere'")
    slug = make.value(file.conn, "select slug from tenants where id = %s", file.api.tenant)
    with Database.at(database).connect("test") as conn:
        assert leaving.erase(conn, slug, Author("system", None, None), file.store)["artifacts"] == 1
    assert len([key for keys in file.store.each("") for key in keys]) == 1
