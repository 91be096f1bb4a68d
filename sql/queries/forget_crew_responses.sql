-- Drops the answers of crews that are beyond their time. Index: crew_responses_by_age.
delete from crew_responses as c
where c.created_at < now() - make_interval(days => %(retention_days)s)
