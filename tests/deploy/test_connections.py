"""How many connections to Postgres what is delivered takes at most: summed from the files, held to what the docs say."""

import json
import re
from typing import Any

import pytest
import yaml

import api.app
import workers.main
from tests.deploy.helm import CHART, IS_HERE, Object, render
from tests.deploy.test_chart import environ, of_kind
from tests.system import ROOT

PAGE = (ROOT / "docs" / "deploy.md").read_text()
# Which connections there are, tests/races/test_postgres_away.py holds. The pool; what shows that it lives.
WEB = api.app._CONNECTIONS + 1
METRICS = 2
# The loop, LISTEN, the sweep.
TICKER = 3
# The pool; both lanes of leases; its row, the heartbeat, the finisher, and the calls of agents.
WORKER = workers.main._CONNECTIONS + 6
# Of 100, as Postgres comes; three are kept for its superuser.
STOCK = 97
ESSENTIAL_2 = 40


def of_pod(deployment: Object) -> int:
    """What one pod of it takes."""
    pod = deployment["spec"]["template"]["spec"]
    told = environ(pod)
    assert int(told.get("WEB_CONCURRENCY", "1")) == int(told.get("WORKER_PROCESSES", "1")) == 1
    return {"web": WEB + METRICS, "ticker": TICKER, "worker": WORKER}[pod["containers"][0]["name"]]


def told(row: str) -> list[int]:
    """The numbers of a row of the page's table."""
    (line,) = re.findall(rf"^\| {re.escape(row)} \|(.*)\|$", PAGE, re.MULTILINE)
    return [int(number) for number in re.findall(r"\*\*(\d+)\*\*", line)]


@pytest.mark.skipif(not IS_HERE, reason="the wheel's Helm is for Linux on x86_64")
def test_the_charts_sizes_fit_a_postgres_as_it_comes_and_the_page_tells_the_sums() -> None:
    values: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    deployments = {each["metadata"]["name"]: each for each in of_kind(render({}), "Deployment")}
    sizes = {
        "bell-web": (values["web"]["autoscaling"]["minReplicas"], values["web"]["autoscaling"]["maxReplicas"]),
        "bell-ticker": (values["ticker"]["replicas"], values["ticker"]["maxReplicas"]),
    } | {f"bell-worker-{name}": (each["replicas"], each["maxReplicas"]) for name, each in values["workers"].items()}
    assert sizes.keys() == deployments.keys()
    assert values["web"]["replicas"] == values["web"]["autoscaling"]["minReplicas"]
    least, most = (sum(sizes[name][which] * of_pod(each) for name, each in deployments.items()) for which in (0, 1))
    # Each Deployment brings one pod before it takes one.
    rolling = sum(of_pod(each) for each in deployments.values())
    assert least <= STOCK
    assert told("the chart as it comes") == [least, least + rolling]
    assert told("the chart grown to its most") == [most, most + rolling]


def test_what_app_json_runs_fits_the_plan_that_it_names() -> None:
    app: Any = json.loads((ROOT / "app.json").read_text())
    assert {each["quantity"] for each in app["formation"].values()} == {1}
    assert app["env"]["WEB_CONCURRENCY"]["value"] == "1"
    assert not {"WORKER_PROCESSES", "METRICS_PORT"} & set(app["env"])
    assert told("app.json") == [WEB + TICKER + WORKER]
    assert WEB + TICKER + WORKER <= ESSENTIAL_2
    for addons in (app["addons"], app["environments"]["review"]["addons"]):
        assert addons[0] == "heroku-postgresql:essential-2"
