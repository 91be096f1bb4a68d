"""What runs in the environment of django-celery-beat: `install`, `load COUNT DUE`, `worker` or `beat`.

Imported by no other file: it holds Django and no part of ours but the stamps.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import django
from celery import Celery
from django.conf import settings

from bench.stamps import hit

_EVERY_SECONDS = 3600
_LOADED_AT_ONCE = 2000

_database = urlsplit(os.environ["BENCH_DATABASE"])
settings.configure(
    INSTALLED_APPS=["django_celery_beat"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _database.hostname,
            "PORT": _database.port,
            "USER": _database.username,
            "PASSWORD": unquote(_database.password or ""),
            "NAME": _database.path[1:],
        }
    },
)
django.setup()
app = Celery("bench", broker=os.environ["BENCH_REDIS"])
app.conf.update(
    task_ignore_result=True,
    timezone="UTC",
    enable_utc=True,
    # Beat may sleep for five minutes otherwise, and it reads what was added once it wakes.
    beat_max_loop_interval=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


def noop() -> None:
    hit()


app.task(noop, name="noop")


def install() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def load(count: int, due: float) -> None:
    """Stores `count` entries due at that Unix time (0: now)."""
    from django.utils.timezone import now
    from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

    due_at = datetime.fromtimestamp(due, UTC) if due else now()
    last_at = due_at - timedelta(seconds=_EVERY_SECONDS)
    interval, _ = IntervalSchedule.objects.get_or_create(every=_EVERY_SECONDS, period="seconds")
    PeriodicTask.objects.bulk_create(
        [
            PeriodicTask(name=f"{due}-{number}", task="noop", interval=interval, last_run_at=last_at)
            for number in range(count)
        ],
        batch_size=_LOADED_AT_ONCE,
    )
    PeriodicTasks.update_changed()


def main(argv: list[str]) -> None:
    if argv[0] == "install":
        install()
    elif argv[0] == "load":
        load(int(argv[1]), float(argv[2]))
    elif argv[0] == "worker":
        app.start(["worker", "--concurrency=2", "--loglevel=ERROR", "--without-gossip", "--without-mingle"])
    else:
        scheduler = "--scheduler=django_celery_beat.schedulers:DatabaseScheduler"
        app.start(["beat", scheduler, "--loglevel=ERROR", "--pidfile="])


if __name__ == "__main__":
    main(sys.argv[1:])
