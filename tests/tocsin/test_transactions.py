"""A command loads all that it needs before its transaction begins: one that rests for seconds is ended by the server."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests import make
from tests.system import ROOT
from tests.tocsin.conftest import KEY


@pytest.mark.parametrize(
    "argv",
    [
        ("schedules", "run", "due"),
        ("graphs", "create", '{"name": "own", "source": "api", "query": "x"}'),
        ("silences", "create", '{"name": "x", "durationSeconds": 3600}'),
        ("members", "create", "bob", "--email", "bob@example.com"),
        ("tokens", "create", "--scope", "read"),
        ("apply", "-f", "FILE", "--yes"),
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_nothing_is_loaded_while_a_transaction_is_open(argv: tuple[str, ...], database: str, tmp_path: Path) -> None:
    with make.connect(database) as conn:
        tenant = make.tenant(conn, slug="default")
        source = {
            "id": uuid4(),
            "tenant_id": tenant,
            "name": "api",
            "type": "prometheus",
            "url": "https://p.example.com",
        }
        make.insert(conn, "sources", source)
        make.schedule(conn, tenant, name="due")
    file = tmp_path / "tocsin.yaml"
    file.write_text("stack: shop\nmembers:\n  - subject: bob\n    email: bob@example.com\n    role: viewer\n")
    argv = tuple(str(file) if word == "FILE" else word for word in argv)
    answer = subprocess.run(
        [sys.executable, "-m", "tests.tocsin.loads", *argv],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database, "TOCSIN_SECRET_KEYS": KEY, "TOCSIN_KINDS": "tests.kinds:NOOP"},
        capture_output=True,
        text=True,
        check=False,
    )
    *_, last = answer.stderr.splitlines()
    assert (answer.returncode, last) == (0, "loaded"), answer.stderr
