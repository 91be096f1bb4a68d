"""Forms as a browser sends them, with every field that they show: nothing is lost, and each room's own form is taken."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from httpx2 import Response

from tests import make
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS
from tests.pages.forms import sent_by
from tests.pages.table import NOUNS, UNCHANGED

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# What an edit alone changes.
OWN = {"version", "updatedAt"}


def submit(api: Api, path: str, fields: list[tuple[str, str]]) -> Response:
    """The form's answer."""
    return api("POST", path, content=urlencode(fields), headers=FORM, follow_redirects=False)


def saved(api: Api, path: str) -> None:
    """Saves the form of the row at `path` as it is shown. Fails when it is refused."""
    answer = submit(api, f"{path}/edit", sent_by(api("GET", f"{path}/edit").text, "Save"))
    assert answer.status_code == 303, _why(answer)


def shape(api: Api, path: str) -> dict[str, Any]:
    """The row as the API shows it."""
    answer = api("GET", f"/api{path}".replace("/pulses/", "/pulse/"))
    assert answer.status_code == 200, answer.text
    return {name: value for name, value in answer.json().items() if name not in OWN}


@pytest.mark.parametrize("noun", sorted(NOUNS.keys() - UNCHANGED))
def test_a_form_that_nobody_touched_changes_nothing(two: Two, noun: str) -> None:
    path = f"/{noun}s/{ROWS[f'{noun}_id'](two.conn, two.a.tenant, 'own')}"
    before = shape(two.a, path)
    saved(two.a, path)
    assert shape(two.a, path) == before


@pytest.mark.parametrize("noun", sorted(NOUNS.keys() - {"graph", "dashboard"}))
def test_what_a_browser_sends_of_a_rooms_form_is_taken(api: Api, noun: str) -> None:
    path = f"/{noun}s/new"
    typed = {name.partition(":")[0]: value for name, value in NOUNS[noun].items()}
    shown = sent_by(api("GET", path).text, "Make")
    fields = [(name, typed.pop(name.partition(":")[0], value)) for name, value in shown]
    # A box that is ticked sends its value, beside the hidden field.
    fields += [(f"{name}:list", value) for name, value in typed.items()]
    answer = submit(api, path, fields)
    assert answer.status_code in (200, 303), _why(answer)


def made(api: Api, noun: str, **body: Any) -> str:
    """The path of a new row."""
    answer = api("POST", f"/api/{noun}s", json=body)
    assert answer.status_code == 201, answer.text
    return f"/{noun}s/{answer.json()['id']}"


def test_a_disabled_member_stays_disabled_when_their_name_is_changed(two: Two) -> None:
    path = f"/members/{ROWS['member_id'](two.conn, two.a.tenant, 'own')}"
    two.a("PATCH", f"/api{path}", json={"isDisabled": True})
    saved(two.a, path)
    assert shape(two.a, path)["disabledAt"] is not None


def test_a_dashboard_keeps_the_order_of_its_graphs(two: Two) -> None:
    graphs = [ROWS["graph_id"](two.conn, two.a.tenant, "own") for _ in range(4)]
    order = [graphs[2], graphs[0], graphs[3]]
    path = made(two.a, "dashboard", name="Ours", graphIds=order)
    saved(two.a, path)
    assert shape(two.a, path)["graphIds"] == order


def test_a_text_of_several_lines_keeps_its_ends(two: Two) -> None:
    source = ROWS["source_id"](two.conn, two.a.tenant, "own")
    graph = made(two.a, "graph", name="Ours", sourceId=source, query="\n  select 1\n  from x\n")
    template = made(two.a, "template", name="Ours", purpose="kpi.threshold", text="Look.\n")
    for path in (graph, template):
        before = shape(two.a, path)
        saved(two.a, path)
        assert shape(two.a, path) == before


def test_a_tenants_own_settings_are_saved_beside_quotas_that_are_not_theirs(two: Two) -> None:
    operator = Api(two.web, two.conn, "operator")
    slug = two.a("GET", "/api/tenant").json()["slug"]
    operator("PATCH", f"/api/tenants/{slug}", json={"settings": {"quotas": {"schedules": 7}}})
    answer = submit(two.a, "/settings", sent_by(two.a("GET", "/settings").text, "Save"))
    assert answer.status_code == 303, _why(answer)
    assert two.a("GET", "/api/tenant").json()["settings"]["quotas"] == {"schedules": 7}


def test_a_form_that_was_refused_still_takes_nobodys_change_away(two: Two) -> None:
    path = f"/graphs/{ROWS['graph_id'](two.conn, two.a.tenant, 'own')}"
    opened = dict(sent_by(two.a("GET", f"{path}/edit").text, "Save"))
    two.a("PATCH", f"/api{path}", json={"unit": "USD"})
    refused = submit(two.a, f"{path}/edit", [*(opened | {"name": "a\x07b"}).items()])
    assert refused.status_code == 422
    late = submit(two.a, f"{path}/edit", [*(dict(sent_by(refused.text, "Save")) | {"name": "Mine"}).items()])
    assert late.status_code == 412
    assert shape(two.a, path)["unit"] == "USD"
    assert "Unit: <code>USD</code>" in late.text
    assert "Column of the figure: " not in late.text
    known = submit(two.a, f"{path}/edit", sent_by(late.text, "Save"))
    assert known.status_code == 303
    assert shape(two.a, path)["name"] == "Mine"


def test_what_does_not_fit_into_a_list_of_choices_is_still_chosen(two: Two) -> None:
    chosen = ROWS["graph_id"](two.conn, two.a.tenant, "own")
    source = two.a("GET", f"/api/graphs/{chosen}").json()["sourceId"]
    dashboard = made(two.a, "dashboard", name="Ours", graphIds=[chosen])
    for number in range(205):
        row = {"id": uuid4(), "tenant_id": two.a.tenant, "name": f"Another {number}", "type": "postgres"}
        make.insert(two.conn, "sources", row | {"url": "postgresql://u@h/x"})
        make.insert(
            two.conn,
            "graphs",
            {
                "id": uuid4(),
                "tenant_id": two.a.tenant,
                "name": f"Another {number}",
                "source_id": source,
                "query": "select 1",
            },
        )
    for path in (f"/graphs/{chosen}", dashboard):
        before = shape(two.a, path)
        saved(two.a, path)
        assert shape(two.a, path) == before


def _why(answer: Response) -> str:
    """Why a form was refused, out of its page."""
    return " ".join(re.findall(r'<div class="refused".*?</div>|<h1>.*?</h1>', answer.text, re.DOTALL))
