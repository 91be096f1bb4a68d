"""`tocsin import`: what is read becomes schedules, once, and the commands stay text."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.tocsin.conftest import Answer, Tocsin

CRONTAB = """\
# Nightly backup
30 2 * * * touch RAN; /usr/local/bin/backup
*/20 2 * * * /usr/local/bin/poll
@reboot /usr/local/bin/agent
"""
BEAT = """
from celery.schedules import crontab
beat_schedule = {
    "digest": {"task": "shop.digest", "schedule": crontab(0, 8), "args": (7,), "kwargs": {"to": "ann"}},
    "noop": {"task": "shop.noop", "schedule": 60},
}
"""
URL = "https://app.example.com/cron/{name}?task={task}"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The crontab as a file."""
    found = tmp_path / "crontab.txt"
    found.write_text(CRONTAB.replace("RAN", str(tmp_path / "ran")))
    return str(found)


def became(items: list[dict[str, Any]]) -> dict[str, str]:
    return {item["name"]: item["became"] for item in items}


def test_a_crontab_becomes_schedules_once_and_none_of_its_commands_runs(
    tocsin: Tocsin, conn: make.Connection, file: str, tmp_path: Path
) -> None:
    argv = ("import", "crontab", file, "--tz", "Europe/Paris", "--url", URL, "--json")
    planned = tocsin(*argv, "--plan").json()
    assert planned["plan"] is True
    assert make.value(conn, "select count(*) from schedules") == 0
    assert make.value(conn, "select count(*) from audit_log") == 0
    assert [item["scheduleId"] for item in planned["items"]] == [None] * 3

    made = tocsin(*argv).json()["items"]

    assert became(made) == {"Nightly backup": "made", "poll": "made", "agent": "left"}
    assert became(made) == became(planned["items"])
    assert made[2]["why"].startswith("@reboot is no time")
    [backup, poll] = [tocsin("schedules", "show", name, "--json").json() for name in ("Nightly backup", "poll")]
    assert (backup["jobType"], backup["cronExpression"], backup["timezone"]) == (
        "http.call",
        "30 2 * * *",
        "Europe/Paris",
    )
    assert backup["jobPayload"]["url"].startswith("https://app.example.com/cron/Nightly%20backup?task=touch%20")
    assert backup["jobPayload"]["body"]["command"].endswith("/usr/local/bin/backup")
    assert backup["metadata"] == {"importedFrom": "crontab"}
    assert (poll["dstGap"], poll["dstFold"]) == ("skip", "both")
    assert not (tmp_path / "ran").exists()

    tocsin("schedules", "cancel", "poll")
    again = tocsin("import", "crontab", file, "--url", URL, "--tz", "UTC", "--json").json()["items"]
    assert became(again) == {"Nightly backup": "there", "poll": "there", "agent": "left"}
    assert again[0]["why"] == "differs in timezone, and is left as it is"
    assert again[1]["why"] == "it was cancelled here"
    assert make.value(conn, "select count(*) from schedules") == 2
    assert make.value(conn, "select count(*) from audit_log where action = 'schedule.created'") == 2


def test_an_import_says_once_which_zone_it_took_and_fails_where_nothing_came_over(
    tocsin: Tocsin, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ("import", "crontab", "-", "--plan")

    def answer(text: str, *more: str) -> Answer:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return tocsin(*argv, *more)

    told = answer(CRONTAB, "--url", URL)
    assert told.status == 0
    said = "no zone is said for 2 of them, so they fire in the tenant's, UTC: --tz or CRON_TZ says another"
    assert told.out.splitlines()[-1] == said
    assert answer(CRONTAB, "--url", URL, "--json").json()["notes"] == [said]
    assert answer(CRONTAB, "--url", URL, "--tz", "Europe/Paris", "--json").json()["notes"] == []
    assert answer("CRON_TZ=Asia/Tokyo\n" + CRONTAB, "--url", URL, "--json").json()["notes"] == []
    assert answer("@reboot /usr/local/bin/agent\n", "--url", URL).status == 1
    assert answer(CRONTAB).status == 1, "there is nothing to call"
    assert answer("", "--url", URL).status == 0


def test_tasks_become_kinds_of_ones_own_by_a_mapping(tocsin: Tocsin, tmp_path: Path) -> None:
    file = tmp_path / "celeryconfig.py"
    file.write_text(BEAT)
    kinds: dict[str, Any] = {
        "shop.noop": {"kind": "test.noop"},
        "shop.*": {"kind": "http.call", "params": {"url": "https://a.example"}},
    }
    argv = ("import", "celery-beat", str(file), "--kind-of")
    refused = tocsin(*argv, json.dumps(kinds), "--plan", "--json").json()["items"]
    assert became(refused) == {"digest": "left", "noop": "made"}
    assert refused[0]["why"].startswith("its positional arguments have no names")
    kinds["shop.*"]["args"] = ["timeoutSeconds"]
    kinds["shop.*"]["params"] = {"url": "https://a.example", "method": "PUT"}
    refused = tocsin(*argv, json.dumps(kinds), "--plan", "--json").json()["items"]
    assert refused[0]["why"].startswith("params.to: ")
    file.write_text(BEAT.replace('{"to": "ann"}', "{}"))
    assert became(tocsin(*argv, json.dumps(kinds), "--json").json()["items"]) == {"digest": "made", "noop": "made"}
    digest = tocsin("schedules", "show", "digest", "--json").json()
    assert (digest["jobPayload"]["timeoutSeconds"], digest["jobPayload"]["method"]) == (7, "PUT")


def test_a_task_that_was_disabled_is_paused(tocsin: Tocsin, tmp_path: Path) -> None:
    file = tmp_path / "dump.json"
    every = {"model": "django_celery_beat.intervalschedule", "pk": 1, "fields": {"every": 1, "period": "hours"}}
    fields = {"name": "off", "task": "shop.off", "interval": 1, "args": "[]", "kwargs": "{}", "enabled": False}
    file.write_text(json.dumps([every, {"model": "django_celery_beat.periodictask", "pk": 1, "fields": fields}]))
    table = tocsin("import", "celery-beat", str(file), "--url", URL).out
    assert "made  off   every 3600 s  its interval counts from when it is made here" in table
    assert table.endswith("\n1 made, 0 there, 0 left out\n")
    shown = tocsin("schedules", "show", "off", "--json").json()
    assert (shown["status"], shown["pauseNote"]) == ("paused", "it was disabled where it came from")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("crontab", "/no/such/file"), "cannot read /no/such/file"),
        (("crontab", "FILE", "--kind-of", "{"), "this is not JSON"),
        (("crontab", "FILE", "--kind-of", '{"*": {"kid": "x"}}'), "--kind-of: '*' takes"),
        (("celery-beat",), "takes either FILE.py, FILE.json or --database URL"),
        (("celery-beat", "FILE", "--database", "sqlite:///x"), "takes either FILE.py"),
        (("celery-beat", "FILE"), "is no Python"),
        (("celery-beat", "/dev/null"), "/dev/null has no beat_schedule"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_one_line(
    tocsin: Tocsin, conn: make.Connection, file: str, argv: tuple[str, ...], said: str
) -> None:
    assert said in tocsin("import", *(file if word == "FILE" else word for word in argv)).complaint()
    assert make.value(conn, "select count(*) from schedules") == 0


def test_without_anything_to_call_each_entry_says_so(tocsin: Tocsin, file: str) -> None:
    items = tocsin("import", "crontab", file, "--json").json()["items"]
    assert {item["why"] for item in items[:2]} == {"no row of --kind-of matches it, and there is no --url to call"}
