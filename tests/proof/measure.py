"""How long the verdict on 100,000 runs takes, and how much memory: `python -m tests.proof.measure [schedules [slots]]`."""

import resource
import sys
import time

from proof.verdict import judge
from tests.proof.histories import sound


def main(schedules: int = 10_000, slots: int = 10) -> None:
    """Makes a history of schedules x slots, two mails and a call for every fifth run, and judges it."""
    history = sound(1, schedules, slots, every=5)
    rows = sum(
        len(each)
        for each in (
            *(history.versions, history.schedule_moves, history.runs, history.run_moves, history.deliveries),
            *(history.delivery_moves, history.sink, history.starts),
        )
    )
    made = _megabytes()
    began, cpu = time.monotonic(), time.process_time()
    verdict = judge(history)
    told = (
        verdict.as_text(),
        "",
        f"{len(history.runs)} runs, {len(history.deliveries)} deliveries, {rows} rows in all",
        f"judged in {time.monotonic() - began:.1f} s ({time.process_time() - cpu:.1f} s of CPU)",
        f"memory: {made:.0f} MB with the history, {_megabytes():.0f} MB at most",
    )
    sys.stdout.write("\n".join(told) + "\n")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
