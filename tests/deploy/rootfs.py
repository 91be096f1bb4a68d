"""The image without an engine: follows the Dockerfile's steps on this machine's Python, and runs what it makes.

`python -m tests.deploy.rootfs FOLDER [SETS]` builds there and tells the size. The base is this machine's own system and
Python in place of a base image; everything that the Dockerfile adds is made by its own lines. What runs in it sees a
read-only root, a /tmp of its own, and no folder of this machine's users.
"""

import json
import os
import re
import shlex
import shutil
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BASE_PATH = "/usr/local/bin:/usr/bin:/bin"
# Told to an engine or to people, and nothing that a file system shows.
_TOLD = ("EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "LABEL")
_SHELLS = ("/usr/bin/dash", "/usr/bin/bash")
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib64", "etc")
_MADE = [(), ("tmp",), ("dev",), *((top,) for top in _SYSTEM)]
_LEAVE_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".env")


@dataclass
class Stage:
    """One stage: what was added to the base, and how it is to be run."""

    folder: Path
    name: str = ""
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": BASE_PATH})
    args: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def place(self, path: str) -> Path:
        """Where a path of the image lies on this machine."""
        return self.folder / str(Path(self.workdir, path)).lstrip("/")

    def command(
        self,
        words: Sequence[str],
        shown: Sequence[Path] = (),
        instead: Mapping[str, Path] | None = None,
        *,
        has_shell: bool = False,
    ) -> list[str]:
        """What runs these words in it, as its user where we are root.

        `shown` are files and folders of ours that it may read in their own places, `instead` those in place of its own.
        """
        uid, _, gid = self.user.partition(":")
        changing = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--bounding-set=-all"]
        may = [word for cap in ("setuid", "setgid", "setpcap") for word in ("--cap-add", f"cap_{cap}")]
        is_root = os.geteuid() == 0
        return [
            "bwrap",
            *(may if is_root else ()),
            *(word for top in _SYSTEM if Path("/", top).exists() for word in _as_it_is(Path("/", top))),
            *_parents([sys.base_prefix, *(f"/{added}" for added in _added(self.folder)), *map(str, shown)]),
            *_same(sys.base_prefix),
            *(word for added in _added(self.folder) for word in ("--ro-bind", str(self.folder / added), f"/{added}")),
            *("--dev", "/dev", "--proc", "/proc", "--perms", "1777", "--tmpfs", "/tmp"),
            # An image may hold no shell: whoever calls one here fails.
            *(word for shell in _SHELLS if not has_shell and Path(shell).exists() for word in _nothing(shell)),
            *(word for folder in shown for word in _same(str(folder))),
            *(word for place, file in (instead or {}).items() for word in ("--ro-bind", str(file), place)),
            *("--remount-ro", "/", "--chdir", self.workdir, "--"),
            *([*changing, "--no-new-privs"] if is_root else ()),
            *words,
        ]


def build(folder: Path, args: Mapping[str, str] | None = None, file: Path = DOCKERFILE) -> Stage:
    """The last stage, built below `folder`. Raises CalledProcessError when a step fails, ValueError at an unknown one."""
    stages: list[Stage] = []
    for word, text in instructions(file):
        if word == "FROM":
            stages.append(Stage(folder / str(len(stages)), name=text.partition(" AS ")[2]))
            stages[-1].folder.mkdir(parents=True)
        elif stages:
            _step(stages, word, text, args or {})
    return stages[-1]


def instructions(file: Path) -> Iterator[tuple[str, str]]:
    """The instructions with their text, continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word, rest.strip()


def _step(stages: list[Stage], word: str, text: str, args: Mapping[str, str]) -> None:
    stage = stages[-1]
    if word == "ARG":
        name, _, default = text.partition("=")
        stage.args[name] = args.get(name, default.strip('"'))
    elif word == "ENV":
        for entry in shlex.split(text):
            name, _, value = entry.partition("=")
            stage.environ[name] = string.Template(value).substitute(stage.environ)
    elif word == "WORKDIR":
        stage.workdir = text
        stage.place(".").mkdir(parents=True, exist_ok=True)
    elif word == "USER":
        stage.user = text
    elif word in ("ENTRYPOINT", "CMD"):
        setattr(stage, "entrypoint" if word == "ENTRYPOINT" else "words", tuple(json.loads(text)))
    elif word == "COPY":
        _copy(stages, text)
    elif word == "RUN":
        _run(stage, text)
    elif word not in _TOLD:
        raise ValueError(f"the Dockerfile says {word}, which is not followed here")


def _copy(stages: list[Stage], text: str) -> None:
    words = text.split()
    is_staged = words[0].startswith("--from=")
    source = next(s.folder for s in stages if s.name == words[0][len("--from=") :]) if is_staged else ROOT
    *wanted, target = words[1:] if is_staged else words
    for name in wanted:
        origin = source / name.lstrip("/")
        place = stages[-1].place(target)
        if origin.is_dir():
            shutil.copytree(origin, place, symlinks=True, ignore=None if is_staged else _LEAVE_OUT)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, place)


def _run(stage: Stage, text: str) -> None:
    """Runs a step as whoever builds, who sees this machine read-only and the stage's own folders in it."""
    (stage.folder / "opt").mkdir(exist_ok=True)
    own = {path.name for path in stage.folder.iterdir()}
    shown: list[str] = []
    for top in sorted(Path("/").iterdir()):
        if top.name not in {*own, "dev", "proc", "tmp", "sys"}:
            shown += _same(str(top))
    for name in sorted(own):
        shown += ["--bind", str(stage.folder / name), f"/{name}"]
        # Where the machine keeps packages or certificates beside, they stay in sight; each leaves an empty place behind.
        for beside in sorted(Path("/", name).iterdir()) if Path("/", name).is_dir() else ():
            if not _is_full(stage.folder / name / beside.name):
                shown += _same(str(beside))
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    script = re.sub(r"^python\b", str(python), text)
    mounts = ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--chdir", stage.workdir]
    environ = {**os.environ, **stage.args, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": ""}
    command = ["bwrap", *shown, *mounts, "/bin/sh", "-c", script]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _is_full(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())


def _parents(paths: Sequence[str]) -> list[str]:
    """Makes the folders above these, open to all: bubblewrap would make them its own user's alone."""
    above = {str(parent) for path in paths for parent in Path(path).parents if parent.parts[1:2] not in _MADE}
    return [word for path in sorted(above - {"/"}) for word in ("--perms", "0755", "--dir", path)]


def _as_it_is(path: Path) -> list[str]:
    return ["--symlink", str(path.readlink()), str(path)] if path.is_symlink() else _same(str(path))


def _nothing(path: str) -> list[str]:
    return ["--ro-bind", "/dev/null", path]


def _same(path: str) -> list[str]:
    return ["--ro-bind", path, path]


def _added(folder: Path) -> list[str]:
    """The folders that a stage added, two levels deep, since the first may be the base's own."""
    return [str(path.relative_to(folder)) for top in sorted(folder.iterdir()) for path in sorted(top.iterdir())]


def size(folder: Path) -> int:
    """The bytes of all that lies there."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


if __name__ == "__main__":
    began = time.monotonic()
    made = build(Path(sys.argv[1]).absolute(), {"SETS": " ".join(sys.argv[2:])} if sys.argv[2:] else None)
    sys.stdout.write(f"{size(made.folder) / 2**20:.0f} MB beside the base, in {time.monotonic() - began:.0f} s\n")
