"""kill -9 at each named point of the path: nothing is lost, nothing doubled outside the acknowledgement window."""

import signal
from collections import Counter
from collections.abc import Callable

import pytest

from local.mail import MailSink
from tests import make
from tests.attempts import DONE_TWICE
from tests.system import System, until

pytestmark = pytest.mark.race

TICKER = ["after_claim", "before_commit", "after_commit", "before_ring", "after_ring"]
WORKER = ["after_fetch", "before_lease", "after_lease", "in_run", "before_finish", "after_finish", "after_intent"]
DELIVERY = ["deliver_after_lease", "before_data", "before_dot", "after_dot", "deliver_before_finish"]
COUNT = 10


def mail_each(system: System, count: int = COUNT) -> list[str]:
    """Makes schedules that are due now and mail one recipient each; returns the recipients."""
    recipients = [f"r{number}@example.com" for number in range(count)]
    with system.conn.transaction():
        for recipient in recipients:
            make.schedule(system.conn, system.tenant, kind="test.mail", params={"to": [recipient]})
    system.notify()
    return recipients


@pytest.mark.parametrize("point", TICKER + WORKER + DELIVERY)
def test_kill_at(point: str, make_system: Callable[..., System], mail: MailSink) -> None:
    system = make_system(MAIL_URL=mail.url)
    fault = {"FAULT": f"{point}:1:kill"}
    is_ticker = point in TICKER
    if is_ticker:
        recipients = mail_each(system)
        doomed = system.ticker(wait=False, **fault)
        system.worker(wait=False)
    else:
        system.ticker(wait=False)
        doomed = system.worker(wait=False, **fault)
        recipients = mail_each(system)
    assert doomed.wait(30) == -signal.SIGKILL, doomed.log()

    if is_ticker:
        system.ticker(wait=False)
    else:
        system.worker(wait=False)

    system.until_states(30, succeeded=COUNT)
    sent = "select count(*) = %s and bool_and(state = 'sent') from deliveries"
    until(lambda: system.value(sent, COUNT), 30, system.logs)
    mails = Counter(address for each in mail.mails() for address in each.recipients)
    assert set(mails) == set(recipients)
    unknown = system.value("select sum(unknown_count) from deliveries")
    assert sum(mails.values()) - COUNT <= unknown
    assert unknown == 0 or point in DELIVERY[1:], "nothing was handed over when it died"
    assert system.value("select count(distinct schedule_id) from runs") == COUNT
    assert system.value(DONE_TWICE) == 0
    assert system.value("select max(attempt) from runs") == 1, "a kill among co-runners burns no attempt"
    assert system.value("select count(*) from dead_letters") == 0
