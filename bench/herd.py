"""herd: 10,000 schedules due at one instant, a no-op each, every guard on, two worker processes; beside all peers.

Once with schedules that allow overlaps, whose runs are made ahead as the peers' rows lie there before it, and once with
the policy that a schedule has unless told otherwise (`skip`): those pass a gate at their instant.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from bench.crowd import LIMIT_SECONDS, Herd, herd
from bench.peers.ours import Ours
from bench.peers.peer import Absent, Peer
from bench.peers.roster import PEERS, PLAIN
from bench.result import EVERY_PEER, Goal, Options, Result, tell
from bench.stage import Stage

_OURS = "tocsin"
_GATED = "tocsin, gated"
_SERVERS = ("postgres", "redis")


class Field:
    """Everybody's herds, a list for each, and who is missing from them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.herds: dict[str, list[Herd]] = {name: [] for name in names}
        self.absent: dict[str, str] = {}

    def lose(self, name: str, why: str) -> None:
        """A peer that can't be measured spoils nobody else's figures."""
        tell(f"{name} is not measured: {why}")
        self.absent[name] = why
        del self.herds[name]

    def peers(self) -> dict[str, list[Herd]]:
        return {name: herds for name, herds in self.herds.items() if name not in (_OURS, _GATED)}

    def not_done(self) -> dict[str, str]:
        """Of each peer that did not get through: how far it came at best."""
        return {
            name: f"not done: {max(each.began for each in herds):,} began within {LIMIT_SECONDS:g} s"
            for name, herds in self.peers().items()
            if not all(each.details["isDone"] for each in herds)
        }


def run(options: Options) -> list[Result]:
    count = options.size(10_000)
    field = measure({_OURS: Ours, _GATED: partial(Ours, overlap="skip"), **PEERS}, count, options.reps)
    return results(field, count)


def measure(makers: Mapping[str, Callable[[], Peer]], count: int, reps: int) -> Field:
    """Everybody's herds of `count`, one of each in turn and in changing order."""
    field = Field(makers)
    with Stage() as stage:
        for rep in range(reps):
            for name in list(makers) if rep % 2 == 0 else list(makers)[::-1]:
                if name in field.absent:
                    continue
                try:
                    found = herd(stage, makers[name], count)
                except Absent as error:
                    field.lose(name, str(error))
                except (AssertionError, RuntimeError) as error:
                    if name in (_OURS, _GATED):
                        raise
                    field.lose(name, f"it failed: {str(error).strip() or type(error).__name__}")
                else:
                    field.herds[name].append(found)
                    tell(f"{rep + 1}/{reps} {name}: {found.began:,} began, {found.started:.2f} s")
    for name in (_OURS, _GATED):
        assert all(each.details["isDone"] for each in field.herds.get(name, [])), f"{name} did not finish"
    return field


def results(field: Field, count: int) -> list[Result]:
    """The figures: when the first, the middle and the last began, when the last finished, and the cost."""
    details = {
        "due": count,
        "herds": {name: [each.details for each in each_of] for name, each_of in field.herds.items()},
    }
    goals = [Goal(1, EVERY_PEER)] if field.peers() else []
    over_plain = [*goals, Goal(4, PLAIN)] if PLAIN in field.herds else goals

    def figure(name: str, unit: str, of: Callable[[Herd], float], who: str = _OURS, **more: Any) -> Result:
        peers = {peer: [of(each) for each in herds] for peer, herds in field.peers().items()}
        samples = [of(each) for each in field.herds[who]]
        return Result(name, unit, "lower", samples, peers, not_done=field.not_done(), absent=field.absent, **more)

    return [
        *(
            figure(f"herd.{key[:-7]}_started", "s", partial(_detail, key))
            for key in ("firstStarted", "medianStarted", "p99Started")
        ),
        figure("herd.last_started", "s", lambda each: each.started, goals=goals, details=details),
        figure("herd.last_finished", "s", lambda each: each.finished, goals=over_plain),
        figure("herd.gated_last_started", "s", lambda each: each.started, _GATED),
        figure("herd.gated_last_finished", "s", lambda each: each.finished, _GATED),
        figure("herd.cpu", "us/run", lambda each: sum(each.details["cpuMicrosecondsPerRun"].values())),
        figure("herd.memory", "MB PSS", _own_memory),
    ]


def _detail(key: str, each: Herd) -> float:
    found: float | None = each.details[key]
    return LIMIT_SECONDS if found is None else found


def _own_memory(each: Herd) -> float:
    """Of the processes that the herd's owner brought, without the servers."""
    memory: Mapping[str, Mapping[str, float]] = each.details["memory"]
    return sum(size["pssMb"] for name, size in memory.items() if name not in _SERVERS)
