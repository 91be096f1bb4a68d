"""What processes cost: CPU and memory, out of /proc."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Of a process and its descendants, in MB: resident, and with what is shared divided by who shares it."""

    processes: int
    rss: float
    pss: float

    def plus(self, other: Self) -> "Memory":
        return Memory(self.processes + other.processes, self.rss + other.rss, self.pss + other.pss)

    def as_json(self) -> dict[str, float]:
        return {"processes": self.processes, "rssMb": round(self.rss, 1), "pssMb": round(self.pss, 1)}


def spent(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Microseconds of CPU for each of `count`, by name."""
    return {name: round((after[name] - before.get(name, 0.0)) / count * 1e6, 1) for name in after}


def tree_cpu(pid: int) -> float:
    """Seconds of CPU of a process, of its living descendants and of its children that have ended."""
    return sum(_cpu(one) for one in (pid, *descendants(pid)))


def descendants(pid: int) -> list[int]:
    """The living descendants of a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def memory(pid: int) -> Memory:
    """What a process and its living descendants hold."""
    found = Memory(0, 0.0, 0.0)
    for one in (pid, *descendants(pid)):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            # It has ended since.
            continue
        sizes = {fields[0]: int(fields[1]) / 1024 for line in text.splitlines()[1:] if (fields := line.split())}
        found = found.plus(Memory(1, sizes["Rss:"], sizes["Pss:"]))
    return found


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat from the state on; empty when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
