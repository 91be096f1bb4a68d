-- Deletes a crew response; its id. Index: crew_responses' key (tenant_id, id).
delete from crew_responses as c
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
returning c.id
