"""A crontab, read line by line. Its commands are text here and never run.

Source: crontab(5) of Debian's cron and of cronie.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from config.zones import BadZone, zone
from tocsin.imports import vixie
from tocsin.imports.found import Found, Untold, named_apart, one_line

_SETTING = re.compile(r"""\s*(\w+|"[^"]*"|'[^']*')\s*=\s*(.*?)\s*""", re.ASCII | re.DOTALL)
_TIMED = re.compile(r"[\d*][\d*,/~-]*(\s+\S+){5}|@[a-z]+\s+\S+", re.ASCII | re.DOTALL)
# What systems write above their first entry: a picture of the fields.
_RULER = re.compile(r"m\s+h\s+dom\s+mon\s+dow\b.*|[\W_]*", re.IGNORECASE)
_COUNT = 5


def read(text: str, timezone: str | None = None, *, has_users: bool = False) -> list[Found]:
    """Every entry of a crontab, in order; `has_users`: a system's crontab, with a user before each command.

    `timezone` is the machine's zone; None leaves it to the tenant's own.
    """
    return list(named_apart(_entries(text, timezone, has_users=has_users)))


def _entries(text: str, timezone: str | None, *, has_users: bool) -> Iterator[Found]:
    environment: dict[str, str] = {}
    comment = ""
    for number, line in enumerate(text.splitlines(), 1):
        told = line.strip()
        if told.startswith("#"):
            said = told.lstrip("# \t")
            comment = comment if _TIMED.match(said) else "" if _RULER.fullmatch(said) else said
        elif not told:
            comment = ""
        elif setting := _SETTING.fullmatch(line):
            name, value = (each.strip("\"'") for each in setting.groups())
            environment[name] = value
        else:
            yield _entry(told, f"line {number}", comment, environment, timezone, has_users=has_users)
            comment = ""


def _entry(
    line: str, place: str, comment: str, environment: dict[str, str], timezone: str | None, *, has_users: bool
) -> Found:
    time_count = 1 if line.startswith("@") else _COUNT
    words = line.split(None, time_count + has_users)
    command = words[-1] if len(words) > time_count + has_users else ""
    if not command:
        return Found(comment or one_line(line), place, "", why_not="it has no command" + " behind its user" * has_users)
    user = {"user": words[time_count]} if has_users else {}
    run, told = _command(command)
    found = Found(comment or _shortly(run) or line, place, run, told=told | user)
    try:
        when, notes = _when(words[:time_count], environment, timezone)
    except Untold as error:
        return Found(found.name, place, run, told=found.told, why_not=str(error))
    return Found(found.name, place, run, when, found.told, notes=notes)


def _when(
    words: list[str], environment: dict[str, str], timezone: str | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of the schedule, and what is to be said of them. Raises Untold."""
    timing = vixie.nickname(words[0]) if len(words) == 1 else vixie.timing(words)
    own_zone = environment.get("CRON_TZ") or timezone
    when: dict[str, Any] = {"cronExpression": timing.cron}
    if own_zone is not None:
        try:
            zone(own_zone)
        except BadZone as error:
            raise Untold(f"CRON_TZ {own_zone}: {error}") from None
        when["timezone"] = own_zone
    if timing.gap is not None:
        when |= {"dstGap": timing.gap, "dstFold": timing.fold}
    return when | _jitter(environment), tuple(_notes(environment))


def _jitter(environment: dict[str, str]) -> dict[str, int]:
    minutes = environment.get("RANDOM_DELAY", "")
    return {"jitterSeconds": int(minutes) * 60} if minutes.isdigit() and 0 < int(minutes) <= 1440 else {}


def _notes(environment: dict[str, str]) -> Iterator[str]:
    """What stood round the entry and means nothing here."""
    if left := sorted(set(environment) - {"CRON_TZ", "RANDOM_DELAY", "TZ"}):
        yield f"{', '.join(left)}: not carried over; set it where the command runs"
    if "TZ" in environment:
        yield "TZ moves the command's clock and not when cron fires; CRON_TZ or --tz says the zone"


def _command(text: str) -> tuple[str, dict[str, Any]]:
    """The command, and it with its input: what follows the first % that is not escaped, each further % a new line."""
    run, *lines = (part.replace("\\%", "%") for part in re.split(r"(?<!\\)%", text))
    told: dict[str, Any] = {"command": run.strip()}
    if lines:
        told["stdin"] = "\n".join(lines) + "\n"
    return run.strip(), told


def _shortly(command: str) -> str:
    """The first words of a command that are neither options nor settings, without folders: a name holds no password."""
    words = [PurePosixPath(word).name for word in command.split() if re.fullmatch(r"[\w./][\w./:@+-]*", word)]
    return one_line(" ".join(words[:3]))
