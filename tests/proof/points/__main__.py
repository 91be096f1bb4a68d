"""`python -m tests.proof.points --times 50`: hits every named point so many times, each with a pass drawn from the seed."""

import argparse
import random
import sys
import time
from typing import Any

from tests.proof.points.points import HITS, Action, Point
from tests.proof.points.servers import Servers, serving, tell

_A_PLACE = 25
"""Hits on one database, after which the next begins on a new one: a verdict is of these."""


def repeat(servers: Servers, point: Point, action: Action, times: int, seed: int) -> bool:
    """Whether the point was hit so many times and every verdict was sound; prints a line."""
    chance = random.Random(f"{seed} {point.name} {action}")
    began, hits, words = time.monotonic(), 0, []
    for first in range(0, times, _A_PLACE):
        with servers.place() as place:
            place.start("ticker", wait=False)
            place.start("worker", wait=False)
            for _ in range(min(_A_PLACE, times - first)):
                hits += place.strike(point.role, point.name, point.draw(chance), action, point.kinds)
            place.until_over()
            verdict = place.judge(seed)
            words.append(verdict.word)
            if not verdict.is_sound:
                tell(verdict.as_text())
    seconds = time.monotonic() - began
    tell(
        f"{action:<5}{point.name:<24}{point.faults:<9} {hits} hits  {', '.join(words)}  "
        f"{seconds:.0f} s ({seconds / max(1, hits):.2f} s a hit)"
    )
    return hits == times and set(words) == {"sound"}


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0 when every point was hit as often as asked, and every verdict is sound."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.points", description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="hits of each point and action")
    parser.add_argument("--point", action="append", help="this point alone; may be given again")
    parser.add_argument("--action", choices=("kill", "stop", "term"), help="this action alone")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 10**6))
    told: Any = parser.parse_args(argv)
    chosen = [
        (point, action)
        for point, action in HITS
        if (told.point is None or point.name in told.point) and told.action in (None, action)
    ]
    if not chosen:
        parser.error(f"there is no point {', '.join(told.point)}")
    tell(f"seed {told.seed}")
    with serving() as servers:
        results = [repeat(servers, point, action, told.times, told.seed) for point, action in chosen]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
