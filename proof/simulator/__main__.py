"""`python -m proof.simulator --seed S --years Y --schedules N`: simulates, says what it found, and fails on a violation."""

import argparse
import json
import sys
import time
from dataclasses import asdict

from proof.simulator.run import Report, simulate


def main() -> int:
    """0 when nothing was violated."""
    asked = _arguments()
    began, seed = time.monotonic(), asked.seed
    while True:
        report = simulate(
            seed,
            asked.years,
            asked.schedules,
            faults=asked.faults,
            has_limits=asked.limits,
            has_calendar=asked.calendar,
        )
        sys.stdout.write((json.dumps(asdict(report), default=str) if asked.json else _text(report)) + "\n")
        sys.stdout.flush()
        if report.violations:
            subject = report.violations[0].subject
            sys.stdout.write("\n".join([f"seed {seed}, the last of {subject}:", *report.traces[subject]]) + "\n")
            return 1
        if not asked.until_failure or time.monotonic() - began > asked.seconds:
            return 0
        seed += 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--years", type=float, default=5.0, help="virtual years")
    parser.add_argument("--schedules", type=int, default=50)
    parser.add_argument("--faults", type=float, default=1.0, help="faults in proportion to the usual number")
    parser.add_argument("--limits", action="store_true", help="two runs out at once, and for half of them one a minute")
    parser.add_argument("--calendar", action="store_true", help="days on which two of three of them do not fire")
    parser.add_argument("--json", action="store_true", help="one JSON object a seed")
    parser.add_argument("--until-failure", action="store_true", help="one seed after the other")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to go on with --until-failure")
    return parser.parse_args()


def _text(report: Report) -> str:
    lines = [
        (
            f"seed {report.seed}: {report.years:g} years of {report.schedules} schedules in {report.seconds:.1f} s "
            f"({report.years_per_second:.2f} years/s), {report.slots} slots, {report.runs} runs, {report.events} events, "
            f"{report.faults} faults, trace {report.trace_hash}"
        ),
        *(f"  VIOLATION {each.name}: {each.subject}: {each.text}" for each in report.violations[:20]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
