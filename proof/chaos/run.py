"""One chaos run: a world, a nemesis until its schedules are over, then peace, the whole history, and the verdict."""

import random
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.journal import machine_time
from proof.chaos.faults import WEIGHTS, Attack, left_out, possible
from proof.chaos.kinds import OWED
from proof.chaos.plan import Scale
from proof.chaos.world import Setup, World
from proof.invariants.case import Limits
from proof.read import read_history
from proof.records import Fault, History
from proof.sinks import read_sink, read_starts
from proof.timeline import draw
from proof.verdict import Verdict, judge

_PATIENCE_LEASES = 20
# Two minutes are what a delivery has before it is taken back.
_LEAST_PATIENCE = 150.0
_LONGEST_PAUSE = 1.0
# A lease runs out, it is found lost, its runs are rung, and a process boots.
_RECOVER_LEASES, _RECOVER_SECONDS = 1.5, 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a chaos run; `is_over` is false when work was still open at the end of all patience."""

    verdict: Verdict
    history: History
    scale: Scale
    is_over: bool

    @property
    def is_sound(self) -> bool:
        """Whether everything ended and the verdict is sound."""
        return self.is_over and self.verdict.is_sound

    def as_json(self) -> dict[str, Any]:
        """The document of `tocsin chaos --json`."""
        figures = self.verdict.figures
        told = self.verdict.as_json()
        return {
            "seed": self.scale.seed,
            "schedules": self.scale.schedules,
            "slots": figures.slots,
            "faults": dict(self.verdict.faults),
            "lost": figures.lost,
            "doubled": figures.doubled,
            "deliveriesLost": figures.deliveriesLost,
            "deliveriesDoubled": figures.deliveriesDoubled,
            "insideWindow": figures.insideWindow,
            "lagMs": told["figures"]["lagMs"],
            "verdict": self.verdict.word if self.is_over else "not over",
            "details": told,
        }


class Nemesis:
    """Does one fault after the other, drawn from the seed, and keeps what it did."""

    def __init__(self, world: World, seed: int, attacks: dict[str, Attack]) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self._attacks = attacks
        self.done: list[Fault] = []

    def strike(self, name: str) -> str:
        """Does the fault of that name, heals it, and returns its name."""
        began = machine_time()
        with self._attacks[name](self._world, self._chance) as target:
            pass
        self.done.append(Fault(began, machine_time(), name, target))
        return name

    def draw(self) -> Iterator[str]:
        """Names of faults without end, as the seed and the weights say."""
        names = sorted(self._attacks)
        weights = [WEIGHTS.get(name, 1) for name in names]
        while names:
            yield self._chance.choices(names, weights)[0]

    def paused(self, names: Iterable[str]) -> Iterator[str]:
        """The names, with a short pause after each."""
        for name in names:
            yield name
            time.sleep(self._chance.uniform(0, _LONGEST_PAUSE))

    def spread(self, counts: Mapping[str, int], until: float) -> Iterator[str]:
        """Each fault so many times, in an order that the seed draws, evenly spread over the time that is left."""
        names = [name for name in sorted(counts) for _ in range(counts[name])]
        self._chance.shuffle(names)
        began = machine_time()
        share = (until - began) / max(1, len(names))
        for place, name in enumerate(names):
            at = began + (place + self._chance.random()) * share
            # Faults that take longer than their share push the others together.
            time.sleep(max(0.0, at - machine_time()))
            yield name


def run(
    scale: Scale,
    setup: Setup | None = None,
    names: Collection[str] | Mapping[str, int] | None = None,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
    script: Sequence[str] | None = None,
) -> Outcome:
    """Runs chaos at that scale with the faults named, all that are possible here without names. Prints nothing itself.

    Names alone are drawn again and again; names with counts are done so many times each, spread over the whole time.
    With a `script` these faults are done in its order and none is drawn, from a second after the first slot on.
    Logs, the sinks' lines and a picture are kept in `folder`, and nowhere without one.
    """
    setup = setup or Setup()
    attacks = {name: attack for name, attack in possible(setup).items() if names is None or name in names}
    with tempfile.TemporaryDirectory(prefix="tocsin-chaos-") as temporary:
        place = folder or Path(temporary)
        with World(place, setup) as world:
            tell(f"seed {scale.seed}: making {scale.schedules} schedules")
            for why, without in left_out(setup).items():
                tell(f"left out, {why}: {', '.join(without)}")
            world.take_seats()
            world.wait_until_up(_LEAST_PATIENCE)
            over_at = world.make_schedules(scale)
            nemesis = Nemesis(world, scale.seed, attacks)
            if script is not None:
                time.sleep(max(0.0, over_at.timestamp() - scale.seconds + _LONGEST_PAUSE - machine_time()))
            for name in _faults(nemesis, names, script, over_at.timestamp()):
                if machine_time() >= over_at.timestamp():
                    break
                tell(nemesis.strike(name))
                world.fill_seats()
            world.heal()
            patience = setup.patience_seconds
            if patience is None:
                patience = max(_LEAST_PATIENCE, _PATIENCE_LEASES * setup.lease_seconds)
            tell("healed; waiting until nothing is open")
            is_over = world.wait_until_over(over_at, patience, lambda: None)
            tell("judging")
            history = _history(world, nemesis.done, scale.seed)
        recover_seconds = _RECOVER_LEASES * setup.lease_seconds + _RECOVER_SECONDS
        limits = Limits(setup.late_seconds, recover_seconds, owed=OWED)
        outcome = Outcome(judge(history, limits), history, scale, is_over)
        if folder is not None:
            (folder / "timeline.svg").write_text(draw(history, outcome.verdict))
        return outcome


def _faults(
    nemesis: Nemesis, names: Collection[str] | Mapping[str, int] | None, script: Sequence[str] | None, until: float
) -> Iterable[str]:
    if script is None and isinstance(names, Mapping):
        return nemesis.spread(names, until)
    return nemesis.paused(nemesis.draw() if script is None else script)


def _history(world: World, faults: Sequence[Fault], seed: int) -> History:
    sink = [*read_sink(world.calls.folder), *read_sink(world.mails.folder)]
    sink.sort(key=lambda event: event.at)
    return read_history(
        world.url, sink=sink, starts=read_starts(world.calls.folder), faults=faults, seed=seed, grace_seconds=0.0
    )
