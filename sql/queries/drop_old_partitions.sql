-- Drops the weeks beyond retention that hold no open run; answers which. Locks the parents for a moment.
select drop_partitions(now() - make_interval(days => %(retention_days)s)) as weeks
