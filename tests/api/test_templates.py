"""`/api/templates`: a template is tried before it is kept, kept while an alert is worded by it, and its tenant's alone."""

import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests import make
from tests.api import tenanted
from tests.api.conftest import Api, TestClient
from workers.kinds.purposes import PURPOSES
from workers.templating import apart

OURS = {
    "name": "ours",
    "purpose": "kpi.threshold",
    "subject": "{{ alert }}: {{ headline }}",
    "text": "{% for member in members %}{{ member.sentence }}\n{% endfor %}",
    "html": "<p>{{ alert }}</p>",
}
THRESHOLD = {"condition": "EQUAL", "thresholdValue": 1}


@pytest.fixture
def api(host: TestClient, owner: make.Connection) -> Api:
    """A tenant of its own on the module's web."""
    return Api(host, owner)


@pytest.fixture
def conn(owner: make.Connection) -> make.Connection:
    """A connection to its database."""
    return owner


def alert_of(api: Api, conn: make.Connection, **fields: Any) -> Any:
    assert api.tenant
    graph = tenanted.graph(conn, api.tenant, "alfa")
    body = {"alertName": "low", "recipients": ["ann@example.com"], "graphId": graph, "threshold": THRESHOLD}
    return api("POST", "/api/kpi-alerts", json=body | fields)


def test_a_template_is_made_shown_changed_and_deleted(api: Api) -> None:
    made = api("POST", "/api/templates", json=OURS)
    assert made.status_code == 201, made.text
    row = made.json()
    assert OURS.items() <= row.items()
    path = f"/api/templates/{row['id']}"
    edited = api("PATCH", path, json={"text": None, "subject": "{{ headline }}"}).json()
    assert (edited["text"], edited["subject"], edited["html"], edited["version"]) == (
        None,
        "{{ headline }}",
        OURS["html"],
        2,
    )
    assert api("GET", path).json() == edited
    assert [each["id"] for each in api("GET", "/api/templates?purpose=kpi.threshold").json()["items"]] == [row["id"]]
    assert api("GET", "/api/templates?purpose=kpi.schedule").json()["items"] == []
    assert api("PATCH", path, json={"purpose": "kpi.schedule"}).status_code == 422
    assert api("POST", "/api/templates", json=OURS).status_code == 422
    assert api("DELETE", path, headers={"If-Match": made.headers["etag"]}).status_code == 412
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404


WRONG = [
    ({"subject": "{{ alrt }}"}, "/subject", "line 1: there is no `alrt`; there are `alert`, `graph`"),
    ({"text": "\n\n{{ members[0].nme }}"}, "/text", "line 3: there is no `nme` in it; there are `segment`"),
    ({"html": "<p>\n{% if alert %}</p>"}, "/html", "line 2: Unexpected end of template"),
    ({"html": "{{ ''.__class__ }}"}, "/html", "line 1: there is no `__class__`"),
    ({"text": "{% include '/etc/passwd' %}"}, "/text", "takes no other template"),
    ({"text": "{{ 1 / (members | length - 2) }}"}, "/text", "division by zero (sample segments)"),
    ({"subject": "a\nb"}, "/subject", "takes one line"),
    ({"subject": "a\r\nBcc: b@example.com"}, "/subject", "takes one line"),
    ({"subject": "{# nothing #}"}, "/subject", "comes out empty"),
    ({"html": "<script>{{ alert }}</script>"}, "/html", "comes out empty"),
    ({"text": "x\x1b"}, "/text", "takes printable text"),
    ({"html": "x" * 100_001}, "/html", "100000"),
    ({"purpose": "no.such"}, "/purpose", "takes"),
]


def test_one_too_many_at_once_may_come_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(apart, "_ROOM", threading.BoundedSemaphore(1))
        patch.setattr("api.templates.ROOM_SECONDS", 0.01)
        with apart._ROOM:
            answer = api("POST", "/api/templates", json=OURS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert api("POST", "/api/templates", json=OURS).status_code == 201


@pytest.mark.parametrize(("fields", "pointer", "said"), WRONG, ids=[str(each[0])[:40] for each in WRONG])
def test_what_is_wrong_is_named_by_part_and_line_and_nothing_is_kept(
    api: Api, fields: dict[str, Any], pointer: str, said: str
) -> None:
    body = {"name": "ours", "purpose": "kpi.threshold"} | fields
    answer = api("POST", "/api/templates", json=body)
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]
    assert api("GET", "/api/templates").json()["items"] == []


def test_an_edit_is_tried_too_and_one_that_fails_leaves_all_as_it_was(api: Api) -> None:
    row = api("POST", "/api/templates", json=OURS).json()
    answer = api("PATCH", f"/api/templates/{row['id']}", json={"text": "{{ report }}"})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/text"]
    assert api("GET", f"/api/templates/{row['id']}").json() == row


def test_a_preview_is_refused_as_the_template_would_be(api: Api) -> None:
    answer = api("POST", "/api/templates/preview", json={"purpose": "kpi.schedule", "text": "x\n{{ alert }}"})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/text")
    assert error["detail"].startswith("line 2: there is no `alert`; there are ")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_preview_shows_a_sample_in_the_words_of_both(api: Api, purpose: str) -> None:
    body = {"purpose": purpose, "subject": "Ours: {{ subject }}", "html": "<p onclick=x>{{ slot_at }}</p>"}
    first = api("POST", "/api/templates/preview", json=body).json()
    samples = PURPOSES[purpose].samples()
    assert first["samples"] == [*samples]
    message = samples[first["sample"]].message
    assert (first["subject"], first["text"]) == (f"Ours: {message.subject}", message.text)
    assert "<body>\n<p>Mon 23 Nov 2026, 08:00</p>\n</body>" in first["html"]
    last = api("POST", "/api/templates/preview", json=body | {"sample": first["samples"][-1]}).json()
    assert last["subject"] == f"Ours: {samples[last['sample']].message.subject}"
    answer = api("POST", "/api/templates/preview", json=body | {"sample": "none"})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/sample"]


def test_an_alert_takes_a_template_of_its_own_purpose(api: Api, conn: make.Connection) -> None:
    right, wrong = (
        api("POST", "/api/templates", json={"name": purpose, "purpose": purpose, "subject": "Look"}).json()["id"]
        for purpose in ("kpi.threshold", "kpi.schedule")
    )
    refused = alert_of(api, conn, templateId=wrong)
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/templateId"]
    made = alert_of(api, conn, templateId=right).json()
    assert made["templateId"] == right
    params = "select params ->> 'templateId' from schedules where id = %s"
    assert make.value(conn, params, UUID(made["scheduleId"])) == right
    path = f"/api/kpi-alerts/{made['id']}"
    assert api("PATCH", path, json={"templateId": wrong}).status_code == 422
    # The database refuses it too, whoever writes.
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        conn.execute("update kpi_alerts set template_id = %s where id = %s", (wrong, made["id"]))
    assert api("PATCH", path, json={"description": "x"}).json()["templateId"] == right
    assert api("PATCH", path, json={"templateId": None}).json()["templateId"] is None
    assert make.value(conn, params, UUID(made["scheduleId"])) is None


def test_a_template_that_words_an_alert_stays(api: Api, conn: make.Connection) -> None:
    template = api("POST", "/api/templates", json=OURS).json()["id"]
    alert = alert_of(api, conn, templateId=template).json()["id"]
    answer = api("DELETE", f"/api/templates/{template}")
    assert (answer.status_code, "'low'" in answer.text) == (409, True)
    assert api("DELETE", f"/api/kpi-alerts/{alert}").status_code == 204
    assert api("DELETE", f"/api/templates/{template}").status_code == 204


def test_no_alert_is_worded_by_another_tenants_template(api: Api, host: TestClient, conn: make.Connection) -> None:
    a, b = api, Api(host, conn)
    assert b.tenant
    theirs = tenanted.template(conn, b.tenant, "bravo")
    refused = alert_of(a, conn, templateId=theirs)
    unknown = alert_of(a, conn, templateId=str(UUID(int=UUID(theirs).int ^ 1)))
    assert (refused.status_code, unknown.status_code) == (422, 422)
    assert "bravo" not in refused.text
    mine = alert_of(a, conn).json()["id"]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        conn.execute("update kpi_alerts set template_id = %s where id = %s", (theirs, mine))
