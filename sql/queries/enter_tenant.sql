-- Puts the transaction behind the wall of one tenant, with an end to each statement; both pass with it.
-- `is_walled` is false where the role could not be made: then the first wall stands alone.
select
    set_config('statement_timeout', '10s', true) as statement_timeout,
    set_config('tocsin.tenant', %(tenant_id)s::uuid::text, true) as tenant,
    case when %(is_walled)s::boolean then set_config('role', 'tocsin_api', true) end as role
