"""flood: 100,000 schedules due at one instant beside 10,000, ours alone: how much longer ten times as many take."""

from bench.crowd import Herd, herd
from bench.peers.ours import Ours
from bench.result import Goal, Options, Result, tell
from bench.stage import Stage

_LIMIT_SECONDS = 300.0
_TIMES = 10


def run(options: Options) -> list[Result]:
    large = options.size(100_000)
    herds: dict[int, list[Herd]] = {large: [], max(1, large // _TIMES): []}
    with Stage() as stage:
        for rep in range(options.reps):
            for count in list(herds) if rep % 2 == 0 else list(herds)[::-1]:
                found = herd(stage, Ours, count, _LIMIT_SECONDS)
                assert found.details["isDone"], f"{found.began} of {count} began within {_LIMIT_SECONDS:g} s"
                herds[count].append(found)
                tell(f"{rep + 1}/{options.reps} {count:,} due: {found.finished:.2f} s")
    many, few = herds.values()
    details = {"herds": {f"{count}": [each.details for each in found] for count, found in herds.items()}}
    return [
        Result("flood.last_started", "s", "lower", [each.started for each in many], details={"due": large}),
        Result("flood.last_finished", "s", "lower", [each.finished for each in many], details={"due": large}),
        Result(
            "flood.started_times_as_long",
            "x",
            "lower",
            [long.started / short.started for long, short in zip(many, few, strict=True)],
            goals=[Goal(12)],
        ),
        Result(
            "flood.finished_times_as_long",
            "x",
            "lower",
            [long.finished / short.finished for long, short in zip(many, few, strict=True)],
            goals=[Goal(12)],
            details=details,
        ),
    ]
