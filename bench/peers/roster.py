"""Who is measured beside us; a peer's file is imported when it is its turn, since `make bench` alone installs them."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Final

from bench.peers.peer import Absent, Peer

PLAIN: Final = "plain Dramatiq actor"
_FILES: Final = {
    PLAIN: ("plain", "Plain"),
    "PgQueuer": ("pgq", "PgQueuerPeer"),
    "graphile-worker": ("graphile", "Graphile"),
    "Procrastinate": ("procras", "ProcrastinatePeer"),
    "Chancy": ("chancied", "ChancyPeer"),
    "RQ": ("rqs", "RqPeer"),
    "RedBeat": ("redbeat", "RedBeat"),
    "django-celery-beat": ("django_beat", "DjangoBeat"),
}


def _make(file: str, name: str) -> Peer:
    try:
        module = import_module(f"bench.peers.{file}")
    except ModuleNotFoundError as error:
        raise Absent(f"{error.name} is installed by `make bench`") from None
    made: Peer = getattr(module, name)()
    return made


PEERS: Final[dict[str, Callable[[], Peer]]] = {name: partial(_make, *place) for name, place in _FILES.items()}
