"""The relay: what it rings is what workers take, packed, once a batch, and silence while the broker is away."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from redis import Redis as Client

from config.environ import CROWDS
from db.ids import id_at
from db.runs import Ring
from local.processes import free_port
from scheduler.relay import ACTOR, SUSPECT, SUSPECT_ACTOR, RedisBell, Relay, pack
from telemetry import metrics
from tests.scheduler.ticking import Rings
from workers.broker import ALL_QUEUES
from workers.main import Worker

SLOT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
TENANT = UUID(int=7)


def rings(count: int, queue: str = "default", kind: str = "k", tenant: UUID = TENANT) -> list[Ring]:
    return [Ring(id_at(SLOT), SLOT, number + 1, queue, kind, tenant) for number in range(count)]


def decoded(pack: tuple[str, bytes, str]) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(pack[1])
    return message


@pytest.mark.parametrize(
    ("count", "least", "most"), [(0, 0, 0), (1, 1, 1), (3, 3, 3), (1000, 25, 250), (10_000, 50, 500)]
)
def test_a_few_are_rung_one_by_one_and_a_herd_in_packs(count: int, least: int, most: int) -> None:
    assert least <= len(pack(rings(count))) <= most


def test_a_pack_holds_each_run_once_with_its_fence() -> None:
    runs = rings(1000)

    told = [(run, fence) for each in pack(runs) for run, fence in decoded(each)["args"][1]]

    assert sorted(told) == sorted((str(run.id), run.fence) for run in runs)


def test_a_pack_is_of_one_queue_and_kind() -> None:
    runs = rings(500, "calls", "a") + rings(500, "calls", "b") + rings(500, "alerts", "a")
    kind_of = {str(run.id): (run.queue, run.kind) for run in runs}

    for each in pack(runs):
        message = decoded(each)
        kinds = {kind_of[run] for run, _ in message["args"][1]}
        assert len(kinds) == 1
        assert {queue for queue, _ in kinds} == {message["queue_name"], each[0], message["args"][0]}


def test_each_message_has_an_id_of_its_own() -> None:
    packs = pack(rings(300))

    assert len({message_id for _, _, message_id in packs}) == len(packs)
    assert all(decoded(each)["options"]["redis_message_id"] == each[2] for each in packs)


@pytest.mark.parametrize(("queue", "actor"), [("default", ACTOR), ("alerts", ACTOR), (SUSPECT, SUSPECT_ACTOR)])
def test_a_relayed_message_is_one_of_the_real_actors(queue: str, actor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decodes a message as a worker does, and calls the very actor that it names with what it holds."""
    (packed,) = pack(rings(1, queue))
    message = dramatiq.Message.decode(packed[1])
    started: list[Any] = []
    broker = StubBroker(middleware=[])
    monkeypatch.setattr("workers.main.open_broker", lambda *_: broker)
    monkeypatch.setattr(Worker, "_start", lambda _self, _priority, pointers: started.append(pointers))
    monkeypatch.setattr(Worker, "_start_suspect", lambda _self, pointer: started.append([pointer]))
    worker = object.__new__(Worker)

    class Settings:
        broker_url = "redis://nowhere"
        threads = 1

    worker._declare(Settings())  # type: ignore[arg-type]
    broker.get_actor(message.actor_name)(*message.args, **message.kwargs)

    assert message.actor_name == actor
    assert message.queue_name in ALL_QUEUES
    assert started == [[[message.args[1][0][0], 1]]]


def test_what_is_rung_lies_in_redis_as_dramatiqs_own_broker_reads_it(redis: str) -> None:
    RedisBell(redis).ring(pack(rings(3)))

    stock: Any = RedisBroker(url=redis, middleware=[])  # type: ignore[no-untyped-call]
    stock.declare_queue("default")
    consumer = stock.consume("default", prefetch=5, timeout=100)
    found = [next(consumer) for _ in range(3)]

    assert {message.actor_name for message in found if message} == {ACTOR}
    consumer.close()
    stock.close()


def test_the_bell_is_capped(redis: str) -> None:
    bell = RedisBell(redis)
    for _ in range(10):
        bell.ring(pack(rings(10)))

    with Client.from_url(redis) as client:
        assert client.llen("dramatiq:bell:default") == 16
        assert client.llen("dramatiq:default") == 100


def test_a_thousand_messages_take_two_calls(redis: str) -> None:
    with Client.from_url(redis) as client:
        RedisBell(redis).ring(pack(rings(1)))
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        RedisBell(redis).ring(pack([ring for number in range(100) for ring in rings(10, kind=f"k{number}")]))
        after = client.info("commandstats")["cmdstat_evalsha"]["calls"]

    assert after - before == 2


def test_the_script_is_loaded_again_after_a_restart(redis: str) -> None:
    bell = RedisBell(redis)
    bell.ring(pack(rings(1)))
    with Client.from_url(redis) as client:
        client.script_flush()
        bell.ring(pack(rings(1)))
        assert client.llen("dramatiq:default") == 2


def test_a_broker_that_is_away_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("scheduler.relay.time.monotonic", lambda: now[0])
    bell = Rings()
    relay = Relay(bell)
    bell.is_away = True

    relay.ring(rings(1))
    relay.ring(rings(1))
    assert bell.calls == 1

    bell.is_away = False
    now[0] += timedelta(seconds=3).total_seconds()
    relay.ring(rings(1))
    assert len(bell.packs) == 1


def rung(bell: Rings) -> dict[str, set[str]]:
    """The runs of each queue."""
    told: dict[str, set[str]] = {}
    for each in bell.packs:
        message = decoded(each)
        told.setdefault(message["queue_name"], set()).update(run for run, _ in message["args"][1])
    return told


def test_nobody_waits_behind_the_crowd_of_another() -> None:
    bell = Rings()
    relay = Relay(bell)
    crowd, other = rings(5000), rings(3, tenant=UUID(int=8))

    relay.ring(crowd)
    relay.ring(other)

    told = rung(bell)
    assert set(told) == {"default", "default.crowd"}
    assert set(CROWDS) < set(ALL_QUEUES)
    assert {str(run.id) for run in other} <= told["default"]
    assert len(told["default"]) < 200
    assert told["default"] | told["default.crowd"] == {str(run.id) for run in [*crowd, *other]}


def test_the_next_second_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("scheduler.relay.time.monotonic", lambda: now[0])
    bell = Rings()
    relay = Relay(bell)
    relay.ring(rings(500))
    now[0] += 1
    later = rings(1)
    relay.ring(later)

    assert str(later[0].id) in rung(bell)["default"]


def test_suspects_are_no_crowd() -> None:
    bell = Rings()
    Relay(bell).ring(rings(500, SUSPECT))

    assert set(rung(bell)) == {SUSPECT}


def test_no_redis_at_all_is_said_once_and_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    relay = Relay(RedisBell(f"redis://127.0.0.1:{free_port()}/0"))
    before = metrics.relayed._value.get()

    with caplog.at_level("WARNING", "tocsin"):
        for _ in range(3):
            relay.ring(rings(4))

    said = [(record.getMessage(), vars(record)["fields"]) for record in caplog.records]
    assert [(event, fields["runs"]) for event, fields in said] == [("relay.failed", 4)]
    assert said[0][1]["error"].startswith("ConnectionError: ")
    assert metrics.relayed._value.get() == before
