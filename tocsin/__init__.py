"""What a kind of your own imports: `from tocsin import Kind, Done, Later, Rejected, Context`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.addresses import Forbidden
    from workers.artifacts import Artifact, NoStore
    from workers.http import HttpError
    from workers.kind import Cancelled, Context, Kind
    from workers.outcome import Attachment, Done, Later, Message, Rejected
    from workers.sources.table import Question, SourceRefused, SourceUnavailable

__all__ = [
    "Artifact",
    "Attachment",
    "Cancelled",
    "Context",
    "Done",
    "Forbidden",
    "HttpError",
    "Kind",
    "Later",
    "Message",
    "NoStore",
    "Question",
    "Rejected",
    "SourceRefused",
    "SourceUnavailable",
]

_HOMES = {
    "Artifact": "workers.artifacts",
    "Cancelled": "workers.kind",
    "Context": "workers.kind",
    "Forbidden": "workers.addresses",
    "HttpError": "workers.http",
    "Kind": "workers.kind",
    "NoStore": "workers.artifacts",
    "Question": "workers.sources.table",
    "SourceRefused": "workers.sources.table",
    "SourceUnavailable": "workers.sources.table",
}


def __getattr__(name: str) -> Any:
    """Loads a name when it is first asked for, so that `tocsin --help` need not wait for all of them."""
    if name not in __all__:
        raise AttributeError(f"module 'tocsin' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "workers.outcome")), name)
