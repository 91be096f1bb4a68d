"""Bad input of every field: the answer names the field, and nothing is stored; odd input that is good is kept as it is."""

import json
import time
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import openapi
from api.routes import (
    audit_log,
    calendars,
    channels,
    crew_endpoints,
    crew_responses,
    crew_scheduler,
    dashboards,
    dead_letters,
    deliveries,
    graphs,
    members,
    pulse_jobs,
    pulses,
    report_definitions,
    runs,
    scheduled_reports,
    schedules,
    silences,
    sources,
    templates,
    tenants,
    tokens,
    users,
)
from tests import make
from tests.api import rows
from tests.api.conftest import Api

ROOMS = (
    schedules,
    runs,
    dead_letters,
    deliveries,
    sources,
    graphs,
    dashboards,
    templates,
    users,
    crew_endpoints,
    crew_responses,
    crew_scheduler,
    pulses,
    pulse_jobs,
    report_definitions,
    scheduled_reports,
    silences,
    calendars,
    channels,
    members,
    tokens,
    tenants,
    audit_log,
)
ROUTES = {
    route.name: route
    for room in ROOMS
    for route in room.router.routes
    if isinstance(route, APIRoute) and route.body_field is not None
}
SCHEMAS = openapi()["components"]["schemas"]

NOBODYS = "00000000-0000-4000-8000-000000000000"

# A body that each route takes; a field that is not tried is what it says.
GOOD: dict[str, dict[str, Any]] = {
    "create_schedule": {"jobType": "test.noop", "intervalSeconds": 60},
    "edit_schedule": {},
    "pause_schedule": {},
    "backfill_schedule": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
    "preview_cron": {"cronExpression": "0 9 * * 1"},
    "weigh_dead_letters": {},
    "replay_dead_letters": {},
    "discard_dead_letters": {},
    "resend_delivery": {},
    "create_source": {"name": "figures", "url": "postgresql://u:p@127.0.0.1:1/x"},
    "edit_source": {},
    "preview_source": {"query": "select 1"},
    "create_graph": {"name": "orders", "sourceId": NOBODYS, "query": "select 1"},
    "edit_graph": {},
    "create_dashboard": {"name": "mondays", "graphIds": [NOBODYS]},
    "edit_dashboard": {},
    "create_template": {"name": "ours", "purpose": "kpi.threshold"},
    "edit_template": {},
    "preview_template": {"purpose": "kpi.threshold"},
    "create_pulse": {"name": "mondays", "prompt": "what is new?", "cron": "0 9 * * 1"},
    "edit_pulse": {},
    "clean_up_pulse_jobs": {},
    "create_report_definition": {"name": "sales", "graphId": NOBODYS},
    "edit_report_definition": {},
    "preview_report_definition": {},
    "create_scheduled_report": {
        "name": "weekly",
        "reportType": "sales",
        "cronExpression": "0 8 * * 1",
        "exportFormats": ["csv"],
    },
    "edit_scheduled_report": {},
    "create_silence": {"name": "a move", "durationSeconds": 3600},
    "edit_silence": {},
    "create_calendar": {"name": "a year", "country": "DE", "ownDays": [{"date": "2026-12-24", "name": "a day"}]},
    "edit_calendar": {"country": "DE"},
    "create_channel": {"name": "ops", "type": "slack", "credential": "https://hooks.example.com/x"},
    "edit_channel": {},
    "create_user": {"uid": "someone"},
    "edit_user": {},
    "upsert_users": {"users": [{"uid": "someone"}]},
    "import_users_of_source": {"sourceId": NOBODYS, "query": "select 1"},
    "create_crew_endpoint": {"name": "ours", "url": "https://example.com/crew"},
    "edit_crew_endpoint": {},
    "create_crew_response": {"userUid": "someone", "responseData": {}},
    "move_crew_scheduler": {"action": "stop"},
    "create_member": {"subject": "someone", "email": "someone@example.com"},
    "edit_member": {},
    "create_token": {"name": "a token", "scope": "read"},
    "create_tenant": {"slug": "another"},
    "edit_tenant": {},
    "edit_own_tenant": {},
}
RECURRENCES = ("cronExpression", "intervalSeconds", "scheduledAt", "recurrence")
# The way to recur of each good body, in whose place another one stands.
RECURS = {"create_schedule": "intervalSeconds", "create_pulse": "cron", "create_scheduled_report": "cronExpression"}
OPERATORS = ("create_tenant", "edit_tenant")

NAN, INFINITE = float("nan"), float("inf")
HUGE = 10**400
CONTROLS = ["a\0b", "\ud800", "a\x1bb", "\u202e\n", "\x85"]
WRONG: dict[str, list[Any]] = {
    "string": [5, True, [], {}, NAN, HUGE, "x" * 150_000, *CONTROLS],
    "choice": [5, True, [], {}, NAN, HUGE, "", "nosuch", "x" * 150_000, *CONTROLS],
    "date-time": [5, True, [], {}, NAN, HUGE, "", "soon", "2026-01-01T00:00:00", "9" * 10_000, *CONTROLS],
    "uuid": [5, True, [], {}, NAN, HUGE, "", "nosuch", "x" * 150_000, *CONTROLS],
    "integer": ["many", "1", 1.5, True, [], {}, NAN, INFINITE, -INFINITE, HUGE, -HUGE, *CONTROLS],
    "number": ["many", [], {}, NAN, INFINITE, -INFINITE, HUGE, -1, *CONTROLS],
    "boolean": ["perhaps", 2, 1.5, [], {}, NAN, INFINITE, HUGE, *CONTROLS],
    "array": ["x", 5, True, {}, NAN, [5], [None], [[]], *([each] for each in CONTROLS)],
    "object": ["x", 5, True, [], NAN, *CONTROLS],
    "free": [{"a": NAN}, {"a": [INFINITE]}, {"a\0": 1}, {"a": {"b": "\0"}}, {"\ud800": 1}, {"a": "\udfff"}],
}
# Free text: what breaks a line belongs to it.
_LONG_TEXT = ["a\x1bb", "\u202e\n", "\x85"]
MANY_LINES = dict.fromkeys(
    (
        "preview_source.query",
        "weigh_dead_letters.error",
        "replay_dead_letters.error",
        "discard_dead_letters.error",
        "create_user.context",
        "create_user.goal",
        "edit_user.context",
        "edit_user.goal",
        "create_crew_response.requestContext",
        "create_crew_response.requestGoal",
    ),
    _LONG_TEXT,
)


def _sorts(schema: dict[str, Any]) -> set[str]:
    """Which sorts of value a field takes, `null` among them."""
    if "$ref" in schema:
        return {"object"}
    if "anyOf" in schema:
        return set().union(*(_sorts(each) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return {"choice"}
    if schema.get("additionalProperties") is True:
        return {"object", "free"}
    form = str(schema.get("format"))
    return {form if form in ("date-time", "uuid") else str(schema["type"])}


def _wrong(schema: dict[str, Any]) -> list[Any]:
    sorts = _sorts(schema)
    values = [value for sort in sorts - {"null"} for value in WRONG[sort]]
    return values if "null" in sorts else [*values, None]


def _fields(name: str) -> list[tuple[str, dict[str, Any]]]:
    """The fields of the route's body, as the OpenAPI document shows them, and of the models within by their path."""
    body = SCHEMAS[_model(name)]
    found = list(body["properties"].items())
    for field, schema in body["properties"].items():
        if "$ref" in schema:
            inner = SCHEMAS[schema["$ref"].rpartition("/")[2]]["properties"]
            found += [(f"{field}/{within}", each) for within, each in inner.items()]
    return found


def _model(name: str) -> str:
    field: Any = ROUTES[name].body_field
    model: Any = field.field_info.annotation
    return str(getattr(model, "__args__", (model,))[0].__name__)


def _with(name: str, field: str, value: Any) -> bytes:
    """The route's good body with one field wrong. Infinite numbers and lone surrogates go as they are."""
    body = dict(GOOD[name])
    if name in RECURS and field in RECURRENCES:
        del body[RECURS[name]]
    outer, _, inner = field.partition("/")
    body[outer] = {inner: value} if inner else value
    return json.dumps(body).encode()


def _count(conn: make.Connection) -> dict[str, int]:
    """How many rows each table has."""
    tables = conn.execute(
        "select relname from pg_class where relkind in ('r', 'p') and not relispartition "
        "and relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {name: make.value(conn, f"select count(*) from {name}") for (name,) in tables}


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_wrong_value_is_refused_under_its_field_and_nothing_is_stored(
    name: str, api: Api, conn: make.Connection
) -> None:
    asking = api.of_scope(conn, "operator") if name in OPERATORS else api
    assert asking("GET", "/api/kinds").status_code == 200  # at its first use the default tenant is made
    ids = rows.of_every_sort(conn, api)
    path = ROUTES[name].path.format(**{each: found[0] for each, found in ids.items()})
    method = min(ROUTES[name].methods or ())
    before = _count(conn)
    wrong = []

    for field, schema in _fields(name):
        for value in _wrong(schema):
            if value in MANY_LINES.get(f"{name}.{field}", ()):
                continue
            answer = asking(
                method, path, content=_with(name, field, value), headers={"Content-Type": "application/json"}
            )
            named = [each["pointer"] for each in answer.json().get("errors") or ()]
            if answer.status_code != 422 or not [
                each for each in named if each == f"/{field}" or each.startswith(f"/{field}/")
            ]:
                wrong.append((field, repr(value)[:40], answer.status_code, answer.text[:200]))

    assert not wrong
    assert _count(conn) == before


def test_an_edit_reads_words_in_any_case_as_a_creation_does(api: Api) -> None:
    made = api("POST", "/api/schedules", json=GOOD["create_schedule"] | {"dstFold": "BOTH"})
    edited = api("PATCH", made.headers["location"], json={"overlapPolicy": "QUEUE", "dstGap": "Skip"})
    assert edited.status_code == 200, edited.text
    assert [edited.json()[name] for name in ("dstFold", "overlapPolicy", "dstGap")] == ["both", "queue", "skip"]


def test_a_method_that_a_path_lacks_is_answered_with_those_that_it_has(api: Api) -> None:
    allowed = {path: api("PUT", path).headers["allow"] for path in ("/api/schedules", "/api/dead-letters/replay")}
    assert allowed == {"/api/schedules": "GET, POST", "/api/dead-letters/replay": "POST"}


def test_every_route_with_a_body_is_tried() -> None:
    assert set(GOOD) == set(ROUTES)


# After the Big List of Naughty Strings: what is a query, a template, a path or a command elsewhere is text here.
NAUGHTY = (
    "'; drop table schedules; --",
    '" or 1=1 --',
    "100%_\\",
    "%s %(name)s {0} {name} $1",
    "{{7*7}} {% raw %} ${7*7} #{7*7}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "../../../etc/passwd",
    "$(touch /tmp/x) `id` | cat",
    "=cmd|' /C calc'!A0",
    "null",
    "undefined",
    "NaN",
    "-1e1000",
    "true",
    "\\u0000 \\x00",
    "田中さんにあげて下さい",
    "Ω≈ç√∫µ≤≥÷",
    "👩",
    "الكل في المجمو عة",
    "İıßﬀ ŉ",
    "T̗o͛ i̋n",
    "!<channel> @here <@U1>",
    "a" * 200,
)


def test_naughty_text_is_kept_and_shown_literally(api: Api) -> None:
    for text in NAUGHTY:
        body = GOOD["create_schedule"] | {"name": text, "tags": [text], "metadata": {text: [text]}}
        made = api("POST", "/api/schedules", json=body)
        assert made.status_code == 201, made.text
        path = made.headers["location"]

        shown = api("GET", path).json()
        assert (shown["name"], shown["tags"], shown["metadata"]) == (text, [text], {text: [text]})
        assert api("POST", f"{path}/pause", json={"note": text}).json()["pauseNote"] == text
        for query in ({"tag": text}, {"metadata": json.dumps({text: [text]})}):
            assert [each["name"] for each in api("GET", "/api/schedules", params=query).json()["items"]] == [text]
        assert api("GET", "/api/schedules", params={"tag": "_" + text[1:]}).json()["items"] == []
        assert api("GET", "/api/schedules", params={"jobType": text}).json()["items"] == []


ZONES = (
    "../../etc/passwd",
    "/etc/localtime",
    "localtime",
    "posixrules",
    "Factory",
    "x" * 5000,
    "a\0b",
    "",
    " UTC",
    "+02:00",
)


def test_a_timezone_is_one_of_the_names_and_no_path(api: Api) -> None:
    recurrence = {"jobType": "test.noop", "cronExpression": "0 9 * * 1"}
    for zone in ZONES:
        answers = {
            "/timezone": api("POST", "/api/schedules", json=recurrence | {"timezone": zone}),
            "/timezone ": api("POST", "/api/cron/preview", json=GOOD["preview_cron"] | {"timezone": zone}),
            "/settings/defaultTimezone": api("PATCH", "/api/tenant", json={"settings": {"defaultTimezone": zone}}),
        }
        for pointer, answer in answers.items():
            assert answer.status_code == 422, (zone, answer.text)
            assert [each["pointer"] for each in answer.json()["errors"]] == [pointer.strip()]
            assert len(answer.text) < 1000


CRONS = {
    "ten kilobytes": "1," * 5000 + "1 * * * *",
    "a list that makes a careless pattern slow": "*/1" * 300 + "! * * * *",
    "a range within a range": "1-2-3-4-5-6-7-8-9 * * * *",
    "many steps": "0" + "/1" * 400 + " * * * *",
    "reboot": "@reboot",
    "seven fields": "* * * * * * *",
    "four fields": "* * * *",
    "a day that never comes": "0 0 30 2 *",
    "its seconds too": "0 0 0 31 2 *",
    "a big number": "0 99999999999999999999 * * *",
    "other digits": "\u0660 \u0669 * * *",
    "a negative step": "*/-1 * * * *",
    "no step": "*/0 * * * *",
    "spaces": " " * 900,
}
CRON_SECONDS = 0.05


def test_a_cron_expression_that_never_fires_or_is_none_is_refused_at_once(api: Api) -> None:
    slow = {}
    for name, expression in CRONS.items():
        spent = []
        for _ in range(3):
            began = time.process_time()
            answer = api("POST", "/api/cron/preview", json={"cronExpression": expression})
            spent.append(time.process_time() - began)
            assert answer.status_code == 422, (name, answer.text)
            assert [each["pointer"] for each in answer.json()["errors"]] == ["/cronExpression"]
        if min(spent) > CRON_SECONDS:
            slow[name] = spent
    assert slow == {}


def test_seconds_are_a_sixth_field(api: Api) -> None:
    answer = api("POST", "/api/cron/preview", json={"cronExpression": "* * * * * *", "count": 3})
    assert answer.status_code == 200, answer.text
    assert len({each["at"] for each in answer.json()["items"]}) == 3


# What is no JSON (n), after the cases that JSONTestSuite names: none may pass, and none is a bug of ours.
NO_JSON = {
    "nothing": b"",
    "a space": b" ",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "half of a UTF-16": b"\xff\xfe{",
    "invalid utf-8": b'{"jobType": "\xff"}',
    "an overlong slash": b'{"jobType": "\xc0\xaf"}',
    "a surrogate in utf-8": b'{"jobType": "\xed\xa0\x80"}',
    "a cut letter": b'{"jobType": "\xc3',
    "an open object": b"{",
    "an open list": b"[",
    "an open text": b'{"a": "',
    "a closed one": b"}",
    "two values": b"{}{}",
    "a comma at the end": b'{"a": 1,}',
    "a comma alone": b"{,}",
    "no colon": b'{"a" 1}',
    "no value": b'{"a":}',
    "a bare name": b"{a: 1}",
    "single quotes": b"{'a': 1}",
    "a comment": b'{"a": 1} // x',
    "a number begins with 0": b'{"a": 01}',
    "a plus": b'{"a": +1}',
    "a point alone": b'{"a": .5}',
    "a point at the end": b'{"a": 5.}',
    "an exponent of nothing": b'{"a": 1e}',
    "hexadecimal": b'{"a": 0x1}',
    "other digits": '{"a": \u0661}'.encode(),
    "a bad escape": b'{"a": "\\x41"}',
    "half an escape": b'{"a": "\\u00"}',
    "a tab in a text": b'{"a": "\t"}',
    "a NUL": b'{"a": 1}\0',
    "a form feed": b"\f{}",
    "capitals": b'{"a": True}',
    "a word": b"nothing",
    "depth of 100,000 lists": b"[" * 100_000,
    "depth of 100,000 objects": b'{"a":' * 100_000,
    "depth of 100,000 that is closed": b"[" * 100_000 + b"]" * 100_000,
    "4,301 digits": b'{"jobType": ' + b"9" * 4301 + b"}",
    "yaml": b"jobType: test.noop",
    "html": b"<!doctype html>",
}
# JSON, or taken for it by some (y and i), as a value of `metadata`: stored as it reads, or refused.
JSON = {
    "a list": b"[]",
    "null": b"null",
    "a nested one": b'{"a": {"b": [1, {"c": null}]}}',
    "depth of 500": b'{"a":' * 500 + b"1" + b"}" * 500,
    "depth of 100,000": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a name twice": b'{"a": 1, "a": 2}',
    "an empty name": b'{"": 1}',
    "an escaped NUL": b'{"a": "\\u0000"}',
    "an escaped NUL in a name": b'{"\\u0000": 1}',
    "a lone high surrogate": b'{"a": "\\ud800"}',
    "a lone low surrogate": b'{"a": "\\udfff"}',
    "surrogates in the wrong order": b'{"a": "\\udc00\\ud800"}',
    "a pair of surrogates": b'{"a": "\\ud83d\\ude00"}',
    "a noncharacter": b'{"a": "\\uffff"}',
    "1e999": b'{"a": 1e999}',
    "-1e999": b'{"a": -1e999}',
    "1e-999": b'{"a": 1e-999}',
    "minus 0": b'{"a": -0}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "400 digits": b'{"a": ' + b"9" * 400 + b"}",
    "4,301 digits": b'{"a": ' + b"9" * 4301 + b"}",
    "a number of many decimals": b'{"a": 0.' + b"3" * 1000 + b"}",
    "a text of a megabyte and more": b'{"a": "' + b"x" * 1_000_001 + b'"}',
    "spaces": b' {\t"a"\r\n:\t1 } ',
    "solidus": b'{"a": "\\/"}',
    "separators": '{"a": "\u2028\u2029"}'.encode(),
}


def _sent(api: Api, body: bytes) -> Any:
    return api("POST", "/api/schedules", content=body, headers={"Content-Type": "application/json"})


def test_what_is_no_json_is_refused_and_nothing_is_stored(api: Api, conn: make.Connection) -> None:
    before = _count(conn)
    answers = {name: _sent(api, body) for name, body in NO_JSON.items()}

    assert {name: each.text for name, each in answers.items() if each.status_code not in (400, 422)} == {}
    assert {each.headers["content-type"] for each in answers.values()} == {"application/problem+json"}
    assert _count(conn) == before


def test_odd_json_is_kept_as_it_reads_or_refused_under_its_field(api: Api) -> None:
    wrong = {}
    for name, value in JSON.items():
        answer = _sent(api, b'{"jobType": "test.noop", "intervalSeconds": 60, "metadata": ' + value + b"}")
        if answer.status_code == 201:
            is_right = answer.json()["metadata"] == json.loads(value)
        else:
            pointers = {each["pointer"] for each in answer.json().get("errors", ())}
            is_right = answer.status_code == 400 or (answer.status_code == 422 and pointers == {"/metadata"})
        if not is_right:
            wrong[name] = (answer.status_code, answer.text[:300])
    assert wrong == {}


def test_json_in_another_encoding_is_read_rightly_or_refused(api: Api) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"):
        text = json.dumps(GOOD["create_schedule"] | {"name": f"größer {encoding}"}, ensure_ascii=False)
        answer = _sent(api, text.encode(encoding))
        assert answer.status_code in (201, 400, 422)
        assert answer.json().get("name", f"größer {encoding}") == f"größer {encoding}"


LISTS = [
    "/api/schedules",
    "/api/runs",
    "/api/dead-letters",
    "/api/deliveries",
    "/api/sources",
    "/api/graphs",
    "/api/dashboards",
    "/api/templates",
    "/api/report-definitions",
    "/api/scheduled-reports",
    "/api/silences",
    "/api/calendars",
    "/api/alert-events",
    "/api/users",
    "/api/crew-endpoints",
    "/api/channels",
    "/api/members",
    "/api/tokens",
    "/api/audit-log",
]


def test_a_page_of_a_thousand_million_is_the_largest_that_there_is(api: Api, conn: make.Connection) -> None:
    conn.execute(
        "insert into members (tenant_id, subject, email, role) "
        "select %s, 's' || n, 'someone@example.com', 'viewer' from generate_series(1, 201) as n",
        (api.tenant,),
    )
    page = api("GET", "/api/members?limit=1000000000").json()
    assert len(page["items"]) == 200
    assert len(api("GET", "/api/members", params={"cursor": page["nextCursor"]}).json()["items"]) == 1


def test_a_limit_is_a_whole_number(api: Api) -> None:
    for path in LISTS:
        assert api("GET", f"{path}?limit=1000000000").status_code == 200
        assert api("GET", f"{path}?limit={10**30}").status_code == 200
        for wrong in ("1e9", "0", "-1", "1.5", "", "NaN", "\u0663x", "1" + "0" * 5000):
            answer = api("GET", path, params={"limit": wrong})
            assert answer.status_code == 422, (path, wrong, answer.text)
            assert [each["pointer"] for each in answer.json()["errors"]] == ["limit"]
