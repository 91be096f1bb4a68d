"""Renders a tenant's template in a process of its own, which is ended when it takes too long or too much."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.templating.child import ANSWER_BYTES, CPU_SECONDS, MEMORY_BYTES
from workers.templating.data import read, written
from workers.templating.parts import BadPart, make

WALL_SECONDS = 20.0
# So many at once; who is beyond them waits, and no longer than this unless he says so.
AT_ONCE, ROOM_SECONDS = 4, 20.0
_CHILD = Path(__file__).with_name("child.py")
_ROOT = Path(__file__).parent.parent.parent
_ROOM = threading.BoundedSemaphore(AT_ONCE)


class Ended(Exception):
    """The process was ended, or ended without an answer; says why."""


class NoRoom(Ended):
    """No process was free in time: nothing is wrong with the template."""


class BadSample(BadPart):
    """A part can't be made of one of several contexts: also says of which."""

    def __init__(self, part: str, line: int, message: str, number: int) -> None:
        super().__init__(part, line, message)
        self.number = number


def render(
    sources: Mapping[str, str],
    contexts: Sequence[Mapping[str, Any]],
    *,
    wall_seconds: float = WALL_SECONDS,
    room_seconds: float = ROOM_SECONDS,
) -> list[dict[str, str]]:
    """Return the parts that the sources make of each context. Raises BadSample, Ended when the process was ended, NoRoom.

    The process has nothing of this one's: no environment, no open file, no connection.
    """
    contexts = [written(context) for context in contexts]
    if not any(sign in source for source in sources.values() for sign in "{<"):
        # It has no word for the language or the browser: as it stands, each context makes the same of it.
        return _here(sources, contexts)
    asked = json.dumps({"sources": dict(sources), "contexts": contexts}).encode()
    if not _ROOM.acquire(timeout=room_seconds):
        raise NoRoom(f"no process to render it was free within {room_seconds:.0f} s")
    try:
        answer = json.loads(_answer(asked, wall_seconds))
    finally:
        _ROOM.release()
    if "wrong" in answer:
        raise BadSample(*answer["wrong"])
    made: list[dict[str, str]] = answer["made"]
    return made


def _here(sources: Mapping[str, str], contexts: Sequence[Any]) -> list[dict[str, str]]:
    try:
        return [make(sources, read(context)) for context in contexts]
    except BadPart as error:
        raise BadSample(error.part, error.line, error.message, 0) from None


def _answer(asked: bytes, wall_seconds: float) -> bytes:
    paths = json.dumps([str(_ROOT), *filter(None, sys.path)])
    # -I and -S: neither the environment nor the folder that it starts in has a say in what is imported.
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(_CHILD), paths]
    # The answer goes into a file without a name: the system bounds it, and it is gone with the process.
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as complaint:
        with tempfile.TemporaryFile() as question:
            question.write(asked)
            question.seek(0)
            try:
                ended = subprocess.run(
                    command,
                    stdin=question,
                    stdout=answer,
                    stderr=complaint,
                    env={},
                    cwd="/",
                    timeout=wall_seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise Ended(f"takes more than {wall_seconds:g} s") from None
        if ended.returncode != 0:
            raise Ended(_why(ended.returncode))
        answer.seek(0)
        return answer.read()


def _why(status: int) -> str:
    if -status in (signal.SIGXCPU, signal.SIGKILL):
        return f"takes more than {CPU_SECONDS} s of a processor"
    if -status == signal.SIGXFSZ:
        return f"makes more than {ANSWER_BYTES // 2**20} MB"
    return f"takes more than {MEMORY_BYTES // 2**20} MB of memory, or ends its process otherwise"
