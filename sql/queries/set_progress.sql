-- Shows how far a run is, under its fence. Index: runs' key.
update runs as r
set progress = %(progress)s, written_fence = r.fence
where r.id = %(run_id)s and r.slot_at = %(slot_at)s and r.fence = %(fence)s and r.state = 'running'
