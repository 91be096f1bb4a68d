-- How many entries and chains there are. Reads all of audit_log.
select count(*) as entries, count(distinct a.chain) as chains from audit_log as a
