"""Faults that need a machine that can have them: each really happens, is healed, and leaves a sound history."""

import os
import random
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from local import rabbitmq, small_disk
from local.small_disk import SmallDisk
from proof.chaos import link
from proof.chaos.faults import FAULTS, left_out, possible
from proof.chaos.link import Link
from proof.chaos.plan import Scale
from proof.chaos.run import run
from proof.chaos.world import Setup, World
from proof.records import Fault

pytestmark = [pytest.mark.race, pytest.mark.timeout(240)]
# A loaded machine may be slow, and that is no matter here.
LATE_SECONDS = 30.0
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d\.\d+) .*\.started")
DAY = 24 * 60 * 60


def strike(
    folder: Path, script: Sequence[str], seconds: float = 8.0, broker: Literal["redis", "rabbitmq"] = "redis"
) -> list[Fault]:
    """The faults that a small run was struck by, which was sound. Skips where one of them can't be done."""
    setup = Setup(lease_seconds=1.0, late_seconds=LATE_SECONDS, head_start_seconds=1.0, broker=broker)
    for why, names in left_out(setup).items():
        if set(names) & set(script):
            pytest.skip(why)
    seed = random.randrange(1, 10**9)
    sys.stdout.write(f"chaos: seed {seed}\n")
    outcome = run(Scale(20, seconds, seed), setup, folder=folder, script=script)
    assert outcome.is_sound, outcome.verdict.as_text()
    assert outcome.verdict.figures.slots > 0
    return list(outcome.history.faults)


# What they do to Tocsin, tests/proof/points/test_disk.py shows too.
@pytest.mark.long
def test_a_full_disk_under_the_wal_and_a_sync_that_fails_are_a_panic_and_nothing_else(tmp_path: Path) -> None:
    full, failed = strike(tmp_path, ["postgres.disk_full", "postgres.sync_error"], 20.0)
    assert re.match("PANIC: .*No space left on device", full.target)
    assert re.match("PANIC: .*could not fdatasync", failed.target)


@pytest.mark.long
def test_of_a_cable_that_is_out_and_of_lost_packets_nobody_is_told(tmp_path: Path) -> None:
    unplugged, blackhole = strike(tmp_path, ["network.unplugged", "network.blackhole"], 15.0)
    assert unplugged.target.endswith(": down")
    assert unplugged.ended - unplugged.began > 1.0
    assert re.match("[1-9][0-9]* packets", blackhole.target)


@pytest.mark.long
def test_wrong_clocks_change_nothing(tmp_path: Path) -> None:
    faults = strike(tmp_path, ["worker.clock", "ticker.clock"], 20.0)
    for fault in faults:
        seat, off, _ = fault.target.split()
        said = CLOCK.search((tmp_path / "log" / f"{seat}.2.log").read_text())
        assert said, fault
        hours, minutes, seconds = map(float, said.groups())
        midnight = datetime.fromtimestamp(fault.began, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        drift = (midnight.timestamp() + hours * 3600 + minutes * 60 + seconds - fault.began + DAY / 2) % DAY - DAY / 2
        assert abs(drift - int(off)) < fault.ended - fault.began + 1
    assert len(faults) == 2


@pytest.mark.long
@pytest.mark.skipif(rabbitmq.lacks() != "", reason=f"{rabbitmq.lacks()}: make test-deps")
def test_rabbitmq_may_be_emptied_and_killed(tmp_path: Path) -> None:
    faults = strike(tmp_path, ["rabbitmq.purge", "rabbitmq.restart"], 10.0, "rabbitmq")
    assert {fault.name for fault in faults} == {"rabbitmq.purge", "rabbitmq.restart"}


@pytest.mark.skipif(link.lacks() != "", reason=link.lacks())
def test_a_link_reaches_its_host_alone_and_in_silence_nobody() -> None:
    with Link() as cable, socket.create_server((cable.host, 0)) as server:
        port = server.getsockname()[1]
        assert call(cable, cable.host, port) == ""
        # Another machine, for which there is no way.
        assert "unreachable" in call(cable, "192.0.2.1", 80)
        for requests, answers in ((True, False), (False, True)):
            cable.lose(requests=requests, answers=answers)
            assert "timed out" in call(cable, cable.host, port)
            assert cable.dropped() > 0
            cable.heal()
            assert call(cable, cable.host, port) == ""
        assert cable.unplug() == "down"
        assert call(cable, cable.host, port) != ""
        cable.heal()
        assert call(cable, cable.host, port) == ""


def call(cable: Link, host: str, port: int) -> str:
    """What becomes of a connection from over there; nothing when it is made."""
    code = f"import socket; socket.create_connection(({host!r}, {port}), timeout=1.0)"
    done = subprocess.run([*cable.prefix, sys.executable, "-c", code], check=False, capture_output=True, text=True)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.skipif(bool(link.lacks() or small_disk.lacks()), reason=link.lacks() or small_disk.lacks())
def test_after_a_failure_neither_a_cable_nor_a_disk_is_left(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("planted")

    world = World(tmp_path, Setup(prepare=fail))
    with pytest.raises(RuntimeError, match="planted"), world:
        pass
    assert world.link
    assert world.disk
    assert world.link.host not in subprocess.run(["ip", "addr"], check=True, capture_output=True, text=True).stdout
    assert str(world.disk.folder) not in Path("/proc/mounts").read_text()
    assert not world.disk.folder.exists()


@pytest.mark.skipif(small_disk.lacks() != "", reason=small_disk.lacks())
def test_a_small_disk_is_full_to_the_last_byte_and_empty_again() -> None:
    with SmallDisk(8) as disk:
        (disk.folder / "kept").write_bytes(bytes(1000))
        for _ in range(2):
            disk.fill()
            with pytest.raises(OSError, match="No space left"), (disk.folder / "more").open("wb", buffering=0) as file:
                file.write(b"x")
        disk.clear()
        (disk.folder / "more").write_bytes(bytes(1_000_000))


def test_what_cannot_be_done_is_left_out_and_said() -> None:
    brokers: tuple[tuple[Literal["redis", "rabbitmq"], str], ...] = (("redis", "rabbitmq"), ("rabbitmq", "redis"))
    for broker, other in brokers:
        setup = Setup(broker=broker)
        without = left_out(setup)
        assert all(name.startswith(f"{other}.") for name in without[f"the broker is {broker}"])
        assert possible(setup).keys() | {name for names in without.values() for name in names} == FAULTS.keys()
    assert "postgres.sync_error" not in possible(Setup(postgres_settings={"fsync": "off"}))


def test_a_fault_that_cannot_be_done_and_a_broker_that_is_not_there_are_refused() -> None:
    for option, word in (("--faults=rabbitmq.purge", "the broker is redis"), ("--broker=rabbitmq", "not installed")):
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", "chaos", option],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": "/nowhere"},
        )
        assert done.returncode == 1
        assert word in done.stderr
        assert len(done.stderr.splitlines()) == 1
