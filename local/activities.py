"""What people did in a company's channels, day by day: the rows that the examples of report definitions ask.

The rows of a day are drawn from its date alone, so every machine has the same ones, however often they are made.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zlib import crc32

import psycopg

from tocsin.report_examples import SCHEMA

DAYS = 70
"""How many days there are: last week, and a month to date, have all of their days at any time."""
_WORKSPACES = {"main": ("general", "support", "sales"), "lab": ("general", "experiments")}
_MEMBERS = ("ada", "bruno", "chen", "dora", "emil", "fatima", "goran", "hana")
_ACTIONS = ("message", "message", "message", "reaction", "file", "call")
# Monday to Sunday.
_BUSY = (14, 12, 12, 11, 9, 2, 1)


class Activity(NamedTuple):
    """A row of `sample.activities`."""

    at: datetime
    workspace: str
    member: str
    channel: str
    action: str


def of_day(day: date) -> Iterator[Activity]:
    """What was done on a day, in UTC; nothing but the day decides it."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for workspace, channels in _WORKSPACES.items():
        for channel in channels:
            for number in range(_BUSY[day.weekday()] + crc32(f"{day} {workspace} {channel}".encode()) % 4):
                drawn = crc32(f"{day} {workspace} {channel} {number}".encode())
                at = midnight + timedelta(seconds=6 * 3600 + drawn % (12 * 3600))
                member, action = _MEMBERS[(drawn >> 8) % len(_MEMBERS)], _ACTIONS[(drawn >> 16) % len(_ACTIONS)]
                yield Activity(at, workspace, member, channel, action)


def rows(until: date) -> list[Activity]:
    """The activities of the last days before a day, oldest first."""
    days = (until - timedelta(days=before) for before in range(DAYS, 0, -1))
    return sorted(row for day in days for row in of_day(day))


def load(conn: psycopg.Connection[Any], until: date) -> int:
    """Makes the sample table, filled anew with the days before that day, and returns its number of rows."""
    found = rows(until)
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(SCHEMA)
        cursor.execute("truncate sample.activities")
        with cursor.copy("copy sample.activities from stdin") as copy:
            for row in found:
                copy.write_row(row)
        cursor.execute("analyze sample.activities")
    return len(found)
