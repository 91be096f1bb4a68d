-- How many tickers stopped or were lost since an instant, and Postgres's clock: where to look from the next time.
-- Index: none; processes are few, and forgotten after a while.
select
    clock_timestamp() as now,
    (
        select count(*) from processes as p
        where p.role = 'ticker' and greatest(p.stopped_at, p.lost_at) > %(since)s
    ) as ended
