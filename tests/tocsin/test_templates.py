"""`tocsin templates` from end to end."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin

OURS = {"name": "ours", "purpose": "kpi.threshold", "subject": "Look: {{ alert }}", "html": "<p>{{ headline }}</p>"}


@pytest.fixture(autouse=True)
def acme(conn: make.Connection) -> None:
    make.tenant(conn, slug="acme")


def test_templates_are_made_looked_at_changed_and_deleted(tocsin: Tocsin, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(OURS))
    assert "made the template ours" in tocsin("templates", "create", f"@{file}").out
    assert tocsin("templates", "show", "ours", "--json").json()["html"] == OURS["html"]
    assert tocsin("templates", "preview", f"@{file}").out.startswith("Subject: Look: Revenue fell\n")
    page = tocsin("templates", "preview", f"@{file}", "--part", "html").out
    assert "<body>\n<p>Threshold crossed</p>\n</body>" in page
    assert "now version 2" in tocsin("templates", "edit", "ours", '{"html": null}').out
    assert "kpi.threshold" in tocsin("templates", "list").out
    wrong = '{"name": "x", "purpose": "kpi.threshold", "text": "{{ alrt }}"}'
    assert "text: line 1: there is no `alrt`" in tocsin("templates", "create", wrong).complaint()
    assert "deleted the template ours" in tocsin("templates", "delete", "ours").out


def test_no_transaction_waits_while_a_template_is_tried(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[int] = []

    def tried(*_: Any, **__: Any) -> list[dict[str, str]]:
        found = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%%'"
        waiting.append(make.value(conn, found))
        return []

    monkeypatch.setattr("api.templates.render", tried)
    assert "made the template ours" in tocsin("templates", "create", json.dumps(OURS)).out
    assert "now version 2" in tocsin("templates", "edit", "ours", '{"text": "{{ alert }}"}').out
    assert waiting == [0, 0]
