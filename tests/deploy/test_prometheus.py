"""What is delivered for Prometheus and Grafana, against what the code exports and what real processes do."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from api.gauges import GAUGES
from local.mail import MailSink
from local.postgres import Postgres
from telemetry import metrics
from tests.deploy.prometheus import DEPLOY, MISSING, RULES, hurried
from tests.deploy.stage import Stage, open_stage
from tests.system import ROOT, until

needs_prometheus = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make test-deps)")
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
PROMETHEUS, POSTGRES = "prometheus", "grafana-postgresql-datasource"


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


ALERTS = [rule["alert"] for rule in rules()]


def queries(source: str) -> list[tuple[str, str]]:
    """The title and query of each panel that asks a source of that type."""
    return [
        (panel["title"], target.get("expr") or target["rawSql"])
        for board in BOARDS
        for panel in json.loads(board.read_text())["panels"]
        if panel["datasource"]["type"] == source
        for target in panel["targets"]
    ]


def chosen(query: str, namespace: str = ".*", job: str = ".*", span: str = "20s") -> str:
    """The query as Grafana asks it once somebody chose; by itself it chooses all."""
    return query.replace("$namespace", namespace).replace("$job", job).replace("$__rate_interval", span)


def exported() -> set[str]:
    """Every name under which a sample is exported."""
    families = [
        family
        for each in vars(metrics).values()
        if isinstance(each, (Counter, Gauge, Histogram))
        for family in each.describe()
    ]
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    own = {f"{family.name}{ending}" for family in families for ending in endings.get(family.type, ("",))}
    return own | {f"tocsin_{name}" for name in GAUGES}


@needs_prometheus
def test_promtool_finds_the_rules_sound_and_each_fires_and_keeps_silent_as_its_test_says() -> None:
    for arguments in (
        ["check", "rules", "rules.yaml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "rules_test.yaml"],
    ):
        done = subprocess.run(["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    judged: dict[str, set[bool]] = {alert: set() for alert in ALERTS}
    for test in yaml.safe_load((RULES.parent / "rules_test.yaml").read_text())["tests"]:
        for each in test["promql_expr_test"]:
            judged[re.search(r'alertname="(\w+)"', each["expr"])[1]].add(bool(each["exp_samples"]))  # type: ignore[index]
    assert judged == {alert: {True, False} for alert in ALERTS}


def test_each_alert_tells_how_bad_it_is_and_has_its_part_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    parts = {part.partition("\n")[0]: part for part in runbook.split("\n## ")[1:]}
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        told = rule["annotations"]
        assert set(told) == {"summary", "description", "runbook_url"}
        assert told["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert {"**Meaning.**", "**First look.**", "**Mend.**"} <= set(
            re.findall(r"\*\*[^*]+\*\*", parts[rule["alert"]])
        )


def test_rules_and_dashboards_ask_only_for_what_is_exported() -> None:
    asked = [rule["expr"] for rule in rules()] + [query for _, query in queries(PROMETHEUS)]
    named = set(re.findall(r"\btocsin_\w+", "\n".join(asked)))
    assert named - exported() == set()


def test_every_metric_is_on_a_dashboard_or_in_a_rule() -> None:
    asked = "\n".join([rule["expr"] for rule in rules()] + [query for _, query in queries(PROMETHEUS)])
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported()}
    assert {name for name in families if name not in asked} == set()


def test_no_label_that_a_target_is_given_takes_the_place_of_a_metrics_own() -> None:
    """Prometheus then renames the metric's: a rule by role would be mute for good."""
    own = {
        label
        for each in vars(metrics).values()
        if isinstance(each, (Counter, Gauge, Histogram))
        for label in each._labelnames
    }
    own |= {label for described in GAUGES.values() for label in described.labels}
    config = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    given = {each["target_label"] for job in config["scrape_configs"] for each in job["relabel_configs"]}
    assert given == {"part"}
    assert "part" not in own


def test_the_dashboards_are_such_as_grafana_loads() -> None:
    uids = [json.loads(board.read_text())["uid"] for board in BOARDS]
    assert uids == [board.stem for board in BOARDS] == ["tocsin-deliveries", "tocsin-kinds", "tocsin-operations"]
    for board in BOARDS:
        found = json.loads(board.read_text())
        listed = found["templating"]["list"]
        variables = {f"${{{each['name']}}}": each["query"] for each in listed if each["type"] == "datasource"}
        choices = [each for each in listed if each["type"] == "query"]
        assert [each["name"] for each in choices] == ["namespace", "job"]
        assert all(each["current"]["value"] == ["$__all"] and each["allValue"] == ".*" for each in choices)
        ids = [panel["id"] for panel in found["panels"]]
        assert len(ids) == len(set(ids))
        cells = [
            (x, y)
            for panel in found["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells)), "panels lie on each other"
        assert max(x for x, _ in cells) < 24
        assert all(variables[panel["datasource"]["uid"]] == panel["datasource"]["type"] for panel in found["panels"])


def test_each_panel_asks_for_the_installation_that_was_chosen() -> None:
    for title, query in queries(PROMETHEUS):
        asked = re.findall(r"\b(?:tocsin_\w+|ALERTS)(\{[^}]*\})?", query)
        assert asked, title
        # What is told is the namespace's: rules leave no job.
        wanted = 'namespace=~"$namespace"' + ("" if "ALERTS" in query else ', job=~"$job"')
        assert all(each.startswith("{" + wanted) for each in asked), f"{title}: {query}"


@needs_prometheus
def test_of_two_installations_one_may_be_chosen_and_all_are_summed_whatever_each_web_process_repeats(
    tmp_path: Path,
) -> None:
    """Each web process shows the whole of its own installation."""
    has = {"one": 3, "two": 40}
    gauges = {
        "Dead letters": ('tocsin_dead_letters{kind="http.call", ', ['{kind="http.call"}', ""]),
        "Overdue schedules": ("tocsin_overdue_schedules{", [""]),
        "Waiting in queues": ('tocsin_queue_depth{queue="calls", ', ['{queue="calls"}']),
        "Open runs": ('tocsin_runs{kind="http.call", state="queued", ', ['{kind="http.call"}', '{state="queued"}']),
        "Living processes": ('tocsin_processes{role="worker", ', ['{role="worker"}']),
        "Circuits open": ('tocsin_circuit_open{kind="crew.ask", ', [""]),
    }
    series, judged = [], []

    def show(name: str, namespace: str, instance: str, value: int) -> None:
        labels = f'namespace="{namespace}", job="{namespace}/bell", instance="{instance}"}}'
        series.append({"series": name + labels, "values": f"{value}x4"})

    def judge(query: str, namespace: str, labels: str, value: int) -> None:
        samples = [{"labels": labels, "value": value}]
        judged.append({"expr": chosen(query, namespace), "eval_time": "1m", "exp_samples": samples})

    for title, (name, told) in gauges.items():
        for namespace, value in has.items():
            show(name, namespace, "a", value)
            show(name, namespace, "b", value)
        asked = [query for each, query in queries(PROMETHEUS) if each == title]
        for query, labels in zip(asked, told, strict=True):
            for namespace, value in (*has.items(), (".*", sum(has.values()))):
                judge(query, namespace, labels, value)
    [since] = [query for title, query in queries(PROMETHEUS) if title == "Since the last tick"]
    for namespace, at in (("one", 60), ("two", 20)):
        show("tocsin_ticker_last_tick_timestamp_seconds{", namespace, "ticker", at)
        show("tocsin_ticker_last_tick_timestamp_seconds{", namespace, "web", 0)  # as of who is no ticker
    for namespace, value in (("one", 0), ("two", 40), (".*", 40)):
        judge(since, namespace, "", value)
    page = tmp_path / "boards.yaml"
    page.write_text(
        yaml.safe_dump({"tests": [{"interval": "15s", "input_series": series, "promql_expr_test": judged}]})
    )
    done = subprocess.run(["promtool", "test", "rules", page], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def stage(
    postgres: Postgres, template: str, mail_server: MailSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Real processes, and a Prometheus that judges rules with seconds for their minutes."""
    folder = tmp_path_factory.mktemp("stage")
    with open_stage(postgres, template, mail_server, folder, hurried(RULES.read_text()), 1) as found:
        yield found


@needs_prometheus
@pytest.mark.race
def test_a_prometheus_that_scrapes_them_has_the_series_of_each_role(stage: Stage) -> None:
    wanted = {
        "web": ("tocsin_due_schedules", "tocsin_queue_depth", "tocsin_processes", "tocsin_database_xid_age"),
        "ticker": ("tocsin_ticker_last_tick_timestamp_seconds", "tocsin_claimed_total", "tocsin_claim_seconds_count"),
        "worker": ("tocsin_attempts_total", "tocsin_deliveries_total", "tocsin_build_info"),
    }
    for role, names in wanted.items():
        for name in names:
            until(lambda name=name, role=role: stage.prometheus.query(f'{name}{{part="{role}"}}'))  # type: ignore[misc]
    assert stage.prometheus.query("time() - max(tocsin_ticker_last_tick_timestamp_seconds) < 30")


@needs_prometheus
@pytest.mark.race
def test_what_fails_for_good_and_what_waits_is_told_within_seconds_and_a_quiet_system_tells_nothing(
    stage: Stage,
) -> None:
    # Long enough for the rules that look back, and for those that wait.
    until(lambda: stage.prometheus.query("tocsin_dead_letters offset 5s"))
    until(lambda: not stage.prometheus.firing())
    stage.reject()
    stage.refuse_mails()
    stage.mail_to_nobody()
    stage.strand()
    told = {
        f"Tocsin{each}" for each in ("DeadLettersGrow", "KindFails", "DeliveriesFail", "DeliveriesWait", "QueueStalls")
    }
    for alert in told:
        stage.prometheus.until_fires(alert)
    assert stage.prometheus.firing() == told


@needs_prometheus
@pytest.mark.race
def test_each_panel_asks_what_prometheus_or_postgres_answers(stage: Stage) -> None:
    stage.reject(1)

    stage.mail_to("ann@example.com")
    # A series that has begun has no rate yet: it takes one more mail than was sent before the first look.
    until(lambda: stage.prometheus.query('tocsin_deliveries_total{outcome="sent"}'))
    stage.mail_to("bob@example.com")
    until(lambda: stage.prometheus.query('rate(tocsin_deliveries_total{outcome="sent"}[20s]) > 0'))
    until(lambda: stage.prometheus.query("rate(tocsin_run_seconds_count[20s])"))
    # Nothing asked a source, a model or an address here, or misfired: those panels are empty, and only they.
    may_be_empty = re.compile(r"tocsin_(source_seconds|http_out_seconds|misfires|model)|ALERTS")
    for title, query in queries(PROMETHEUS):
        found = stage.prometheus.query(chosen(query))
        assert found or may_be_empty.search(query), f"{title} is empty: {query}"
        assert all(
            set(each["metric"])
            <= {
                "kind",
                "state",
                "outcome",
                "queue",
                "role",
                "channel",
                "policy",
                "type",
                "version",
                "direction",
                "alertname",
            }
            for each in found
        ), title
        assert not stage.prometheus.query(chosen(query, job="another")) or "ALERTS" in query, title
    assert [each["metric"] for each in stage.prometheus.query("group by (job) (tocsin_build_info)")] == [
        {"job": "tocsin"}
    ]


@needs_prometheus
@pytest.mark.race
def test_the_tables_of_tenants_are_read_by_the_user_that_the_page_makes(stage: Stage) -> None:
    stage.reject(1)
    until(lambda: stage.world.all("select id from dead_letters"))
    stage.system.schedule(interval_seconds=3600)
    page = (ROOT / "docs" / "metrics.md").read_text()
    name, conn = f"grafana_{uuid4().hex[:8]}", stage.system.conn
    made = re.findall(r"^    ((?:create role|grant select) .*tocsin_grafana.*;)$", page, re.MULTILINE)
    assert len(made) == 2
    for statement in made:
        conn.execute(statement.replace("tocsin_grafana", name))
    conn.execute(f"set role {name}")
    try:
        for title, statement in queries(POSTGRES):
            stated = re.sub(
                r"\$__timeFilter\(([\w.]+)\)", r"\1 between now() - interval '3 hours' and now()", statement
            )
            assert stage.world.all(stated), title
    finally:
        conn.execute("reset role")
        conn.execute(f"drop owned by {name}")
        conn.execute(f"drop role {name}")
