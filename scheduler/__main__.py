"""The ticker process: settings -> database -> signals -> loop. Any number may run; there is no leader."""

from config.signals import set_off
from db import migrate, processes
from db.pool import DatabaseError
from db.store import Store
from scheduler.loop import Doorbell, run
from scheduler.relay import relay_to
from scheduler.settings import Settings
from scheduler.steps import Ticker
from scheduler.sweep import Sweep
from telemetry import exporter, telling
from telemetry.log import Events

events = Events("ticker")


def main() -> int:
    """Runs a ticker until SIGTERM; returns the exit status. Raises BadSetting."""
    settings = Settings.from_environ()
    settings.telling.begin("ticker", processes.VERSION)
    with settings.database.connect("ticker") as conn:
        migrate.check(conn)
        is_held = settings.mode == "held" or migrate.is_foreign(conn)
    if settings.metrics_port is not None:
        events.info("metrics.served", port=exporter.serve(settings.metrics_port))
    bell = Doorbell(settings.database)
    bell.stop_on_signals()
    ticker = Ticker(settings, relay_to(settings.broker_url), is_held=is_held)
    events.info("ticker.started", mode="held" if is_held else settings.mode)
    # A copy of somebody else's database lacks rows of theirs: it deletes nothing.
    sweep = Sweep(settings.database, Store(settings.artifact_url)) if settings.artifact_url and not is_held else None
    if sweep is not None:
        sweep.start()
    run(settings.database, ticker, bell)
    bell.close()
    if sweep is not None:
        sweep.stop()
    try:
        with settings.database.connect("ticker") as conn:
            ticker.stop(conn)
    except DatabaseError as error:
        events.warning("ticker.row_left", error=str(error).strip())
    telling.end()
    events.info("ticker.stopped")
    set_off()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
