"""graphile-worker: two node processes with its local queue of 500 jobs, 24 at once, that poll every 100 ms
(its defaults, no local queue and 2 s, are slower). bench/peers/graphile/worker.cjs is what they run.
"""

import shutil
import subprocess
from datetime import datetime

from bench.peers.peer import Absent, Loaded, Place, nothing
from bench.result import ROOT
from bench.stage import Processes, value

_PACKAGES = ROOT / ".venv" / "node" / "node_modules"
_WORKER = ROOT / "bench" / "peers" / "graphile" / "worker.cjs"
_LOAD = """
select count(*) from graphile_worker.add_jobs(array(
    select row('noop', '{}'::json, null, %s::timestamptz, null, null, null, null)::graphile_worker.job_spec
    from generate_series(1, %s)
))
"""
_UNFINISHED = "select not exists (select from graphile_worker._private_jobs)"


class Graphile:
    lead_seconds = 8.0

    def start(self, processes: Processes, place: Place) -> None:
        node = shutil.which("node")
        if node is None:
            raise Absent("there is no node here")
        if not (_PACKAGES / "graphile-worker").exists():
            raise Absent("`make bench` installs it")
        environ = {"BENCH_DATABASE": place.database, "NODE_PATH": str(_PACKAGES)}
        command = (node, str(_WORKER))
        subprocess.run([*command, "install"], env=environ, check=True, stdout=subprocess.DEVNULL)
        self._conn = place.conn
        for _ in range(2):
            processes.run("worker", *command, "work", **environ)
        warm = self.load(16, value(self._conn, "select now()"))
        assert processes.wait_until(warm.is_finished, 40), "the workers did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        self._conn.execute(_LOAD, (due_at, count))
        self._conn.execute("vacuum analyze graphile_worker._private_jobs")
        return Loaded(nothing, lambda: bool(value(self._conn, _UNFINISHED)))
