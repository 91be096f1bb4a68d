"""An example or two of each command, shown under its help. A test parses each of them, and asks for those that are missing."""

import argparse
from collections.abc import Iterator, Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "migrate": ("tocsin migrate",),
    "ticker": ("tocsin ticker",),
    "worker": ("tocsin worker --grace 20", "WORKER_QUEUES=alerts,reports tocsin worker"),
    "api": ("PORT=8000 tocsin api", "tocsin api --openapi > openapi.json"),
    "up": ("tocsin up --folder /tmp/tocsin",),
    "demo": ("tocsin demo --json",),
    "doctor": ("tocsin doctor", "tocsin doctor --moved --pass-over"),
    "apply": ("tocsin apply -f tocsin.yaml --plan", "tocsin apply -f stack/ --yes", "tocsin apply --schema"),
    "export": ("tocsin export -o tocsin.yaml", "tocsin export --tenant acme"),
    "why": ("tocsin why nightly", "tocsin why 019a200e-c091-7c19-9f54-05372ecde5b5"),
    "schedules create": (
        """tocsin schedules create http.call --name nightly --cron '0 2 * * *' --tz Europe/Paris --params '{"url": "https://example.com/hook"}'""",
        "tocsin schedules create http.call --every 300 --params @call.json",
        """tocsin schedules create http.call --recurrence '{"every": "month", "days": ["last business day"], "hour": 9}' --params @call.json""",
    ),
    "schedules list": ("tocsin schedules list --status paused", "tocsin schedules list --overdue"),
    "schedules show": ("tocsin schedules show nightly",),
    "schedules pause": ("tocsin schedules pause nightly --note 'the warehouse moves'",),
    "schedules resume": ("tocsin schedules resume nightly",),
    "schedules cancel": ("tocsin schedules cancel nightly",),
    "schedules run": ("tocsin schedules run nightly",),
    "schedules backfill": ("tocsin schedules backfill nightly --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z",),
    "schedules next": ("tocsin schedules next nightly --count 10",),
    "runs list": ("tocsin runs list --schedule nightly --state dead",),
    "runs show": ("tocsin runs show 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "runs cancel": ("tocsin runs cancel 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "runs retry": ("tocsin runs retry 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "runs watch": ("tocsin runs watch 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "dead list": ("tocsin dead list", "tocsin dead list --schedule nightly --state replayed"),
    "dead show": ("tocsin dead show 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "dead replay": (
        "tocsin dead replay 019a200e-c091-7c19-9f54-05372ecde5b5",
        "tocsin dead replay --all --schedule nightly",
    ),
    "dead discard": ("tocsin dead discard 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "deliveries list": ("tocsin deliveries list --state failed", "tocsin deliveries list --recipient ann@example.com"),
    "deliveries resend": ("tocsin deliveries resend 019a200e-c091-7c19-9f54-05372ecde5b5",),
    "sources create": (
        "tocsin sources create warehouse --url postgresql://reader@db.example.com/shop --secret - < password",
        "tocsin sources create metrics --type prometheus --url https://prometheus.example.com",
    ),
    "sources list": ("tocsin sources list",),
    "graphs create": (
        """tocsin graphs create '{"name": "orders", "source": "warehouse", "query": "select day, orders from sales"}'""",
        "tocsin graphs create @orders.json",
    ),
    "graphs list": ("tocsin graphs list",),
    "graphs show": ("tocsin graphs show orders",),
    "graphs delete": ("tocsin graphs delete orders",),
    "dashboards create": ("""tocsin dashboards create '{"name": "mondays", "graphs": ["orders", "visits"]}'""",),
    "dashboards list": ("tocsin dashboards list",),
    "dashboards show": ("tocsin dashboards show mondays",),
    "dashboards delete": ("tocsin dashboards delete mondays",),
    "alerts create": (
        """tocsin alerts create '{"alertName": "few orders", "graph": "orders", "recipients": ["ann@example.com"], "threshold": {"condition": "LESS_THAN", "thresholdValue": 50}}'""",
    ),
    "alerts list": ("tocsin alerts list",),
    "alerts show": ("tocsin alerts show 'few orders'",),
    "alerts delete": ("tocsin alerts delete 'few orders'",),
    "alerts test": ("tocsin alerts test 'few orders'",),
    "alerts backtest": (
        "tocsin alerts backtest 'few orders' --from 2026-01-01T00:00:00Z --wanted 3 --plot orders.svg",
        "tocsin alerts backtest @rule.json",
    ),
    "alerts why": ("tocsin alerts why 'few orders' --recipient ann@example.com --at 2026-03-30T09:00:00Z",),
    "alerts history": ("tocsin alerts history 'few orders' --segment eu",),
    "alerts acknowledge": ("tocsin alerts acknowledge 'few orders' --segment eu",),
    "alerts snooze": ("tocsin alerts snooze 'few orders' --seconds 3600",),
    "pulses create": (
        """tocsin pulses create '{"name": "weekly", "prompt": "What is new?", "cron": "0 9 * * 1", "recipients": ["ann@example.com"], "graphs": ["orders"]}'""",
    ),
    "pulses list": ("tocsin pulses list",),
    "pulses show": ("tocsin pulses show weekly",),
    "pulses edit": ("""tocsin pulses edit weekly '{"enabled": false}'""",),
    "pulses delete": ("tocsin pulses delete weekly",),
    "pulses publish": ("tocsin pulses publish weekly",),
    "pulses preview": ("tocsin pulses preview weekly",),
    "pulses jobs": ("tocsin pulses jobs weekly --limit 10",),
    "reports create": (
        """tocsin reports create '{"name": "sales", "reportType": "sales", "cronExpression": "0 8 * * 1", "exportFormats": ["xlsx"], "emailRecipients": ["ann@example.com"]}'""",
    ),
    "reports list": ("tocsin reports list",),
    "reports show": ("tocsin reports show sales",),
    "reports edit": ("""tocsin reports edit sales '{"status": "ACTIVE"}'""",),
    "reports delete": ("tocsin reports delete sales",),
    "reports run": ("tocsin reports run sales",),
    "reports preview": ("tocsin reports preview sales --html sales.html",),
    "reports executions": ("tocsin reports executions sales --limit 10",),
    "reports stats": ("tocsin reports stats sales --days 90",),
    "reports examples": ("tocsin reports examples warehouse",),
    "report-definitions create": (
        """tocsin report-definitions create '{"name": "sales", "source": "warehouse", "query": "select * from sales"}'""",
    ),
    "report-definitions list": ("tocsin report-definitions list",),
    "report-definitions show": ("tocsin report-definitions show sales",),
    "report-definitions edit": ("""tocsin report-definitions edit sales '{"title": "Sales"}'""",),
    "report-definitions delete": ("tocsin report-definitions delete sales",),
    "report-definitions versions": ("tocsin report-definitions versions sales",),
    "report-definitions preview": (
        """tocsin report-definitions preview sales --parameters '{"region": "eu"}' --tz Europe/Paris --html sales.html""",
    ),
    "templates create": (
        """tocsin templates create '{"name": "short", "purpose": "kpi.threshold", "subject": "{{ alert.name }}"}'""",
    ),
    "templates list": ("tocsin templates list",),
    "templates show": ("tocsin templates show short",),
    "templates edit": ("tocsin templates edit short @short.json",),
    "templates preview": ("tocsin templates preview @short.json --part subject",),
    "templates delete": ("tocsin templates delete short",),
    "silences create": (
        """tocsin silences create '{"name": "the warehouse moves", "alert": "few orders", "durationSeconds": 3600}'""",
    ),
    "silences list": ("tocsin silences list",),
    "silences end": ("tocsin silences end 'the warehouse moves'",),
    "limits set": ("tocsin limits set host:api.example.com --max-running 4 --max-per-minute 120",),
    "limits list": ("tocsin limits list",),
    "limits delete": ("tocsin limits delete host:api.example.com",),
    "calendars create": (
        "tocsin calendars create bavaria --country DE --subdivision BY --day '2026-12-24=Christmas Eve'",
    ),
    "calendars list": ("tocsin calendars list",),
    "calendars show": ("tocsin calendars show bavaria --year 2027",),
    "calendars delete": ("tocsin calendars delete bavaria",),
    "channels create": ("""tocsin channels create '{"name": "ops", "type": "slack"}' --credential - < address""",),
    "channels list": ("tocsin channels list",),
    "channels show": ("tocsin channels show ops",),
    "channels edit": ("""tocsin channels edit ops '{"name": "operations"}'""",),
    "channels delete": ("tocsin channels delete ops",),
    "channels test": ("tocsin channels test ops",),
    "suppressions add": ("tocsin suppressions add ann@example.com --schedule nightly --note 'on leave'",),
    "suppressions list": ("tocsin suppressions list --recipient ann@example.com",),
    "suppressions delete": ("tocsin suppressions delete ann@example.com",),
    "users list": ("tocsin users list --segment gold",),
    "users show": ("tocsin users show u-17",),
    "users import": (
        "tocsin users import users.csv",
        "tocsin users import - < users.csv",
        "tocsin users import --source crm --query 'select id as uid, about as context, goal from customers'",
    ),
    "users delete": ("tocsin users delete u-17",),
    "crew create": ("""tocsin crew create '{"name": "research", "url": "https://crew.example.com/run-crew"}'""",),
    "crew list": ("tocsin crew list",),
    "crew show": ("tocsin crew show research",),
    "crew delete": ("tocsin crew delete research",),
    "crew start": ("tocsin crew start --minutes 30",),
    "crew stop": ("tocsin crew stop",),
    "crew status": ("tocsin crew status",),
    "crew run-now": ("tocsin crew run-now",),
    "cron explain": ("tocsin cron explain '0 9 * * 1-5' --tz Europe/Paris",),
    "cron next": ("tocsin cron next '30 2 * * *' --tz Europe/Paris --from 2026-03-28T12:00:00Z --gap skip --count 3",),
    "import crontab": ("tocsin import crontab jobs.cron --plan", "crontab -l | tocsin import crontab -"),
    "import celery-beat": ("tocsin import celery-beat beat.py --tz Europe/Paris --plan",),
    "tenants create": ("tocsin tenants create acme --name 'Acme Ltd'",),
    "tenants list": ("tocsin tenants list",),
    "tenants show": ("tocsin tenants show acme",),
    "tenants set": ("tocsin tenants set acme defaultTimezone=Europe/Paris quotas.schedules=100",),
    "tenants suspend": ("tocsin tenants suspend acme",),
    "tenants reinstate": ("tocsin tenants reinstate acme",),
    "tenants export": ("tocsin tenants export acme -o acme.jsonl --files acme-files",),
    "tenants delete": ("tocsin tenants delete acme --yes",),
    "members list": ("tocsin members list --tenant acme",),
    "members create": ("tocsin members create 3f9a-ann --email ann@example.com --role editor",),
    "members disable": ("tocsin members disable 3f9a-ann",),
    "members erase": ("tocsin members erase 3f9a-ann",),
    "tokens create": (
        "tocsin tokens create --scope read --name 'the wallboard' --expires 2027-01-01T00:00:00Z",
        "tocsin tokens create --operator",
    ),
    "tokens link": ("tocsin tokens link", "tocsin tokens link --tenant acme --member ada@example.com --minutes 60"),
    "tokens list": ("tocsin tokens list --operator",),
    "tokens revoke": ("tocsin tokens revoke 5c8ad9a1-4c6b-4e55-8f0f-0d8b86a8a7b5",),
    "audit verify": ("tocsin audit verify",),
    "keys generate": ("tocsin keys generate",),
    "keys rotate": ("tocsin keys rotate",),
    "mcp": ("TOCSIN_URL=https://tocsin.example.com tocsin mcp --token-file ~/.tocsin-token",),
    "completion": (
        "tocsin completion bash > ~/.local/share/bash-completion/completions/tocsin",
        "tocsin completion zsh > ~/.zfunc/_tocsin",
        "tocsin completion fish > ~/.config/fish/completions/tocsin.fish",
    ),
    "bench": ("tocsin bench claim ring --json", "tocsin bench --plots plots"),
    "chaos": (
        "tocsin chaos --minutes 1 --seed 7",
        "tocsin chaos --faults worker.kill=3,redis.flushall=1 --folder /tmp/chaos",
    ),
}


def add(parser: argparse.ArgumentParser) -> None:
    """Puts each command's examples under its help."""
    for path, leaf in leaves(parser):
        found = EXAMPLES.get(" ".join(path), ())
        if found:
            leaf.formatter_class = argparse.RawDescriptionHelpFormatter
            leaf.epilog = "\n  ".join(["example:" if len(found) == 1 else "examples:", *found])


def leaves(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command that does something, by its words."""
    groups = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  argparse has no other way to be walked
    if not groups:
        yield path, parser
    for group in groups:
        for word, each in group.items():
            yield from leaves(each, (*path, word))
