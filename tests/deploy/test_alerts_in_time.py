"""Each alert by its own fault, under the rules as they are delivered: how long from the fault until it fires.

Prometheus scrapes and judges every 5 s here, and nothing else is changed, but for one threshold: nobody lives to burn a
thousand million transactions. It takes some twelve minutes, nearly all of them waiting; `-s` shows the table.
"""

import sys
import time
from collections.abc import Iterator

import psycopg
import pytest

from local.mail import MailSink
from local.postgres import Postgres
from tests.deploy.prometheus import MISSING, RULES
from tests.deploy.stage import Stage, open_stage
from tests.deploy.test_prometheus import ALERTS
from tests.system import until

pytestmark = [
    pytest.mark.race,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (make test-deps)"),
]

BURNT = 5000


@pytest.fixture
def stage(
    postgres: Postgres, template: str, mail_server: MailSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with psycopg.connect(postgres.url) as conn:
        [age] = conn.execute("select max(age(datfrozenxid)) from pg_database").fetchone() or [0]
    rules = RULES.read_text()
    assert "> 1e9" in rules
    folder = tmp_path_factory.mktemp("stage")
    patient = {"TOCSIN_LEASE_SECONDS": "15"}
    rules = rules.replace("> 1e9", f"> {age + BURNT}")
    with open_stage(postgres, template, mail_server, folder, rules, 5, **patient) as found:
        yield found


def test_each_alert_fires_by_its_own_fault(stage: Stage) -> None:
    since: dict[str, float] = {}
    took: dict[str, float] = {}

    def faulty(*alerts: str) -> None:
        since.update(dict.fromkeys(alerts, time.monotonic()))

    def until_told(*alerts: str, seconds: float) -> None:
        def all_told() -> bool:
            took.update(
                {
                    alert: time.monotonic() - since[alert]
                    for alert in stage.prometheus.firing()
                    if alert in since and alert not in took
                }
            )
            return set(alerts) <= set(took)

        until(all_told, seconds, lambda: f"told: {took}; awaited: {alerts}")

    # These take longest.
    stage.hold_transaction()
    stage.mail_to_nobody()
    stage.strand()
    faulty("TocsinTransactionHeld", "TocsinDeliveriesWait", "TocsinQueueStalls")
    until(lambda: stage.prometheus.query("tocsin_attempts_total"))
    assert set(stage.prometheus.firing()) <= {"TocsinNothingTicked"}

    soon = ("KindFails", "DeadLettersGrow", "DeliveriesFail", "CircuitOpen", "ZonesExpired", "Wraparound")
    faulty(*(f"Tocsin{each}" for each in soon))
    stage.reject()
    stage.refuse_mails()
    stage.crew_goes_down()
    [spare] = stage.spare
    old = stage.old_zones(spare)
    stage.burn_transactions(BURNT + 1000)
    until_told(*(f"Tocsin{each}" for each in soon), seconds=120)
    old.stop()

    faulty("TocsinLeasesExpire", "TocsinNoWorker", "TocsinQueueGrows")
    stage.worker_dies()
    until_told("TocsinLeasesExpire", "TocsinNoWorker", seconds=180)
    while "TocsinQueueGrows" not in took:
        stage.herd(30)
        assert time.monotonic() - since["TocsinQueueGrows"] < 720
        deadline = time.monotonic() + 10
        until(lambda: time.monotonic() > deadline or "TocsinQueueGrows" in stage.prometheus.firing())  # noqa: B023
        if "TocsinQueueGrows" in stage.prometheus.firing():
            until_told("TocsinQueueGrows", seconds=5)

    until_told("TocsinTransactionHeld", "TocsinDeliveriesWait", "TocsinQueueStalls", seconds=700)

    faulty("TocsinNothingTicked", "TocsinOldestDue", "TocsinScheduleOverdue")
    stage.ticker_dies()
    until_told("TocsinNothingTicked", "TocsinOldestDue", "TocsinScheduleOverdue", seconds=180)

    faulty("TocsinBlind")
    stage.web.kill()
    until_told("TocsinBlind", seconds=120)

    for alert, seconds in sorted(took.items()):
        sys.stdout.write(f"| {alert} | {seconds:.0f} s |\n")
    assert set(took) == set(ALERTS)
