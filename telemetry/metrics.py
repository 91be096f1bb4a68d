"""Every metric, in one list. No label holds a tenant or an id. Lags and durations are in seconds."""

from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter, Gauge, Histogram, values

from config import zones
from config.environ import metrics_place

# Of several processes each keeps its files under its place among them, and whoever takes the place of one that died goes
# on counting there: no total is lost, and there are never more files than places. By its pid each would leave its own.
if (_place := metrics_place()) is not None:
    values.ValueClass = values.MultiProcessValue(lambda: _place)  # type: ignore[no-untyped-call]

_LAG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

claimed = Counter("tocsin_claimed", "Schedules claimed by the ticker.")
claim_seconds = Histogram("tocsin_claim_seconds", "One batch: claim, plan, insert, advance, commit.", buckets=_LAG)
misfires = Counter("tocsin_misfires", "Slots older than their grace, by the policy that decided.", ["policy"])
relayed = Counter("tocsin_relayed", "Runs rung by message.")
start_lag_seconds = Histogram(
    "tocsin_start_lag_seconds", "From the slot to its run's first start.", ["kind"], buckets=_LAG
)
run_seconds = Histogram("tocsin_run_seconds", "How long an attempt took.", ["kind", "outcome"], buckets=_LAG)
runs = Counter("tocsin_runs_total", "Runs that reached a state.", ["kind", "state"])
attempts = Counter("tocsin_attempts", "Attempts that ended, by outcome.", ["kind", "outcome"])
late_schedules = Counter("tocsin_late_schedules", "Schedules whose slot was not delivered in time.")
leases_expired = Counter("tocsin_leases_expired", "Runs taken back from lost processes or past their deadline.")
deliveries = Counter("tocsin_deliveries", "Attempts to deliver that ended, by outcome.", ["channel", "outcome"])
source_seconds = Histogram("tocsin_source_seconds", "Queries to sources.", ["type", "outcome"], buckets=_LAG)
http_out_seconds = Histogram("tocsin_http_out_seconds", "Outgoing HTTP calls.", ["kind", "outcome"], buckets=_LAG)
model_requests = Counter("tocsin_model_requests", "Requests to the model, by what came of them.", ["outcome"])
model_tokens = Counter("tocsin_model_tokens", "Tokens of answered requests to the model.", ["direction"])
last_tick = Gauge(
    "tocsin_ticker_last_tick_timestamp_seconds",
    "When the ticker last looked for due schedules.",
    multiprocess_mode="max",
)
build_info = Gauge("tocsin_build_info", "1, with the version.", ["version"], multiprocess_mode="max")
zones_expire = Gauge(
    "tocsin_zones_expire_timestamp_seconds",
    "When the time zone database that is in use expires, as it says itself.",
    multiprocess_mode="max",
)

# What a ticker may take back before it saw any: the kinds and channels that Tocsin comes with.
KINDS = (
    "crew.ask",
    "crew.call",
    "http.call",
    "kpi.schedule",
    "kpi.threshold",
    "notice.mail",
    "pulse.report",
    "report.export",
    "webhook.send",
)
CHANNELS = (
    "email",
    "slack",
    "teams",
    "discord",
    "telegram",
    "pagerduty",
    "opsgenie",
    "twilio",
    "alertmanager",
)
OUTCOMES = ("done", "later", "rejected", "raised", "expired")
HAND_OVERS = ("sent", "later", "failed", "unknown", "expired")


def begin(version: str) -> None:
    """Tells which release this process is of, and how old its time zones are."""
    build_info.labels(version).set(1)
    zones_expire.set(zones.expires_at())


def begin_at_zero(kinds: Iterable[str]) -> None:
    """Shows what a worker counts before there is any: of a series that begins at one, no rule sees the first."""
    for kind in kinds:
        for outcome in OUTCOMES:
            attempts.labels(kind, outcome)
        for state in ("succeeded", "dead", "cancelled"):
            runs.labels(kind, state)
    for channel in CHANNELS:
        for outcome in HAND_OVERS:
            deliveries.labels(channel, outcome)


def begin_taking_back() -> None:
    """Shows at zero what a ticker counts of runs and deliveries that it takes back; own kinds once one is rung."""
    for kind in KINDS:
        begin_kind(kind)
    for channel in CHANNELS:
        for outcome in ("expired", "failed", "unknown"):
            deliveries.labels(channel, outcome)


@cache
def begin_kind(kind: str) -> None:
    """Shows at zero what a ticker counts of the kind's runs that it takes back."""
    attempts.labels(kind, "expired")
    runs.labels(kind, "dead")
    runs.labels(kind, "cancelled")


def begin_cancelling(kinds: Iterable[str]) -> None:
    """Shows at zero what a web process counts of the runs that people cancel."""
    for kind in kinds:
        runs.labels(kind, "cancelled")


# What each run observes is looked up once: `labels` takes longer than `observe`.
@cache
def start_lag_seconds_of(kind: str) -> Histogram:
    """`start_lag_seconds` of that kind."""
    return start_lag_seconds.labels(kind)


@cache
def run_seconds_of(kind: str, outcome: str) -> Histogram:
    """`run_seconds` of that kind and outcome."""
    return run_seconds.labels(kind, outcome)
