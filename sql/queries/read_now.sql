-- The database's clock: the start of the caller's transaction.
select now() as now
