"""Files within a page: whoever made one, nothing in it runs here."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from httpx2 import Response

from api.app import create_app
from db.store import Owner, key_of
from tests import make
from tests.api.conftest import Api, TestClient, web_of_it
from tests.api.tenanted import ROWS

EVIL = b"<html><script>fetch('/api/tokens')</script></html>"


@pytest.fixture(scope="module")
def keeping(
    shared: tuple[TestClient, make.Connection], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """The same database, by a web process that has a store."""
    settings = replace(web_of_it(shared[0]).settings, artifact_url=tmp_path_factory.mktemp("files").as_uri())
    with TestClient(create_app(settings)) as web:
        yield web


def view(keeping: TestClient, conn: make.Connection, folder: Path, content: bytes, media: str, form: str) -> Response:
    """The answer to who looks at a file of that content, which its kind called so."""
    api = Api(keeping, conn)
    run_id = UUID(ROWS["run_id"](conn, api.tenant, "own"))
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    digest = sha256(content).hexdigest()
    assert api.tenant is not None
    key = key_of(Owner(make.value(conn, "select id from installation"), api.tenant, run_id, 1), digest)
    (folder / "it").write_bytes(content)
    store = web_of_it(keeping).store
    assert store is not None
    store.put(key, folder / "it")
    row = {"name": f"it.{form}", "format": form, "content_type": media, "size_bytes": len(content)}
    file_id = make.artifact(conn, api.tenant, run_id, slot_at, **row, key=key, sha256=digest)
    answer = api("GET", f"/artifacts/{file_id}/view")
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("form", ["pdf", "png", "svg", "html", "csv", "json", "zip"])
def test_a_file_that_is_called_a_page_runs_nothing(
    keeping: TestClient, conn: make.Connection, tmp_path: Path, form: str
) -> None:
    answer = view(keeping, conn, tmp_path, EVIL, "text/html", form)
    media, policy = answer.headers["content-type"], answer.headers["content-security-policy"]
    assert "sandbox" in policy or media == "application/pdf"
    assert "allow-scripts" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]


def test_a_table_is_shown_by_its_cells_as_text(keeping: TestClient, conn: make.Connection, tmp_path: Path) -> None:
    answer = view(keeping, conn, tmp_path, b"a,b\r\n<script>,2\r\n", "text/csv", "csv")
    assert "<td>&lt;script&gt;</td><td>2</td>" in answer.text
