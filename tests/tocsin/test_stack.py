"""`tocsin apply`: as a whole or not at all, under locks, with who is told; and what it leaves alone."""

import io
import json
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema_rs
import psycopg
import pytest

from api import audit, tenants, tokens
from api.audit import Author
from api.graphs import GRAPHS
from config.seal import Seal
from db.pool import Database
from tests import make
from tests.tocsin.conftest import KEY, Tocsin
from tests.tocsin.stacks import FULL, PLAIN
from tocsin.complaints import Complaint
from tocsin.stack import text, work
from tocsin.stack.document import read
from tocsin.stack.sections import Means
from workers.kinds import KINDS

Write = Callable[[str], str]
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "tocsin.yaml"
VARIABLES = {
    "WAREHOUSE_PASSWORD": "hush%40pass",
    "PROMETHEUS_TOKEN": "hush-token",
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/hush",
    "INCIDENTS_PATH": "hush-path",
    "INCIDENTS_SECRET": "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g=",
    "CREW_TOKEN": "hush-crew",
    "IMPORT_TOKEN": "hush-import",
}
BASE = """
sources:
  - {name: api, type: http, url: https://api.example.com/figures, secret: "${env:CREW_TOKEN}"}
graphs:
  - {name: sales, source: api, query: "sales[*]"}
kpiAlerts:
  - {alertName: low, recipients: [a@example.com], graph: sales, threshold: {thresholdValue: 5}}
"""


class Ended(io.StringIO):
    """A terminal at which somebody pressed Ctrl-D."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment has."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file, and returns where."""

    def written(content: str) -> str:
        file = tmp_path / "stack.yaml"
        file.write_text(content)
        return str(file)

    return written


def asked(tocsin: Tocsin, file: str, *more: str) -> dict[str, Any]:
    """What apply answers in JSON."""
    answer = tocsin("apply", "-f", file, "--json", *more)
    assert answer.status == 0, answer.err
    found: dict[str, Any] = answer.json()
    return found


def steps(tocsin: Tocsin, file: str, *more: str) -> list[tuple[str, str, str]]:
    """What it would do, or with --yes did."""
    found = asked(tocsin, file, *(more or ("--plan",)))["steps"]
    return [(each["verb"], each["section"], each["name"]) for each in found]


def count(conn: make.Connection) -> list[Any]:
    """How many rows there are of what a stack makes."""
    tables = ("sources", "graphs", "kpi_alerts", "schedules", "members", "audit_log", "calendars", "channels")
    return [make.value(conn, f"select count(*) from {table}") for table in tables]


def test_the_pages_example_is_applied_and_a_plan_leaves_nothing(
    tocsin: Tocsin, conn: make.Connection, tmp_path: Path
) -> None:
    planned = asked(tocsin, str(EXAMPLE), "--plan")
    assert not any(count(conn))
    said = tocsin("apply", "-f", str(EXAMPLE), "--yes").out
    assert said.endswith("20 created, 0 changed, 0 deleted\n")
    assert "hush" not in said
    assert "+ bob@example.com starts: kpiAlerts Revenue fell (mail, as viewer, next " in said
    told = {(each["who"], each["name"], each["how"]) for each in planned["starts"]}
    assert ("ann@example.com", "Payments of the week", "mail (bcc)") in told
    assert ("the channel ops", "Revenue fell", "channel") in told
    assert steps(tocsin, str(EXAMPLE)) == []
    assert tocsin("apply", "-f", str(EXAMPLE), "--check").status == 0
    (last,) = conn.execute("select subject_id, after from audit_log order by number desc limit 1").fetchall()
    assert last[0] == "shop"
    assert last[1]["steps"] == {"create": 20, "change": 0, "delete": 0}


def test_the_schema_knows_the_example_and_every_field_and_refuses_what_apply_refuses(bare: Tocsin) -> None:
    schema = bare("apply", "--schema").json()
    knows = jsonschema_rs.validator_for(schema)
    documents = [text.read("x", each.encode())[0].value for each in (EXAMPLE.read_text(), FULL, PLAIN)]
    for document in documents:
        assert [error.message for error in knows.iter_errors(document)] == []
    assert "#/$defs/" in json.dumps(schema)
    wrongs: list[dict[str, Any]] = [
        {"graph": []},
        {"graphs": [{"name": "x", "sourceId": "y", "query": "q"}]},
        {"graphs": [{"source": "x", "query": "q"}]},
        {"kpiAlerts": [{"alertName": "x", "threshold": {"measure": "nothing"}}]},
    ]
    for wrong in wrongs:
        assert not knows.is_valid(wrong)


def test_an_error_in_the_last_row_leaves_none_and_names_its_line(
    tocsin: Tocsin, conn: make.Connection, write: Write
) -> None:
    late = BASE + "  - {alertName: late, recipients: [a@example.com], graph: sales, threshold: {thresholdValue: 1},\n"
    late += "     calendar: closed}\ncalendars:\n  - {name: closed}\nscheduledReports:\n"
    late += "  - name: last\n    reportType: nothing\n    exportFormats: [csv]\n    cronExpression: 0 9 * * *\n"
    complaint = tocsin("apply", "-f", write(late), "--yes").complaint()
    assert complaint.endswith(
        "stack.yaml:14: scheduledReports 'last' reportType: there is no report definition 'nothing'"
    )
    assert not any(count(conn))


def test_who_starts_and_stops_to_be_told_follows_recipients_roles_and_whether_it_runs(
    tocsin: Tocsin, write: Write
) -> None:
    members = "members:\n  - {subject: ann, email: ann@example.com, role: ROLE}\n"
    alert = BASE.replace("[a@example.com]", "[a@example.com, {role: viewer}], channels: []")
    first = members.replace("ROLE", "viewer") + alert
    assert {each["who"] for each in asked(tocsin, write(first), "--yes")["starts"]} == {
        "a@example.com",
        "ann@example.com",
    }
    promoted = asked(tocsin, write(members.replace("ROLE", "admin") + alert), "--plan")
    assert (promoted["starts"], [each["who"] for each in promoted["stops"]]) == ([], ["ann@example.com"])
    rests = asked(tocsin, write(first.replace("alertName: low,", "alertName: low, isActive: false,")), "--yes")
    assert {each["who"] for each in rests["stops"]} == {"a@example.com", "ann@example.com"}
    # It goes on resting where a file says nothing of it.
    assert steps(tocsin, write(first)) == []
    [step] = asked(tocsin, write(first.replace("alertName: low,", "alertName: low, isActive: true,")), "--plan")[
        "steps"
    ]
    assert step["nextRunAt"] is not None


def test_a_plan_says_what_will_arrive_elsewhere_though_nobody_starts_or_stops(
    tocsin: Tocsin, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked = BASE.replace("[a@example.com]", "[a@example.com], channels: [ops]") + (
        "  - {alertName: rests, isActive: false, channels: [ops], graph: sales, threshold: {thresholdValue: 5}}\n"
        "channels:\n  - {name: ops, type: pagerduty, credential: '${env:KEY}', options: {severity: error}}\n"
        "webhooks:\n  - {name: hook, url: '${env:HOOK}', secret: '${env:INCIDENTS_SECRET}', events: [run.dead]}\n"
    )
    monkeypatch.setenv("KEY", "0" * 32)
    monkeypatch.setenv("HOOK", "https://hooks.example.com/hush-1")
    asked(tocsin, write(hooked), "--yes")
    monkeypatch.setenv("KEY", "1" * 32)
    monkeypatch.setenv("HOOK", "https://hooks.example.com/hush-2")
    found = asked(tocsin, write(hooked), "--plan")
    assert (found["starts"], found["stops"]) == ([], [])
    assert [(each["who"], each["name"]) for each in found["moved"]] == [
        ("the channel ops", "low"),
        ("the webhook hook", "hook"),
    ]
    shown = tocsin("apply", "-f", write(hooked), "--plan").out
    assert "  ~ the channel ops now arrives elsewhere: kpiAlerts low (channel, next " in shown
    # How a message is filed is no address, and neither is a webhook's own secret.
    monkeypatch.setenv("KEY", "0" * 32)
    monkeypatch.setenv("HOOK", "https://hooks.example.com/hush-1")
    assert asked(tocsin, write(hooked.replace("severity: error", "severity: info")), "--plan")["moved"] == []


def test_a_secret_is_kept_unless_another_is_given_and_is_told_nowhere(
    tocsin: Tocsin, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(BASE)
    asked(tocsin, file, "--yes")
    assert steps(tocsin, write(BASE.replace(', secret: "${env:CREW_TOKEN}"', ""))) == []
    monkeypatch.setenv("CREW_TOKEN", "hush-another")
    answer = tocsin("apply", "-f", write(BASE), "--json", "--yes")
    [step] = answer.json()["steps"]
    assert step["fields"] == [{"field": "secret", "old": "***", "new": "*** (another)"}]
    assert "hush" not in answer.out + tocsin("export").out
    assert steps(tocsin, file) == []


def test_what_somebody_changed_by_hand_is_told_with_their_name(
    tocsin: Tocsin, conn: make.Connection, write: Write
) -> None:
    asked(tocsin, write(BASE), "--yes")
    assert tocsin("alerts", "delete", "low").status == 0
    tocsin("graphs", "create", '{"name": "own", "source": "api", "query": "x"}')
    changed = asked(tocsin, write(BASE.replace("sales[*]", "sales")), "--plan")["steps"]
    drifts = {each["name"]: each["drift"] for each in changed}
    assert drifts["sales"] is None
    assert (drifts["low"]["who"].partition(":")[0], drifts["low"]["action"]) == ("command", "kpi_alert.deleted")
    assert "(deleted by command" in tocsin("apply", "-f", write(BASE), "--plan").out
    check = tocsin("apply", "-f", write(BASE), "--check")
    assert check.status == 1


def test_what_a_token_changed_is_told_by_the_tokens_name(tocsin: Tocsin, conn: make.Connection, write: Write) -> None:
    asked(tocsin, write(BASE), "--yes")
    tenant = tenants.get(conn, "default").id
    found = tokens.create(conn, tenant, "the nightly job", "write")[0]
    graph = GRAPHS.named(conn, tenant, "sales")
    audit.record(conn, tenant, Author(f"token:{found.id}"), "graph.edited", ("graph", graph.id), {}, {"query": "x"})
    [step] = asked(tocsin, write(BASE.replace("sales[*]", "sales")), "--plan")["steps"]
    assert (step["drift"]["who"], step["drift"]["name"]) == (f"token:{found.id}", "the nightly job (token)")
    assert (
        "(edited by the nightly job (token) on "
        in tocsin("apply", "-f", write(BASE.replace("sales[*]", "sales")), "--plan").out
    )


def test_only_what_the_stack_had_is_ever_deleted_and_only_when_asked(
    tocsin: Tocsin, conn: make.Connection, write: Write
) -> None:
    asked(tocsin, write(BASE), "--yes")
    tocsin("graphs", "create", '{"name": "own", "source": "api", "query": "x"}')
    shorter = write(BASE.split("graphs:", maxsplit=1)[0])
    left = asked(tocsin, shorter, "--yes")
    assert left["steps"] == []
    assert left["left"] == [{"section": "kpiAlerts", "name": "low"}, {"section": "graphs", "name": "sales"}]
    assert steps(tocsin, shorter, "--prune", "--yes") == [("delete", "kpiAlerts", "low"), ("delete", "graphs", "sales")]
    assert [row["name"] for row in tocsin("graphs", "list", "--json").json()] == ["own"]
    assert asked(tocsin, shorter, "--prune", "--plan")["steps"] == []
    # What is deleted can be made again under its name.
    assert len(steps(tocsin, write(BASE), "--yes")) == 2


def test_a_row_belongs_to_the_stack_that_named_it_last(tocsin: Tocsin, write: Write) -> None:
    asked(tocsin, write("stack: one\n" + BASE), "--yes")
    taken = asked(tocsin, write("stack: two\n" + BASE), "--yes")
    assert taken["notes"] == ["the stack one had 3 of these, which are this one's from now on"]
    assert steps(tocsin, write("stack: one\n"), "--prune", "--yes") == []
    assert len(steps(tocsin, write("stack: two\n"), "--prune", "--plan")) == 3


def test_another_tenants_rows_are_neither_seen_nor_changed(tocsin: Tocsin, conn: make.Connection, write: Write) -> None:
    make.tenant(conn, slug="ours")
    make.tenant(conn, slug="theirs")
    asked(tocsin, write(BASE), "--tenant", "theirs", "--yes")
    graph = "graphs:\n  - {name: mine, source: api, query: x}"
    assert "there is no source 'api'" in tocsin("apply", "-f", write(graph), "--tenant", "ours", "--yes").complaint()
    other = write(BASE.replace("sales[*]", "ours"))
    assert len(steps(tocsin, other, "--tenant", "ours", "--yes")) == 3
    assert steps(tocsin, write("stack: main\n"), "--tenant", "ours", "--prune", "--plan") != []
    assert steps(tocsin, write(BASE), "--tenant", "theirs", "--plan") == []
    assert tocsin("export", "--tenant", "ours").out != tocsin("export", "--tenant", "theirs").out


def test_without_a_terminal_nothing_is_applied_unless_told(tocsin: Tocsin, conn: make.Connection, write: Write) -> None:
    assert tocsin("apply", "-f", write(BASE)).complaint().startswith("asks on a terminal alone")
    assert tocsin("apply").complaint() == "takes -f FILE, which may be given again"
    assert not any(count(conn))


@pytest.mark.parametrize(("said", "status", "rows"), [("y", 0, 1), ("n", 1, 0), ("", 1, 0)])
def test_on_a_terminal_the_plan_is_shown_and_a_yes_applies_it(
    tocsin: Tocsin,
    conn: make.Connection,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    status: int,
    rows: int,
) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: said)
    answer = tocsin("apply", "-f", write("calendars:\n  - {name: closed}"))
    assert (answer.status, make.value(conn, "select count(*) from calendars")) == (status, rows)
    assert answer.out.startswith("+ calendars closed\n    name: closed\n1 to create")


def test_the_end_of_the_input_at_the_question_is_a_no(
    tocsin: Tocsin, conn: make.Connection, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", Ended())
    answer = tocsin("apply", "-f", write("calendars:\n  - {name: closed}"))
    assert (answer.status, answer.err, make.value(conn, "select count(*) from calendars")) == (1, "", 0)
    assert answer.out.endswith("Apply? [y/N] \nnothing was applied\n")


def test_files_and_folders_are_one_stack_and_json_is_as_good(
    tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [document] = text.read("x", BASE.encode())
    folder = tmp_path / "folder"
    folder.mkdir()
    for word, rows in document.value.items():
        (folder / f"{word}.json").write_text(json.dumps({word: rows}, indent="\t"))
    (folder / "read.me").write_text("no stack")
    (tmp_path / "more.yaml").write_text("stack: whole\ncalendars: [{name: closed}]\n")
    found = asked(tocsin, str(folder), "-f", str(tmp_path / "more.yaml"), "--plan")
    assert (found["stack"], len(found["steps"])) == ("whole", 4)


def test_a_reference_to_what_is_gone_is_exported_and_stays(tocsin: Tocsin, conn: make.Connection, write: Write) -> None:
    limit = (
        "sources: [{name: api, type: http, url: https://api.example.com}]\nlimits: [{name: source:api, maxRunning: 1}]"
    )
    asked(tocsin, write(limit), "--yes")
    conn.execute("delete from sources")
    exported = tocsin("export").out
    assert steps(tocsin, write(exported)) == []
    assert steps(tocsin, write(exported.replace("maxRunning: 1", "maxRunning: 2")), "--yes")[0][0] == "change"


def means(conn: Any) -> Means:
    tenant = tenants.default(conn)
    return Means(conn, tenant.id, "UTC", Seal((KEY,)), KINDS, 90, None, "somebody")


def test_two_applies_at_once_come_one_after_the_other(database: str, conn: make.Connection, write: Write) -> None:
    stack = read([write(BASE)])
    tenants.default(conn)
    counted: list[int] = []

    def second() -> None:
        with Database.at(database).connect("second") as other, other.transaction():
            found = work.apply(means(other), "default", stack, prunes=False, checked=set())
            counted.append(len(found.plan.steps))

    waiting = threading.Thread(target=second)
    with Database.at(database).connect("first") as first, first.transaction():
        found = work.apply(means(first), "default", stack, prunes=False, checked=set())
        waiting.start()
        asks = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        while not make.value(conn, asks) and waiting.is_alive():
            pass
    waiting.join(60)
    assert (len(found.plan.steps), counted) == (3, [0])


def test_what_was_agreed_to_is_done_or_nothing(database: str, conn: make.Connection, write: Write) -> None:
    with Database.at(database).connect("first") as first:
        with first.transaction():
            work.apply(means(first), "default", read([write(BASE)]), prunes=False, checked=set())
        stack = read([write(BASE.replace("sales[*]", "agreed"))])
        agreed = work.ready(means(first), stack, prunes=False).plan
        with closing(psycopg.connect(database, autocommit=True)) as somebody:
            somebody.execute("update graphs set query = 'by hand'")
        with pytest.raises(Complaint, match="changed meanwhile"), first.transaction():
            work.apply(means(first), "default", stack, prunes=False, checked=set(), expected=agreed)
    assert make.value(conn, "select query from graphs") == "by hand"
