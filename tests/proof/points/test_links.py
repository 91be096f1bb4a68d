"""What lies between the processes is cut: rings, leases, hand-overs. History and the witnesses outside stay sound."""

import random
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from proof.proxy import Proxy
from proof.records import Fault
from proof.sinks import read_sink, read_starts
from tests import make
from tests.proof.points.place import LEASE_SECONDS, Place
from tests.races.proc import is_stopped
from tests.system import until

pytestmark = pytest.mark.race


@pytest.fixture
def proxy_to() -> Iterator[Callable[[str], Proxy]]:
    """Makes proxies that end with the test."""
    with ExitStack() as proxies:
        yield lambda url: proxies.enter_context(Proxy(url))


def judge(place: Place, name: str) -> None:
    """Waits until all is over and judges, the whole time of the place counted as one fault."""
    place.until_over()
    now = place.now().timestamp()
    place.faults.append(Fault(now - 60, now, name, "link"))
    verdict = place.judge()
    assert verdict.is_sound, verdict.as_text()


def test_a_ring_whose_answer_is_lost_starts_nothing_twice(place: Place, proxy_to: Callable[[str], Proxy]) -> None:
    proxy = proxy_to(place.environ["BROKER_URL"])
    ticker = place.start("ticker", BROKER_URL=proxy.url)
    place.start("worker")
    proxy.cut_after = re.compile(b"(?i)evalsha")
    place.due()
    until(lambda: proxy.cuts > 0, why=ticker.log)
    proxy.cut_after = None
    judge(place, "ring's answer lost")


def lose_a_lease(place: Place, proxy: Proxy, **more: Any) -> None:
    """Makes a run whose lease is committed for a living worker that never hears of it, beside a healthy one."""
    place.start("ticker")
    worker = place.start("worker", DATABASE_URL=proxy.url)
    proxy.cut_before_reply = re.compile(b"p-[0-9a-f]{8}-")
    place.due(("chaos.work",), 1, **more)
    until(lambda: proxy.cuts > 0, why=worker.log)
    proxy.cut_before_reply = None
    assert make.value(place.conn, "select state from runs") == "running"
    place.start("worker")


def test_a_lease_whose_answer_is_lost_is_given_to_another_soon(place: Place, proxy_to: Callable[[str], Proxy]) -> None:
    lose_a_lease(place, proxy_to(place.database))
    place.until_over(6 * LEASE_SECONDS)
    judge(place, "lease's answer lost")
    assert make.value(place.conn, "select max(attempt) from runs") == 1


def test_a_worker_cut_off_just_before_it_sends_hands_nothing_over(
    place: Place, proxy_to: Callable[[str], Proxy]
) -> None:
    proxy = proxy_to(place.database)
    place.start("ticker")
    cut_off = place.start("worker", DATABASE_URL=proxy.url, FAULT="before_data:1:stop", TOCSIN_LEASE_SECONDS="2")
    place.due(("chaos.mail",), 1)
    until(lambda: is_stopped(cut_off.pid), why=cut_off.log)
    proxy.hold(refuses=True)
    proxy.reset_all()
    cut_off.signal(signal.SIGCONT)
    cut_off.until_says("delivery.lease_lost")

    begun = [event for event in read_sink(place.mails.folder) if event.recipient.endswith(place.domain)]
    assert [event for event in begun if event.phase == "kept"] == []
    place.start("worker")
    judge(place, "worker and Postgres parted")
    assert make.value(place.conn, "select sum(unknown_count) from deliveries") == 0


def test_a_worker_that_cannot_extend_its_lease_ends_nothing_that_was_given_to_another(
    place: Place, proxy_to: Callable[[str], Proxy]
) -> None:
    proxy = proxy_to(place.database)
    place.start("ticker")
    cut_off = place.start("worker", DATABASE_URL=proxy.url)
    place.make("chaos.work", {"sink": place.calls.url, "seconds": 1.5})
    until(lambda: [each for each in read_starts(place.calls.folder) if each.schedule in place.made], why=cut_off.log)
    proxy.hold()
    place.start("worker")
    place.until_over()
    proxy.release()
    cut_off.until_says("lease.lost")
    cut_off.until_says("finish.")
    judge(place, "worker and Postgres parted")


def test_links_that_stop_one_by_one_and_heal_in_another_order_lose_nothing(
    make_place: Callable[..., Place], proxy_to: Callable[[str], Proxy]
) -> None:
    chance = random.Random(7)
    place = make_place()
    ways = {"DATABASE_URL": proxy_to(place.database), "BROKER_URL": proxy_to(place.environ["BROKER_URL"])}
    ways["MAIL_URL"] = proxy_to(place.mails.url)
    place.environ |= {name: proxy.url for name, proxy in ways.items()}
    # At work before a link stops: who can't reach Postgres at its start ends, and is started again by its platform.
    place.start("ticker")
    place.start("worker")
    for _ in range(2):
        for proxy in chance.sample(list(ways.values()), len(ways)):
            place.due(count=4)
            proxy.hold(refuses=chance.random() < 0.5)
        for proxy in chance.sample(list(ways.values()), len(ways)):
            proxy.release()
        place.until_over()
    judge(place, "swizzled")
