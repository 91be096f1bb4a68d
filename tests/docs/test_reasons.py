"""Every reason that the sources write down has its words."""

import re

from api import reasons
from tests.system import ROOT


def test_every_reason_that_is_written_has_its_words() -> None:
    written = re.compile(r"""give_back\(.*"([a-z_]+)"|reason=\"([a-z_]+)\"|reason = '([a-z_]+)'""")
    rooms = [
        *(ROOT / "workers").glob("*.py"),
        *(ROOT / "scheduler").glob("*.py"),
        *(ROOT / "sql/queries").glob("*.sql"),
    ]
    found = {"".join(groups) for room in rooms for groups in written.findall(room.read_text())}

    assert {"answer_lost", "given_back", "overlap", "no_worker_for_kind"} <= found
    assert found <= set(reasons._WHYS)
