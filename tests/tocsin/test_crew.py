"""CREW_API_URL at the command's doors: each way to make a crew has its endpoint, and an address that none may have is refused."""

from pathlib import Path

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin

URL = "https://crew.example.com/run-crew"


def test_each_command_that_makes_a_crew_has_the_endpoint_of_the_setting(
    tocsin: Tocsin, conn: make.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREW_API_URL", URL)
    (tmp_path / "crontab").write_text("0 9 * * * ask-everybody\n")
    stack = tmp_path / "crew.yaml"
    stack.write_text("stack: ours\nschedules:\n  - {name: filed, jobType: crew.call, intervalSeconds: 3600}\n")
    kinds = '{"*": {"kind": "crew.call"}}'
    for argv in (
        ("schedules", "create", "crew.call", "--name", "made", "--every", "3600"),
        ("apply", "-f", str(stack), "--yes"),
        ("import", "crontab", str(tmp_path / "crontab"), "--tz", "UTC", "--kind-of", kinds),
        ("crew", "start"),
    ):
        conn.execute("delete from crew_endpoints")
        answer = tocsin(*argv)
        assert answer.status == 0, answer
        found = conn.execute("select name, url, is_from_setting from crew_endpoints").fetchall()
        assert found == [("default", URL, True)], argv


@pytest.mark.parametrize(
    "url",
    ["https://bob:hush@crew.example.com/", "https://crew.example.com/?key=hush", "https://crew.example.com/a hush"],
)
def test_an_address_that_no_endpoint_may_have_is_refused_in_one_line(
    tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    from api.settings import Settings
    from config.environ import BadSetting

    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("CREW_API_URL", url)
    said = tocsin("crew", "status").complaint()
    assert said.startswith("CREW_API_URL takes ")
    assert "hush" not in said
    with pytest.raises(BadSetting, match=r"^CREW_API_URL takes "):
        Settings.from_environ()
