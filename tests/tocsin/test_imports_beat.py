"""Celery beat's schedules, from a Python file that is never run, a dump, and the tables themselves."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.postgres import Postgres
from scheduler.slots import Cron, slots_between
from tests import make
from tocsin.complaints import Complaint
from tocsin.imports import beat_source, beat_tables, celery_times
from tocsin.imports.found import Found, Untold

START = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS: dict[str, list[int]] = {"day_of_month": list(range(1, 32)), "day_of_week": list(range(7))}


@pytest.mark.parametrize(
    ("parts", "days", "weekdays"),
    [
        ({"minute": 30, "hour": "9,18"}, None, None),
        ({"minute": "0", "hour": "0", "day_of_week": "mon-fri"}, None, [1, 2, 3, 4, 5]),
        ({"minute": "0", "hour": "8", "day_of_week": "fri-mon"}, None, [5, 6, 0, 1]),
        ({"minute": "0", "hour": "8", "day_of_week": "Monday,wednesday"}, None, [1, 3]),
        ({"minute": "0", "hour": "8", "day_of_week": "*/2"}, None, [0, 2, 4, 6]),
        ({"minute": "0", "hour": "8", "day_of_week": [1, 3]}, None, [1, 3]),
        ({"minute": "0", "hour": "8", "day_of_month": "2-30/2"}, list(range(2, 31, 2)), None),
        ({"minute": "0", "hour": "8", "day_of_month": "*/10"}, [1, 11, 21, 31], None),
        ({"minute": "0", "hour": "8", "day_of_month": "1-31", "day_of_week": "0-6"}, None, None),
        (
            {"minute": "0", "hour": "8", "day_of_month": "1-7,15-21", "day_of_week": "1"},
            [*range(1, 8), *range(15, 22)],
            [1],
        ),
        ({"minute": "0", "hour": "8", "day_of_month": "8-14", "day_of_week": "tue,thu"}, list(range(8, 15)), [2, 4]),
        ({"minute": "*/25", "hour": "22-2", "day_of_month": "5-5"}, [5], None),
    ],
)
def test_a_crontab_of_celery_fires_on_days_that_are_in_both_of_its_fields(
    parts: dict[str, Any], days: list[int] | None, weekdays: list[int] | None
) -> None:
    cron = Cron(celery_times.crontab(parts)["cronExpression"])
    slots, _ = slots_between(cron, START - timedelta(seconds=1), START + timedelta(days=365, seconds=-1), 100_000)
    wanted = {
        day.date()
        for day in (START + timedelta(days=number) for number in range(366))
        if (days is None or day.day in days) and (weekdays is None or day.isoweekday() % 7 in weekdays)
    }
    assert {slot.date() for slot in slots} == {day for day in wanted if day < (START + timedelta(days=365)).date()}
    a_day = {(slot.hour, slot.minute) for slot in slots}
    minutes = [0, 25, 50] if "25" in str(parts["minute"]) else [int(parts["minute"])]
    hours = [22, 23, 0, 1, 2] if parts["hour"] == "22-2" else [int(each) for each in parts["hour"].split(",")]
    assert a_day == {(hour, minute) for hour in hours for minute in minutes}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"day_of_month": "13", "day_of_week": "5"}, "Celery means days that are in both"),
        ({"minute": "5/15"}, "Celery does not take it"),
        ({"hour": "24"}, "Celery does not take it"),
        ({"day_of_week": "7"}, "Celery does not take it"),
        ({"day_of_week": "someday"}, "Celery does not take it"),
        ({"month_of_year": "jan"}, "Celery does not take it"),
        ({"minute": "*/0"}, "Celery does not take it"),
    ],
)
def test_what_celery_means_otherwise_is_left_out(parts: dict[str, Any], why: str) -> None:
    with pytest.raises(Untold, match=why):
        celery_times.crontab(parts)


SOURCE = """
import os
from datetime import timedelta
from celery import Celery
from celery.schedules import crontab, schedule, solar

os.system("touch RAN")
app = Celery("shop")
app.conf.timezone = "Europe/London"
HOUR = 60 * 60
NIGHTLY = crontab(minute=30, hour=2)

app.conf.beat_schedule = {
    "clean": {"task": "shop.clean", "schedule": NIGHTLY},
    "poll": {"task": "shop.poll", "schedule": 30.0, "args": (16, 16), "options": {"queue": "fast", "expires": 25}},
    "digest": {"task": "shop.digest", "schedule": crontab(0, 8, day_of_week="mon-fri"), "kwargs": {"to": ["ann"]}},
    "hourly": {"task": "shop.sync", "schedule": schedule(run_every=timedelta(seconds=HOUR)), "relative": True},
    "often": {"task": "shop.blink", "schedule": timedelta(milliseconds=500)},
    "dusk": {"task": "shop.lamps", "schedule": solar("sunset", 52.5, 13.4)},
    "secret": {"task": "shop.tell", "schedule": 60, "args": (os.environ["SECRET"],)},
    "mixed": {"task": "shop.old", "schedule": crontab(0, 0, 1, "*", "*")},
}
app.conf.beat_schedule["late"] = {"task": "shop.late", "schedule": timedelta(days=1, minutes=5)}
app.conf.beat_schedule.update({"more": dict(task="shop.more", schedule=crontab(minute="*/15"))})


@app.on_after_configure.connect
def setup(sender, **kwargs):
    sender.add_periodic_task(10.0, app.task(lambda: 1).s(), name="ten")
"""


def test_a_python_file_is_read_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    found = {each.name: each for each in beat_source.read(SOURCE.replace("RAN", str(ran)), "UTC")}
    assert not ran.exists()

    when = {name: dict(each.when) for name, each in found.items() if not each.why_not}
    london = {"timezone": "Europe/London"}
    assert when == {
        "clean": {"cronExpression": "30 2 * * *"} | london,
        "poll": {"intervalSeconds": 30, "misfirePolicy": "skip", "misfireGraceSeconds": 25},
        "digest": {"cronExpression": "0 8 * * 1,2,3,4,5"} | london,
        "hourly": {"intervalSeconds": 3600},
        "late": {"intervalSeconds": 86_700},
        "more": {"cronExpression": "*/15 * * * *"} | london,
    }
    assert found["poll"].told == {"task": "shop.poll", "args": [16, 16], "kwargs": {}}
    assert found["poll"].notes == (
        "its queue fast is Celery's; http.call has the queue calls, a kind of yours its own",
    )
    assert found["digest"].params == {"to": ["ann"]}
    why = {name: each.why_not for name, each in found.items() if each.why_not}
    assert set(why) == {"often", "dusk", "secret", "mixed", "add_periodic_task at line 29"}
    assert "whole seconds" in why["often"]
    assert "the sun's times" in why["dusk"]
    assert why["secret"].endswith("os.environ['SECRET'] would have to be run, and nothing of the file is")
    assert "releases of Celery differ" in why["mixed"]
    assert found["secret"].task == "shop.tell"


@pytest.mark.parametrize(
    "text",
    [
        "beat_schedule = make()",
        "beat_schedule = {'x': make()}",
        "beat_schedule = {'x': {'task': 't', 'schedule': crontab(**parts)}}",
        "beat_schedule = {'x': {'task': 't', 'schedule': 9**99}}",
        "A = A\nbeat_schedule = {'x': {'task': 't', 'schedule': A}}",
        "beat_schedule = {'x': {'task': 't', 'schedule': -5}}",
        "beat_schedule = {'x': {'task': 't'}}",
        "beat_schedule = {'x': {'schedule': 5}}",
        "beat_schedule = {**other}",
    ],
)
def test_what_would_have_to_be_run_is_left_out(text: str) -> None:
    [found] = beat_source.read(text)
    assert found.why_not


@pytest.mark.parametrize(
    ("settings", "given", "zone"),
    [
        ("", None, "UTC"),
        ("", "Asia/Tokyo", "Asia/Tokyo"),
        ("TIME_ZONE = 'Europe/Oslo'", None, "UTC"),
        ("TIME_ZONE = 'Europe/Oslo'\nCELERY_TIMEZONE = TIME_ZONE", "Asia/Tokyo", "Europe/Oslo"),
        ("app.conf.update(timezone='Europe/Oslo')", None, "Europe/Oslo"),
        ("timezone = None", None, "UTC"),
        ("timezone = os.environ['TZ']", "Asia/Tokyo", "Asia/Tokyo"),
        ("timezone = os.environ['TZ']", None, "its timezone would have to be run"),
        ("enable_utc = False", None, "enable_utc is off"),
        ("enable_utc = True", None, "UTC"),
    ],
)
def test_a_crontab_fires_in_the_zone_that_celery_would_take(settings: str, given: str | None, zone: str) -> None:
    text = f"{settings}\nbeat_schedule = {{'x': {{'task': 't', 'schedule': crontab(0, 8)}}}}"
    [found] = beat_source.read(text, given)
    if "/" in zone or zone == "UTC":
        assert found.when == {"cronExpression": "0 8 * * *", "timezone": zone}
    else:
        assert found.why_not.startswith(zone)


CRONTAB = {
    "minute": "30",
    "hour": "7",
    "day_of_week": "1-5",
    "day_of_month": "*",
    "month_of_year": "*",
    "timezone": "Europe/Madrid",
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "crontabschedule": [{"id": 1, **CRONTAB}],
    "intervalschedule": [{"id": 1, "every": 15, "period": "minutes"}, {"id": 2, "every": 10, "period": "microseconds"}],
    "clockedschedule": [{"id": 1, "clocked_time": "2099-05-01T09:00:00+02:00"}],
    "solarschedule": [{"id": 1, "event": "sunset", "latitude": 52.5, "longitude": 13.4}],
}


def task(number: int, name: str, **more: Any) -> dict[str, Any]:
    ways = dict.fromkeys(("crontab", "interval", "clocked", "solar"))
    row = {"id": number, "name": name, "task": f"shop.{name}", "args": "[]", "kwargs": "{}", "headers": "{}"}
    rest = {
        "queue": None,
        "one_off": False,
        "enabled": True,
        "expires": None,
        "expire_seconds": None,
        "start_time": None,
    }
    return row | ways | rest | more


TASKS = [
    task(1, "mornings", crontab=1, kwargs='{"to": "ann"}', headers='{"x": "1"}'),
    task(2, "often", interval=1, args="[1]", enabled=False, expire_seconds=60),
    task(3, "once", clocked=1, one_off=True),
    task(4, "first", interval=1, one_off=True, start_time="2098-01-01T00:00:00", expires="2099-01-01T00:00:00Z"),
    task(5, "dusk", solar=1),
    task(6, "tiny", interval=2),
    task(7, "broken", crontab=1, args="[oops"),
    task(8, "none"),
    task(9, "both", crontab=1, interval=1),
    task(10, "celery.backend_cleanup", crontab=1, task="celery.backend_cleanup"),
]


def assert_read(found: list[Found]) -> None:
    entries = {each.name: each for each in found}
    assert list(entries) == [each["name"] for each in TASKS[:-1]]
    assert {name: dict(each.when) for name, each in entries.items() if not each.why_not} == {
        "mornings": {"cronExpression": "30 7 * * 1,2,3,4,5", "timezone": "Europe/Madrid"},
        "often": {"intervalSeconds": 900, "misfirePolicy": "skip", "misfireGraceSeconds": 60},
        "once": {"scheduledAt": "2099-05-01T07:00:00Z"},
        "first": {
            "intervalSeconds": 900,
            "maxRuns": 1,
            "startsAt": "2098-01-01T00:00:00Z",
            "endsAt": "2099-01-01T00:00:00Z",
        },
    }
    assert entries["mornings"].told["headers"] == {"x": "1"}
    assert (entries["often"].is_paused, entries["often"].args) == (True, (1,))
    why = {name: each.why_not for name, each in entries.items() if each.why_not}
    assert why["none"] == "it has no schedule"
    assert why["both"] == "it has several schedules: crontab, interval"
    assert why["broken"] == "its args are no JSON: [oops"
    assert "whole seconds" in why["tiny"]
    assert set(why) == {"dusk", "tiny", "broken", "none", "both"}


def test_a_dump_is_read() -> None:
    models = {**ROWS, "periodictask": TASKS}
    listed = [
        {"model": f"django_celery_beat.{model}", "pk": row["id"], "fields": {k: v for k, v in row.items() if k != "id"}}
        for model, rows in models.items()
        for row in rows
    ]
    assert_read(beat_tables.read_dump(json.dumps([*listed, {"model": "auth.user", "pk": 1, "fields": {}}])))


def _tables() -> dict[str, list[dict[str, Any]]]:
    links = {way: f"{way}_id" for way in ("crontab", "interval", "clocked", "solar")}
    tasks = [{links.get(name, name): value for name, value in row.items()} for row in TASKS]
    return {f"django_celery_beat_{model}": rows for model, rows in {**ROWS, "periodictask": tasks}.items()}


def test_the_tables_in_sqlite_are_read(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    with sqlite3.connect(file) as conn:
        for table, rows in _tables().items():
            conn.execute(f"create table {table} ({', '.join(rows[0])})")
            places = ", ".join("?" * len(rows[0]))
            conn.executemany(f"insert into {table} values ({places})", [tuple(row.values()) for row in rows])
    conn.close()
    assert_read(beat_tables.read_database(f"sqlite://{file}"))


def test_the_tables_in_postgres_are_read(postgres: Postgres) -> None:
    url = postgres.create_database("beat")
    try:
        with make.connect(url) as conn:
            for table, rows in _tables().items():
                columns = ", ".join(
                    f"{name} {'int' if name == 'id' or name.endswith('_id') else 'bool' if isinstance(value, bool) else 'text'}"
                    for name, value in rows[0].items()
                )
                conn.execute(f"create table {table} ({columns})")
                for row in rows:
                    places = ", ".join(["%s"] * len(row))
                    conn.execute(f"insert into {table} values ({places})", tuple(row.values()))
        assert_read(beat_tables.read_database(url))
    finally:
        postgres.drop_database("beat")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://db/x", "manage.py dumpdata"),
        ("sqlite:////no/such/file", "there is no file"),
        ("postgresql://bob:hush@127.0.0.1:1/x", "--database: "),
    ],
)
def test_a_database_that_cannot_be_read_is_said_to_be_none(url: str, said: str) -> None:
    with pytest.raises(Complaint, match=said) as refused:
        beat_tables.read_database(url)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", '[{"model": "auth.user", "pk": 1, "fields": {}}]', "[1]"])
def test_a_dump_without_tasks_is_refused(text: str) -> None:
    with pytest.raises(Complaint):
        beat_tables.read_dump(text)


@pytest.mark.parametrize("fields", [{}, {"fields": {"name": "x"}}, {"fields": None}])
def test_a_dump_whose_tasks_are_cut_is_refused(fields: dict[str, Any]) -> None:
    text = json.dumps([{"model": "django_celery_beat.periodictask", "pk": 1} | fields])
    with pytest.raises(Complaint, match="periodictask 1 without its fields"):
        beat_tables.read_dump(text)
