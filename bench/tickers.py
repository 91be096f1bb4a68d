"""tickers: what two tickers claim a second beside one, of 50,000 schedules due at one instant among 500,000.

Each is a process of its own and does what the ticker's transaction does (bench/claimer.py).
"""

import os
import subprocess
import sys

from bench.claim import CROWD, seed
from bench.claimer import BATCH
from bench.result import ROOT, Goal, Options, Result, tell
from bench.stage import Stage


def run(options: Options) -> list[Result]:
    due = options.size(50_000)
    rates: dict[int, list[float]] = {2: [], 1: []}
    with Stage() as stage:
        template = seed(stage, due)
        for rep in range(options.reps):
            for tickers in (1, 2) if rep % 2 == 0 else (2, 1):
                url = stage.copy(template)
                stage.flush()
                rates[tickers].append(rate(url, tickers, due))
                stage.drop(url)
                tell(f"{rep + 1}/{options.reps} {tickers} tickers: {rates[tickers][-1]:,.0f} rows/s")
    details = {"due": due, "of": due * CROWD, "batch": BATCH}
    peers = {"one ticker": rates[1]}
    return [Result("claim.two_tickers", "rows/s", "higher", rates[2], peers, [Goal(1.25, "one ticker")], details)]


def rate(url: str, tickers: int, due: int) -> float:
    """Rows a second, from when the first began until the last ended."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.claimer"],
            cwd=ROOT,
            env=dict(os.environ) | {"BENCH_DATABASE": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(tickers)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n", "a ticker did not start"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        told = [child.communicate(timeout=120)[0].split() for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    # Each claimed one before it was ready.
    claimed = sum(int(done) for _, _, done in told)
    assert claimed == due - tickers, f"{claimed} of {due} were claimed"
    return claimed / (max(float(ended) for _, ended, _ in told) - min(float(began) for began, _, _ in told))
