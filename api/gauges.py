"""The system's gauges, read from Postgres when they are asked for; every web process answers the same."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config.environ import QUEUES
from db.live import connected
from db.pool import DatabaseError, Pool
from db.query import Query
from telemetry.log import Events
from telemetry.metrics import CHANNELS

events = Events("web")


class Measure(NamedTuple):
    """One gauge's value under its labels."""

    gauge: str
    first_label: str
    second_label: str
    value: float


class Described(NamedTuple):
    """What a gauge says and which labels it has."""

    help: str
    labels: tuple[str, ...]


MEASURE = Query("measure_system", Measure)
OPEN_STATES = ("pending", "queued", "running")
ROLES = ("web", "ticker", "worker")
_PATIENCE_SECONDS = 3.0

GAUGES: dict[str, Described] = {
    "due_schedules": Described("Active schedules whose next slot has come and is not planned yet.", ()),
    "oldest_due_seconds": Described("How long the oldest of them has been due.", ()),
    "queue_depth": Described("Released runs that no worker has leased yet.", ("queue",)),
    "oldest_queued_seconds": Described(
        "How long the oldest of them, or one whose kind no worker knows, has waited.", ("queue",)
    ),
    "oldest_delivery_seconds": Described("How long the oldest message that is not settled has waited.", ("channel",)),
    "runs": Described("Runs that are not over.", ("state", "kind")),
    "dead_letters": Described("Dead letters that nobody replayed or discarded.", ("kind",)),
    "overdue_schedules": Described("Schedules of which a slot is not delivered in its time.", ()),
    "circuit_open": Described("Endpoints whose circuit is open: their calls wait.", ("kind",)),
    "processes": Described("Processes whose lease holds.", ("role",)),
    "oldest_transaction_seconds": Described("How long the oldest transaction on our database has been open.", ()),
    "database_xid_age": Described("Transactions since the oldest row that Postgres has not frozen.", ()),
}


class Gauges(Collector):
    """Reads all gauges in one statement a scrape. While Postgres is away there are none, rather than old ones."""

    def __init__(self, pool: Pool, kinds: Sequence[str]) -> None:
        self._pool = pool
        # Known from the start, so that a rule finds a 0 where nothing has happened yet.
        self._zeros = [
            *(("queue_depth", queue, "") for queue in (*QUEUES, "suspect")),
            *(("oldest_queued_seconds", queue, "") for queue in (*QUEUES, "suspect")),
            *(("oldest_delivery_seconds", channel, "") for channel in CHANNELS),
            *(("runs", state, kind) for state in OPEN_STATES for kind in kinds),
            *(("dead_letters", kind, "") for kind in kinds),
            ("circuit_open", "crew.call", ""),
            *(("processes", role, "") for role in ROLES),
        ]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges as they are now; none when Postgres does not answer."""
        try:
            with connected(self._pool, _PATIENCE_SECONDS) as conn:
                measures = MEASURE.all(conn)
        except DatabaseError as error:
            events.warning("gauges.not_read", error=str(error).strip())
            return
        values = dict.fromkeys(self._zeros, 0.0)
        values |= {(row.gauge, row.first_label, row.second_label): row.value for row in measures}
        for name, described in GAUGES.items():
            family = GaugeMetricFamily(f"tocsin_{name}", described.help, labels=described.labels)
            for (gauge, *labels), value in values.items():
                if gauge == name:
                    family.add_metric(labels[: len(described.labels)], value)
            yield family

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing, so that registering asks Postgres for nothing."""
        return []
