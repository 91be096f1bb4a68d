-- Schedules of which a version has sealed params, on from an id; the operator's view. Of schedules themselves there
-- is no such index: each tick would pay for it. Index: schedule_versions_sealed, then schedules' key.
with found as (
    select distinct v.schedule_id from schedule_versions as v
    where
        v.params::text like '%%"sealed:%%' and v.schedule_id > %(after_id)s::uuid and %(after_version)s::integer = 0
    order by v.schedule_id
    limit %(room)s
)

select s.tenant_id, s.id, 0 as version, s.params::text as content from schedules as s
inner join found on s.id = found.schedule_id
order by s.id
