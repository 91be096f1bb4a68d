"""The kinds: those of Tocsin, in literal dicts, and those that TOCSIN_KINDS or an installed package names."""

from collections.abc import Iterator, Sequence
from importlib import import_module, metadata

from config.environ import BadSetting
from workers.kind import Kind
from workers.kinds import (
    crew_ask,
    crew_call,
    http_call,
    notice_mail,
    pulse_report,
    report_export,
    scheduled_report,
    threshold_alert,
    webhook_send,
)

KINDS: dict[str, Kind] = {
    "crew.call": crew_call.KIND,
    "http.call": http_call.KIND,
    "kpi.schedule": scheduled_report.KIND,
    "kpi.threshold": threshold_alert.KIND,
    "pulse.report": pulse_report.KIND,
    "report.export": report_export.KIND,
}
# What only Tocsin itself makes runs of: no schedule has such a kind.
INNER: dict[str, Kind] = {
    "crew.ask": crew_ask.KIND,
    "notice.mail": notice_mail.KIND,
    "webhook.send": webhook_send.KIND,
}


ENTRY_POINTS = "tocsin.kinds"


def load(names: Sequence[str]) -> dict[str, Kind]:
    """Tocsin's kinds, those named `module:KIND`, and those that installed packages offer as entry points.

    Raises BadSetting when one cannot be loaded, or when two are named alike.
    """
    kinds = dict(KINDS)
    for said, value in (*((f"TOCSIN_KINDS names {name}", name) for name in names), *_offered()):
        kind = _load(said, value)
        if kinds.get(kind.name, kind) is not kind or kind.name in INNER:
            raise BadSetting(f"{said}, but there is a kind {kind.name} already")
        kinds[kind.name] = kind
    return kinds


def _offered() -> Iterator[tuple[str, str]]:
    """What the installed packages offer, in words and as `module:KIND`; always in the same order."""
    for found in sorted(metadata.entry_points(group=ENTRY_POINTS)):
        package = found.dist.name if found.dist else "that is installed"
        yield f"the package {package} names {found.value} in {ENTRY_POINTS}", found.value


def _load(said: str, value: str) -> Kind:
    module, _, attribute = value.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # noqa: BLE001  its module is anybody's, and may raise anything
        what = "" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: "
        raise BadSetting(f"{said}, which cannot be loaded: {what}{' '.join(str(error).split())}") from None
    if not isinstance(kind, Kind):
        raise BadSetting(f"{said}, which is a {type(kind).__name__} and not a tocsin.Kind")
    return kind
