-- Makes a graph; no row: the tenant has one of that name. Index: graphs' keys.
insert into graphs (
    tenant_id, name, description, source_id, query, unit, format, decimals, value_column, time_dimension, grain,
    segment_by
)
values (
    %(tenant_id)s, %(name)s, %(description)s, %(source_id)s, %(query)s, %(unit)s, %(format)s, %(decimals)s,
    %(value_column)s, %(time_dimension)s, %(grain)s, %(segment_by)s
)
on conflict (tenant_id, name) do nothing
returning id
