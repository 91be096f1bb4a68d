"""The second wall by itself: statements that are given another tenant's id find and change nothing from behind it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from db.ids import id_at, slot_of
from db.jsonb import Jsonb
from db.pool import Connection, Database
from db.query import QUERIES, Query
from db.walls import has_wall, within
from tests import make
from tests.api import tenanted
from tests.sql.statements import NAMES, declared, describe

NOT_ABOUT_ROWS = {
    "enter_tenant": "it builds the wall",
    "erase_tenant": "the owner's, who stands above the tenants",
    "export_tenant": "the owner's, who stands above the tenants",
    "count_webhooks": "a count is a row whatever it counts",
    "weigh_replay": "likewise",
    "count_silences": "likewise",
    "count_for_quota": "likewise",
    "count_crew_responses": "likewise",
    "measure_starts": "likewise, whatever it measures",
    "look_at_tenant": "likewise",
    "sign_picture": "likewise; tests/pages/test_overview.py holds that it sees no other tenant's",
    "hold_user_imports": "it locks no row, only its tenant's imports",
    "lock_quota": "asks the tenant's own row, and only where it has a quota",
}
OF_A_TENANT = sorted(
    name for name in NAMES if "%(tenant_id)s" in (QUERIES / f"{name}.sql").read_text() and name not in NOT_ABOUT_ROWS
)


def code(name: str) -> str:
    """The statement without its comments."""
    return re.sub(r"--.*", "", (QUERIES / f"{name}.sql").read_text()).strip()


READERS = [name for name in OF_A_TENANT if not re.search(r"\b(insert into|update \w+ as|delete from)\b", code(name))]
WRITERS = [name for name in OF_A_TENANT if name not in READERS]

# Whose `id` it is, and whose name or state.
OF_RUNS = {"get_run", "get_rule_version", "reopen_run"}
OF = {
    "schedule": {"get_schedule", "lock_schedule", "update_schedule", "stop_schedule", "resume_schedule",
                 "rewind_schedule"},
    "letter": {"get_dead_letter", "discard_dead_letter"},
    "delivery": {"get_delivery", "get_delivery_content", "resend_delivery"},
    "sent": {"bounce_delivery", "note_delivery"},
    "artifact": {"get_artifact"},
    "source": {"find_source", "lock_source", "update_source", "delete_source"},
    "member": {"get_member", "lock_member", "update_member", "delete_member"},
    "token": {"get_token", "revoke_token"},
    "link": {"use_sign_in_link"},
    "webhook": {"get_webhook", "lock_webhook", "open_webhook", "update_webhook", "rotate_webhook", "enable_webhook",
                "delete_webhook"},
    "channel": {"lock_channel", "update_channel", "delete_channel", "list_channels", "open_channel",
                "list_alerts_of_channel"},
    "limit": {"lock_limit", "update_limit", "delete_limit", "list_limits"},
    "graph": {"lock_graph", "update_graph", "delete_graph", "list_graphs", "get_graph"},
    "template": {"lock_template", "update_template", "delete_template", "list_templates", "get_template",
                 "list_alerts_of_template"},
    "definition": {"lock_report_definition", "update_report_definition", "delete_report_definition",
                   "list_report_definitions", "get_report_definition", "list_report_definition_versions"},
    "export": {"lock_scheduled_report", "update_scheduled_report", "delete_scheduled_report",
               "list_scheduled_reports"},
    "dashboard": {"lock_dashboard", "update_dashboard", "delete_dashboard", "list_dashboards", "show_graphs"},
    "alert": {"lock_kpi_alert", "update_kpi_alert", "delete_kpi_alert", "list_kpi_alerts"},
    "pulse": {"lock_pulse", "update_pulse", "delete_pulse", "list_pulses"},
    "silence": {"lock_silence", "update_silence", "delete_silence", "list_silences"},
    "user": {"lock_user", "update_user", "delete_user", "list_users"},
    "endpoint": {"lock_crew_endpoint", "update_crew_endpoint", "delete_crew_endpoint", "list_crew_endpoints",
                 "open_crew_endpoint"},
    "response": {"get_crew_response", "delete_crew_response"},
    "suppression": {"list_suppressions", "delete_suppression"},
    "calendar": {"lock_calendar", "hold_calendar", "update_calendar", "delete_calendar", "list_calendars"},
}  # fmt: skip


SENT = {
    "description": "",
    "export_formats": ["csv"],
    "email_enabled": False,
    "email_include_attachment": True,
    "email_include_preview": False,
    "email_send_only_if_data": False,
}


class Held:
    """A tenant with a row of everything, and the parameters that name them."""

    def __init__(self, conn: make.Connection, word: str) -> None:
        self.tenant = make.tenant(conn)
        made = {name: fill(conn, self.tenant, word) for name, fill in FILLS.items()}
        self.ids = {name: UUID(each) for name, each in made.items()}
        run_id = UUID(str(make.value(conn, "select run_id from dead_letters where id = %s", self.ids["letter"])))
        slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
        delivered = make.value(conn, "select run_id from deliveries where id = %s", self.ids["delivery"])
        artifact_run = make.value(conn, "select run_id from artifacts where id = %s", self.ids["artifact"])
        of = {"tenant_id": self.tenant, "run_id": run_id, "slot_at": slot_at, "fence": 1}
        make.insert(conn, "run_attempts", {**of, "attempt": 1, "outcome": "rejected"})
        admin = {"subject": f"{word} admin", "email": f"{word}-admin@example.com", "role": "admin"}
        make.insert(conn, "members", {"id": uuid4(), "tenant_id": self.tenant, **admin})
        steps = {"tenant_id": self.tenant, "run_id": run_id, "slot_at": slot_at, "fence": 1}
        make.insert(conn, "run_steps", {**steps, "name": "step"})
        make.insert(conn, "run_logs", {**steps, "id": uuid4(), "message": word})
        schedule_id = self.ids["schedule"]
        ahead = make.schedule(conn, self.tenant, interval_seconds=3600)
        due = make.now(conn) + timedelta(hours=1)
        make.run(conn, self.tenant, schedule_id=ahead, origin="schedule", slot_at=due, released_at=due)
        unchecked = make.schedule(conn, self.tenant, cron="0 9 * * *")
        make.run(conn, self.tenant, schedule_id=unchecked, origin="schedule", slot_at=due, state="dead")
        watching = make.value(conn, "select schedule_id from kpi_alerts where id = %s", self.ids["alert"])
        make.run(conn, self.tenant, schedule_id=watching, origin="schedule", state="dead")
        checked = {"segments": [{"segment": "", "state": "ok"}]}
        make.run(
            conn, self.tenant, schedule_id=unchecked, origin="schedule", slot_at=slot_at, state="succeeded",
            outcome=Jsonb(checked),
        )  # fmt: skip
        gated = make.schedule(conn, self.tenant, overlap_policy="queue", cron="0 9 * * *")
        make.run(conn, self.tenant, schedule_id=gated, state="pending", fence=0)
        make.run(conn, self.tenant, schedule_id=gated)
        conn.execute(
            "insert into audit_log (chain, number, tenant_id, at, who, action, subject_type, subject_id, previous, hash) "
            "values (%s, 0, %s, now(), 'x', 'x', 'x', 'x', '', ''), (%s, 0, %s, now(), 'x', 'x', 'stack', 'x', '', '')",
            (self.tenant,) * 4,
        )
        ended = make.schedule(conn, self.tenant, interval_seconds=3600, status="cancelled", next_fire_at=None)
        follow = "update crew_endpoints set is_from_setting = true where id = %s returning name"
        followed = make.value(conn, follow, self.ids["endpoint"])
        returned = UUID(tenanted.delivery(conn, self.tenant, word, state="sent"))
        asked = {"source_id": self.ids["source"], "key": word, "minute": due, "flight": uuid4()}
        failed = make.value(conn, "select run_id from deliveries where id = %s", self.ids["delivery"])
        letter_slot, delivery_slot = slot_of(self.ids["letter"]), slot_of(self.ids["delivery"])
        sent_slot = slot_of(self.ids["sent"])
        of_run: dict[str, Any] = {"id": run_id, "slot_at": slot_at}
        of_suppressions = "select recipient from suppressions where id = %s"
        self.suppressed = str(make.value(conn, of_suppressions, self.ids["suppression"]))
        uid = make.value(conn, "select uid from users where id = %s", self.ids["user"])
        asked_so = {"url": "https://example.com", "timeout_seconds": 60.0, "concurrency": 1, "protocol": "plain"}
        asked_so |= {"segments": []}
        self.of: dict[str, dict[str, Any]] = {
            "list_dead_letters": {"state": "open", "error": None, "ids": None, "parent_run_id": None},
            "group_dead_letters": {"newest": 9},
            "rewind_schedule": {"id": ahead},
            "get_dead_letter": {"slot_at": letter_slot},
            "discard_dead_letter": {"slot_at": letter_slot},
            "get_delivery": {"slot_at": delivery_slot},
            "get_delivery_content": {"slot_at": delivery_slot},
            "get_artifact": {"slot_at": slot_of(self.ids["artifact"])},
            "list_artifacts": {"run_id": artifact_run, "slot_at": slot_of(self.ids["artifact"])},
            "resend_delivery": {"slot_at": delivery_slot},
            "bounce_delivery": {"slot_at": sent_slot},
            "note_delivery": {"slot_at": sent_slot},
            "list_deliveries": {"run_id": delivered, "slot_at": delivery_slot},
            "get_source": {"name": str(self.ids["source"])},
            "get_gate": {"schedule_id": gated},
            "list_open_runs": {"schedule_id": gated},
            "keep_earlier_runs": {"schedule_id": gated},
            "insert_asked_runs": {"ids": [uuid4()], "slots": [slot_at], "origin": "manual"},
            "insert_schedule": {"id": uuid4(), "name": f"{word} other"},
            "insert_source": {"id": uuid4(), "name": f"{word} other"},
            "insert_webhook": {
                "id": uuid4(),
                "name": f"{word} other",
                "origin": "o",
                "sealed_url": "u",
                "sealed_secret": "s",
                "events": ["run.dead"],
            },
            "list_members_of_role": {"role": "viewer"},
            "list_token_names": {"ids": [self.ids["token"]]},
            "list_touched": {"number": 0},
            "list_failed_deliveries": {"run_id": failed, "slot_at": delivery_slot},
            "insert_webhook_test": {"id": id_at(slot_at), "slot_at": slot_at, "webhook_id": self.ids["webhook"]},
            "update_webhook": {"name": f"{word} renamed", "origin": "o", "events": ["run.dead"]},
            "rotate_webhook": {"sealed_secret": "s"},
            "claim_answer": {**asked, "process_id": uuid4(), "seconds": 1.0},
            "look_at_answer": asked,
            "settle_answer": {**asked, "state": "failed"},
            "insert_channel": {
                "id": uuid4(),
                "name": f"{word} other",
                "type": "slack",
                "origin": "o",
                "sealed_credential": "s",
            },
            "update_channel": {"name": f"{word} renamed", "origin": "o", "sealed_credential": "s"},
            "tell_channels": {"id": self.ids["report"], "channel_ids": [self.ids["channel"]]},
            "find_user": {"uid": uid},
            "insert_user": {"uid": f"{word} other", "priority": 5, "active": True},
            "update_user": {"priority": 7, "active": True},
            "upsert_users": {
                "uids": [f"{word} other"],
                "contexts": [None],
                "goals": [None],
                "segments": [None],
                "priorities": [5],
                "actives": [True],
                **dict.fromkeys(("has_context", "has_goal", "has_segment", "has_priority", "has_active"), True),
            },
            "list_users": {"segment": None},
            "insert_crew_endpoint": {"id": uuid4(), "name": f"{word} other", **asked_so},
            "insert_default_endpoint": {"name": followed, "url": "https://example.com/moved"},
            "rename_ended_schedule": {"id": ended, "name": f"{word} ended"},
            "update_crew_endpoint": {"name": f"{word} renamed", "keeps_headers": True, **asked_so},
            "find_crew_endpoint": {"endpoints": None},
            "list_crew_responses": {"passed": 0, "path": None, "equals": None, "matched": None},
            "count_crew_responses": {"path": None, "equals": None, "matched": None},
            "insert_crew_response": {"user_uid": uid},
            "count_slots": {
                "first_at": make.now(conn) - timedelta(hours=24),
                "columns": 49,
                "width": 1800,
                "late_seconds": 60,
                "most": 100,
            },
            "list_herds": {"until": due + timedelta(days=1), "width": 1800, "herds": 100},
            "count_next_fires": {"first_at": due, "until": due + timedelta(days=1), "width": 1800},
            "list_needs": {"most": 100},
            "insert_limit": {"name": f"host:{word}.example", "max_running": 1},
            "update_limit": {"max_running": 1},
            "insert_graph": {
                "name": f"{word} other",
                "description": "",
                "source_id": self.ids["source"],
                "query": "q",
                "unit": "",
                "format": "number",
                "segment_by": [],
            },
            "update_graph": {
                "name": f"{word} renamed",
                "description": "",
                "source_id": self.ids["source"],
                "query": "q",
                "unit": "",
                "format": "number",
                "segment_by": [],
            },
            "insert_template": {"name": f"{word} other", "purpose": "kpi.threshold", "subject": "x"},
            "update_template": {"name": f"{word} renamed", "subject": "x"},
            "insert_report_definition": {"name": f"{word} other", "description": "", "graph_id": self.ids["graph"]},
            "update_report_definition": {
                "name": f"{word} renamed",
                "description": "",
                "graph_id": self.ids["graph"],
            },
            "insert_scheduled_report": {
                "id": uuid4(),
                "schedule_id": unchecked,
                "report_definition_id": self.ids["definition"],
                **SENT,
            },
            "update_scheduled_report": {"report_definition_id": self.ids["definition"], **SENT},
            "list_reports_of_definition": {
                "id": make.value(
                    conn, "select report_definition_id from scheduled_reports where id = %s", self.ids["export"]
                )
            },
            "list_scheduled_reports": {"statuses": None},
            "list_report_executions": {
                "schedule_id": make.value(
                    conn, "select schedule_id from report_executions where tenant_id = %s limit 1", self.tenant
                ),
                "id": None,
                "slot_at": None,
            },
            "measure_report": {"schedule_id": ahead, "since": slot_at},
            "list_latest_runs": {"schedule_ids": [ahead]},
            "list_runs_of_schedule": {"schedule_id": ahead},
            "list_taken_slots": {"schedule_id": ahead, "first_at": due, "last_at": due},
            "insert_dashboard": {"name": f"{word} other", "description": ""},
            "update_dashboard": {"name": f"{word} renamed", "description": ""},
            "show_graphs": {"graph_ids": [self.ids["graph"]]},
            "insert_alert_action": {
                "alert_id": self.ids["alert"],
                "segment": "",
                "action": "snooze",
                "seconds": 60,
                "acted_by": word,
            },
            "insert_silence": {
                "name": word,
                "alert_id": None,
                "segment": "*",
                "starts_at": make.now(conn),
                "ends_at": due,
            },
            "update_silence": {"name": f"{word} renamed", "ends_at": due + timedelta(days=9)},
            "list_silences": {"alert_id": None},
            "list_silences_of_alert": {"at": due + timedelta(hours=23, minutes=30)},
            "update_kpi_alert": {
                "alert_name": word,
                "description": "",
                "recipients": [],
                "recipient_rules": Jsonb([{"role": "viewer"}]),
                "graph_id": self.ids["graph"],
            },
            "list_unchecked_slots": {"schedule_id": unchecked, "since": slot_at, "slot_at": due + timedelta(hours=1)},
            "list_recent_checks": {"schedule_id": unchecked, "slot_at": due + timedelta(hours=1), "segment": ""},
            "list_alert_checks": {"schedule_id": unchecked, "since": slot_at, "segment": ""},
            "list_alert_values": {"ids": [self.ids["alert"]]},
            "list_unchecked_alerts": {"ids": [self.ids["alert"]]},
            "list_deliveries_of_runs": {"run_ids": [UUID(str(delivered))], "slots": [delivery_slot]},
            "list_silences_over": {"since": slot_at, "until": due + timedelta(days=2)},
            "list_kpi_alerts": {"state": None},
            "find_check": {"schedule_id": ahead, "at": due},
            "insert_calendar": {"name": f"{word} other", "own_days": Jsonb([])},
            "update_calendar": {"name": f"{word} renamed", "own_days": Jsonb([])},
            "lock_calendar_schedules": {"calendar_id": self.ids["calendar"]},
            "claim_schedules": {"ids": [self.ids["schedule"]]},
            "replan_schedules": {"ids": [self.ids["schedule"]], "next_fire_at": [None]},
            "insert_suppression": {"recipient": f"{word}@example.com", "reason": "manual", "source": "x"},
            "list_suppressed": {"recipients": [self.suppressed]},
            "insert_sign_in_link": {"scope": "read", "minutes": 15, "member_id": None},
            "insert_token": {"scope": "read", "member_id": None, "is_session": True},
            "find_people": {"subject": f"{word} admin"},
            "insert_member": {"subject": f"{word} other", "email": "x@example.com", "name": word, "role": "viewer"},
        }
        worded = UUID(tenanted.alert(conn, self.tenant, word))
        conn.execute("update kpi_alerts set template_id = %s where id = %s", (self.ids["template"], worded))
        report = {"kpi_alert_id": self.ids["report"], "tenant_id": self.tenant}
        acted = {"alert_id": self.ids["alert"], "action": "acknowledge", "acted_by": word, "delivery_id": returned}
        make.insert(conn, "message_actions", {"tenant_id": self.tenant, "run_id": run_id, **acted})
        self.of |= {
            "insert_kpi_schedule": {"attachment_type": "none", "options": Jsonb({})},
            "update_kpi_schedule": {
                "attachment_type": "none",
                "options": Jsonb({}),
                "alert_id": report["kpi_alert_id"],
            },
            "list_graphs_of_alert": {"graph_id": self.ids["graph"]},
            "list_actions_of_alert": {"since": slot_at - timedelta(days=1)},
        }
        told = {"kpi_alert_id": self.ids["alert"], "position": 1, "channel_id": self.ids["channel"]}
        make.insert(conn, "kpi_alert_channels", {"tenant_id": self.tenant} | told)
        self.of |= dict.fromkeys(("find_earlier_post", "find_thread_root"), self._posts(conn))
        of_pulse = "select schedule_id from runs where id = %s"
        jobs_of = UUID(str(make.value(conn, of_pulse, self.ids["job"])))
        stale = due - timedelta(days=3)
        make.run(conn, self.tenant, schedule_id=jobs_of, kind="pulse.report", slot_at=stale, state="pending")
        conn.execute(
            "update schedules set next_fire_at = now() - interval '1 second' where id = %s", (self.ids["pulse"],)
        )
        pulse = {"prompt": word, "on_model_failure": "fallback", "skip_if_nothing_notable": False}
        pulse |= {"description": "", "attachment": "none", "test_mode": False}
        pulse |= {"recipient_rules": Jsonb([]), "names_zone": True, "template_id": None}
        unclaimed = UUID(tenanted.schedule(conn, self.tenant, word))
        self.of |= {
            "insert_pulse": {**pulse, "id": unclaimed},
            "tell_channels_of_pulse": {"id": self.ids["pulse"], "channel_ids": [self.ids["channel"]]},
            "spend_on_model": {"tokens": 1, "dollars": 0},
            "update_pulse": pulse,
            "get_pulse_job": {"id": self.ids["job"], "slot_at": slot_of(self.ids["job"])},
            "list_pulse_jobs": {"schedule_id": jobs_of},
            "list_unfinished_jobs": {"schedule_id": jobs_of},
            "list_stale_jobs": {"hours": 24},
            "find_last_pulse": {"schedule_id": jobs_of, "slot_at": due},
            "insert_preview_run": {"id": id_at(slot_at), "schedule_id": jobs_of, "slot_at": slot_at},
            "list_active_of_kind": {"kind": "pulse.report"},
            "lock_due_of_kind": {"kind": "pulse.report"},
            "list_graphs_of_tenant": {"ids": None},
        }
        move = {"tenant_id": self.tenant, "alert_id": self.ids["alert"], "segment": "", "run_id": uuid4()}
        states = {"previous_state": "ok", "state": "firing", "slot_at": slot_at, "reason": word}
        make.insert(conn, "alert_events", move | states)
        found = {"tenant_id": self.tenant, "response_id": self.ids["response"], "crew_run_id": run_id, "segment": word}
        make.insert(conn, "alert_events", found | states | {"run_id": uuid4()})
        self.of |= {
            "list_crew_matches": {"run_id": run_id},
            "find_crew_endpoints": {"named": [str(self.ids["endpoint"])]},
            "list_holding_limits": {"names": [f"endpoint:{self.ids['endpoint']}"]},
            "find_channels": {"named": [str(self.ids["channel"])]},
        }
        asking = {"tenant_id": self.tenant, "process_id": uuid4(), "expires_at": due}
        make.insert(conn, "source_answers", {**asked, **asking})
        make.schedule(conn, self.tenant, cron="0 9 * * *", calendar_id=self.ids["calendar"])
        self.of |= dict.fromkeys(OF_RUNS, of_run)
        self.every: dict[str, Any] = {
            "tenant_id": self.tenant,
            "run_id": run_id,
            "slot_at": slot_at,
            "schedule_id": schedule_id,
            "alert_id": self.ids["alert"],
            "segment": "",
            "fence": 1,
            "room": 100,
            "retention_days": 90,
            "has_no_jitter": True,
            "is_forced": True,
            "is_disabled": True,
            "is_password_given": False,
        }

    def _posts(self, conn: make.Connection) -> dict[str, Any]:
        """Two messages of a thread to a channel, one taken and one on its way, and a later one that asks for them."""
        slot_at = make.now(conn)
        for state in ("sent", "pending"):
            run_id = make.run(conn, self.tenant, state="succeeded", slot_at=slot_at)
            row = {"channel": "slack", "recipient": "told", "state": state, "provider_message_id": "1"}
            make.delivery(conn, self.tenant, run_id, slot_at, content=b'"thread":"x"', **row)
        later = slot_at + timedelta(seconds=1)
        span = {"low": slot_at - timedelta(days=1), "slot_at": later, "id": id_at(later), "recipient": "told"}
        return span | {"thread": b'"thread":"x"', "resolved": b"none"}

    def params(self, name: str, types: dict[str, str]) -> dict[str, Any]:
        """What the statement is asked with: this tenant's rows, and nothing else given."""
        given = dict.fromkeys(types) | {each: value for each, value in self.every.items() if each in types}
        whose = next((each for each, names in OF.items() if name in names), None)
        if whose is not None:
            given["id"] = self.ids[whose]
        if "room" in types:
            # A list's filter that is null asks nothing.
            given |= {each: None for each in ("schedule_id", "run_id") if each in given}
        for each, kind in types.items():
            if given[each] is None and kind.endswith("[]"):
                given[each] = []
            if given[each] is None and kind == "jsonb" and not name.startswith("list_"):
                given[each] = Jsonb({})
        return given | self.of.get(name, {})


FILLS = {
    "schedule": tenanted.schedule,
    "letter": tenanted.letter,
    "delivery": lambda conn, tenant, word: tenanted.delivery(conn, tenant, word, state="failed"),
    "sent": lambda conn, tenant, word: tenanted.delivery(conn, tenant, word, state="sent"),
    "artifact": tenanted.artifact,
    "source": tenanted.source,
    "member": tenanted.member,
    "token": tenanted.token,
    "link": tenanted.sign_in_link,
    "webhook": lambda conn, tenant, word: tenanted.webhook(
        conn, tenant, word, status="disabled", disabled_reason="gone"
    ),
    "alert": tenanted.alert,
    "channel": tenanted.channel,
    "limit": tenanted.limit,
    "calendar": tenanted.calendar,
    "graph": tenanted.graph,
    "report": tenanted.report,
    "dashboard": tenanted.dashboard,
    "template": tenanted.template,
    "pulse": tenanted.pulse,
    "job": lambda conn, tenant, word: tenanted.job(
        conn, tenant, word, state="succeeded", attempt=1, outcome={"outcome": "sent"}
    ),
    "definition": tenanted.definition,
    "export": tenanted.export,
    "execution": tenanted.execution,
    "silence": lambda conn, tenant, word: tenanted.silence(conn, tenant, word, alert_id=None),
    "suppression": tenanted.suppression,
    "user": tenanted.user_id,
    "endpoint": tenanted.endpoint,
    "response": tenanted.response,
}


@pytest.fixture(scope="module")
def held(schema: make.Connection) -> tuple[Held, Held]:
    """Two tenants with a row of everything."""
    return Held(schema, "alfa"), Held(schema, "bravo")


@pytest.fixture(scope="module")
def web_conn(shared: str) -> Iterator[Connection]:
    """A connection as the web has it."""
    with Database.at(shared).connect("test") as conn:
        assert has_wall(conn)
        yield conn


class Undone(Exception):
    """Takes back what a statement did."""


def outcome(conn: Connection, query: Query[Any], tenant: UUID, params: dict[str, Any], *, is_walled: bool) -> int | str:
    """How many rows the statement found or wrote in a transaction of the tenant's, or the name of its error; undone."""
    found: int | str = 0
    with suppress(Undone), within(conn, tenant, is_walled=is_walled):
        try:
            with conn.transaction():
                found = len(query.all(conn, **params)) if query.row is not None else query.run(conn, **params)
        except psycopg.Error as error:
            found = type(error).__name__
        raise Undone
    return found


def of(name: str) -> Query[Any]:
    """The statement as the code declares it."""
    return declared()[name][0][1]


@pytest.mark.parametrize("name", READERS)
def test_a_reader_that_is_given_another_tenants_id_finds_nothing(
    schema: make.Connection, web_conn: Connection, held: tuple[Held, Held], name: str
) -> None:
    mine, theirs = held
    params = theirs.params(name, describe(schema, name).params)

    assert outcome(web_conn, of(name), mine.tenant, params, is_walled=True) == 0
    # Without the wall it would have found them, and their own tenant does.
    assert outcome(web_conn, of(name), mine.tenant, params, is_walled=False) in range(1, 100)
    assert outcome(web_conn, of(name), theirs.tenant, params, is_walled=True) in range(1, 100)


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_that_is_given_another_tenants_id_changes_nothing(
    schema: make.Connection, web_conn: Connection, held: tuple[Held, Held], name: str
) -> None:
    mine, theirs = held
    params = theirs.params(name, describe(schema, name).params)

    assert outcome(web_conn, of(name), mine.tenant, params, is_walled=True) in (0, "InsufficientPrivilege")
    # Without the wall it would have written, or met what only a row that is found or made can meet.
    assert outcome(web_conn, of(name), mine.tenant, params, is_walled=False) not in (0, "InsufficientPrivilege")


def test_there_are_statements_to_ask() -> None:
    assert len(READERS) >= 25
    assert len(WRITERS) >= 15
