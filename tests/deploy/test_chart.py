"""The Helm chart: rendered by Helm, held to the schemas of several Kubernetes versions and to what the processes promise."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as operator
from pydantic import BaseModel

from api.gauges import GAUGES
from api.serving import _KILL_SECONDS
from config.environ import QUEUES, SETTINGS, need
from tests.deploy.helm import CHART, IS_HERE, Object, render, run
from tests.deploy.prometheus import MISSING, RULES
from tests.system import ROOT
from workers.main import GRACE_SECONDS

pytestmark = pytest.mark.skipif(not IS_HERE, reason="the wheel's Helm is for Linux on x86_64")

OURS = 'namespace="tocsin",app_kubernetes_io_instance="bell"'
OTHERS = 'namespace="tocsin",app_kubernetes_io_instance="other"'
VERSIONS = ("1.30", "1.32", "1.34", "1.37")
# What Kubernetes itself has no schema for.
FOREIGN: dict[str, type[BaseModel]] = {
    "ScaledObject": keda.ScaledObject,
    "PodMonitor": operator.PodMonitor,
    "PrometheusRule": operator.PrometheusRule,
}
EVERYTHING: Any = {
    "settings": {"TOCSIN_URL": "https://tocsin.example.com", "LOG_LEVEL": "debug"},
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/tocsin"}},
    "keda": {"enabled": True},
    "monitoring": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "runbookBase": "https://git.example.com/tocsin/blob/main/",
    },
    "web": {
        "service": {"type": "LoadBalancer", "annotations": {"example.com/internal": "true"}},
        "ingress": {"enabled": True, "host": "tocsin.example.com", "className": "nginx", "tlsSecret": "tls"},
        "nodeSelector": {"net": "fast"},
        "settings": {"LOG_LEVEL": "info"},
    },
    "workers": {"slow": {"tolerations": [{"key": "large", "operator": "Exists"}], "settings": {"TOCSIN_MODE": "dry"}}},
    "networkPolicy": {
        "postgres": {"to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}], "ports": [6432, 5432]},
        "metrics": {"from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
        "outside": {
            "to": [{"to": [{"podSelector": {"matchLabels": {"app": "mail"}}}], "ports": [{"port": 587}]}],
            "metadata": True,
        },
    },
    "podLabels": {"cost": "ops"},
    "podAnnotations": {"team": "ops"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "priorityClassName": "high",
    "extraVolumes": [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}],
    "extraVolumeMounts": [{"name": "files", "mountPath": "/files", "readOnly": True}],
}


@pytest.fixture(scope="module")
def plain() -> list[Object]:
    """What the chart makes without any value."""
    return render({})


@pytest.fixture(scope="module")
def full() -> list[Object]:
    """What it makes with everything turned on."""
    return render(EVERYTHING)


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [found for found in objects if found["kind"] == kind]


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    for found in objects:
        if found["kind"] in ("Deployment", "Job"):
            yield found["metadata"]["name"], found["spec"]["template"]["spec"]


def environ(pod: Object) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in pod["containers"][0].get("env", [])}


def test_helm_finds_nothing_to_complain_about() -> None:
    done = run("lint", str(CHART), "--strict")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kubernetes", VERSIONS)
def test_every_object_is_what_kubernetes_takes(plain: list[Object], full: list[Object], kubernetes: str) -> None:
    for found in [*plain, *full]:
        if found["kind"] not in FOREIGN:
            kubernetes_validate.validate(found, kubernetes, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_found(plain: list[Object]) -> None:
    wrong = of_kind(plain, "Deployment")[0] | {"spek": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_what_keda_and_the_operator_read_holds_no_field_that_they_do_not_know(full: list[Object]) -> None:
    found = [each for each in full if each["kind"] in FOREIGN]
    assert {each["kind"] for each in found} == set(FOREIGN)
    for each in found:
        # Their models drop what they do not know, and complain about what has another type.
        kept = FOREIGN[each["kind"]].model_validate(each)
        assert kept.model_dump(by_alias=True, exclude_unset=True, mode="json") == each


def test_all_that_is_on_stands_once_and_bears_its_labels(full: list[Object]) -> None:
    named = [(each["kind"], each["metadata"]["name"]) for each in full]
    assert len(named) == len(set(named))
    assert all(each["metadata"]["labels"]["app.kubernetes.io/instance"] == "bell" for each in full)


def test_the_workers_serve_every_queue_and_tickers_are_two(plain: list[Object]) -> None:
    deployments = {each["metadata"]["name"]: each for each in of_kind(plain, "Deployment")}
    served = [
        queue
        for _, pod in pods(plain)
        if "WORKER_QUEUES" in environ(pod)
        for queue in environ(pod)["WORKER_QUEUES"].split(",")
    ]
    assert sorted(served) == sorted(QUEUES)
    assert deployments["bell-ticker"]["spec"]["replicas"] >= 2


def test_the_runbook_calls_the_components_as_the_chart_labels_them(plain: list[Object]) -> None:
    made = {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in of_kind(plain, "Deployment")}
    told = (ROOT / "docs" / "runbook.md").read_text()
    [workers] = re.findall(r"the chart's are ([^)]*)\)", told)
    assert {"web", "ticker", *re.findall(r"`([^`]+)`", workers)} == made
    named = set(re.findall(r"kubernetes\.io/component=([\w-]+)|deploy/bell-([\w-]+)", told))
    assert named
    assert {one or other for one, other in named} <= made


def test_no_pod_may_do_more_than_it_must(full: list[Object]) -> None:
    for name, pod in pods(full):
        container = pod["containers"][0]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 9999
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert [mount for mount in container["volumeMounts"] if not mount.get("readOnly")] == [
            {"name": "tmp", "mountPath": "/tmp"}
        ]
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert not {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"} & {each["kind"] for each in full}


def test_a_service_called_tocsin_puts_nothing_into_the_environment(full: list[Object]) -> None:
    # TOCSIN_PORT, which Kubernetes would add, is an unknown setting: no process would start.
    assert all(pod["enableServiceLinks"] is False for _, pod in pods(full))


def test_secrets_come_by_reference_alone(full: list[Object]) -> None:
    assert not of_kind(full, "Secret")
    for _, pod in pods(full):
        assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "tocsin"}}]
        assert not [name for name in environ(pod) if name not in SETTINGS or SETTINGS[name].is_secret]


def test_what_the_chart_knows_of_the_settings_is_what_the_processes_take() -> None:
    known = yaml.safe_load((CHART / "files" / "settings.yaml").read_text())
    assert known["queues"] == list(QUEUES)
    assert known["secrets"] == sorted(name for name, setting in SETTINGS.items() if setting.is_secret)
    assert known["known"] == sorted(name for name in SETTINGS if name.startswith("TOCSIN_"))
    # Named like a secret are no others of ours.
    assert not [name for name in SETTINGS if re.search(known["like"], name) and name not in known["secrets"]]
    for name, words in known["choices"].items():
        assert [need(name, {name: word}) for word in words] == words
        assert len(words) == len(re.split(", | or ", re.sub(r" \([^)]*\)", "", SETTINGS[name].takes))), name


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ("settings.DATABASE_URL=x", 'settings.DATABASE_URL is a secret: put it in the Secret "tocsin"'),
        ("web.settings.PGPASSWORD=x", "web.settings.PGPASSWORD is a secret: put it in the Secret"),
        (
            "ticker.settings.OTEL_EXPORTER_OTLP_HEADERS=x",
            "OTEL_EXPORTER_OTLP_HEADERS is a secret: put it in the Secret",
        ),
        ("migration.settings.HTTPS_PROXY=http://me:word@proxy", "HTTPS_PROXY is a secret: put it in the Secret"),
        ("workers.slow.settings.MY_OWN_DSN=x", "workers.slow.settings.MY_OWN_DSN is a secret: put it in the Secret"),
        ("web.settings.WORKER_QUEUES=ai", "web.settings.WORKER_QUEUES is set by the chart itself"),
        ("settings.TOCSIN_RETENTION=30d", "settings.TOCSIN_RETENTION is not a setting"),
        ("settings.TOCSIN_MODE=life", "settings.TOCSIN_MODE takes live, dry, held"),
        ("settings.TOCSIN_HOSTING=true", "settings.TOCSIN_HOSTING takes on, off, in quotes; got true"),
        ("workers.quick.queues={alerts}", "no class of workers serves the queue calls"),
        ("workers.quick=null", "no class of workers serves the queue alerts"),
        ("keda.enabled=true,ticker.replicas=4", "not above ticker.maxReplicas"),
        ("keda.enabled=true,workers.slow.replicas=5", "not above workers.slow.maxReplicas"),
        ("web.autoscaling.minReplicas=5", "not above web.autoscaling.maxReplicas"),
        # A number: 1000000 would be told as 1e+06.
        ("settings.TOCSIN_RETENTION_DAYS=30", "'/settings/TOCSIN_RETENTION_DAYS': got number"),
        ("wep.replicas=3", "'wep' not allowed"),
        ("ticker.replicas=0", "/ticker/replicas"),
    ],
)
def test_a_value_that_no_process_would_start_or_work_with_is_refused_and_says_why(values: str, why: str) -> None:
    done = run("template", "bell", str(CHART), "--set", values)
    assert done.returncode != 0
    assert why in done.stderr


def test_what_is_no_secret_is_taken_and_more_tickers_than_kedas_most_without_keda() -> None:
    for values in (
        "settings.AWS_ACCESS_KEY_ID=a",
        "settings.OTEL_EXPORTER_OTLP_ENDPOINT=http://otel:4318",
        "settings.TOCSIN_MODE=DRY,ticker.replicas=9",
    ):
        assert run("template", "bell", str(CHART), "--set", values).returncode == 0, values


def test_whether_a_process_lives_asks_neither_postgres_nor_the_doorbell(plain: list[Object]) -> None:
    for each in of_kind(plain, "Deployment"):
        container = each["spec"]["template"]["spec"]["containers"][0]
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["path"] == "/healthz"
    web = next(pod for name, pod in pods(plain) if name == "bell-web")
    assert web["containers"][0]["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_a_pod_is_given_well_longer_than_its_process_takes(plain: list[Object]) -> None:
    for objects, grace in ((plain, GRACE_SECONDS), (render({"graceSeconds": 120}), 120)):
        for name, pod in pods(objects):
            if name == "bell-migrate":
                continue
            container = pod["containers"][0]
            if container["name"] == "worker":
                assert container["args"] == ["worker", "--grace", f"{grace:.0f}"]
            paused = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            takes = _KILL_SECONDS if name == "bell-web" else grace
            assert pod["terminationGracePeriodSeconds"] >= takes + paused + 10, name


def test_a_rollout_takes_nobody_away_before_another_is_there(plain: list[Object]) -> None:
    budgets = {each["metadata"]["name"] for each in of_kind(plain, "PodDisruptionBudget")}
    for each in of_kind(plain, "Deployment"):
        assert each["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        assert each["metadata"]["name"] in budgets
        spread = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [rule["topologyKey"] for rule in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_the_schema_comes_before_the_processes(plain: list[Object]) -> None:
    (job,) = of_kind(plain, "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]


def test_what_counts_replicas_is_counted_by_one_alone(plain: list[Object], full: list[Object]) -> None:
    for objects in (plain, full):
        counted = {
            each["spec"]["scaleTargetRef"]["name"] for each in objects if "scaleTargetRef" in each.get("spec", {})
        }
        for each in of_kind(objects, "Deployment"):
            assert ("replicas" in each["spec"]) != (each["metadata"]["name"] in counted)


def test_keda_asks_for_gauges_that_the_web_exports_and_for_this_installations_alone(full: list[Object]) -> None:
    scaled = of_kind(full, "ScaledObject")
    asked = [each["spec"]["triggers"][0]["metadata"]["query"] for each in scaled]
    assert asked.count(f"max(tocsin_oldest_due_seconds{{{OURS}}})") == 1
    assert f'sum(max by (queue) (tocsin_queue_depth{{{OURS},queue=~"alerts|calls|default"}}))' in asked
    assert {"oldest_due_seconds", "queue_depth"} <= set(GAUGES)
    # What Prometheus doesn't say is no reason to take every connection.
    assert all(each["spec"]["fallback"]["replicas"] == each["spec"]["minReplicaCount"] for each in scaled)


def test_the_rules_are_those_of_the_one_file_for_this_installation_alone(full: list[Object]) -> None:
    (found,) = of_kind(full, "PrometheusRule")
    for rule in rules_of(found):
        rule["expr"] = rule["expr"].replace(f"{{{OURS}}}", "").replace(f"{OURS},", "")
        assert (rule["labels"].pop("namespace"), rule["labels"].pop("release")) == ("tocsin", "bell")
        base, _, path = rule["annotations"]["runbook_url"].partition("docs/")
        assert base == "https://git.example.com/tocsin/blob/main/"
        rule["annotations"]["runbook_url"] = f"docs/{path}"
    assert found["spec"] == yaml.safe_load(RULES.read_text())
    (pods,) = of_kind(full, "PodMonitor")
    assert "app.kubernetes.io/instance" in pods["spec"]["podTargetLabels"]


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make test-deps)")
def test_another_installation_under_the_same_prometheus_neither_hides_nor_raises_an_alert(tmp_path: Path) -> None:
    """Each story of the rules' own test is told with our labels beside the others' series, which tell the opposite."""
    (rules,) = of_kind(render({"monitoring": {"enabled": True}}), "PrometheusRule")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules["spec"]))
    tests = yaml.safe_load((RULES.parent / "rules_test.yaml").read_text())
    told = [story["input_series"] for story in tests["tests"]]
    # Whose story is told beside: that of the next, which often ends otherwise.
    for story, ours, others in zip(tests["tests"], told, told[1:] + told[:1], strict=True):
        both = [(each, OURS) for each in ours] + [(each, OTHERS) for each in others]
        story["input_series"] = [each | {"series": labelled(each["series"], whose)} for each, whose in both]
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(tests))
    for words in (["check", "rules", "rules.yaml"], ["test", "rules", "test.yaml"]):
        done = subprocess.run(["promtool", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def rules_of(found: Object) -> list[Object]:
    return [rule for group in found["spec"]["groups"] for rule in group["rules"]]


def labelled(series: str, labels: str) -> str:
    name, _, rest = series.partition("{")
    return f"{name}{{{labels},{rest}" if rest else f"{name}{{{labels}}}"


def test_every_pod_may_go_to_postgres_and_only_a_migration_goes_nowhere_else(
    plain: list[Object], full: list[Object]
) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(plain, "NetworkPolicy")}
    everybody = policies["bell-tocsin"]
    assert everybody["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"][0]["port"] for rule in everybody["egress"]] == [53, 5432, 6379]
    (selected,) = policies["bell-outside"]["podSelector"]["matchExpressions"]
    assert selected == {"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["migrate"]}
    assert "169.254.0.0/16" in policies["bell-outside"]["egress"][0]["to"][0]["ipBlock"]["except"]
    assert "169.254.169.254" not in str(policies)

    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(full, "NetworkPolicy")}
    # A pooler and the server behind it.
    assert [each["port"] for each in policies["bell-tocsin"]["egress"][1]["ports"]] == [6432, 5432]
    _, mail, metadata = policies["bell-outside"]["egress"]
    assert mail == EVERYTHING["networkPolicy"]["outside"]["to"][0]
    assert metadata["to"][0] == {"ipBlock": {"cidr": "169.254.169.254/32"}}
    assert metadata["ports"] == [{"protocol": "TCP", "port": 80}]


def test_each_pod_lies_where_it_is_told_and_a_components_own_word_comes_first(full: list[Object]) -> None:
    found = dict(pods(full))
    assert found["bell-web"]["nodeSelector"] == {"net": "fast"}
    assert found["bell-ticker"]["nodeSelector"] == {"disk": "ssd"}
    assert found["bell-worker-slow"]["tolerations"] == [{"key": "large", "operator": "Exists"}]
    assert found["bell-worker-quick"]["tolerations"] == [{"key": "spot", "operator": "Exists"}]
    assert environ(found["bell-web"])["LOG_LEVEL"] == "info"
    assert environ(found["bell-migrate"])["LOG_LEVEL"] == environ(found["bell-ticker"])["LOG_LEVEL"] == "debug"
    assert environ(found["bell-worker-slow"])["TOCSIN_MODE"] == "dry"
    for pod in found.values():
        assert "podAntiAffinity" in pod["affinity"]
        assert {"name": "files", "mountPath": "/files", "readOnly": True} in pod["containers"][0]["volumeMounts"]
        assert "files" in [volume["name"] for volume in pod["volumes"]]
    for each in (*of_kind(full, "Deployment"), *of_kind(full, "Job")):
        assert each["spec"]["template"]["metadata"]["labels"]["cost"] == "ops"
        assert each["spec"]["template"]["metadata"]["annotations"] == {"team": "ops"}
    (account,) = of_kind(full, "ServiceAccount")
    assert account["metadata"]["annotations"]
    (service,) = of_kind(full, "Service")
    assert service["spec"]["type"] == "LoadBalancer"
