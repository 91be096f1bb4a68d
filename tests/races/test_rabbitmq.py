"""RabbitMQ instead of Redis: the same flow."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.mail import MailSink
from local.rabbitmq import RabbitMQ, lacks
from tests import make
from tests.races.traces import lines
from tests.system import System, until

pytestmark = [
    pytest.mark.race,
    pytest.mark.skipif(lacks() != "", reason=f"{lacks()}: make test-deps"),
]


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMQ]:
    with RabbitMQ() as server:
        yield server


@pytest.mark.timeout(180)
def test_rabbitmq_passes_the_same_flow(
    make_system: Callable[..., System], rabbitmq: RabbitMQ, mail: MailSink, trace: Path
) -> None:
    system = make_system(BROKER_URL=rabbitmq.url, MAIL_URL=mail.url)
    ticker = system.ticker()
    worker = system.worker()
    crashes = trace.with_name("crashes")
    with system.conn.transaction():
        for number in range(300):
            make.schedule(
                system.conn, system.tenant, kind="test.record", params={"file": str(trace)},
                overlap_policy="skip" if number % 2 else "allow",
            )  # fmt: skip
    system.schedule(kind="test.mail", params={"to": ["a@example.com", "b@example.com"]})
    system.until_states(60, succeeded=301)
    assert len({line.run for line in lines(trace)}) == len(lines(trace)) == 300
    assert {mail.recipients for mail in mail.wait_for(2)} == {("a@example.com",), ("b@example.com",)}

    # The rings came by message, and not by the look for lost ones, which takes two seconds.
    system.schedule(kind="test.record", params={"file": str(trace)})
    system.until_states(60, succeeded=302)
    until(lambda: system.value("select started_at - slot_at < interval '1 s' from runs order by slot_at desc limit 1"))

    # A suspect takes the queue of its own.
    system.schedule(kind="test.crash", params={"file": str(crashes)}, max_attempts=1)
    worker.wait()
    system.worker(wait=False, WORKER_PROCESSES="2")
    system.until_states(60, succeeded=302, dead=1)
    assert ticker.is_running()


def test_without_rabbitmq_work_goes_on(make_system: Callable[..., System], trace: Path) -> None:
    system = make_system(BROKER_URL="amqp://guest:guest@127.0.0.1:1/")
    system.ticker(wait=False)
    system.worker(wait=False)
    system.schedule(kind="test.record", params={"file": str(trace)})
    system.until_states(40, succeeded=1)
