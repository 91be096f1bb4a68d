"""django-celery-beat: Celery beat with its entries in Postgres, and a Celery worker of two processes.

It holds cron-descriptor below what we need, so it has an environment of its own, `.venv/beat`, and all that runs in it
is bench/peers/django_beat_app.py. Its end is the start of its last handler: nothing is written then.
"""

import subprocess
from datetime import datetime

import redis

from bench.peers.peer import Absent, Loaded, Place, nothing
from bench.result import ROOT
from bench.stage import Processes

_PYTHON = ROOT / ".venv" / "beat" / "bin" / "python"
_APP = "bench.peers.django_beat_app"


class DjangoBeat:
    lead_seconds = 25.0

    def start(self, processes: Processes, place: Place) -> None:
        if not _PYTHON.exists():
            raise Absent("its environment is made by `make bench`")
        self._environ = {"BENCH_DATABASE": place.database, "BENCH_REDIS": place.redis}
        self._call("install")
        for role in ("worker", "beat"):
            processes.run(role, str(_PYTHON), "-m", _APP, role, **self._environ)
        self._call("load", "1", "0")
        assert processes.wait_until(lambda: processes.stamps.count() == 1, 40), "beat and worker did not start"
        with redis.Redis.from_url(place.redis) as client:
            assert processes.wait_until(lambda: client.llen("celery") == 0, 10), "the worker hangs"

    def load(self, count: int, due_at: datetime) -> Loaded:
        self._call("load", str(count), str(due_at.timestamp()))
        return Loaded(nothing, lambda: True)

    def _call(self, *command: str) -> None:
        done = subprocess.run(
            [_PYTHON, "-m", _APP, *command],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
