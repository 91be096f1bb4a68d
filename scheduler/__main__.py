"""The ticker process: settings -> database -> signals -> loop. Any number may run; there is no leader."""

from config.signals import set_off
from db import migrate, processes
from db.arrival import when_there
from db.pool import Connection, DatabaseError
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
    """Runs a ticker until SIGTERM; returns the exit status. Raises BadSetting, SchemaError."""
    settings = Settings.from_environ()
    settings.telling.begin("ticker", processes.VERSION)
    if settings.metrics_port is not None:
        events.info("metrics.served", port=exporter.serve(settings.metrics_port))
    bell = Doorbell(settings.database)
    bell.stop_on_signals()
    is_foreign = when_there(settings.database, "ticker", _checked, bell.pause)
    if is_foreign is None:
        bell.close()
        return _stopped()
    is_held = settings.mode == "held" or is_foreign
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
    return _stopped()


def _checked(conn: Connection) -> bool:
    """True when this database, whose schema fits, is a copy. Raises SchemaError."""
    migrate.check(conn)
    return migrate.is_foreign(conn)


def _stopped() -> int:
    """The exit status of a ticker that ends in order."""
    telling.end()
    events.info("ticker.stopped")
    set_off()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
