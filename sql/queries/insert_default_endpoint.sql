-- Makes the endpoint `default` of CREW_API_URL for a tenant that has none, or has it follow the setting.
-- Index: crew_endpoints' keys.
insert into crew_endpoints as e (id, tenant_id, name, url, is_from_setting)
select gen_random_uuid(), %(tenant_id)s, %(name)s, %(url)s, true
where
    not exists (
        select from crew_endpoints as o
        where o.tenant_id = %(tenant_id)s and not (o.name = %(name)s and o.is_from_setting)
    )
on conflict (tenant_id, name) do update
    set url = excluded.url, updated_at = now()
    where e.is_from_setting and e.url <> excluded.url
