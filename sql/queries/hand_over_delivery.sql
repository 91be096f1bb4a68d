-- Records, under the fence and a live lease, that the content is about to leave; no row: it must not leave.
-- Index: deliveries' key.
update deliveries as d
set handed_over_at = now(), written_fence = d.fence
where
    d.id = %(id)s and d.slot_at = %(slot_at)s and d.fence = %(fence)s and d.state = 'sending'
    and exists (
        select from processes as p
        where p.id = %(process_id)s and p.lost_at is null and p.leased_until > now()
    )
