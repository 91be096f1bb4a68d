-- What `tocsin doctor` asks the server about itself.
select
    current_setting('server_version_num')::integer as version_number,
    current_setting('synchronous_commit') as synchronous_commit,
    clock_timestamp() as now,
    quote_ident(current_user) as owner,
    pg_has_role('pg_read_all_stats', 'usage') as may_see_sessions
