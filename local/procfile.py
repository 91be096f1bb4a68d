"""The Procfile as commands that this very Python runs, so that one machine runs what production runs."""

import shlex
import sys
from pathlib import Path

PROCFILE = Path(__file__).resolve().parent.parent / "Procfile"


def commands(file: Path = PROCFILE) -> dict[str, list[str]]:
    """The command of each process type, in the file's order. Raises ValueError at a command that is not tocsin's."""
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, text = line.partition(":")
        program, *words = shlex.split(text)
        if program != "tocsin":
            raise ValueError(f"{file}: {name} runs {program}, which is not tocsin")
        found[name.strip()] = [sys.executable, "-m", "tocsin", *words]
    return found
