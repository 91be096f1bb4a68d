"""A crontab fires here when Vixie cron would have fired it, or is left out with the reason."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from scheduler.slots import Cron, check, slots_between
from tocsin.imports import crontab
from tocsin.imports.found import Found

YEAR = datetime(2026, 1, 1, tzinfo=UTC)

SPARSE = [
    "0 9 * * 1-5",
    "30 2 * * *",
    "15,45 1-3 * * *",
    "0 */6 * * *",
    "*/20 2 * * *",
    "0 0 13 * 5",
    "0 0 1-7 * sun",
    "0 12 */2 * *",
    "0 12 * * */2",
    "0 4 1,15 * *",
    "5 0 * 8 *",
    "15 14 1 * *",
    "0 22 * * mon-fri",
    "23 0-20/2 * * *",
    "5 4 * * sun",
    "0 0 * * 7",
    "0 1 5-5 * *",
    "*/90 3 * * *",
    "0 3 1-31 * 1",
    "0 3 */2 * 0-6",
    "0 3 10-14 JAN,Mar-may/2 *",
    "@daily",
    "@monthly",
]
DENSE = ["*/7 * * * *", "* 2 * * *", "*/15 1-3 * * *", "*/15,7 * * * *", "30 * * * *", "@hourly", "*/40 0-4/2 * * *"]
NIGHTS = {"Europe/Paris": ["2026-03-29", "2026-10-25"], "America/New_York": ["2026-03-08", "2026-11-01"]}


def imported(fields: str, timezone: str) -> Found:
    [found] = crontab.read(f"CRON_TZ={timezone}\n{fields} /bin/true\n")
    assert found.why_not == "", found.why_not
    return found


def fires_here(fields: str, timezone: str, start: datetime, end: datetime) -> set[datetime]:
    when = imported(fields, timezone).when
    cron = Cron(when["cronExpression"], timezone, when.get("dstGap", "end"), when.get("dstFold", "first"))
    check(cron)
    return set(slots_between(cron, start, end, 1_000_000)[0])


def fires_in_cron(fields: str, timezone: str, start: datetime, end: datetime) -> set[datetime]:
    """By Vixie's own way, minute by minute: cron's clock is local minutes, and fixed times are caught up or held.

    Shares nothing with ours: cronsim tells which local minutes match, the walk tells what a turn of the clock does.
    """
    nickname = {"@daily": "0 0 * * *", "@monthly": "0 0 1 * *", "@hourly": "0 * * * *"}
    minute, hour, *days = nickname.get(fields, fields).replace("*/90", "0").replace("5-5", "5").lower().split()
    by_elapsed = fields[0] == "*" or hour[0] == "*"
    # cronsim gives no minute of a naive clock twice and skips none, so it tells the local minutes that match.
    zone = ZoneInfo(timezone)
    first, last = (each.astimezone(zone).replace(tzinfo=None) for each in (start, end))
    matching, local = set(), CronSim(" ".join([minute, hour, *days]), first - timedelta(days=1))
    while (found := next(local)) <= last + timedelta(days=1):
        matching.add(found)
    fired = set()
    at = start
    clock = at.astimezone(zone).replace(tzinfo=None)
    while at < end:
        at += timedelta(minutes=1)
        shown = at.astimezone(zone).replace(tzinfo=None)
        if by_elapsed:
            if shown in matching:
                fired.add(at)
            continue
        while clock < shown:  # what the clock skipped is caught up at once; what it shows again is held
            clock += timedelta(minutes=1)
            if clock in matching:
                fired.add(at)
    return fired


@pytest.mark.parametrize("timezone", sorted(NIGHTS))
@pytest.mark.parametrize("fields", SPARSE)
def test_over_a_year_it_fires_when_cron_fires(fields: str, timezone: str) -> None:
    # Near the nights minute by minute; over the rest of the year cronsim's own reading in the zone.
    assert_same_at_nights(fields, timezone)
    wall = {"@daily": "0 0 * * *", "@monthly": "0 0 1 * *"}.get(fields, fields).replace("*/90", "0").replace("5-5", "5")
    end = YEAR + timedelta(days=365)
    theirs = CronSim(wall.lower(), YEAR.astimezone(ZoneInfo(timezone)))
    expected = set()
    while (found := next(theirs).astimezone(UTC)) <= end:
        expected.add(found)
    away = [datetime.fromisoformat(f"{night}T00:00:00+00:00") for night in NIGHTS[timezone]]

    def far(instants: set[datetime]) -> set[datetime]:
        return {each for each in instants if all(abs(each - night) > timedelta(days=2) for night in away)}

    assert far(fires_here(fields, timezone, YEAR, end)) == far(expected)
    assert len(far(expected)) > 5


@pytest.mark.parametrize("timezone", sorted(NIGHTS))
@pytest.mark.parametrize("fields", DENSE)
def test_what_fires_often_fires_as_cron_does_on_nights_when_the_clock_turns(fields: str, timezone: str) -> None:
    assert assert_same_at_nights(fields, timezone) > 5


def assert_same_at_nights(fields: str, timezone: str) -> int:
    """How often it fires on both nights, here and in cron."""
    count = 0
    for night in NIGHTS[timezone]:
        start = datetime.fromisoformat(f"{night}T00:00:00+00:00") - timedelta(hours=30)
        end = start + timedelta(hours=66)
        ours = fires_here(fields, timezone, start, end)
        assert ours == fires_in_cron(fields, timezone, start, end)
        count += len(ours)
    return count


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("@reboot", "@reboot is no time"),
        ("@every_minute", "is no nickname of Vixie cron"),
        ("0 12 */2 * 1", "days that are in both"),
        ("0 12 1 * */2", "days that are in both"),
        ("0~59 * * * *", "a random time"),
        ("5/15 * * * *", "write 5-59/15"),
        ("0 22-2 * * *", "Vixie cron does not take it"),
        ("0 0 * * fri-sun", "Vixie cron does not take it"),
        ("0 0 L * *", "Vixie cron does not take it"),
        ("0 0 * * 5#2", "Vixie cron does not take it"),
        ("H 0 * * *", "Vixie cron does not take it"),
        ("60 * * * *", "Vixie cron does not take it"),
        ("*/0 * * * *", "Vixie cron does not take it"),
        ("*-5 * * * *", "Vixie cron does not take it"),
        ("5,* * * * *", "a list with * in it"),
    ],
)
def test_what_has_no_equal_here_is_left_out_with_the_reason(fields: str, why: str) -> None:
    [found] = crontab.read(f"{fields} /bin/true\n")
    assert why in found.why_not
    assert found.when == {}


REAL = """\
# m h  dom mon dow   command
SHELL=/bin/bash
PATH="/usr/local/bin:/usr/bin"
MAILTO=ops@example.com

# Nightly backup
30 2 * * *\t/usr/local/bin/backup --password=hush --all >/dev/null 2>&1
# 0 5 * * 1 tar -zcf /var/backups/home.tgz /home/
*/10 * * * * cd /srv/app && ./manage.py clearsessions
CRON_TZ=America/New_York
RANDOM_DELAY=5
@daily /usr/bin/python3 /srv/app/report.py
0 8 * * 1 mail -s "100\\% of it" ann%Good morning%bye
0 8 * * 2 /usr/bin/python3 /srv/app/report.py
17 4
"""


def test_a_real_crontab_is_read_as_cron_reads_it() -> None:
    backup, sessions, report, mail, again, broken = crontab.read(REAL, "Europe/Paris")
    assert (backup.name, backup.place) == ("Nightly backup", "line 7")
    assert backup.when == {"cronExpression": "30 2 * * *", "timezone": "Europe/Paris"}
    assert backup.notes == ("MAILTO, PATH, SHELL: not carried over; set it where the command runs",)
    assert sessions.name == "cd app manage.py"
    assert report.when == {"cronExpression": "0 0 * * *", "timezone": "America/New_York", "jitterSeconds": 300}
    assert mail.told == {"command": 'mail -s "100% of it" ann', "stdin": "Good morning\nbye\n"}
    assert (report.name, again.name) == ("python3 report.py", "python3 report.py 2")
    assert broken.why_not == "it has no command"
    assert not [each for each in (backup, sessions) if "hush" in each.name]


def test_a_systems_crontab_has_a_user_before_each_command() -> None:
    text = "SHELL=/bin/sh\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n@daily www-data\n"
    hourly, broken = crontab.read(text, has_users=True)
    assert hourly.told == {"command": "cd / && run-parts --report /etc/cron.hourly", "user": "root"}
    assert hourly.when == {"cronExpression": "17 * * * *"}
    assert broken.why_not == "it has no command behind its user"


def test_a_zone_that_is_none_is_left_out() -> None:
    found: list[Any] = crontab.read("CRON_TZ=Mars/Olympus\n0 9 * * * true\nTZ=UTC\nCRON_TZ=UTC\n0 9 * * * true\n")
    assert found[0].why_not.startswith("CRON_TZ Mars/Olympus: ")
    assert found[1].notes == ("TZ moves the command's clock and not when cron fires; CRON_TZ or --tz says the zone",)


@pytest.mark.parametrize(
    "above",
    [
        "# m h  dom mon dow   command",
        "# m h dom mon dow user\tcommand",
        "# .---- minute (0 - 59)\n# |  |  |  |  |\n# *  *  *  *  * user-name command to be executed",
    ],
)
def test_a_picture_of_the_fields_names_no_entry(above: str) -> None:
    [found] = crontab.read(f"{above}\n0 5 * * 1 tar -zcf /var/backups/home.tgz /home/\n")
    assert found.name.startswith("tar")
