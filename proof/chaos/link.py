"""A network of its own for some processes, joined to ours by one cable, which can be unplugged and can lose packets.

What a proxy can't do: nobody is told. No reset, no end and no refusal arrives, only silence. Nothing leads from it to
anywhere else. It ends with its last process, however we end.
"""

import contextlib
import functools
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_PROGRAMS = ("ip", "tc", "nsenter", "unshare")
# Two addresses each out of 198.18.0.0/15, which is for tests of networks and used by nobody.
_NETWORKS = 2**15
_TRIES = 10
_DROPPED = re.compile(r"dropped (\d+)")
_PROBE = "ip link add tocsin0 type veth peer name tocsin1 && tc qdisc add dev tocsin0 root blackhole"


@functools.cache
def lacks() -> str:
    """Why no such network can be made on this machine; nothing when one can."""
    if os.geteuid() != 0:
        return "only root can make a network of its own"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"there is no {missing[0]} here: install iproute2 and util-linux"
    tried = subprocess.run(["unshare", "--net", "sh", "-c", _PROBE], check=False, capture_output=True, text=True)
    return f"no network can be made here: {' '.join(tried.stderr.split())[:100]}" if tried.returncode else ""


class Link:
    """`host` is our own address on the cable; what is started behind `prefix` reaches that address and nothing else."""

    def __init__(self) -> None:
        self.host = ""
        self._near = ""
        self._far = ""
        self._holder: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> tuple[str, ...]:
        """Goes before a command that is to run over there."""
        assert self._holder
        return ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--")

    def unplug(self) -> str:
        """Takes the link down over there; returns what the system then says of our end."""
        _do(*self.prefix, "ip", "link", "set", self._far, "down")
        return self.state

    def lose(self, *, requests: bool, answers: bool) -> None:
        """Drops what leaves there, or what leaves here, or both, without a word, until `heal`."""
        if requests:
            _do(*self.prefix, "tc", "qdisc", "replace", "dev", self._far, "root", "blackhole")
        if answers:
            _do("tc", "qdisc", "replace", "dev", self._near, "root", "blackhole")

    def heal(self) -> None:
        """Plugs it in again, and drops nothing more; one that is well stays as it is."""
        _do(*self.prefix, "ip", "link", "set", self._far, "up")
        for before, end in ((self.prefix, self._far), ((), self._near)):
            if "blackhole" in _do(*before, "tc", "qdisc", "show", "dev", end):
                _do(*before, "tc", "qdisc", "del", "dev", end, "root")

    @property
    def state(self) -> str:
        """Our end's state: `up`, or `lowerlayerdown` while it is unplugged."""
        return Path(f"/sys/class/net/{self._near}/operstate").read_text().strip()

    def dropped(self) -> int:
        """How many packets were dropped since `lose`, at both ends."""
        ends = (self.prefix, self._far), ((), self._near)
        told = [_do(*before, "tc", "-s", "qdisc", "show", "dev", end) for before, end in ends]
        return sum(int(count) for text in told if "blackhole" in text for count in _DROPPED.findall(text))

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo made && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._holder.stdout
        self._holder.stdout.readline()
        try:
            self._join(self._holder.pid)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _join(self, pid: int) -> None:
        base, low = self._lay(pid)
        self.host = f"{base}.{low + 1}"
        _do("ip", "addr", "add", f"{self.host}/30", "dev", self._near)
        _do("ip", "link", "set", self._near, "up")
        _do(*self.prefix, "ip", "addr", "add", f"{base}.{low + 2}/30", "dev", self._far)
        _do(*self.prefix, "ip", "link", "set", "lo", "up")
        _do(*self.prefix, "ip", "link", "set", self._far, "up")

    def _lay(self, pid: int) -> tuple[str, int]:
        """Lays the cable; returns the first three numbers of its network, and the fourth."""
        # The system keeps the names apart, and the addresses follow from them.
        for _ in range(_TRIES):
            number = random.SystemRandom().randrange(_NETWORKS)
            self._near, self._far = f"tocsin{number}n", f"tocsin{number}f"
            with contextlib.suppress(FileExistsError):
                _do("ip", "link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", str(pid))
                high, low = divmod(number * 4, 256)
                return f"198.{18 + high // 256}.{high % 256}", low
        raise RuntimeError("no name for a cable is free")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._holder:
            # One end taken away takes the other with it, also while the last process over there still ends.
            subprocess.run(["ip", "link", "del", self._near], check=False, capture_output=True)
            self._holder.communicate()
            self._holder = None


def _do(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if "File exists" in done.stderr:
        raise FileExistsError(done.stderr)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
