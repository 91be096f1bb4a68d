"""`tocsin apply` and `tocsin export`: what files say is what is there, as a whole or not at all, and both ways round."""

from pathlib import Path

import pytest

from tests import make
from tests.tocsin.conftest import Tocsin

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "tocsin.yaml"
SECRETS = {
    "WAREHOUSE_PASSWORD": "hush%40pass",
    "PROMETHEUS_TOKEN": "hush-token",
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/hush",
    "INCIDENTS_PATH": "hush-path",
    "INCIDENTS_SECRET": "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNoaHVzaGh1c2g=",
    "CREW_TOKEN": "hush-crew",
    "IMPORT_TOKEN": "hush-import",
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the example's variables are."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def test_the_example(tocsin: Tocsin, conn: make.Connection, tmp_path: Path) -> None:
    a = tocsin("apply", "-f", str(EXAMPLE), "--plan")
    Path("/tmp/o8.txt").write_text((Path("/tmp/o8.txt").read_text() if Path("/tmp/o8.txt").exists() else "") + a.out + a.err + "\n=====\n")
    a = tocsin("apply", "-f", str(EXAMPLE), "--yes")
    Path("/tmp/o8.txt").write_text((Path("/tmp/o8.txt").read_text() if Path("/tmp/o8.txt").exists() else "") + a.out + a.err + "\n=====\n")
    a = tocsin("apply", "-f", str(EXAMPLE), "--plan")
    Path("/tmp/o8.txt").write_text((Path("/tmp/o8.txt").read_text() if Path("/tmp/o8.txt").exists() else "") + a.out + a.err + "\n=====\n")
    a = tocsin("export")
    Path("/tmp/o8.txt").write_text((Path("/tmp/o8.txt").read_text() if Path("/tmp/o8.txt").exists() else "") + a.out + a.err + "\n=====\n")
    (tmp_path / "x.yaml").write_text(a.out)
    a = tocsin("apply", "-f", str(tmp_path / "x.yaml"), "--plan")
    Path("/tmp/o8.txt").write_text((Path("/tmp/o8.txt").read_text() if Path("/tmp/o8.txt").exists() else "") + a.out + a.err + "\n=====\n")
    assert 0
