-- Changes a graph, which the caller holds. Index: graphs' key (tenant_id, id).
update graphs as g
set
    name = %(name)s, description = %(description)s, source_id = %(source_id)s, query = %(query)s, unit = %(unit)s,
    format = %(format)s, decimals = %(decimals)s, value_column = %(value_column)s,
    time_dimension = %(time_dimension)s, grain = %(grain)s, segment_by = %(segment_by)s, version = g.version + 1,
    updated_at = now()
where g.tenant_id = %(tenant_id)s and g.id = %(id)s
