"""The `tocsin` command: one word or a noun with a verb. Exit status 0, 1 when it failed, 2 when it was misused."""

import argparse
import os
import sys
from collections.abc import Sequence

from tocsin import complaints, examples
from tocsin.commands import (
    alerts,
    audit,
    bench,
    calendars,
    channels,
    chaos,
    completion,
    crew,
    cron,
    dead,
    deliveries,
    doctor,
    graphs,
    imports,
    keys,
    limits,
    mcp,
    members,
    processes,
    pulses,
    reports,
    runs,
    schedules,
    silences,
    sources,
    stack,
    suppressions,
    templates,
    tenants,
    tokens,
    users,
    why,
)

INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command; each noun adds its own."""
    found = argparse.ArgumentParser(
        prog="tocsin", description="A due row in Postgres becomes exactly one delivered alert, report or call."
    )
    commands = found.add_subparsers(metavar="COMMAND", required=True)
    nouns = (
        processes,
        doctor,
        why,
        schedules,
        runs,
        dead,
        deliveries,
        sources,
        graphs,
        alerts,
        pulses,
        reports,
        templates,
        silences,
        limits,
        calendars,
        channels,
        suppressions,
        users,
        crew,
        cron,
        imports,
        stack,
        tenants,
        members,
        tokens,
        audit,
        keys,
        mcp,
    )
    for noun in (*nouns, bench, chaos):
        noun.add(commands)
    completion.add(commands, found)
    examples.add(found)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; what went wrong is one line on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not all(_is_text(word) for word in words):
        print("tocsin: its arguments are not valid text in the locale's encoding", file=sys.stderr)
        return 2
    try:
        args = parser().parse_args(words)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 2
    try:
        status: int = args.do(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has gone; without this Python would complain about it once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except complaints.known() as error:
        print(f"tocsin: {complaints.line(error)}", file=sys.stderr)
        return 1
    return status


def _is_text(word: str) -> bool:
    """False for bytes that the shell passed on and that are no text: nothing could print or store them."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
