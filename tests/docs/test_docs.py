"""The documents against the code: what exists is described, what is described exists."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from api.app import openapi
from api.gauges import GAUGES
from config.environ import SETTINGS
from local import procfile
from telemetry import metrics
from tocsin.command import parser
from workers.kinds import KINDS

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def rows(page: Path, heading: str = "") -> list[list[str]]:
    """The rows of a page's tables (below a heading), each a list of cells; heads and rules left out."""
    text = page.read_text()
    if heading:
        text = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {lines[number - 1] for number, line in enumerate(lines) if set(line) <= set("|- ")}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line not in heads and not set(line) <= set("|- ")
    ]


def names(cells: list[str]) -> list[str]:
    return [re.fullmatch(r"`([^`]+)`", cell)[1] for cell in cells]  # type: ignore[index]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_walk_names_each_file_of_the_corridor_and_each_exists() -> None:
    text = (DOCS / "walk.md").read_text()
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.py|[a-z_]+\.sql)`", text)
    assert not [name for name in named if not ((ROOT / name).exists() or (ROOT / "sql/queries" / name).exists())]
    corridor = ["ticker.py", "relay.py", "execute.py", "finish.py", "deliver.py", "claim_due_schedules.sql"]
    assert not [name for name in corridor if name not in text]


def test_every_setting_is_described_as_it_is() -> None:
    described = {names(row[:1])[0]: row[1:4] for row in rows(DOCS / "settings.md")}
    is_as = {
        name: [setting.takes, f"`{setting.default}`" if setting.default else "", "yes" if setting.is_secret else ""]
        for name, setting in SETTINGS.items()
    }
    assert described == is_as


def test_every_metric_is_described_as_it_is() -> None:
    is_as = {}
    for metric in vars(metrics).values():
        if isinstance(metric, (Counter, Gauge, Histogram)):
            family = next(iter(metric.describe()))
            name = family.name + ("_total" if family.type == "counter" else "")
            is_as[name] = [family.type, ", ".join(f"`{label}`" for label in metric._labelnames)]
    for gauge, described in GAUGES.items():
        is_as[f"tocsin_{gauge}"] = ["gauge", ", ".join(f"`{label}`" for label in described.labels)]
    found = rows(DOCS / "metrics.md")
    assert {names(row[:1])[0]: row[1:3] for row in found} == is_as
    assert not [row for row in found if not set(row[3].split(", ")) <= {"web", "ticker", "worker"}]


def test_every_command_is_described() -> None:
    assert sorted(names([row[0] for row in rows(DOCS / "commands.md")])) == sorted(_commands(parser(), "tocsin"))


def _commands(found: argparse.ArgumentParser, path: str) -> Iterator[str]:
    subs = [action for action in found._actions if isinstance(action, argparse._SubParsersAction)]
    if not subs:
        yield path
    for action in subs:
        for name, each in action.choices.items():
            yield from _commands(each, f"{path} {name}")


def test_every_endpoint_is_described() -> None:
    is_there = {f"{verb.upper()} {path}" for path, verbs in openapi()["paths"].items() for verb in verbs}
    assert set(names([row[0] for row in rows(DOCS / "api.md", "Endpoints")])) == is_there


OF_KINDS = {
    "kpi.schedule": "reports.md",
    "kpi.threshold": "alerts.md",
    "pulse.report": "pulses.md",
    "report.export": "exports.md",
}


def test_every_kind_is_described_with_its_params() -> None:
    text = (DOCS / "kinds.md").read_text()
    assert set(re.findall(r"^## `([^`]+)`$", text, flags=re.MULTILINE)) == set(KINDS)
    for name, kind in KINDS.items():
        params = set(kind.Params.model_json_schema(by_alias=True)["properties"])
        if kind.made_at:
            # Its params are what its endpoint takes: pages of their own tell them.
            told = set(re.findall(r"`([A-Za-z]+)`", (DOCS / OF_KINDS[name]).read_text() + text))
            assert params - told == set(), name
        else:
            assert set(names([row[0] for row in rows(DOCS / "kinds.md", f"`{name}`")])) == params


def test_the_readme_names_only_targets_that_make_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"^    make ([a-z-]+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE)) <= targets


def test_every_process_of_the_procfile_is_a_command() -> None:
    described = set(names([row[0] for row in rows(DOCS / "commands.md")]))
    assert {f"tocsin {command[3]}" for command in procfile.commands().values()} <= described


def test_the_picture_of_the_walk_is_legible_on_light_and_dark() -> None:
    picture = (DOCS / "img" / "walk.svg").read_text()
    assert "prefers-color-scheme: dark" in picture
    assert "<title" in picture
    assert "<desc" in picture
