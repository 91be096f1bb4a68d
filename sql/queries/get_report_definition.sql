-- A tenant's report definition as it stands, or as a version of it said. Index: the keys of both tables.
select
    v.report_definition_id as id, v.name, v.version, v.graph_id, v.dashboard_id, v.source_id, v.query, v.definition
from report_definitions as d
inner join report_definition_versions as v
    on
        d.tenant_id = v.tenant_id and d.id = v.report_definition_id
        and v.version = coalesce(%(version)s::integer, d.version)
where d.tenant_id = %(tenant_id)s and d.id = %(id)s
