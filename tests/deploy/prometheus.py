"""A real Prometheus on loopback that scrapes real processes, with the rules that are delivered."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from local.processes import free_port
from tests.system import ROOT, until

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yaml"
PROGRAMS = ("prometheus", "promtool")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]


def hurried(rules: str) -> str:
    """The rules with seconds for their minutes, also where they say for how long a thing waits; the rest stays."""
    rules = re.sub(r"^(\s+for:) .*$", r"\1 1s", rules, flags=re.MULTILINE)
    rules = rules.replace("[10m]", "[20s]").replace("[1h]", "[1m]")
    rules = re.sub(r"(tocsin_oldest_(?:queued|delivery)_seconds\) >) \d+", r"\1 3", rules)
    return re.sub(r"offset \d+m", "offset 4s", rules)


class Prometheus:
    """Scrapes the ports of each role every `seconds`, and judges the rules as often."""

    def __init__(self, folder: Path, ports: dict[str, list[int]], rules: str, seconds: float) -> None:
        self._folder = folder / "prometheus"
        self._folder.mkdir()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (self._folder / "rules.yaml").write_text(rules)
        every = f"{int(seconds * 1000)}ms"
        jobs = [
            {"targets": [f"127.0.0.1:{each}" for each in of_role], "labels": {"part": role}}
            for role, of_role in ports.items()
        ]
        config = {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "tocsin", "static_configs": jobs}],
        }
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._command = [
            "prometheus",
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        until(self._is_ready, why=(self._folder / "log").read_text)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What the expression answers now. Raises AssertionError with Prometheus's words when it is none."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def exemplars(self, series: str) -> list[dict[str, str]]:
        """The labels of the exemplars that were kept of the series."""
        found: Any = self._get("query_exemplars", query=series, start="0", end="4000000000")
        return [each["labels"] for of_series in found for each in of_series["exemplars"]]

    def firing(self) -> set[str]:
        """The alerts that fire."""
        found: Any = self._get("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}

    def until_fires(self, alert: str, seconds: float = 20) -> None:
        """Waits until the alert fires."""
        until(lambda: alert in self.firing(), seconds, lambda: f"{alert} is silent; these fire: {self.firing()}")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready"):
                return True
        except OSError:
            return False

    def _get(self, what: str, **params: str) -> Any:
        address = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(params)}"
        try:
            with urllib.request.urlopen(address) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{params}: {error.read().decode()}") from None
