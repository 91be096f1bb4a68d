"""Bugs told to Sentry, where SENTRY_DSN is set: what was raised and where, and nothing that tenants wrote.

Without SENTRY_DSN nothing is imported. What is told is the exception's type and its frames without their variables; its
words may repeat a tenant's, so they stay in our own log, on the attempt, beside the same run id.
"""

from typing import TYPE_CHECKING, Any

from config.environ import BadSetting

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_role = ""


def begin(dsn: str | None, role: str, version: str) -> None:
    """Has this process tell its bugs to that address; None: to nobody. Raises BadSetting."""
    global _role  # noqa: PLW0603  of the process, as its log is; set once, before any thread starts
    if dsn is None:
        return
    try:
        import sentry_sdk
    except ImportError:
        raise BadSetting("SENTRY_DSN needs the packages of the extra sentry: pip install tocsin[sentry]") from None
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"tocsin@{version}",
            # Integrations add what they see: messages, requests, arguments. None of that leaves.
            default_integrations=False,
            auto_enabling_integrations=False,
            send_default_pii=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            server_name=role,
            before_send=_scrubbed,
        )
    except ValueError:
        raise BadSetting("SENTRY_DSN takes an address such as https://key@sentry.example/1") from None
    _role = role


def raised(error: BaseException, **tags: object) -> None:
    """Tells a bug, with tags that are ids or names of ours."""
    if _role:
        import sentry_sdk

        with sentry_sdk.new_scope() as scope:
            scope.set_tags({"role": _role} | {name: str(value) for name, value in tags.items()})
            scope.capture_exception(error)


def end() -> None:
    """Sends what is not sent yet, for two seconds at most."""
    if _role:
        import sentry_sdk

        sentry_sdk.flush(2)


def _scrubbed(event: "Event", _hint: "Hint") -> "Event":
    """The event without words, variables or anything about a request."""
    kept: Any = {
        name: value
        for name, value in event.items()
        if name
        in ("event_id", "timestamp", "platform", "level", "release", "environment", "server_name", "tags", "sdk")
    }
    kept["exception"] = {"values": [_place_of(each) for each in event.get("exception", {}).get("values", ())]}
    found: Event = kept
    return found


def _place_of(exception: dict[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", ())
    shown = ("filename", "function", "module", "lineno", "in_app")
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "value": "",
        "stacktrace": {"frames": [{name: frame[name] for name in shown if name in frame} for frame in frames]},
    }
