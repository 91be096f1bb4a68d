-- Drops the silences that ended before history begins: no check that is kept was held by them. Reads the table once.
delete from silences as s
where s.ends_at < now() - make_interval(days => %(retention_days)s)
