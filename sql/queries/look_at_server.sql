-- What `tocsin doctor` asks the server about itself.
select
    current_setting('server_version_num')::integer as version_number,
    current_setting('synchronous_commit') as synchronous_commit,
    (select count(*) > 0 from pg_roles as r where r.rolname = 'tocsin_api') as has_api_role,
    clock_timestamp() as now
