"""The Helm chart: rendered by Helm, held to the schemas of several Kubernetes versions and to what the processes promise."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as operator
from pydantic import BaseModel

from api.gauges import GAUGES
from config.environ import QUEUES, SETTINGS
from tests.deploy.helm import CHART, IS_HERE, Object, render, run
from workers.main import GRACE_SECONDS

pytestmark = pytest.mark.skipif(not IS_HERE, reason="the wheel's Helm is for Linux on x86_64")

VERSIONS = ("1.30", "1.32", "1.34", "1.37")
# What Kubernetes itself has no schema for.
FOREIGN: dict[str, type[BaseModel]] = {
    "ScaledObject": keda.ScaledObject,
    "PodMonitor": operator.PodMonitor,
    "PrometheusRule": operator.PrometheusRule,
}
EVERYTHING = {
    "settings": {"TOCSIN_URL": "https://tocsin.example.com", "LOG_LEVEL": "debug"},
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "keda": {"enabled": True},
    "monitoring": {"enabled": True, "labels": {"release": "prometheus"}},
    "web": {"ingress": {"enabled": True, "host": "tocsin.example.com", "className": "nginx", "tlsSecret": "tls"}},
    "networkPolicy": {
        "postgres": {"to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}]},
        "metrics": {"from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
        "outside": {"to": [{"podSelector": {"matchLabels": {"app": "mail"}}}]},
    },
    "podAnnotations": {"team": "ops"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "priorityClassName": "high",
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
        assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
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


def test_a_secret_among_the_settings_is_refused_and_so_is_a_value_that_the_chart_does_not_take() -> None:
    for name in (name for name, setting in SETTINGS.items() if setting.is_secret):
        allowed = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]["settings"]
        assert name in allowed["propertyNames"]["not"]["enum"], f"add {name} to values.schema.json: it is secret"
    for wrong in ("settings.DATABASE_URL=x", "settings.PORT=1", "wep.replicas=3", "ticker.replicas=0"):
        assert run("template", "bell", str(CHART), "--set", wrong).returncode != 0, wrong


def test_whether_a_process_lives_asks_neither_postgres_nor_the_doorbell(plain: list[Object]) -> None:
    for each in of_kind(plain, "Deployment"):
        container = each["spec"]["template"]["spec"]["containers"][0]
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["path"] == "/healthz"
    web = next(pod for name, pod in pods(plain) if name == "bell-web")
    assert web["containers"][0]["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_a_pod_is_given_longer_than_its_process_takes(plain: list[Object]) -> None:
    from api.serving import _KILL_SECONDS

    for name, pod in pods(plain):
        if name == "bell-migrate":
            continue
        paused = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        takes = _KILL_SECONDS if name == "bell-web" else GRACE_SECONDS
        assert pod["terminationGracePeriodSeconds"] > takes + paused, name


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


def test_keda_asks_for_gauges_that_the_web_exports(full: list[Object]) -> None:
    asked = [each["spec"]["triggers"][0]["metadata"]["query"] for each in of_kind(full, "ScaledObject")]
    assert asked.count("max(tocsin_oldest_due_seconds)") == 1
    assert 'sum(max by (queue) (tocsin_queue_depth{queue=~"alerts|default"}))' in asked
    assert {"oldest_due_seconds", "queue_depth"} <= set(GAUGES)


def test_the_rules_are_those_of_the_one_file(full: list[Object]) -> None:
    (found,) = of_kind(full, "PrometheusRule")
    rules: Any = yaml.safe_load((CHART.parent.parent / "prometheus" / "rules.yaml").read_text())
    assert found["spec"] == rules


def test_every_pod_may_go_to_postgres_and_only_a_migration_goes_nowhere_else(plain: list[Object]) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(plain, "NetworkPolicy")}
    everybody = policies["bell-tocsin"]
    assert everybody["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"][0]["port"] for rule in everybody["egress"]] == [53, 5432, 6379]
    (selected,) = policies["bell-outside"]["podSelector"]["matchExpressions"]
    assert selected == {"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["migrate"]}
    assert "169.254.0.0/16" in policies["bell-outside"]["egress"][0]["to"][0]["ipBlock"]["except"]
