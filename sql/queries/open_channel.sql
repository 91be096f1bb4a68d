-- A tenant's channel as it is called, its credential sealed. Index: channels' key (tenant_id, id).
select c.name, c.type, c.sealed_credential, c.options from channels as c
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
