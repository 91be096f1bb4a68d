"""The kinds: those of Tocsin, in literal dicts, and those that TOCSIN_KINDS names."""

from collections.abc import Sequence
from importlib import import_module

from config.environ import BadSetting
from workers.kind import Kind
from workers.kinds import (
    crew_ask,
    crew_call,
    http_call,
    notice_mail,
    pulse_report,
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
}
# What only Tocsin itself makes runs of: no schedule has such a kind.
INNER: dict[str, Kind] = {
    "crew.ask": crew_ask.KIND,
    "notice.mail": notice_mail.KIND,
    "webhook.send": webhook_send.KIND,
}


def load(names: Sequence[str]) -> dict[str, Kind]:
    """Tocsin's kinds and those named `module:KIND`. Raises BadSetting when one cannot be loaded or is named twice."""
    kinds = dict(KINDS)
    for name in names:
        module, _, attribute = name.partition(":")
        try:
            kind = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise BadSetting(f"TOCSIN_KINDS names {name}, which cannot be loaded: {error}") from None
        if not isinstance(kind, Kind):
            raise BadSetting(f"TOCSIN_KINDS names {name}, which is a {type(kind).__name__} and not a tocsin.Kind")
        if kind.name in kinds or kind.name in INNER:
            raise BadSetting(f"TOCSIN_KINDS names {name}, but there is a kind {kind.name} already")
        kinds[kind.name] = kind
    return kinds
