"""formats: how many reports of 100, 10,000 and a million rows a process makes, and its peak of memory.

Beside it in the same run: openpyxl in its write-only mode for Excel, reportlab for PDF, csv.writer for CSV, each given
the same rows, the same number formats and the same chart. A PDF shows the first 1,000 rows, of either.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from bench.result import ROOT, Goal, Options, Result, tell

PEERS = {"pdf": "reportlab", "excel": "openpyxl, write-only", "csv": "csv.writer"}
# Rows, and how often a report of them is made in a process.
SIZES = ((100, 20), (10_000, 1), (1_000_000, 1))
# A PDF shows so many of them, as it does unless asked for more; its chart is drawn from all.
CAP = 1_000
MOST_MB = 300


def run(options: Options) -> list[Result]:
    found: list[Result] = []
    for form, peer in PEERS.items():
        for rows, times in SIZES:
            many = min(rows, options.size(rows))
            ours: list[Mapping[str, Any]] = []
            theirs: list[Mapping[str, Any]] = []
            for rep in range(options.reps):
                sides = [("ours", ours), ("theirs", theirs)]
                for who, into in sides if rep % 2 == 0 else sides[::-1]:
                    into.append(_made(who, form, many, CAP, times))
                    tell(f"{form} of {many:,} rows, {who}: {into[-1]['seconds']:.3f} s, {into[-1]['peakMb']:.0f} MB")
            found += _results(f"formats.{form}_{rows}", peer, ours, theirs)
    return found


def _results(
    name: str, peer: str, ours: list[Mapping[str, Any]], theirs: list[Mapping[str, Any]]
) -> tuple[Result, Result]:
    def samples(of: list[Mapping[str, Any]], key: str) -> list[float]:
        return [float(one[key]) for one in of]

    sizes = {"bytes": ours[-1]["bytes"], "peerBytes": theirs[-1]["bytes"]}
    return (
        Result(
            name, "files/s", "higher",
            [1 / seconds for seconds in samples(ours, "seconds")],
            {peer: [1 / seconds for seconds in samples(theirs, "seconds")]},
            details=sizes,
        ),
        Result(
            f"{name}.peak", "MB", "lower", samples(ours, "peakMb"), {peer: samples(theirs, "peakMb")}, [Goal(MOST_MB)]
        ),
    )  # fmt: skip


def _made(who: str, form: str, rows: int, cap: int, times: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.formats_one", who, form, *map(str, (rows, cap, times))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{form} of {rows} rows, {who}, ended with status {done.returncode}:\n{done.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
