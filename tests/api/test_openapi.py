"""The API as its OpenAPI page tells it: whatever a stranger's tool makes of that page is answered as the page says.

Checks of schemathesis that are left out, and why:
- positive_data_acceptance: the page can't say which kinds, zones, expressions and ids there are;
- unsupported_method of `/api/dead-letters/replay`, `/api/kpi-alerts/backtest`, `/api/pulse/tick` and the like: for a GET
  the last word is an id, and there is none such;
- use_after_free: what is cancelled, discarded or revoked can still be read;
- ignored_auth: each case would be sent three times; what opens what is asked of every route elsewhere.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    positive_data_acceptance,
    unsupported_method,
    use_after_free,
)

from api.app import openapi
from api.limits import Limit
from tests import make
from tests.api import rows
from tests.api.conftest import TOKEN, Api, MakeWeb, served

CASES = 10_000  # of all rooms together, at the least
BODY = 4  # times as many cases for an operation that takes a body: the others have few that differ
EACH = 45  # drawn cases of one endpoint in a round, beside those at the bounds of its fields
STEPS = 500  # of stories in which each step asks what an answer before leads to
OPERATORS = ("/api/tenants", "/api/processes", "/api/audit-log/operator", "/api/pulse/dispatch-ticks")

# What the page can't tell: in a case that is good but for these fields, they are good too.
TRUE: dict[str, dict[str, Any]] = {
    "create_schedule": {
        "jobType": "test.noop",
        "jobPayload": {},
        "cronExpression": None,
        "scheduledAt": None,
        "recurrence": None,
        "intervalSeconds": 60,
        "timezone": "Europe/Paris",
        "endsAt": None,
        "name": None,
        "calendarId": None,
    },
    "edit_schedule": {
        "jobType": "test.noop",
        "cronExpression": "0 9 * * 1",
        "timezone": "Asia/Tokyo",
        "recurrence": None,
        "calendarId": None,
    },
    "preview_cron": {"cronExpression": "30 2 * * *", "timezone": "Europe/Paris"},
    "create_source": {"type": "postgres", "url": "postgresql://u:p@127.0.0.1:1/x", "secret": None, "options": None},
    "edit_source": {"url": "postgresql://u:p@127.0.0.1:1/x", "secret": None, "options": None},
    "preview_source": {"timezone": "Europe/Paris"},
    "create_user": {"uid": "someone", "context": "a shop", "goal": "to grow", "segment": None},
    "edit_user": {"context": "a shop", "goal": "to grow", "segment": None},
    "upsert_users": {"users": [{"uid": "someone"}]},
    "create_crew_endpoint": {"url": "https://example.com/crew", "headers": {}, "segments": []},
    "edit_crew_endpoint": {"url": "https://example.com/crew", "headers": {}, "segments": None},
    "move_crew_scheduler": {"action": "stop", "intervalMinutes": None},
    "create_limit": {"name": "host:api.example.com", "maxRunning": 3},
    "create_calendar": {"country": "DE", "subdivision": None, "ownDays": []},
    "edit_calendar": {"country": "DE", "subdivision": None, "ownDays": []},
    # Worded without a process of its own: one a case would take minutes.
    "create_template": {"subject": "Look", "text": "It fell.", "html": None},
    "edit_template": {"subject": "Look", "text": "It fell.", "html": "It fell."},
    "preview_template": {"subject": "Look", "text": None, "html": "It fell.", "sample": None},
    "create_report_definition": {"title": "x", "subtitle": "x", "notes": "x", "parameters": [], "window": None},
    "edit_report_definition": {"title": "x", "subtitle": "x", "notes": "x", "parameters": [], "window": None},
    "preview_report_definition": {"timezone": "Europe/Paris", "parameters": {}},
    "create_scheduled_report": {
        "cronExpression": "0 8 * * 1",
        "timezone": "Europe/Paris",
        "calendarId": None,
        "emailSubject": None,
        "workspaceId": None,
        "parameters": {},
        "emailRecipients": ["someone@example.com"],
        "emailCcRecipients": [],
        "emailBccRecipients": [],
    },
    "edit_scheduled_report": {
        "cronExpression": "0 8 * * 1",
        "timezone": "Europe/Paris",
        "calendarId": None,
        "emailSubject": None,
        "workspaceId": None,
        "parameters": {},
        "emailRecipients": ["someone@example.com"],
        "emailCcRecipients": [],
        "emailBccRecipients": [],
    },
    "create_silence": {"alertId": None, "startsAt": None, "endsAt": None, "durationSeconds": 3600},
    "edit_silence": {"endsAt": None, "durationSeconds": 3600},
    "create_channel": {"type": "slack", "credential": "https://127.0.0.1:1/x", "options": {}},
    "edit_channel": {"credential": "https://127.0.0.1:1/x", "options": None},
    "create_suppression": {"recipient": "someone@example.com", "scheduleId": None},
    "create_webhook": {"url": "https://example.com/hook", "secret": None},
    "edit_webhook": {"url": "https://example.com/hook"},
    "rotate_webhook": {"secret": None},
    "create_pulse": {"cron": "0 9 * * 1", "cronTimezone": "Europe/Paris", "recipients": None, "graphIds": None},
    "edit_pulse": {"cron": "0 9 * * 1", "cronTimezone": "Europe/Paris", "recipients": None, "graphIds": None},
    "create_member": {"email": "someone@example.com"},
    "edit_member": {"email": "someone@example.com"},
    "edit_tenant": {"settings": {"defaultTimezone": "Europe/Paris"}},
    "edit_own_tenant": {"settings": {"replyTo": "someone@example.com"}},
}

SCHEMA = {
    "generation": {
        "deterministic": True,
        "no-shrink": True,
        "database": "none",
        "with-security-parameters": False,
    },
}


@dataclass
class Stranger:
    """Somebody with the page, the address and a tenant's admin token, and an operator's beside it."""

    url: str
    api: Api
    operator: Api
    conn: make.Connection
    session: requests.Session
    answers: Counter[int] = field(default_factory=Counter)

    def way(self, path: str) -> dict[str, Any]:
        """How the path is called: where, and with which token."""
        whose = TOKEN if path == "/metrics" else (self.operator if path.startswith(OPERATORS) else self.api).token
        return {"base_url": self.url, "session": self.session, "headers": {"Authorization": f"Bearer {whose}"}}

    def ask(self, case: Case[Any], ids: dict[str, list[str]]) -> None:
        """Sends the case, and checks that the answer is one that the page tells."""
        # Three of four good cases are about rows that are there.
        if (case.meta is None or case.meta.generation.mode.is_positive) and self.answers.total() % 4:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = ids[name][self.answers.total() % len(ids[name])]
            self.make_true(case)
        answer = case.call_and_validate(excluded_checks=_left_out(case), **self.way(case.path))
        self.answers[answer.status_code] += 1

    def make_true(self, case: Case[Any]) -> None:
        """Gives a case that is good as far as the page goes what the page can't tell."""
        case.headers.pop("if-match", None)
        name = case.operation.definition.raw["operationId"]
        if name in TRUE and isinstance(case.body, dict):
            wanted = TRUE[name] if name.startswith("create") else set(TRUE[name]) & set(case.body)
            case.body = {**case.body, **{each: TRUE[name][each] for each in wanted}}


@pytest.fixture
def stranger(make_web: MakeWeb, database: str, conn: make.Connection, tmp_path: Path) -> Iterator[Stranger]:
    """A stranger before a web server on loopback, whose limits they do not reach."""
    web = make_web(database, artifact_url=tmp_path.as_uri())
    assert isinstance(web.app, FastAPI)
    held = web.app.state.web
    held.per_caller, held.per_tenant, held.wrong_tokens = Limit(10**9), Limit(10**9), Limit(10**9)
    with served(web.app) as url, requests.Session() as session:
        yield Stranger(url, Api(web, conn), Api(web, conn, "operator"), conn, session)


NAMED_LIKE_AN_ID = (
    "/api/dead-letters/groups",
    "/api/dead-letters/effect",
    "/api/dead-letters/replay",
    "/api/dead-letters/discard",
    "/api/kpi-alerts/backtest",
    "/api/templates/preview",
    "/api/pulse/tick",
    "/api/pulse/dispatch-ticks",
    "/api/pulse-job/cleanup",
)


def _left_out(case: Case[Any]) -> list[Any]:
    always = [positive_data_acceptance, use_after_free, ignored_auth]
    return [*always, unsupported_method] if case.path in NAMED_LIKE_AN_ID else always


def _schema() -> Any:
    return schemathesis.openapi.from_dict(openapi(), config=SchemathesisConfig.from_dict(SCHEMA))


def _settings(cases: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=cases,
        stateful_step_count=8,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def _ask_all(stranger: Stranger, operation: Any, round_number: int, times: int) -> None:
    """Asks one round of cases of the operation; the first with every bound of its fields."""
    ids = rows.of_every_sort(stranger.conn, stranger.api)
    modes = [HypothesisTestMode.FUZZING] + ([HypothesisTestMode.COVERAGE] if round_number == 0 else [])
    settings, project = _settings(EACH * times), operation.schema.config

    def ask(case: Case[Any]) -> None:
        stranger.ask(case, ids)

    create_test(
        operation=operation,
        test_func=hypothesis.seed(round_number)(ask),
        config=HypothesisTestConfig(project=project, modes=modes, settings=settings),
    )()


def _rooms() -> dict[str, int]:
    """How many cases each room of the page gets, by how many operations it has."""
    weights: Counter[str] = Counter()
    for path in openapi()["paths"].values():
        for operation in path.values():
            weights[operation["tags"][0]] += BODY if "requestBody" in operation else 1
    return {room: ceil(CASES * weight / weights.total()) for room, weight in weights.items()}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.long)])
@pytest.mark.parametrize("room", sorted(_rooms()))
def test_every_case_of_a_room_is_answered_as_the_page_says(room: str, times: int, stranger: Stranger) -> None:
    found = [each.ok() for each in _schema().get_all_operations()]
    operations = [each for each in found if room == each.definition.raw["tags"][0]]
    wanted = _rooms()[room] * times

    for round_number in count():
        for operation in operations:
            _ask_all(stranger, operation, round_number, times)
        if stranger.answers.total() >= wanted:
            break

    assert not [status for status in stranger.answers if status >= 500]
    assert [status for status in stranger.answers if status < 300]
    print(f"{room}: {stranger.answers.total()} cases, {dict(sorted(stranger.answers.items()))}")  # noqa: T201  the figures


def _story(stranger: Stranger, wrong: list[str]) -> Any:
    """The state machine whose steps are requests; what is answered against the page is added to `wrong`."""
    own = {str(stranger.api.made.id), stranger.api("GET", "/api/tenant").json()["slug"]}

    class Story(_schema().as_state_machine()):  # type: ignore[misc]  # made while running
        def before_call(self, case: Case[Any]) -> None:
            for name, value in (case.path_parameters or {}).items():
                if value in own:  # they would shut themselves out
                    case.path_parameters[name] = str(uuid4())
            if case.meta is None or case.meta.generation.mode.is_positive:
                stranger.make_true(case)

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return stranger.way(case.path)

        def after_call(self, response: Any, case: Case[Any]) -> None:  # noqa: ARG002  as schemathesis calls it
            stranger.answers[response.status_code] += 1

        def validate_response(self, response: Any, case: Case[Any], **options: Any) -> None:
            try:
                case.validate_response(response, excluded_checks=_left_out(case), transport_kwargs=options)
            except FailureGroup as failure:
                wrong.append(str(failure))

    return Story


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.long)])
def test_what_one_answer_leads_to_is_answered_as_the_page_says(times: int, stranger: Stranger) -> None:
    rows.of_every_sort(stranger.conn, stranger.api)
    wrong: list[str] = []
    machine = _story(stranger, wrong)

    for number in count():
        hypothesis.seed(number)(machine)
        # What lists hold changes from story to story, which hypothesis may notice; then another seed goes on.
        with contextlib.suppress(FlakyStrategyDefinition):
            machine.run(settings=_settings(10))
        if wrong or stranger.answers.total() >= STEPS * times:
            break

    assert wrong == []
    assert stranger.answers[401] == stranger.answers[403] == 0
    assert not [status for status in stranger.answers if status >= 500]
    assert [status for status in stranger.answers if status < 300]
    print(f"stories: {stranger.answers.total()} steps, {dict(sorted(stranger.answers.items()))}")  # noqa: T201  the figures
