-- Deletes a crew endpoint with the limit of its calls; those that wait are let go. Index: crew_endpoints' key.
delete from crew_endpoints as e where e.tenant_id = %(tenant_id)s and e.id = %(id)s
