"""What a made-up shop has in a Tocsin worth showing, made through the API: something in each room, a past, and failures."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from httpx import Client

PATIENCE_SECONDS = 240.0
_BETWEEN_LOOKS = 0.5
Found = TypeVar("Found")
# A shop's day: more in the afternoon, noise that is the same on each machine, and two hours in which it boils over.
ORDERS = """
select at, round((100 + 30 * sin(extract(epoch from at) / 86400 * 2 * pi()) + (hashtext(at::text) % 1000) / 70.0
    + case when at between date_trunc('hour', now()) - interval '50 hours' and date_trunc('hour', now()) - interval '45 hours'
           or at > date_trunc('hour', now()) - interval '3 hours' then 70 else 0 end)::numeric, 1) as value
from generate_series(date_trunc('hour', $start::timestamptz), $end::timestamptz, '1 hour') as at
"""
REGIONS = """
select at, region, round((90 + 40 * sin(extract(epoch from at) / 86400 * 2 * pi() + length(region)))::numeric, 1) as value
from generate_series(date_trunc('hour', $start::timestamptz), $end::timestamptz, '1 hour') as at,
    (values ('north'), ('south-west'), ('east')) as r (region)
"""


class Fill:
    """What is made, and the ids of it."""

    def __init__(self, web: Client, machine: dict[str, Any]) -> None:
        self._web = web
        self._hook = f"http://127.0.0.1:{machine['receiverPort']}/hook"
        self._secret = machine["webhookSecret"]
        self.ids: dict[str, str] = {}
        self._now = datetime.now(UTC).replace(microsecond=0)

    def fill(self, tell: Callable[[str], None]) -> dict[str, str]:
        """Makes everything, waits until what runs is over, and returns the ids by name."""
        self._nouns()
        self._alerts()
        self._calls()
        tell("filled; waiting until it is quiet")
        until(lambda: not any(listed(self._web, "runs", state=each) for each in ("queued", "running")), "it stays busy")
        self._latest()
        return self.ids

    def make(self, known_as: str, path: str, /, **body: Any) -> str:
        """Makes a thing, and remembers and returns its id."""
        answer = self._web.post(f"/api/{path}", json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        made = answer.json()
        self.ids[known_as] = str(made["id"])
        return self.ids[known_as]

    def _nouns(self) -> None:
        self.ids["source"] = listed(self._web, "sources")[0]["id"]
        self.make(
            "channel",
            "channels",
            name="Night watch",
            type="slack",
            credential="https://hooks.example.com/services/T0/B0/x",
        )
        self.make("channel2", "channels", name="Operations", type="teams", credential="https://example.com/hooks/y")
        self.make(
            "calendar",
            "calendars",
            name="Madrid",
            country="ES",
            ownDays=[{"date": "2027-05-03", "name": "Company day"}],
        )
        self.make(
            "template",
            "templates",
            name="Shop's words",
            purpose="kpi.threshold",
            subject="{{ headline }}: look at the shop",
        )
        self.make("suppression", "suppressions", recipient="left@acme.example")
        # Of which none happens here: nobody listens at that address.
        events = ["schedule.late", "crew.matched"]
        self.make(
            "webhook", "webhooks", name="Status page", url="https://status.example.com/hooks/tocsin", events=events
        )
        self.make("limit", "limits", name="host:api.example.com", maxRunning=4)
        for name, role in (("ada", "admin"), ("bruno", "editor"), ("chen", "viewer")):
            self.make("member", "members", email=f"{name}@acme.example", subject=name, role=role)
        self.make("token", "tokens", name="Reporting robot", scope="read")

    def _alerts(self) -> None:
        at = {"sourceId": self.ids["source"], "timeDimension": "at", "grain": "hour", "unit": "orders"}
        orders = self.make("orders", "graphs", name="Orders an hour", query=ORDERS.strip(), **at)
        regions = self.make(
            "regions", "graphs", name="Orders by region", query=REGIONS.strip(), segmentBy=["region"], **at
        )
        broken = self.make(
            "broken", "graphs", name="Returns", query="select value from returns_of_today", sourceId=self.ids["source"]
        )
        self.make("dashboard", "dashboards", name="The shop", graphIds=[orders, regions])
        # The hours that are over: its slots of the past are then judged by what was known at them.
        rule = {
            "condition": "GREATER_THAN",
            "thresholdValue": 150,
            "checkCron": "0 * * * *",
            "guards": {"recoverThreshold": 140},
        }
        people = ["ann@acme.example", "shop@acme.example", "550@acme.example"]
        self.make(
            "alert",
            "kpi-alerts",
            alertName="Unusually many orders",
            description="Something sells that should not",
            recipients=people,
            graphId=orders,
            threshold=rule,
            tags=["shop"],
        )
        band = {"condition": "OUTSIDE", "thresholdValue": 60, "thresholdHigh": 125, "checkCron": "*/30 * * * *"}
        self.make(
            "segments",
            "kpi-alerts",
            alertName="Orders by region",
            recipients=["ops@acme.example"],
            graphId=regions,
            threshold=band,
            tags=["shop"],
        )
        self.make(
            "blind",
            "kpi-alerts",
            alertName="Returns of today",
            recipients=["ops@acme.example"],
            graphId=broken,
            threshold={"condition": "GREATER_THAN", "thresholdValue": 20, "checkCron": "*/10 * * * *"},
        )
        self.make("silence", "silences", name="Stocktaking", alertId=self.ids["segments"], durationSeconds=3 * 3600)
        for name, days in (("alert", 7), ("segments", 1)):
            self.backfill(self._of_alert(name), days)
        self._run(self._of_alert("blind"))

    def _calls(self) -> None:
        paris = {"jobType": "http.call", "timezone": "Europe/Paris"}
        to = {"url": self._hook, "secret": self._secret}
        self.make(
            "schedule",
            "schedules",
            **paris,
            name="Nightly invoices",
            cronExpression="30 2 * * *",
            tags=["billing"],
            calendarId=self.ids["calendar"],
            jobPayload=to,
        )
        self.make(
            "sync",
            "schedules",
            **paris,
            name="Stock to the shop",
            cronExpression="*/15 * * * *",
            tags=["shop"],
            jobPayload=to,
        )
        # Not signed: the receiver answers 401 and each of its runs dies.
        self.make(
            "unsigned",
            "schedules",
            **paris,
            name="Prices to the tills",
            cronExpression="0 */4 * * *",
            tags=["shop"],
            jobPayload={"url": self._hook},
        )
        self.make(
            "late",
            "schedules",
            **paris,
            name="Month's end",
            recurrence={"every": "month", "days": ["last business day"], "hour": 18},
            jobPayload=to,
        )
        paused = self.make(
            "paused", "schedules", **paris, name="Old import", cronExpression="*/10 * * * *", jobPayload=to
        )
        self._web.post(f"/api/schedules/{paused}/pause", json={"note": "the warehouse moves until Friday"})
        for number in range(1, 13):
            self.make(
                f"herd{number}",
                "schedules",
                **paris,
                name=f"Morning figures {number:02}",
                cronExpression="H 9 * * 1-5",
                tags=["herd"],
                jobPayload=to,
            )
        for name, days in (
            ("schedule", 30),
            ("sync", 1),
            ("unsigned", 1),
            *((f"herd{number}", 4) for number in range(1, 13)),
        ):
            self.backfill(self.ids[name], days)

    def _latest(self) -> None:
        """The ids of what the runs made."""
        self.ids["dead"] = listed(self._web, "runs", state="dead")[0]["id"]
        self.ids["exported"] = listed(self._web, "runs", kind="report.export", state="succeeded")[0]["id"]
        self.ids["letter"] = listed(self._web, "dead-letters")[0]["id"]
        until(lambda: listed(self._web, "deliveries", state="failed"), "no message failed")
        sent = listed(self._web, "deliveries")
        # One of three people got none: the run offers to send it to that one alone.
        self.ids["run"] = next(each["runId"] for each in sent if each["state"] == "failed")
        self.ids["delivery"] = next(each["id"] for each in sent if each["recipient"] == "shop@acme.example")
        self.ids["pulse"] = self._web.get("/api/pulse").json()[0]["id"]
        self.ids["report"] = listed(self._web, "scheduled-reports")[0]["id"]
        self.ids["definition"] = listed(self._web, "report-definitions")[0]["id"]
        self.ids["endpoint"] = listed(self._web, "crew-endpoints")[0]["id"]
        self.ids["job"] = listed(self._web, "runs", kind="pulse.report", state="succeeded")[0]["id"]
        answer = self._web.get("/api/crew-responses", params={"limit": 1}).json()["items"][0]
        self.ids |= {"answer": answer["id"], "user": answer["userUid"]}

    def _of_alert(self, name: str) -> str:
        return str(self._web.get(f"/api/kpi-alerts/{self.ids[name]}").json()["scheduleId"])

    def backfill(self, schedule_id: str, days: int) -> None:
        """Makes up for the slots of the last days."""
        span = {"from": _rfc(self._now - timedelta(days=days)), "to": _rfc(self._now)}
        answer = self._web.post(f"/api/schedules/{schedule_id}/backfill", json=span)
        assert answer.is_success, answer.text

    def _run(self, schedule_id: str) -> None:
        self._web.post(f"/api/schedules/{schedule_id}/run").raise_for_status()


def _rfc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def listed(web: Client, noun: str, **wanted: str) -> list[dict[str, Any]]:
    answer = web.get(f"/api/{noun}", params={"limit": 200, **wanted})
    assert answer.is_success, f"{noun}: {answer.text}"
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def until(condition: Callable[[], Found | None], otherwise: str) -> Found:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(_BETWEEN_LOOKS)
    return found
