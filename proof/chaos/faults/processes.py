"""Faults of tickers and workers: they are killed, stopped, told to end, and given a wrong clock."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proof.chaos.faults.attack import Attack, a_seat
from proof.chaos.world import World

_BOOT_SECONDS, _BETWEEN_LOOKS = 30.0, 0.05
# The library for processes with threads, where Debian keeps it for each kind of machine.
_FAKETIME = "*/faketime/libfaketimeMT.so.1"


def faketime() -> Path | None:
    """The library that gives a process a wrong clock; None where it is not installed."""
    return next(Path("/usr/lib").glob(_FAKETIME), None)


def kill(role: str) -> Attack:
    """SIGKILL."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = a_seat(world, chance, role)
        seat.kill()
        yield seat.name
        seat.fill()

    return fault


def stop(role: str, leases: float) -> Attack:
    """SIGSTOP for that many leases."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = a_seat(world, chance, role)
        seat.signal(signal.SIGSTOP)
        try:
            yield seat.name
            time.sleep(leases * world.setup.lease_seconds)
        finally:
            seat.signal(signal.SIGCONT)

    return fault


def terminate(role: str) -> Attack:
    """SIGTERM to the process and its children, twice, as platforms do."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = a_seat(world, chance, role)
        seat.signal_all(signal.SIGTERM)
        time.sleep(chance.uniform(0, 0.3))
        seat.signal_all(signal.SIGTERM)
        yield seat.name
        if seat.wait(30) == -signal.SIGKILL:
            raise RuntimeError(f"{seat.name} did not drain within 30 s:\n{seat.log_end()}")
        seat.fill()

    return fault


def clock(role: str) -> Attack:
    """A new process whose clock is ten minutes off, forward or back, until it is replaced."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        seat = a_seat(world, chance, role)
        seat.kill()
        off = chance.choice(("+600", "-600"))
        # Durations stay true, as they do where a person or NTP sets a clock.
        seat.fill(LD_PRELOAD=str(faketime()), FAKETIME=off, FAKETIME_DONT_FAKE_MONOTONIC="1")
        until = time.monotonic() + _BOOT_SECONDS
        while not (seat.is_up() or seat.is_empty()) and time.monotonic() < until:
            time.sleep(_BETWEEN_LOOKS)
        yield f"{seat.name} {off} s"
        time.sleep(2 * world.setup.lease_seconds)
        seat.kill()
        seat.fill()

    return fault
