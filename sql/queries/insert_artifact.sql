-- Writes that a run made a file, under its fence, once for each name; answers what stands there; no row: the run was
-- taken away. The run is locked `for share`: a plain insert-select would let the reaper slip in between.
-- Index: runs' key.
with
run as (
    select r.id, r.slot_at, r.tenant_id, r.fence from runs as r
    where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
    for share
),

kept as (
    insert into artifacts (
        id, run_id, slot_at, tenant_id, fence, name, format, content_type, size_bytes, sha256, key, record_count
    )
    select
        %(id)s, run.id, run.slot_at, run.tenant_id, run.fence, %(name)s, %(format)s, %(content_type)s,
        %(size_bytes)s, %(digest)s, %(key)s, %(record_count)s
    from run
    on conflict (run_id, name, slot_at) do update set name = excluded.name
    returning id, name, format, content_type, size_bytes, sha256, key, record_count
)

select id, name, format, content_type, size_bytes, sha256, key, record_count from kept
