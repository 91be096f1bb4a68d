-- Takes a limit away; what waited under it is let through. Index: limits' key (tenant_id, id).
delete from limits as l where l.tenant_id = %(tenant_id)s and l.id = %(id)s
