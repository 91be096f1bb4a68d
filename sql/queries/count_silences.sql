-- How many silences of a tenant's hold or are to come. Index: silences_by_end.
select count(*) as silences from silences as s where s.tenant_id = %(tenant_id)s and s.ends_at > now()
