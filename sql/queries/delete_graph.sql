-- Deletes a graph that no alert and no dashboard shows. Index: graphs' key (tenant_id, id).
delete from graphs as g where g.tenant_id = %(tenant_id)s and g.id = %(id)s
