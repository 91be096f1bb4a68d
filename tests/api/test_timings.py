"""Alerts, pulses and reports recur in each way that a schedule does, and an edit that names no other keeps it."""

from typing import Any

import pytest

from tests import make
from tests.api import tenanted
from tests.api.conftest import Api, TestClient

ANCHOR = "2026-01-01T00:20:00Z"
WEEKLY = {"every": "week", "interval": 2, "from": "2026-01-05", "days": ["tue"], "hour": 7}
NAMES = ("intervalSeconds", "intervalAnchor", "scheduledAt", "recurrence")
NOUNS: dict[str, tuple[str, str, str | None, str]] = {
    "pulse": ("/api/pulse", "PUT", None, "cron"),
    "report": ("/api/scheduled-reports", "PATCH", None, "cronExpression"),
    "threshold": ("/api/kpi-alerts", "PATCH", "threshold", "checkCron"),
    "schedule": ("/api/kpi-alerts", "PATCH", "schedule", "cron"),
}


@pytest.fixture
def conn(owner: make.Connection) -> make.Connection:
    """A connection to the module's database."""
    return owner


@pytest.fixture
def api(host: TestClient, conn: make.Connection) -> Api:
    """A tenant of its own in the module's web."""
    return Api(host, conn)


class Timed:
    """A noun with a schedule of its own, asked of the API."""

    def __init__(self, api: Api, conn: make.Connection, noun: str) -> None:
        self.api, (self.path, self.verb, self.part, self.expression) = api, NOUNS[noun]
        assert api.tenant
        graph = {"graphId": tenanted.graph(conn, api.tenant, "alfa")}
        if noun == "pulse":
            self.body: dict[str, Any] = {"name": "x", "prompt": "What is new?"}
        elif noun == "report":
            answer = api("POST", "/api/report-definitions", json={"name": "y", **graph})
            assert answer.status_code == 201, answer.text
            self.body = {"name": "x", "reportType": "y", "exportFormats": ["csv"]}
        else:
            self.body = {"alertName": "x", "alertType": noun, "recipients": ["a@example.com"], **graph}

    def _placed(self, fields: dict[str, Any]) -> dict[str, Any]:
        rule = {"thresholdValue": 1} if self.part == "threshold" else {}
        return {self.part: {**rule, **fields}} if self.part else fields

    def make(self, fields: dict[str, Any]) -> Any:
        return self.api("POST", self.path, json=self.body | self._placed(fields))

    def edit(self, made: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        fields = {self.part: fields} if self.part else fields
        answer = self.api(self.verb, f"{self.path}/{made['id']}", json=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def rename(self, made: dict[str, Any]) -> dict[str, Any]:
        name = "alertName" if self.part else "name"
        answer = self.api(self.verb, f"{self.path}/{made['id']}", json={name: "y"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def said(self, row: dict[str, Any]) -> dict[str, Any]:
        """The ways to recur that it says."""
        part = row[self.part] if self.part else row
        return {name: part[name] for name in (self.expression, *NAMES) if part.get(name) is not None}

    def schedule(self, made: dict[str, Any]) -> dict[str, Any]:
        return dict(self.api("GET", f"/api/schedules/{made.get('scheduleId') or made['id']}").json())


@pytest.fixture(params=NOUNS)
def timed(request: pytest.FixtureRequest, api: Api, conn: make.Connection) -> Timed:
    return Timed(api, conn, request.param)


def test_each_way_to_recur_is_made_told_and_given_up_for_another(timed: Timed) -> None:
    answer = timed.make({"intervalSeconds": 3600, "intervalAnchor": ANCHOR})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert timed.said(made) == {"intervalSeconds": 3600, "intervalAnchor": ANCHOR}
    slow = timed.edit(made, {"intervalSeconds": 7200})
    assert timed.said(slow) == {"intervalSeconds": 7200, "intervalAnchor": ANCHOR}
    weekly = timed.edit(made, {"recurrence": WEEKLY})
    assert timed.said(weekly) == {"recurrence": WEEKLY | {"minute": 0, "shift": "skip", "weekends": False}}
    once = timed.edit(made, {"scheduledAt": "2099-01-01T00:00:00Z"})
    assert timed.said(once) == {"scheduledAt": "2099-01-01T00:00:00Z"}
    assert timed.said(timed.edit(made, {timed.expression: "0 9 * * *"})) == {timed.expression: "0 9 * * *"}


def test_what_is_named_and_the_same_plans_nothing_anew(timed: Timed) -> None:
    made = timed.make({"intervalSeconds": 3600, "intervalAnchor": ANCHOR}).json()
    assert timed.said(timed.edit(made, {"intervalSeconds": 3600})) == timed.said(made)
    timed.edit(made, {"recurrence": WEEKLY})
    timed.edit(made, {"recurrence": {name: value for name, value in WEEKLY.items() if name != "from"}})
    assert timed.schedule(made)["recurrence"]["from"] == WEEKLY["from"]


def test_an_edit_keeps_what_was_given_to_its_schedule_alone_and_gives_it_up_for_an_expression(timed: Timed) -> None:
    first = {"frequencyInterval": "day"} if timed.part == "schedule" else {timed.expression: "@daily"}
    made = timed.make(first).json()
    schedule = f"/api/schedules/{made.get('scheduleId') or made['id']}"
    changed = timed.api("PATCH", schedule, json={"intervalSeconds": 600, "intervalAnchor": ANCHOR})
    assert changed.status_code == 200, changed.text
    renamed = timed.rename(made)
    assert timed.said(renamed) == {"intervalSeconds": 600, "intervalAnchor": ANCHOR}
    assert timed.schedule(made)["intervalSeconds"] == 600
    # The one that it had before, and the defaults of bodies, are changes like any other.
    assert timed.schedule(timed.edit(made, {timed.expression: "@daily"}))["cronExpression"] == "@daily"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"intervalSeconds": 60, "recurrence": {"every": "day"}}, None),
        ({"intervalSeconds": 0}, "intervalSeconds"),
        ({"intervalSeconds": "60"}, "intervalSeconds"),
        ({"recurrence": {"every": "week", "days": ["first mon"]}}, "recurrence/days/0"),
        ({"scheduledAt": "2027-01-01T00:00:00"}, "scheduledAt"),
    ],
)
def test_what_is_no_way_to_recur_is_refused_by_its_field(
    timed: Timed, fields: dict[str, Any], pointer: str | None
) -> None:
    answer = timed.make(fields)
    assert answer.status_code == 422, answer.text
    of_both = "frequencyInterval" if timed.part == "schedule" else timed.expression
    wanted = "/".join(["", *filter(None, (timed.part, pointer or of_both))])
    assert [each["pointer"] for each in answer.json()["errors"]] == [wanted]
