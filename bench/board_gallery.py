"""`python -m bench.board_gallery FOLDER`: the dashboards of a Tocsin at work, as pictures; `make boards` draws the docs' own.

All that they show is real: every kind runs again and again on servers of its own, mails go out, calls are answered, and a
Prometheus with the delivered rules scrapes every process. Look at each before it is kept.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from api import tenants
from bench.boards import draw
from config.seal import Seal
from db.pool import Database
from local.machine import LONG_RUNNING, Machine, plain_environ
from local.processes import free_port
from local.recipes import RECIPES, Making, Place, load_figures, sow

RULES = Path(__file__).resolve().parent.parent / "deploy" / "prometheus" / "rules.yaml"
_SCRAPE_SECONDS = 5
_EVERY_SECONDS = 15
# Tenants beside the default one, and what each of them does.
_OTHERS = {"harbour": ("http.call", "crew.call"), "orchard": ("http.call",)}


def main() -> None:
    """Lets it run for so many minutes, then draws."""
    parser = argparse.ArgumentParser(prog="python -m bench.board_gallery")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--minutes", type=float, default=10, help="how long it runs, and how far the pictures look back"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-boards-") as found:
        files = Path(found)
        files.chmod(0o755)
        with Machine(files, tell=print) as machine:
            machine.start_servers()
            load_figures(machine.own_database_url)
            ports = {name: free_port() for name in LONG_RUNNING}
            with _prometheus(files / "prometheus", ports) as url:
                _start(machine, ports)
                print(f"it runs, for {args.minutes:g} minutes", flush=True)
                time.sleep(args.minutes * 60)
                os.environ["DATABASE_URL"] = machine.database_url
                draw(url, args.folder, args.minutes)


def _start(machine: Machine, ports: dict[str, int]) -> None:
    place = Place.of(machine)
    sow(place, every_seconds=_EVERY_SECONDS)
    timing = {"intervalSeconds": _EVERY_SECONDS}
    with Database.at(machine.database_url).connect("boards") as conn:
        for slug, kinds in _OTHERS.items():
            tenant = tenants.create(conn, slug)
            for kind in kinds:
                RECIPES[kind].make(Making(conn, tenant.id, place, Seal((place.secret_key,)), timing))
    for name, port in ports.items():
        environ = machine.environ(plain_environ(), PORT=str(free_port()), METRICS_PORT=str(port))
        machine.start_processes(environ, (name,))


@contextmanager
def _prometheus(folder: Path, ports: dict[str, int]) -> Iterator[str]:
    """The address of a Prometheus that scrapes these ports and judges the delivered rules."""
    folder.mkdir()
    every = f"{_SCRAPE_SECONDS}s"
    parts = [{"targets": [f"127.0.0.1:{port}"], "labels": {"part": name}} for name, port in ports.items()]
    config = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "tocsin", "static_configs": parts}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # which is YAML too
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *words, "--log.level=warn"], stdout=log, stderr=subprocess.STDOUT)
    try:
        while process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{url}/-/ready"):  # noqa: S310  our own
                break
            time.sleep(0.2)
        else:
            raise RuntimeError(f"Prometheus ended: {(folder / 'log').read_text()}")
        yield url
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
