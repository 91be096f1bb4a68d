"""The demo as a user gives it: one of everything, and nothing left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import psutil
import pytest

from local import demo as demo_module
from local import recipes
from tests.local.leftovers import left_over
from tests.system import until
from workers.kinds import KINDS

pytestmark = [pytest.mark.race, pytest.mark.slow]
COMMAND = (sys.executable, "-m", "tocsin")


def start(folder: Path, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), **environ},
        start_new_session=True,
    )


def runs_postgres(folder: Path) -> bool:
    for process in left_over(folder):
        # One that ends while it is looked at has no words any more, or is gone.
        with contextlib.suppress(psutil.Error):
            if any("postgres" in word for word in process.cmdline()[:1]):
                return True
    return False


def test_every_kind_goes_through_the_whole_path_and_nothing_is_left_running(open_folder: Path) -> None:
    # Settings of the caller's own change nothing here, malformed ones included.
    demo = start(
        open_folder, "demo", "--json", TOCSIN_MODE="held", DATABASE_URL="postgresql://elsewhere/none", PORT="x"
    )
    out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err
    told = json.loads(out)
    assert told["ok"] is True
    kinds = {kind["kind"]: kind for kind in told["kinds"]}
    assert set(kinds) == set(KINDS)
    for kind in kinds.values():
        assert kind["runs"] == kind["succeeded"] == recipes.RUNS
        assert 0 <= kind["startLagMs"] < 30_000
        assert kind["artifacts"]
        assert all(Path(file).exists() for file in kind["artifacts"])
    mails = [Path(file) for file in kinds["kpi.threshold"]["artifacts"] if file.endswith(".eml")]
    assert [each["state"] for each in kinds["kpi.threshold"]["deliveries"]] == ["sent", "sent"]
    assert len(mails) == 2
    mail = message_from_bytes(mails[0].read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Alert: US factory employment against January 2006 is 86.98%"
    until(lambda: not left_over(open_folder))


def test_people_get_a_table_and_the_mail_itself(open_folder: Path) -> None:
    demo = start(open_folder, "demo")
    out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err
    assert "KIND" in out
    assert "Subject: Alert: US factory employment against January 2006 is 86.98%" in out
    assert out.count("succeeded") == recipes.RUNS * len(KINDS)


def test_a_stopped_demo_leaves_nothing_running(open_folder: Path) -> None:
    demo = start(open_folder, "demo")
    until(lambda: runs_postgres(open_folder), 60)
    demo.send_signal(signal.SIGTERM)
    demo.send_signal(signal.SIGTERM)
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "tocsin: the demo was stopped" in err
    until(lambda: not left_over(open_folder))


def test_a_killed_demo_takes_everything_with_it(open_folder: Path) -> None:
    demo = start(open_folder, "demo")
    until(lambda: runs_postgres(open_folder), 60)
    demo.kill()
    demo.communicate(timeout=60)
    until(lambda: not left_over(open_folder), 40)


def test_every_kind_has_a_recipe() -> None:
    assert recipes.missing_recipes() == []


@pytest.fixture
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the signals to pytest."""
    monkeypatch.setattr(demo_module, "_end_in_order_on_signals", lambda: None)


@pytest.mark.usefixtures("no_signals")
def test_a_kind_without_a_recipe_fails_the_demo_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(recipes.RECIPES, "http.call")
    assert demo_module.main(["--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["ok"] is False
    assert "there is no recipe in local/recipes.py for http.call" in told.err


OTHERS = "whsec_" + "AAAA" * 8


def without_secret(making: recipes.Making) -> recipes.Making:
    return replace(making, place=replace(making.place, webhook_secret=OTHERS))


@pytest.mark.usefixtures("no_signals")
def test_a_kind_that_does_not_succeed_fails_the_demo_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = recipes.RECIPES["http.call"]
    unsigned = replace(recipe, make=lambda making: recipe.make(without_secret(making)))
    monkeypatch.setitem(recipes.RECIPES, "http.call", unsigned)
    assert demo_module.main([]) == 1
    told = capsys.readouterr()
    assert "tocsin: http.call did not succeed: the run of " in told.err
    assert "is dead (the receiver answered 401" in told.err
    assert "kpi.threshold did not succeed" not in told.err
