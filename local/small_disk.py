"""A file system of its own with little room, in memory, for what a full disk does; only root can mount one."""

import errno
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from local.processes import ServerError, unprivileged

# It waits for the end of its input, which comes however we end, and leaves nothing behind.
_MOUNTED = 'mount -t tmpfs -o "$2" tocsin "$1" && echo mounted && cat >/dev/null; umount -l "$1"; rmdir "$1"'


@functools.cache
def lacks() -> str:
    """Why no small disk can be mounted on this machine; nothing when one can."""
    if os.geteuid() != 0:
        return "only root can mount a small disk"
    if not all(map(shutil.which, ("mount", "umount", "unshare"))):
        return "there is no mount or unshare here"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tocsin", tempfile.gettempdir()],
        check=False,
        capture_output=True,
    )
    return "a small disk can't be mounted here" if tried.returncode else ""


class SmallDisk:
    """The user that servers run as owns it. What lies on it is gone when the block ends, however we end."""

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self.folder = Path()
        self._holder: subprocess.Popen[bytes] | None = None

    def fill(self) -> int:
        """Leaves not a byte of room, also where it was called before; returns how many it holds."""
        with self._ballast.open("ab") as file:
            while room := _room(file.fileno()):
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room)
                except OSError as error:
                    # Somebody else was faster.
                    if error.errno != errno.ENOSPC:
                        raise
        return self._ballast.stat().st_size

    def clear(self) -> None:
        """Gives the room back; where it was not taken nothing is done."""
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-disk-", dir="/tmp"))
        user = unprivileged()
        options = f"size={self._megabytes}m,mode=0700" + (f",uid={user.pw_uid},gid={user.pw_gid}" if user else "")
        self._holder = subprocess.Popen(
            ["sh", "-c", _MOUNTED, "sh", self.folder, options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._holder.stdout
        if not self._holder.stdout.readline():
            self.__exit__(None, None, None)
            raise ServerError("a small disk can't be mounted")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._holder:
            self._holder.communicate()
            self._holder = None


def _room(file: int) -> int:
    place = os.fstatvfs(file)
    return place.f_bavail * place.f_frsize
