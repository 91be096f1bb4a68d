"""Each bench at a tiny size, without peers: `make bench` alone installs those."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from bench import (
    alerts,
    capacity,
    dead_rows,
    exports,
    fairness,
    flood,
    idle,
    lag,
    plots,
    reports,
    retention,
    rows,
    tickers,
    tuning,
)
from bench.crowd import curve
from bench.herd import measure, results
from bench.peers.ours import Ours
from bench.peers.peer import Absent, Peer
from bench.peers.roster import PEERS
from bench.result import EVERY_PEER, ROOT, Goal, Options, Result

TINY = Options(reps=1, n=20)


def absent() -> Peer:
    raise Absent("there is none here")


def names(found: list[Result]) -> list[str]:
    return [result.name for result in found]


def herd_json(**more: Any) -> dict[str, Any]:
    one = {"began": 100, "isDone": True, "lastStarted": 2.0, "curve": [0.01 + 0.04 * step for step in range(51)]}
    stuck = {"began": 40, "isDone": False, "lastStarted": 80.0, "curve": [0.1 + step for step in range(21)]}
    result = Result(
        "herd.last_started",
        "s",
        "lower",
        [2.0],
        {"<slow>": [90.0], "fast": [1.0]},
        [Goal(1, EVERY_PEER)],
        {"herds": {"tocsin": [one], "<slow>": [stuck]}},
        {"<slow>": "not done"},
    )
    return result.as_json() | more


@pytest.mark.slow
@pytest.mark.long
def test_a_herd_tells_when_its_runs_began_what_they_cost_and_who_was_not_measured() -> None:
    field = measure({"tocsin": Ours, "tocsin, gated": lambda: Ours("skip"), "nobody": absent}, 20, 1)
    found = {result.name: result for result in results(field, 20)}
    assert {"herd.last_started", "herd.last_finished", "herd.gated_last_finished", "herd.cpu"} <= found.keys()
    assert all(result.absent == {"nobody": "there is none here"} and result.is_met is None for result in found.values())
    told = found["herd.last_started"].details["herds"]["tocsin"][0]
    assert told["began"] == 20
    assert 0 <= told["firstStarted"] <= told["medianStarted"] <= told["lastStarted"] <= told["lastFinished"]
    assert {"worker", "ticker", "postgres", "redis"} <= told["memory"].keys() & told["cpuMicrosecondsPerRun"].keys()


@pytest.mark.long
@pytest.mark.slow
def test_tickers_rows_and_dead_rows_claim_all_that_is_due() -> None:
    assert names(tickers.run(TINY)) == ["claim.two_tickers"]
    assert names(rows.run(Options(1, 100))) == ["claim.cost_among_ten_times", "claim.times_as_costly"]
    assert len(names(dead_rows.run(TINY))) == 3


@pytest.mark.long
@pytest.mark.slow
def test_a_flood_runs_to_its_end() -> None:
    assert "flood.finished_times_as_long" in names(flood.run(TINY))


@pytest.mark.long
@pytest.mark.slow
def test_a_small_tenant_is_measured_alone_and_beside_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "_SAMPLES", 5)
    found = {result.name: result for result in fairness.run(Options(1, 200))}
    assert found["fairness.times_as_late"].tocsin > 0


@pytest.mark.long
@pytest.mark.slow
def test_lag_goes_on_without_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "PEERS", dict.fromkeys(PEERS, absent))
    found = lag.run(Options(1, 10))
    assert found[0].absent.keys() == {"plain Dramatiq actor", "PgQueuer", "Procrastinate"}


@pytest.mark.long
@pytest.mark.slow
def test_idle_watches_each_process_at_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "_WATCHED_SECONDS", 0.5)
    assert {"idle.ticker_cpu", "idle.ten_times.ticker_cpu", "idle.worker_rss"} <= set(names(idle.run(TINY)))


@pytest.mark.long
@pytest.mark.slow
def test_alerts_are_checked_beside_loops_that_ask_the_same() -> None:
    [found] = alerts.run(TINY)
    assert (found.name, found.details["alerts"]) == ("alerts.checked", 20)
    assert found.tocsin > 0
    assert all(found.ratio(peer) > 0 for peer in found.peers)
    assert len(found.peers) == 2


@pytest.mark.long
@pytest.mark.slow
def test_reports_are_all_mailed_once_though_workers_are_killed_meanwhile() -> None:
    found = {result.name: result for result in reports.run(Options(1, 8))}
    told = found["reports.last_mail"].details["repetitions"][0]
    assert (told["mails"], told["files"], told["filesLost"], told["filesDoubled"]) == (8, 40, 0, 0)
    assert found["reports.lost"].is_met is True
    assert found["reports.doubled"].is_met is True


@pytest.mark.long
@pytest.mark.slow
def test_an_export_shows_how_far_it_is_and_how_large_its_worker_was() -> None:
    found = {result.name: result for result in exports.run(Options(1, 50_000))}
    assert found["exports.progress_seen"].tocsin > 2
    assert found["exports.worker_peak"].tocsin > 10
    assert found["exports.made"].details["bytes"].keys() == {"csv", "excel"}


def test_a_curve_ends_where_its_runs_do() -> None:
    assert curve([float(each) for each in range(100)], 100) == [0.0, *(2.0 * step - 1 for step in range(1, 51))]
    assert curve([float(each) for each in range(50)], 100)[-1] == 49
    assert curve([], 100) == []


def test_plots_are_svg_legible_on_light_and_dark_and_name_everybody(tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    kept.write_text(json.dumps([herd_json()]))
    assert plots.main([str(kept), str(tmp_path / "img")]) == 0
    pictures = {path.name: path.read_text() for path in (tmp_path / "img").iterdir()}
    assert pictures.keys() == {"herd.svg", "beside.svg"}
    for picture in pictures.values():
        ET.fromstring(picture)
        assert "prefers-color-scheme: dark" in picture
        assert "&lt;slow&gt;" in picture
    assert "40 began" in pictures["herd.svg"]
    assert "&gt; 45x" in pictures["beside.svg"]
    assert 'class="worse"' in pictures["beside.svg"]


def test_the_lock_of_the_peer_of_node_has_hashes_and_no_addresses() -> None:
    folder = ROOT / "bench" / "peers" / "graphile"
    text = (folder / "package-lock.json").read_text()
    assert "://" not in text
    assert "://" not in (folder / "package.json").read_text()
    packages = [entry for name, entry in json.loads(text)["packages"].items() if name]
    assert packages
    assert all(re.match("sha512-", entry["integrity"]) for entry in packages)


@pytest.mark.long
@pytest.mark.slow
def test_each_setting_is_measured_beside_none_and_a_week_is_dropped_beside_deleted() -> None:
    found = tuning.run(Options(1, 40))
    assert {"tuning.an_index_on_state", "tuning.a_held_snapshot", "tuning.as_behind_a_pooler"} <= set(names(found))
    assert all(result.details["wal"]["changed"] > 0 for result in found)
    assert names(retention.run(Options(1, 100))) == ["retention.seconds", "retention.wal"]


@pytest.mark.long
@pytest.mark.slow
def test_the_model_is_held_to_a_herd() -> None:
    [found] = capacity.run(Options(1, 50))
    assert found.details["costs"]["run_bytes"] > 0
    assert found.tocsin > 0
