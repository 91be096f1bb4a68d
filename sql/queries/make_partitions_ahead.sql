-- Makes the weekly partitions up to four weeks from now, and back to the oldest slot that waits to be planned, which
-- after a long standstill lies before all that were made ahead; answers how many tables it made. Index: schedules_due.
select
    make_partitions(
        greatest(
            now() - make_interval(days => %(retention_days)s),
            least(
                now(),
                (
                    select min(s.next_fire_at) from schedules as s
                    where s.status = 'active' and s.next_fire_at is not null
                ) - interval '1 day'
            )
        ),
        now() + interval '28 days'
    ) as made
