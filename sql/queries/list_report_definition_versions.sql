-- What each version of a report definition said, newest first. Index: report_definition_versions' key.
select
    v.version, v.name, v.graph_id, v.dashboard_id, v.source_id, v.query, v.definition, v.created_at
from report_definition_versions as v
where v.tenant_id = %(tenant_id)s and v.report_definition_id = %(id)s
order by v.version desc
limit 1000
