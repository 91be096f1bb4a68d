-- Versions of schedules with sealed params, on from one; the operator's view. Index: schedule_versions_sealed.
select v.tenant_id, v.schedule_id as id, v.version, v.params::text as content from schedule_versions as v
where
    v.params::text like '%%"sealed:%%'
    and (v.schedule_id, v.version) > (%(after_id)s::uuid, %(after_version)s::integer)
order by v.schedule_id, v.version
limit %(room)s
