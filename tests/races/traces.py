"""Reading what kinds left in their trace."""

from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    """One line of a trace."""

    run: str
    attempt: int
    pid: int
    word: str


def lines(trace: Path, word: str | None = None) -> list[Line]:
    """The lines so far, or those with the word."""
    if not trace.exists():
        return []
    found = []
    for line in trace.read_text().splitlines():
        run, attempt, pid, *rest = line.split()
        found.append(Line(run, int(attempt), int(pid), " ".join(rest)))
    return [line for line in found if word is None or line.word == word]


def each_once(trace: Path, count: int) -> bool:
    """Whether that many runs left exactly one line each."""
    runs = [line.run for line in lines(trace)]
    return len(runs) == len(set(runs)) == count
