-- Makes a silence. Index: silences' key.
insert into silences (tenant_id, name, alert_id, segment, starts_at, ends_at, created_by)
values (
    %(tenant_id)s, %(name)s, %(alert_id)s, %(segment)s, %(starts_at)s, %(ends_at)s, %(created_by)s
)
returning id
