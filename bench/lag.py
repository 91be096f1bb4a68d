"""lag: from the slot to the start, when one schedule is due on an idle system and when a thousand are at once.

One ticker and two workers, as in the herd. Told twice: as Postgres has it (started_at, when the run may begin) and as
the handler sees it (its first line). Both on one machine, so the clocks are the same. Beside it in the same run: how
soon idle peers begin one piece of work whose instant comes.
"""

import time
from datetime import datetime, timedelta

import psycopg

from bench.peers.peer import Absent, Peer, Place
from bench.peers.roster import PEERS, PLAIN
from bench.result import Goal, Options, Result, percentile, tell
from bench.schedules import make_schedules, make_tenant
from bench.stage import NOW, Processes, Stage, value

# Not a divisor of a second, so that slots fall on every fraction of it.
SPACING_SECONDS = 0.237
_WARMING = 200
_BESIDE = (PLAIN, "PgQueuer", "Procrastinate")


def run(options: Options) -> list[Result]:
    one, herd = -(-options.size(120) // options.reps), options.size(1000)
    alone, together = Lags(), Lags()
    with Stage() as stage:
        for rep in range(options.reps):
            alone.add("tocsin", *_lags(stage, one, SPACING_SECONDS))
            for name in _BESIDE if rep % 2 == 0 else _BESIDE[::-1]:
                if name not in alone.absent:
                    alone.add_peer(name, stage, one)
            together.add("tocsin", *_lags(stage, herd, 0.0))
    return [
        *alone.results("lag.one", {"samples": one * options.reps, "spacingSeconds": SPACING_SECONDS}, 3, 25),
        *together.results("lag.1000_at_once", {"due": herd}, 80, 250),
    ]


class Lags:
    """Lags in milliseconds, a list for each repetition: to the lease, and to the handler of each who was measured."""

    def __init__(self) -> None:
        self.leased: list[list[float]] = []
        self.began: dict[str, list[list[float]]] = {}
        self.absent: dict[str, str] = {}

    def add(self, name: str, leased: list[float], began: list[float]) -> None:
        if leased:
            self.leased.append(leased)
        self.began.setdefault(name, []).append(began)

    def add_peer(self, name: str, stage: Stage, count: int) -> None:
        """Measures a peer; one that can't be measured spoils nobody else's figures."""
        try:
            began = _peer_lags(stage, PEERS[name](), count)
        except (Absent, AssertionError, RuntimeError) as error:
            self.absent[name] = str(error).strip() or type(error).__name__
            self.began.pop(name, None)
            tell(f"{name} is not measured: {self.absent[name]}")
        else:
            self.add(name, [], began)
            tell(f"{name}: median {percentile(began, 50):.1f} ms")

    def results(self, name: str, details: dict[str, object], p50: float, p99: float) -> list[Result]:
        """The figures: percentiles of the handler's lag against their goals, and of the lease beside them."""
        return [
            Result(
                f"{name}.p{percent}",
                "ms",
                "lower",
                [percentile(lags, percent) for lags in self.began["tocsin"]],
                {
                    peer: [percentile(lags, percent) for lags in each]
                    for peer, each in self.began.items()
                    if peer != "tocsin"
                },
                [Goal(limit)],
                details | {"startedAt": [round(percentile(lags, percent), 3) for lags in self.leased]},
                absent=self.absent,
            )
            for percent, limit in ((50, p50), (99, p99))
        ]


def warm(processes: Processes, conn: psycopg.Connection[tuple[object, ...]], url: str) -> None:
    """Two workers that have run a small herd: the first runs of a process open its connections and make its plans."""
    processes.start_ours(url, workers=2)
    make_schedules(conn, make_tenant(conn), _WARMING, value(conn, NOW), kind="bench.noop", name="warm")
    conn.execute("notify tocsin")
    is_warm = f"select count(*) = {_WARMING} from runs where state = 'succeeded'"
    assert processes.wait_until(lambda: bool(value(conn, is_warm)), 20), "the worker did not start"


def _lags(stage: Stage, count: int, spacing: float) -> tuple[list[float], list[float]]:
    url = stage.database()
    stage.flush()
    with stage.processes() as processes, psycopg.connect(url, autocommit=True) as conn:
        warm(processes, conn, url)
        first_at = value(conn, NOW) + timedelta(seconds=2.5)
        make_schedules(conn, value(conn, "select id from tenants"), count, first_at, spacing=spacing)
        conn.execute("notify tocsin")
        assert processes.wait_until(lambda: processes.stamps.count() >= count, count * spacing + 30, 0.2), (
            "runs are missing"
        )
        began = [(at - slot) * 1000 for slot, at in processes.stamps.all()]
        leased = [
            row[0]
            for row in conn.execute(
                "select extract(epoch from started_at - slot_at)::float8 * 1000 from runs where kind = 'bench.stamp'"
            )
        ]
    stage.drop(url)
    return leased, began


def _peer_lags(stage: Stage, peer: Peer, count: int) -> list[float]:
    """Milliseconds from each instant to the handler of an idle peer."""
    url = stage.empty_database()
    stage.flush()
    with stage.processes() as processes, psycopg.connect(url, autocommit=True) as conn:
        peer.start(processes, Place(url, stage.redis.url, conn))
        before = processes.stamps.count()
        now: datetime = value(conn, NOW)
        first_at = now + timedelta(seconds=3 + 0.1 * count)
        instants = [first_at + timedelta(seconds=number * SPACING_SECONDS) for number in range(count)]
        loaded = [peer.load(1, at) for at in instants]
        assert time.time() < first_at.timestamp(), "loading took longer than planned"
        for at, each in zip(instants, loaded, strict=True):
            time.sleep(max(0.0, at.timestamp() - time.time()))
            each.at_instant()
        assert processes.wait_until(lambda: processes.stamps.count() - before >= count, 30), "some did not begin"
        began = [at for _, at in processes.stamps.all()[before:]]
    stage.drop(url)
    # They come in the order of their instants: a later one never overtakes.
    return [(at - due.timestamp()) * 1000 for at, due in zip(began, instants, strict=True)]
