"""What the image is made of, as its Dockerfile and its list of what to leave out say it; what it does is test_rootfs.py's."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from config.environ import need
from local.processes import free_port
from telemetry import alive, exporter
from tests.deploy import rootfs
from tests.system import ROOT

STEPS = list(rootfs.instructions(rootfs.DOCKERFILE))


def test_hadolint_finds_nothing_to_complain_about() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), rootfs.DOCKERFILE], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert not done.stdout


def test_every_package_of_ours_is_copied_and_ignored_by_nothing() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    wanted = {name for name in told if "." not in name} | {"requirements", "pyproject.toml", "README.md"}
    copied = {word for step, text in STEPS if step == "COPY" and "--from" not in text for word in text.split()[:-1]}
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == wanted
    assert kept == wanted


def test_what_it_installs_is_locked_and_what_it_runs_needs_no_shell_and_no_root() -> None:
    installs = re.findall(r"pip install[^&;|]*", " ".join(text for step, text in STEPS if step == "RUN"))
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    last = dict(STEPS)
    assert last["USER"] == "10001:10001"
    assert last["ENTRYPOINT"] == '["tocsin"]'
    assert last["HEALTHCHECK"].endswith('CMD ["python", "-m", "telemetry.alive"]')
    need("METRICS_PORT", {"METRICS_PORT": re.findall(r"METRICS_PORT=(\d+)", last["ENV"])[0]})


def test_the_base_is_an_argument_and_comes_by_digest_in_the_python_that_the_platform_takes_too() -> None:
    assert STEPS[0][0] == "ARG"
    found = re.fullmatch(r"BASE=(python:(3\.\d+)\.\d+-slim-bookworm@sha256:[0-9a-f]{64})", STEPS[0][1])
    assert found
    assert found[2] == (ROOT / ".python-version").read_text().strip()
    assert f'"${{TOCSIN_BASE:-{found[1]}}}"' in (ROOT / "deploy" / "compose.yaml").read_text()
    assert all(text.startswith("${BASE}") for step, text in STEPS if step == "FROM")


def test_every_file_that_the_dockerfile_speaks_of_is_there() -> None:
    told = " ".join(line for line in rootfs.DOCKERFILE.read_text().splitlines() if line.startswith("#"))
    named = set(re.findall(r"\b(?:deploy|tests)/[\w./]+\w", told))
    assert "tests/deploy/rootfs.py" in named
    assert all((ROOT / path).exists() for path in named), named


def test_a_process_that_serves_its_metrics_is_alive_and_another_port_is_not(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = exporter.serve(0)
    assert alive.main([str(port)]) == 0
    monkeypatch.setenv("METRICS_PORT", str(port))
    assert alive.main([]) == 0
    assert alive.main([str(free_port())]) == 1
    monkeypatch.delenv("METRICS_PORT")
    assert alive.main([]) == 1
    assert "METRICS_PORT is not set" in capfd.readouterr().err
