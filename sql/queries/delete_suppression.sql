-- Takes a suppression away: its recipient is mailed again. Index: suppressions' key (tenant_id, id).
delete from suppressions as s where s.tenant_id = %(tenant_id)s and s.id = %(id)s
