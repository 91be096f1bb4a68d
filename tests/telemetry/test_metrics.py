"""What is counted from the start, so that a rule sees the first."""

from prometheus_client import REGISTRY

from telemetry import metrics
from workers import kinds
from workers.channels.types import TYPES


def test_a_ticker_knows_each_kind_and_channel_that_tocsin_comes_with() -> None:
    assert set(metrics.KINDS) == set(kinds.KINDS | kinds.INNER)
    assert ("email", *TYPES) == metrics.CHANNELS


def test_what_a_ticker_takes_back_is_counted_from_zero() -> None:
    metrics.begin_taking_back()
    metrics.begin_kind("own.kind")
    for kind in (*metrics.KINDS, "own.kind"):
        assert REGISTRY.get_sample_value("tocsin_attempts_total", {"kind": kind, "outcome": "expired"}) is not None
        for state in ("dead", "cancelled"):
            assert REGISTRY.get_sample_value("tocsin_runs_total", {"kind": kind, "state": state}) is not None
    for channel in metrics.CHANNELS:
        for outcome in ("expired", "failed", "unknown"):
            labels = {"channel": channel, "outcome": outcome}
            assert REGISTRY.get_sample_value("tocsin_deliveries_total", labels) is not None
