"""The faults: each is done to a world, lasts until it is healed, and says what it was done to."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from local import small_disk
from proof.chaos import link
from proof.chaos.faults import broker, mail, network, people, postgres, processes
from proof.chaos.faults.attack import Attack
from proof.chaos.world import BROKERS, Setup

__all__ = ["FAULTS", "WEIGHTS", "Attack", "left_out", "possible"]

FAULTS: Mapping[str, Attack] = {
    "ticker.kill": processes.kill("ticker"),
    "worker.kill": processes.kill("worker"),
    "ticker.stop": processes.stop("ticker", 1.5),
    "worker.stop": processes.stop("worker", 2.0),
    "ticker.term": processes.terminate("ticker"),
    "worker.term": processes.terminate("worker"),
    "ticker.clock": processes.clock("ticker"),
    "worker.clock": processes.clock("worker"),
    "postgres.immediate_stop": postgres.immediate_stop,
    "postgres.backends_end": postgres.backends_end,
    "postgres.runs_locked": postgres.runs_locked,
    "postgres.idle_transaction": postgres.idle_transaction,
    "postgres.disk_full": postgres.disk_full,
    "postgres.sync_error": postgres.sync_error,
    "redis.flushall": broker.flushed,
    "redis.shutdown": broker.shut_down,
    "redis.old_dump": broker.old_dump,
    "redis.read_only": broker.read_only,
    "redis.full": broker.configured("maxmemory", "1", "0"),
    "rabbitmq.restart": broker.restart,
    "rabbitmq.purge": broker.purge,
    "network.partition": network.partition,
    "network.reset": network.resets,
    "network.commit_cut": network.cut(network.COMMIT),
    "network.finish_cut": network.cut(network.FINISH),
    "network.unplugged": network.unplugged,
    "network.blackhole": network.blackhole,
    "mail.answer_lost": mail.answer_lost,
    "mail.away": mail.away,
    "person": people.person,
}
"""All faults by name."""

WEIGHTS: Mapping[str, int] = {
    "worker.kill": 5, "ticker.kill": 5, "worker.stop": 2, "person": 3, "redis.flushall": 2, "rabbitmq.purge": 2
}  # fmt: skip
"""How often a fault is drawn beside the others; 1 where nothing is said."""


def _lacks_faketime() -> str:
    return "" if processes.faketime() else "libfaketime is not installed"


_LACKS: Mapping[str, Callable[[], str]] = {
    "ticker.clock": _lacks_faketime,
    "worker.clock": _lacks_faketime,
    "postgres.disk_full": small_disk.lacks,
    "postgres.sync_error": postgres.lacks_tracing,
    "network.unplugged": link.lacks,
    "network.blackhole": link.lacks,
}


def left_out(setup: Setup | None = None) -> dict[str, list[str]]:
    """The faults that can't be done on this machine, or in a world that is set up like this, by the reason for it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in FAULTS:
        if why := _why_not(name, setup or Setup()):
            found[why].append(name)
    return dict(found)


def possible(setup: Setup | None = None) -> dict[str, Attack]:
    """The faults that can be done on this machine in a world that is set up like this."""
    return {name: fault for name, fault in FAULTS.items() if not _why_not(name, setup or Setup())}


def _why_not(name: str, setup: Setup) -> str:
    domain = name.partition(".")[0]
    if domain in BROKERS and domain != setup.broker:
        return f"the broker is {setup.broker}"
    if name == "postgres.sync_error" and setup.postgres_settings.get("fsync") == "off":
        return "Postgres is set up to sync nothing"
    return _LACKS[name]() if name in _LACKS else ""
